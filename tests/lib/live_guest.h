/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live_guest.h - a running test guest as the tests of tests/guest see it: the
 * machine, its kernel, and the guest's own books of its table pages.
 */
#ifndef PTMM_TEST_LIVE_GUEST_H
#define PTMM_TEST_LIVE_GUEST_H

#include "guest-images/testguest/abi.h"
#include "guest-images/testguest/inventory.h"
#include "vmm/kvm/attach.h"
#include "walker/owner/owner.h"

struct live_guest {
	struct machine *machine;
	struct profile *profile;
	struct kernel *kernel;
};

/* The owners of one table page, sorted. */
struct owner_set {
	size_t count;
	gva_t mm[BOOK_OWNERS_MAX];
};

/* Both end the program with a message where they cannot do it. */
void live_open(struct live_guest *, const char *name);
void live_pause(struct live_guest *);
void live_resume(struct live_guest *);
void live_close(struct live_guest *);
struct census *live_census(const struct kernel *);

/* A copy of the books, a row per frame; the caller frees. Pause first. */
struct book *live_books(struct live_guest *, uint64_t *rows);
/* The newest event of a kind: false if there was none. */
bool live_event(struct live_guest *, enum doorbell_event, struct guest_event *);

void owners_of_row(const struct census *, size_t row, struct owner_set *);
void owners_of_book(const struct book *, struct owner_set *);
bool owners_equal(const struct owner_set *, const struct owner_set *);

/* One of the verdicts that a table of a sound guest at rest can have. */
bool verdict_is_sound(enum verdict);

/* A repeatable stream of numbers (xorshift64*); state must not be 0. */
uint64_t live_random(uint64_t *state);

#endif

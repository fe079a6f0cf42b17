// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/live_guest.h"

enum { EVENTS_MAX = 256 };

static void give_up(const char *what, const struct err *e)
{
	printf("not ok %s - %s\n", what, e->message);
	exit(1);
}

void live_open(struct live_guest *g, const char *name)
{
	struct err e = { 0 };
	const void *image;
	size_t size;

	memset(g, 0, sizeof(*g));
	g->machine = kvm_attach(name, &e);
	if (!g->machine)
		give_up("attach", &e);
	image = kvm_image(g->machine, &size);
	g->profile = profile_from_elf(image, size, name, &e);
	if (!g->profile)
		give_up("profile", &e);
	g->kernel = kernel_open(g->machine, g->profile, &e);
	if (!g->kernel)
		give_up("kernel", &e);
}

void live_close(struct live_guest *g)
{
	kernel_close(g->kernel);
	profile_free(g->profile);
	machine_close(g->machine);
}

void live_pause(struct live_guest *g)
{
	struct err e = { 0 };

	if (!g->machine->ops->pause(g->machine, &e))
		give_up("pause", &e);
}

void live_resume(struct live_guest *g)
{
	struct err e = { 0 };

	if (!g->machine->ops->resume(g->machine, &e))
		give_up("resume", &e);
}

struct census *live_census(const struct kernel *kernel)
{
	struct err e = { 0 };
	struct census *census = census_take(kernel, NULL, &e);

	if (!census)
		give_up("census", &e);
	return census;
}

bool live_event(struct live_guest *g, enum doorbell_event kind, struct guest_event *found)
{
	static struct guest_event events[EVENTS_MAX];
	struct err e = { 0 };
	uint64_t since = 0;
	bool any = false;
	int count;

	while ((count = kvm_events(g->machine, since, events, EVENTS_MAX, &e)) > 0) {
		for (int i = 0; i < count; i++) {
			if (events[i].event == (uint32_t)kind) {
				*found = events[i];
				any = true;
			}
		}
		since = events[count - 1].seq;
	}
	if (count < 0)
		give_up("events", &e);
	return any;
}

struct book *live_books(struct live_guest *g, uint64_t *rows)
{
	struct err e = { .message = "the guest has not said where" };
	struct guest_event event;
	struct books books;
	struct book *copy;
	gpa_t at;

	if (!live_event(g, DOORBELL_BOOKS, &event))
		give_up("books", &e);
	at = event.arg[0] | (uint64_t)event.arg[1] << 32;
	if (!machine_read(g->machine, at, &books, sizeof(books), &e))
		give_up("books", &e);
	if (books.magic != BOOKS_MAGIC || books.row_count > machine_frame_end(g->machine)) {
		err_set(&e, ERR_MALFORMED, at, "no books there");
		give_up("books", &e);
	}
	copy = calloc(books.row_count, sizeof(*copy));
	if (!copy || !machine_read(g->machine, books.rows_gpa, copy,
				   books.row_count * sizeof(*copy), &e))
		give_up("books", &e);
	*rows = books.row_count;
	return copy;
}

static void owners_add(struct owner_set *set, gva_t mm)
{
	size_t at = set->count++;

	for (; at > 0 && set->mm[at - 1] > mm; at--)
		set->mm[at] = set->mm[at - 1];
	set->mm[at] = mm;
}

void owners_of_row(const struct census *census, size_t row, struct owner_set *set)
{
	uint32_t index[BOOK_OWNERS_MAX];
	size_t count = census_owners(census, row, index, BOOK_OWNERS_MAX);
	const struct kernel_mms *mms = census_mms(census);

	set->count = 0;
	for (size_t i = 0; i < count && i < BOOK_OWNERS_MAX; i++)
		owners_add(set, mms->mms[index[i]].at);
	/* More owners than a book can hold: never equal to one. */
	if (count > BOOK_OWNERS_MAX)
		set->count = BOOK_OWNERS_MAX + 1;
}

void owners_of_book(const struct book *book, struct owner_set *set)
{
	set->count = 0;
	for (size_t i = 0; i < BOOK_OWNERS_MAX; i++)
		if (book->mm[i])
			owners_add(set, book->mm[i]);
}

bool owners_equal(const struct owner_set *a, const struct owner_set *b)
{
	return a->count == b->count && a->count <= BOOK_OWNERS_MAX &&
	       memcmp(a->mm, b->mm, a->count * sizeof(a->mm[0])) == 0;
}

bool verdict_is_sound(enum verdict verdict)
{
	return verdict == VERDICT_MATCH || verdict == VERDICT_KERNEL ||
	       verdict == VERDICT_SHARED || verdict == VERDICT_PTI_USER;
}

uint64_t live_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * random_tree.h - a guest with a random, half broken tree of page tables.
 *
 * For the tests that hold the library against reference_x86.h. Frames lie in
 * several regions with holes between them, one region only to be had by view,
 * one just below the CPU's MAXPHYADDR; some frames cannot be read. Entries are of
 * every kind, and tables point to tables of any level, to themselves, to
 * nowhere.
 */
#ifndef PTMM_TEST_RANDOM_TREE_H
#define PTMM_TEST_RANDOM_TREE_H

#include "tests/lib/buffer_machine.h"
#include "tests/unit/reference_x86.h"

enum { TREE_FRAMES = 24, TREE_PLACES_MAX = 64 };

struct random_tree {
	uint64_t seed, random;
	struct machine *machine;
	struct pt_space space;
	struct ref_cpu cpu;
	struct ref_memory memory;
	uint64_t cr3;
	uint64_t frame[TREE_FRAMES];	/* their addresses */
	bool unreadable[TREE_FRAMES];
	unsigned frames, used;
	uint64_t place[TREE_PLACES_MAX];	/* addresses that entries were made for */
	unsigned places;
};

/* The run's first seed: PTMM_SEED, or the clock's; prints it with the test's name. */
uint64_t random_seed(const char *test);
uint64_t random_next(uint64_t *state);
unsigned random_below(uint64_t *state, unsigned bound);

void random_tree_make(struct random_tree *, uint64_t seed);
void random_tree_free(struct random_tree *);
/* An address worth trying: near an entry, at a boundary, or anywhere. */
uint64_t random_tree_address(struct random_tree *);

#endif

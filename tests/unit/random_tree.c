// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/random_tree.h"

uint64_t random_seed(const char *test)
{
	const char *given = getenv("PTMM_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 0) :
		       ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) % 1000000000;
	printf("%s: PTMM_SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

/* splitmix64: any seed is as good as any other. */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned random_below(uint64_t *state, unsigned bound)
{
	return (unsigned)(random_next(state) >> 33) % bound;
}

static unsigned below(struct random_tree *t, unsigned bound)
{
	return random_below(&t->random, bound);
}

static int frame_index(const struct random_tree *t, uint64_t gpa)
{
	for (unsigned i = 0; i < t->frames; i++)
		if (t->frame[i] == (gpa & ~0xfffull))
			return (int)i;
	return -1;
}

static bool tree_is_ram(void *ctx, uint64_t gpa)
{
	return frame_index(ctx, gpa) >= 0;
}

static const uint64_t *tree_frame(void *ctx, uint64_t gpa)
{
	const struct random_tree *t = ctx;
	int i = frame_index(t, gpa);

	if (i < 0 || t->unreadable[i])
		return NULL;
	return buffer_machine_at(t->machine, t->frame[i]);
}

static void add_region(struct random_tree *t, uint64_t first, unsigned frames, bool mapped)
{
	buffer_machine_add(t->machine, first, (uint64_t)frames * 4096, mapped);
	for (unsigned i = 0; i < frames; i++)
		t->frame[t->frames++] = first + 4096 * i;
}

/* Slots at the edges of a table and in its middle are likelier than others. */
static unsigned random_slot(struct random_tree *t)
{
	static const uint16_t edges[] = { 0, 1, 255, 256, 257, 510, 511 };

	if (below(t, 2))
		return edges[below(t, sizeof(edges) / sizeof(edges[0]))];
	return below(t, 512);
}

static uint64_t random_frame(struct random_tree *t)
{
	return t->frame[below(t, t->frames)];
}

/* Somewhere below MAXPHYADDR, most likely no RAM. */
static uint64_t random_gpa(struct random_tree *t)
{
	return random_next(&t->random) & ((1ull << t->cpu.maxphyaddr) - 1) & ~0xfffull;
}

/* W, U, PWT, PCD, A, D, G and the ignored bits at random; NX where it is allowed. */
static uint64_t random_flags(struct random_tree *t)
{
	uint64_t flags = random_next(&t->random) & 0x7ff0000000000f7eull;

	if (t->cpu.nx && below(t, 2))
		flags |= 1ull << 63;
	return flags;
}

static void fill(struct random_tree *t, uint64_t gpa, int level, uint64_t va);

static uint64_t random_entry(struct random_tree *t, int level, uint64_t va)
{
	uint64_t flags = random_flags(t);
	uint64_t page;

	switch (below(t, 12)) {
	case 0: case 1: case 2: case 3:
		if (level == 0)
			return random_frame(t) | (flags ^ (uint64_t)below(t, 2) << 7) | 1;
		if (t->used == t->frames)
			return random_frame(t) | flags | 1;
		page = t->frame[t->used++];
		fill(t, page, level - 1, va);
		return page | flags | 1;
	case 4:		/* a frame that may be a table already, of any level */
		return random_frame(t) | flags | 1;
	case 5:		/* a leaf that is aligned as it should be, PAT at random */
		page = random_gpa(t) & ~((4096ull << 9 * level) - 1);
		return page | flags | 0x81 | (uint64_t)(level && below(t, 2)) << 12;
	case 6:		/* one that is not: reserved bits, unless the dice were kind */
		return random_gpa(t) | flags | 0x81;
	case 7:		/* PROT_NONE, inverted: as a PTE, or as a huge PMD */
		page = random_frame(t) ^ 0x000ffffffffff000ull;
		if (level && below(t, 2))
			page &= ~((4096ull << 9 * level) - 1);
		return page | ((flags | 0x100) & ~1ull);
	case 8:		/* swap-like, PSE alone, or any bits at all without P */
		if (below(t, 2))
			return random_next(&t->random) & ~0x181ull;
		return random_next(&t->random) & ~1ull;
	case 9:		/* only A and D, which Linux overlooks */
		return (uint64_t)(1 + below(t, 3)) << 5;
	case 10:	/* any reserved address bit */
		return random_frame(t) | flags | 1 |
		       1ull << (t->cpu.maxphyaddr + below(t, 53 - (unsigned)t->cpu.maxphyaddr));
	default:	/* anything at all */
		return random_next(&t->random);
	}
}

static void fill(struct random_tree *t, uint64_t gpa, int level, uint64_t va)
{
	unsigned entries = 1 + below(t, level == 0 ? 12 : 5);

	for (unsigned i = 0; i < entries; i++) {
		unsigned slot = random_slot(t);
		uint64_t at = va + ((uint64_t)slot << (12 + 9 * level));

		if (level == t->cpu.levels - 1 && slot >= 256)
			at |= level == 4 ? 0xfe00000000000000ull : 0xffff000000000000ull;
		if (t->places < TREE_PLACES_MAX)
			t->place[t->places++] = at;
		buffer_machine_set(t->machine, gpa + 8 * slot, random_entry(t, level, at));
	}
}

void random_tree_make(struct random_tree *t, uint64_t seed)
{
	static const uint8_t widths[] = { 32, 36, 39, 46, 48, 51, 52 };
	struct x86_regs regs = { 0 };
	const char *why = NULL;

	memset(t, 0, sizeof(*t));
	t->seed = t->random = seed;
	t->cpu = (struct ref_cpu) {
		.levels = 4 + (int)below(t, 2),
		.maxphyaddr = widths[below(t, sizeof(widths))],
		.nx = below(t, 4) != 0,
		.huge_1g = below(t, 2),
		.linux_rules = below(t, 4) != 0,
	};
	t->machine = buffer_machine_new(1);
	add_region(t, 0, 6, true);
	add_region(t, 0x100000, 6, true);
	add_region(t, 0x200000, 6, false);
	add_region(t, (1ull << t->cpu.maxphyaddr) - 0x6000, 6, true);
	t->memory = (struct ref_memory) { t, tree_is_ram, tree_frame };

	/* Tables are taken from all regions in turn. */
	for (unsigned i = 0; i < t->frames; i++) {
		unsigned j = i + below(t, t->frames - i);
		uint64_t swap = t->frame[i];

		t->frame[i] = t->frame[j];
		t->frame[j] = swap;
	}
	for (unsigned i = 1; i < t->frames; i++)
		if (below(t, 24) == 0) {
			t->unreadable[i] = true;
			buffer_machine_set_unreadable(t->machine, t->frame[i] >> 12);
		}

	t->cr3 = t->frame[t->used++];
	fill(t, t->cr3, t->cpu.levels - 1, 0);
	/* Bits of CR3 that are no address. */
	t->cr3 |= random_next(&t->random) & 0xe000000000000fffull;

	regs.cr0 = X86_CR0_PE | X86_CR0_PG;
	regs.cr3 = t->cr3;
	regs.cr4 = X86_CR4_PAE | (t->cpu.levels == 5 ? X86_CR4_LA57 : 0);
	regs.efer = X86_EFER_LME | X86_EFER_LMA | (t->cpu.nx ? X86_EFER_NXE : 0);
	regs.maxphyaddr = (uint8_t)t->cpu.maxphyaddr;
	regs.huge_1g = t->cpu.huge_1g;
	if (!x86_space(&t->space, &regs, t->cpu.linux_rules ? &pt_soft_linux_x86 : NULL, &why)) {
		fprintf(stderr, "random_tree: %s\n", why);
		abort();
	}
}

void random_tree_free(struct random_tree *t)
{
	machine_close(t->machine);
}

uint64_t random_tree_address(struct random_tree *t)
{
	static const uint64_t edges[] = {
		0, ~0ull, 0x7fffffffffffull, 0x800000000000ull, 0xffff800000000000ull,
		0xffff7fffffffffffull, 0xffffffffffffull, 0x1000000000000ull,
		0xffffffffffffffull, 0x100000000000000ull, 0xff00000000000000ull,
		0xfeffffffffffffffull,
	};
	uint64_t place = t->place[below(t, t->places)];
	uint64_t span = 4096ull << 9 * below(t, 5);

	switch (below(t, 8)) {
	case 0:
		return edges[below(t, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return random_next(&t->random);
	case 2:
		return place - 1;
	case 3:
		return place + span;
	case 4:
		return place + (span - 1);
	default:
		return place + (random_next(&t->random) & (span - 1));
	}
}

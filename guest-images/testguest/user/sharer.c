// SPDX-License-Identifier: GPL-2.0-only
/*
 * sharer.c - shared memory, of small pages and of 2 MiB pages. All sharers map
 * the huge object at the same 1 GiB-aligned address, so they get one PMD table
 * between them. Each writes its own words and verifies everyone's.
 */
#include "guest-images/testguest/user/lib.h"

#define HUGE_AT 0x4000000000ul
#define SMALL_AT 0x5000000000ul

enum { SMALL_PAGES = 16, HUGE_USED = 2, SLOTS = 8 };

static char *huge, *small;
static uint64_t me;

/* Slot n of page p belongs to sharer n: its word, or nothing yet. */
static void slots_verify(char *page)
{
	for (uint64_t n = 0; n < SLOTS; n++) {
		uint64_t *slot = (uint64_t *)page + n * 8;
		uint64_t word = *(volatile uint64_t *)slot;

		if (word != word_for((uint64_t)slot, n) && (word || n == me))
			fail("wrong shared word at", (uint64_t)slot);
	}
}

static void check(void)
{
	for (uint64_t i = 0; i < HUGE_USED; i++)
		slots_verify(huge + i * 2 * MIB);
	for (uint64_t i = 0; i < SMALL_PAGES; i++)
		slots_verify(small + i * PAGE);
}

static long shm(unsigned key, uint64_t size, unsigned flags)
{
	long id = call3(SYS_SHM_OPEN, key, size, flags);

	if (id < 0)
		fail("shm_open: error", (uint64_t)-id);
	return id;
}

/* arg0: which sharer; arg1: not 0: end after a few rounds. */
int main(uint64_t arg0, uint64_t arg1)
{
	board_open();
	me = arg0;
	huge = map(HUGE_AT, GIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   shm(SHM_HUGE_SHARED, GIB, SHM_HUGE));
	small = map(SMALL_AT, SMALL_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    shm(SHM_SHARED, SMALL_PAGES * PAGE, 0));
	for (uint64_t i = 0; i < HUGE_USED; i++)
		fill(huge + i * 2 * MIB + me * 64, 8, 8, me);
	for (uint64_t i = 0; i < SMALL_PAGES; i++)
		fill(small + i * PAGE + me * 64, 8, 8, me);
	check();
	if (arg1) {
		sleep_ms(40);
		check();
		return 0;
	}
	board_up();
	settle(check, 160);
}

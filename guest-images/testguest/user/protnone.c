// SPDX-License-Identifier: GPL-2.0-only
/*
 * protnone.c - PROT_NONE: pages that the CPU may not see and the kernel keeps.
 * At rest every other page is such; each round shows them again and verifies.
 */
#include "guest-images/testguest/user/lib.h"

enum { PAGES = 24 };

static char *memory;

static void hide(bool hidden)
{
	for (uint64_t i = 1; i < PAGES; i += 2)
		protect(memory + i * PAGE, PAGE, hidden ? PROT_NONE : PROT_READ | PROT_WRITE);
}

static void check(void)
{
	static unsigned round;

	for (uint64_t i = 0; i < PAGES; i += 2)
		verify(memory + i * PAGE, PAGE, 64, 3);
	if (++round % 8)
		return;
	hide(false);
	verify(memory, PAGES * PAGE, 64, 3);
	hide(true);
}

int main(uint64_t arg0, uint64_t arg1)
{
	char *reserved;

	(void)arg0;
	(void)arg1;
	board_open();
	memory = map_anywhere(PAGES * PAGE, 0);
	/* Address space without memory, as an allocator reserves it. */
	reserved = map(0, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	protect(reserved + 32 * MIB, PAGE, PROT_READ | PROT_WRITE);
	fill(reserved + 32 * MIB, PAGE, 64, 3);
	fill(memory, PAGES * PAGE, 64, 3);
	hide(true);
	check();
	board_up();
	settle(check, 160);
}

// SPDX-License-Identifier: GPL-2.0-only
/* execer.c - a process that has replaced its mm several times before it settles. */
#include "guest-images/testguest/user/lib.h"

enum { PAGES = 6 };

static char *memory;

static void check(void)
{
	verify(memory, PAGES * PAGE, 64, 9);
}

/* arg0: exec this many times more; arg1: not 0: then end instead of settling. */
int main(uint64_t arg0, uint64_t arg1)
{
	board_open();
	memory = map_anywhere(PAGES * PAGE, 0);
	/* A fresh mm has fresh memory. */
	for (uint64_t i = 0; i < PAGES * PAGE; i += 8)
		if (*(volatile uint64_t *)(memory + i))
			fail("fresh memory is not zero at", (uint64_t)memory + i);
	fill(memory, PAGES * PAGE, 64, 9);
	check();
	if (arg0)
		fail("exec: error", (uint64_t)-call3(SYS_EXEC, "execer", arg0 - 1, arg1));
	if (arg1)
		return 0;
	board_up();
	settle(check, 160);
}

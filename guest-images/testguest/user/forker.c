// SPDX-License-Identifier: GPL-2.0-only
/*
 * forker.c - a family on copy-on-write memory: each child rewrites its own part
 * and must see the parent's words in the rest; the parent must see only its own.
 */
#include "guest-images/testguest/user/lib.h"

enum { PAGES = 48, CHILDREN_MAX = 8 };

static char *memory;
static uint64_t me;		/* 0: the parent */
static uint64_t part;		/* bytes that a child makes its own */

static void check(void)
{
	for (uint64_t child = 1; child <= CHILDREN_MAX; child++)
		verify(memory + (child - 1) * part, part, 256, child == me ? 100 + me : 7);
	verify(memory + CHILDREN_MAX * part, PAGES * PAGE - CHILDREN_MAX * part, 256, 7);
}

/* arg0: how many children. */
int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg1;
	board_open();
	part = PAGES * PAGE / (CHILDREN_MAX * 2);
	memory = map_anywhere(PAGES * PAGE, 0);
	fill(memory, PAGES * PAGE, 256, 7);
	for (uint64_t child = 1; child <= arg0 && child <= CHILDREN_MAX; child++) {
		if (fork())
			continue;
		me = child;
		fill(memory + (me - 1) * part, part, 256, 100 + me);
		break;
	}
	check();
	board_up();
	settle(check, 160);
}

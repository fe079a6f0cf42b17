// SPDX-License-Identifier: GPL-2.0-only
/* victim.c - whose mm gets the planted bug of bug=NAME. */
#include "guest-images/testguest/user/lib.h"

enum { PAGES = 4 };

static char *memory;

static void check(void)
{
	verify(memory, PAGES * PAGE, 64, 11);
}

int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg0;
	(void)arg1;
	board_open();
	memory = map_anywhere(PAGES * PAGE, 0);
	fill(memory, PAGES * PAGE, 64, 11);
	call0(SYS_PLANT_BUG);
	board_up();
	settle(check, 160);
}

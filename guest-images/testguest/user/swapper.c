// SPDX-License-Identifier: GPL-2.0-only
/* swapper.c - pages that go to swap and come back with what they held. */
#include "guest-images/testguest/user/lib.h"

enum { PAGES = 32 };

static char *memory;

static void page_out(void)
{
	long pages = call2(SYS_PAGEOUT, memory, PAGES * PAGE);

	if (pages <= 0)
		fail("pageout: error", (uint64_t)-pages);
}

static void check(void)
{
	static unsigned round;

	/* A few come back in each round; now and then all go out again. */
	verify(memory + round % PAGES * PAGE, PAGE, 64, 5);
	if (++round % (PAGES / 2) == 0)
		page_out();
}

int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg0;
	(void)arg1;
	board_open();
	memory = map_anywhere(PAGES * PAGE, 0);
	fill(memory, PAGES * PAGE, 64, 5);
	page_out();
	verify(memory, 2 * PAGE, 64, 5);
	board_up();
	settle(check, 200);
}

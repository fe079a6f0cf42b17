// SPDX-License-Identifier: GPL-2.0-only
/* huge.c - 2 MiB pages, private; and a fork's copy-on-write of one of them. */
#include "guest-images/testguest/user/lib.h"

#define SIZE (2 * 2 * MIB)

static char *memory;
static uint64_t salt;

static void check(void)
{
	verify(memory, SIZE, PAGE, salt);
}

/* arg0: salt; arg1: not 0: a child shares the pages until it writes to one. */
int main(uint64_t arg0, uint64_t arg1)
{
	board_open();
	salt = arg0;
	memory = map_anywhere(SIZE, MAP_HUGE);
	fill(memory, SIZE, PAGE, salt);
	if (arg1 && !fork()) {
		check();
		fill(memory, 2 * MIB, PAGE, salt + 1);
		fill(memory, 2 * MIB, PAGE, salt);
	}
	check();
	board_up();
	settle(check, 200);
}

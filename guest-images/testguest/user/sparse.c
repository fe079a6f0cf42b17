// SPDX-License-Identifier: GPL-2.0-only
/*
 * sparse.c - hundreds of PTE tables with one entry each: one page touched in
 * every 2 MiB of a large mapping, and lone pages far apart, each of which wants a
 * table of every level for itself.
 */
#include "guest-images/testguest/user/lib.h"

#define STEP (2 * MIB)
#define FAR_FIRST 0x300000000000ul
#define FAR_STEP 0x010000000000ul	/* 1 TiB: another PUD table */

enum { FAR = 4 };

static char *wide, *far_page[FAR];
static uint64_t tables, salt;

static void check(void)
{
	verify(wide, tables * STEP, STEP, salt);
	for (int i = 0; i < FAR; i++)
		verify(far_page[i], PAGE, 8, salt + 1);
}

/* arg0: how many PTE tables. */
int main(uint64_t arg0, uint64_t arg1)
{
	board_open();
	tables = arg0;
	salt = arg1;
	wide = map_anywhere(tables * STEP, 0);
	fill(wide, tables * STEP, STEP, salt);
	for (int i = 0; i < FAR; i++) {
		far_page[i] = map(FAR_FIRST + (uint64_t)i * FAR_STEP, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
		fill(far_page[i], PAGE, 8, salt + 1);
	}
	check();
	board_up();
	settle(check, 200);
}

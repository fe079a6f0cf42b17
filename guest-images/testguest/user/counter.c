// SPDX-License-Identifier: GPL-2.0-only
/* counter.c - computes in ring 3 without a system call: only the timer stops it. */
#include "guest-images/testguest/user/lib.h"

#define SPIN 5000000ul

static uint64_t count;

static void check(void)
{
	volatile uint64_t *p = &count;
	uint64_t before = *p;

	for (uint64_t i = 0; i < SPIN; i++)
		*p = *p + 1;
	if (count != before + SPIN)
		fail("a count went wrong:", count);
}

int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg0;
	(void)arg1;
	board_open();
	check();
	board_up();
	settle(check, 500);
}

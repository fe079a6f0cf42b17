// SPDX-License-Identifier: GPL-2.0-only
/* threads.c - several threads in one mm, each with memory that the others verify. */
#include "guest-images/testguest/user/lib.h"

enum { THREADS = 3, PAGES = 8, STACK = 16384 };

static char *memory;		/* THREADS + 1 parts of PAGES pages */
static uint32_t ready;

static void check(void)
{
	for (uint64_t i = 0; i <= THREADS; i++)
		verify(memory + i * PAGES * PAGE, PAGES * PAGE, 128, 20 + i);
}

static void fill_part(uint64_t i)
{
	fill(memory + i * PAGES * PAGE, PAGES * PAGE, 128, 20 + i);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) <= THREADS)
		sleep_ms(20);
}

static void thread(uint64_t i)
{
	fill_part(i);
	settle(check, 180);
}

int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg0;
	(void)arg1;
	board_open();
	memory = map_anywhere((THREADS + 1) * PAGES * PAGE, 0);
	for (uint64_t i = 1; i <= THREADS; i++) {
		char *stack = map_anywhere(STACK, 0);
		/* As after a call: RSP is 8 off a multiple of 16. */
		long tid = call3(SYS_THREAD, thread, stack + STACK - 8, i);

		if (tid < 0)
			fail("thread: error", (uint64_t)-tid);
	}
	fill_part(0);
	check();
	board_up();
	settle(check, 180);
}

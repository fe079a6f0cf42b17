// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe.c - what this CPU really lets ring 3 do at an address: read, write,
 * execute. Says it on the console, a line an address, "probe r-x at 0x...", and
 * stays alive, so that an inspector can be asked the same (tests/guest/rights.sh).
 *
 * Each access is made by a child of its own, which dies where it is not allowed.
 * Shared memory only: fork changes the rights of private pages.
 */
#include "guest-images/testguest/user/lib.h"

#define BASE	0x500000000000ul
#define RET	0xc3
#define KEY	0x70726f62u

enum access { READ = 1, WRITE = 2, EXECUTE = 4 };

static void access_page(uint64_t at, enum access how)
{
	volatile uint8_t *byte = (volatile uint8_t *)at;

	if (how == READ)
		(void)*byte;
	else if (how == WRITE)
		*byte = RET;
	else
		((void (*)(void))at)();
}

static bool allowed(uint64_t at, enum access how)
{
	int status = 0, child = fork();

	if (child == 0) {
		access_page(at, how);
		exit(0);
	}
	call3(SYS_WAIT, child, &status, 0);
	return status == 0;
}

static void probe(uint64_t at)
{
	static const char *const texts[] = {
		"probe --- at", "probe r-- at", "probe -w- at", "probe rw- at",
		"probe --x at", "probe r-x at", "probe -wx at", "probe rwx at",
	};
	unsigned rights = 0;

	for (unsigned how = READ; how <= EXECUTE; how <<= 1)
		if (allowed(at, (enum access)how))
			rights |= how;
	say(texts[rights], at);
}

/* A page of the object at `va` with these rights, present beforehand where it may be. */
static uint64_t page(uint64_t va, long shm, unsigned prot)
{
	map(va, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shm);
	*(volatile uint8_t *)va = RET;
	protect((void *)va, PAGE, prot);
	if (prot & PROT_READ)
		(void)*(volatile uint8_t *)va;
	return va;
}

int main(uint64_t arg0, uint64_t arg1)
{
	long small = call3(SYS_SHM_OPEN, KEY, PAGE, 0);
	long huge = call3(SYS_SHM_OPEN, KEY + 1, 2 * MIB, SHM_HUGE);
	uint64_t big = BASE + GIB;

	(void)arg0;
	(void)arg1;
	probe(page(BASE, small, PROT_READ));
	probe(page(BASE + 2 * PAGE, small, PROT_READ | PROT_WRITE));
	probe(page(BASE + 4 * PAGE, small, PROT_READ | PROT_EXEC));
	probe(page(BASE + 6 * PAGE, small, PROT_READ | PROT_WRITE | PROT_EXEC));
	probe(page(BASE + 8 * PAGE, small, PROT_NONE));
	map(big, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_HUGE, huge);
	*(volatile uint8_t *)(big + MIB) = RET;
	probe(big + MIB);
	probe((uint64_t)&main);
	/* Nothing there; the kernel's; the edges of the canonical halves, and between. */
	probe(BASE + 10 * PAGE);
	probe(0xffffffff80000000ul + 0x200000);
	probe(0x00007ffffffff000ul);
	probe(0x0000800000000000ul);
	probe(0x00ff800000000000ul);
	probe(0xfeff800000000000ul);
	probe(0xfffffffffffff000ul);
	say("probes done", 0);
	for (;;)
		sleep_ms(1000);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn.c - never at rest: maps, fills, verifies, protects, swaps, forks, execs,
 * exits and unmaps, in an order that follows from its seed.
 */
#include "guest-images/testguest/user/lib.h"

enum { AREAS = 6 };

static struct area {
	char *at;
	uint64_t size, step, salt;
} areas[AREAS];

static uint64_t state;

static uint64_t pick(uint64_t below)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (state >> 33) % below;
}

static void area_make(struct area *a)
{
	static const uint64_t steps[] = { 512, PAGE, 2 * MIB };
	uint64_t kind = pick(10);

	a->step = steps[kind < 5 ? 0 : kind < 8 ? 1 : 2];
	a->size = a->step == 2 * MIB ? (1 + pick(12)) * 2 * MIB : (1 + pick(40)) * PAGE;
	a->salt = pick(200);
	if (kind == 9 && pick(4) == 0) {
		a->size = 2 * MIB;
		a->step = PAGE;
		a->at = map_anywhere(a->size, MAP_HUGE);
	} else {
		a->at = map_anywhere(a->size, 0);
	}
	fill(a->at, a->size, a->step, a->salt);
}

static void area_drop(struct area *a)
{
	verify(a->at, a->size, a->step, a->salt);
	unmap(a->at, a->size);
	a->at = NULL;
}

static void areas_verify(void)
{
	for (int i = 0; i < AREAS; i++)
		if (areas[i].at)
			verify(areas[i].at, areas[i].size, areas[i].step, areas[i].salt);
}

static void reap(int pid, int expected)
{
	int status = -1;
	long got = call3(SYS_WAIT, pid, &status, 0);

	if (got != pid)
		fail("wait: got", (uint64_t)got);
	if (status != expected)
		fail("a child's status:", (uint64_t)status);
}

/* The child changes its copy, sees it, and leaves ours alone. */
static void family(void)
{
	int pid = fork();

	if (!pid) {
		areas_verify();
		for (int i = 0; i < AREAS; i++) {
			struct area *a = &areas[i];

			if (!a->at || pick(2))
				continue;
			fill(a->at, a->size, a->step, a->salt + 1);
			verify(a->at, a->size, a->step, a->salt + 1);
		}
		exit(42);
	}
	if (pick(2))
		areas_verify();
	reap(pid, 42);
}

static void hide_and_show(struct area *a)
{
	protect(a->at, a->size, PROT_NONE);
	if (pick(3) == 0)
		sleep_ms(20);
	protect(a->at, a->size, PROT_READ);
	verify(a->at, a->size, a->step, a->salt);
	protect(a->at, a->size, PROT_READ | PROT_WRITE);
	fill(a->at, a->size, a->step, a->salt);
}

static void round_of(struct area *a)
{
	switch (pick(12)) {
	case 0:
	case 1:
		family();
		break;
	case 2:
		reap(spawn("execer", pick(2), 1), 0);
		break;
	case 3:
		reap(spawn("sharer", 3, 1), 0);
		break;
	case 4:
		sleep_ms(20);
		break;
	case 5:
		if (a->at)
			hide_and_show(a);
		break;
	case 6:
		/* Only small pages: a huge one may be refused. */
		if (a->at && a->size < 2 * MIB)
			call2(SYS_PAGEOUT, a->at, a->size);
		break;
	default:
		if (a->at)
			area_drop(a);
		else
			area_make(a);
	}
}

/* arg0: seed. */
int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg1;
	board_open();
	state = arg0 * 0x9e3779b97f4a7c15ul + 1;
	for (int i = 0; i < 3; i++)
		area_make(&areas[i]);
	board_up();
	for (uint64_t n = 0;; n++) {
		round_of(&areas[pick(AREAS)]);
		if (n % 4 == 0)
			areas_verify();
		__atomic_add_fetch(&board->rounds, 1, __ATOMIC_RELAXED);
	}
}

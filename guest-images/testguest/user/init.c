// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - pid 1: starts the workload that the command line asks for, says READY
 * when all of it is up, then reaps.
 *
 *   workload=small   a handful of processes instead of all
 *   churn[=N]        N (2) processes more that never rest
 *   bug=NAME         two victims, the first thing in whose mm is the planted bug
 *   probe            a process that says on the console what it may access
 *   seconds=N        power off after that long; status: failed self-checks
 *
 * On the serial line 's' asks for a status line and 'q' powers off.
 */
#include "guest-images/testguest/user/lib.h"

static const struct start {
	const char *name;
	uint64_t arg0, arg1;
	unsigned processes;	/* that come up: children too */
	bool small;		/* part of workload=small */
} workload[] = {
	{ "sparse", 150, 1, 1, false },
	{ "sparse", 130, 2, 1, false },
	{ "sparse", 8, 3, 1, true },
	{ "forker", 3, 0, 4, false },
	{ "forker", 1, 0, 2, true },
	{ "sharer", 0, 0, 1, true },
	{ "sharer", 1, 0, 1, true },
	{ "sharer", 2, 0, 1, false },
	{ "huge", 1, 0, 1, false },
	{ "huge", 2, 1, 2, false },
	{ "protnone", 0, 0, 1, true },
	{ "swapper", 0, 0, 1, false },
	{ "threads", 0, 0, 1, true },
	{ "execer", 3, 0, 1, false },
	{ "counter", 0, 0, 1, false },
};

enum { STARTS = sizeof(workload) / sizeof(workload[0]) };

static bool reap(void)
{
	int status = 0;
	long pid = call3(SYS_WAIT, -1, &status, 1);

	if (pid > 0 && status)
		say_two("pid", (uint64_t)pid, " ended with status", (uint64_t)status);
	return pid > 0;
}

/* What came in on the serial line: one letter a command. */
static void console(void)
{
	char c;

	while (call3(SYS_READ, 0, &c, 1) == 1) {
		if (c == 's')
			say_two("rounds of verifying:", board->rounds, " failures:",
				board->failures);
		if (c == 'q')
			call1(SYS_POWEROFF, board->failures);
	}
}

static void wait_up(unsigned expected)
{
	while (__atomic_load_n(&board->up, __ATOMIC_SEQ_CST) < expected) {
		if (reap() && board->failures) {
			say("the workload did not come up, failures:", board->failures);
			call1(SYS_POWEROFF, board->failures);
		}
		sleep_ms(0);
	}
}

int main(uint64_t arg0, uint64_t arg1)
{
	char value[64];
	bool small = call3(SYS_OPTION, "workload", value, sizeof(value)) == 0 && value[0] == 's';
	uint64_t churners = option_given("churn") ? option("churn", 2) : 0, end;
	unsigned expected = 0;

	(void)arg0;
	(void)arg1;
	board_open();
	for (int i = 0; i < STARTS; i++) {
		if (small && !workload[i].small)
			continue;
		spawn(workload[i].name, workload[i].arg0, workload[i].arg1);
		expected += workload[i].processes;
	}
	if (option_given("churn") && !churners)
		churners = 2;
	for (uint64_t i = 0; i < churners; i++)
		spawn("churn", i + 1, 0);
	expected += (unsigned)churners;
	wait_up(expected);
	if (option_given("bug")) {
		/* One after the other: some bugs want the second to find the first. */
		for (int i = 0; i < 2; i++) {
			spawn("victim", 0, 0);
			wait_up(++expected);
		}
	}
	if (option_given("probe"))
		spawn("probe", 0, 0);
	call0(SYS_READY);
	end = option("seconds", 0) * 1000 + (uint64_t)call0(SYS_UPTIME_MS);
	for (;;) {
		sleep_ms(100);
		while (reap())
			;
		console();
		if (option_given("seconds") && (uint64_t)call0(SYS_UPTIME_MS) >= end) {
			say("rounds of verifying:", board->rounds);
			call1(SYS_POWEROFF, board->failures);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * syscalls.h - the system calls' numbers, for the kernel and the programs of
 * ring 3. RAX = number, arguments as in Linux; numbers are Linux's where it has
 * such a call (some take simpler arguments here).
 */
#ifndef TESTGUEST_SYSCALLS_H
#define TESTGUEST_SYSCALLS_H

enum {
	SYS_READ = 0,		/* (0, buf, size): what came in on COM1; 0: nothing */
	SYS_WRITE = 1,		/* (1, buf, size): to the console */
	SYS_MMAP = 9,
	SYS_MPROTECT = 10,
	SYS_MUNMAP = 11,
	SYS_SCHED_YIELD = 24,
	SYS_SHM_OPEN = 29,	/* (key, size, flags): a number for mmap */
	SYS_SLEEP_MS = 35,	/* (milliseconds) */
	SYS_GETPID = 39,
	SYS_THREAD = 56,	/* (entry, stack, arg) */
	SYS_FORK = 57,
	SYS_EXEC = 59,		/* (name, arg0, arg1) */
	SYS_EXIT = 60,		/* this thread */
	SYS_WAIT = 61,		/* (pid or -1, int *status, flags: 1 = do not hang) */
	SYS_KILL = 62,
	SYS_MEMINFO = 99,	/* (struct meminfo *) */
	SYS_POWEROFF = 169,	/* (status) */
	SYS_GETTID = 186,
	SYS_UPTIME_MS = 201,
	SYS_EXIT_GROUP = 231,
	/* Not Linux's. */
	SYS_PAGEOUT = 500,	/* (address, size): swaps pages out, returns how many */
	SYS_READY,		/* the workload is up: rings the doorbell */
	SYS_OPTION,		/* (name, buf, size): an option of the command line; -ENOENT */
	SYS_PLANT_BUG,		/* the bug of bug=NAME is planted in the caller's mm */
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of using memory that workload.c shows, a process or a few each. */
#ifndef PTMM_LINUX_SCENES_H
#define PTMM_LINUX_SCENES_H

#include <sys/types.h>

struct scene {
	const char *name;		/* the process's comm */
	void (*run)(int number);	/* sets its memory up, then calls scene_rest() */
	int number;
};

/* Starts it and waits until it rests. Its pid; -1 if it failed. */
pid_t scene_start(const struct scene *scene);

/* Starts all that this kernel has the means for; returns how many failed. */
int scene_start_all(void);

/* Processes that never rest. */
void scene_start_churn(void);

/* Tells the starter, has the kernel settle this thread's counters, sleeps for good. */
void scene_rest(void) __attribute__((noreturn));

void scene_anon(int mib);
void scene_plain(int number);

#endif

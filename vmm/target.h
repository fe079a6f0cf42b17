/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - TARGET of the command line: which machine, and the kernel in it.
 *
 * kvm:NAME is a guest of our own VMM; a bare NAME means the same unless a file
 * of that name is there. Used by every subcommand that looks into a guest.
 */
#ifndef PTMM_TARGET_H
#define PTMM_TARGET_H

#include "walker/ptmm.h"

struct target {
	struct machine *machine;
	struct profile *profile;
	struct kernel *kernel;
	double open_seconds;
};

/* Errors name the target. Nothing is left open after one. */
bool target_open(struct target *, const char *uri, struct err *);
void target_close(struct target *);

/*
 * Where something failed because the guest ended meanwhile, says so instead of
 * what it looked like from here.
 */
void target_explain(struct target *, struct err *);

/* Seconds on a clock that only goes forward. */
double target_clock(void);

#endif

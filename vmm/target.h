/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - TARGET of the command line: which machine, and the kernel in it.
 *
 * kvm:NAME is a guest of our own VMM, core:FILE a memory dump, raw:FILE an image of
 * memory (raw:FILE?map=MAP); a bare word means the dump of that name if it is there,
 * else the guest. Used by every subcommand that looks into a guest.
 */
#ifndef PTMM_TARGET_H
#define PTMM_TARGET_H

#include "walker/ptmm.h"

struct target {
	struct machine *machine;
	struct profile *profile;
	struct kernel *kernel;		/* NULL only where it was optional */
	struct err no_kernel;		/* then: why */
	double open_seconds;
};

/* What the command line says beside the target; all may be left zero. */
struct target_options {
	const char *memory_map;		/* of raw: which part of the file lies where */
	const char *vmlinux, *symbols, *btf;	/* files about the kernel; see kernel_files.h */
	bool kernel_optional;		/* a machine without a known kernel will do */
};

/* Errors name the target. Nothing is left open after one. options may be NULL. */
bool target_open(struct target *, const char *uri, const struct target_options *, struct err *);
void target_close(struct target *);

/*
 * Where something failed because the guest ended meanwhile, says so instead of
 * what it looked like from here.
 */
void target_explain(struct target *, struct err *);

/* Seconds on a clock that only goes forward. */
double target_clock(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.h - one look at a whole guest: census and findings, as consistent as asked.
 *
 * A paused guest may have been stopped in the middle of fork or munmap. What
 * looks wrong is therefore looked at again after the guest ran on a little, and
 * only what stays wrong is judged; a guest where all is fine is paused once.
 * Used by `ptmm report` and `ptmm tables`.
 */
#ifndef PTMM_LOOK_H
#define PTMM_LOOK_H

#include "vmm/target.h"

enum { LOOK_VCPUS_MAX = 64 };

struct look_options {
	bool live;			/* never pause */
	struct census_options census;
};

struct look {
	struct census *census;
	struct findings findings;
	struct x86_regs vcpus[LOOK_VCPUS_MAX];
	size_t vcpu_count;
	unsigned looks;			/* 1 if all was fine at once */
	double pause_seconds;		/* all pauses together */
	double census_seconds, check_seconds;
};

bool look_take(struct look *, struct target *, const struct look_options *, struct err *);
void look_free(struct look *);

/* What the writers want; borrows from both. */
struct report look_report(const struct look *, const struct target *, bool live);

#endif

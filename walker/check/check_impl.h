/* SPDX-License-Identifier: GPL-2.0-only */
/* check_impl.h - what a check function works with. Private to walker/check. */
#ifndef PTMM_CHECK_IMPL_H
#define PTMM_CHECK_IMPL_H

#include "walker/check/check.h"

struct check_run {
	const struct census *census;
	const struct kernel *kernel;
	struct findings *findings;
	size_t room;
	bool no_memory;
};

/* Adds `at` with a message; beyond the limit it is only counted. */
void finding_add(struct check_run *, const struct finding *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* tables.c */
void check_verdicts(struct check_run *);
void check_unreadable(struct check_run *);
void check_pgtables_bytes(struct check_run *);

/* entries.c */
void check_kernel_half(struct check_run *);
void check_self_map(struct check_run *);
void check_bad_entry(struct check_run *);
void check_beyond_ram(struct check_run *);

#endif

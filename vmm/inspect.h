/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inspect.h - the frame around every subcommand that looks and prints: open the
 * target, open the output, work, close both, one line for what went wrong.
 */
#ifndef PTMM_INSPECT_H
#define PTMM_INSPECT_H

#include <stdio.h>

#include "vmm/target.h"

/* Writes to the stream; may raise *status from EXIT_FINE to EXIT_FINDINGS. */
typedef bool inspect_fn(struct target *, FILE *, void *request, int *status, struct err *);

/* Returns the exit status. output: NULL or "-" is standard output. */
int inspect(const char *uri, const struct target_options *, const char *output,
	    inspect_fn *work, void *request);

#endif

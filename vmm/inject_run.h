/* SPDX-License-Identifier: GPL-2.0-only */
/* inject_run.h - one injection into a running guest, from target to outcome. */
#ifndef PTMM_INJECT_RUN_H
#define PTMM_INJECT_RUN_H

#include <stdio.h>

#include "vmm/target.h"
#include "walker/inject/inject.h"
#include "walker/report/report.h"

enum inject_signal { SIGNAL_SRAO, SIGNAL_SRAR };

/* When the guest is stopped to be hit. */
enum inject_moment {
	MOMENT_QUIET,		/* every vCPU in user mode or halted */
	MOMENT_ANY,
	MOMENT_LOADED,		/* quiet, and some vCPU has the table as its root */
	MOMENT_UNLOADED,	/* quiet, and none has */
};

struct inject_request {
	struct inject_spec spec;
	const char *level;	/* name, resolved once the guest's format is known */
	enum inject_signal signal;
	enum inject_moment moment;
	int vcpu;		/* -1: choose */
	double watch, timeout;	/* seconds */
	enum report_format format;
};

/* The work of inspect() for a struct inject_request. */
bool inject_run(struct target *, FILE *, void *request, int *status, struct err *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* injection.h - the report of one injection, schema ptmm.injection/1. */
#ifndef PTMM_REPORT_INJECTION_H
#define PTMM_REPORT_INJECTION_H

#include "walker/inject/inject.h"
#include "walker/report/report.h"

struct injection_report {
	const char *uri;
	const char *cpu_vendor;		/* decides what a kernel does with a machine check */
	const struct pt_format *format;
	const struct inject_target *target;
	const struct kernel_mms *mms;	/* as of the injection */

	const char *signal;		/* "srao-scrub" */
	struct machine_mce mce;
	const char *moment;		/* where the vCPU was: "user", "kernel", "idle" */
	uint64_t rip;
	double reaction_seconds;	/* until the guest said what it did; < 0: it never did */

	const struct inject_evidence *evidence;
	double watched_seconds;
	const char *end_reason;		/* why the guest ended, or NULL */
	enum outcome outcome, prediction;
	const char *prediction_why;
};

bool report_injection(FILE *, const struct injection_report *, enum report_format, struct err *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what ptmm prints. The only folder that knows json-c.
 *
 * Schemas: ptmm.report/1, ptmm.walk/1, ptmm.injection/1; docs in ptmm-report(1).
 */
#ifndef PTMM_REPORT_H
#define PTMM_REPORT_H

#include <stdio.h>

#include "walker/check/check.h"

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_JSONL };

struct report_consistency {
	const char *mode;	/* "paused", "verified", "live", "dump" */
	unsigned looks;		/* how often the guest was looked at */
	double pause_seconds;
};

struct report_timing {
	double open_seconds, census_seconds, check_seconds;
};

/*
 * All that a report is made from. The registers were sampled with the census:
 * by the time a report is written the guest may run again. Nothing here makes
 * writing a report read the guest.
 */
struct report {
	const struct kernel *kernel;
	const struct census *census;
	const struct findings *findings;
	const struct x86_regs *vcpus;
	size_t vcpu_count;
	size_t owners_max;	/* text lists this many address spaces; 0: all */
	struct report_consistency consistency;
	struct report_timing timing;
};

bool report_write(FILE *, const struct report *, enum report_format, struct err *);

/* Rows of `ptmm tables`. A field is a wild card at its default. */
struct table_filter {
	int level;		/* -1: any */
	int verdict;		/* -1: any */
	int64_t pid;		/* -1: any */
	int owner_kind;		/* enum mm_kind, -1: any */
};
enum table_sort { SORT_PFN, SORT_VA, SORT_OWNER, SORT_LEVEL, SORT_VERDICT, SORT_ENTRIES };

bool report_tables(FILE *, const struct report *, const struct table_filter *,
		   enum table_sort, enum report_format, struct err *);

/* What addresses are translated in. */
struct report_space {
	struct machine *machine;
	const struct kernel *kernel;	/* NULL: none is known, addresses have no names */
	const struct pt_space *space;
	enum pt_mode mode;
	gva_t mm;		/* 0: not known */
	const struct task *task;	/* NULL: `name` says what this is */
	const char *name;	/* "init_mm", "vcpu 0", "cr3 0x1000" */
	/* Symbols that the addresses were given by, NULL where not; may be NULL. */
	const char *const *symbols;
};

/* Each address, level by level. Reads the guest: pause it for an exact answer. */
bool report_walk(FILE *, const struct report_space *, const gva_t *addresses, size_t count,
		 enum report_format, struct err *);

/* "pid 7 sparse", "init_mm", "mm 0xffff...": whose address space; returns buf. */
char *report_mm_label(const struct kernel_mms *, uint32_t mm, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * summary.h - a census counted up: per owner, per level, per verdict.
 *
 * Made once per report; the text and the JSON print the same numbers from it.
 */
#ifndef PTMM_REPORT_SUMMARY_H
#define PTMM_REPORT_SUMMARY_H

#include "walker/report/report.h"

struct owner_summary {
	uint32_t total;
	uint32_t tables[PT_LEVELS_MAX];		/* by level */
	uint32_t by_verdict[VERDICTS];
	int64_t shared_with;			/* another owner of one of its tables, -1 */
	size_t sharers;				/* how many others share that table */
};

struct summary {
	size_t tables;
	size_t by_level[PT_LEVELS_MAX];
	size_t by_verdict[VERDICTS];
	size_t by_severity[SEVERITY_ERROR + 1];
	size_t spaces;				/* address spaces that are not the kernel's */
	struct owner_summary *owners;		/* one per mm of the census */
	size_t ownerless;
};

/*
 * All owners of a row in a buffer that grows as needed. Start with zeros, free
 * `list` at the end.
 */
struct owner_list {
	uint32_t *list;
	size_t count, room;
};

bool owner_list_fill(struct owner_list *, const struct census *, size_t row, struct err *);

bool summary_make(struct summary *, const struct report *, struct err *);
void summary_free(struct summary *);

#endif

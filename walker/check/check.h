/* SPDX-License-Identifier: GPL-2.0-only */
/* check.h - invariants of page tables, one function each; findings. */
#ifndef PTMM_CHECK_H
#define PTMM_CHECK_H

#include "walker/owner/owner.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
	const char *check;	/* id, static */
	enum severity severity;
	bool has_pfn, has_mm, has_va;
	pfn_t pfn;
	gva_t mm, va;
	char message[200];
};

struct findings {
	struct finding *list;
	size_t count;
	size_t dropped;		/* beyond the limit; never silently */
};

struct check_run;

/* One entry of the catalogue. Ids of findings by `verdict` are the verdicts' names. */
struct check {
	const char *id;
	void (*run)(struct check_run *);
	const char *rule;
};

const struct check *check_list(size_t *count);

/* Runs every check over a census. Findings are in the order of the catalogue. */
bool check_run(const struct census *, const struct kernel *, struct findings *, struct err *);
void findings_free(struct findings *);
const char *severity_name(enum severity);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inject.h - what to hit with an uncorrectable error, and what happened.
 *
 * Pure judgement over a census and over evidence that the caller gathered from
 * outside; raising the machine check is the machine's business.
 */
#ifndef PTMM_INJECT_H
#define PTMM_INJECT_H

#include "walker/owner/owner.h"

/* Owners of one table that are listed; a shared table may have more. */
enum { INJECT_OWNERS_MAX = 64 };

enum inject_by { INJECT_PFN, INJECT_VA, INJECT_RANDOM };

struct inject_spec {
	enum inject_by by;
	pfn_t pfn;
	int32_t pid;
	gva_t va;
	unsigned level;
	uint64_t seed;
};

enum outcome {
	OUTCOME_MASKED,			/* nobody died, the guest runs on */
	OUTCOME_OWNER_KILLED,		/* the owners died, and nobody else */
	OUTCOME_BYSTANDER_KILLED,	/* somebody who does not own the table died */
	OUTCOME_GUEST_PANIC,
	OUTCOME_GUEST_HANG,		/* the guest lives but nothing moves */
	OUTCOME_GUEST_RESET,		/* triple fault */
	OUTCOME_GUEST_ENDED,		/* ended in another way while watched */
	OUTCOMES
};

const char *outcome_name(enum outcome);

/* The table that will be hit; all that is needed once the guest has moved on. */
struct inject_target {
	pfn_t pfn;
	unsigned level;
	gva_t first, last;	/* addresses that it translates */
	enum verdict verdict;
	gva_t recorded;		/* the raw pt_mm word */
	bool kernel;		/* of the kernel half */
	bool free;		/* its struct page has no references */
	bool loaded;		/* a root that some vCPU has in CR3 */
	uint32_t owner_count;	/* mms that own it; several if it is shared */
	uint32_t owners[INJECT_OWNERS_MAX];	/* indices into the census's mms */
};

/*
 * Finds the table. ERR_USAGE says what is wrong with the request: not a table
 * page, unknown pid, address not mapped down to that level, no such level.
 */
bool inject_select(const struct census *, const struct kernel *, const struct inject_spec *,
		   struct inject_target *, struct err *);

/* Does task t use an mm that owns the target? */
bool inject_owns(const struct inject_target *, const struct kernel_mms *, const struct task *);

/*
 * What a kernel that recovers by the recorded owner will do; why is static text.
 * `recovers`: 1 it does, 0 it does not, -1 not known (then as if it did).
 */
enum outcome inject_predict(const struct inject_target *, const struct kernel_mms *,
			    int recovers, const char **why);

enum task_fate {
	FATE_LIVES,	/* it ran after the error */
	FATE_QUIET,	/* still there, but was not seen to run (a waiting parent, an idle one) */
	FATE_KILLED,	/* by the kernel's recovery */
	FATE_EXITED,	/* gone of its own accord */
};

const char *task_fate_name(enum task_fate);

/* One task that lived when the error was raised. */
struct task_witness {
	struct task before;
	bool owner;
	enum task_fate fate;
	uint64_t progress_after;
};

struct inject_evidence {
	struct task_witness *tasks;
	uint32_t task_count;
	bool guest_panic, guest_reset, guest_ended;
	bool guest_moves;	/* some task or event advanced after the error */
};

/* Fills each fate from the tasks that are left and the pids that were killed. */
void inject_compare(struct inject_evidence *, const struct kernel_mms *after,
		    const int32_t *killed, size_t killed_count);

enum outcome inject_classify(const struct inject_evidence *);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* outcome.c - what should happen, and what did. */
#include "walker/inject/inject.h"

const char *outcome_name(enum outcome outcome)
{
	static const char *const name[OUTCOMES] = {
		[OUTCOME_MASKED] = "masked",
		[OUTCOME_OWNER_KILLED] = "owner-killed",
		[OUTCOME_BYSTANDER_KILLED] = "bystander-killed",
		[OUTCOME_GUEST_PANIC] = "guest-panic",
		[OUTCOME_GUEST_HANG] = "guest-hang",
		[OUTCOME_GUEST_RESET] = "guest-reset",
		[OUTCOME_GUEST_ENDED] = "guest-ended",
	};

	return (unsigned)outcome < OUTCOMES ? name[outcome] : "?";
}

const char *task_fate_name(enum task_fate fate)
{
	switch (fate) {
	case FATE_LIVES:
		return "lives";
	case FATE_QUIET:
		return "quiet";
	case FATE_KILLED:
		return "killed";
	case FATE_EXITED:
		return "exited";
	}
	return "?";
}

/* A kernel does not outlive its init. */
static bool uses_init(const struct kernel_mms *mms, gva_t mm)
{
	for (uint32_t i = 0; i < mms->task_count; i++)
		if (mms->tasks[i].mm == mm && mms->tasks[i].tgid == 1)
			return true;
	return false;
}

static enum outcome predict_kill(const struct inject_target *target,
				 const struct kernel_mms *mms, const char **why)
{
	for (uint32_t i = 0; i < target->owner_count && i < INJECT_OWNERS_MAX; i++)
		if (uses_init(mms, mms->mms[target->owners[i]].at)) {
			*why = "init is an owner, and the guest does not outlive it";
			return OUTCOME_GUEST_PANIC;
		}
	*why = target->verdict == VERDICT_SHARED ?
	       "the sharers are found through the mapping" : "the recorded owner is the owner";
	return OUTCOME_OWNER_KILLED;
}

/* The record decides, be it right or wrong: whoever it names is killed. */
static enum outcome predict_by_record(const struct inject_target *target,
				      const struct kernel_mms *mms, const char **why)
{
	int64_t recorded = kernel_mm_find(mms, target->recorded);

	if (recorded < 0 || (uint32_t)recorded == mms->init_mm) {
		*why = !target->recorded ? "the struct page names no owner" : recorded < 0 ?
		       "the recorded owner is gone" : "the recorded owner is no process";
		return OUTCOME_GUEST_PANIC;
	}
	if (uses_init(mms, target->recorded)) {
		*why = "the recorded owner is init, and the guest does not outlive it";
		return OUTCOME_GUEST_PANIC;
	}
	for (uint32_t i = 0; i < target->owner_count && i < INJECT_OWNERS_MAX; i++)
		if (target->owners[i] == (uint32_t)recorded) {
			*why = "the recorded owner is one of the owners, and is taken for all";
			return OUTCOME_OWNER_KILLED;
		}
	*why = target->owner_count ? "the recorded owner is somebody else" :
	       "nothing reaches this table, but its record names a process";
	return OUTCOME_BYSTANDER_KILLED;
}

/*
 * A kernel with pt_mm asks the struct page who owns the table. It can be right
 * only where the record is; a record of somebody else kills a bystander.
 */
enum outcome inject_predict(const struct inject_target *target, const struct kernel_mms *mms,
			    int recovers, const char **why)
{
	if (target->loaded) {
		*why = "a vCPU has this root loaded: the machine check cannot even be entered";
		return OUTCOME_GUEST_RESET;
	}
	if (recovers == 0) {
		*why = "recovery is off";
		return OUTCOME_GUEST_PANIC;
	}
	switch (target->verdict) {
	case VERDICT_MATCH:
	case VERDICT_SHARED:
		return predict_kill(target, mms, why);
	case VERDICT_KERNEL:
		*why = "a kernel table: everybody needs it";
		return OUTCOME_GUEST_PANIC;
	case VERDICT_UNTYPED:
		if (target->free) {
			*why = "the kernel takes the page for a free one";
			return OUTCOME_MASKED;
		}
		*why = "the page is not marked as a table";
		return OUTCOME_GUEST_PANIC;
	default:
		return predict_by_record(target, mms, why);
	}
}

static bool killed_has(const int32_t *killed, size_t count, int32_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (killed[i] == pid)
			return true;
	return false;
}

void inject_compare(struct inject_evidence *evidence, const struct kernel_mms *after,
		    const int32_t *killed, size_t killed_count)
{
	for (uint32_t i = 0; i < evidence->task_count; i++) {
		struct task_witness *w = &evidence->tasks[i];
		const struct task *now = NULL;

		for (uint32_t j = 0; after && j < after->task_count && !now; j++)
			if (after->tasks[j].pid == w->before.pid &&
			    after->tasks[j].at == w->before.at)
				now = &after->tasks[j];
		if (killed_has(killed, killed_count, w->before.pid)) {
			w->fate = FATE_KILLED;
		} else if (!now) {
			w->fate = FATE_EXITED;
		} else {
			w->progress_after = now->progress;
			w->fate = now->progress > w->before.progress ? FATE_LIVES : FATE_QUIET;
			if (w->fate == FATE_LIVES)
				evidence->guest_moves = true;
		}
	}
}

enum outcome inject_classify(const struct inject_evidence *evidence)
{
	unsigned owners = 0, bystanders = 0;

	if (evidence->guest_reset)
		return OUTCOME_GUEST_RESET;
	if (evidence->guest_panic)
		return OUTCOME_GUEST_PANIC;
	if (evidence->guest_ended)
		return OUTCOME_GUEST_ENDED;
	for (uint32_t i = 0; i < evidence->task_count; i++) {
		const struct task_witness *w = &evidence->tasks[i];

		if (w->fate != FATE_KILLED)
			continue;
		if (w->owner)
			owners++;
		else
			bystanders++;
	}
	if (bystanders)
		return OUTCOME_BYSTANDER_KILLED;
	if (!evidence->guest_moves)
		return OUTCOME_GUEST_HANG;
	return owners ? OUTCOME_OWNER_KILLED : OUTCOME_MASKED;
}

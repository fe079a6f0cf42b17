/* SPDX-License-Identifier: GPL-2.0-only */
/* look.c - pauses, takes a census, checks it, and looks again where it must. */
#include <string.h>
#include <time.h>

#include "vmm/look.h"

/* The guest runs this long before each further look, in milliseconds. */
static const long look_again_ms[] = { 4, 16, 64 };

/* Every verdict that is held against the guest has its finding. */
static bool look_is_fine(const struct look *look)
{
	for (size_t i = 0; i < look->findings.count; i++)
		if (look->findings.list[i].severity != SEVERITY_NOTE)
			return false;
	return !look->findings.dropped;
}

static bool sample_vcpus(struct look *look, struct machine *machine, struct err *err)
{
	look->vcpu_count = machine->vcpus < LOOK_VCPUS_MAX ? machine->vcpus : LOOK_VCPUS_MAX;
	for (size_t i = 0; i < look->vcpu_count; i++)
		if (!machine->ops->regs(machine, (unsigned)i, &look->vcpus[i], err))
			return false;
	return true;
}

/* Census and findings of this moment; pauses around them unless live. */
static bool look_once(struct look *look, struct target *target,
		      const struct look_options *options, struct err *err)
{
	struct machine *machine = target->machine;
	double paused, start, counted, checked;
	bool ok;

	*look = (struct look){ .looks = 1 };
	paused = target_clock();
	if (!options->live && !machine->ops->pause(machine, err))
		return false;
	start = target_clock();
	look->census = census_take(target->kernel, &options->census, err);
	counted = target_clock();
	ok = look->census &&
	     check_run(look->census, target->kernel, &look->findings, err) &&
	     sample_vcpus(look, machine, err);
	checked = target_clock();
	if (!options->live) {
		ok = machine->ops->resume(machine, ok ? err : NULL) && ok;
		look->pause_seconds = machine->frozen ? 0 : target_clock() - paused;
	}
	look->census_seconds = counted - start;
	look->check_seconds = checked - counted;
	return ok;
}

static bool finding_same(const struct finding *a, const struct finding *b)
{
	return !strcmp(a->check, b->check) && a->has_pfn == b->has_pfn &&
	       a->has_mm == b->has_mm && a->has_va == b->has_va &&
	       (!a->has_pfn || a->pfn == b->pfn) && (!a->has_mm || a->mm == b->mm) &&
	       (!a->has_va || a->va == b->va);
}

/* A finding that the later look does not repeat was a moment's, not the guest's. */
static void findings_settle(struct findings *first, const struct findings *second)
{
	size_t kept = 0;

	/* Where some of the second were dropped, absence proves nothing. */
	if (second->dropped)
		return;
	for (size_t i = 0; i < first->count; i++) {
		bool again = first->list[i].severity == SEVERITY_NOTE;

		for (size_t j = 0; !again && j < second->count; j++)
			again = finding_same(&first->list[i], &second->list[j]);
		if (again)
			first->list[kept++] = first->list[i];
	}
	first->count = kept;
}

bool look_take(struct look *look, struct target *target, const struct look_options *options,
	       struct err *err)
{
	size_t rounds = sizeof(look_again_ms) / sizeof(look_again_ms[0]);

	if (!look_once(look, target, options, err)) {
		target_explain(target, err);
		look_free(look);
		return false;
	}
	/* A dump is the same however often it is looked at. */
	if (options->live || target->machine->frozen)
		rounds = 0;
	for (size_t i = 0; i < rounds && !look_is_fine(look); i++) {
		struct timespec nap = { .tv_nsec = look_again_ms[i] * 1000000 };
		struct look next;

		nanosleep(&nap, NULL);
		if (!look_once(&next, target, options, err)) {
			target_explain(target, err);
			look_free(&next);
			look_free(look);
			return false;
		}
		census_settle(look->census, next.census);
		findings_settle(&look->findings, &next.findings);
		look->looks++;
		look->pause_seconds += next.pause_seconds;
		look->census_seconds += next.census_seconds;
		look->check_seconds += next.check_seconds;
		look_free(&next);
	}
	return true;
}

void look_free(struct look *look)
{
	census_free(look->census);
	findings_free(&look->findings);
	look->census = NULL;
}

struct report look_report(const struct look *look, const struct target *target, bool live)
{
	return (struct report){
		.kernel = target->kernel,
		.census = look->census,
		.findings = &look->findings,
		.vcpus = look->vcpus,
		.vcpu_count = look->vcpu_count,
		.consistency = {
			.mode = target->machine->frozen ? "dump" : live ? "live" : "paused",
			.looks = look->looks,
			.pause_seconds = look->pause_seconds,
		},
		.timing = {
			.open_seconds = target->open_seconds,
			.census_seconds = look->census_seconds,
			.check_seconds = look->check_seconds,
		},
	};
}

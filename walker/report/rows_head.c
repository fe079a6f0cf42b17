/* SPDX-License-Identifier: GPL-2.0-only */
/* rows_head.c - the head of a report as JSON: target, kernel, vCPUs. */
#include "walker/report/rows.h"

struct json_object *rows_target(struct emit *emit, const struct report *report)
{
	const struct machine *machine = kernel_machine(report->kernel);
	struct json_object *o = emit_object(emit), *consistency = emit_object(emit);

	emit_put(emit, consistency, "looks", emit_count(emit, report->consistency.looks));
	emit_put(emit, consistency, "mode", emit_string(emit, report->consistency.mode));
	emit_put(emit, consistency, "pause_seconds",
		 emit_seconds(emit, report->consistency.pause_seconds));
	emit_put(emit, o, "access", machine->access ? emit_string(emit, machine->access) : NULL);
	emit_put(emit, o, "assumed", machine->assumed ? emit_string(emit, machine->assumed) : NULL);
	emit_put(emit, o, "consistency", consistency);
	emit_put(emit, o, "memory_bytes", emit_count(emit, machine_memory(machine)));
	emit_put(emit, o, "source", emit_string(emit, machine->source));
	emit_put(emit, o, "unreadable_frames", emit_count(emit, machine_unreadable(machine)));
	emit_put(emit, o, "uri", emit_string(emit, machine->uri));
	emit_put(emit, o, "vcpus", emit_count(emit, machine->vcpus));
	return o;
}

/*
 * The levels for which the inference says yes, or those for which it says no.
 * Both are given: "180 of 200 agree, so not recorded" may be a guest's bug.
 */
static struct json_object *rows_levels(struct emit *emit, const struct report *report,
				       const struct level_agreement *list, size_t count, bool holds)
{
	const struct pt_format *format = kernel_space(report->kernel)->decode.format;
	struct json_object *array = emit_array(emit);

	for (size_t i = 0; i < count; i++) {
		struct json_object *o;

		if (list[i].holds != holds)
			continue;
		o = emit_object(emit);
		emit_put(emit, o, "agree", emit_count(emit, list[i].agree));
		emit_put(emit, o, "level", emit_string(emit, format->level[list[i].level].name));
		emit_put(emit, o, "total", emit_count(emit, list[i].total));
		emit_append(emit, array, o);
	}
	return array;
}

struct json_object *rows_kernel(struct emit *emit, const struct report *report)
{
	const struct kernel *kernel = report->kernel;
	struct json_object *o = emit_object(emit), *from = emit_array(emit);
	const struct level_agreement *recorded, *typed;
	size_t sources, recorded_count, typed_count;
	uint64_t kaslr_offset;
	const char *const *source = profile_sources(kernel_profile(kernel), &sources);

	for (size_t i = 0; i < sources; i++)
		emit_append(emit, from, emit_string(emit, source[i]));
	recorded = census_recorded_at(report->census, &recorded_count);
	typed = census_typed_at(report->census, &typed_count);

	emit_put(emit, o, "kaslr_offset", kernel_kaslr_offset(kernel, &kaslr_offset) ?
		 emit_hex(emit, kaslr_offset) : NULL);
	emit_put(emit, o, "paging_levels",
		 emit_count(emit, kernel_space(kernel)->decode.format->levels));
	emit_put(emit, o, "phys_base", emit_hex(emit, kernel_phys_base(kernel)));
	emit_put(emit, o, "profile_from", from);
	emit_put(emit, o, "pt_mm_recorded_at",
		 rows_levels(emit, report, recorded, recorded_count, true));
	emit_put(emit, o, "pt_mm_unrecorded_at",
		 rows_levels(emit, report, recorded, recorded_count, false));
	emit_put(emit, o, "pti", emit_bool(emit, kernel_pti(kernel)));
	emit_put(emit, o, "release", emit_string(emit, kernel_release(kernel)));
	emit_put(emit, o, "typed_at", rows_levels(emit, report, typed, typed_count, true));
	emit_put(emit, o, "untyped_at", rows_levels(emit, report, typed, typed_count, false));
	return o;
}

/* The mm whose PGD a vCPU has loaded, or NULL. */
static const struct mm *mm_by_cr3(const struct kernel_mms *mms, uint64_t cr3)
{
	for (uint32_t i = 0; i < mms->mm_count; i++)
		if (mm_is_loaded(&mms->mms[i], cr3))
			return &mms->mms[i];
	return NULL;
}

/* pid is that of the loaded mm: in kernel mode a thread may have borrowed it. */
struct json_object *rows_vcpu(struct emit *emit, const struct report *report, size_t vcpu)
{
	const struct kernel_mms *mms = census_mms(report->census);
	const struct x86_regs *regs = &report->vcpus[vcpu];
	const struct mm *mm = mm_by_cr3(mms, regs->cr3);
	struct json_object *o = emit_object(emit);

	emit_put(emit, o, "cr3", emit_hex(emit, regs->cr3));
	emit_put(emit, o, "id", emit_count(emit, vcpu));
	emit_put(emit, o, "mm", mm ? emit_hex(emit, mm->at) : NULL);
	emit_put(emit, o, "mode", emit_string(emit, regs->cpl == 3 ? "user" : "kernel"));
	if (mm && mm->task_count)
		emit_put(emit, o, "pid",
			 emit_int(emit, mms->tasks[mms->tasks_of[mm->first_task]].tgid));
	else
		emit_null(emit, o, "pid");
	return o;
}

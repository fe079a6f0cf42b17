// SPDX-License-Identifier: GPL-2.0-only
/* select.c - which table page an injection hits. */
#include <inttypes.h>

#include "walker/inject/inject.h"
#include "walker/table/translate.h"

/* splitmix64: the same seed names the same table on every host. */
static uint64_t mix(uint64_t seed)
{
	seed += 0x9e3779b97f4a7c15ull;
	seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9ull;
	seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebull;
	return seed ^ (seed >> 31);
}

static const struct task *task_by_pid(const struct kernel_mms *mms, int32_t pid)
{
	for (uint32_t i = 0; i < mms->task_count; i++)
		if (mms->tasks[i].pid == pid)
			return &mms->tasks[i];
	return NULL;
}

static bool row_by_va(const struct census *census, const struct kernel *kernel,
		      const struct inject_spec *spec, int64_t *row, struct err *err)
{
	const struct pt_format *format = kernel_space(kernel)->decode.format;
	const struct kernel_mms *mms = census_mms(census);
	const struct task *task = task_by_pid(mms, spec->pid);
	struct pt_translation tr;
	struct pt_space space;
	int64_t mm;

	if (spec->level >= format->levels)
		return err_set(err, ERR_USAGE, 0, "the guest has no page-table level %u: it has %u",
			       spec->level, format->levels);
	if (!task)
		return err_set(err, ERR_USAGE, 0, "no task with pid %d in the guest", spec->pid);
	mm = kernel_mm_find(mms, task->mm);
	if (mm < 0)
		return err_set(err, ERR_USAGE, 0, "pid %d (%s) is a kernel thread: no user tables",
			       spec->pid, task->comm);
	if (!pt_canonical(format, spec->va))
		return err_set(err, ERR_USAGE, spec->va,
			       "the address 0x%" PRIx64 " is not canonical", spec->va);

	x86_space_of_pgd(&space, mms->mms[mm].pgd, kernel_space(kernel));
	pt_translate(kernel_machine(kernel), &space, spec->va, PT_MODE_ANY, &tr);
	for (unsigned i = 0; i < tr.depth; i++) {
		if (tr.path[i].level != spec->level)
			continue;
		*row = census_find(census, gpa_to_pfn(tr.path[i].at), (int)spec->level);
		if (*row >= 0)
			return true;
	}
	return err_set(err, ERR_USAGE, spec->va,
		       "0x%" PRIx64 " of pid %d is not mapped by a %s table", spec->va, spec->pid,
		       format->level[spec->level].name);
}

static bool is_loaded(const struct kernel *kernel, pfn_t pfn)
{
	struct machine *machine = kernel_machine(kernel);

	for (unsigned i = 0; i < machine->vcpus; i++) {
		struct x86_regs regs;

		/* With PTI a vCPU in user mode is on the second root of the pair. */
		if (machine->ops->regs(machine, i, &regs, NULL) &&
		    gpa_to_pfn(regs.cr3 & X86_PTE_ADDR) == pfn)
			return true;
	}
	return false;
}

bool inject_select(const struct census *census, const struct kernel *kernel,
		   const struct inject_spec *spec, struct inject_target *target, struct err *err)
{
	const struct pt_format *format = kernel_space(kernel)->decode.format;
	size_t tables = census_tables(census);
	struct census_row row;
	int64_t at = -1;

	switch (spec->by) {
	case INJECT_PFN:
		at = census_find(census, spec->pfn, -1);
		if (at < 0)
			return err_set(err, ERR_USAGE, pfn_to_gpa(spec->pfn),
				       "frame 0x%" PRIx64 " is not a table page of this guest",
				       spec->pfn);
		break;
	case INJECT_VA:
		if (!row_by_va(census, kernel, spec, &at, err))
			return false;
		break;
	case INJECT_RANDOM:
		if (!tables)
			return err_set(err, ERR_TARGET, 0, "the guest has no table pages");
		at = (int64_t)(mix(spec->seed) % tables);
		break;
	}

	census_row(census, (size_t)at, &row);
	*target = (struct inject_target){
		.pfn = row.pfn, .level = row.level, .first = row.va, .verdict = row.verdict,
		.recorded = row.page ? row.page->recorded : 0, .kernel = row.kernel_half,
		.free = row.page && row.page->refcount <= 0,
	};
	target->last = row.va + ((pt_span(format, row.level) <<
				  format->level[row.level].shape.index_bits) - 1);
	if (row.level == format->levels - 1u) {
		/* A root translates the lower half for its owner; the rest is the kernel's. */
		target->first = 0;
		target->last = (1ull << (format->va_bits - 1)) - 1;
		target->loaded = is_loaded(kernel, row.pfn);
	}
	target->owner_count = (uint32_t)census_owners(census, (size_t)at, target->owners,
							INJECT_OWNERS_MAX);
	return true;
}

bool inject_owns(const struct inject_target *target, const struct kernel_mms *mms,
		 const struct task *task)
{
	int64_t mm = task->mm ? kernel_mm_find(mms, task->mm) : -1;

	for (uint32_t i = 0; mm >= 0 && i < target->owner_count && i < INJECT_OWNERS_MAX; i++)
		if (target->owners[i] == (uint32_t)mm)
			return true;
	return false;
}

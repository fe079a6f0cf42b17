// SPDX-License-Identifier: GPL-2.0-only
/*
 * mms.c - every address space of the guest.
 *
 * Candidates come from tasks (mm, active_mm), from symbols (init_mm, efi_mm,
 * text poking), from the mmlist, and from the owners that the PGDs on pgd_list
 * name. A candidate is believed by its structure only: it must be readable and
 * its pgd must be a frame of RAM whose kernel half is the kernel's; what a PGD's
 * struct page *says* is a hint where to look, and the mm must point back at it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

enum { MMS_BUDGET = 4 << 20 };

/* The first note stays: what broke first explains the rest. */
void mms_note(struct mms_build *b, const char *fmt, ...)
{
	va_list args;

	if (!b->out->truncated) {
		va_start(args, fmt);
		vsnprintf(b->out->note, sizeof(b->out->note), fmt, args);
		va_end(args);
	}
	b->out->truncated = true;
}

/* --- one mm --- */

/*
 * Does a PGD have an entry of the kernel half that init_mm's has? A frame that
 * cannot be read (it may be the one that was lost) is given the benefit.
 */
static bool pgd_plausible(const struct kernel *k, gpa_t pgd)
{
	enum { ENTRIES = PT_FRAME_SIZE / 8, HALF = ENTRIES / 2 };
	uint64_t mine[HALF], kernel[HALF];
	struct err err = { .code = ERR_OK };
	gpa_t upper = HALF * 8;

	if (!machine_read(k->machine, pgd + upper, mine, sizeof(mine), &err))
		return err.code == ERR_UNREADABLE;
	if (!machine_read(k->machine, k->space.root[0].gpa + upper, kernel, sizeof(kernel), NULL))
		return true;
	for (unsigned i = 0; i < HALF; i++)
		if (kernel[i] & X86_PTE_P && !((kernel[i] ^ mine[i]) & (X86_PTE_ADDR | X86_PTE_P)))
			return true;
	return false;
}

static void read_locks(const struct kernel *k, gva_t at, struct mm *mm)
{
	uint32_t table_lock = 0;
	uint64_t mmap_lock = 0;

	if (k->f.mm_table_lock.size >= sizeof(table_lock))
		kernel_read(k, at + k->f.mm_table_lock.offset, &table_lock, sizeof(table_lock),
			    NULL);
	/* Writer, waiters and readers are all bits of the count. */
	kernel_read_member(k, at, &k->f.mm_mmap_lock, &mmap_lock, NULL);
	mm->locked = table_lock;
	mm->busy = mmap_lock;
}

/* False: not an mm_struct with a page table. */
static bool read_mm(const struct kernel *k, gva_t at, struct mm *mm)
{
	const struct kernel_fields *f = &k->f;

	*mm = (struct mm){ .at = at, .kind = MM_TASKLESS };
	if (at & 7 || !(at >> 63) || !kernel_read_member(k, at, &f->mm_pgd, &mm->pgd_va, NULL) ||
	    mm->pgd_va & (PT_FRAME_SIZE - 1) || !(mm->pgd_va >> 63) ||
	    !kernel_to_gpa(k, mm->pgd_va, &mm->pgd, NULL) ||
	    !kernel_read_signed(k, at, &f->mm_users, &mm->users, NULL) ||
	    !kernel_read_signed(k, at, &f->mm_count, &mm->count, NULL) ||
	    !kernel_read_signed(k, at, &f->mm_pgtables_bytes, &mm->pgtables_bytes, NULL) ||
	    !pgd_plausible(k, mm->pgd))
		return false;
	mm->user_pgd = kernel_user_pgd(k, at, mm->pgd);
	read_locks(k, at, mm);
	return true;
}

/* Adds a candidate. *known: it was met before, or is an mm now. */
static void add_mm(struct mms_build *b, gva_t at, gpa_t must_have_pgd, bool *known)
{
	struct mm mm;
	bool fresh;

	*known = false;
	if (!gva_set_add(&b->mms, at, &fresh)) {
		b->no_memory = true;
		return;
	}
	if (!fresh) {
		*known = at != 0;
		return;
	}
	if (!read_mm(b->k, at, &mm) || (must_have_pgd && mm.pgd != must_have_pgd))
		return;
	if (b->out->mm_count == b->mm_room) {
		size_t room = b->mm_room ? b->mm_room * 2 : 64;
		struct mm *grown = realloc(b->out->mms, room * sizeof(*grown));

		if (!grown) {
			b->no_memory = true;
			return;
		}
		b->out->mms = grown;
		b->mm_room = room;
	}
	b->out->mms[b->out->mm_count++] = mm;
	*known = true;
}

/* --- where candidates come from --- */

static void add_tasks_mms(struct mms_build *b)
{
	for (uint32_t i = 0; i < b->out->task_count && !b->no_memory; i++) {
		const struct task *task = &b->out->tasks[i];
		bool known;

		if (task->mm) {
			add_mm(b, task->mm, 0, &known);
			if (!known)
				mms_note(b, "pid %d: its mm 0x%" PRIx64 " is no mm_struct",
					 task->pid, task->mm);
		}
		if (task->active_mm && task->active_mm != task->mm)
			add_mm(b, task->active_mm, 0, &known);
	}
}

static bool visit_mm(void *ctx, gva_t node)
{
	struct mms_build *b = ctx;
	bool known;

	add_mm(b, node - b->k->f.mm_mmlist.offset, 0, &known);
	return !b->no_memory;
}

static void add_mmlist(struct mms_build *b)
{
	const struct member *mmlist = &b->k->f.mm_mmlist;
	gva_t head = b->k->init_mm + mmlist->offset;
	uint64_t first;
	enum list_end end;

	/* Linux: those that may have swap entries; zero where it was never set up. */
	if (!mmlist->size || !kernel_read_u64(b->k, head, &first, NULL) || !first)
		return;
	end = kernel_list(b->k, head, b->budget, visit_mm, b);
	if (end != LIST_WHOLE)
		mms_note(b, "the list of mms %s", kernel_list_problem(end));
}

struct pgds {
	const struct kernel *k;
	gpa_t *list;
	size_t count, room;
	bool no_memory;
	gva_t broken;		/* a node that is in no struct page */
};

static bool visit_pgd(void *ctx, gva_t node)
{
	struct pgds *p = ctx;
	pfn_t pfn;

	if (!kernel_page_pfn(p->k, node - p->k->f.page_lru.offset, &pfn, NULL) ||
	    !machine_has_frame(p->k->machine, pfn)) {
		p->broken = node;
		return false;
	}
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		gpa_t *grown = realloc(p->list, room * sizeof(*grown));

		if (!grown) {
			p->no_memory = true;
			return false;
		}
		p->list = grown;
		p->room = room;
	}
	p->list[p->count++] = pfn_to_gpa(pfn);
	return true;
}

bool kernel_read_pgd_list(const struct kernel *k, gpa_t **pgds, size_t *count, struct err *err)
{
	struct pgds p = { .k = k };
	enum list_end end;
	gva_t head;

	if (!profile_symbol(k->profile, "pgd_list", &head, err))
		return false;
	if (!k->f.page_lru.size)
		return err_set(err, ERR_MISSING, 0, "type page has no member lru");
	end = kernel_list(k, head, k->frame_end, visit_pgd, &p);
	if (!p.no_memory && !p.broken && end == LIST_WHOLE) {
		*pgds = p.list;
		*count = p.count;
		return true;
	}
	free(p.list);
	if (p.no_memory)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	if (p.broken)
		return err_set(err, ERR_MALFORMED, p.broken,
			       "pgd_list leads to 0x%" PRIx64 ", which is in no struct page",
			       p.broken);
	return err_set(err, ERR_MALFORMED, head, "pgd_list %s", kernel_list_problem(end));
}

static void add_pgd_owners(struct mms_build *b)
{
	struct err err = { .code = ERR_OK };
	gpa_t *pgds;
	size_t count;

	if (!kernel_read_pgd_list(b->k, &pgds, &count, &err)) {
		if (err.code == ERR_NO_MEMORY)
			b->no_memory = true;
		else if (err.code != ERR_MISSING)
			mms_note(b, "%s", err.message);
		return;
	}
	for (size_t i = 0; i < count && !b->no_memory; i++) {
		struct page_facts facts;
		bool known;

		if (kernel_page(b->k, gpa_to_pfn(pgds[i]), &facts, NULL))
			add_mm(b, facts.recorded, pgds[i], &known);
	}
	free(pgds);
}

/* mms that no task has and that are known by name. */
static const struct { const char *symbol; bool pointer; } kernel_mm_names[] = {
	{ "efi_mm", false },
	{ "poking_mm", true },		/* up to 7.1 */
	{ "text_poke_mm", true },
};

static gva_t named_mm(const struct kernel *k, size_t i)
{
	gva_t at;

	if (!profile_symbol(k->profile, kernel_mm_names[i].symbol, &at, NULL))
		return 0;
	if (kernel_mm_names[i].pointer && !kernel_read_u64(k, at, &at, NULL))
		return 0;
	return at;
}

/* --- the snapshot --- */

static int compare_mms(const void *a, const void *b)
{
	gva_t left = ((const struct mm *)a)->at, right = ((const struct mm *)b)->at;

	return (left > right) - (left < right);
}

int64_t kernel_mm_find(const struct kernel_mms *mms, gva_t at)
{
	uint32_t low = 0, high = mms->mm_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (mms->mms[middle].at == at)
			return middle;
		if (mms->mms[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static void name_mms(const struct kernel *k, struct kernel_mms *mms)
{
	for (size_t i = 0; i < sizeof(kernel_mm_names) / sizeof(kernel_mm_names[0]); i++) {
		gva_t at = named_mm(k, i);
		int64_t index = at ? kernel_mm_find(mms, at) : -1;

		if (index < 0 || mms->mms[index].name)
			continue;
		mms->mms[index].kind = MM_KERNEL;
		mms->mms[index].name = kernel_mm_names[i].symbol;
	}
	mms->init_mm = (uint32_t)kernel_mm_find(mms, k->init_mm);
	mms->mms[mms->init_mm].kind = MM_INIT;
	mms->mms[mms->init_mm].name = "init_mm";
}

/* Groups the tasks by their mm: count, sum up, put each in its place. */
static bool group_tasks(struct kernel_mms *mms)
{
	uint32_t next = 0;

	mms->tasks_of = calloc((size_t)mms->task_count + 1, sizeof(*mms->tasks_of));
	if (!mms->tasks_of)
		return false;
	for (uint32_t i = 0; i < mms->task_count; i++) {
		int64_t mm = kernel_mm_find(mms, mms->tasks[i].mm);

		if (mm >= 0)
			mms->mms[mm].task_count++;
	}
	for (uint32_t i = 0; i < mms->mm_count; i++) {
		struct mm *mm = &mms->mms[i];

		mm->first_task = next;
		next += mm->task_count;
		if (mm->kind == MM_TASKLESS && mm->task_count)
			mm->kind = MM_USER;
		mm->task_count = 0;
	}
	for (uint32_t i = 0; i < mms->task_count; i++) {
		int64_t at = kernel_mm_find(mms, mms->tasks[i].mm);

		if (at >= 0)
			mms->tasks_of[mms->mms[at].first_task + mms->mms[at].task_count++] = i;
	}
	return true;
}

static void collect(struct mms_build *b)
{
	bool known;

	add_mm(b, b->k->init_mm, 0, &known);
	mms_read_tasks(b);
	add_tasks_mms(b);
	for (size_t i = 0; i < sizeof(kernel_mm_names) / sizeof(kernel_mm_names[0]); i++)
		add_mm(b, named_mm(b->k, i), 0, &known);
	add_mmlist(b);
	add_pgd_owners(b);
}

bool kernel_read_mms(const struct kernel *k, struct kernel_mms *mms, struct err *err)
{
	/* A task takes several frames in any kernel; small guests have small budgets. */
	uint64_t frames = gpa_to_pfn(machine_memory(k->machine));
	struct mms_build b = {
		.k = k, .out = mms, .budget = frames < MMS_BUDGET ? frames : MMS_BUDGET,
	};

	*mms = (struct kernel_mms){ 0 };
	collect(&b);
	gva_set_free(&b.tasks);
	gva_set_free(&b.mms);
	if (mms->mm_count)
		qsort(mms->mms, mms->mm_count, sizeof(*mms->mms), compare_mms);
	if (b.no_memory) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for tasks and mms");
	} else if (kernel_mm_find(mms, k->init_mm) < 0) {
		err_set(err, ERR_MALFORMED, k->init_mm, "init_mm is no mm_struct");
	} else {
		name_mms(k, mms);
		if (group_tasks(mms))
			return true;
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for tasks and mms");
	}
	kernel_mms_free(mms);
	return false;
}

void kernel_mms_free(struct kernel_mms *mms)
{
	free(mms->tasks);
	free(mms->mms);
	free(mms->tasks_of);
	*mms = (struct kernel_mms){ 0 };
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * synth_tables.c - tables, mms and tasks of the synthetic guest, made as Linux
 * makes them: constructors, pgtables_bytes, the kernel half in every PGD.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_internal.h"

enum { ENTRIES = 512, KERNEL_HALF = 256 };

#define TABLE_USER	(X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D)
#define TABLE_KERNEL	(X86_PTE_P | X86_PTE_W | X86_PTE_A | X86_PTE_D)
#define CPU_ENTRY_AREA	0xfffffe0000000000ull

unsigned synth_index(struct synth_guest *g, unsigned level, gva_t va)
{
	(void)g;
	return va >> (12 + 9 * level) & (ENTRIES - 1);
}

uint64_t synth_entry(struct synth_guest *g, pfn_t table, unsigned index)
{
	return buffer_machine_get(g->machine, pfn_to_gpa(table) + 8 * index);
}

void synth_entry_set(struct synth_guest *g, pfn_t table, unsigned index, uint64_t raw)
{
	buffer_machine_set(g->machine, pfn_to_gpa(table) + 8 * index, raw);
}

static bool kernel_va(gva_t va)
{
	return va >> 63;
}

gva_t synth_init_mm(struct synth_guest *g)
{
	return synth_symbol(g, "init_mm");
}

pfn_t synth_pgd(struct synth_guest *g, gva_t mm)
{
	return gpa_to_pfn(synth_gpa(g, synth_get(g, mm, "mm_struct", "pgd")));
}

pfn_t synth_user_pgd(struct synth_guest *g, gva_t mm)
{
	return g->options.pti ? synth_pgd(g, mm) + 1 : 0;
}

static uint32_t table_type(const struct synth_guest *g)
{
	return g->options.types == SYNTH_TYPES_PGTY ? 0xf2000000 :
	       g->options.types == SYNTH_TYPES_6_1 ? ~0x200u : ~0x400u;
}

void synth_construct(struct synth_guest *g, pfn_t pfn, gva_t mm, unsigned level)
{
	if (!(g->options.untyped >> level & 1))
		synth_page_set(g, pfn, "page_type", table_type(g));
	if (!(g->options.unrecorded >> level & 1))
		synth_page_set(g, pfn, "pt_mm", mm);
}

void synth_destruct(struct synth_guest *g, pfn_t pfn)
{
	synth_page_set(g, pfn, "page_type", 0xffffffff);
	synth_page_set(g, pfn, "pt_mm", 0);
}

static pfn_t new_table(struct synth_guest *g, gva_t mm, unsigned level)
{
	pfn_t pfn;

	if (g->booting) {
		pfn = g->next_boot++;
		if (pfn >= SYNTH_MEMMAP_FRAME)
			synth_fail("out of boot tables");
		synth_page_set(g, pfn, "_refcount.counter", 1);
		synth_page_flag(g, pfn, "PG_reserved", true);
		return pfn;
	}
	pfn = synth_frame(g);
	synth_construct(g, pfn, mm, level);
	return pfn;
}

static void count_table(struct synth_guest *g, gva_t mm, unsigned level)
{
	uint64_t bytes = synth_get(g, mm, "mm_struct", "pgtables_bytes.counter");

	if (level <= 2 && mm != synth_init_mm(g))
		synth_set(g, mm, "mm_struct", "pgtables_bytes.counter", bytes + PT_FRAME_SIZE);
}

/* Every PGD but init_mm's, by pgd_list. */
static pfn_t next_pgd(struct synth_guest *g, gva_t *node)
{
	gva_t head = synth_symbol(g, "pgd_list");

	*node = synth_read_u64(g, *node ? *node : head);
	if (*node == head)
		return 0;
	return (*node - synth_member(g, g->memmap_va, "page", "lru")) /
	       synth_layout_sizeof("page");
}

/* Writes a PGD entry of an mm; kernel entries go into every PGD, user ones into PTI's pair. */
static void set_top(struct synth_guest *g, pfn_t pgd, unsigned index, uint64_t raw)
{
	gva_t node = 0;
	pfn_t other;

	if (index < KERNEL_HALF) {
		/* PTI: the kernel's copy of the user half is not executable. */
		synth_entry_set(g, pgd, index, g->options.pti ? raw | X86_PTE_NX : raw);
		if (g->options.pti)
			synth_entry_set(g, pgd + 1, index, raw);
		return;
	}
	synth_entry_set(g, synth_pgd(g, synth_init_mm(g)), index, raw);
	while ((other = next_pgd(g, &node)))
		synth_entry_set(g, other, index, raw);
}

pfn_t synth_table(struct synth_guest *g, gva_t mm, gva_t va, unsigned level)
{
	unsigned top = g->levels - 1;
	gva_t owner = kernel_va(va) ? synth_init_mm(g) : mm;
	pfn_t table = synth_pgd(g, owner);

	for (unsigned at = top; at > level; at--) {
		unsigned index = synth_index(g, at, va);
		uint64_t entry = synth_entry(g, table, index);

		if (!(entry & X86_PTE_P)) {
			entry = pfn_to_gpa(new_table(g, owner, at - 1)) |
				(kernel_va(va) ? TABLE_KERNEL : TABLE_USER);
			if (at == top)
				set_top(g, table, index, entry);
			else
				synth_entry_set(g, table, index, entry);
			count_table(g, owner, at - 1);
		} else if (entry & X86_PTE_PSE) {
			synth_fail("a huge page is in the way");
		}
		table = gpa_to_pfn(entry & X86_PTE_ADDR);
	}
	return table;
}

void synth_map(struct synth_guest *g, gva_t mm, gva_t va, unsigned level, pfn_t pfn,
	       uint64_t flags)
{
	pfn_t table = synth_table(g, mm, va, level);
	uint64_t raw = X86_PTE_P | X86_PTE_A | flags;

	if (pfn == SYNTH_ANY_FRAME && level)
		pfn = 0;	/* a huge page needs no memory of its own in a test */
	else if (pfn == SYNTH_ANY_FRAME)
		pfn = synth_frame(g);
	if (level)
		raw |= X86_PTE_PSE;
	if (!kernel_va(va))
		raw |= X86_PTE_U;
	synth_entry_set(g, table, synth_index(g, level, va), raw | pfn_to_gpa(pfn));
}

void synth_share_pmd(struct synth_guest *g, gva_t from, gva_t to, gva_t va)
{
	pfn_t pmd = synth_table(g, from, va, 1), pud = synth_table(g, to, va, 2);
	bool in_word = !g->options.share_apart;
	uint64_t count = synth_page_get(g, pmd, "pt_share_count.counter");

	/* The first share turns an owner's word into a count. */
	if (in_word && count > ENTRIES) {
		synth_page_set(g, pmd, "pt_mm", 0);
		count = 0;
	}
	synth_page_set(g, pmd, "pt_share_count.counter", count + 1);
	synth_entry_set(g, pud, synth_index(g, 2, va), pfn_to_gpa(pmd) | TABLE_USER);
	count_table(g, to, 1);
}

pfn_t synth_deposit(struct synth_guest *g, gva_t mm, pfn_t pmd_table)
{
	pfn_t pfn = new_table(g, mm, 0);
	gva_t node = synth_member(g, synth_page(g, pfn), "page", "lru");
	gva_t first = g->options.one_lock ? synth_get(g, mm, "mm_struct", "pmd_huge_pte") :
		      synth_page_get(g, pmd_table, "pmd_huge_pte");

	count_table(g, mm, 0);
	synth_list_init(g, node);
	if (first)
		synth_list_add_tail(g, node, synth_member(g, first, "page", "lru"));
	if (g->options.one_lock)
		synth_set(g, mm, "mm_struct", "pmd_huge_pte", synth_page(g, pfn));
	else
		synth_page_set(g, pmd_table, "pmd_huge_pte", synth_page(g, pfn));
	return pfn;
}

pfn_t synth_orphan(struct synth_guest *g, gva_t mm, unsigned level)
{
	return new_table(g, mm, level);
}

pfn_t synth_new_pgd(struct synth_guest *g)
{
	pfn_t init = synth_pgd(g, synth_init_mm(g));
	pfn_t pgd;

	do
		pgd = synth_frame(g);
	while (g->options.pti && (pgd % 2 || synth_frame(g) != pgd + 1));
	for (unsigned i = KERNEL_HALF; i < ENTRIES; i++)
		synth_entry_set(g, pgd, i, synth_entry(g, init, i));
	if (g->options.pti) {
		unsigned shared = synth_index(g, g->levels - 1, CPU_ENTRY_AREA);

		synth_entry_set(g, pgd + 1, shared, synth_entry(g, init, shared));
		synth_page_set(g, pgd + 1, "_refcount.counter", 0);
	}
	return pgd;
}

static void give_pgd(struct synth_guest *g, gva_t mm)
{
	pfn_t pgd = synth_new_pgd(g);

	synth_construct(g, pgd, mm, g->levels - 1);
	synth_set(g, mm, "mm_struct", "pgd", synth_va(g, pfn_to_gpa(pgd)));
	synth_set(g, mm, "mm_struct", "mm_users.counter", 1);
	synth_set(g, mm, "mm_struct", "mm_count.counter", 1);
	synth_list_add_tail(g, synth_member(g, synth_page(g, pgd), "page", "lru"),
			    synth_symbol(g, "pgd_list"));
}

gva_t synth_mm(struct synth_guest *g)
{
	gva_t mm = synth_object(g);

	give_pgd(g, mm);
	synth_list_init(g, synth_member(g, mm, "mm_struct", "mmlist"));
	return mm;
}

gva_t synth_efi_mm(struct synth_guest *g)
{
	gva_t mm = synth_symbol(g, "efi_mm");

	if (!synth_get(g, mm, "mm_struct", "pgd"))
		give_pgd(g, mm);
	return mm;
}

/* --- tasks --- */

static gva_t new_task(struct synth_guest *g, int pid, int tgid, const char *comm)
{
	gva_t task = synth_object(g);

	synth_set(g, task, "task_struct", "pid", (uint64_t)pid);
	synth_set(g, task, "task_struct", "tgid", (uint64_t)tgid);
	synth_set(g, task, "task_struct", "nvcsw", (uint64_t)pid);
	synth_set(g, task, "task_struct", "nivcsw", 1000);
	synth_write(g, synth_member(g, task, "task_struct", "comm"), comm,
		    strnlen(comm, 16));
	synth_list_init(g, synth_member(g, task, "task_struct", "tasks"));
	return task;
}

static gva_t new_leader(struct synth_guest *g, int pid, const char *comm)
{
	gva_t task = new_task(g, pid, pid, comm), signals;

	synth_list_add_tail(g, synth_member(g, task, "task_struct", "tasks"),
			    synth_member(g, synth_symbol(g, "init_task"), "task_struct", "tasks"));
	if (g->options.no_threads)
		return task;
	signals = synth_object(g);
	synth_set(g, task, "task_struct", "signal", signals);
	synth_list_init(g, synth_member(g, signals, "signal_struct", "thread_head"));
	synth_list_add_tail(g, synth_member(g, task, "task_struct", "thread_node"),
			    synth_member(g, signals, "signal_struct", "thread_head"));
	return task;
}

gva_t synth_task(struct synth_guest *g, gva_t mm, int pid, const char *comm)
{
	gva_t task = new_leader(g, pid, comm);

	synth_set(g, task, "task_struct", "mm", mm);
	synth_set(g, task, "task_struct", "active_mm", mm);
	return task;
}

gva_t synth_thread(struct synth_guest *g, gva_t leader, int tid, const char *comm)
{
	gva_t task = new_task(g, tid, (int)synth_get(g, leader, "task_struct", "tgid"), comm);
	gva_t mm = synth_get(g, leader, "task_struct", "mm");
	gva_t signals = synth_get(g, leader, "task_struct", "signal");

	if (g->options.no_threads)
		synth_fail("this kernel has no threads");
	synth_set(g, task, "task_struct", "mm", mm);
	synth_set(g, task, "task_struct", "active_mm", mm);
	synth_set(g, task, "task_struct", "signal", signals);
	synth_list_add_tail(g, synth_member(g, task, "task_struct", "thread_node"),
			    synth_member(g, signals, "signal_struct", "thread_head"));
	synth_set(g, mm, "mm_struct", "mm_users.counter",
		  synth_get(g, mm, "mm_struct", "mm_users.counter") + 1);
	return task;
}

gva_t synth_kthread(struct synth_guest *g, gva_t active_mm, int pid, const char *comm)
{
	gva_t task = new_leader(g, pid, comm);

	synth_set(g, task, "task_struct", "active_mm", active_mm);
	return task;
}

void synth_task_remove(struct synth_guest *g, gva_t task)
{
	synth_list_del(g, synth_member(g, task, "task_struct", "tasks"));
}

void synth_populate(struct synth_guest *g, unsigned n, gva_t *mms)
{
	for (unsigned i = 0; i < n; i++) {
		char comm[16];
		int pid = 100 + 10 * (int)i;
		gva_t mm = synth_mm(g), task;

		snprintf(comm, sizeof(comm), "proc-%u", i);
		task = synth_task(g, mm, pid, comm);
		for (int t = 1; t <= 2 && !g->options.no_threads; t++)
			synth_thread(g, task, pid + t, comm);
		for (unsigned page = 0; page < 4; page++)
			synth_map(g, mm, 0x400000 + 0x201000ull * page, 0, SYNTH_ANY_FRAME,
				  X86_PTE_W);
		synth_map(g, mm, 0x40000000, 1, SYNTH_ANY_FRAME, X86_PTE_W);
		synth_map(g, mm, 0x7ffffffff000, 0, SYNTH_ANY_FRAME, X86_PTE_W | X86_PTE_NX);
		if (mms)
			mms[i] = mm;
	}
}

/* --- what exists before the allocator runs --- */

void synth_boot_tables(struct synth_guest *g)
{
	const struct synth_options *o = &g->options;
	uint64_t ram = o->frames * PT_FRAME_SIZE;
	uint64_t memmap = o->frames * synth_layout_sizeof("page");

	g->booting = true;
	for (unsigned i = 0; i < SYNTH_IMAGE_FRAMES; i++) {
		pfn_t pfn = gpa_to_pfn(SYNTH_IMAGE_GPA) + i;

		synth_page_flag(g, pfn, "PG_reserved", true);
		synth_map(g, 0, SYNTH_IMAGE_VA + i * PT_FRAME_SIZE, 0, pfn, X86_PTE_W | X86_PTE_G);
	}
	for (gpa_t gpa = 0; gpa < ram; gpa += 2 << 20)
		synth_map(g, 0, synth_va(g, gpa), 1, gpa_to_pfn(gpa),
			  X86_PTE_W | X86_PTE_G | X86_PTE_NX);
	for (gpa_t at = 0; !o->mem_map && at < memmap; at += PT_FRAME_SIZE)
		synth_map(g, 0, g->memmap_va + at, 0, gpa_to_pfn(g->memmap + at),
			  X86_PTE_W | X86_PTE_G | X86_PTE_NX);
	/* Shared by both halves of a PTI pair. */
	synth_map(g, 0, CPU_ENTRY_AREA, 0, gpa_to_pfn(SYNTH_IMAGE_GPA), X86_PTE_G);
	if (o->pti) {
		pfn_t pgd = synth_pgd(g, synth_init_mm(g));
		unsigned shared = synth_index(g, g->levels - 1, CPU_ENTRY_AREA);

		synth_entry_set(g, pgd + 1, shared, synth_entry(g, pgd, shared));
	}
	g->booting = false;
}

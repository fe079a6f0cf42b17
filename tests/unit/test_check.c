// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_check.c - every fault, planted, gives its verdicts and its findings, and
 * no others. Each fault is a row of the table below.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/census_util.h"

#define MMS 4
#define TABLE_FLAGS (X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D)
#define VA 0x400000ull
#define SHARE_VA 0x40000000ull

struct plant {
	struct synth_guest *g;
	gva_t mm[MMS];
	pfn_t hit;	/* the row that must have the verdict */
	unsigned levels;
};

static pfn_t table(struct plant *p, unsigned mm, unsigned level)
{
	return p->hit = synth_table(p->g, p->mm[mm], VA, level);
}

static void nothing(struct plant *p)
{
	table(p, 0, 0);
}

static void wrong_mm_pte(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 0), "pt_mm", p->mm[1]);
}

static void wrong_mm_pgd(struct plant *p)
{
	p->hit = synth_pgd(p->g, p->mm[2]);
	synth_page_set(p->g, p->hit, "pt_mm", p->mm[1]);
}

static void init_mm_pmd(struct plant *p)
{
	synth_page_set(p->g, table(p, 3, 1), "pt_mm", synth_init_mm(p->g));
}

static void stale_mm(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 0), "pt_mm", 0xffff88800badbad0);
}

static void all_ones(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 2), "pt_mm", ~0ull);
}

static void unset(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 0), "pt_mm", 0);
}

static void a_count(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 1), "pt_mm", 2);
}

static void no_ctor(struct plant *p)
{
	synth_destruct(p->g, table(p, 0, 0));
}

static void freed_but_linked(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 0), "page_type", 0xffffffff);
	synth_set(p->g, p->mm[0], "mm_struct", "pgtables_bytes.counter",
		  synth_get(p->g, p->mm[0], "mm_struct", "pgtables_bytes.counter") - 4096);
}

static void orphan(struct plant *p)
{
	p->hit = synth_orphan(p->g, p->mm[0], 0);
}

static void orphan_pmd(struct plant *p)
{
	pfn_t pte = synth_orphan(p->g, p->mm[0], 0);

	p->hit = synth_orphan(p->g, p->mm[0], 1);
	synth_entry_set(p->g, p->hit, 3, pfn_to_gpa(pte) | TABLE_FLAGS);
}

static void orphan_of_dead(struct plant *p)
{
	p->hit = synth_orphan(p->g, 0xffff88800badbad0, 0);
}

static void cross_link_pte(struct plant *p)
{
	pfn_t pmd = synth_table(p->g, p->mm[1], VA, 1);

	synth_entry_set(p->g, pmd, 100, pfn_to_gpa(table(p, 0, 0)) | TABLE_FLAGS);
}

static void cross_link_pmd(struct plant *p)
{
	pfn_t pud = synth_table(p->g, p->mm[1], VA, 2);

	synth_entry_set(p->g, pud, 100, pfn_to_gpa(table(p, 0, 1)) | TABLE_FLAGS);
}

static void twice_in_one(struct plant *p)
{
	pfn_t pmd = synth_table(p->g, p->mm[0], VA, 1);

	synth_entry_set(p->g, pmd, 100, pfn_to_gpa(table(p, 0, 0)) | TABLE_FLAGS);
}

static void kernel_table_in_user(struct plant *p)
{
	pfn_t pmd = synth_table(p->g, p->mm[0], VA, 1);

	p->hit = synth_table(p->g, 0, 0xffffea0000000000ull, 0);
	synth_entry_set(p->g, pmd, 100, pfn_to_gpa(p->hit) | TABLE_FLAGS);
}

static void share_miscounted(struct plant *p)
{
	p->hit = synth_table(p->g, p->mm[0], SHARE_VA, 1);
	synth_share_pmd(p->g, p->mm[0], p->mm[1], 0x8040000000ull);
	p->hit = synth_table(p->g, p->mm[0], 0x8040000000ull, 1);
	synth_page_set(p->g, p->hit, "pt_share_count.counter", 3);
}

static void shared(struct plant *p)
{
	gva_t va = 0x8040000000ull;

	synth_share_pmd(p->g, p->mm[0], p->mm[1], va);
	synth_share_pmd(p->g, p->mm[0], p->mm[2], va);
	p->hit = synth_table(p->g, p->mm[0], va, 1);
}

static void shared_5_10(struct plant *p)
{
	gva_t va = 0x8040000000ull;

	synth_share_pmd(p->g, p->mm[0], p->mm[1], va);
	p->hit = synth_table(p->g, p->mm[0], va, 1);
	synth_page_set(p->g, p->hit, "pt_mm", 0);
	synth_page_set(p->g, p->hit, "_refcount.counter", 2);
}

static void deposit(struct plant *p)
{
	pfn_t pmd = synth_table(p->g, p->mm[0], VA, 1);

	synth_deposit(p->g, p->mm[0], pmd);
	synth_deposit(p->g, p->mm[0], pmd);
	p->hit = synth_deposit(p->g, p->mm[0], pmd);
}

static void kernel_mismatch(struct plant *p)
{
	gva_t va = 0xffffc90000000000ull;

	/* Kernel tables made after boot, so that the level is recorded for the kernel. */
	for (unsigned i = 0; i < 4; i++)
		synth_map(p->g, 0, va + i * 0x200000ull, 0, SYNTH_ANY_FRAME, X86_PTE_W);
	p->hit = synth_table(p->g, 0, va, 0);
	synth_page_set(p->g, p->hit, "pt_mm", p->mm[0]);
}

static void kernel_stale(struct plant *p)
{
	kernel_mismatch(p);
	synth_page_set(p->g, p->hit, "pt_mm", 0xffff88800badbad0);
}

static void kernel_untyped(struct plant *p)
{
	kernel_mismatch(p);
	synth_destruct(p->g, p->hit);
}

static void bytes_off(struct plant *p)
{
	table(p, 0, 0);
	synth_set(p->g, p->mm[0], "mm_struct", "pgtables_bytes.counter", 12345);
}

static void kernel_half_differs(struct plant *p)
{
	pfn_t pgd = synth_pgd(p->g, p->mm[1]);
	unsigned slot = synth_index(p->g, p->levels - 1, 0xffffffff80000000ull);

	table(p, 0, 0);
	synth_entry_set(p->g, pgd, slot, synth_entry(p->g, pgd, slot) ^ X86_PTE_W);
}

static void kernel_half_missing(struct plant *p)
{
	pfn_t pgd = synth_pgd(p->g, p->mm[1]);

	table(p, 0, 0);
	synth_entry_set(p->g, pgd, synth_index(p->g, p->levels - 1, 0xffffffff80000000ull), 0);
}

static void kernel_half_accessed(struct plant *p)
{
	pfn_t pgd = synth_pgd(p->g, p->mm[1]);
	unsigned slot = synth_index(p->g, p->levels - 1, 0xffffffff80000000ull);

	table(p, 0, 0);
	synth_entry_set(p->g, pgd, slot, synth_entry(p->g, pgd, slot) ^ X86_PTE_A);
}

static void self_map(struct plant *p)
{
	table(p, 0, 1);
	synth_entry_set(p->g, p->hit, 511, pfn_to_gpa(p->hit) | TABLE_FLAGS);
}

static void self_map_pgd(struct plant *p)
{
	p->hit = synth_pgd(p->g, p->mm[0]);
	synth_entry_set(p->g, p->hit, 200, pfn_to_gpa(p->hit) | TABLE_FLAGS);
}

static void upward(struct plant *p)
{
	pfn_t pud = synth_table(p->g, p->mm[0], VA, 2);

	table(p, 0, 1);
	synth_entry_set(p->g, p->hit, 300, pfn_to_gpa(pud) | TABLE_FLAGS);
}

static void beyond_ram(struct plant *p)
{
	synth_entry_set(p->g, table(p, 0, 1), 99, 0x7ffffff000ull | TABLE_FLAGS);
}

static void reserved_bits(struct plant *p)
{
	table(p, 0, 0);
	synth_entry_set(p->g, p->hit, 77, 1ull << 51 | TABLE_FLAGS);
}

static void unreadable_pte(struct plant *p)
{
	synth_unreadable(p->g, table(p, 0, 0));
}

static void unreadable_pmd(struct plant *p)
{
	synth_unreadable(p->g, table(p, 0, 1));
}

static void pti_garbage(struct plant *p)
{
	p->hit = synth_user_pgd(p->g, p->mm[0]);
	synth_page_set(p->g, p->hit, "pt_mm", ~0ull);
}

static void lock_on_fault(struct plant *p)
{
	unset(p);
	synth_page_set(p->g, p->hit, "ptl.val.counter", 1);
}

static void parent_lock_on_fault(struct plant *p)
{
	unset(p);
	synth_page_set(p->g, synth_table(p->g, p->mm[0], VA, 1), "ptl.val.counter", 1);
}

static void mm_lock_on_fault(struct plant *p)
{
	synth_page_set(p->g, table(p, 0, 1), "pt_mm", 0);
	synth_set(p->g, p->mm[0], "mm_struct", "page_table_lock.val.counter", 1);
}

/* Another mm's lock excuses nothing. */
static void foreign_lock(struct plant *p)
{
	unset(p);
	synth_page_set(p->g, synth_table(p->g, p->mm[1], VA, 1), "ptl.val.counter", 1);
}

static void orphan_of_locked(struct plant *p)
{
	orphan(p);
	synth_set(p->g, p->mm[0], "mm_struct", "page_table_lock.val.counter", 1);
}

/* An operation under way excuses what looks wrong, and nothing else. */
static void busy(struct plant *p)
{
	nothing(p);
	synth_set(p->g, p->mm[0], "mm_struct", "mmap_lock.count.counter", 1);
}

static void unset_of_busy(struct plant *p)
{
	unset(p);
	busy(p);
}

/* Another word that is no type, met first, hides no table. */
static void orphan_behind_words(struct plant *p)
{
	synth_page_set(p->g, synth_frame(p->g), "page_type", 0x00f20000);
	synth_page_set(p->g, synth_frame(p->g), "page_type", 0x0000f200);
	orphan(p);
}

/* References say "shared", but only PMD tables can be. */
static void cross_link_counted(struct plant *p)
{
	cross_link_pte(p);
	synth_page_set(p->g, p->hit, "_refcount.counter", 2);
}

static void kernel_pmd_in_user(struct plant *p)
{
	pfn_t pud = synth_table(p->g, p->mm[0], VA, 2);

	p->hit = synth_table(p->g, 0, 0xffffc90000000000ull, 1);
	synth_page_set(p->g, p->hit, "_refcount.counter", 2);
	synth_entry_set(p->g, pud, 100, pfn_to_gpa(p->hit) | TABLE_FLAGS);
}

static void kernel_reserved_garbage(struct plant *p)
{
	kernel_mismatch(p);
	synth_page_set(p->g, p->hit, "pt_mm", synth_init_mm(p->g));
	p->hit = synth_table(p->g, 0, 0xffffffff81000000ull, 0);
	synth_page_set(p->g, p->hit, "pt_mm", 0xffff88800badbad0);
}

/* Most kernel tables of the level say nothing true: it is not recorded for them. */
static void kernel_unrecorded(struct plant *p)
{
	gva_t va = 0xffffc90000000000ull;

	kernel_mismatch(p);
	for (unsigned i = 0; i < 3; i++)
		synth_page_set(p->g, synth_table(p->g, 0, va + i * 0x200000ull, 0), "pt_mm",
			       0xffff88800badbad0);
}

/* A process's LDT under PTI: tables of its own in the kernel half, in its book. */
static void ldt(struct plant *p)
{
	p->hit = synth_orphan(p->g, p->mm[0], p->levels - 2);
	synth_entry_set(p->g, synth_pgd(p->g, p->mm[0]), 512 - 240,
			pfn_to_gpa(p->hit) | X86_PTE_P | X86_PTE_W);
	if (p->levels == 4)
		synth_set(p->g, p->mm[0], "mm_struct", "pgtables_bytes.counter",
			  synth_get(p->g, p->mm[0], "mm_struct", "pgtables_bytes.counter") + 4096);
}

/* The same slot without PTI; the table is not in the book. */
static void kernel_half_private(struct plant *p)
{
	p->hit = synth_orphan(p->g, p->mm[0], p->levels - 2);
	synth_entry_set(p->g, synth_pgd(p->g, p->mm[0]), 300,
			pfn_to_gpa(p->hit) | X86_PTE_P | X86_PTE_W);
}

/* What users see of the kernel under PTI may hang on tables of its own. */
static void pti_kernel_clone(struct plant *p)
{
	p->hit = synth_orphan(p->g, synth_init_mm(p->g), p->levels - 2);
	for (unsigned i = 0; i < MMS; i++)
		synth_entry_set(p->g, synth_user_pgd(p->g, p->mm[i]), 509,
				pfn_to_gpa(p->hit) | X86_PTE_P | X86_PTE_W);
}

struct expect {
	const char *name;
	size_t count;
};

static const struct fault {
	const char *name;
	void (*plant)(struct plant *);
	enum verdict verdict;		/* of the row that was hit */
	struct expect bad[3];		/* rows that are not fine, by verdict */
	struct expect findings[4];
	unsigned levels;		/* 0: both */
	bool pti, share_apart;
	enum synth_types types;
} faults[] = {
	{ .name = "nothing", .plant = nothing, .verdict = VERDICT_MATCH },
	{ .name = "wrong_mm_pte", .plant = wrong_mm_pte, .verdict = VERDICT_MISMATCH,
	  .bad = { { "mismatch", 1 } }, .findings = { { "mismatch", 1 } } },
	{ .name = "wrong_mm_pgd", .plant = wrong_mm_pgd, .verdict = VERDICT_MISMATCH,
	  .bad = { { "mismatch", 1 } }, .findings = { { "mismatch", 1 } } },
	{ .name = "init_mm_pmd", .plant = init_mm_pmd, .verdict = VERDICT_MISMATCH,
	  .bad = { { "mismatch", 1 } }, .findings = { { "mismatch", 1 } } },
	{ .name = "stale_mm", .plant = stale_mm, .verdict = VERDICT_STALE,
	  .bad = { { "stale", 1 } }, .findings = { { "stale", 1 } } },
	{ .name = "all_ones", .plant = all_ones, .verdict = VERDICT_STALE,
	  .bad = { { "stale", 1 } }, .findings = { { "stale", 1 } } },
	{ .name = "unset", .plant = unset, .verdict = VERDICT_UNSET, .bad = { { "unset", 1 } },
	  .findings = { { "unset", 1 } } },
	{ .name = "a_count", .plant = a_count, .verdict = VERDICT_NOT_A_POINTER,
	  .bad = { { "not-a-pointer", 1 } } },
	{ .name = "no_ctor", .plant = no_ctor, .verdict = VERDICT_UNTYPED,
	  .bad = { { "untyped", 1 } }, .findings = { { "untyped", 1 } } },
	{ .name = "freed_but_linked", .plant = freed_but_linked, .verdict = VERDICT_UNTYPED,
	  .bad = { { "untyped", 1 } }, .findings = { { "untyped", 1 } } },
	{ .name = "orphan", .plant = orphan, .verdict = VERDICT_ORPHAN,
	  .bad = { { "orphan", 1 } }, .findings = { { "orphan", 1 } } },
	{ .name = "orphan_pmd", .plant = orphan_pmd, .verdict = VERDICT_ORPHAN,
	  .bad = { { "orphan", 2 } }, .findings = { { "orphan", 2 } } },
	{ .name = "orphan_of_dead", .plant = orphan_of_dead, .verdict = VERDICT_ORPHAN,
	  .bad = { { "orphan", 1 } }, .findings = { { "orphan", 1 } } },
	{ .name = "orphan_5_10", .plant = orphan, .verdict = VERDICT_ORPHAN,
	  .bad = { { "orphan", 1 } }, .findings = { { "orphan", 1 } },
	  .types = SYNTH_TYPES_5_10 },
	{ .name = "orphan_6_1", .plant = orphan, .verdict = VERDICT_ORPHAN,
	  .bad = { { "orphan", 1 } }, .findings = { { "orphan", 1 } },
	  .types = SYNTH_TYPES_6_1 },
	{ .name = "cross_link_pte", .plant = cross_link_pte, .verdict = VERDICT_CROSS_LINKED,
	  .bad = { { "cross-linked", 1 } }, .findings = { { "cross-linked", 1 } } },
	/* The PMD table and the four PTE tables below it; one fault. */
	{ .name = "cross_link_pmd", .plant = cross_link_pmd, .verdict = VERDICT_CROSS_LINKED,
	  .bad = { { "cross-linked", 5 } }, .findings = { { "cross-linked", 1 } } },
	{ .name = "twice_in_one", .plant = twice_in_one, .verdict = VERDICT_CROSS_LINKED,
	  .bad = { { "cross-linked", 1 } }, .findings = { { "cross-linked", 1 } } },
	{ .name = "kernel_table_in_user", .plant = kernel_table_in_user,
	  .verdict = VERDICT_CROSS_LINKED, .bad = { { "cross-linked", 1 } },
	  .findings = { { "cross-linked", 1 } }, .levels = 4 },
	{ .name = "share_miscounted", .plant = share_miscounted,
	  .verdict = VERDICT_CROSS_LINKED, .bad = { { "cross-linked", 1 } },
	  .findings = { { "cross-linked", 1 } }, .share_apart = true },
	{ .name = "shared", .plant = shared, .verdict = VERDICT_SHARED },
	{ .name = "shared_apart", .plant = shared, .verdict = VERDICT_SHARED,
	  .share_apart = true },
	{ .name = "shared_5_10", .plant = shared_5_10, .verdict = VERDICT_SHARED },
	{ .name = "deposit", .plant = deposit, .verdict = VERDICT_DEPOSITED },
	{ .name = "kernel_mismatch", .plant = kernel_mismatch, .verdict = VERDICT_MISMATCH,
	  .bad = { { "mismatch", 1 } }, .findings = { { "mismatch", 1 } } },
	{ .name = "kernel_stale", .plant = kernel_stale, .verdict = VERDICT_STALE,
	  .bad = { { "stale", 1 } }, .findings = { { "stale", 1 } } },
	{ .name = "kernel_untyped", .plant = kernel_untyped, .verdict = VERDICT_KERNEL },
	{ .name = "bytes_off", .plant = bytes_off, .verdict = VERDICT_MATCH,
	  .findings = { { "pgtables_bytes", 1 } } },
	{ .name = "kernel_half_differs", .plant = kernel_half_differs,
	  .verdict = VERDICT_MATCH, .findings = { { "kernel_half", 1 } } },
	{ .name = "kernel_half_missing", .plant = kernel_half_missing,
	  .verdict = VERDICT_MATCH, .findings = { { "kernel_half", 1 } } },
	{ .name = "kernel_half_accessed", .plant = kernel_half_accessed,
	  .verdict = VERDICT_MATCH },
	{ .name = "self_map", .plant = self_map, .verdict = VERDICT_MATCH,
	  .findings = { { "self_map", 1 } } },
	{ .name = "self_map_pgd", .plant = self_map_pgd, .verdict = VERDICT_MATCH,
	  .findings = { { "self_map", 1 } } },
	{ .name = "upward", .plant = upward, .verdict = VERDICT_MATCH,
	  .findings = { { "self_map", 1 } } },
	{ .name = "beyond_ram", .plant = beyond_ram, .verdict = VERDICT_MATCH,
	  .findings = { { "beyond_ram", 1 } } },
	{ .name = "reserved_bits", .plant = reserved_bits, .verdict = VERDICT_MATCH,
	  .findings = { { "bad_entry", 1 } } },
	{ .name = "unreadable_pte", .plant = unreadable_pte, .verdict = VERDICT_UNREADABLE,
	  .bad = { { "unreadable", 1 } }, .findings = { { "unreadable", 1 } } },
	{ .name = "unreadable_pmd", .plant = unreadable_pmd, .verdict = VERDICT_UNREADABLE,
	  .bad = { { "unreadable", 1 }, { "orphan", 4 } },
	  .findings = { { "unreadable", 1 }, { "orphan", 4 } } },
	{ .name = "pti_garbage", .plant = pti_garbage, .verdict = VERDICT_PTI_USER,
	  .pti = true },
	{ .name = "pti_nothing", .plant = nothing, .verdict = VERDICT_MATCH, .pti = true },
	{ .name = "lock_on_fault", .plant = lock_on_fault, .verdict = VERDICT_IN_FLIGHT,
	  .bad = { { "in-flight", 1 } } },
	/* Its own row is in flight too: its entries are being changed. */
	{ .name = "parent_lock_on_fault", .plant = parent_lock_on_fault,
	  .verdict = VERDICT_IN_FLIGHT, .bad = { { "in-flight", 2 } } },
	{ .name = "foreign_lock", .plant = foreign_lock, .verdict = VERDICT_UNSET,
	  .bad = { { "unset", 1 }, { "in-flight", 1 } }, .findings = { { "unset", 1 } } },
	{ .name = "orphan_of_locked", .plant = orphan_of_locked, .verdict = VERDICT_IN_FLIGHT,
	  .bad = { { "in-flight", 5 } }, .levels = 4 },
	{ .name = "busy", .plant = busy, .verdict = VERDICT_MATCH },
	{ .name = "unset_of_busy", .plant = unset_of_busy, .verdict = VERDICT_IN_FLIGHT,
	  .bad = { { "in-flight", 1 } } },
	{ .name = "orphan_behind_words", .plant = orphan_behind_words,
	  .verdict = VERDICT_ORPHAN, .bad = { { "orphan", 1 } },
	  .findings = { { "orphan", 1 } } },
	{ .name = "cross_link_counted", .plant = cross_link_counted,
	  .verdict = VERDICT_CROSS_LINKED, .bad = { { "cross-linked", 1 } },
	  .findings = { { "cross-linked", 1 } } },
	{ .name = "kernel_pmd_in_user", .plant = kernel_pmd_in_user,
	  .verdict = VERDICT_CROSS_LINKED, .bad = { { "cross-linked", 1 } },
	  .findings = { { "cross-linked", 1 } } },
	{ .name = "kernel_reserved_garbage", .plant = kernel_reserved_garbage,
	  .verdict = VERDICT_KERNEL },
	{ .name = "kernel_unrecorded", .plant = kernel_unrecorded, .verdict = VERDICT_KERNEL },
	{ .name = "ldt", .plant = ldt, .verdict = VERDICT_MATCH, .pti = true },
	{ .name = "kernel_half_private", .plant = kernel_half_private,
	  .verdict = VERDICT_MATCH, .findings = { { "kernel_half", 1 } } },
	{ .name = "pti_kernel_clone", .plant = pti_kernel_clone, .verdict = VERDICT_KERNEL,
	  .pti = true },
	{ .name = "mm_lock_on_fault", .plant = mm_lock_on_fault, .verdict = VERDICT_IN_FLIGHT,
	  .bad = { { "in-flight", 5 } }, .levels = 4 },
};

static bool is_fine(enum verdict v)
{
	return v == VERDICT_MATCH || v == VERDICT_KERNEL || v == VERDICT_SHARED ||
	       v == VERDICT_PTI_USER || v == VERDICT_DEPOSITED;
}

static size_t wanted(const struct expect *list, size_t size, const char *name)
{
	for (size_t i = 0; i < size; i++)
		if (list[i].name && !strcmp(list[i].name, name))
			return list[i].count;
	return 0;
}

/* What came out, in words, if it is not what the row of the table says. */
static bool compare(const struct fault *f, unsigned levels, const struct census *c,
		    const struct findings *findings)
{
	size_t size, bad = 0;
	bool ok = true;
	const struct check *checks = check_list(&size);

	for (int v = 0; v < VERDICTS; v++) {
		const char *name = verdict_name((enum verdict)v);
		size_t got = util_count(c, (enum verdict)v), want = wanted(f->bad, 3, name);

		if (is_fine((enum verdict)v))
			continue;
		if (got != want) {
			print_error("%s, %u levels: %zu rows are %s, not %zu\n", f->name, levels,
				    got, name, want);
			ok = false;
		}
		got = util_count_findings(findings, name);
		bad += got;
		want = wanted(f->findings, 4, name);
		if (got != want) {
			print_error("%s, %u levels: %zu findings %s, not %zu\n", f->name, levels,
				    got, name, want);
			ok = false;
		}
	}
	for (size_t i = 0; i < size; i++) {
		size_t got = util_count_findings(findings, checks[i].id);
		size_t want = wanted(f->findings, 4, checks[i].id);

		if (verdict_by_name(checks[i].id) < 0)
			bad += got;
		if (got != want) {
			print_error("%s, %u levels: %zu findings %s, not %zu\n", f->name, levels,
				    got, checks[i].id, want);
			ok = false;
		}
	}
	if (bad != findings->count) {
		print_error("%s: a finding of no known check\n", f->name);
		ok = false;
	}
	return ok;
}

static bool run(const struct fault *f, unsigned levels)
{
	struct synth_options options = {
		.levels = levels, .pti = f->pti, .share_apart = f->share_apart, .types = f->types,
	};
	struct plant p = { .g = synth_new(&options), .levels = levels };
	struct findings findings;
	struct census_row row;
	struct census *c;
	bool ok;

	synth_populate(p.g, MMS, p.mm);
	synth_map(p.g, p.mm[0], 0x8040000000ull, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_table(p.g, p.mm[1], 0x8040000000ull, 2);
	synth_table(p.g, p.mm[2], 0x8040000000ull, 2);
	f->plant(&p);
	c = util_census(p.g, NULL);
	assert_true(check_run(c, synth_kernel(p.g), &findings, NULL));
	assert_null(census_incomplete(c));
	row = util_row(c, p.hit);
	ok = row.verdict == f->verdict;
	if (!ok)
		print_error("%s, %u levels: the row hit is %s, not %s\n", f->name, levels,
			    verdict_name(row.verdict), verdict_name(f->verdict));
	ok = compare(f, levels, c, &findings) && ok;
	for (size_t i = 0; !ok && i < findings.count; i++)
		print_error("    %s: %s\n", findings.list[i].check, findings.list[i].message);
	findings_free(&findings);
	census_free(c);
	synth_free(p.g);
	return ok;
}

static void test_faults(void **state)
{
	bool ok = true;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		for (unsigned levels = 4; levels <= 5; levels++)
			if (!faults[i].levels || faults[i].levels == levels)
				ok = run(&faults[i], levels) && ok;
	assert_true(ok);
}

/* A guest that is all faults: findings are bounded, and the rest is counted. */
static void test_limit(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[1];
	struct findings findings;
	struct census *c;

	(void)state;
	synth_populate(g, 1, mm);
	for (unsigned t = 0; t < 40; t++)
		for (unsigned i = 0; i < 512; i++)
			synth_entry_set(g, synth_table(g, mm[0], (2048 + t) * 0x200000ull, 0), i,
					1ull << 51 | 1);
	c = util_census(g, NULL);
	assert_true(check_run(c, synth_kernel(g), &findings, NULL));
	assert_int_equal(findings.count, 10000);
	assert_int_equal(findings.dropped, 40 * 512 - 10000);
	findings_free(&findings);
	census_free(c);
	synth_free(g);
}

/* A finding says where: frame, mm, address. */
static void test_places(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[2];
	struct findings f;
	struct census *c;
	pfn_t pmd;

	(void)state;
	synth_populate(g, 2, mm);
	pmd = synth_table(g, mm[1], VA, 1);
	synth_entry_set(g, pmd, 99, 0x7ffffff000ull | TABLE_FLAGS);
	c = util_census(g, NULL);
	assert_true(check_run(c, synth_kernel(g), &f, NULL));
	assert_int_equal(f.count, 1);
	assert_true(f.list[0].has_pfn && f.list[0].has_mm && f.list[0].has_va);
	assert_int_equal(f.list[0].pfn, pmd);
	assert_int_equal(f.list[0].mm, mm[1]);
	assert_int_equal(f.list[0].va, 99 * 0x200000ull);
	assert_int_equal(f.list[0].severity, SEVERITY_ERROR);
	assert_non_null(strstr(f.list[0].message, "0x7ffffff,"));
	assert_int_equal(util_row(c, pmd).entries[PT_BAD], 1);
	assert_int_equal(util_row(c, pmd).entries[PT_TABLE], 4);
	findings_free(&f);
	census_free(c);
	synth_free(g);
}

/*
 * What lies below an unreadable table is no proven leak. Nor is an empty one:
 * it may wait for its grace period, typed since Linux 6.6, or be new.
 */
static void test_orphan_severity(void **state)
{
	static const struct {
		enum synth_types types;
		size_t errors, warnings, notes;
	} rows[] = {
		{ SYNTH_TYPES_PGTY, 1, 4, 1 },	/* one note for all */
		{ SYNTH_TYPES_6_1, 1, 6, 0 },
	};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct synth_options o = { .types = rows[row].types };
		struct synth_guest *g = synth_new(&o);
		size_t by_severity[3] = { 0 };
		struct findings f;
		struct census *c;
		gva_t mm[2];

		synth_populate(g, 2, mm);
		synth_unreadable(g, synth_table(g, mm[0], VA, 1));
		synth_orphan(g, mm[1], 0);
		synth_orphan(g, 0, 0);
		synth_entry_set(g, synth_orphan(g, mm[1], 0), 7, TABLE_FLAGS);
		c = util_census(g, NULL);
		assert_true(check_run(c, synth_kernel(g), &f, NULL));
		for (size_t i = 0; i < f.count; i++)
			if (!strcmp(f.list[i].check, "orphan"))
				by_severity[f.list[i].severity]++;
		assert_int_equal(by_severity[SEVERITY_ERROR], rows[row].errors);
		assert_int_equal(by_severity[SEVERITY_WARNING], rows[row].warnings);
		assert_int_equal(by_severity[SEVERITY_NOTE], rows[row].notes);
		findings_free(&f);
		census_free(c);
		synth_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_orphan_severity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

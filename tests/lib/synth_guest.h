/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth_guest.h - a synthetic guest for unit tests: RAM with page tables, a
 * memmap, tasks and mms, and the ELF image (symbols, .BTF) that describes them.
 *
 * It is Linux-shaped but laid out unlike any Linux, so that code which knows an
 * offset instead of asking BTF fails. A new guest is sound: every table has its
 * type and pt_mm, books balance. Tests then plant faults through the setters.
 * A helper that cannot do what is asked fails the test (aborts with a message).
 *
 *	struct synth_guest *g = synth_new(NULL);
 *	gva_t mm = synth_mm(g);
 *	synth_task(g, mm, 7, "seven");
 *	synth_map(g, mm, 0x400000, 0, SYNTH_ANY_FRAME, X86_PTE_W);
 *	synth_page_set(g, synth_table(g, mm, 0x400000, 0), "pt_mm", 0xbad);
 *	struct kernel *k = synth_kernel(g);
 */
#ifndef PTMM_TEST_SYNTH_GUEST_H
#define PTMM_TEST_SYNTH_GUEST_H

#include "walker/kernel/kernel.h"

#define SYNTH_ANY_FRAME (~0ull)

/* How a kernel encodes the type of a page. */
enum synth_types {
	SYNTH_TYPES_PGTY,	/* 6.12 on: enum pagetype in BTF, type in the top byte */
	SYNTH_TYPES_6_1,	/* bit 0x200 cleared; no enum in BTF */
	SYNTH_TYPES_5_10,	/* bit 0x400 cleared; no enum in BTF */
};

struct synth_options {
	unsigned levels;	/* 4 or 5; 0: 4 */
	uint64_t frames;	/* RAM; 0: 4096 (16 MiB) */
	bool pti;		/* every PGD is followed by a user PGD */
	enum synth_types types;
	uint8_t unrecorded;	/* bit per level: pt_mm is not set there */
	uint8_t untyped;	/* bit per level: the type is not set there */
	bool share_apart;	/* pt_share_count is a field of its own, not pt_mm's word */
	bool one_lock;		/* no lock per table: deposits hang on the mm */
	bool no_threads;	/* tasks have no signal->thread_head, as in a tiny kernel */
	bool no_bases;		/* no page_offset_base, vmemmap_base symbols */
	bool mem_map;		/* memmap by a mem_map pointer, no vmemmap area */
	uint64_t slide;		/* direct map and vmemmap are moved up by this (1 GiB steps) */
	pfn_t hole_first, hole_end;	/* frames that are no RAM; equal: none */
	const char *omit_symbol;	/* leave this symbol out of the image */
	const char *omit_member;	/* "mm_struct.pgd": leave this member out of BTF */
	bool omit_btf;
	bool by_view;		/* RAM has no host mapping: machine_view() alone gives it */
};

struct synth_guest;

struct synth_guest *synth_new(const struct synth_options *);	/* NULL: all defaults */
void synth_free(struct synth_guest *);
struct machine *synth_machine(struct synth_guest *);
const void *synth_image(struct synth_guest *, size_t *size);
const struct profile *synth_profile(struct synth_guest *);
/* Opens the kernel at the first call; synth_free() closes it. */
struct kernel *synth_kernel(struct synth_guest *);

/* Objects; all are known by their guest address. */
gva_t synth_init_mm(struct synth_guest *);
gva_t synth_mm(struct synth_guest *);			/* with a PGD, on pgd_list */
gva_t synth_task(struct synth_guest *, gva_t mm, int pid, const char *comm);
gva_t synth_thread(struct synth_guest *, gva_t leader, int tid, const char *comm);
gva_t synth_kthread(struct synth_guest *, gva_t active_mm, int pid, const char *comm);
/* A kernel mm known by a symbol ("efi_mm"): it is in every guest, PGD made at this call. */
gva_t synth_efi_mm(struct synth_guest *);
gva_t synth_symbol(struct synth_guest *, const char *name);

/* n mms, each with a task, two threads, and tables of every level; returns the mms. */
void synth_populate(struct synth_guest *, unsigned n, gva_t *mms);

/* Tables. `va` in the kernel half means init_mm's tables; mm may then be 0. */
pfn_t synth_pgd(struct synth_guest *, gva_t mm);
pfn_t synth_user_pgd(struct synth_guest *, gva_t mm);	/* 0 without PTI */
/* The table of this level that serves va; made, with those above it, where missing. */
pfn_t synth_table(struct synth_guest *, gva_t mm, gva_t va, unsigned level);
/* Maps a page (level 0) or huge page (1, 2); flags beside P, U, A: X86_PTE_W, _D, _NX ... */
void synth_map(struct synth_guest *, gva_t mm, gva_t va, unsigned level, pfn_t, uint64_t flags);
/* The PMD table of `from` that serves va is linked into `to` as well, as hugetlb does. */
void synth_share_pmd(struct synth_guest *, gva_t from, gva_t to, gva_t va);
/* A PTE table deposited in a PMD table's struct page; counted in pgtables_bytes. */
pfn_t synth_deposit(struct synth_guest *, gva_t mm, pfn_t pmd_table);
/* A constructed table that nothing links to. */
pfn_t synth_orphan(struct synth_guest *, gva_t mm, unsigned level);
pfn_t synth_frame(struct synth_guest *);		/* a free frame, zeroed */

/* Entries, by the table's frame and the entry's index. */
uint64_t synth_entry(struct synth_guest *, pfn_t table, unsigned index);
void synth_entry_set(struct synth_guest *, pfn_t table, unsigned index, uint64_t raw);
unsigned synth_index(struct synth_guest *, unsigned level, gva_t va);

/*
 * Fields by name, dotted paths allowed: synth_set(g, mm, "mm_struct",
 * "mm_count.counter", 0). Up to 8 bytes wide; wider: synth_write().
 */
void synth_set(struct synth_guest *, gva_t object, const char *type, const char *member,
	       uint64_t value);
uint64_t synth_get(struct synth_guest *, gva_t object, const char *type, const char *member);
gva_t synth_member(struct synth_guest *, gva_t object, const char *type, const char *member);
/* Of a frame's struct page: "flags", "pt_mm", "page_type", "_refcount.counter" ... */
void synth_page_set(struct synth_guest *, pfn_t, const char *member, uint64_t value);
uint64_t synth_page_get(struct synth_guest *, pfn_t, const char *member);
gva_t synth_page(struct synth_guest *, pfn_t);
/* Page flags by name ("PG_reserved"). */
void synth_page_flag(struct synth_guest *, pfn_t, const char *flag, bool on);
/* Gives a frame the type (or none) and pt_mm that a constructor would. */
void synth_construct(struct synth_guest *, pfn_t, gva_t mm, unsigned level);
void synth_destruct(struct synth_guest *, pfn_t);

/* Raw memory by direct map, kernel image or memmap address, and by gpa. */
void *synth_host(struct synth_guest *, gpa_t);
void synth_write(struct synth_guest *, gva_t, const void *, size_t);
gpa_t synth_gpa(struct synth_guest *, gva_t);
gva_t synth_va(struct synth_guest *, gpa_t);		/* in the direct map */
/* From now on reads of this frame fail with ERR_UNREADABLE. */
void synth_unreadable(struct synth_guest *, pfn_t);
/* Both vCPUs start in the kernel on init_mm; loads an mm, in user mode or in the kernel. */
void synth_load(struct synth_guest *, unsigned vcpu, gva_t mm, bool user);
/* CPU 1's idle task, which is on no task list, borrows this mm from now on. */
void synth_idle_borrows(struct synth_guest *, gva_t mm);
/* Takes a task off its list: its mm becomes taskless. */
void synth_task_remove(struct synth_guest *, gva_t task);

#endif

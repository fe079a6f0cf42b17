/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the guest kernel's objects: its own space, tasks, mms, pages.
 *
 * A `struct kernel` is a machine seen through a profile. Everything read is
 * hostile: lists have budgets, pointers must translate, strings are cut and
 * cleaned. Structure names and offsets come from BTF; where a meaning changed
 * between Linux versions a comment cites the version.
 */
#ifndef PTMM_KERNEL_H
#define PTMM_KERNEL_H

#include "walker/machine.h"
#include "walker/profile/profile.h"

struct kernel;

/* Both are borrowed and must outlive the kernel. */
struct kernel *kernel_open(struct machine *, const struct profile *, struct err *);
void kernel_close(struct kernel *);

struct machine *kernel_machine(const struct kernel *);
const struct profile *kernel_profile(const struct kernel *);
/* init_mm's space: the kernel half. */
const struct pt_space *kernel_space(const struct kernel *);
const char *kernel_release(const struct kernel *);
/* By its release: "6.6" is (6, 6). False where that is no version at all. */
bool kernel_is_since(const struct kernel *, unsigned major, unsigned minor);
bool kernel_pti(const struct kernel *);
uint64_t kernel_phys_base(const struct kernel *);
/* How far KASLR moved the kernel's addresses; false where that is not known. */
bool kernel_kaslr_offset(const struct kernel *, uint64_t *offset);
gva_t kernel_direct_map(const struct kernel *);

/* Direct map by arithmetic, all else through init_mm's tables. */
bool kernel_to_gpa(const struct kernel *, gva_t, gpa_t *, struct err *);
bool kernel_read(const struct kernel *, gva_t, void *buf, size_t, struct err *);

enum mm_kind { MM_USER, MM_INIT, MM_KERNEL, MM_TASKLESS };

struct task {
	gva_t at;		/* its task_struct */
	int32_t pid, tgid;
	char comm[17];		/* printable ASCII, terminated */
	gva_t mm, active_mm;	/* 0: none */
	uint64_t progress;	/* switches so far (nvcsw + nivcsw): grows while it runs */
	bool thread;		/* not the leader of its group */
};

struct mm {
	gva_t at;
	enum mm_kind kind;
	const char *name;	/* "init_mm", "efi_mm"; NULL for user mms */
	gva_t pgd_va;
	gpa_t pgd;		/* root table */
	gpa_t user_pgd;		/* PTI's second root, else 0 */
	int64_t users, count;	/* mm_users, mm_count */
	int64_t pgtables_bytes;
	bool locked;		/* page_table_lock is held: upper tables are half done */
	bool busy;		/* mmap_lock is held: an operation on it is under way */
	uint32_t first_task, task_count;	/* in kernel_mms.tasks_of */
};

/* Does it belong to processes, living or dead? */
static inline bool mm_is_user(const struct mm *mm)
{
	return mm->kind == MM_USER || mm->kind == MM_TASKLESS;
}

/* Does this CR3 hold one of its roots? With PTI user mode is on the second. */
static inline bool mm_is_loaded(const struct mm *mm, uint64_t cr3)
{
	gpa_t root = cr3 & X86_PTE_ADDR;

	return root == mm->pgd || (mm->user_pgd && root == mm->user_pgd);
}

/* One snapshot of tasks and mms; deduplicated, mms sorted by address. */
struct kernel_mms {
	struct task *tasks;
	uint32_t task_count;
	struct mm *mms;		/* init_mm is one of them */
	uint32_t mm_count;
	uint32_t *tasks_of;	/* indices into tasks, grouped by mm */
	uint32_t init_mm;	/* index of init_mm */
	bool truncated;		/* a budget ran out or a list was broken: `note` says which */
	char note[160];
};

bool kernel_read_mms(const struct kernel *, struct kernel_mms *, struct err *);
void kernel_mms_free(struct kernel_mms *);
/* Index of the mm at this address, or -1. */
int64_t kernel_mm_find(const struct kernel_mms *, gva_t);

/* Every PGD on pgd_list, as gpa; the caller frees. */
bool kernel_read_pgd_list(const struct kernel *, gpa_t **pgds, size_t *count, struct err *);

/* A stretch of an address space, as its mm's books have it. */
struct vma {
	gva_t at;		/* its vm_area_struct */
	gva_t first, last;	/* inclusive */
	uint64_t flags;		/* VM_READ 1, VM_WRITE 2, VM_EXEC 4, VM_SHARED 8 ... */
	uint64_t pgoff;
	gva_t file, anon_vma;	/* 0: none */
};

/*
 * The VMAs of an mm, sorted by address; the caller frees. ERR_MALFORMED where
 * they are no sound list or tree, also if an operation on the mm is half-way.
 */
bool kernel_read_vmas(const struct kernel *, gva_t mm, struct vma **, size_t *count,
		      struct err *);

/* Pages that an mm has by its own counters; without hugetlb and the zero pages. */
struct mm_rss {
	int64_t file, anon, swap, shmem;
};

/* Adds up all parts of the counters. ERR_MISSING: this kernel keeps none. */
bool kernel_read_rss(const struct kernel *, const struct kernel_mms *, uint32_t mm,
		     struct mm_rss *, struct err *);

enum page_type {
	PAGE_TYPE_NONE, PAGE_TYPE_TABLE, PAGE_TYPE_BUDDY, PAGE_TYPE_SLAB, PAGE_TYPE_OTHER
};

struct page_facts {
	uint64_t flags;
	uint32_t page_type;	/* raw word */
	enum page_type type;
	int32_t refcount, mapcount;
	uint64_t recorded;	/* the raw pt_mm word */
	/*
	 * Of pages of the table type only, else 0. deposit means something in PMD
	 * tables, ptl in PTE and PMD tables: elsewhere the words are used otherwise.
	 */
	uint64_t deposit;	/* pmd_huge_pte: first deposited table's page, else 0 */
	uint32_t ptl;		/* the table's lock word; 0: free or not known */
	uint32_t share_count;	/* pt_share_count: sharers beside the first; 0: not known */
	bool reserved;
	bool hwpoison;
};

/* struct page of a frame. ERR_NOT_RAM where the memmap has none. */
bool kernel_page(const struct kernel *, pfn_t, struct page_facts *, struct err *);
/* The raw struct page, in place where it can be; for scans. See memmap.c. */
bool kernel_page_at(const struct kernel *, pfn_t, gva_t *at, struct err *);
/* The first frame of the compound page that this frame is part of; or this frame. */
bool kernel_page_head(const struct kernel *, pfn_t, pfn_t *head, struct err *);
/* The frame that a struct page describes. ERR_MALFORMED: not the address of one. */
bool kernel_page_pfn(const struct kernel *, gva_t page, pfn_t *, struct err *);
/* Flag names without PG_, blank-separated, of page->flags; returns buf. */
char *kernel_page_flags(const struct kernel *, uint64_t flags, char *buf, size_t);

#endif

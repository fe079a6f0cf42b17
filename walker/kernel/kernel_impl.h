/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_impl.h - what the files of walker/kernel share; nobody else includes it.
 */
#ifndef PTMM_KERNEL_IMPL_H
#define PTMM_KERNEL_IMPL_H

#include "walker/kernel/kernel.h"
#include "walker/table/translate.h"

/* Where a member lies, resolved once. Size 0: this kernel has no such member. */
struct kernel_fields {
	struct member task_tasks, task_mm, task_active_mm, task_pid, task_tgid, task_comm;
	struct member task_signal, task_thread_node, task_nvcsw, task_nivcsw;
	struct member signal_thread_head;
	struct member mm_pgd, mm_users, mm_count, mm_pgtables_bytes, mm_table_lock, mm_mmap_lock;
	struct member mm_mmlist, mm_mmap, mm_tree, mm_rss;
	struct member vma_start, vma_end, vma_next, vma_mm, vma_flags, vma_pgoff, vma_file;
	struct member vma_anon;
	struct member task_rss;
	struct member page_flags, page_refcount, page_mapcount, page_type, page_lru;
	struct member page_pt_mm, page_deposit, page_ptl, page_share_count, page_compound;
	struct member rq_idle;
};

/* How page_type says what a page is; see page_type.c. */
struct page_types {
	bool counted;		/* the type is a number in the top byte */
	uint32_t base;		/* else: bits that are set in every type */
	uint32_t table, buddy, slab;	/* numbers, or the bit that is clear; 0: none */
	uint64_t slab_flag;	/* kernels where slab is a page flag */
};

struct memmap;

struct kernel {
	struct machine *machine;
	const struct profile *profile;
	struct pt_space space;
	struct kernel_fields f;
	struct page_types types;
	char release[65];
	bool pti;
	gva_t init_mm, init_task;
	gva_t init_pgd_va;
	uint64_t phys_base;
	gva_t direct;
	pfn_t frame_end;
	uint64_t flag_reserved, flag_hwpoison;	/* masks; 0: no such flag */
	struct memmap *memmap;
};

/* fields.c */
bool kernel_fields_find(struct kernel_fields *, const struct profile *, struct err *);
/* page_type.c */
void kernel_page_types_find(struct page_types *, const struct profile *, const char *release);
/* Is a release ("6.1.0-18-amd64") this version or a later one? */
bool release_is_since(const char *release, unsigned major, unsigned minor);
enum page_type kernel_page_type(const struct page_types *, uint32_t word, uint64_t flags);

/* access.c: one load of at most 8 bytes, zero-extended. */
bool kernel_read_member(const struct kernel *, gva_t object, const struct member *,
			uint64_t *value, struct err *);
/* The same with the sign of the member's size. */
bool kernel_read_signed(const struct kernel *, gva_t object, const struct member *,
			int64_t *value, struct err *);
bool kernel_read_u64(const struct kernel *, gva_t, uint64_t *value, struct err *);

/* memmap.c */
struct memmap *memmap_new(struct machine *, const struct pt_space *, gva_t base,
			  uint32_t page_size, pfn_t frame_end, struct err *);
void memmap_free(struct memmap *);
gva_t memmap_page(const struct memmap *, pfn_t);
/* Copies the struct page of a frame; false with ERR_NOT_RAM or ERR_UNREADABLE. */
bool memmap_read(const struct memmap *, pfn_t, void *page, struct err *);
uint32_t memmap_page_size(const struct memmap *);

enum { MEMMAP_PAGE_MAX = 256 };

/* layout.c: where the kernel's areas are. */
bool kernel_find_space(struct kernel *, struct err *);
bool kernel_find_direct_map(struct kernel *, struct err *);
bool kernel_find_memmap(struct kernel *, struct err *);

/* pti.c */
bool kernel_find_pti(const struct kernel *);
/* The user PGD beside a PGD of this kernel, 0: none. */
gpa_t kernel_user_pgd(const struct kernel *, gva_t mm, gpa_t pgd);

/* list.c: Linux's circular lists. */
enum list_end { LIST_WHOLE, LIST_CYCLE, LIST_BROKEN, LIST_BUDGET };

/*
 * Calls visit for every node until it returns false. Never more than `budget`
 * times; a list that comes back to anything but its head is a LIST_CYCLE (its
 * nodes may then have been visited several times), one that leads to what is
 * not mapped LIST_BROKEN.
 */
enum list_end kernel_list(const struct kernel *, gva_t head, uint64_t budget,
			  bool (*visit)(void *ctx, gva_t node), void *ctx);
const char *kernel_list_problem(enum list_end);	/* NULL for LIST_WHOLE */

/*
 * maple.c: the entries of a maple tree (since 6.1), in the order of their
 * ranges. ERR_MALFORMED: its nodes are no tree. Stops where visit returns false.
 */
bool kernel_maple(const struct kernel *, uint64_t root,
		  bool (*visit)(void *ctx, uint64_t first, uint64_t last, gva_t entry),
		  void *ctx, struct err *);

/* set.c: addresses that were met already. */
struct gva_set {
	gva_t *slots;		/* 0: free */
	size_t used, mask;
};

/* *fresh: it was not there. False: no memory. 0 is never fresh. */
bool gva_set_add(struct gva_set *, gva_t, bool *fresh);
void gva_set_free(struct gva_set *);

/* tasks.c, mms.c: the parts of kernel_read_mms(). */
struct mms_build {
	const struct kernel *k;
	struct kernel_mms *out;
	size_t task_room, mm_room;
	struct gva_set tasks, mms;
	uint64_t budget;
	bool no_memory;
};

void mms_note(struct mms_build *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mms_read_tasks(struct mms_build *);

#endif

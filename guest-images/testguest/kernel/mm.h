/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mm.h - memory management of the test guest: struct page, mm_struct, VMAs, and
 * what the rest of the kernel may call.
 *
 * Names and meanings of structs and members are those of Linux 6.1 on x86-64,
 * since ptmm reads this guest and Linux with the same code, by BTF. What is not
 * Linux's: every table page of every level records its owner in pt_mm and its
 * level in pt_level, and pt_share_count has a word of its own.
 *
 * Lock order: mmap_lock, shm lock, pgd_lock, page_table_lock, ptl (fork: child
 * before parent), then the leaf locks (rmap, slab, pages, limbo).
 */
#ifndef TESTGUEST_MM_H
#define TESTGUEST_MM_H

#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mman.h"

#define PAGE_SHIFT	PT_FRAME_SHIFT
#define PAGE_SIZE	((uint64_t)PT_FRAME_SIZE)
#define HUGE_SHIFT	21
#define HUGE_SIZE	(1ull << HUGE_SHIFT)
#define HUGE_PAGES	512u
#define GIB		(1ull << 30)
#define MMAP_BASE	0x100000000000ull	/* mappings without an address start here */

/* Bits of page->flags. */
enum pageflags {
	PG_locked,
	PG_referenced,
	PG_uptodate,
	PG_dirty,
	PG_lru,
	PG_active,
	PG_head,		/* first frame of a 2 MiB page */
	PG_swapbacked,
	PG_anon_exclusive,
	PG_slab,
	PG_reserved,		/* boot memory, image, swap area: never in the allocator */
	PG_hwpoison,		/* lost to an uncorrectable error: never read, never freed */
	PG_limbo,		/* a table that is unlinked and waits for its grace period */
	PG_used,		/* was given out before: must be cleared when it is again */
};

/* page_type: all ones, and one bit cleared for each type, as in Linux 6.1. */
enum pagetype {
	PG_buddy	= 0x00000080,
	PG_offline	= 0x00000100,
	PG_table	= 0x00000200,
	PG_guard	= 0x00000400,
};

#define PAGE_TYPE_NONE_WORD 0xffffffffu
#define PAGE_TYPE_TABLE_WORD (PAGE_TYPE_NONE_WORD & ~(uint32_t)PG_table)

struct mm_struct;
struct page;
typedef struct page *pgtable_t;		/* Linux's name, found by BTF */

/*
 * One per frame. All zero is a valid frame that was never used: memory starts
 * out zero and nothing initialises the memmap.
 */
struct page {
	unsigned long flags;
	union {
		struct {			/* anonymous, shared, slab, free */
			struct list_head lru;
			void *mapping;		/* PAGE_MAPPING_ANON, or the shm object */
			unsigned long index;
			unsigned long private;
		};
		struct {			/* a table; pgd_list goes through lru */
			struct page *pt_next;	/* in limbo */
			pgtable_t pmd_huge_pte;	/* deposit list; this kernel deposits none */
			struct mm_struct *pt_mm;
			unsigned long pt_level;
			atomic_t pt_share_count; /* sharers beside the first (PMD tables) */
			spinlock_t ptl;		/* of PTE and PMD tables */
		};
	};
	union {
		atomic_t _mapcount;		/* mappings - 1 */
		unsigned int page_type;
	};
	atomic_t _refcount;
	unsigned long rmap;			/* who maps this page; see rmap.c */
};

_Static_assert(sizeof(struct page) == 64, "the memmap has 64 bytes per frame");

#define PAGE_MAPPING_ANON ((void *)1)

/* vm_flags, with Linux's values where Linux has them. */
#define VM_READ		0x00000001ul
#define VM_WRITE	0x00000002ul
#define VM_EXEC		0x00000004ul
#define VM_SHARED	0x00000008ul
#define VM_PFNMAP	0x00000400ul	/* frames without counts: a program's image */
#define VM_HUGETLB	0x00400000ul
#define VM_HUGEPAGE	0x20000000ul
#define VM_ACCESS	(VM_READ | VM_WRITE | VM_EXEC)

struct shm;

struct vm_area_struct {
	unsigned long vm_start;		/* first byte */
	unsigned long vm_end;		/* one past the last */
	struct vm_area_struct *vm_next;
	struct mm_struct *vm_mm;
	unsigned long vm_page_prot;	/* entry bits of its present leaves */
	unsigned long vm_flags;
	unsigned long vm_pgoff;		/* in the file, or first frame (VM_PFNMAP) */
	struct shm *vm_file;		/* NULL: anonymous */
	struct list_head shared;	/* in vm_file's mapping */
	struct page *vm_shared_pmd;	/* the shared PMD table that this VMA uses, or NULL */
};

enum mm_flags { MMF_LOST };	/* a table was lost: its users die, nothing walks it */

struct mm_struct {
	struct vm_area_struct *mmap;	/* sorted by address */
	uint64_t *pgd;
	atomic_t mm_users;		/* tasks */
	atomic_t mm_count;		/* 1 for all users, and one per borrower */
	atomic64_t pgtables_bytes;	/* PTE, PMD, PUD tables */
	spinlock_t page_table_lock;
	spinlock_t mmap_lock;
	struct list_head mmlist;	/* mm_alloc() to its PGD's end; init_mm heads it */
	unsigned long flags;		/* enum mm_flags */
	unsigned long mmap_base;	/* where the next mapping without an address goes */
	struct task_struct *owner;	/* kept by fork, exec, exit */
	uint32_t cpumask;		/* CPUs that have it loaded; kept by switch_mm() */
};

extern struct mm_struct init_mm;
extern struct list_head pgd_list;	/* every PGD but init_mm's, through page->lru */
extern spinlock_t pgd_lock;
extern uint64_t vmalloc_base;
extern uint64_t max_pfn;
extern const struct pt_format *pt_format;	/* set by mm_init() from __pgtable_l5_enabled */

static inline struct page *pfn_to_page(pfn_t pfn)
{
	return (struct page *)vmemmap_base + pfn;
}

static inline pfn_t page_to_pfn(const struct page *page)
{
	return (pfn_t)(page - (const struct page *)vmemmap_base);
}

static inline gpa_t page_to_gpa(const struct page *page)
{
	return pfn_to_gpa(page_to_pfn(page));
}

static inline void *page_to_virt(const struct page *page)
{
	return phys_to_virt(page_to_gpa(page));
}

/* Of a direct-map or image address. */
static inline struct page *virt_to_page(const void *p)
{
	return pfn_to_page(gpa_to_pfn(virt_to_phys(p)));
}

static inline bool page_test(const struct page *page, enum pageflags flag)
{
	return page->flags >> flag & 1;
}

/*
 * Called once on CPU 0, on init_top_pgt, with RAM below 4 GiB still mapped one to
 * one: direct map, memmap, allocator, books. Takes the one-to-one map away.
 */
void mm_init(const struct boot_info *boot);

/* memory: pages come zeroed; NULL when there is none */
struct page *alloc_page(void);
struct page *alloc_page_dirty(void);	/* contents unspecified */
struct page *alloc_pair(void);		/* two frames, the first one even (PTI's PGDs) */
struct page *alloc_huge(void);		/* 2 MiB, aligned */
void free_page(struct page *page);
void free_pair(struct page *page);
void free_huge(struct page *page);
void *kmalloc(size_t size);		/* up to 2048 bytes, zeroed */
void kfree(void *p);
void *vmalloc(size_t size);		/* zeroed, virtually contiguous, never freed */
extern uint64_t nr_free_pages, nr_slab_pages, nr_slab_objects, nr_tables, nr_limbo, nr_poisoned;

/* address spaces */
struct mm_struct *mm_alloc(void);	/* mm_users 1, mm_count 1; NULL: no memory */
struct mm_struct *mm_fork(struct mm_struct *old);
void mmget(struct mm_struct *mm);
void mmput(struct mm_struct *mm);	/* the last user frees the user half */
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);	/* the last one frees the PGD (late) */
/* CR3 to load; init_mm's if a table of mm was lost, so that nothing walks it. */
uint64_t mm_cr3(struct mm_struct *mm);
/* PTI: CR3 for ring 3; 0 where pti is off. */
uint64_t mm_user_cr3(struct mm_struct *mm);

/* Maps image frames (PG_reserved, not counted); private: written pages are copied. */
int mm_map_frames(struct mm_struct *mm, gva_t va, gpa_t gpa, uint64_t len, unsigned prot);
int mm_map_anon(struct mm_struct *mm, gva_t va, uint64_t len, unsigned prot);

/*
 * A page fault at a user address. 0: try again. -EFAULT: a segfault. -ENOMEM.
 * Takes mmap_lock: not from code that holds it.
 */
int mm_fault(struct mm_struct *mm, gva_t addr, uint64_t error_code);

/* system calls, of the current task's mm; negative: -errno */
long sys_mmap(struct mm_struct *mm, gva_t addr, uint64_t len, unsigned prot, unsigned flags,
	      long shm, uint64_t offset);
long sys_munmap(struct mm_struct *mm, gva_t addr, uint64_t len);
long sys_mprotect(struct mm_struct *mm, gva_t addr, uint64_t len, unsigned prot);
long sys_pageout(struct mm_struct *mm, gva_t addr, uint64_t len);	/* pages swapped out */
long sys_shm_open(unsigned key, uint64_t len, unsigned flags);	/* a number for sys_mmap */
void mm_meminfo(struct mm_struct *mm, struct meminfo *info);	/* info: kernel memory */

/*
 * Frees the tables whose grace period is over: since they were unlinked every
 * CPU's cpu->quiescent has moved. Called now and then by a kernel thread.
 */
void mm_tick(void);

/*
 * An uncorrectable error in a frame; the caller holds no lock. MCE_PANIC: the
 * error cannot be survived (a kernel frame, or an owner that is not known).
 */
enum mce_outcome memory_failure(pfn_t pfn);

/*
 * Plants the bug that bug=NAME asks for, in mm (the caller's own, in a system
 * call); nothing without bug=. Two processes call it before READY: the second is
 * the other party where a bug needs two.
 */
void bug_plant(struct mm_struct *mm);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * fields.c - where the members lie that are read from the guest.
 *
 * One table: of several rows for one member the first that this kernel has
 * counts; a comment says since when. A required member that no row finds is an
 * error that names it.
 */
#include <stddef.h>

#include "walker/kernel/kernel_impl.h"

struct field_row {
	size_t to;		/* offset of the struct member in kernel_fields */
	const char *type, *member;
	uint8_t size_max;	/* 0: any */
	bool required;
};

#define F(name) offsetof(struct kernel_fields, name)

static const struct field_row rows[] = {
	{ F(task_tasks), "task_struct", "tasks.next", 8, true },
	{ F(task_mm), "task_struct", "mm", 8, true },
	{ F(task_active_mm), "task_struct", "active_mm", 8, true },
	{ F(task_pid), "task_struct", "pid", 8, true },
	{ F(task_tgid), "task_struct", "tgid", 8, true },
	{ F(task_comm), "task_struct", "comm", 0, true },
	{ F(task_signal), "task_struct", "signal", 8, false },
	{ F(task_thread_node), "task_struct", "thread_node.next", 8, false },
	{ F(signal_thread_head), "signal_struct", "thread_head.next", 8, false },
	{ F(task_nvcsw), "task_struct", "nvcsw", 8, false },
	{ F(task_nivcsw), "task_struct", "nivcsw", 8, false },

	{ F(mm_pgd), "mm_struct", "pgd", 8, true },
	{ F(mm_users), "mm_struct", "mm_users.counter", 8, true },
	{ F(mm_count), "mm_struct", "mm_count.counter", 8, true },
	{ F(mm_pgtables_bytes), "mm_struct", "pgtables_bytes.counter", 8, true },
	/* With lock debugging a spinlock is longer; its word stays in front. */
	{ F(mm_table_lock), "mm_struct", "page_table_lock", 0, false },
	{ F(mm_mmap_lock), "mm_struct", "mmap_lock.count.counter", 8, false },
	{ F(mm_mmap_lock), "mm_struct", "mmap_sem.count.counter", 8, false },	/* up to 5.7 */
	{ F(mm_mmap_lock), "mm_struct", "mmap_lock", 4, false },	/* test guest: a spinlock */
	{ F(mm_mmlist), "mm_struct", "mmlist.next", 8, false },
	{ F(mm_mmap), "mm_struct", "mmap", 8, false },		/* up to 6.0 */
	{ F(mm_tree), "mm_struct", "mm_mt.ma_root", 8, false },	/* since 6.1 */
	/* Up to 6.1 struct mm_rss_stat, since 6.2 an array of percpu_counter. */
	{ F(mm_rss), "mm_struct", "rss_stat", 0, false },
	{ F(task_rss), "task_struct", "rss_stat.count", 0, false },	/* up to 6.1 */

	{ F(vma_start), "vm_area_struct", "vm_start", 8, false },
	{ F(vma_end), "vm_area_struct", "vm_end", 8, false },
	{ F(vma_next), "vm_area_struct", "vm_next", 8, false },	/* up to 6.0 */
	{ F(vma_mm), "vm_area_struct", "vm_mm", 8, false },
	{ F(vma_flags), "vm_area_struct", "vm_flags", 8, false },
	{ F(vma_pgoff), "vm_area_struct", "vm_pgoff", 8, false },
	{ F(vma_file), "vm_area_struct", "vm_file", 8, false },
	{ F(vma_anon), "vm_area_struct", "anon_vma", 8, false },

	{ F(page_flags), "page", "flags", 8, true },
	{ F(page_refcount), "page", "_refcount.counter", 4, true },
	{ F(page_mapcount), "page", "_mapcount.counter", 4, true },
	{ F(page_type), "page", "page_type", 4, true },
	{ F(page_lru), "page", "lru.next", 8, false },
	{ F(page_lru), "ptdesc", "pt_list.next", 8, false },
	/* Since 6.6 ptdesc describes tables; it lies over page. */
	{ F(page_pt_mm), "ptdesc", "pt_mm", 8, true },
	{ F(page_pt_mm), "page", "pt_mm", 8, true },
	{ F(page_deposit), "ptdesc", "pmd_huge_pte", 8, false },
	{ F(page_deposit), "page", "pmd_huge_pte", 8, false },
	{ F(page_ptl), "ptdesc", "ptl", 0, false },
	{ F(page_ptl), "page", "ptl", 0, false },
	{ F(page_share_count), "ptdesc", "pt_share_count.counter", 4, false },
	{ F(page_share_count), "page", "pt_share_count.counter", 4, false },

	{ F(page_compound), "page", "compound_head", 8, false },
	{ F(page_compound), "page", "compound_info", 8, false },	/* 7.x */

	{ F(rq_idle), "rq", "idle", 8, false },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct member *field_of(struct kernel_fields *f, const struct field_row *row)
{
	return (struct member *)((char *)f + row->to);
}

static bool field_missing(const struct kernel_fields *f, const struct field_row *row)
{
	return row->required && !field_of((struct kernel_fields *)(uintptr_t)f, row)->size;
}

bool kernel_fields_find(struct kernel_fields *f, const struct profile *profile, struct err *err)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct field_row *row = &rows[i];
		struct member *field = field_of(f, row);

		if (field->size || !profile_member(profile, row->type, row->member, field, NULL))
			continue;
		if (!field->size || field->bit_size ||
		    (row->size_max && field->size > row->size_max))
			return err_set(err, ERR_MALFORMED, 0,
				       "member %s of type %s has a strange size: %u bytes",
				       row->member, row->type, field->size);
	}
	for (size_t i = 0; i < ROWS; i++)
		if (field_missing(f, &rows[i])) {
			struct member ignored;

			/* The last row for a member speaks of the type that all kernels have. */
			while (i + 1 < ROWS && rows[i + 1].to == rows[i].to)
				i++;
			return profile_member(profile, rows[i].type, rows[i].member, &ignored,
					      err);
		}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shm.c - shared memory objects, and the sharing of PMD tables.
 *
 * An object of 2 MiB pages that several processes map at one 1 GiB-aligned
 * address, 1 GiB long and with the same rights, has one PMD table for all of
 * them, as hugetlbfs has. pt_mm names one sharer; who the others are is known
 * from the object's list of mappings. The table is counted in every sharer's
 * pgtables_bytes.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { SHM_MAX = 16 };

struct shm {
	unsigned key;
	unsigned flags;
	uint64_t size;
	spinlock_t lock;
	struct list_head mappings;	/* vma->shared */
	struct page **pages;		/* by index, 4 KiB or 2 MiB each; NULL: never touched */
};

static struct shm objects[SHM_MAX];
static unsigned object_count;
static spinlock_t objects_lock;

struct shm *shm_get(long id)
{
	return id >= 0 && id < (long)READ_ONCE(object_count) ? &objects[id] : NULL;
}

bool shm_is_huge(const struct shm *shm)
{
	return shm->flags & SHM_HUGE;
}

uint64_t shm_size(const struct shm *shm)
{
	return shm->size;
}

static long shm_find(unsigned key)
{
	for (unsigned i = 0; i < object_count; i++)
		if (objects[i].key == key)
			return i;
	return -ENOENT;
}

long sys_shm_open(unsigned key, uint64_t len, unsigned flags)
{
	uint64_t unit = flags & SHM_HUGE ? HUGE_SIZE : PAGE_SIZE;
	struct shm *shm;
	long id;

	if (!len || len > GIB || len & (unit - 1) || flags & ~SHM_HUGE)
		return -EINVAL;
	spin_lock(&objects_lock);
	id = shm_find(key);
	if (id < 0 && object_count < SHM_MAX) {
		shm = &objects[object_count];
		*shm = (struct shm){ .key = key, .flags = flags, .size = len };
		list_init(&shm->mappings);
		shm->pages = vmalloc(len / unit * sizeof(struct page *));
		id = shm->pages ? (long)object_count++ : -ENOMEM;
	}
	spin_unlock(&objects_lock);
	return id;
}

struct page *shm_page(struct shm *shm, uint64_t index)
{
	struct page *page;

	spin_lock(&shm->lock);
	page = shm->pages[index];
	if (!page) {
		page = shm_is_huge(shm) ? alloc_huge() : alloc_page();
		if (page) {
			page->mapping = shm;
			page->index = index;
			page->flags |= 1ul << PG_swapbacked;
			shm->pages[index] = page;
		}
	}
	/* A page whose frame failed stays lost: the object has a hole there. */
	if (page && page_test(page, PG_hwpoison))
		page = NULL;
	if (page)
		atomic_inc(&page->_refcount);
	spin_unlock(&shm->lock);
	return page;
}

void shm_link(struct vm_area_struct *vma)
{
	spin_lock(&vma->vm_file->lock);
	list_add_tail(&vma->shared, &vma->vm_file->mappings);
	spin_unlock(&vma->vm_file->lock);
}

void shm_unlink(struct vm_area_struct *vma)
{
	spin_lock(&vma->vm_file->lock);
	list_del(&vma->shared);
	spin_unlock(&vma->vm_file->lock);
}

static bool may_share(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_HUGETLB && !(vma->vm_start & (GIB - 1)) &&
	       vma->vm_end - vma->vm_start == GIB;
}

static bool shareable_table(const struct vm_area_struct *vma, const struct vm_area_struct *other)
{
	struct page *table = other->vm_shared_pmd;

	return table && other != vma && other->vm_start == vma->vm_start &&
	       other->vm_flags == vma->vm_flags && other->vm_pgoff == vma->vm_pgoff &&
	       !page_test(table, PG_hwpoison) &&
	       atomic_read(&table->pt_share_count) + 1 < BOOK_OWNERS_MAX;
}

/* Hold the object's lock. */
static bool share_pmd_of(struct vm_area_struct *vma, const struct pt_pos *pos)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *other;

	list_for_each_entry(other, &vma->vm_file->mappings, shared) {
		struct page *table = other->vm_shared_pmd;

		if (!shareable_table(vma, other))
			continue;
		spin_lock(&mm->page_table_lock);
		atomic_inc(&table->pt_share_count);
		atomic64_add(&mm->pgtables_bytes, PAGE_SIZE);
		pt_set(mm, pos, page_to_gpa(table) | PT_TABLE_USER);
		book_share(table, mm);
		spin_unlock(&mm->page_table_lock);
		vma->vm_shared_pmd = table;
		return true;
	}
	return false;
}

int shm_share_pmd(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct pt_pos pos;
	int err = 0;

	if (vma->vm_shared_pmd || !may_share(vma))
		return 0;
	if (pt_walk_alloc(mm, vma->vm_start, 2, &pos))
		return -ENOMEM;
	spin_lock(&vma->vm_file->lock);
	if (pt_get(&pos) || !share_pmd_of(vma, &pos)) {
		err = pt_walk_alloc(mm, vma->vm_start, 1, &pos);
		if (!err)
			vma->vm_shared_pmd = virt_to_page(pos.table);
	}
	spin_unlock(&vma->vm_file->lock);
	return err;
}

/* Another mapping that uses the same table; hold the object's lock. */
static struct mm_struct *other_user(const struct vm_area_struct *vma, const struct page *table)
{
	struct vm_area_struct *other;

	list_for_each_entry(other, &vma->vm_file->mappings, shared)
		if (other != vma && other->vm_shared_pmd == table)
			return other->vm_mm;
	return NULL;
}

void shm_unshare_pmd(struct vm_area_struct *vma, bool clear_link)
{
	struct mm_struct *mm = vma->vm_mm;
	struct page *table = vma->vm_shared_pmd;
	struct mm_struct *heir;
	struct pt_pos pos;

	if (!table)
		return;
	spin_lock(&vma->vm_file->lock);
	heir = other_user(vma, table);
	if (heir) {
		spin_lock(&mm->page_table_lock);
		if (clear_link && pt_walk(mm, vma->vm_start, 2, &pos))
			pt_clear(mm, &pos);
		atomic64_add(&mm->pgtables_bytes, -(int64_t)PAGE_SIZE);
		if (table->pt_mm == mm)
			WRITE_ONCE(table->pt_mm, heir);
		atomic_add(&table->pt_share_count, -1);
		book_unshare(table, mm);
		spin_unlock(&mm->page_table_lock);
	}
	/* The last user's table is on its way out: nobody may begin to share it. */
	vma->vm_shared_pmd = NULL;
	spin_unlock(&vma->vm_file->lock);
}

unsigned shm_sharers(struct page *table, struct mm_struct **mms, unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < READ_ONCE(object_count); i++) {
		struct shm *shm = &objects[i];
		struct vm_area_struct *vma;

		spin_lock(&shm->lock);
		list_for_each_entry(vma, &shm->mappings, shared)
			if (vma->vm_shared_pmd == table && count < max)
				mms[count++] = vma->vm_mm;
		spin_unlock(&shm->lock);
	}
	return count;
}

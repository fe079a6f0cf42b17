// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmas.c - what an mm's own books say is mapped where.
 *
 * A list, mm->mmap, up to 6.0; a maple tree, mm->mm_mt, since 6.1. Both are
 * sorted by address, and that is demanded: a list that runs in a circle cannot be.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "walker/kernel/kernel_impl.h"

struct vmas {
	const struct kernel *k;
	gva_t mm;
	struct vma *list;
	size_t count, room;
	struct err *err;
	bool failed;
};

static bool vma_read(const struct vmas *v, gva_t at, struct vma *vma)
{
	const struct kernel_fields *f = &v->k->f;
	uint64_t end = 0, mm = v->mm;

	*vma = (struct vma){ .at = at };
	/* What this kernel has no member for stays 0. */
	if (at & 7 || !(at >> 63) ||
	    !kernel_read_member(v->k, at, &f->vma_start, &vma->first, v->err) ||
	    !kernel_read_member(v->k, at, &f->vma_end, &end, v->err) ||
	    !kernel_read_member(v->k, at, &f->vma_flags, &vma->flags, v->err) ||
	    !kernel_read_member(v->k, at, &f->vma_pgoff, &vma->pgoff, v->err) ||
	    !kernel_read_member(v->k, at, &f->vma_file, &vma->file, v->err) ||
	    !kernel_read_member(v->k, at, &f->vma_anon, &vma->anon_vma, v->err) ||
	    (f->vma_mm.size && !kernel_read_member(v->k, at, &f->vma_mm, &mm, v->err)))
		return err_set(v->err, ERR_MALFORMED, at, "0x%" PRIx64 " is no VMA", at);
	vma->last = end - 1;
	if (vma->first >= end || mm != v->mm)
		return err_set(v->err, ERR_MALFORMED, at, "0x%" PRIx64 " is no VMA of mm 0x%"
			       PRIx64, at, v->mm);
	return true;
}

static bool vma_append(struct vmas *v, const struct vma *vma)
{
	if (v->count && vma->first <= v->list[v->count - 1].last)
		return err_set(v->err, ERR_MALFORMED, vma->at, "the VMAs of mm 0x%" PRIx64
			       " are not in order", v->mm);
	if (v->count == v->room) {
		size_t room = v->room ? v->room * 2 : 32;
		struct vma *grown = reallocarray(v->list, room, sizeof(*grown));

		if (!grown)
			return err_set(v->err, ERR_NO_MEMORY, 0, "out of memory for VMAs");
		v->list = grown;
		v->room = room;
	}
	v->list[v->count++] = *vma;
	return true;
}

static bool visit_entry(void *ctx, uint64_t first, uint64_t last, gva_t entry)
{
	struct vmas *v = ctx;
	struct vma vma;

	/* Reserved ranges of a fork half-way (XA_ZERO_ENTRY) are no VMAs. */
	if ((entry & 3) == 2 && entry <= PT_FRAME_SIZE)
		return true;
	v->failed = !vma_read(v, entry, &vma);
	if (!v->failed && (vma.first != first || vma.last != last))
		v->failed = !err_set(v->err, ERR_MALFORMED, entry, "the VMA at 0x%" PRIx64
				     " is not where its tree has it", entry);
	v->failed = v->failed || !vma_append(v, &vma);
	return !v->failed;
}

/* Sorted, so it ends: the first circle goes back in addresses. */
static bool list_read(struct vmas *v)
{
	struct vma vma;
	uint64_t at;

	if (!kernel_read_member(v->k, v->mm, &v->k->f.mm_mmap, &at, v->err))
		return false;
	while (at) {
		if (!vma_read(v, at, &vma) || !vma_append(v, &vma) ||
		    !kernel_read_member(v->k, at, &v->k->f.vma_next, &at, v->err))
			return false;
	}
	return true;
}

static bool tree_read(struct vmas *v)
{
	uint64_t root;

	return kernel_read_member(v->k, v->mm, &v->k->f.mm_tree, &root, v->err) &&
	       kernel_maple(v->k, root, visit_entry, v, v->err) && !v->failed;
}

bool kernel_read_vmas(const struct kernel *k, gva_t mm, struct vma **vmas, size_t *count,
		      struct err *err)
{
	const struct kernel_fields *f = &k->f;
	struct vmas v = { .k = k, .mm = mm, .err = err };
	bool by_list = f->mm_mmap.size && f->vma_next.size;

	if (!f->vma_start.size || !f->vma_end.size || (!by_list && !f->mm_tree.size))
		return err_set(err, ERR_MISSING, 0, "this kernel's mm_struct has no VMAs");
	if (by_list ? list_read(&v) : tree_read(&v)) {
		*vmas = v.list;
		*count = v.count;
		return true;
	}
	free(v.list);
	return false;
}

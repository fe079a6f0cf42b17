/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pieces.c - from the stretches of a dump to the regions of a machine.
 *
 * Segments of a dump may be in any order, overlap, and begin and end anywhere;
 * regions are sorted whole frames. Where a stretch lies in the file at a
 * multiple of 8 it is looked at in place; other frames, and those that lie in two
 * stretches, are put together by copying. A frame that the dump has only a part
 * of is unreadable: nothing is made up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/core/dump.h"

/* x86-64 has no physical address of more bits. */
#define ADDRESS_END (1ull << 52)
#define FRAME_MASK ((uint64_t)PT_FRAME_SIZE - 1)

static const _Alignas(64) uint8_t zeros[PT_FRAME_SIZE];

static bool piece_add(struct pieces *p, gpa_t first, gpa_t last, uint64_t offset,
		      enum piece_kind kind, struct err *e)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 16;
		struct piece *list = reallocarray(p->list, room, sizeof(*list));

		if (!list)
			return err_set(e, ERR_NO_MEMORY, 0, "out of memory for %zu segments", room);
		p->list = list;
		p->room = room;
	}
	p->list[p->count++] = (struct piece){ first, last, offset, kind };
	return true;
}

bool pieces_add(struct dump *d, gpa_t first, uint64_t size, uint64_t offset, uint64_t in_file,
		struct err *e)
{
	uint64_t there = offset < d->size ? d->size - offset : 0;
	gpa_t end;

	if (!size)
		return true;
	if (first >= ADDRESS_END || size > ADDRESS_END - first)
		return err_set(e, ERR_TARGET, first, "a segment at 0x%" PRIx64 " of 0x%" PRIx64
			       " bytes: no machine has such addresses", first, size);
	end = first + size;
	if (in_file > size)
		in_file = size;
	if (there > in_file)
		there = in_file;
	if (there && !piece_add(&d->pieces, first, first + there - 1, offset, PIECE_FILE, e))
		return false;
	if (there < in_file && !piece_add(&d->pieces, first + there, first + in_file - 1, 0,
					  PIECE_MISSING, e))
		return false;
	return in_file == size ||
	       piece_add(&d->pieces, first + in_file, end - 1, 0, PIECE_ZERO, e);
}

static int by_address(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Sorts; of bytes that are there twice the first stretch's are taken. */
static void pieces_sort(struct pieces *p)
{
	gpa_t next = 0;
	size_t kept = 0;

	if (p->count)
		qsort(p->list, p->count, sizeof(*p->list), by_address);
	for (size_t i = 0; i < p->count; i++) {
		struct piece piece = p->list[i];

		if (piece.first < next) {
			p->overlaps++;
			if (piece.last < next)
				continue;
			piece.offset += next - piece.first;
			piece.first = next;
		}
		next = piece.last + 1;
		p->list[kept++] = piece;
	}
	p->count = kept;
}

static const struct piece *piece_at(const struct pieces *p, gpa_t gpa)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->list[middle].last < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->count && p->list[low].first <= gpa ? &p->list[low] : NULL;
}

static bool frame_gather(struct dump *d, gpa_t frame, uint8_t *to, struct err *e)
{
	for (gpa_t at = frame; at - frame < PT_FRAME_SIZE;) {
		const struct piece *p = piece_at(&d->pieces, at);
		size_t left = PT_FRAME_SIZE - (size_t)(at - frame);
		size_t size;

		if (!p)
			return err_set(e, ERR_UNREADABLE, frame, "the dump has only a part of the "
				       "frame at 0x%" PRIx64, frame);
		size = p->last - at < left ? (size_t)(p->last - at) + 1 : left;
		if (p->kind == PIECE_MISSING)
			return err_set(e, ERR_UNREADABLE, frame, "the dump is cut short: the frame "
				       "at 0x%" PRIx64 " is missing", frame);
		errno = 0;
		if (p->kind == PIECE_ZERO)
			memset(to + (at - frame), 0, size);
		else if (!dump_pread(d->fd, to + (at - frame), size, p->offset + (at - p->first)))
			return err_set(e, ERR_UNREADABLE, frame, "the frame at 0x%" PRIx64
				       " cannot be read from the dump: %s", frame,
				       errno ? strerror(errno) : "it has become shorter");
		at += size;
	}
	return true;
}

/* Frames of zeros are plenty in a dump that leaves them out: they need no memory. */
const void *pieces_view(struct machine *m, gpa_t frame, struct err *e)
{
	struct dump *d = dump_of(m);
	const struct piece *p = piece_at(&d->pieces, frame);

	if (p && p->kind == PIECE_ZERO && p->last >= (frame | FRAME_MASK))
		return zeros;
	if (p && p->kind == PIECE_MISSING) {
		frame_gather(d, frame, NULL, e);
		return NULL;
	}
	return frame_cache_view(d->cache, frame, e);
}

void pieces_unview(struct machine *m, gpa_t frame, const void *view)
{
	(void)frame;
	if (view != zeros)
		frame_cache_unview(dump_of(m)->cache, view);
}

struct region_list {
	struct mem_region *list;
	size_t count;
};

static void region_add(struct region_list *to, gpa_t first, gpa_t end, const uint8_t *host)
{
	struct mem_region *last = to->count ? &to->list[to->count - 1] : NULL;

	if (first >= end)
		return;
	if (!host && last && !last->host && last->last + 1 == first) {
		last->last = end - 1;
		return;
	}
	to->list[to->count++] = (struct mem_region){ first, end - 1, host, NULL };
}

/* The frames that the piece has alone, and those at its ends that it shares. */
static void regions_of_piece(struct region_list *to, const struct dump *d, const struct piece *p,
			     gpa_t *next)
{
	gpa_t first = (p->first + FRAME_MASK) & ~FRAME_MASK, end = (p->last + 1) & ~FRAME_MASK;
	gpa_t shared = p->first & ~FRAME_MASK;
	const uint8_t *host = NULL;

	if (shared < first && shared >= *next) {
		region_add(to, shared, shared + PT_FRAME_SIZE, NULL);
		*next = shared + PT_FRAME_SIZE;
	}
	if (first < end) {
		if (p->kind == PIECE_FILE && !((p->offset + (first - p->first)) & 7))
			host = d->map + p->offset + (first - p->first);
		region_add(to, first, end, host);
		*next = end;
	}
	if (end <= p->last && end >= *next) {
		region_add(to, end, end + PT_FRAME_SIZE, NULL);
		*next = end + PT_FRAME_SIZE;
	}
}

static bool file_map(struct dump *d, struct err *e)
{
	d->map = mmap(NULL, d->size, PROT_READ, MAP_SHARED, d->fd, 0);
	if (d->map != MAP_FAILED)
		return true;
	d->map = NULL;
	return err_set(e, ERR_NO_MEMORY, 0, "cannot map the %" PRIu64 " MiB of the dump: %s",
		       d->size >> 20, strerror(errno));
}

bool pieces_close(struct dump *d, struct err *e)
{
	struct machine *m = &d->machine;
	struct region_list regions = { 0 };
	gpa_t next = 0;

	pieces_sort(&d->pieces);
	if (!d->pieces.count)
		return err_set(e, ERR_TARGET, 0, "there is no guest memory in it");
	/* A piece gives up to three. */
	regions.list = calloc(d->pieces.count * 3, sizeof(*regions.list));
	if (!regions.list)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for %zu segments",
			       d->pieces.count);
	m->regions = regions.list;
	if (!file_map(d, e))
		return false;
	for (size_t i = 0; i < d->pieces.count; i++) {
		const struct piece *p = &d->pieces.list[i];

		regions_of_piece(&regions, d, p, &next);
		if (p->kind == PIECE_MISSING)
			m->missing_frames += (p->last - p->first) / PT_FRAME_SIZE + 1;
	}
	m->region_count = regions.count;
	d->cache = frame_cache_new(d, frame_gather, e);
	if (!d->cache)
		return false;
	d->guard = fault_guard_new(m, 0, e);
	return d->guard != NULL;
}

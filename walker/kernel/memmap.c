// SPDX-License-Identifier: GPL-2.0-only
/*
 * memmap.c - from a frame number to the bytes of its struct page.
 *
 * The memmap is one array in kernel addresses (vmemmap, or mem_map). A census
 * asks for hundreds of thousands of its elements, so each 2 MiB of it is
 * translated once, on first use, and kept as host pointers. Several threads may
 * ask at the same time: a chunk is filled privately and published by one
 * compare-and-swap.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

enum { CHUNK_SHIFT = 21, CHUNK_FRAMES = 512 };
#define NO_GPA UINT64_MAX

struct chunk {
	const uint8_t *host[CHUNK_FRAMES];	/* NULL: by gpa */
	gpa_t gpa[CHUNK_FRAMES];		/* NO_GPA: not mapped */
};

struct memmap {
	struct machine *machine;
	const struct pt_space *space;
	gva_t base;
	uint32_t page_size;
	pfn_t frame_end;
	size_t chunk_count;
	struct chunk **chunks;
};

struct memmap *memmap_new(struct machine *machine, const struct pt_space *space, gva_t base,
			  uint32_t page_size, pfn_t frame_end, struct err *err)
{
	struct memmap *m;

	/* Frame numbers have at most 40 bits, so this cannot overflow. */
	if (!page_size || page_size > MEMMAP_PAGE_MAX || frame_end > 1ull << 40 ||
	    base + frame_end * page_size < base) {
		err_set(err, ERR_MALFORMED, base, "a memmap at 0x%" PRIx64 " cannot be", base);
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		goto no_memory;
	*m = (struct memmap){
		.machine = machine, .space = space, .base = base, .page_size = page_size,
		.frame_end = frame_end,
	};
	m->chunk_count = (((base & (PT_FRAME_SIZE - 1)) + frame_end * page_size) >>
			  CHUNK_SHIFT) + 1;
	m->chunks = calloc(m->chunk_count, sizeof(*m->chunks));
	if (!m->chunks)
		goto no_memory;
	return m;

no_memory:
	free(m);
	err_set(err, ERR_NO_MEMORY, 0, "out of memory for the memmap's cache");
	return NULL;
}

void memmap_free(struct memmap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->chunk_count; i++)
		free(m->chunks[i]);
	free(m->chunks);
	free(m);
}

gva_t memmap_page(const struct memmap *m, pfn_t pfn)
{
	return m->base + pfn * m->page_size;
}

uint32_t memmap_page_size(const struct memmap *m)
{
	return m->page_size;
}

static const uint8_t *host_of(const struct machine *machine, gpa_t gpa)
{
	for (size_t i = 0; i < machine->region_count; i++) {
		const struct mem_region *r = &machine->regions[i];

		if (gpa >= r->first && gpa <= r->last)
			return r->host ? r->host + (gpa - r->first) : NULL;
	}
	return NULL;
}

/* Translates the memmap's pages from `va` on; a huge page answers for many. */
static struct chunk *chunk_fill(const struct memmap *m, gva_t va)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	for (unsigned i = 0; i < CHUNK_FRAMES;) {
		struct pt_translation t;
		gva_t at = va + (gva_t)i * PT_FRAME_SIZE;
		uint64_t run = 1;
		bool mapped = pt_translate(m->machine, m->space, at, PT_MODE_KERNEL, &t) ==
			      PT_MAPPED;

		if (mapped && t.page_size > PT_FRAME_SIZE)
			run = (t.page_size - (at & (t.page_size - 1))) / PT_FRAME_SIZE;
		for (; run && i < CHUNK_FRAMES; run--, i++, t.gpa += PT_FRAME_SIZE) {
			bool ram = mapped && machine_has_frame(m->machine, gpa_to_pfn(t.gpa));

			chunk->gpa[i] = ram ? t.gpa : NO_GPA;
			chunk->host[i] = ram ? host_of(m->machine, t.gpa) : NULL;
		}
	}
	return chunk;
}

static const struct chunk *chunk_get(const struct memmap *m, size_t index)
{
	struct chunk *chunk = __atomic_load_n(&m->chunks[index], __ATOMIC_ACQUIRE);
	struct chunk *none = NULL;

	if (chunk)
		return chunk;
	chunk = chunk_fill(m, (m->base & ~(gva_t)(PT_FRAME_SIZE - 1)) +
			      ((gva_t)index << CHUNK_SHIFT));
	if (!chunk || __atomic_compare_exchange_n(&m->chunks[index], &none, chunk, false,
						  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return chunk;
	/* Another thread was faster. */
	free(chunk);
	return none;
}

bool memmap_read(const struct memmap *m, pfn_t pfn, void *page, struct err *err)
{
	uint64_t at = (m->base & (PT_FRAME_SIZE - 1)) + pfn * m->page_size;
	uint8_t *to = page;

	if (pfn >= m->frame_end)
		return err_set(err, ERR_NOT_RAM, 0, "frame 0x%" PRIx64 " has no struct page", pfn);
	/* A struct page may lie across frames where its size is no power of two. */
	for (uint32_t left = m->page_size; left;) {
		const struct chunk *chunk = chunk_get(m, at >> CHUNK_SHIFT);
		unsigned i = at >> PT_FRAME_SHIFT & (CHUNK_FRAMES - 1);
		uint32_t offset = at & (PT_FRAME_SIZE - 1);
		uint32_t part = PT_FRAME_SIZE - offset < left ? PT_FRAME_SIZE - offset : left;

		if (!chunk)
			return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		if (chunk->gpa[i] == NO_GPA)
			return err_set(err, ERR_NOT_RAM, memmap_page(m, pfn),
				       "frame 0x%" PRIx64 " has no struct page", pfn);
		if (chunk->host[i] && !m->machine->unreadable_count)
			memcpy(to, chunk->host[i] + offset, part);
		else if (!machine_read(m->machine, chunk->gpa[i] + offset, to, part, err))
			return false;
		if (machine_lost(m->machine, chunk->gpa[i]))
			return err_set(err, ERR_UNREADABLE, memmap_page(m, pfn),
				       "the struct page of frame 0x%" PRIx64 " was lost", pfn);
		at += part;
		to += part;
		left -= part;
	}
	return true;
}

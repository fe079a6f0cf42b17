// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - reading a machine's memory, frame by frame.
 *
 * Everything that the library knows about a guest comes through
 * machine_view(), so it is short: find the region, look the frame up among the
 * unreadable ones, point into the mapping.
 */
#include <inttypes.h>
#include <string.h>

#include "walker/machine.h"

#define FRAME_MASK ((uint64_t)PT_FRAME_SIZE - 1)

uint64_t machine_unreadable(const struct machine *m)
{
	return m->unreadable_count + m->missing_frames +
	       __atomic_load_n(&m->lost_count, __ATOMIC_ACQUIRE);
}

uint64_t machine_memory(const struct machine *m)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->region_count; i++)
		bytes += m->regions[i].last - m->regions[i].first + 1;
	return bytes;
}

/* The region that holds gpa, or NULL. Guests have a handful of them. */
static const struct mem_region *region_of(const struct machine *m, gpa_t gpa)
{
	size_t low = 0, high = m->region_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct mem_region *r = &m->regions[middle];

		if (gpa < r->first)
			high = middle;
		else if (gpa > r->last)
			low = middle + 1;
		else
			return r;
	}
	return NULL;
}

static bool frame_unreadable(const struct machine *m, pfn_t pfn)
{
	size_t low = 0, high = m->unreadable_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->unreadable[middle] < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->unreadable_count && m->unreadable[low] == pfn;
}

/* The region's bitmap has a bit for each of its frames. */
static bool frame_lost(const struct machine *m, const struct mem_region *r, gpa_t gpa)
{
	uint64_t i = (gpa - r->first) >> PT_FRAME_SHIFT;

	if (!__atomic_load_n(&m->lost_count, __ATOMIC_ACQUIRE) || !r->lost)
		return false;
	return __atomic_load_n(&r->lost[i / 64], __ATOMIC_RELAXED) >> (i % 64) & 1;
}

bool machine_frame_lost(const struct machine *m, gpa_t gpa)
{
	const struct mem_region *r = region_of(m, gpa);

	return r && frame_lost(m, r, gpa);
}

bool machine_has_frame(const struct machine *m, pfn_t pfn)
{
	/* A pfn whose address does not fit into 64 bits is no RAM. */
	if (pfn > gpa_to_pfn(UINT64_MAX))
		return false;

	const struct mem_region *r = region_of(m, pfn_to_gpa(pfn));

	return r && r->last >= (pfn_to_gpa(pfn) | FRAME_MASK);
}

pfn_t machine_frame_end(const struct machine *m)
{
	if (!m->region_count)
		return 0;
	return gpa_to_pfn(m->regions[m->region_count - 1].last) + 1;
}

static bool set_unreadable(struct err *e, gpa_t gpa)
{
	return err_set(e, ERR_UNREADABLE, gpa, "the frame of 0x%" PRIx64 " cannot be read", gpa);
}

const void *machine_view(struct machine *m, gpa_t gpa, struct err *e)
{
	gpa_t frame = gpa & ~FRAME_MASK;
	const struct mem_region *r = region_of(m, frame);

	if (!r || r->last < (frame | FRAME_MASK)) {
		err_set(e, ERR_NOT_RAM, gpa, "0x%" PRIx64 " is not guest RAM", gpa);
		return NULL;
	}
	if ((m->unreadable_count && frame_unreadable(m, gpa_to_pfn(frame))) ||
	    frame_lost(m, r, frame)) {
		set_unreadable(e, gpa);
		return NULL;
	}
	if (r->host)
		return r->host + (frame - r->first);
	return m->ops->view(m, frame, e);
}

bool machine_unview(struct machine *m, gpa_t gpa, const void *view)
{
	gpa_t frame = gpa & ~FRAME_MASK;
	const struct mem_region *r = region_of(m, frame);

	/* What was read must not be read again after this. */
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	if (view && r && !r->host && m->ops->unview)
		m->ops->unview(m, frame, view);
	return !r || !frame_lost(m, r, frame);
}

bool machine_read(struct machine *m, gpa_t gpa, void *buf, size_t size, struct err *e)
{
	uint8_t *to = buf;
	size_t done = 0;

	if (size && gpa + (size - 1) < gpa)
		return err_set(e, ERR_NOT_RAM, gpa,
			       "0x%" PRIx64 "+%zu passes the top of the address space", gpa, size);
	while (done < size) {
		gpa_t at = gpa + done;
		size_t offset = at & FRAME_MASK;
		size_t chunk = PT_FRAME_SIZE - offset;
		const uint8_t *view = machine_view(m, at, e);

		if (!view) {
			/* All or nothing: no half of a struct is left to be believed. */
			memset(buf, 0, done);
			return false;
		}
		if (chunk > size - done)
			chunk = size - done;
		memcpy(to + done, view + offset, chunk);
		if (!machine_unview(m, at, view)) {
			memset(buf, 0, done + chunk);
			return set_unreadable(e, at);
		}
		done += chunk;
	}
	return true;
}

bool machine_read_u64(struct machine *m, gpa_t gpa, uint64_t *value, struct err *e)
{
	const uint8_t *view;

	if (gpa % sizeof(*value))
		return machine_read(m, gpa, value, sizeof(*value), e);
	view = machine_view(m, gpa, e);
	if (!view)
		return false;
	/* One load, so that a running guest cannot show two values. */
	*value = __atomic_load_n((const uint64_t *)(const void *)(view + (gpa & FRAME_MASK)),
				 __ATOMIC_RELAXED);
	return machine_unview(m, gpa, view) || set_unreadable(e, gpa);
}

void machine_verify(struct machine *m)
{
	if (m->ops->verify)
		m->ops->verify(m);
}

void machine_close(struct machine *m)
{
	if (m && m->ops->close)
		m->ops->close(m);
}

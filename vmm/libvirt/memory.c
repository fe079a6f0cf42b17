/* SPDX-License-Identifier: GPL-2.0-only */
/* memory.c - finds out how to read a domain's RAM, proves it, and does it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/fault_guard.h"
#include "vmm/libvirt/memory.h"
#include "vmm/libvirt/peek.h"
#include "vmm/libvirt/process.h"
#include "vmm/libvirt/text.h"

/* A running guest may write between two looks at one place. */
enum { PROOF_TRIES = 5, PROOF_RANGES = 8 };

/* One copied frame, as it is handed out. */
struct frame {
	_Alignas(64) uint8_t bytes[PT_FRAME_SIZE];
	struct frame *next;
};

struct place {
	uint64_t hva;			/* in the QEMU process; 0: not known */
	void *mapped;
	size_t mapped_size;
};

struct memory {
	struct machine *machine;
	struct link *link;
	struct text_ranges ranges;
	struct mem_region *regions;	/* one for each range */
	struct place *places;		/* same */
	struct process process;
	struct peek *peek;		/* where nothing better is to be had */
	struct fault_guard *guard;
	size_t page_size;		/* the largest of a mapping */
	struct frame *frames;		/* free ones */
	char hint[320];
};

static bool layout_read(struct memory *m, struct err *err)
{
	char *mtree = link_human(m->link, "info mtree -f", err);
	char *memdev = mtree ? link_human(m->link, "info memdev", err) : NULL;
	bool ok = memdev && text_ranges(mtree, memdev, &m->ranges, err);

	free(mtree);
	free(memdev);
	if (!ok)
		return false;
	m->regions = calloc(m->ranges.count, sizeof(*m->regions));
	m->places = calloc(m->ranges.count, sizeof(*m->places));
	if (!m->regions || !m->places)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for the memory layout");
	for (size_t i = 0; i < m->ranges.count; i++) {
		m->regions[i].first = m->ranges.list[i].first;
		m->regions[i].last = m->ranges.list[i].last;
	}
	m->machine->regions = m->regions;
	m->machine->region_count = m->ranges.count;
	return true;
}

static uint64_t range_size(const struct text_range *r)
{
	return r->last - r->first + 1;
}

/* A block is in one piece; where it starts is asked once. */
static bool place_find(struct memory *m, size_t i, struct err *err)
{
	const struct text_range *r = &m->ranges.list[i];
	char command[64], *reply;
	bool ok;

	for (size_t k = 0; k < i; k++) {
		const struct text_range *other = &m->ranges.list[k];

		if (strcmp(other->block, r->block))
			continue;
		m->places[i].hva = m->places[k].hva - other->offset + r->offset;
		return true;
	}
	snprintf(command, sizeof(command), "gpa2hva 0x%" PRIx64, r->first);
	reply = link_human(m->link, command, err);
	ok = reply && text_hva(reply, r->block, &m->places[i].hva, err);
	free(reply);
	return ok;
}

/* By whole pages of the file, of which huge ones may reach beyond the range. */
static bool place_map(struct memory *m, size_t i, struct err *err)
{
	struct place *place = &m->places[i];
	uint64_t size = range_size(&m->ranges.list[i]), skip;
	struct process_file file;
	void *at;

	if (!process_file(&m->process, place->hva, size, &file, err))
		return false;
	skip = file.offset % file.page_size;
	size = (skip + size + file.page_size - 1) / file.page_size * file.page_size;
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, file.fd, (off_t)(file.offset - skip));
	close(file.fd);
	if (at == MAP_FAILED)
		return err_set(err, ERR_TARGET, 0, "guest RAM cannot be mapped: %s",
			       strerror(errno));
	place->mapped = at;
	place->mapped_size = size;
	m->regions[i].host = (const uint8_t *)at + skip;
	if (file.page_size > m->page_size)
		m->page_size = file.page_size;
	return true;
}

static const struct mem_region *region_at(const struct memory *m, gpa_t frame)
{
	for (size_t i = 0; i < m->ranges.count; i++)
		if (frame >= m->regions[i].first && frame <= m->regions[i].last)
			return &m->regions[i];
	return NULL;
}

/* The frame's bytes from QEMU's own memory. */
static bool frame_read(struct memory *m, gpa_t frame, uint8_t *to, struct err *err)
{
	const struct mem_region *r = region_at(m, frame);
	const struct place *place;

	if (!r)
		return err_set(err, ERR_NOT_RAM, frame, "0x%" PRIx64 " is not guest RAM", frame);
	place = &m->places[r - m->regions];
	if (r->host)
		memcpy(to, r->host + (frame - r->first), PT_FRAME_SIZE);
	else if (!process_read(&m->process, place->hva + (frame - r->first), to, PT_FRAME_SIZE,
			       err))
		return false;
	return true;
}

/* Is this place of QEMU's what its monitor shows as guest memory? */
static bool frame_proven(struct memory *m, gpa_t frame, struct err *err)
{
	uint8_t ours[PT_FRAME_SIZE], theirs[PT_FRAME_SIZE];

	for (int i = 0; i < PROOF_TRIES; i++) {
		if (!frame_read(m, frame, ours, err) ||
		    !peek_now(m->link, frame, theirs, sizeof(theirs), err))
			return false;
		if (!memcmp(ours, theirs, sizeof(ours)))
			return true;
	}
	return err_set(err, ERR_TARGET, 0, "the memory of its process is not what QEMU's "
		       "monitor shows");
}

static bool proven(struct memory *m, uint64_t cr3, struct err *err)
{
	gpa_t root = cr3 & X86_PTE_ADDR;

	if (region_at(m, root) && !frame_proven(m, root, err))
		return false;
	for (size_t i = 0; i < m->ranges.count && i < PROOF_RANGES; i++)
		if (!frame_proven(m, m->ranges.list[i].first, err))
			return false;
	return true;
}

static bool process_use(struct memory *m, uint64_t cr3, struct err *err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct err why = { 0 };
	bool shared = true;

	if (virDomainGetUUIDString(m->link->domain, uuid))
		return link_error(err, "the domain has no UUID");
	if (!process_open(&m->process, uuid, err))
		return false;
	for (size_t i = 0; i < m->ranges.count; i++)
		if (!place_find(m, i, err))
			return false;
	for (size_t i = 0; i < m->ranges.count; i++)
		shared = place_map(m, i, &why) && shared;
	m->guard = fault_guard_new(m->machine, m->page_size, err);
	if (!m->guard || !proven(m, cr3, err))
		return false;
	m->machine->access = shared ? "mapped" : "process";
	if (!shared)
		snprintf(m->hint, sizeof(m->hint), "guest RAM is copied frame by frame: %.120s; "
			 "faster: <memoryBacking><source type='memfd'/><access mode='shared'/>"
			 "</memoryBacking>", why.message);
	return true;
}

static void process_drop(struct memory *m)
{
	fault_guard_free(m->guard);
	m->guard = NULL;
	for (size_t i = 0; m->places && i < m->ranges.count; i++) {
		m->regions[i].host = NULL;
		if (m->places[i].mapped)
			munmap(m->places[i].mapped, m->places[i].mapped_size);
		m->places[i] = (struct place){ 0 };
	}
	process_close(&m->process);
}

static bool monitor_use(struct memory *m, const struct err *why, struct err *err)
{
	process_drop(m);
	m->peek = peek_new(m->link);
	if (!m->peek)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	m->machine->access = "monitor";
	snprintf(m->hint, sizeof(m->hint), "guest RAM is read slowly, through QEMU's monitor: "
		 "%.120s; faster: as root on the domain's host", why->message);
	return true;
}

struct memory *memory_open(struct machine *machine, struct link *link, uint64_t cr3,
			   struct err *err)
{
	struct memory *m = calloc(1, sizeof(*m));
	struct err why = { 0 };

	if (!m) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	m->machine = machine;
	m->link = link;
	m->process.mem = -1;
	if (!layout_read(m, err) || (!process_use(m, cr3, &why) && !monitor_use(m, &why, err))) {
		memory_close(m);
		return NULL;
	}
	machine->hint = m->hint[0] ? m->hint : NULL;
	return m;
}

void memory_close(struct memory *m)
{
	if (!m)
		return;
	process_drop(m);
	peek_free(m->peek);
	while (m->frames) {
		struct frame *next = m->frames->next;

		free(m->frames);
		m->frames = next;
	}
	text_ranges_free(&m->ranges);
	free(m->regions);
	free(m->places);
	free(m);
}

static struct frame *frame_take(struct memory *m)
{
	struct frame *f = m->frames;

	if (!f)
		return aligned_alloc(_Alignof(struct frame), sizeof(*f));
	m->frames = f->next;
	return f;
}

static void frame_give(struct memory *m, struct frame *f)
{
	f->next = m->frames;
	m->frames = f;
}

const void *memory_view(struct memory *m, gpa_t frame, struct err *err)
{
	const struct mem_region *r = region_at(m, frame);
	struct frame *f = frame_take(m);
	bool ok;

	if (!f) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	if (m->peek && r)
		ok = peek_frame(m->peek, r->first, r->last, frame, f->bytes, err);
	else
		ok = frame_read(m, frame, f->bytes, err);
	if (ok)
		return f->bytes;
	frame_give(m, f);
	return NULL;
}

void memory_unview(struct memory *m, const void *view)
{
	/* The bytes are what a frame starts with. */
	frame_give(m, (struct frame *)(uintptr_t)view);
}

void memory_forget(struct memory *m, bool paused)
{
	if (m->peek)
		peek_forget(m->peek, paused);
}

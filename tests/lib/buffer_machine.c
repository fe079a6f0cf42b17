// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/buffer_machine.h"

enum { REGIONS_MAX = 64, VCPUS_MAX = 8 };

struct buffer_machine {
	struct machine machine;
	struct mem_region regions[REGIONS_MAX];
	uint8_t *bytes[REGIONS_MAX];
	struct x86_regs regs[VCPUS_MAX];
	long views, paused, pauses;
	unsigned mces;
	struct machine_mce last_mce;
};

static void misuse(const char *what)
{
	fprintf(stderr, "buffer_machine: %s\n", what);
	abort();
}

static struct buffer_machine *buffer_of(const struct machine *m)
{
	return m->impl;
}

void *buffer_machine_at(struct machine *m, gpa_t gpa)
{
	struct buffer_machine *b = buffer_of(m);

	for (size_t i = 0; i < m->region_count; i++)
		if (gpa >= b->regions[i].first && gpa <= b->regions[i].last)
			return b->bytes[i] + (gpa - b->regions[i].first);
	misuse("address outside RAM");
	return NULL;
}

static const void *buffer_view(struct machine *m, gpa_t frame, struct err *e)
{
	(void)e;
	buffer_of(m)->views++;
	return buffer_machine_at(m, frame);
}

static void buffer_unview(struct machine *m, gpa_t frame, const void *view)
{
	if (view != buffer_machine_at(m, frame))
		misuse("unview of another view");
	buffer_of(m)->views--;
}

static bool buffer_regs(struct machine *m, unsigned vcpu, struct x86_regs *regs, struct err *e)
{
	if (vcpu >= m->vcpus)
		return err_set(e, ERR_USAGE, 0, "no vCPU %u", vcpu);
	*regs = buffer_of(m)->regs[vcpu];
	return true;
}

static bool buffer_pause(struct machine *m, struct err *e)
{
	(void)e;
	buffer_of(m)->paused++;
	buffer_of(m)->pauses++;
	return true;
}

static bool buffer_resume(struct machine *m, struct err *e)
{
	(void)e;
	if (buffer_of(m)->paused-- <= 0)
		misuse("resume without pause");
	return true;
}

static bool buffer_write(struct machine *m, gpa_t gpa, const void *from, size_t size,
			 struct err *e)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < size; i++)
		if (!machine_has_frame(m, gpa_to_pfn(gpa + i)))
			return err_set(e, ERR_NOT_RAM, gpa + i, "write outside RAM");
	for (size_t i = 0; i < size; i++)
		*(uint8_t *)buffer_machine_at(m, gpa + i) = bytes[i];
	return true;
}

static bool buffer_poison(struct machine *m, gpa_t frame, struct err *e)
{
	if (!machine_has_frame(m, gpa_to_pfn(frame)))
		return err_set(e, ERR_NOT_RAM, frame, "poison outside RAM");
	buffer_machine_set_unreadable(m, gpa_to_pfn(frame));
	return true;
}

static bool buffer_raise_mce(struct machine *m, const struct machine_mce *mce, struct err *e)
{
	if (mce->vcpu >= m->vcpus)
		return err_set(e, ERR_USAGE, 0, "no vCPU %u", mce->vcpu);
	buffer_of(m)->last_mce = *mce;
	buffer_of(m)->mces++;
	return true;
}

static void buffer_close(struct machine *m)
{
	struct buffer_machine *b = buffer_of(m);

	for (size_t i = 0; i < m->region_count; i++)
		free(b->bytes[i]);
	free(m->unreadable);
	free(b);
}

static const struct machine_ops buffer_ops = {
	.view = buffer_view,
	.unview = buffer_unview,
	.regs = buffer_regs,
	.pause = buffer_pause,
	.resume = buffer_resume,
	.write = buffer_write,
	.poison = buffer_poison,
	.raise_mce = buffer_raise_mce,
	.close = buffer_close,
};

struct machine *buffer_machine_new(unsigned vcpus)
{
	struct buffer_machine *b = calloc(1, sizeof(*b));

	if (!b || vcpus > VCPUS_MAX)
		misuse("cannot be made");
	b->machine.ops = &buffer_ops;
	b->machine.impl = b;
	b->machine.source = "raw";
	snprintf(b->machine.uri, sizeof(b->machine.uri), "raw:buffer");
	b->machine.regions = b->regions;
	b->machine.vcpus = vcpus;
	return &b->machine;
}

struct machine *buffer_machine_simple(uint64_t size)
{
	struct machine *m = buffer_machine_new(1);

	buffer_machine_add(m, 0, size, true);
	return m;
}

void buffer_machine_add(struct machine *m, gpa_t first, uint64_t size, bool mapped)
{
	struct buffer_machine *b = buffer_of(m);
	size_t i = m->region_count;

	if (i == REGIONS_MAX || !size || (first | size) % PT_FRAME_SIZE)
		misuse("bad region");
	if (first + (size - 1) < first || (i && first <= b->regions[i - 1].last))
		misuse("regions are added from the bottom up");
	b->bytes[i] = aligned_alloc(PT_FRAME_SIZE, size);
	if (!b->bytes[i])
		misuse("out of memory");
	memset(b->bytes[i], 0, size);
	b->regions[i] = (struct mem_region) {
		.first = first,
		.last = first + (size - 1),
		.host = mapped ? b->bytes[i] : NULL,
	};
	m->region_count++;
}

void buffer_machine_set(struct machine *m, gpa_t gpa, uint64_t value)
{
	memcpy(buffer_machine_at(m, gpa), &value, sizeof(value));
}

uint64_t buffer_machine_get(struct machine *m, gpa_t gpa)
{
	uint64_t value;

	memcpy(&value, buffer_machine_at(m, gpa), sizeof(value));
	return value;
}

void buffer_machine_set_unreadable(struct machine *m, pfn_t pfn)
{
	size_t at = 0;
	pfn_t *list;

	while (at < m->unreadable_count && m->unreadable[at] < pfn)
		at++;
	if (at < m->unreadable_count && m->unreadable[at] == pfn)
		return;
	list = realloc(m->unreadable, (m->unreadable_count + 1) * sizeof(*list));
	if (!list)
		misuse("out of memory");
	memmove(list + at + 1, list + at, (m->unreadable_count - at) * sizeof(*list));
	list[at] = pfn;
	m->unreadable = list;
	m->unreadable_count++;
}

void buffer_machine_clear_unreadable(struct machine *m)
{
	m->unreadable_count = 0;
}

void buffer_machine_set_regs(struct machine *m, unsigned vcpu, const struct x86_regs *regs)
{
	if (vcpu >= m->vcpus)
		misuse("no such vCPU");
	buffer_of(m)->regs[vcpu] = *regs;
}

long buffer_machine_views(const struct machine *m)
{
	return buffer_of(m)->views;
}

long buffer_machine_paused(const struct machine *m)
{
	return buffer_of(m)->paused;
}

long buffer_machine_pauses(const struct machine *m)
{
	return buffer_of(m)->pauses;
}

unsigned buffer_machine_mces(const struct machine *m, struct machine_mce *last)
{
	if (last)
		*last = buffer_of(m)->last_mce;
	return buffer_of(m)->mces;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ranges.c - "info mtree -f": where guest RAM lies.
 *
 * Of the flat views the one of the address space "memory" counts:
 *
 *	FlatView #0
 *	 AS "memory", root: system
 *	 Root memory region: system
 *	  0000000000100000-000000007fffffff (prio 0, ram): pc.ram @0000000000100000 KVM
 *
 * A line with a "rom" of a RAM block is RAM too: the firmware's shadow, which
 * the chipset protects from writes.
 */
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/text.h"

static const char backend[] = "memory backend: ";
static const char objects[] = "/objects/";

static const char *line_next(const char *at)
{
	at = strchr(at, '\n');
	return at ? at + 1 : NULL;
}

static size_t line_length(const char *at)
{
	return strcspn(at, "\r\n");
}

static bool starts(const char *at, const char *with)
{
	return !strncmp(at, with, strlen(with));
}

/* Is this the name of a memory backend? Machines before QEMU 5.0 have none for pc.ram. */
static bool block_is_ram(const char *memdev, const char *name, size_t length)
{
	static const char plain[] = "pc.ram";

	if (length > strlen(objects) && starts(name, objects)) {
		name += strlen(objects);
		length -= strlen(objects);
	}
	if (length == strlen(plain) && starts(name, plain))
		return true;
	for (const char *at = memdev; at; at = line_next(at)) {
		const char *id = at + strlen(backend);

		if (starts(at, backend) && line_length(id) == length && !strncmp(id, name, length))
			return true;
	}
	return false;
}

/* Exactly 16 digits, and what must stand behind them. */
static const char *hex16(const char *at, const char *behind, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < 16; i++, at++) {
		if (*at >= '0' && *at <= '9')
			*value = *value << 4 | (uint64_t)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			*value = *value << 4 | (uint64_t)(*at - 'a' + 10);
		else
			return NULL;
	}
	return starts(at, behind) ? at + strlen(behind) : NULL;
}

/* The block's name ends at its offset, at the accelerator's name or with the line. */
static size_t name_length(const char *at)
{
	size_t length = line_length(at), n = 0;

	while (n < length && !starts(at + n, " @") && !starts(at + n, " KVM"))
		n++;
	return n;
}

enum line { LINE_OTHER, LINE_RAM, LINE_BAD };

static enum line line_read(const char *at, const char *memdev, struct text_range *r)
{
	size_t length;
	const char *name;

	if (!starts(at, "  ") || !(at = hex16(at + 2, "-", &r->first)) ||
	    !(at = hex16(at, " (prio ", &r->last)))
		return LINE_OTHER;
	at += strspn(at, "-0123456789");
	if (starts(at, ", ram): "))
		name = at + strlen(", ram): ");
	else if (starts(at, ", rom): "))
		name = at + strlen(", rom): ");
	else if (starts(at, ", nv-ram): "))
		name = at + strlen(", nv-ram): ");
	else
		return LINE_OTHER;
	length = name_length(name);
	if (!block_is_ram(memdev, name, length))
		return LINE_OTHER;
	if (length >= sizeof(r->block) || r->last < r->first)
		return LINE_BAD;
	memcpy(r->block, name, length);
	r->block[length] = '\0';
	r->offset = 0;
	if (starts(name + length, " @") && !hex16(name + length + 2, "", &r->offset))
		return LINE_BAD;
	return r->last - r->first > UINT64_MAX - r->offset ? LINE_BAD : LINE_RAM;
}

/* Parts of a frame at either end are left out. False: nothing is left. */
static bool trim(struct text_range *r)
{
	uint64_t mask = PT_FRAME_SIZE - 1;
	uint64_t skip = -r->first & mask;

	if (r->last - r->first < skip)
		return false;
	r->first += skip;
	r->offset += skip;
	if ((r->last & mask) != mask) {
		if (r->last < PT_FRAME_SIZE)
			return false;
		r->last = (r->last & ~mask) - 1;
	}
	return r->first < r->last;
}

static bool continues(const struct text_range *a, const struct text_range *b)
{
	return a->last + 1 == b->first && !strcmp(a->block, b->block) &&
	       a->offset + (a->last - a->first) + 1 == b->offset;
}

static bool add(struct text_ranges *all, const struct text_range *r, struct err *err)
{
	struct text_range *last = all->count ? &all->list[all->count - 1] : NULL;

	if (last && r->first <= last->last)
		return err_set(err, ERR_TARGET, r->first, "QEMU's memory layout overlaps itself");
	if (last && continues(last, r)) {
		last->last = r->last;
		return true;
	}
	if (all->count == TEXT_RANGES_MAX)
		return err_set(err, ERR_TARGET, 0, "QEMU's memory is in more than %d pieces",
			       TEXT_RANGES_MAX);
	all->list[all->count++] = *r;
	return true;
}

/* The lines of the view that is the address space "memory", or NULL. */
static const char *view_find(const char *mtree)
{
	for (const char *at = mtree; at; at = line_next(at))
		if (starts(at, " AS \"memory\","))
			return line_next(at);
	return NULL;
}

bool text_ranges(const char *mtree, const char *memdev, struct text_ranges *out, struct err *err)
{
	*out = (struct text_ranges){ .list = calloc(TEXT_RANGES_MAX, sizeof(*out->list)) };
	if (!out->list)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for the memory layout");
	for (const char *at = view_find(mtree); at && *at == ' '; at = line_next(at)) {
		struct text_range r;
		enum line line = line_read(at, memdev, &r);
		bool ok = line != LINE_BAD;

		if (!ok)
			err_set(err, ERR_TARGET, 0, "QEMU's memory layout cannot be understood");
		else if (line == LINE_RAM && trim(&r))
			ok = add(out, &r, err);
		if (!ok) {
			text_ranges_free(out);
			return false;
		}
	}
	if (out->count)
		return true;
	text_ranges_free(out);
	return err_set(err, ERR_TARGET, 0, "QEMU's memory layout shows no RAM");
}

void text_ranges_free(struct text_ranges *ranges)
{
	free(ranges->list);
	*ranges = (struct text_ranges){ 0 };
}

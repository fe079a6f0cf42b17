// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - does the guest lose memory? To be run on a guest at rest, before and
 * after processes were killed because a table of theirs was lost.
 *
 *	memory GUEST		prints "kernel N": pages that the kernel keeps for itself
 *
 * Every frame is free, a table, slab, mapped, of a shared object, the kernel's own,
 * or lost to an error: an anonymous page that nothing maps is a leak. A page's
 * mapcount is the number of entries that map it, so a page that only a dead process's
 * lost table mapped would show. The allocator's own count of free frames agrees.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/live_guest.h"
#include "tests/lib/tap.h"

enum { HUGE_FRAMES = 512, TRIES = 40 };
#define TABLE_WORD 0xfffffdffu	/* page_type of a table */

struct fields {
	uint64_t size, flags, mapping, mapcount, refcount;
	uint64_t slab, reserved, poison, head;	/* bits of flags */
};

struct count {
	uint64_t free, tables, slab, mapped, object, kernel, poisoned, huge, seconds, leaked;
	uint64_t wrong_mapcount;
	pfn_t first_leaked, first_wrong;
};

static void die(const char *what, const struct err *e)
{
	printf("not ok memory: %s - %s\n", what, e->message);
	exit(1);
}

static uint64_t offset_of(const struct profile *p, const char *type, const char *member)
{
	struct member m;
	struct err e = { 0 };

	if (!profile_member(p, type, member, &m, &e))
		die(member, &e);
	return m.offset;
}

static uint64_t flag_bit(const struct profile *p, const char *name)
{
	struct err e = { 0 };
	int64_t bit;

	if (!profile_enumerator(p, "pageflags", name, &bit, &e))
		die(name, &e);
	return 1ull << bit;
}

static struct fields fields_of(const struct profile *p)
{
	struct fields f;
	struct err e = { 0 };
	uint32_t size;

	if (!profile_sizeof(p, "page", &size, &e))
		die("page", &e);
	f.size = size;
	f.flags = offset_of(p, "page", "flags");
	f.mapping = offset_of(p, "page", "mapping");
	f.mapcount = offset_of(p, "page", "_mapcount");
	f.refcount = offset_of(p, "page", "_refcount");
	f.slab = flag_bit(p, "PG_slab");
	f.reserved = flag_bit(p, "PG_reserved");
	f.poison = flag_bit(p, "PG_hwpoison");
	f.head = flag_bit(p, "PG_head");
	return f;
}

static uint64_t variable(struct live_guest *g, const char *name)
{
	struct err e = { 0 };
	uint64_t value = 0;
	gva_t at;

	if (!profile_symbol(g->profile, name, &at, &e) ||
	    !kernel_read(g->kernel, at, &value, sizeof(value), &e))
		die(name, &e);
	return value;
}

/* How many user entries map each frame (of a 2 MiB page: its first). */
static void count_entries(struct live_guest *g, const struct census *census, uint32_t *entries,
			  uint64_t frames)
{
	const struct pt_decode *decode = &kernel_space(g->kernel)->decode;

	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row;
		const uint64_t *table;

		census_row(census, i, &row);
		if (row.level > 1 || row.kernel_half || !row.readable)
			continue;
		table = machine_view(g->machine, pfn_to_gpa(row.pfn), NULL);
		for (unsigned slot = 0; table && slot < 512; slot++) {
			uint64_t raw = table[slot];
			enum pt_kind kind = decode->format->entry_kind(decode, row.level, raw);
			pfn_t pfn;

			if (kind != PT_LEAF && kind != PT_HUGE && kind != PT_PROTNONE)
				continue;
			if (kind == PT_PROTNONE)
				raw = decode->soft->protnone_raw(row.level, raw);
			pfn = gpa_to_pfn(decode->format->entry_addr(decode, row.level, raw));
			if (pfn < frames)
				entries[pfn]++;
		}
		if (table)
			machine_unview(g->machine, pfn_to_gpa(row.pfn), table);
	}
}

static void count_frame(struct live_guest *g, const struct fields *f, pfn_t pfn, uint32_t entries,
			struct count *c)
{
	struct err e = { 0 };
	uint64_t flags, mapping;
	int32_t mapcount, refcount;	/* a table's type lies in the word of _mapcount */
	bool table;
	uint8_t raw[128];
	gva_t at;

	if (!kernel_page_at(g->kernel, pfn, &at, &e) || f->size > sizeof(raw) ||
	    !kernel_read(g->kernel, at, raw, f->size, &e))
		die("a struct page", &e);
	flags = *(uint64_t *)(raw + f->flags);
	mapping = *(uint64_t *)(raw + f->mapping);
	mapcount = *(int32_t *)(raw + f->mapcount);
	refcount = *(int32_t *)(raw + f->refcount);
	table = (uint32_t)mapcount == TABLE_WORD;

	if (flags & f->reserved)
		return;
	if (flags & f->poison)
		c->poisoned++;
	else if (table)
		c->tables++;
	else if (refcount == 0)
		c->free++;
	else if (flags & f->slab)
		c->slab++;
	else if (mapcount >= 0)
		c->mapped++;
	else if (mapping > 1)
		c->object++;
	else if (mapping == 0)
		c->kernel++;
	else if (c->leaked++ == 0)
		c->first_leaked = pfn;
	if (flags & f->poison || table || refcount == 0)
		return;
	c->huge += (flags & f->head) != 0;
	if (!(flags & f->slab) && (uint32_t)(mapcount + 1) != entries && c->wrong_mapcount++ == 0)
		c->first_wrong = pfn;
}

static struct count count_memory(struct live_guest *g, const struct census *census)
{
	uint64_t frames = machine_frame_end(g->machine);
	struct fields f = fields_of(g->profile);
	uint32_t *entries = calloc(frames, sizeof(*entries));
	struct count c = { 0 };

	if (!entries)
		exit(1);
	count_entries(g, census, entries, frames);
	for (pfn_t pfn = 0; pfn < frames; pfn++)
		if (machine_has_frame(g->machine, pfn))
			count_frame(g, &f, pfn, entries[pfn], &c);
	free(entries);
	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row;

		census_row(census, i, &row);
		c.seconds += row.verdict == VERDICT_PTI_USER;
	}
	return c;
}

static bool at_rest(struct live_guest *g, const struct census *census)
{
	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row;

		census_row(census, i, &row);
		if (row.verdict == VERDICT_IN_FLIGHT || row.verdict == VERDICT_ORPHAN)
			return false;
	}
	return variable(g, "nr_limbo") == 0;
}

int main(int argc, char **argv)
{
	struct census *census;
	struct live_guest g;
	struct count c;
	bool rest = false;

	if (argc != 2) {
		fprintf(stderr, "usage: memory GUEST\n");
		return 2;
	}
	live_open(&g, argv[1]);
	for (int tries = 0;; tries++) {
		live_pause(&g);
		census = live_census(g.kernel);
		rest = at_rest(&g, census);
		if (rest || tries == TRIES)
			break;
		census_free(census);
		live_resume(&g);
		usleep(50000);
	}
	tap(rest, "memory: the guest comes to rest", "something is always in flight or in limbo");
	c = count_memory(&g, census);
	tap(c.leaked == 0, "memory: no page is lost",
	    "%llu anonymous pages that nothing maps, the first is frame 0x%llx",
	    (unsigned long long)c.leaked, (unsigned long long)c.first_leaked);
	tap(c.wrong_mapcount == 0,
	    "memory: every mapcount is the number of entries that map the page",
	    "%llu wrong, the first of frame 0x%llx", (unsigned long long)c.wrong_mapcount,
	    (unsigned long long)c.first_wrong);
	tap(variable(&g, "nr_free_pages") == c.free - (HUGE_FRAMES - 1) * c.huge - c.seconds,
	    "memory: the allocator's count of free frames", "%llu, but %llu are free",
	    (unsigned long long)variable(&g, "nr_free_pages"),
	    (unsigned long long)(c.free - (HUGE_FRAMES - 1) * c.huge - c.seconds));
	tap(variable(&g, "nr_poisoned") == c.poisoned, "memory: the lost frames are known",
	    "%llu, but %llu are marked", (unsigned long long)variable(&g, "nr_poisoned"),
	    (unsigned long long)c.poisoned);
	tap_note("kernel %llu free %llu tables %llu slab %llu mapped %llu object %llu lost %llu",
		 (unsigned long long)c.kernel, (unsigned long long)c.free,
		 (unsigned long long)c.tables, (unsigned long long)c.slab,
		 (unsigned long long)c.mapped, (unsigned long long)c.object,
		 (unsigned long long)c.poisoned);
	live_resume(&g);
	census_free(census);
	live_close(&g);
	return tap_status();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * reach.c - walks down from every root, level by level.
 *
 * All tables of a level are read before any of the next: when a level's turn
 * comes, all links into it are known, so its owners are final and the tables
 * below inherit them. Each table is read once, however often it is linked, and
 * a table that is reached at another level than first is reported and not
 * entered again: nothing loops.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/owner/census_impl.h"

/* Linux's slot for a process's LDT under PTI, with 4 and (since 4.20) 5 levels. */
#define LDT_SLOT (512 - 240)

struct walk {
	struct census *c;
	struct err *e;
	uint32_t init;			/* index of init_mm */
	unsigned half;			/* first slot of a root's kernel half */
	bool has_kernel_root;
	/* As frames are, since a scan may load wide. */
	_Alignas(TABLE_ALIGN) uint64_t kernel_root[PT_FRAME_SIZE / 8];
	_Alignas(TABLE_ALIGN) uint64_t table[PT_FRAME_SIZE / 8];
	_Alignas(TABLE_ALIGN) uint64_t other[PT_FRAME_SIZE / 8];
};

static void anomaly_add(struct census *c, const struct anomaly *anomaly)
{
	struct anomalies *a = &c->anomalies;

	if (a->count == ANOMALIES_MAX || !a->list) {
		a->dropped++;
		return;
	}
	a->list[a->count++] = *anomaly;
}

static void report(struct walk *w, enum anomaly_kind kind, const struct row *in, unsigned slot,
		   uint64_t raw, uint64_t other)
{
	struct anomaly a = {
		.pfn = in->pfn, .raw = raw, .other = other, .kind = (uint8_t)kind,
		.level = in->level, .slot = (uint16_t)slot,
	};

	anomaly_add(w->c, &a);
}

static uint64_t entry_of(const struct walk *w, const void *table, unsigned level, unsigned slot)
{
	struct pt_shape shape = w->c->format->level[level].shape;

	return pt_load(w->c->format, shape,
		       (const uint8_t *)table + ((size_t)slot << shape.entry_lg2));
}

static bool read_table(struct walk *w, pfn_t pfn, void *to)
{
	const void *view = machine_view(w->c->machine, pfn_to_gpa(pfn), NULL);

	if (!view)
		return false;
	memcpy(to, view, PT_FRAME_SIZE);
	return machine_unview(w->c->machine, pfn_to_gpa(pfn), view);
}

static bool root_add(struct walk *w, uint32_t mm, gpa_t gpa, enum row_origin origin)
{
	struct census *c = w->c;
	unsigned level = c->format->levels - 1u;
	int64_t frame = frame_number(&c->map, gpa_to_pfn(gpa));
	uint32_t row;

	if (frame < 0) {
		struct anomaly a = {
			.raw = c->mms.mms[mm].at, .other = gpa_to_pfn(gpa),
			.kind = ANOMALY_BEYOND_RAM, .level = (uint8_t)c->format->levels,
		};

		anomaly_add(c, &a);
		return true;
	}
	row = c->map.row[frame] - 1;
	if (row == NO_ROW) {
		if (!row_new(c, gpa_to_pfn(gpa), frame, level, &row, w->e))
			return false;
		c->rows[row].origin = origin & 3;
		c->rows[row].root = 1;
		c->rows[row].kernel_half = mm == w->init;
	}
	if (c->rows[row].links < ROW_LINKS_MAX)
		c->rows[row].links++;
	return owners_add(c, &c->rows[row], mm, w->e);
}

/* The entry leads to the table at pfn, on behalf of owner ref. */
static bool link_add(struct walk *w, uint32_t from, unsigned slot, uint64_t raw, uint32_t ref,
		     bool kernel_half)
{
	struct census *c = w->c;
	struct row *parent = &c->rows[from];
	unsigned level = parent->level;
	pfn_t pfn = gpa_to_pfn(c->format->entry_addr(c->decode, level, raw));
	int64_t frame = frame_number(&c->map, pfn);
	uint32_t at;

	if (frame < 0) {
		report(w, ANOMALY_BEYOND_RAM, parent, slot, raw, pfn);
		if (parent->tables) {
			parent->tables--;
			parent->bad++;
		}
		return true;
	}
	at = c->map.row[frame] - 1;
	if (at == NO_ROW) {
		if (!row_new(c, pfn, frame, level - 1, &at, w->e))
			return false;
		c->rows[at].parent = from;
		c->rows[at].slot = slot & 0x7ff;
		c->rows[at].kernel_half = kernel_half;
	} else if (c->rows[at].level != level - 1) {
		report(w, ANOMALY_SELF_MAP, parent, slot, raw, pfn);
		return true;
	}
	if (c->rows[at].links < ROW_LINKS_MAX)
		c->rows[at].links++;
	return owners_add(c, &c->rows[at], ref, w->e);
}

/* Equal but for accessed and dirty bits, which the CPU sets as it likes. */
static bool entry_same(const struct walk *w, unsigned level, uint64_t a, uint64_t b)
{
	const struct pt_format *f = w->c->format;
	const struct pt_decode *d = w->c->decode;
	enum pt_kind kind;

	if (a == b)
		return true;
	kind = f->entry_kind(d, level, a);
	if (kind != f->entry_kind(d, level, b))
		return false;
	if (kind != PT_TABLE && kind != PT_HUGE)
		return false;
	return f->entry_addr(d, level, a) == f->entry_addr(d, level, b) &&
	       f->entry_rights(d, level, a) == f->entry_rights(d, level, b);
}

static bool is_ldt_slot(const struct walk *w, unsigned slot)
{
	return slot == LDT_SLOT && kernel_pti(w->c->kernel);
}

/*
 * An mm's own PGD. Its kernel half is init_mm's, so only what differs is
 * followed, on behalf of the mm: a kernel mm (efi_mm) may have tables of its own there,
 * and under PTI a process its LDT.
 */
static bool visit_root(struct walk *w, uint32_t at, const struct pt_scan *scan)
{
	struct census *c = w->c;
	unsigned level = c->rows[at].level;
	unsigned slots = 1u << c->format->level[level].shape.index_bits;
	uint32_t owner = c->rows[at].owner, count;
	const uint32_t *owners = owners_of(c, &c->rows[at], &count);
	bool is_init = false, is_kernel = false;

	for (uint32_t i = 0; i < count; i++) {
		is_init |= owners[i] == w->init;
		is_kernel |= c->mms.mms[owners[i]].kind == MM_KERNEL;
	}
	for (unsigned slot = 0; slot < slots; slot++) {
		bool upper = slot >= w->half;
		bool ldt = upper && !is_init && !is_kernel && is_ldt_slot(w, slot);
		uint64_t raw;

		if (!is_init && upper) {
			uint64_t init = entry_of(w, w->kernel_root, level, slot);

			if (!w->has_kernel_root)
				break;
			raw = entry_of(w, w->table, level, slot);
			if (entry_same(w, level, raw, init))
				continue;
			if (!is_kernel && !ldt)
				report(w, ANOMALY_KERNEL_HALF, &c->rows[at], slot, raw, init);
			/* Other rights to the same table make no other owner. */
			if (c->format->entry_kind(c->decode, level, init) == PT_TABLE &&
			    c->format->entry_addr(c->decode, level, init) ==
			    c->format->entry_addr(c->decode, level, raw))
				continue;
		}
		if (!(scan->tables[slot / 64] >> (slot % 64) & 1))
			continue;
		raw = entry_of(w, w->table, level, slot);
		/* An LDT's tables are constructed and counted as the process's. */
		if (!link_add(w, at, slot, raw, is_init ? w->init : owner,
			      (upper && !ldt) || is_init))
			return false;
	}
	return true;
}

/*
 * PTI's second root leads to the frames that the first one leads to; only what
 * differs is followed. In the kernel half that is what all users see of the
 * kernel (its entry code), on tables of init_mm.
 */
static bool visit_pti_root(struct walk *w, uint32_t at, const struct pt_scan *scan)
{
	struct census *c = w->c;
	unsigned level = c->rows[at].level;
	unsigned slots = 1u << c->format->level[level].shape.index_bits;
	uint32_t owner = c->rows[at].owner, count;
	const uint32_t *owners = owners_of(c, &c->rows[at], &count);
	bool has_first = count && read_table(w, gpa_to_pfn(c->mms.mms[owners[0]].pgd), w->other);

	for (unsigned slot = 0; slot < slots; slot++) {
		bool upper = slot >= w->half;
		uint64_t raw, first;

		if (!(scan->tables[slot / 64] >> (slot % 64) & 1))
			continue;
		raw = entry_of(w, w->table, level, slot);
		first = has_first ? entry_of(w, w->other, level, slot) : 0;
		if (c->format->entry_kind(c->decode, level, first) == PT_TABLE &&
		    c->format->entry_addr(c->decode, level, first) ==
		    c->format->entry_addr(c->decode, level, raw))
			continue;
		if (!link_add(w, at, slot, raw, upper ? w->init : owner, upper))
			return false;
	}
	return true;
}

static bool visit_inner(struct walk *w, uint32_t at, const struct pt_scan *scan)
{
	struct census *c = w->c;
	unsigned level = c->rows[at].level;
	uint32_t owner = c->rows[at].owner;
	bool kernel_half = c->rows[at].kernel_half;

	for (unsigned word = 0; word < PT_ENTRIES_MAX / 64; word++) {
		for (uint64_t bits = scan->tables[word]; bits; bits &= bits - 1) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
			uint64_t raw = entry_of(w, w->table, level, slot);

			if (!link_add(w, at, slot, raw, owner, kernel_half))
				return false;
		}
	}
	return true;
}

static void report_bad(struct walk *w, const struct row *r, const void *table,
		       const struct pt_scan *scan)
{
	for (unsigned word = 0; word < PT_ENTRIES_MAX / 64; word++) {
		for (uint64_t bits = scan->bad[word]; bits; bits &= bits - 1) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);

			report(w, ANOMALY_BAD_ENTRY, r, slot,
			       entry_of(w, table, r->level, slot), 0);
		}
	}
}

/* A table above the bottom: judged on a copy, so that each entry is read once. */
static bool visit(struct walk *w, uint32_t at)
{
	struct census *c = w->c;
	struct row *r = &c->rows[at];
	struct pt_scan scan;

	if (!read_table(w, r->pfn, w->table)) {
		r->readable = 0;
		return true;
	}
	pt_scan(c->decode, r->level, w->table, &scan);
	row_set_entries(r, &scan, r->level);
	if (scan.count[PT_BAD])
		report_bad(w, r, w->table, &scan);
	if (r->origin == ROW_PTI_ROOT)
		return visit_pti_root(w, at, &scan);
	if (r->root)
		return visit_root(w, at, &scan);
	return visit_inner(w, at, &scan);
}

/* Tables ahead of the one being read: memory's delay is what a census costs. */
enum { AHEAD = 4, LINE = 64 };

static const void *view_ahead(struct walk *w, uint32_t at, uint32_t end)
{
	const uint8_t *view;

	if (at >= end)
		return NULL;
	view = machine_view(w->c->machine, pfn_to_gpa(w->c->rows[at].pfn), NULL);
	for (size_t i = 0; view && i < PT_FRAME_SIZE; i += LINE)
		__builtin_prefetch(view + i);
	return view;
}

/* The bottom tables: nearly all there are, read in place. */
static void visit_bottom(struct walk *w, uint32_t first, uint32_t end)
{
	struct census *c = w->c;
	const void *views[AHEAD];
	struct pt_scan scan;

	for (uint32_t i = 0; i < AHEAD; i++)
		views[i] = view_ahead(w, first + i, end);
	for (uint32_t at = first; at < end; at++) {
		struct row *r = &c->rows[at];
		const void *view = views[(at - first) % AHEAD];

		if (view) {
			pt_scan(c->decode, 0, view, &scan);
			if (scan.count[PT_BAD]) {
				/* What is reported must be what was counted. */
				memcpy(w->table, view, PT_FRAME_SIZE);
				pt_scan(c->decode, 0, w->table, &scan);
			}
		}
		if (!view || !machine_unview(c->machine, pfn_to_gpa(r->pfn), view)) {
			r->readable = 0;
		} else {
			row_set_entries(r, &scan, 0);
			if (scan.count[PT_BAD])
				report_bad(w, r, w->table, &scan);
		}
		views[(at - first) % AHEAD] = view_ahead(w, at + AHEAD, end);
	}
}

static bool roots_add(struct walk *w)
{
	struct census *c = w->c;

	if (!root_add(w, w->init, c->mms.mms[w->init].pgd, ROW_REACHED))
		return false;
	for (uint32_t i = 0; i < c->mms.mm_count; i++)
		if (i != w->init && c->mms.mms[i].pgd_va &&
		    !root_add(w, i, c->mms.mms[i].pgd, ROW_REACHED))
			return false;
	for (uint32_t i = 0; i < c->mms.mm_count; i++)
		if (c->mms.mms[i].user_pgd &&
		    !root_add(w, i, c->mms.mms[i].user_pgd, ROW_PTI_ROOT))
			return false;
	return true;
}

static bool walk_levels(struct walk *w)
{
	struct census *c = w->c;
	uint32_t first = 0, end = c->count;

	for (unsigned level = c->format->levels - 1u; level > 0; level--) {
		if (!owners_close(c, first, end, w->e))
			return false;
		for (uint32_t at = first; at < end; at++) {
			if (at >= c->budget) {
				census_note(c, "the budget of %" PRIu64 " tables ran out",
					    c->budget);
				/* What is linked so far is all that will be. */
				return owners_close(c, end, c->count, w->e);
			}
			if (!visit(w, at))
				return false;
		}
		first = end;
		end = c->count;
	}
	if (!owners_close(c, first, end, w->e))
		return false;
	if (end > c->budget) {
		census_note(c, "the budget of %" PRIu64 " tables ran out", c->budget);
		end = c->budget > first ? (uint32_t)c->budget : first;
	}
	visit_bottom(w, first, end);
	return true;
}

bool census_reach(struct census *c, struct err *e)
{
	const struct pt_level *top = &c->format->level[c->format->levels - 1u];
	unsigned slots = 1u << top->shape.index_bits;
	struct walk w;

	c->anomalies.list = calloc(ANOMALIES_MAX, sizeof(*c->anomalies.list));
	if (!c->anomalies.list)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for the census");
	w.c = c;
	w.e = e;
	w.init = c->mms.init_mm;
	w.half = c->format->va_signed ? slots / 2 : slots;
	w.has_kernel_root = read_table(&w, gpa_to_pfn(c->mms.mms[w.init].pgd), w.kernel_root);
	if (!w.has_kernel_root)
		census_note(c, "init_mm's root cannot be read: the kernel half was not walked");
	return roots_add(&w) && walk_levels(&w);
}

// SPDX-License-Identifier: GPL-2.0-only
/* census.c - takes a census, stage by stage, and answers about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/owner/census_impl.h"

int anomaly_by_place(const void *a, const void *b)
{
	const struct anomaly *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* Only tables of one frame: the formats of today. */
static bool format_check(const struct pt_format *f, struct err *e)
{
	for (unsigned level = 0; level < f->levels; level++)
		if (f->level[level].shape.index_bits + f->level[level].shape.entry_lg2 !=
		    PT_FRAME_SHIFT)
			return err_set(e, ERR_UNSUPPORTED, 0, "%s: a census of tables that are "
				       "not one frame long is not made yet", f->name);
	return true;
}

/*
 * Memory that went away after its turn may have been read as something else by
 * then: of such rows, only where they hang is believed.
 */
static void rows_lose(struct census *c, uint64_t lost_before)
{
	uint64_t lost;

	machine_verify(c->machine);
	lost = __atomic_load_n(&c->machine->lost_count, __ATOMIC_ACQUIRE);
	if (lost == lost_before)
		return;
	census_note(c, "%" PRIu64 " frames of memory went away while they were read",
		    lost - lost_before);
	for (uint32_t i = 0; i < c->count; i++) {
		struct row *r = &c->rows[i];

		if (!machine_lost(c->machine, pfn_to_gpa(r->pfn)))
			continue;
		r->readable = 0;
		row_set_entries(r, &(struct pt_scan){ .count = { 0 } }, r->level);
	}
}

static bool census_stages(struct census *c, const struct census_options *options, struct err *e)
{
	uint64_t lost = __atomic_load_n(&c->machine->lost_count, __ATOMIC_ACQUIRE);

	if (!format_check(c->format, e) || !kernel_read_mms(c->kernel, &c->mms, e))
		return false;
	if (c->mms.truncated)
		census_note(c, "%s", c->mms.note);
	if (c->mms.init_mm >= c->mms.mm_count || c->mms.mm_count >= OWNER_INDEX)
		return err_set(e, ERR_MALFORMED, 0, "the list of mms has no init_mm");
	c->book = calloc(c->mms.mm_count, sizeof(*c->book));
	if (!c->book)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for the mms' books");
	if (!frame_map_init(&c->map, c->machine, e))
		return false;
	c->budget = options && options->budget ? options->budget : UINT64_MAX;
	if (!census_reach(c, e) || !census_pages(c, e))
		return false;
	census_deposits(c);
	census_orphan_levels(c);
	rows_lose(c, lost);
	if (!rows_sort(c, e))
		return false;
	qsort(c->anomalies.list, c->anomalies.count, sizeof(*c->anomalies.list),
	      anomaly_by_place);
	census_infer(c, options);
	census_judge(c);
	return true;
}

struct census *census_take(const struct kernel *kernel, const struct census_options *options,
			   struct err *e)
{
	struct census *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory for the census");
		return NULL;
	}
	c->kernel = kernel;
	c->machine = kernel_machine(kernel);
	c->decode = &kernel_space(kernel)->decode;
	c->format = c->decode->format;
	if (!census_stages(c, options, e)) {
		census_free(c);
		return NULL;
	}
	return c;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	kernel_mms_free(&c->mms);
	frame_map_free(&c->map);
	owners_free(&c->owners);
	facts_free(&c->facts);
	free(c->anomalies.list);
	free(c->book);
	free(c->rows);
	free(c);
}

size_t census_tables(const struct census *c)
{
	return c->count;
}

void census_row(const struct census *c, size_t row, struct census_row *out)
{
	const struct row *r = &c->rows[row];
	unsigned total = 1u << c->format->level[r->level].shape.index_bits;
	uint32_t count;
	const uint32_t *owners = owners_of(c, r, &count);

	*out = (struct census_row){
		.pfn = r->pfn,
		.level = r->level,
		.verdict = r->verdict,
		.why = why_name(r->why),
		.va = row_va(c, r),
		.parent = r->parent == NO_ROW ? -1 : (int64_t)r->parent,
		.slot = r->slot,
		.links = r->links,
		.owner = count ? (int64_t)owners[0] : -1,
		.kernel_half = r->kernel_half,
		.readable = r->readable,
		.limbo = r->why == WHY_LIMBO,
		.maybe_limbo = r->why == WHY_EMPTY && !c->limbo_flag,
		.maybe_below_unreadable = r->why == WHY_BELOW_UNREADABLE,
		.page = row_facts(c, r),
	};
	/* Kernel mms that share the kernel's tables: these are init_mm's. */
	for (uint32_t i = 0; r->kernel_half && i < count; i++)
		if (owners[i] == c->mms.init_mm)
			out->owner = owners[i];
	out->entries[PT_TABLE] = r->tables;
	out->entries[r->level ? PT_HUGE : PT_LEAF] = r->mapped;
	out->entries[PT_PROTNONE] = r->protnone;
	out->entries[PT_SWAP] = r->swap;
	out->entries[PT_BAD] = r->bad;
	if (r->readable)
		out->entries[PT_NONE] = (uint16_t)(total - r->tables - r->mapped - r->protnone -
						   r->swap - r->bad);
}

size_t census_owners(const struct census *c, size_t row, uint32_t *owners, size_t max)
{
	uint32_t count;
	const uint32_t *list = owners_of(c, &c->rows[row], &count);

	if (max > count)
		max = count;
	if (max)
		memcpy(owners, list, max * sizeof(*owners));
	return count;
}

int64_t census_find(const struct census *c, pfn_t pfn, int level)
{
	uint32_t row = row_of_frame(c, pfn);

	if (row == NO_ROW || (level >= 0 && c->rows[row].level != (unsigned)level))
		return -1;
	return row;
}

const struct kernel_mms *census_mms(const struct census *c)
{
	return &c->mms;
}

const struct level_agreement *census_recorded_at(const struct census *c, size_t *levels)
{
	*levels = c->format->levels;
	return c->recorded;
}

const struct level_agreement *census_typed_at(const struct census *c, size_t *levels)
{
	*levels = c->format->levels;
	return c->typed;
}

uint64_t census_pgtables_bytes(const struct census *c, uint32_t mm)
{
	return mm < c->mms.mm_count ? c->book[mm].counted : 0;
}

uint64_t census_disputed_bytes(const struct census *c, uint32_t mm)
{
	return mm < c->mms.mm_count ? c->book[mm].disputed : 0;
}

bool census_mm_settled(const struct census *c, uint32_t mm)
{
	return mm < c->mms.mm_count && !c->book[mm].unsettled;
}

const struct anomaly *census_anomalies(const struct census *c, size_t *count, size_t *dropped)
{
	*count = c->anomalies.count;
	*dropped = c->anomalies.dropped;
	return c->anomalies.list;
}

const char *census_incomplete(const struct census *c)
{
	return c->incomplete[0] ? c->incomplete : NULL;
}

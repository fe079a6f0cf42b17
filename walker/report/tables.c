/* SPDX-License-Identifier: GPL-2.0-only */
/* tables.c - table pages, filtered and sorted. */
#include <inttypes.h>
#include <stdlib.h>

#include "walker/report/emit.h"
#include "walker/report/json.h"
#include "walker/report/summary.h"

/* A row's sort key, computed once; `index` keeps equal rows in the census's order. */
struct picked {
	uint64_t key;
	size_t index;
};

static bool owner_fits(const struct kernel_mms *mms, const struct mm *mm,
		       const struct table_filter *filter)
{
	if (filter->owner_kind >= 0 && (int)mm->kind != filter->owner_kind)
		return false;
	if (filter->pid < 0)
		return true;
	for (uint32_t i = 0; i < mm->task_count; i++)
		if (mms->tasks[mms->tasks_of[mm->first_task + i]].pid == filter->pid)
			return true;
	return false;
}

static bool row_fits(const struct kernel_mms *mms, const struct census_row *row,
		     const struct owner_list *owners, const struct table_filter *filter)
{
	if (filter->level >= 0 && row->level != filter->level)
		return false;
	if (filter->verdict >= 0 && (int)row->verdict != filter->verdict)
		return false;
	if (filter->pid < 0 && filter->owner_kind < 0)
		return true;
	for (size_t i = 0; i < owners->count; i++)
		if (owner_fits(mms, &mms->mms[owners->list[i]], filter))
			return true;
	return false;
}

static unsigned row_used(const struct census_row *row)
{
	unsigned used = 0;

	for (unsigned kind = 0; kind < PT_KINDS; kind++)
		if (kind != PT_NONE)
			used += row->entries[kind];
	return used;
}

static uint64_t row_key(const struct kernel_mms *mms, const struct census_row *row,
			enum table_sort sort)
{
	switch (sort) {
	case SORT_PFN:
		return row->pfn;
	case SORT_VA:
		return row->va;
	case SORT_OWNER:
		return row->owner < 0 ? UINT64_MAX : mms->mms[row->owner].at;
	case SORT_LEVEL:
		return PT_LEVELS_MAX - row->level;
	case SORT_VERDICT:
		return row->verdict;
	case SORT_ENTRIES:
		return UINT64_MAX - row_used(row);	/* the fullest first */
	}
	return 0;
}

static int picked_compare(const void *pa, const void *pb)
{
	const struct picked *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* The rows that fit, sorted; the caller frees. NULL on error. */
static size_t *rows_pick(const struct census *census, const struct table_filter *filter,
			 enum table_sort sort, size_t *count, struct err *err)
{
	const struct kernel_mms *mms = census_mms(census);
	size_t total = census_tables(census), n = 0;
	struct picked *picked = calloc(total + 1, sizeof(*picked));
	size_t *rows = calloc(total + 1, sizeof(*rows));
	struct owner_list owners = { 0 };
	bool ok = picked && rows;

	if (!ok)
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for %zu rows", total);
	for (size_t i = 0; ok && i < total; i++) {
		struct census_row row;

		census_row(census, i, &row);
		ok = owner_list_fill(&owners, census, i, err);
		if (ok && row_fits(mms, &row, &owners, filter))
			picked[n++] = (struct picked){ row_key(mms, &row, sort), i };
	}
	if (ok) {
		qsort(picked, n, sizeof(*picked), picked_compare);
		for (size_t i = 0; i < n; i++)
			rows[i] = picked[i].index;
		*count = n;
	} else {
		free(rows);
		rows = NULL;
	}
	free(owners.list);
	free(picked);
	return rows;
}

static void print_row(FILE *to, const struct report *report, size_t index)
{
	const struct pt_format *format = kernel_space(report->kernel)->decode.format;
	const struct kernel_mms *mms = census_mms(report->census);
	struct census_row row;
	uint32_t owner[2];
	char label[64], pfn[24], va[24];
	size_t owners;

	census_row(report->census, index, &row);
	owners = census_owners(report->census, index, owner, 2);
	if (row.owner >= 0)
		report_mm_label(mms, (uint32_t)row.owner, label, sizeof(label) - 8);
	else if (owners)
		report_mm_label(mms, owner[0], label, sizeof(label) - 8);
	else
		snprintf(label, sizeof(label), "-");
	snprintf(pfn, sizeof(pfn), "0x%" PRIx64, row.pfn);
	/* Nothing leads to these, so nothing says where they would be. */
	if (row.verdict == VERDICT_ORPHAN || row.verdict == VERDICT_DEPOSITED)
		snprintf(va, sizeof(va), "-");
	else
		snprintf(va, sizeof(va), "0x%016" PRIx64, row.va);
	fprintf(to, "%-10s  %-5s  %-18s  %7u  %5u", pfn, format->level[row.level].name, va,
		row_used(&row), row.links);
	if (row.page)
		fprintf(to, "  0x%016" PRIx64, row.page->recorded);
	else
		fprintf(to, "  %-18s", "-");
	fprintf(to, "  %-22s%s  %s", label, owners > 1 ? " …" : "  ", verdict_name(row.verdict));
	if (row.why)
		fprintf(to, " (%s)", row.why);
	fputc('\n', to);
}

bool report_tables(FILE *to, const struct report *report, const struct table_filter *filter,
		   enum table_sort sort, enum report_format format, struct err *err)
{
	size_t count = 0;
	size_t *rows = rows_pick(report->census, filter, sort, &count, err);
	bool ok = true;

	if (!rows)
		return false;
	if (format == REPORT_TEXT) {
		fprintf(to, "%-10s  %-5s  %-18s  %7s  %5s  %-18s  %-22s    %s\n", "PFN", "LEVEL",
			"VA", "ENTRIES", "LINKS", "RECORDED", "OWNER", "VERDICT");
		for (size_t i = 0; i < count; i++)
			print_row(to, report, rows[i]);
		fprintf(to, "%zu of %zu table pages\n", count, census_tables(report->census));
		ok = emit_stream_error(to, err);
	} else {
		ok = json_write_tables(to, report, rows, count, format == REPORT_JSONL, err);
	}
	free(rows);
	return ok;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_report_tables.c - `ptmm tables`: every filter and sort key against plain loops. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "tests/unit/report_scene.h"

static const struct table_filter any = {
	.level = -1, .verdict = -1, .pid = -1, .owner_kind = -1,
};

static char *tables_text(const struct scene *s, struct table_filter filter, enum table_sort sort,
			 enum report_format format)
{
	struct err err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	if (!report_tables(f, &s->report, &filter, sort, format, &err))
		fail_msg("tables: %s", err.message);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* The rows of a list, in its order, as indices of the census. */
static size_t listed(const struct scene *s, struct table_filter filter, enum table_sort sort,
		     size_t *rows, size_t max)
{
	char *text = tables_text(s, filter, sort, REPORT_JSONL), *rest = text, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		struct json_object *row = json_tokener_parse(line), *pfn, *level;
		int64_t index;

		assert_non_null(row);
		assert_true(json_object_object_get_ex(row, "pfn", &pfn));
		assert_true(json_object_object_get_ex(row, "level", &level));
		index = census_find(s->census, strtoull(json_object_get_string(pfn), NULL, 16),
				    pt_level_by_name(&pt_x86_4level,
						     json_object_get_string(level)));
		assert_true(index >= 0);
		assert_true(n < max);
		rows[n++] = (size_t)index;
		json_object_put(row);
	}
	free(text);
	return n;
}

static bool owned_by_pid(const struct scene *s, size_t row, int pid)
{
	const struct kernel_mms *mms = census_mms(s->census);
	uint32_t owners[16];
	size_t n = census_owners(s->census, row, owners, 16);

	for (size_t i = 0; i < n; i++)
		for (uint32_t t = 0; t < mms->task_count; t++)
			if (mms->tasks[t].pid == pid && mms->tasks[t].mm &&
			    mms->tasks[t].mm == mms->mms[owners[i]].at)
				return true;
	return false;
}

static bool owned_by_kind(const struct scene *s, size_t row, int kind)
{
	const struct kernel_mms *mms = census_mms(s->census);
	uint32_t owners[16];
	size_t n = census_owners(s->census, row, owners, 16);

	for (size_t i = 0; i < n; i++)
		if ((int)mms->mms[owners[i]].kind == kind)
			return true;
	return false;
}

static void filters(void **state)
{
	static const struct table_filter cases[] = {
		{ -1, -1, -1, -1 }, { 0, -1, -1, -1 }, { 3, -1, -1, -1 },
		{ -1, VERDICT_MISMATCH, -1, -1 }, { -1, VERDICT_SHARED, -1, -1 },
		{ -1, VERDICT_CROSS_LINKED, -1, -1 }, { -1, -1, 7, -1 }, { -1, -1, 8, -1 },
		{ -1, -1, 12, -1 }, { -1, -1, -1, MM_INIT }, { -1, -1, -1, MM_USER },
		{ 1, -1, 12, -1 }, { 0, VERDICT_MATCH, 7, MM_USER }, { -1, -1, 7, MM_INIT },
	};
	size_t nonempty = 0, rows[256];
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		const struct table_filter *f = &cases[c];
		size_t n = listed(&s, *f, SORT_LEVEL, rows, 256), expected = 0;

		for (size_t i = 0; i < census_tables(s.census); i++) {
			struct census_row row;

			census_row(s.census, i, &row);
			if ((f->level >= 0 && row.level != f->level) ||
			    (f->verdict >= 0 && (int)row.verdict != f->verdict) ||
			    (f->pid >= 0 && !owned_by_pid(&s, i, (int)f->pid)) ||
			    (f->owner_kind >= 0 && !owned_by_kind(&s, i, f->owner_kind)))
				continue;
			assert_true(expected < n);
			assert_int_equal(rows[expected++], i);
		}
		assert_int_equal(n, expected);
		nonempty += n > 0;
	}
	assert_int_equal(nonempty, sizeof(cases) / sizeof(cases[0]) - 2);
	scene_close(&s);
}

static unsigned used(const struct census_row *row)
{
	unsigned n = 0;

	for (int kind = 0; kind < PT_KINDS; kind++)
		n += kind == PT_NONE ? 0 : row->entries[kind];
	return n;
}

static bool in_order(const struct census_row *a, const struct census_row *b, enum table_sort sort)
{
	switch (sort) {
	case SORT_PFN:
		return a->pfn <= b->pfn;
	case SORT_VA:
		return a->va <= b->va;
	case SORT_OWNER:	/* mms are sorted by address; no owner comes last */
		return (uint64_t)a->owner <= (uint64_t)b->owner;
	case SORT_LEVEL:
		return a->level >= b->level;
	case SORT_VERDICT:
		return a->verdict <= b->verdict;
	case SORT_ENTRIES:
		return used(a) >= used(b);
	}
	return false;
}

static void sort_keys(void **state)
{
	size_t rows[256];
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	for (int sort = SORT_PFN; sort <= SORT_ENTRIES; sort++) {
		size_t n = listed(&s, any, (enum table_sort)sort, rows, 256);

		assert_int_equal(n, census_tables(s.census));
		for (size_t i = 1; i < n; i++) {
			struct census_row a, b;

			census_row(s.census, rows[i - 1], &a);
			census_row(s.census, rows[i], &b);
			assert_true(in_order(&a, &b, (enum table_sort)sort));
			/* Equal rows keep the census's order. */
			if (in_order(&b, &a, (enum table_sort)sort))
				assert_true(rows[i - 1] < rows[i]);
		}
	}
	scene_close(&s);
}

static void golden(void **state)
{
	struct table_filter twelve = any;
	struct scene s;
	char *text;

	(void)state;
	twelve.pid = 12;
	scene_open(&s, 4);
	text = tables_text(&s, any, SORT_LEVEL, REPORT_TEXT);
	golden_is("tables.txt", text);
	free(text);
	text = tables_text(&s, twelve, SORT_VA, REPORT_JSON);
	golden_is("tables-pid12.json", text);
	free(text);
	twelve.pid = 99;
	text = tables_text(&s, twelve, SORT_VA, REPORT_JSON);
	json_object_put(json_tokener_parse(text));
	assert_non_null(strstr(text, "\"tables\": []"));
	free(text);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(sort_keys),
		cmocka_unit_test(golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

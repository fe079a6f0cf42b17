/* SPDX-License-Identifier: GPL-2.0-only */
/* test_report.c - golden reports of a fixed guest, and what must hold of any report. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "tests/unit/report_scene.h"

static struct json_object *parse(const char *text)
{
	enum json_tokener_error error;
	struct json_object *o = json_tokener_parse_verbose(text, &error);

	if (!o)
		fail_msg("not JSON: %s", json_tokener_error_desc(error));
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no member %s", key);
	return value;
}

static const char *text_of(struct json_object *o, const char *key)
{
	return json_object_get_string(member(o, key));
}

/* Keys of every object, at any depth, in ASCII order and none twice. */
static unsigned keys_are_sorted(struct json_object *o)
{
	unsigned objects = 0;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			objects += keys_are_sorted(json_object_array_get_idx(o, i));
	} else if (json_object_is_type(o, json_type_object)) {
		const char *last = "";

		json_object_object_foreach(o, key, value) {
			if (strcmp(last, key) >= 0)
				fail_msg("key %s stands after %s", key, last);
			last = key;
			objects += keys_are_sorted(value);
		}
		objects++;
	}
	return objects;
}

static void golden_files(void **state)
{
	static const struct {
		unsigned levels;
		enum report_format format;
		const char *name;
	} files[] = {
		{ 4, REPORT_JSON, "report-4level.json" },
		{ 4, REPORT_JSONL, "report-4level.jsonl" },
		{ 4, REPORT_TEXT, "report-4level.txt" },
		{ 5, REPORT_JSON, "report-5level.json" },
		{ 5, REPORT_TEXT, "report-5level.txt" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct scene s;
		char *text;

		scene_open(&s, files[i].levels);
		text = scene_report(&s.report, files[i].format);
		golden_is(files[i].name, text);
		free(text);
		scene_close(&s);
	}
}

static void json_is_sorted_and_adds_up(void **state)
{
	struct json_object *o, *tables, *summary, *by_verdict;
	unsigned counted[VERDICTS] = { 0 };
	struct scene s;
	char *text;

	(void)state;
	scene_open(&s, 4);
	text = scene_report(&s.report, REPORT_JSON);
	o = parse(text);
	tables = member(o, "tables");
	summary = member(o, "summary");
	by_verdict = member(summary, "by_verdict");
	assert_string_equal(text_of(o, "schema"), "ptmm.report/1");
	assert_true(keys_are_sorted(o) > 50);
	assert_int_equal(json_object_array_length(tables), census_tables(s.census));
	assert_int_equal(json_object_get_int(member(summary, "tables")), census_tables(s.census));
	for (size_t i = 0; i < json_object_array_length(tables); i++) {
		struct json_object *row = json_object_array_get_idx(tables, i);
		int verdict = verdict_by_name(text_of(row, "verdict"));
		struct census_row expected;

		assert_true(verdict >= 0);
		counted[verdict]++;
		census_row(s.census, i, &expected);
		assert_int_equal(strtoull(text_of(row, "pfn"), NULL, 16), expected.pfn);
		if (expected.verdict == VERDICT_ORPHAN || expected.verdict == VERDICT_DEPOSITED)
			assert_null(member(row, "va"));
		else
			assert_int_equal(strtoull(text_of(row, "va"), NULL, 16), expected.va);
	}
	for (int v = 0; v < VERDICTS; v++)
		assert_int_equal(json_object_get_int(member(by_verdict,
							    verdict_name((enum verdict)v))),
				 counted[v]);
	/* The scene is what it says. */
	assert_true(counted[VERDICT_MISMATCH] && counted[VERDICT_STALE] &&
		    counted[VERDICT_SHARED] && counted[VERDICT_MATCH] &&
		    counted[VERDICT_DEPOSITED] && counted[VERDICT_ORPHAN] &&
		    counted[VERDICT_UNREADABLE] && counted[VERDICT_UNSET] &&
		    counted[VERDICT_KERNEL]);
	json_object_put(o);
	free(text);
	scene_close(&s);
}

/* The same rows, head and tail as in the document. */
static void lines_say_the_same(void **state)
{
	struct json_object *o, *tables;
	char *text, *lines, *rest, *line;
	size_t row = 0, count = 0;
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	text = scene_report(&s.report, REPORT_JSON);
	rest = lines = scene_report(&s.report, REPORT_JSONL);
	o = parse(text);
	tables = member(o, "tables");
	while ((line = strsep(&rest, "\n")) && *line) {
		struct json_object *l = parse(line);

		keys_are_sorted(l);
		if (!count || json_object_object_get_ex(l, "summary", NULL)) {
			json_object_object_foreach(l, key, value)
				assert_true(json_object_equal(value, member(o, key)));
		} else {
			assert_true(json_object_equal(l, json_object_array_get_idx(tables,
										   row++)));
		}
		json_object_put(l);
		count++;
	}
	assert_int_equal(row, json_object_array_length(tables));
	assert_int_equal(count, row + 2);
	json_object_put(o);
	free(lines);
	free(text);
	scene_close(&s);
}

static void full_disk_is_an_error(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	for (int format = REPORT_TEXT; format <= REPORT_JSONL; format++) {
		FILE *f = fopen("/dev/full", "w");
		struct err err = { 0 };

		assert_non_null(f);
		setvbuf(f, NULL, _IONBF, 0);
		assert_false(report_write(f, &s.report, (enum report_format)format, &err));
		assert_int_equal(err.code, ERR_SYSTEM);
		assert_string_equal(err.message, strerror(ENOSPC));
		fclose(f);
	}
	scene_close(&s);
}

static void long_lists_are_cut_in_text(void **state)
{
	struct scene s;
	char *all, *cut, more[64];
	size_t owners;

	(void)state;
	scene_open(&s, 4);
	owners = census_mms(s.census)->mm_count;
	all = scene_report(&s.report, REPORT_TEXT);
	s.report.owners_max = 2;
	cut = scene_report(&s.report, REPORT_TEXT);
	snprintf(more, sizeof(more), "… and %zu more; --all lists them\n", owners - 2);
	assert_null(strstr(all, "--all"));
	assert_non_null(strstr(all, "twelve"));
	assert_non_null(strstr(cut, more));
	assert_non_null(strstr(cut, "seven"));
	assert_null(strstr(cut, "twelve  "));
	assert_non_null(strstr(cut, "[kernel]"));
	free(all);
	free(cut);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_files),
		cmocka_unit_test(json_is_sorted_and_adds_up),
		cmocka_unit_test(lines_say_the_same),
		cmocka_unit_test(full_disk_is_an_error),
		cmocka_unit_test(long_lists_are_cut_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

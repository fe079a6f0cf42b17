/* SPDX-License-Identifier: GPL-2.0-only */
/* test_cli_words.c - words of the command line become values, or one clear error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/cli.h"

static void numbers(void **state)
{
	static const struct {
		const char *word;
		bool ok;
		uint64_t value;
	} cases[] = {
		{ "0", true, 0 }, { "7", true, 7 }, { "0x10", true, 16 }, { "100", true, 100 },
		{ "010", true, 10 },	/* no octal: nobody means it */
		{ "101", false, 0 }, { "", false, 0 }, { "-1", false, 0 }, { "+1", false, 0 },
		{ " 1", false, 0 }, { "1 ", false, 0 }, { "0x", false, 0 }, { "1x", false, 0 },
		{ "99999999999999999999999", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		uint64_t value = 0;

		assert_int_equal(cli_number(cases[i].word, 100, &value, &err), cases[i].ok);
		assert_int_equal(value, cases[i].value);
		assert_int_equal(err.code, cases[i].ok ? ERR_OK : ERR_USAGE);
	}
}

static void addresses_are_hex(void **state)
{
	struct err err = { 0 };
	uint64_t value;

	(void)state;
	assert_true(cli_address("0xffffffffffffffff", &value, &err));
	assert_int_equal(value, UINT64_MAX);
	assert_true(cli_address("0X40", &value, &err));
	assert_int_equal(value, 0x40);
	assert_false(cli_address("400000", &value, &err));
	assert_string_equal(err.message, "'400000' is not an address: write it in hex with 0x");
	assert_false(cli_address("0x1ffffffffffffffff", &value, &err));
	assert_false(cli_address("0x12g", &value, &err));
}

static void levels_of_the_format(void **state)
{
	struct err err = { 0 };
	uint8_t mask;
	int level;

	(void)state;
	assert_true(cli_level("pgd", &pt_x86_4level, &level, &err));
	assert_int_equal(level, 3);
	assert_true(cli_level("pgd", &pt_x86_5level, &level, &err));
	assert_int_equal(level, 4);
	assert_true(cli_level("p4d", &pt_x86_5level, &level, &err));
	assert_int_equal(level, 3);
	assert_false(cli_level("p4d", &pt_x86_4level, &level, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.message, "this guest has 4 levels, and no p4d");
	assert_false(cli_level("pml4", &pt_x86_4level, &level, &err));
	assert_string_equal(err.message,
			    "unknown level 'pml4': use one of pte, pmd, pud, pgd");
	assert_true(cli_levels("pte,pgd", &pt_x86_4level, &mask, &err));
	assert_int_equal(mask, 9);
	assert_false(cli_levels("", &pt_x86_4level, &mask, &err));
	assert_false(cli_levels("pte,,pgd", &pt_x86_4level, &mask, &err));
	assert_false(cli_levels("pte;pgd", &pt_x86_4level, &mask, &err));
}

static void lists_of_words(void **state)
{
	enum report_format format;
	enum table_sort sort;
	struct err err = { 0 };
	int value;
	bool live;

	(void)state;
	assert_true(cli_format("jsonl", &format, &err));
	assert_int_equal(format, REPORT_JSONL);
	assert_false(cli_format("xml", &format, &err));
	assert_string_equal(err.message, "unknown format 'xml': use one of text, json, jsonl");
	assert_true(cli_live("live", &live, &err));
	assert_true(live);
	assert_false(cli_live("verified", &live, &err));
	assert_true(cli_owner_kind("taskless", &value, &err));
	assert_int_equal(value, MM_TASKLESS);
	assert_true(cli_sort("entries", &sort, &err));
	assert_int_equal(sort, SORT_ENTRIES);
	for (int v = 0; v < VERDICTS; v++) {
		assert_true(cli_verdict(verdict_name((enum verdict)v), &value, &err));
		assert_int_equal(value, v);
	}
	/* The error lists all verdicts: they must fit into it. */
	assert_false(cli_verdict("wrong", &value, &err));
	assert_non_null(strstr(err.message, ", mismatch, match"));
}

static void unknown_pid_names_near_ones(void **state)
{
	struct task tasks[40] = { { 0 } };
	struct kernel_mms mms = { .tasks = tasks, .task_count = 40 };
	struct err err = { 0 };
	int64_t pid = 0;

	(void)state;
	/* Not in order of number; every third pid; one of them a kernel thread. */
	for (int i = 0; i < 40; i++) {
		tasks[i].pid = 3 * ((i * 7) % 40 + 1);
		tasks[i].mm = tasks[i].pid == 63 ? 0 : 1;
	}
	assert_ptr_equal(cli_task(&mms, 63, &err), &tasks[20]);
	assert_null(cli_task(&mms, 61, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.message, "no pid 61; near it: 48 51 54 57 60 66 69 72: "
			    "ptmm report lists them");
	assert_null(cli_task(&mms, 5000, &err));
	assert_string_equal(err.message, "no pid 5000; near it: 99 102 105 108 111 114 117 120: "
			    "ptmm report lists them");
	mms.task_count = 0;
	assert_null(cli_task(&mms, 1, &err));
	assert_string_equal(err.message, "no pid 1: ptmm report lists them");
	assert_true(cli_pid("2147483647", &pid, &err));
	assert_false(cli_pid("2147483648", &pid, &err));
	assert_string_equal(err.message, "'2147483648' is not a pid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(addresses_are_hex),
		cmocka_unit_test(levels_of_the_format),
		cmocka_unit_test(lists_of_words),
		cmocka_unit_test(unknown_pid_names_near_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Reading a machine's memory: holes, unreadable frames, the top of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/buffer_machine.h"

/* 16 KiB at 0, a hole, 8 KiB at 1 MiB to be had by view only, 8 KiB mapped behind it. */
static struct machine *three_regions(void)
{
	struct machine *m = buffer_machine_new(2);

	buffer_machine_add(m, 0, 0x4000, true);
	buffer_machine_add(m, 0x100000, 0x2000, false);
	buffer_machine_add(m, 0x102000, 0x2000, true);
	for (gpa_t at = 0; at < 0x4000; at += 8)
		buffer_machine_set(m, at, at * 0x0101010101010101u);
	for (gpa_t at = 0x100000; at < 0x104000; at += 8)
		buffer_machine_set(m, at, at * 0x0101010101010101u);
	return m;
}

static void sizes(void **state)
{
	struct machine *m = three_regions(), *empty = buffer_machine_new(0);

	(void)state;
	assert_int_equal(machine_memory(m), 0x8000);
	assert_int_equal(machine_frame_end(m), 0x104);
	assert_true(machine_has_frame(m, 0));
	assert_true(machine_has_frame(m, 3));
	assert_false(machine_has_frame(m, 4));
	assert_false(machine_has_frame(m, 0xff));
	assert_true(machine_has_frame(m, 0x100));
	assert_true(machine_has_frame(m, 0x103));
	assert_false(machine_has_frame(m, 0x104));
	/* A pfn whose address has more than 64 bits is not frame 0. */
	assert_false(machine_has_frame(m, 1ull << 52));
	assert_false(machine_has_frame(m, UINT64_MAX));
	/* Unreadable frames are RAM. */
	buffer_machine_set_unreadable(m, 2);
	assert_true(machine_has_frame(m, 2));
	assert_int_equal(machine_memory(empty), 0);
	assert_int_equal(machine_frame_end(empty), 0);
	assert_false(machine_has_frame(empty, 0));
	machine_close(empty);
	machine_close(m);
}

static void views(void **state)
{
	struct machine *m = three_regions();
	const uint64_t *view;
	struct err e;

	(void)state;
	view = machine_view(m, 0x1ff8, &e);
	assert_non_null(view);
	assert_int_equal(view[0], 0x1000 * 0x0101010101010101u);
	machine_unview(m, 0x1ff8, view);
	view = machine_view(m, 0x101008, &e);
	assert_non_null(view);
	assert_int_equal(view[0], 0x101000 * 0x0101010101010101u);
	assert_int_equal(buffer_machine_views(m), 1);
	machine_unview(m, 0x101008, view);
	assert_int_equal(buffer_machine_views(m), 0);

	assert_null(machine_view(m, 0x4000, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_int_equal(e.address, 0x4000);
	assert_null(machine_view(m, UINT64_MAX, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_null(machine_view(m, 0x104000, NULL));

	/* Unordered additions are found; frames beside them still read. */
	buffer_machine_set_unreadable(m, 0x101);
	buffer_machine_set_unreadable(m, 1);
	buffer_machine_set_unreadable(m, 3);
	for (pfn_t pfn = 0; pfn < 4; pfn++) {
		view = machine_view(m, pfn_to_gpa(pfn), &e);
		assert_int_equal(!view, pfn == 1 || pfn == 3);
		if (!view)
			assert_int_equal(e.code, ERR_UNREADABLE);
	}
	assert_null(machine_view(m, 0x101ff8, &e));
	assert_int_equal(e.code, ERR_UNREADABLE);
	buffer_machine_clear_unreadable(m);
	assert_non_null(machine_view(m, 0x1000, &e));
	machine_close(m);
}

static void check_read(struct machine *m, gpa_t gpa, size_t size, enum err_code want)
{
	uint8_t got[0x3000], expected[0x3000];
	struct err e = { .code = ERR_OK };
	bool ok;

	memset(got, 0x5a, sizeof(got));
	ok = machine_read(m, gpa, got, size, &e);
	assert_int_equal(ok, want == ERR_OK);
	assert_int_equal(e.code, want);
	if (ok)
		for (size_t i = 0; i < size; i++)
			assert_int_equal(got[i], *(uint8_t *)buffer_machine_at(m, gpa + i));
	/* Nothing behind the end is touched, and after a failure no guest byte is there. */
	memset(expected, 0x5a, sizeof(expected));
	assert_memory_equal(got + size, expected + size, sizeof(got) - size);
	if (!ok)
		for (size_t i = 0; i < size; i++)
			assert_true(got[i] == 0 || got[i] == 0x5a);
	assert_int_equal(buffer_machine_views(m), 0);
}

static void reads(void **state)
{
	struct machine *m = three_regions();

	(void)state;
	check_read(m, 0, 0, ERR_OK);
	check_read(m, 0x50000, 0, ERR_OK);
	check_read(m, 0x10, 100, ERR_OK);
	check_read(m, 0xffd, 7, ERR_OK);
	check_read(m, 0x800, 0x2000, ERR_OK);
	check_read(m, 0x3fff, 1, ERR_OK);
	check_read(m, 0x3fff, 2, ERR_NOT_RAM);
	check_read(m, 0xfffff, 2, ERR_NOT_RAM);
	/* From the region without a mapping into the one behind it. */
	check_read(m, 0x100123, 0x2abc, ERR_OK);
	check_read(m, 0x103f00, 0x101, ERR_NOT_RAM);
	check_read(m, UINT64_MAX, 1, ERR_NOT_RAM);
	check_read(m, UINT64_MAX - 3, 8, ERR_NOT_RAM);
	buffer_machine_set_unreadable(m, 2);
	check_read(m, 0x1f00, 0x100, ERR_OK);
	check_read(m, 0x1f00, 0x101, ERR_UNREADABLE);
	check_read(m, 0x2fff, 2, ERR_UNREADABLE);
	check_read(m, 0x3000, 0x1000, ERR_OK);
	machine_close(m);
}

static void words(void **state)
{
	struct machine *m = three_regions();
	uint64_t value = 0;
	struct err e;

	(void)state;
	assert_true(machine_read_u64(m, 0x1008, &value, &e));
	assert_int_equal(value, 0x1008 * 0x0101010101010101u);
	assert_true(machine_read_u64(m, 0x101ff8, &value, &e));
	assert_int_equal(value, 0x101ff8 * 0x0101010101010101u);
	buffer_machine_set(m, 0xffc, 0x1122334455667788);
	assert_true(machine_read_u64(m, 0xffc, &value, &e));
	assert_int_equal(value, 0x1122334455667788);
	assert_false(machine_read_u64(m, 0x3ffc, &value, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_false(machine_read_u64(m, UINT64_MAX - 7, &value, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_false(machine_read_u64(m, UINT64_MAX, &value, &e));
	assert_int_equal(buffer_machine_views(m), 0);
	machine_close(m);
}

/* RAM that ends with the last address there is, and RAM at 0: nothing wraps to it. */
static void top_of_addresses(void **state)
{
	struct machine *m = buffer_machine_new(1);
	uint64_t value;
	struct err e;

	(void)state;
	buffer_machine_add(m, 0, 0x1000, true);
	buffer_machine_add(m, UINT64_MAX - 0x1fff, 0x2000, true);
	buffer_machine_set(m, UINT64_MAX - 7, 42);
	assert_int_equal(machine_memory(m), 0x3000);
	assert_int_equal(machine_frame_end(m), 1ull << 52);
	assert_true(machine_has_frame(m, (1ull << 52) - 1));
	assert_true(machine_read_u64(m, UINT64_MAX - 7, &value, &e));
	assert_int_equal(value, 42);
	assert_false(machine_read(m, UINT64_MAX - 3, &value, 8, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_true(machine_read(m, UINT64_MAX - 3, &value, 4, &e));
	machine_close(m);
}

static void messages(void **state)
{
	char long_text[600];
	struct err e;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_false(err_set(&e, ERR_MISSING, 7, "no %s", "symbol"));
	assert_int_equal(e.code, ERR_MISSING);
	assert_int_equal(e.address, 7);
	assert_string_equal(e.message, "no symbol");
	assert_false(err_set(&e, ERR_SYSTEM, 0, "%s", long_text));
	assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
	/* A process named by a hostile guest cannot steer the terminal. */
	err_set(&e, ERR_MALFORMED, 0, "task %s", "a\033[2J\nb");
	assert_string_equal(e.message, "task a?[2J?b");
	assert_false(err_set(NULL, ERR_SYSTEM, 0, "nobody listens"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(views),
		cmocka_unit_test(reads),
		cmocka_unit_test(words),
		cmocka_unit_test(top_of_addresses),
		cmocka_unit_test(messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_core_raw.c - raw images: which part of the file lies where in the guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "vmm/core/core.h"
#include "vmm/target.h"

enum { FRAME = PT_FRAME_SIZE, FRAMES = 16 };

/* Each frame is full of its number in the file. */
static const char *image(void)
{
	static uint8_t bytes[FRAMES * FRAME];

	for (unsigned i = 0; i < FRAMES; i++)
		memset(bytes + i * FRAME, (int)i + 1, FRAME);
	return core_file_store(bytes, sizeof(bytes));
}

/* What a frame is full of; 0 it is no RAM, -1 it cannot be read. */
static int frame_at(struct machine *m, gpa_t gpa)
{
	uint8_t bytes[FRAME];
	struct err err;

	if (!machine_read(m, gpa, bytes, FRAME, &err))
		return err.code == ERR_NOT_RAM ? 0 : -1;
	for (unsigned i = 1; i < FRAME; i++)
		assert_int_equal(bytes[i], bytes[0]);
	return bytes[0];
}

static void no_map(void **state)
{
	struct machine *m = raw_open(image(), NULL, NULL);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->source, "raw");
	assert_int_equal(m->vcpus, 0);
	assert_true(m->frozen);
	assert_int_equal(machine_memory(m), FRAMES * FRAME);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(frame_at(m, i * FRAME), i + 1);
	machine_close(m);
	core_file_clean();
}

static void maps(void **state)
{
	static const struct {
		const char *map;
		struct { gpa_t gpa; int frame; } want[5];
	} cases[] = {
		{ "0x0-0x3fff", { { 0, 1 }, { 0x3000, 4 }, { 0x4000, 0 } } },
		{ "0-16383", { { 0, 1 }, { 0x3000, 4 }, { 0x4000, 0 } } },
		/* Without an offset, where the last one ended. */
		{ "0x0-0x3fff,0x100000000-0x100003fff",
		  { { 0x3000, 4 }, { 0x100000000, 5 }, { 0x100003000, 8 }, { 0x4000, 0 } } },
		{ "0x0-0x3fff@0x8000,0x100000-0x101fff",
		  { { 0, 9 }, { 0x3000, 12 }, { 0x100000, 13 }, { 0x101000, 14 } } },
		{ "0x100000-0x100fff@0x0, 0x0-0xfff@0xf000\n", { { 0x100000, 1 }, { 0, 16 } } },
		/* The file ends within. */
		{ "0x0-0x3fff@0xe000",
		  { { 0, 15 }, { 0x1000, 16 }, { 0x2000, -1 }, { 0x4000, 0 } } },
		{ "0x0-0xfff@0x100000", { { 0, -1 } } },
		/* Half a frame. */
		{ "0x0-0x17ff", { { 0, 1 }, { 0x1000, -1 }, { 0x2000, 0 } } },
	};
	const char *path = image();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		struct machine *m = raw_open(path, cases[i].map, &err);

		if (!m)
			fail_msg("%s: %s", cases[i].map, err.message);
		for (unsigned w = 0; w < 5 && (!w || cases[i].want[w].gpa); w++)
			if (frame_at(m, cases[i].want[w].gpa) != cases[i].want[w].frame)
				fail_msg("%s: 0x%llx", cases[i].map,
					 (unsigned long long)cases[i].want[w].gpa);
		machine_close(m);
	}
	core_file_clean();
}

static void map_in_a_file(void **state)
{
	static const char text[] =
		"# where RAM is\n0x1000-0x1fff  # one\n\n0x8000-0x8fff@0x5000,\n";
	const char *path = image(), *map = core_file_store(text, sizeof(text) - 1);
	struct machine *m = raw_open(path, map, NULL);

	(void)state;
	assert_non_null(m);
	assert_int_equal(frame_at(m, 0x1000), 1);
	assert_int_equal(frame_at(m, 0x8000), 6);
	assert_int_equal(frame_at(m, 0), 0);
	machine_close(m);
	core_file_clean();
}

static void bad_maps(void **state)
{
	static const struct {
		const char *map, *says;
	} cases[] = {
		{ "0", "FIRST-LAST" }, { "0x0-", "LAST" }, { "0x2000-0x1fff", "below" },
		{ "0x0-0xfff@", "OFFSET" }, { "0x0-0xfff@-1", "OFFSET" },
		{ "0x0-0xfffz", "behind" },
		{ "0x0-0xfff;0x2000-0x2fff", "behind" }, { "0x0-0xffffffffffffffff", "too large" },
		{ "0x0-0x1ffffffffffffffff", "LAST" }, { "0x0-0xfff,bogus", "bogus" },
		{ "0x0-0xfff@0x7fffffffffffffff", "too large" },
		{ "0x10000000000000-0x10000000000fff", "no machine" },
		{ "/nowhere", "No such file" },
		{ "/", "directory" },
	};
	const char *path = image();
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(raw_open(path, cases[i].map, &err));
		if (!strstr(err.message, cases[i].says))
			fail_msg("'%s': '%s'", cases[i].map, err.message);
	}
	assert_null(raw_open(path, core_file_store("# nothing\n", 10), &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(raw_open(path, core_file_store("0x0-0xfff\0", 10), &err));
	assert_null(raw_open("/nowhere", NULL, &err));
	core_file_clean();
}

/* By the words of the command line. */
static void targets(void **state)
{
	struct target_options any = { .kernel_optional = true }, mapped = any;
	const char *path = image();
	char uri[160];
	struct target target;
	struct err err;

	(void)state;
	mapped.memory_map = "0x1000-0x1fff";
	snprintf(uri, sizeof(uri), "raw:%s", path);
	assert_true(target_open(&target, uri, &any, &err));
	assert_null(target.kernel);
	assert_true(target.no_kernel.message[0]);
	assert_int_equal(machine_memory(target.machine), FRAMES * FRAME);
	target_close(&target);
	assert_false(target_open(&target, uri, NULL, &err));
	assert_non_null(strstr(err.message, uri));
	assert_true(target_open(&target, uri, &mapped, &err));
	assert_int_equal(machine_memory(target.machine), FRAME);
	target_close(&target);
	snprintf(uri, sizeof(uri), "raw:%s?map=0x0-0x1fff,0x8000-0x8fff", path);
	assert_true(target_open(&target, uri, &any, &err));
	assert_int_equal(machine_memory(target.machine), 3 * FRAME);
	target_close(&target);

	snprintf(uri, sizeof(uri), "core:%s", path);
	assert_false(target_open(&target, uri, &any, &err));
	assert_non_null(strstr(err.message, "raw:FILE"));
	assert_false(target_open(&target, uri, &mapped, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_false(target_open(&target, "raw:", &any, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_false(target_open(&target, "core:", &any, &err));
	assert_int_equal(err.code, ERR_USAGE);
	core_file_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_map),
		cmocka_unit_test(maps),
		cmocka_unit_test(map_in_a_file),
		cmocka_unit_test(bad_maps),
		cmocka_unit_test(targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_core_elf.c - ELF cores: memory however it lies, registers, what is cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "vmm/core/core.h"

enum { FRAME = PT_FRAME_SIZE };

/* Each 8 bytes of memory say where they are. */
static uint8_t *pattern(gpa_t gpa, uint64_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (uint64_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((gpa + i) / 8 * 0x9e3779b97f4a7c15u >> 8 * ((gpa + i) % 8));
	return bytes;
}

static void load(struct core_file *f, gpa_t gpa, uint64_t in_file, uint64_t size)
{
	uint8_t *bytes = pattern(gpa, in_file ? in_file : 1);

	core_file_load(f, gpa, bytes, in_file, size);
	free(bytes);
}

static struct machine *open_file(const struct core_file *f)
{
	struct err err = { 0 };
	struct machine *m = core_open(core_file_write(f), &err);

	if (!m)
		fail_msg("core_open: %s", err.message);
	return m;
}

static void expect_pattern(struct machine *m, gpa_t gpa, uint64_t size)
{
	uint8_t *want = pattern(gpa, size), *got = malloc(size);
	struct err err = { 0 };

	assert_non_null(got);
	if (!machine_read(m, gpa, got, size, &err))
		fail_msg("0x%llx: %s", (unsigned long long)gpa, err.message);
	assert_memory_equal(got, want, size);
	free(got);
	free(want);
}

static void expect_zeros(struct machine *m, gpa_t gpa, uint64_t size)
{
	uint8_t *got = malloc(size);

	assert_non_null(got);
	assert_true(machine_read(m, gpa, got, size, NULL));
	for (uint64_t i = 0; i < size; i++)
		assert_int_equal(got[i], 0);
	free(got);
}

static void expect_error(struct machine *m, gpa_t gpa, enum err_code code)
{
	struct err err = { 0 };
	uint8_t byte;

	assert_false(machine_read(m, gpa, &byte, 1, &err));
	assert_int_equal(err.code, code);
	assert_true(err.message[0]);
}

/* Three segments, the usual guest; at every place in the file that can be. */
static void memory_wherever_it_lies(void **state)
{
	static const struct {
		size_t align, skew;
		bool in_place;
	} cases[] = {
		{ 4096, 0, true }, { 8, 0, true }, { 64, 8, true }, { 8, 4, false },
		{ 8, 1, false }, { 4096, 4095, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct core_file *f = core_file_new();
		struct machine *m;

		f->align = cases[i].align;
		f->skew = cases[i].skew;
		load(f, 0, 0xa0000, 0xa0000);
		load(f, 0xc0000, 0x40000, 0x40000);
		load(f, 0x100000000, 0x21000, 0x21000);
		m = open_file(f);
		assert_string_equal(m->source, "core");
		assert_true(m->frozen);
		assert_int_equal(m->region_count, 3);
		assert_int_equal(machine_memory(m), 0xa0000 + 0x40000 + 0x21000);
		assert_int_equal(machine_unreadable(m), 0);
		for (size_t r = 0; r < 3; r++)
			assert_int_equal(m->regions[r].host != NULL, cases[i].in_place);
		expect_pattern(m, 0, 0xa0000);
		expect_pattern(m, 0xc0000, 0x40000);
		expect_pattern(m, 0x100000000, 0x21000);
		expect_error(m, 0xa0000, ERR_NOT_RAM);
		expect_error(m, 0x100021000, ERR_NOT_RAM);
		machine_close(m);
		core_file_free(f);
	}
	core_file_clean();
}

/* More frames in view at once than the cache has room for, then again. */
static void many_views_at_once(void **state)
{
	enum { FRAMES = 3000 };
	struct core_file *f = core_file_new();
	static const void *view[FRAMES];
	struct machine *m;

	(void)state;
	f->skew = 4;
	load(f, 0, (uint64_t)FRAMES * FRAME, (uint64_t)FRAMES * FRAME);
	m = open_file(f);
	for (unsigned round = 0; round < 2; round++) {
		for (gpa_t i = 0; i < FRAMES; i++) {
			view[i] = machine_view(m, i * FRAME, NULL);
			assert_non_null(view[i]);
		}
		for (gpa_t i = 0; i < FRAMES; i++) {
			uint8_t *want = pattern(i * FRAME, FRAME);

			assert_memory_equal(view[i], want, FRAME);
			free(want);
			assert_true(machine_unview(m, i * FRAME, view[i]));
		}
	}
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

static void segments_in_any_order(void **state)
{
	struct core_file *f = core_file_new();
	struct machine *m;

	(void)state;
	load(f, 0x40000, 0x10000, 0x10000);
	load(f, 0, 0x10000, 0x10000);
	load(f, 0x8000, 0x10000, 0x10000);	/* overlaps the one before */
	load(f, 0x9000, 0x1000, 0x1000);	/* lies within it */
	load(f, 0x30000, 0x8000, 0x10000);	/* half of it zeros */
	load(f, 0x20000, 0, 0x3000);		/* all zeros */
	load(f, 0x60000, 0, 0);			/* nothing */
	m = open_file(f);
	expect_pattern(m, 0, 0x18000);
	expect_zeros(m, 0x20000, 0x3000);
	expect_pattern(m, 0x30000, 0x8000);
	expect_zeros(m, 0x38000, 0x8000);
	expect_pattern(m, 0x40000, 0x10000);
	expect_error(m, 0x18000, ERR_NOT_RAM);
	expect_error(m, 0x60000, ERR_NOT_RAM);
	assert_int_equal(machine_memory(m), 0x18000 + 0x3000 + 0x20000);
	for (size_t i = 1; i < m->region_count; i++)
		assert_true(m->regions[i].first > m->regions[i - 1].last);
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

/* Segments that end within frames: two halves make a frame, one half does not. */
static void frames_in_parts(void **state)
{
	struct core_file *f = core_file_new();
	struct machine *m;

	(void)state;
	load(f, 0x1000, 0x1800, 0x1800);
	load(f, 0x2800, 0x100, 0x100);
	load(f, 0x2900, 0x2700, 0x2700);	/* 0x2000 is whole: of three parts */
	load(f, 0x8400, 0x2400, 0x2400);	/* 0x8000 and 0xa000 are not */
	load(f, 0x10010, 0x20, 0x20);		/* a bit of one frame */
	load(f, 0x20c00, 0x200, 0x400);		/* the frame's end is zeros, its start missing */
	m = open_file(f);
	expect_pattern(m, 0x1000, 0x4000);
	expect_error(m, 0x5000, ERR_NOT_RAM);
	expect_error(m, 0x8400, ERR_UNREADABLE);
	expect_pattern(m, 0x9000, 0x1000);
	expect_error(m, 0xa000, ERR_UNREADABLE);
	expect_error(m, 0x10010, ERR_UNREADABLE);
	expect_error(m, 0x20c00, ERR_UNREADABLE);
	for (size_t i = 0; i < m->region_count; i++) {
		assert_int_equal(m->regions[i].first % FRAME, 0);
		assert_int_equal(m->regions[i].last % FRAME, FRAME - 1);
	}
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

/* More program headers than the header's field can count. */
static void many_segments(void **state)
{
	enum { SEGMENTS = 66000 };
	struct core_file *f = core_file_new();
	struct machine *m;

	(void)state;
	f->xnum = true;
	for (gpa_t i = 0; i < SEGMENTS; i++)
		core_file_claim(f, i * 2 * FRAME, 0, 0, FRAME);
	load(f, (gpa_t)SEGMENTS * 2 * FRAME, FRAME, FRAME);
	m = open_file(f);
	assert_int_equal(machine_memory(m), (SEGMENTS + 1) * (uint64_t)FRAME);
	expect_zeros(m, (SEGMENTS - 1) * (gpa_t)2 * FRAME, FRAME);
	expect_pattern(m, (gpa_t)SEGMENTS * 2 * FRAME, FRAME);
	expect_error(m, FRAME, ERR_NOT_RAM);
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

/* Cut anywhere: what is left reads as it was, the rest is unreadable, or it is no dump. */
static void cut_anywhere(void **state)
{
	struct core_file *f = core_file_new();
	uint8_t *bytes;
	unsigned opened = 0, refused = 0;
	size_t size, memory = 0;

	(void)state;
	load(f, 0, 0x10000, 0x10000);
	load(f, 0x100000, 0x10000, 0x14000);
	core_file_vcpu(f, &(struct x86_regs){ .cr3 = 0x1000 });
	bytes = core_file_bytes(f, &size);
	memory = size - 0x20000;
	for (size_t cut = size; cut; cut -= cut > 0x1000 ? 0xe55 : 1) {
		struct err err = { 0 };
		struct machine *m = core_open(core_file_store(bytes, cut), &err);
		uint64_t left = cut > memory ? cut - memory : 0, unreadable = 0;

		core_file_clean();
		if (!m) {
			assert_int_equal(err.code, ERR_TARGET);
			assert_true(cut < memory);
			refused++;
			continue;
		}
		opened++;
		for (gpa_t gpa = 0; gpa < 0x110000; gpa += gpa == 0xf000 ? 0xf1000 : FRAME) {
			uint64_t at = gpa < 0x10000 ? gpa : gpa - 0x100000 + 0x10000;

			if (at + FRAME <= left)
				expect_pattern(m, gpa, FRAME);
			else
				expect_error(m, gpa, ERR_UNREADABLE);
			unreadable += at + FRAME > left;
		}
		expect_zeros(m, 0x110000, 0x4000);
		assert_in_range(machine_unreadable(m), unreadable, unreadable + 1);
		assert_int_equal(machine_memory(m), 0x24000);
		machine_close(m);
	}
	assert_true(opened > 30 && refused > 200);
	free(bytes);
	core_file_free(f);
}

/* Headers that lie. None may crash, loop or claim memory that the file cannot have. */
static void lying_headers(void **state)
{
	static const struct {
		gpa_t gpa;
		uint64_t offset, in_file, size;
		bool opens;
	} cases[] = {
		{ 0, 0, FRAME, FRAME, true },			/* the header itself */
		{ 0, UINT64_MAX - 10, FRAME, FRAME, true },	/* the offset wraps */
		{ 0, 1ull << 40, 1ull << 40, 1ull << 40, true },
		{ 0, 0, UINT64_MAX, FRAME, true },		/* more in the file than there is */
		{ 0, 0, FRAME, UINT64_MAX, false },
		{ UINT64_MAX - 0xfff, 0, FRAME, FRAME, false },
		{ 1ull << 52, 0, FRAME, FRAME, false },
		{ (1ull << 52) - FRAME, 0, FRAME, FRAME, true },
		{ (1ull << 52) - FRAME, 0, FRAME, FRAME + 1, false },
		{ 0x123, 7, 3, 5, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct core_file *f = core_file_new();
		struct err err = { 0 };
		struct machine *m;

		core_file_claim(f, cases[i].gpa, cases[i].offset, cases[i].in_file,
				cases[i].size);
		load(f, 0x200000, FRAME, FRAME);
		m = core_open(core_file_write(f), &err);
		if (!!m != cases[i].opens)
			fail_msg("case %zu: %s", i, m ? "opens" : err.message);
		for (size_t r = 0; m && r < m->region_count; r++) {
			uint8_t byte;

			machine_read(m, m->regions[r].first, &byte, 1, &err);
			machine_read(m, m->regions[r].last, &byte, 1, &err);
		}
		if (m)
			machine_close(m);
		core_file_free(f);
	}
	core_file_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_wherever_it_lies),
		cmocka_unit_test(many_views_at_once),
		cmocka_unit_test(segments_in_any_order),
		cmocka_unit_test(frames_in_parts),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(lying_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

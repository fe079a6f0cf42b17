/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_core_guest.c - a guest's census from its dump equals that from its memory,
 * and a dump that is cut, before or meanwhile, makes rows unreadable, not wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "tests/lib/synth_guest.h"
#include "vmm/core/core.h"
#include "walker/owner/owner.h"

enum { MMS = 12 };

struct stage {
	struct synth_guest *guest;
	struct census *truth;
	uint8_t *bytes;
	size_t size;
};

static void stage_open(struct stage *s, const struct synth_options *options, size_t skew)
{
	struct core_file *f;
	struct err err = { 0 };
	gva_t mms[MMS];

	s->guest = synth_new(options);
	synth_populate(s->guest, MMS, mms);
	s->truth = census_take(synth_kernel(s->guest), NULL, &err);
	if (!s->truth)
		fail_msg("census: %s", err.message);
	f = core_file_of(synth_machine(s->guest));
	f->skew = skew;
	s->bytes = core_file_bytes(f, &s->size);
	core_file_free(f);
}

static void stage_close(struct stage *s)
{
	free(s->bytes);
	census_free(s->truth);
	synth_free(s->guest);
}

static void same_rows(const struct census *a, const struct census *b)
{
	assert_int_equal(census_tables(a), census_tables(b));
	for (size_t i = 0; i < census_tables(a); i++) {
		struct census_row x, y;

		census_row(a, i, &x);
		census_row(b, i, &y);
		assert_int_equal(x.pfn, y.pfn);
		assert_int_equal(x.level, y.level);
		assert_int_equal(x.verdict, y.verdict);
		assert_int_equal(x.va, y.va);
		assert_int_equal(x.owner, y.owner);
		assert_memory_equal(x.entries, y.entries, sizeof(x.entries));
	}
}

static void dump_equals_memory(void **state)
{
	static const struct synth_options guests[] = {
		{ .levels = 4 }, { .levels = 5, .pti = true },
		{ .levels = 4, .hole_first = 0xe00, .hole_end = 0xf00 },
	};
	static const size_t skews[] = { 0, 4 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct err err = { 0 };
		struct kernel *kernel;
		struct census *census;
		struct machine *m;
		struct stage s;

		stage_open(&s, &guests[i / 2], skews[i % 2]);
		m = core_open(core_file_store(s.bytes, s.size), &err);
		assert_non_null(m);
		kernel = kernel_open(m, synth_profile(s.guest), &err);
		if (!kernel)
			fail_msg("kernel_open: %s", err.message);
		census = census_take(kernel, NULL, &err);
		assert_non_null(census);
		same_rows(s.truth, census);
		assert_null(census_incomplete(census));
		census_free(census);
		kernel_close(kernel);
		machine_close(m);
		stage_close(&s);
		core_file_clean();
	}
}

/* What each row may be once some of the memory is gone: what it was, or not known. */
static unsigned check_rows(const struct stage *s, const struct census *census, const char *when,
			   size_t cut)
{
	unsigned unreadable = 0;

	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row, was;
		int64_t before;

		census_row(census, i, &row);
		unreadable += row.verdict == VERDICT_UNREADABLE;
		assert_int_equal(row.verdict == VERDICT_UNREADABLE, !row.readable);
		before = census_find(s->truth, row.pfn, row.level);
		/* Below a table that is gone nothing is reached; it stays typed. */
		if (!row.readable || row.verdict == VERDICT_ORPHAN)
			continue;
		if (before < 0)
			fail_msg("%s at %zu: frame 0x%llx is a table at level %u", when, cut,
				 (unsigned long long)row.pfn, row.level);
		census_row(s->truth, (size_t)before, &was);
		assert_memory_equal(row.entries, was.entries, sizeof(row.entries));
		/* Without its struct page, a table's record is not known. */
		if (row.verdict != was.verdict && row.page)
			fail_msg("%s at %zu: frame 0x%llx is %s, was %s", when, cut,
				 (unsigned long long)row.pfn, verdict_name(row.verdict),
				 verdict_name(was.verdict));
	}
	return unreadable;
}

static void dump_cut_before(void **state)
{
	unsigned censuses = 0, unreadable = 0;
	struct stage s;

	(void)state;
	stage_open(&s, NULL, 0);
	for (size_t cut = 4096; cut < s.size; cut += 61 * 4096 + 8) {
		struct err err = { 0 };
		struct machine *m = core_open(core_file_store(s.bytes, cut), &err);
		struct kernel *kernel = NULL;
		struct census *census = NULL;

		assert_non_null(m);
		kernel = kernel_open(m, synth_profile(s.guest), &err);
		if (kernel)
			census = census_take(kernel, NULL, &err);
		assert_true(census || err.message[0]);
		if (census) {
			censuses++;
			unreadable += check_rows(&s, census, "cut", cut);
			census_free(census);
		}
		if (kernel)
			kernel_close(kernel);
		machine_close(m);
		core_file_clean();
	}
	assert_true(censuses > 5);
	assert_true(unreadable > 0);
	stage_close(&s);
}

/* Cut by a child at any moment of the census, and shortly before it. */
static void dump_cut_meanwhile(void **state)
{
	unsigned censuses = 0, unreadable = 0;
	struct stage s;

	(void)state;
	stage_open(&s, NULL, 0);
	for (unsigned round = 0; round < 60; round++) {
		const char *path = core_file_store(s.bytes, s.size);
		size_t cut = s.size / 60 * round + 8 * round;
		struct machine *m = core_open(path, NULL);
		struct kernel *kernel;
		struct census *census;
		struct err err = { 0 };
		pid_t child;
		int status;

		assert_non_null(m);
		kernel = kernel_open(m, synth_profile(s.guest), &err);
		assert_non_null(kernel);
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			usleep(round % 4 * 500);
			_exit(truncate(path, (off_t)cut) != 0);
		}
		for (unsigned i = 0; i < 4; i++) {
			census = census_take(kernel, NULL, &err);
			if (census) {
				censuses++;
				unreadable += check_rows(&s, census, "cut meanwhile", cut);
				census_free(census);
			} else {
				assert_true(err.message[0]);
			}
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		kernel_close(kernel);
		machine_close(m);
		core_file_clean();
	}
	assert_true(censuses > 20);
	assert_true(unreadable > 20);
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_equals_memory),
		cmocka_unit_test(dump_cut_before),
		cmocka_unit_test(dump_cut_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

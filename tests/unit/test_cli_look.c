/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cli_look.c - how often a guest is paused and looked at, and what a later
 * look takes back. The guest "runs on" when it is resumed: a hook changes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/synth_guest.h"
#include "vmm/look.h"

struct stage {
	struct synth_guest *guest;
	struct target target;
	struct machine_ops ops;
	const struct machine_ops *real;
	gva_t seven, twelve;
	pfn_t wrong;		/* a PTE table of 7 that records 12 at first */
	unsigned pauses, resumes;
	unsigned cured_at;	/* resume after which it is right again; 0: never */
	unsigned fails_at;	/* pause that fails; 0: none */
};

/* Callbacks have no argument of their own. */
static struct stage *stage;

static bool on_pause(struct machine *machine, struct err *err)
{
	(void)machine;
	if (++stage->pauses == stage->fails_at)
		return err_set(err, ERR_SYSTEM, 0, "cannot pause");
	return true;
}

static bool on_resume(struct machine *machine, struct err *err)
{
	(void)machine;
	(void)err;
	if (++stage->resumes == stage->cured_at)
		synth_page_set(stage->guest, stage->wrong, "pt_mm", stage->seven);
	return true;
}

static void stage_open(struct stage *s, bool wrong)
{
	struct synth_guest *g = synth_new(NULL);
	struct machine *machine = synth_machine(g);

	memset(s, 0, sizeof(*s));
	stage = s;
	s->guest = g;
	s->seven = synth_mm(g);
	s->twelve = synth_mm(g);
	synth_task(g, s->seven, 7, "seven");
	synth_task(g, s->twelve, 12, "twelve");
	for (gva_t va = 0x400000; va < 0x2000000; va += 0x200000) {
		synth_map(g, s->seven, va, 0, SYNTH_ANY_FRAME, 0);
		synth_map(g, s->twelve, va, 0, SYNTH_ANY_FRAME, 0);
	}
	s->wrong = synth_table(g, s->seven, 0x400000, 0);
	if (wrong)
		synth_page_set(g, s->wrong, "pt_mm", s->twelve);
	s->target = (struct target){
		.machine = machine,
		.kernel = synth_kernel(g),
	};
	s->real = machine->ops;
	s->ops = *machine->ops;
	s->ops.pause = on_pause;
	s->ops.resume = on_resume;
	machine->ops = &s->ops;
}

static void stage_close(struct stage *s)
{
	s->target.machine->ops = s->real;
	synth_free(s->guest);
}

static void look_at(struct stage *s, struct look *look, bool live)
{
	struct look_options options = { .live = live };
	struct err err = { 0 };

	if (!look_take(look, &s->target, &options, &err))
		fail_msg("look: %s", err.message);
	assert_int_equal(s->pauses, s->resumes);
}

static enum verdict verdict_of(const struct stage *s, const struct look *look)
{
	struct census_row row;
	int64_t index = census_find(look->census, s->wrong, 0);

	assert_true(index >= 0);
	census_row(look->census, (size_t)index, &row);
	return row.verdict;
}

static unsigned errors(const struct look *look)
{
	unsigned n = 0;

	for (size_t i = 0; i < look->findings.count; i++)
		n += look->findings.list[i].severity == SEVERITY_ERROR;
	return n;
}

static void fine_guest_is_paused_once(void **state)
{
	struct stage s;
	struct look look;

	(void)state;
	stage_open(&s, false);
	look_at(&s, &look, false);
	assert_int_equal(s.pauses, 1);
	assert_int_equal(look.looks, 1);
	assert_int_equal(errors(&look), 0);
	assert_int_equal(look.vcpu_count, 2);
	assert_int_equal(verdict_of(&s, &look), VERDICT_MATCH);
	look_free(&look);
	stage_close(&s);
}

static void what_stays_wrong_is_judged(void **state)
{
	struct stage s;
	struct look look;

	(void)state;
	stage_open(&s, true);
	look_at(&s, &look, false);
	assert_int_equal(s.pauses, 4);
	assert_int_equal(look.looks, 4);
	assert_int_equal(verdict_of(&s, &look), VERDICT_MISMATCH);
	assert_int_equal(errors(&look), 1);
	look_free(&look);
	stage_close(&s);
}

static void what_passes_is_in_flight(void **state)
{
	(void)state;
	for (unsigned cured_at = 1; cured_at <= 3; cured_at++) {
		struct stage s;
		struct look look;

		stage_open(&s, true);
		s.cured_at = cured_at;
		look_at(&s, &look, false);
		assert_int_equal(s.pauses, cured_at + 1);
		assert_int_equal(verdict_of(&s, &look), VERDICT_IN_FLIGHT);
		assert_int_equal(look.findings.count, 0);
		look_free(&look);
		stage_close(&s);
	}
}

static void live_never_pauses(void **state)
{
	struct stage s;
	struct look look;

	(void)state;
	stage_open(&s, true);
	look_at(&s, &look, true);
	assert_int_equal(s.pauses, 0);
	assert_int_equal(look.looks, 1);
	assert_int_equal(verdict_of(&s, &look), VERDICT_MISMATCH);
	assert_string_equal(look_report(&look, &s.target, true).consistency.mode, "live");
	look_free(&look);
	stage_close(&s);
}

static void failed_pause_is_an_error(void **state)
{
	(void)state;
	for (unsigned fails_at = 1; fails_at <= 2; fails_at++) {
		struct look_options options = { .live = false };
		struct err err = { 0 };
		struct stage s;
		struct look look;

		stage_open(&s, true);
		s.fails_at = fails_at;
		assert_false(look_take(&look, &s.target, &options, &err));
		assert_string_equal(err.message, "cannot pause");
		assert_int_equal(s.resumes, fails_at - 1);
		stage_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fine_guest_is_paused_once),
		cmocka_unit_test(what_stays_wrong_is_judged),
		cmocka_unit_test(what_passes_is_in_flight),
		cmocka_unit_test(live_never_pauses),
		cmocka_unit_test(failed_pause_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* report_scene.c - the guest that the report tests look at. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/report_scene.h"

void scene_open(struct scene *s, unsigned levels)
{
	const struct synth_options options = { .levels = levels };
	struct err err = { 0 };
	gva_t seven, twelve, thirteen, leader;
	struct synth_guest *g;
	struct machine *m;

	memset(s, 0, sizeof(*s));
	s->guest = g = synth_new(&options);
	seven = s->mm_seven = synth_mm(g);
	twelve = synth_mm(g);
	thirteen = synth_mm(g);
	leader = synth_task(g, seven, 7, "seven");
	synth_thread(g, leader, 8, "seven-io");
	synth_task(g, twelve, 12, "twelve");
	synth_task(g, thirteen, 13, "thir\"teen\\");
	synth_kthread(g, seven, 2, "kthreadd");
	for (gva_t va = 0x400000; va < 0x410000; va += 0x1000)
		synth_map(g, seven, va, 0, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_map(g, seven, 0x7fff00000000, 0, SYNTH_ANY_FRAME, X86_PTE_W | X86_PTE_NX);
	synth_map(g, seven, 0x40000000, 1, 0x600, X86_PTE_W);
	synth_map(g, seven, 0x80000000, 1, 0x800, 0);
	synth_share_pmd(g, seven, twelve, 0x80000000);
	synth_map(g, twelve, 0x400000, 0, SYNTH_ANY_FRAME, 0);
	synth_map(g, thirteen, 0x400000, 0, SYNTH_ANY_FRAME, 0);
	synth_map(g, thirteen, 0x600000, 0, SYNTH_ANY_FRAME, 0);
	synth_map(g, thirteen, 0x800000, 0, SYNTH_ANY_FRAME, 0);
	synth_deposit(g, seven, synth_table(g, seven, 0x40000000, 1));
	synth_page_set(g, synth_table(g, thirteen, 0x400000, 0), "pt_mm", twelve);
	synth_page_set(g, synth_table(g, thirteen, 0x600000, 0), "pt_mm", seven + 8);
	synth_page_set(g, synth_table(g, thirteen, 0x800000, 0), "pt_mm", 0);
	synth_orphan(g, twelve, 0);
	synth_unreadable(g, synth_table(g, twelve, 0x400000, 0));
	synth_load(g, 0, seven, true);

	s->census = census_take(synth_kernel(g), &(struct census_options){ 0 }, &err);
	if (!s->census)
		fail_msg("census: %s", err.message);
	if (!check_run(s->census, synth_kernel(g), &s->findings, &err))
		fail_msg("check: %s", err.message);
	m = synth_machine(g);
	for (unsigned i = 0; i < 2; i++)
		assert_true(m->ops->regs(m, i, &s->vcpus[i], &err));
	s->report = (struct report){
		.kernel = synth_kernel(g),
		.census = s->census,
		.findings = &s->findings,
		.vcpus = s->vcpus,
		.vcpu_count = 2,
		.consistency = { .mode = "paused", .looks = 1, .pause_seconds = 0.0004 },
		.timing = { .open_seconds = 0.001, .census_seconds = 0.0002,
			    .check_seconds = 0.0001 },
	};
	s->seven = (struct task){ .pid = 7, .tgid = 7, .comm = "seven", .mm = seven };
}

void scene_close(struct scene *s)
{
	findings_free(&s->findings);
	census_free(s->census);
	synth_free(s->guest);
}

char *scene_report(const struct report *report, enum report_format format)
{
	struct err err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	if (!report_write(f, report, format, &err))
		fail_msg("report: %s", err.message);
	assert_int_equal(fclose(f), 0);
	return text;
}

void golden_is(const char *name, const char *text)
{
	char path[96], *golden;
	const char *a, *b;
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("PTMM_GOLDEN_WRITE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	golden = calloc(1, 1 << 20);
	assert_non_null(golden);
	size = fread(golden, 1, (1 << 20) - 1, f);
	assert_true(size > 0);
	fclose(f);
	for (a = golden, b = text; *a && *a == *b; )
		a++, b++;
	if (*a || *b) {
		unsigned line = 1;

		for (const char *c = golden; c < a; c++)
			line += *c == '\n';
		fail_msg("%s differs from line %u on: expected '%.60s', got '%.60s'", path, line,
			 a, b);
	}
	free(golden);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_scene.h - one synthetic guest, always the same, for the report tests;
 * and their golden files.
 *
 * PTMM_GOLDEN_WRITE=1 writes tests/golden anew: look at the difference, then commit.
 */
#ifndef PTMM_TEST_REPORT_SCENE_H
#define PTMM_TEST_REPORT_SCENE_H

#include "tests/lib/synth_guest.h"
#include "walker/report/report.h"

struct scene {
	struct synth_guest *guest;
	struct census *census;
	struct findings findings;
	struct x86_regs vcpus[2];
	struct report report;
	struct task seven;
	gva_t mm_seven;
};

/* Sound processes, sharing, a deposit, and one of each fault that a row can show. */
void scene_open(struct scene *, unsigned levels);
void scene_close(struct scene *);

/* The caller frees. */
char *scene_report(const struct report *, enum report_format);

/* Fails the test at the first line that differs from tests/golden/NAME. */
void golden_is(const char *name, const char *text);

#endif

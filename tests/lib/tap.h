/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - how a test program that runs on a live guest says what came out: the
 * lines that tests/run.sh counts. Used by tests/guest.
 *
 * $TAP_PREFIX stands before every name: which machine and guest it was.
 */
#ifndef PTMM_TEST_TAP_H
#define PTMM_TEST_TAP_H

#include <stdbool.h>

/* "ok NAME" or "not ok NAME - reason"; returns ok. */
bool tap(bool ok, const char *name, const char *reason, ...)
	__attribute__((format(printf, 3, 4)));
/* A line of commentary. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What main() returns: 0 if every test was ok and there was one. */
int tap_status(void);

#endif

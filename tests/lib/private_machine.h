/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private_machine.h - a machine's memory as it is now, copied, so that a test
 * may change it: the guest sees nothing of it. Used by tests/guest/scramble.c.
 */
#ifndef PTMM_TEST_PRIVATE_MACHINE_H
#define PTMM_TEST_PRIVATE_MACHINE_H

#include "walker/machine.h"

/* Registers are still asked of `of`, which must be paused and outlive the copy. */
struct machine *private_machine(struct machine *of, struct err *);
bool private_write(struct machine *, gpa_t, const void *bytes, size_t size, struct err *);

#endif

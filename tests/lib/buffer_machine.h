/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * buffer_machine.h - a `struct machine` over plain buffers, for unit tests.
 *
 * A test lays out regions (with holes between them, mapped or to be had only
 * by view), fills frames, marks frames unreadable, sets registers. The machine
 * counts what the library does to it: views not given back, nested pauses.
 * Misuse by the test itself aborts.
 */
#ifndef PTMM_TEST_BUFFER_MACHINE_H
#define PTMM_TEST_BUFFER_MACHINE_H

#include "walker/machine.h"

/* An empty machine with this many vCPUs; free it with machine_close(). */
struct machine *buffer_machine_new(unsigned vcpus);
/* One region of zeroed RAM of `size` bytes, all mapped: the usual guest. */
struct machine *buffer_machine_simple(uint64_t size);
/* Adds a region of zeroed RAM above the ones added so far. */
void buffer_machine_add(struct machine *, gpa_t first, uint64_t size, bool mapped);

/* The bytes at gpa, which the test may change at will; they end with the region. */
void *buffer_machine_at(struct machine *, gpa_t);
void buffer_machine_set(struct machine *, gpa_t, uint64_t value);
uint64_t buffer_machine_get(struct machine *, gpa_t);

void buffer_machine_set_unreadable(struct machine *, pfn_t);
void buffer_machine_clear_unreadable(struct machine *);
void buffer_machine_set_regs(struct machine *, unsigned vcpu, const struct x86_regs *);

/* Views that were taken and not given back. */
long buffer_machine_views(const struct machine *);
/* How deep it is paused, and how often it was. */
long buffer_machine_paused(const struct machine *);
long buffer_machine_pauses(const struct machine *);
/* How many machine checks were raised; the last one. */
unsigned buffer_machine_mces(const struct machine *, struct machine_mce *last);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* core_internal.h - what core_file.c and core_kdump.c share. */
#ifndef PTMM_TEST_CORE_INTERNAL_H
#define PTMM_TEST_CORE_INTERNAL_H

#include "tests/lib/core_file.h"

struct core_segment {
	gpa_t gpa;
	uint64_t offset, in_file, size;
	uint8_t *bytes;
	bool claim;
};

void core_misuse(const char *what) __attribute__((noreturn));
/* All notes, to be freed. */
uint8_t *core_notes(const struct core_file *, size_t *size);

#endif

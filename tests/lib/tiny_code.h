/* SPDX-License-Identifier: GPL-2.0-only */
/* tiny_code.h - the instructions of the tiny guests; used by tiny_guest.c alone. */
#ifndef PTMM_TEST_TINY_CODE_H
#define PTMM_TEST_TINY_CODE_H

#include "tests/lib/tiny_guest.h"

/* Position-independent code for 64-bit mode, entered at its first byte. */
const void *tiny_code(enum tiny_kind, size_t *size);

#endif

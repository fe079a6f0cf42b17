/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * err.h - how the library says what went wrong.
 *
 * The caller owns the struct; a function that fails returns false or NULL and
 * fills it. "Not mapped" and "malformed" are results of a walk, not errors.
 */
#ifndef PTMM_ERR_H
#define PTMM_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_code {
	ERR_OK,
	ERR_USAGE,	/* the caller asked for what cannot be (exit status 2) */
	ERR_TARGET,	/* the target cannot be opened or read (exit status 3) */
	ERR_NOT_RAM,	/* an address outside guest RAM */
	ERR_UNREADABLE,	/* a frame that is RAM but cannot be read (poison, missing) */
	ERR_MALFORMED,	/* guest data that contradicts itself */
	ERR_MISSING,	/* a symbol, type or member the guest's kernel does not have */
	ERR_NO_MEMORY,
	ERR_SYSTEM,	/* a system call failed */
	ERR_UNSUPPORTED,
};

struct err {
	enum err_code code;
	uint64_t address;	/* where in the guest, if that is known; else 0 */
	char message[240];	/* one line, no newline */
};

/* Fills e (may be NULL) and returns false, for `return err_set(...)`. */
bool err_set(struct err *e, enum err_code code, uint64_t address, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbols.h - a kernel's symbols: names to addresses and back.
 *
 * One of the two parts of a profile. Each source (an ELF symbol table now) adds
 * its symbols one by one and seals the set; after that it is only read.
 */
#ifndef PTMM_SYMBOLS_H
#define PTMM_SYMBOLS_H

#include "walker/profile/profile.h"

/* A name that is defined several times is known by its strongest binding. */
enum symbol_binding { SYMBOL_LOCAL, SYMBOL_WEAK, SYMBOL_GLOBAL };

struct symbols *symbols_new(struct err *);
void symbols_free(struct symbols *);
/* The name is copied. Size 0: not known. */
bool symbols_add(struct symbols *, const char *name, size_t length, gva_t, uint64_t size,
		 enum symbol_binding, struct err *);
bool symbols_seal(struct symbols *, struct err *);
/* Moves every symbol at `first` or above by `by`, which may be "negative". */
void symbols_move(struct symbols *, gva_t first, uint64_t by);
size_t symbols_count(const struct symbols *);

/* ERR_MISSING: no such symbol, or several of equal binding at different addresses. */
bool symbols_find(const struct symbols *, const char *name, gva_t *, struct err *);
const char *symbols_at(const struct symbols *, gva_t, uint64_t *offset);

#endif

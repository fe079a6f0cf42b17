/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth_layout.h - the structs of the synthetic guest: where their members lie,
 * and the BTF and ELF image that say so. Used by synth_guest.c only.
 */
#ifndef PTMM_TEST_SYNTH_LAYOUT_H
#define PTMM_TEST_SYNTH_LAYOUT_H

#include "tests/lib/synth_guest.h"

struct synth_symbol {
	const char *name;
	gva_t at;
	uint64_t size;
};

/* Aborts where there is no such type or member. */
void synth_layout_find(const struct synth_options *, const char *type, const char *path,
		       uint32_t *offset, uint32_t *size);
bool synth_layout_has(const struct synth_options *, const char *type, const char *path);
uint32_t synth_layout_sizeof(const char *type);

struct btf;
struct btf *synth_layout_btf(const struct synth_options *);

/* An ELF64 image with these symbols (until one without a name) and .BTF; to be freed. */
void *synth_layout_image(const struct synth_options *, const struct synth_symbol *, size_t *size);

#endif

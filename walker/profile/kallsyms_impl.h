/* SPDX-License-Identifier: GPL-2.0-only */
/* kallsyms_impl.h - what the files that read kallsyms share; nobody else includes it. */
#ifndef PTMM_PROFILE_KALLSYMS_IMPL_H
#define PTMM_PROFILE_KALLSYMS_IMPL_H

#include <string.h>

#include "walker/profile/kallsyms.h"

enum {
	KALLSYMS_TOKENS = 256,
	KALLSYMS_INDEX_SIZE = KALLSYMS_TOKENS * 2,
	KALLSYMS_TOKEN_MAX = 256,	/* a token's length is below this */
	KALLSYMS_BLOCK = 256,		/* symbols per marker */
	KALLSYMS_ALIGN = 4,
	KALLSYMS_NAME_MAX = 1024,	/* KSYM_NAME_LEN is 512 */
	KALLSYMS_COUNT_MAX = 2 << 20,
	KALLSYMS_TEXT_MAX = 128 << 20,	/* all names together; 8 MiB are usual */
	KALLSYMS_STEXT_MAX = 16 << 20,	/* _stext is no further from the image's start */
};

static inline size_t kallsyms_align(size_t at)
{
	return (at + KALLSYMS_ALIGN - 1) & ~(size_t)(KALLSYMS_ALIGN - 1);
}

/* Callers bound `at`; outside, 0 is read. */
static inline uint32_t kallsyms_u32(const struct kallsyms_bytes *b, size_t at)
{
	uint32_t value = 0;

	if (at <= b->size && b->size - at >= sizeof(value))
		memcpy(&value, b->bytes + at, sizeof(value));
	return value;
}

static inline uint32_t kallsyms_u16(const struct kallsyms_bytes *b, size_t at)
{
	uint16_t value = 0;

	if (at <= b->size && b->size - at >= sizeof(value))
		memcpy(&value, b->bytes + at, sizeof(value));
	return value;
}

static inline uint64_t kallsyms_u64(const struct kallsyms_bytes *b, size_t at)
{
	return kallsyms_u32(b, at) | (uint64_t)kallsyms_u32(b, at + 4) << 32;
}

/* Does token_index point to the strings of token_table? Sets its size. */
bool kallsyms_tokens_agree(const struct kallsyms_bytes *, struct kallsyms_place *);

/*
 * Do the names' lengths lead from marker to marker, and end at most 7 bytes
 * before the markers? Sets names_size. Every name looked at costs the budget one.
 */
bool kallsyms_names_agree(const struct kallsyms_bytes *, struct kallsyms_place *,
			  uint64_t *budget);

/* Tries the places and forms in which kernels have had them. */
bool kallsyms_find_offsets(struct kallsyms_place *, const struct kallsyms_bytes *, struct err *);
/*
 * Are the addresses in order, most of them in the image, and _stext near its
 * start? Zeroes would be in order, too.
 */
bool kallsyms_offsets_agree(const struct kallsyms_bytes *, const struct kallsyms_place *);
uint64_t kallsyms_address(const struct kallsyms_place *, gva_t base, uint32_t index,
			  uint32_t offset);

#endif

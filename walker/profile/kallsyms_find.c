// SPDX-License-Identifier: GPL-2.0-only
/*
 * kallsyms_find.c - finding the tables by their shape.
 *
 * Kernels before 6.0 tell nobody where kallsyms is. The compressor leaves the
 * token of every character that names use as that character, so the token table
 * holds the ten digits in a row; its index confirms it. Markers stand before
 * it, the names and their count before these: each table is checked by the next.
 */
#include <inttypes.h>
#include <string.h>

#include "walker/profile/kallsyms_impl.h"

enum {
	BEFORE_TOKENS_MAX = 4 << 20,	/* seqs_of_names: 3 bytes a symbol */
	FIRST_MARKERS = 4,		/* so many must look right before more is tried */
	BLOCK_MAX = KALLSYMS_BLOCK * 512,	/* names of one block */
	CANDIDATES_MAX = 64,
	SEARCH_BUDGET = 1 << 26,	/* names looked at in all */
};

static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

/* The end of the token table whose token '0' is at `zero`, 0 if it is none. */
static size_t tokens_end(const struct kallsyms_bytes *b, size_t zero)
{
	size_t at = zero;

	for (unsigned i = '0'; i < KALLSYMS_TOKENS; i++) {
		size_t room = b->size - at;
		size_t length = strnlen((const char *)b->bytes + at,
					room < KALLSYMS_TOKEN_MAX ? room : KALLSYMS_TOKEN_MAX);

		if (length == room || length == KALLSYMS_TOKEN_MAX)
			return 0;
		at += length + 1;
	}
	return at;
}

/* The index behind the table says how far before `zero` the table starts. */
static bool find_tokens(const struct kallsyms_bytes *b, size_t zero, struct kallsyms_place *place)
{
	size_t end = tokens_end(b, zero), at = end;

	for (unsigned tries = 0; end && tries < 3; tries++) {
		uint32_t before;

		at = kallsyms_align(at + tries * KALLSYMS_ALIGN);
		if (at > b->size || b->size - at < KALLSYMS_INDEX_SIZE)
			return false;
		before = kallsyms_u16(b, at + '0' * sizeof(uint16_t));
		if (before > zero)
			continue;
		place->token_index = at;
		place->token_table = zero - before;
		if (kallsyms_tokens_agree(b, place))
			return true;
	}
	return false;
}

/* Do markers of plausible steps start here? */
static bool looks_like_markers(const struct kallsyms_bytes *b, size_t at)
{
	uint32_t before = 0;

	if (kallsyms_u32(b, at) != 0)
		return false;
	for (unsigned i = 1; i < FIRST_MARKERS; i++) {
		uint32_t marker = kallsyms_u32(b, at + i * 4);

		if (marker <= before || marker - before < 2 * KALLSYMS_BLOCK ||
		    marker - before > BLOCK_MAX)
			return false;
		before = marker;
	}
	return true;
}

/* How many markers there could be; what follows them may go on rising by chance. */
static uint32_t count_markers(const struct kallsyms_bytes *b, size_t at, size_t end)
{
	uint32_t count = 1, before = 0;

	for (at += 4; at + 4 <= end; at += 4) {
		uint32_t marker = kallsyms_u32(b, at);

		if (marker <= before || marker - before > BLOCK_MAX)
			break;
		before = marker;
		count++;
	}
	return count;
}

/*
 * The names end where the markers start, and num_syms stands before the names.
 * So a place for the names is tried if what stands before it counts as many
 * symbols as there are markers for.
 */
static bool names_before(const struct kallsyms_bytes *b, struct kallsyms_place *place,
			 uint32_t markers, uint64_t *budget)
{
	for (uint32_t have = markers; have + 1 >= markers && have >= FIRST_MARKERS; have--) {
		uint32_t last = kallsyms_u32(b, place->markers + (have - 1) * 4);
		size_t high = place->markers - (last < place->markers ? last : place->markers);
		size_t low = high > BLOCK_MAX ? high - BLOCK_MAX : 0;

		for (size_t at = high & ~(size_t)(KALLSYMS_ALIGN - 1);
		     at >= low && at >= 8; at -= KALLSYMS_ALIGN) {
			for (size_t back = 4; back <= 8; back += 4) {
				uint32_t count = kallsyms_u32(b, at - back);

				if (count / KALLSYMS_BLOCK + !!(count % KALLSYMS_BLOCK) != have)
					continue;
				place->count = count;
				place->names = at;
				if (kallsyms_names_agree(b, place, budget))
					return true;
			}
		}
	}
	return false;
}

static bool before_tokens(const struct kallsyms_bytes *b, struct kallsyms_place *place,
			  uint64_t *budget, struct err *err)
{
	size_t start = place->token_table & ~(size_t)(KALLSYMS_ALIGN - 1);
	size_t low = start > BEFORE_TOKENS_MAX ? start - BEFORE_TOKENS_MAX : 8;
	unsigned candidates = 0;

	for (size_t at = start; at >= low + 4 * FIRST_MARKERS; at -= 4) {
		place->markers = at - 4 * FIRST_MARKERS;
		if (!looks_like_markers(b, place->markers))
			continue;
		if (names_before(b, place, count_markers(b, place->markers, start), budget))
			return true;
		if (++candidates == CANDIDATES_MAX)
			break;
	}
	return err_set(err, ERR_MALFORMED, b->base + place->token_table,
		       "kallsyms is broken: there are tokens at 0x%" PRIx64
		       ", but no names that fit markers before them",
		       b->base + place->token_table);
}

bool kallsyms_find(struct kallsyms_place *place, const struct kallsyms_bytes *b, struct err *err)
{
	const uint8_t *at = b->bytes, *end = b->bytes + b->size;
	struct err broken = { .code = ERR_OK };
	uint64_t budget = SEARCH_BUDGET;

	for (unsigned tries = 0; tries < CANDIDATES_MAX; tries++, at++) {
		at = memmem(at, (size_t)(end - at), digits, sizeof(digits));
		if (!at)
			break;
		*place = (struct kallsyms_place){ .count = 0 };
		if (find_tokens(b, (size_t)(at - b->bytes), place) &&
		    before_tokens(b, place, &budget, &broken) &&
		    kallsyms_find_offsets(place, b, &broken))
			return true;
	}
	if (broken.code)
		return err_set(err, broken.code, broken.address, "%s", broken.message);
	return err_set(err, ERR_MISSING, 0, "no kallsyms in the kernel's image "
		       "(CONFIG_KALLSYMS is off, or it is no Linux)");
}

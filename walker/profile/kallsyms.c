// SPDX-License-Identifier: GPL-2.0-only
/* kallsyms.c - see kallsyms.h: checks the tables against each other, decodes them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "walker/profile/kallsyms_impl.h"

/* In a table that was searched for, as in one that VMCOREINFO names: one pass is enough. */
#define ONE_PASS ((uint64_t)KALLSYMS_COUNT_MAX + 1)

bool kallsyms_tokens_agree(const struct kallsyms_bytes *b, struct kallsyms_place *place)
{
	size_t at = place->token_table;

	if (place->token_index > b->size || b->size - place->token_index < KALLSYMS_INDEX_SIZE)
		return false;
	for (size_t i = 0; i < KALLSYMS_TOKENS; i++) {
		uint32_t index = kallsyms_u16(b, place->token_index + i * 2);
		size_t length;

		if (at >= place->token_index || index != at - place->token_table)
			return false;
		length = strnlen((const char *)b->bytes + at, place->token_index - at);
		if (length >= KALLSYMS_TOKEN_MAX || length == place->token_index - at)
			return false;
		at += length + 1;
	}
	place->token_table_size = at - place->token_table;
	return true;
}

/* Length of the name at `at`, and of the length itself; 0: it is none. */
static size_t name_length(const struct kallsyms_bytes *b, size_t at, size_t end, size_t *head)
{
	size_t length;

	if (at >= end)
		return 0;
	length = b->bytes[at];
	*head = 1;
	if (length & 0x80) {
		if (end - at < 2)
			return 0;
		length = (length & 0x7f) | (size_t)b->bytes[at + 1] << 7;
		*head = 2;
	}
	return length <= end - at - *head ? length : 0;
}

bool kallsyms_names_agree(const struct kallsyms_bytes *b, struct kallsyms_place *place,
			  uint64_t *budget)
{
	size_t at = place->names;

	if (!place->count || place->count > KALLSYMS_COUNT_MAX || place->markers < place->names)
		return false;
	for (uint32_t i = 0; i < place->count; i++) {
		size_t marker = place->markers + i / KALLSYMS_BLOCK * 4;
		size_t head, length;

		if (i % KALLSYMS_BLOCK == 0 && kallsyms_u32(b, marker) != at - place->names)
			return false;
		length = name_length(b, at, place->markers, &head);
		if (!length || !*budget)
			return false;
		--*budget;
		at += head + length;
	}
	place->names_size = at - place->names;
	return place->markers - at < 8;
}

/* Does the name at `at` read so, behind its type? The tokens were checked. */
static bool name_is(const struct kallsyms_bytes *b, const struct kallsyms_place *place, size_t at,
		    size_t length, const char *wanted)
{
	size_t done = 0, total = strlen(wanted) + 1;

	for (size_t i = 0; i < length; i++) {
		size_t index = place->token_index + 2 * (size_t)b->bytes[at + i];
		size_t token = place->token_table + kallsyms_u16(b, index);

		for (; token < b->size && b->bytes[token]; token++, done++)
			if (done && (done >= total || wanted[done - 1] != b->bytes[token]))
				return false;
	}
	return done == total;
}

static bool find_stext(const struct kallsyms_bytes *b, struct kallsyms_place *place)
{
	size_t at = place->names, head;

	for (place->stext = 0; place->stext < place->count; place->stext++) {
		size_t length = name_length(b, at, place->markers, &head);

		if (!length)
			return false;
		if (name_is(b, place, at + head, length, "_stext"))
			return true;
		at += head + length;
	}
	return false;
}

uint64_t kallsyms_address(const struct kallsyms_place *place, gva_t base, uint32_t index,
			  uint32_t offset)
{
	int64_t value = (int32_t)offset;

	switch (place->form) {
	case KALLSYMS_PER_CPU:
		return value >= 0 ? (uint64_t)value : place->relative_base - 1 - (uint64_t)value;
	case KALLSYMS_RELATIVE:
		return place->relative_base + offset;
	case KALLSYMS_OWN_PLACE:
		break;
	}
	return base + place->offsets + 4ull * index + (uint64_t)value;
}

bool kallsyms_offsets_agree(const struct kallsyms_bytes *b, const struct kallsyms_place *place)
{
	uint64_t before = 0, stext;
	uint32_t inside = 0;

	if (place->offsets > b->size || (b->size - place->offsets) / 4 < place->count)
		return false;
	stext = kallsyms_address(place, b->base, place->stext,
				 kallsyms_u32(b, place->offsets + 4ull * place->stext));
	if (stext - b->base > KALLSYMS_STEXT_MAX || stext % PT_FRAME_SIZE)
		return false;
	for (uint32_t i = 0; i < place->count; i++) {
		uint64_t at = kallsyms_address(place, b->base, i,
					       kallsyms_u32(b, place->offsets + 4ull * i));

		if (at < before)
			return false;
		before = at;
		inside += at >= b->base && at - b->base < b->size;
	}
	return inside > place->count / 2;
}

/* The two forms with a base, which lies in the image, and the one without. */
static bool try_forms(struct kallsyms_place *place, const struct kallsyms_bytes *b,
		      const uint64_t *relative_base)
{
	place->relative_base = relative_base ? *relative_base : 0;
	if (relative_base && *relative_base - b->base < b->size) {
		place->form = KALLSYMS_RELATIVE;
		if (kallsyms_offsets_agree(b, place))
			return true;
		place->form = KALLSYMS_PER_CPU;
		if (kallsyms_offsets_agree(b, place))
			return true;
	}
	place->relative_base = 0;
	place->form = KALLSYMS_OWN_PLACE;
	return kallsyms_offsets_agree(b, place);
}

static bool no_stext(const struct kallsyms_bytes *b, const struct kallsyms_place *place,
		     struct err *err)
{
	return err_set(err, ERR_MALFORMED, b->base + place->names,
		       "kallsyms is broken: no symbol is called _stext");
}

bool kallsyms_find_offsets(struct kallsyms_place *place, const struct kallsyms_bytes *b,
			   struct err *err)
{
	size_t after = place->token_index + KALLSYMS_INDEX_SIZE;
	size_t size = 4 * (size_t)place->count;
	uint64_t relative_base;

	if (!find_stext(b, place))
		return no_stext(b, place, err);
	/* Up to 6.3: before num_syms, which is in a word of 8 bytes before the names. */
	for (size_t pad = 0; pad < 8; pad += 4) {
		if (place->names < 16 + pad + size)
			break;
		place->offsets = place->names - 16 - size - pad;
		relative_base = kallsyms_u64(b, place->names - 16);
		if (relative_base - b->base < b->size && try_forms(place, b, &relative_base))
			return true;
	}
	for (size_t pad = 0; pad < 8; pad += 4) {
		place->offsets = kallsyms_align(after) + pad;
		for (size_t behind = 0; behind < 8; behind += 4) {
			relative_base = kallsyms_u64(b, place->offsets + size + behind);
			if (try_forms(place, b, &relative_base))
				return true;
		}
	}
	return err_set(err, ERR_MALFORMED, b->base + place->names,
		       "kallsyms is broken: %" PRIu32 " names at 0x%" PRIx64
		       ", but no addresses in order for them", place->count,
		       b->base + place->names);
}

bool kallsyms_at(struct kallsyms_place *place, const struct kallsyms_bytes *b, uint32_t count,
		 size_t names, size_t token_table, size_t token_index, size_t offsets,
		 const uint64_t *relative_base, struct err *err)
{
	size_t at = names, head = 0;

	*place = (struct kallsyms_place){
		.count = count, .names = names, .token_table = token_table,
		.token_index = token_index, .offsets = offsets,
	};
	if (!count || count > KALLSYMS_COUNT_MAX)
		return err_set(err, ERR_MALFORMED, 0,
			       "kallsyms is broken: it counts %" PRIu32 " symbols", count);
	if (!kallsyms_tokens_agree(b, place))
		return err_set(err, ERR_MALFORMED, b->base + token_table,
			       "kallsyms is broken: its tokens and their index disagree");
	for (uint32_t i = 0; i < count; i++) {
		size_t length = name_length(b, at, b->size, &head);

		if (!length)
			break;
		at += head + length;
	}
	for (size_t pad = 0; pad < 8; pad += 4) {
		uint64_t budget = ONE_PASS;

		place->markers = kallsyms_align(at) + pad;
		if (!kallsyms_names_agree(b, place, &budget))
			continue;
		if (!find_stext(b, place))
			return no_stext(b, place, err);
		if (try_forms(place, b, relative_base))
			return true;
		return err_set(err, ERR_MALFORMED, b->base + offsets,
			       "kallsyms is broken: its addresses are not in order");
	}
	return err_set(err, ERR_MALFORMED, b->base + names,
		       "kallsyms is broken: its names and markers disagree");
}

/* Private copies, read once: a running guest could change its own between two looks. */
struct decoder {
	struct kallsyms_place place;
	struct kallsyms_bytes names, offsets;
	char tokens[KALLSYMS_TOKENS][KALLSYMS_TOKEN_MAX];
	uint16_t token_length[KALLSYMS_TOKENS];
	bool token_sound[KALLSYMS_TOKENS];	/* printable, no blanks */
	gva_t base;
};

static bool copy_part(struct kallsyms_bytes *to, const struct kallsyms_bytes *from, size_t at,
		      size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return false;
	memcpy(copy, from->bytes + at, size);
	*to = (struct kallsyms_bytes){ .bytes = copy, .size = size };
	return true;
}

static void copy_tokens(struct decoder *d, const struct kallsyms_bytes *b)
{
	const uint8_t *at = b->bytes + d->place.token_table;
	const uint8_t *end = at + d->place.token_table_size;

	for (unsigned i = 0; i < KALLSYMS_TOKENS; i++) {
		unsigned length = 0;

		d->token_sound[i] = true;
		while (at < end && length < KALLSYMS_TOKEN_MAX - 1 &&
		       (d->tokens[i][length] = (char)*at++))
			d->token_sound[i] &= isgraph((unsigned char)d->tokens[i][length++]) != 0;
		d->tokens[i][length] = '\0';
		d->token_length[i] = (uint16_t)length;
	}
}

static bool bad_name(const struct decoder *d, uint32_t index, struct err *err)
{
	return err_set(err, ERR_MALFORMED, d->base + d->place.names,
		       "kallsyms is broken: symbol %" PRIu32 " has no sound name", index);
}

/* Upper case: global; w and v in any case: weak (as in nm). */
static enum symbol_binding binding_of(char type)
{
	if (strchr("wWvV", type))
		return SYMBOL_WEAK;
	return isupper((unsigned char)type) || type == 'u' ? SYMBOL_GLOBAL : SYMBOL_LOCAL;
}

/* `name` has room for KALLSYMS_NAME_MAX and one token more. */
static bool decode_name(const struct decoder *d, size_t at, size_t length, char *name,
			size_t *size)
{
	*size = 0;
	for (size_t i = 0; i < length; i++) {
		uint8_t token = d->names.bytes[at + i];
		size_t more = d->token_length[token];

		if (*size + more >= KALLSYMS_NAME_MAX || !d->token_sound[token])
			return false;
		/* Of a fixed size where that will do: nearly all tokens are short. */
		memcpy(name + *size, d->tokens[token], more <= 8 ? 8 : more);
		*size += more;
	}
	return *size >= 2 && (isalpha((unsigned char)name[0]) || name[0] == '?');
}

static bool decode_all(const struct decoder *d, struct symbols *symbols, struct err *err)
{
	size_t at = 0, head = 0, total = 0;

	for (uint32_t i = 0; i < d->place.count; i++) {
		size_t length = name_length(&d->names, at, d->names.size, &head), size;
		uint64_t address = kallsyms_address(&d->place, d->base, i,
						    kallsyms_u32(&d->offsets, 4ull * i));
		char name[KALLSYMS_NAME_MAX + KALLSYMS_TOKEN_MAX];

		if (!length || !decode_name(d, at + head, length, name, &size))
			return bad_name(d, i, err);
		total += size;
		if (total > KALLSYMS_TEXT_MAX)
			return err_set(err, ERR_MALFORMED, d->base + d->place.names,
				       "kallsyms is broken: its names are too long");
		if (!symbols_add(symbols, name + 1, size - 1, address, 0, binding_of(name[0]),
				 err))
			return false;
		at += head + length;
	}
	return symbols_seal(symbols, err);
}

struct symbols *kallsyms_decode(const struct kallsyms_place *place,
				const struct kallsyms_bytes *b, struct err *err)
{
	struct decoder *d = calloc(1, sizeof(*d));
	struct symbols *symbols = symbols_new(err);

	if (!d || !symbols) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for symbols");
		goto out_free;
	}
	d->place = *place;
	d->base = b->base;
	copy_tokens(d, b);
	if (!copy_part(&d->names, b, place->names, place->names_size) ||
	    !copy_part(&d->offsets, b, place->offsets, 4 * (size_t)place->count)) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for symbols");
		goto out_free;
	}
	if (!decode_all(d, symbols, err))
		goto out_free;
	goto out;

out_free:
	symbols_free(symbols);
	symbols = NULL;
out:
	if (d) {
		free((void *)(uintptr_t)d->names.bytes);
		free((void *)(uintptr_t)d->offsets.bytes);
	}
	free(d);
	return symbols;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/kallsyms_encode.h"

enum { TOKENS = 256, TOKEN_SIZE = 16, BLOCK = 256 };

struct encoder {
	const struct encode_form *form;
	const struct encode_symbol *symbols;
	uint32_t count;
	uint8_t *image;
	size_t size, at;
	uint64_t va, relative_base;
	char tokens[TOKENS][TOKEN_SIZE];
	size_t lengths[TOKENS];
	struct encode_place *place;
};

static void put(struct encoder *e, const void *bytes, size_t size)
{
	if (e->at > e->size || size > e->size - e->at) {
		fprintf(stderr, "kallsyms_encode: the image is too small\n");
		abort();
	}
	memcpy(e->image + e->at, bytes, size);
	e->at += size;
}

static void put_u32(struct encoder *e, uint32_t value)
{
	put(e, &value, sizeof(value));
}

/* Every table has a label of its own, which is aligned. */
static size_t label(struct encoder *e)
{
	while (e->at % e->form->align)
		put(e, "", 1);
	return e->at;
}

/* Characters of names stay what they are; all other tokens stand for several. */
static void make_tokens(struct encoder *e)
{
	static const char *const frequent[] = {
		"function_", "tion", "fu", "nc", "__", "init_", "_t", "ti", "st", "er", "on",
	};
	unsigned next = 0;

	for (unsigned i = 0; i < TOKENS; i++) {
		if (i < 128 && (isalnum((int)i) || strchr("_.$", (int)i)) && i) {
			e->tokens[i][0] = (char)i;
		} else if (next < sizeof(frequent) / sizeof(frequent[0])) {
			strcpy(e->tokens[i], frequent[next++]);
		} else {
			snprintf(e->tokens[i], TOKEN_SIZE, "%c%c", (char)('a' + next / 26 % 26),
				 (char)('a' + next % 26));
			next++;
		}
		e->lengths[i] = strlen(e->tokens[i]);
	}
}

static size_t compress(const struct encoder *e, const char *text, uint8_t *out)
{
	size_t size = 0;

	while (*text) {
		unsigned best = (uint8_t)*text;

		for (unsigned i = 0; i < TOKENS; i++)
			if (e->lengths[i] > e->lengths[best] && *text == e->tokens[i][0] &&
			    !strncmp(text, e->tokens[i], e->lengths[i]))
				best = i;
		out[size++] = (uint8_t)best;
		text += e->lengths[best];
	}
	return size;
}

static void put_names(struct encoder *e, uint32_t *markers)
{
	e->place->names = label(e);
	for (uint32_t i = 0; i < e->count; i++) {
		char text[sizeof(e->symbols[i].name) + 1];
		uint8_t packed[sizeof(text)], head[2];
		size_t size;

		if (i % BLOCK == 0)
			markers[i / BLOCK] = (uint32_t)(e->at - e->place->names);
		text[0] = e->symbols[i].type;
		strcpy(text + 1, e->symbols[i].name);
		size = compress(e, text, packed);
		if (size > 127 && !e->form->long_names)
			abort();
		head[0] = (uint8_t)(size > 127 ? (size & 0x7f) | 0x80 : size);
		head[1] = (uint8_t)(size >> 7);
		put(e, head, size > 127 ? 2 : 1);
		put(e, packed, size);
	}
	e->place->names_end = e->at;
}

static void put_seqs(struct encoder *e)
{
	label(e);
	for (uint32_t i = 0; i < e->count; i++) {
		uint32_t seq = (i * 2654435761u) % e->count;
		uint8_t bytes[3] = { (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq };

		put(e, bytes, sizeof(bytes));
	}
}

static void put_tokens(struct encoder *e)
{
	uint16_t index[TOKENS];

	e->place->token_table = label(e);
	for (unsigned i = 0; i < TOKENS; i++) {
		index[i] = (uint16_t)(e->at - e->place->token_table);
		put(e, e->tokens[i], strlen(e->tokens[i]) + 1);
	}
	e->place->token_index = label(e);
	put(e, index, sizeof(index));
}

static uint32_t offset_of(const struct encoder *e, uint64_t at)
{
	if (e->form->own_place)
		return (uint32_t)(at - (e->va + e->at));
	if (!e->form->per_cpu)
		return (uint32_t)(at - e->relative_base);
	return (uint32_t)(at >> 63 ? e->relative_base - 1 - at : at);
}

static void put_offsets(struct encoder *e)
{
	e->place->offsets = label(e);
	for (uint32_t i = 0; i < e->count; i++)
		put_u32(e, offset_of(e, e->symbols[i].at));
	if (e->form->own_place)
		return;
	e->place->relative_base = label(e);
	put(e, &e->relative_base, sizeof(e->relative_base));
}

static void put_num_syms(struct encoder *e)
{
	e->place->num_syms = label(e);
	put_u32(e, e->count);
}

static void put_markers(struct encoder *e, const uint32_t *markers)
{
	e->place->markers = label(e);
	for (uint32_t i = 0; i < (e->count + BLOCK - 1) / BLOCK; i++)
		put_u32(e, markers[i]);
}

void kallsyms_encode(const struct encode_form *form, const struct encode_symbol *symbols,
		     uint32_t count, uint8_t *image, size_t image_size, uint64_t image_va,
		     size_t at, uint64_t relative_base, struct encode_place *place)
{
	struct encoder e = {
		.form = form, .symbols = symbols, .count = count, .image = image,
		.size = image_size, .at = at, .va = image_va, .relative_base = relative_base,
		.place = place,
	};
	uint32_t *markers = calloc(count / BLOCK + 1, sizeof(*markers));

	if (!markers)
		abort();
	make_tokens(&e);
	place->first = label(&e);
	if (form->tables_first)
		put_offsets(&e);
	put_num_syms(&e);
	put_names(&e, markers);
	put_markers(&e, markers);
	if (form->seqs_early)
		put_seqs(&e);
	put_tokens(&e);
	if (!form->tables_first) {
		put_offsets(&e);
		put_seqs(&e);
	}
	place->end = e.at;
	free(markers);
}

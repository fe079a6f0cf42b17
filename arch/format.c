// SPDX-License-Identifier: GPL-2.0-only
/*
 * format.c - what follows from a format's data alone. Freestanding.
 */
#include "arch/arch.h"

static uint64_t low_bits(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

gva_t pt_make_canonical(const struct pt_format *f, gva_t va)
{
	uint64_t mask = low_bits(f->va_bits);

	if (f->va_signed && f->va_bits && (va >> (f->va_bits - 1) & 1))
		return va | ~mask;
	return va & mask;
}

bool pt_canonical(const struct pt_format *f, gva_t va)
{
	return pt_make_canonical(f, va) == va;
}

unsigned pt_index(const struct pt_format *f, unsigned level, gva_t va)
{
	const struct pt_level *l = &f->level[level];

	return (unsigned)(va >> l->shift & low_bits(l->shape.index_bits));
}

uint64_t pt_span(const struct pt_format *f, unsigned level)
{
	return 1ull << f->level[level].shift;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int pt_level_by_name(const struct pt_format *f, const char *name)
{
	for (int level = 0; level < f->levels; level++)
		if (same(f->level[level].name, name))
			return level;
	return -1;
}

const struct pt_root *pt_root_for(const struct pt_space *s, gva_t va, enum pt_mode mode)
{
	if (!pt_canonical(s->decode.format, va))
		return NULL;
	for (unsigned i = 0; i < s->roots; i++) {
		const struct pt_root *r = &s->root[i];

		if ((r->mode & mode) && va >= r->first && va <= r->last)
			return r;
	}
	return NULL;
}

uint64_t pt_load(const struct pt_format *f, struct pt_shape shape, const void *at)
{
	if (shape.entry_lg2 == 2) {
		uint32_t half = *(const volatile uint32_t *)at;

		return f->big_endian ? __builtin_bswap32(half) : half;
	}

	uint64_t word = *(const volatile uint64_t *)at;

	return f->big_endian ? __builtin_bswap64(word) : word;
}

void pt_scan_generic(const struct pt_decode *d, unsigned level, const void *table,
		     struct pt_scan *out)
{
	struct pt_shape shape = d->format->level[level].shape;
	const uint8_t *at = table;

	for (unsigned i = 0; i < PT_KINDS; i++)
		out->count[i] = 0;
	for (unsigned i = 0; i < PT_ENTRIES_MAX / 64; i++)
		out->tables[i] = out->bad[i] = 0;

	for (unsigned i = 0; i < 1u << shape.index_bits; i++, at += 1u << shape.entry_lg2) {
		uint64_t raw = pt_load(d->format, shape, at);
		enum pt_kind kind = d->format->entry_kind(d, level, raw);

		out->count[kind]++;
		out->tables[i / 64] |= (uint64_t)(kind == PT_TABLE) << (i % 64);
		out->bad[i / 64] |= (uint64_t)(kind == PT_BAD) << (i % 64);
	}
}

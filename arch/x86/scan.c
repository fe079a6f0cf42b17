// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan.c - the kinds of all 512 entries of a table in one pass.
 *
 * Page tables come in runs: empty stretches, stretches of plain leaves. So a
 * table is taken in blocks of a cache line, and one OR and one AND over its eight
 * words tell whether all are empty or all are what this level usually holds. Only
 * other blocks are sorted word by word, and that without branches. Each word is
 * loaded once: a running guest may change it between two looks.
 */
#include "arch/x86/x86.h"
#include "arch/x86/scan.h"

enum { ENTRIES = 512, BLOCK = 8 };

/* Four 16-bit counters in a word: kinds 0, 2, 4, 6 in one, 1, 3, 5 in another. */
struct counters {
	uint64_t even, odd;
};

#define ONE_OF(kind) (1ull << (8 * (kind)))

/* Adds a word of eight 8-bit counters, by kind. */
static void count_packed(struct counters *c, uint64_t packed)
{
	c->even += packed & 0x00ff00ff00ff00ffull;
	c->odd += packed >> 8 & 0x00ff00ff00ff00ffull;
}

/*
 * Kinds by three bits that the masks give: P; then, of a present entry, is it a
 * page and are reserved bits set; of an absent one, is it not empty and does the
 * kernel keep a page there.
 */
struct sorter {
	struct x86_masks m;
	struct x86_soft_masks soft;
	uint8_t kind[8];
};

static unsigned sort(const struct sorter *s, uint64_t raw)
{
	uint64_t present = -(raw & X86_PTE_P);	/* all ones or none */
	uint64_t first = raw & ((present & s->m.page) | (~present & s->soft.none));
	uint64_t page = -(uint64_t)(first != 0);
	uint64_t reserved = (page & s->m.reserved_huge) | (~page & s->m.reserved);
	uint64_t second = raw & ((present & reserved) | (~present & s->soft.protnone));

	return s->kind[(present & 1) | (page & 2) | (-(uint64_t)(second != 0) & 4)];
}

bool x86_soft_masks(const struct pt_decode *d, unsigned level, struct x86_soft_masks *m)
{
	*m = (struct x86_soft_masks) { .none = ~0ull, .protnone = 0 };
	if (d->soft == &pt_soft_linux_x86)
		*m = x86_linux_masks(level);
	return !d->soft || d->soft == &pt_soft_linux_x86;
}

void x86_scan_plain(const struct pt_decode *d, unsigned level, const void *table,
		    struct pt_scan *out)
{
	const volatile uint64_t *word = table;
	const unsigned usual_kind = level ? PT_TABLE : PT_LEAF;
	struct counters counters = { 0, 0 };
	struct sorter s = {
		.m = x86_masks(d, level),
		/* P is bit 0 of the index. 4 cannot be: PROT_NONE's bits are no empty entry's. */
		.kind = { PT_NONE, (uint8_t)usual_kind, PT_SWAP, PT_HUGE,
			  PT_NONE, PT_BAD, PT_PROTNONE, PT_BAD },
	};
	uint64_t unusual = s.m.reserved | s.m.page;

	if (!x86_soft_masks(d, level, &s.soft)) {
		pt_scan_generic(d, level, table, out);
		return;
	}
	for (unsigned i = 0; i < PT_ENTRIES_MAX / 64; i++)
		out->tables[i] = out->bad[i] = 0;
	for (unsigned i = 0; i < ENTRIES; i += BLOCK) {
		uint64_t w[BLOCK];
		uint64_t any = 0, all = ~0ull, packed = 0;

		for (unsigned j = 0; j < BLOCK; j++) {
			w[j] = word[i + j];
			any |= w[j];
			all &= w[j];
		}
		if (!(any & s.soft.none)) {
			counters.even += BLOCK * ONE_OF(PT_NONE);
			continue;
		}
		if ((all & X86_PTE_P) && !(any & unusual)) {
			count_packed(&counters, BLOCK * ONE_OF(usual_kind));
			if (level)
				out->tables[i / 64] |= 0xffull << (i % 64);
			continue;
		}
		for (unsigned j = 0; j < BLOCK; j++) {
			unsigned kind = sort(&s, w[j]);

			packed += ONE_OF(kind);
			out->tables[i / 64] |= (uint64_t)(kind == PT_TABLE) << ((i + j) % 64);
			out->bad[i / 64] |= (uint64_t)(kind == PT_BAD) << ((i + j) % 64);
		}
		count_packed(&counters, packed);
	}
	for (unsigned kind = 0; kind < PT_KINDS; kind++) {
		uint64_t four = kind % 2 ? counters.odd : counters.even;

		out->count[kind] = (uint16_t)(four >> (16 * (kind / 2)));
	}
}

void x86_scan(const struct pt_decode *d, unsigned level, const void *table, struct pt_scan *out)
{
#ifdef PTMM_X86_SCAN_AVX2
	if (x86_can_scan_avx2()) {
		x86_scan_avx2(d, level, table, out);
		return;
	}
#endif
	x86_scan_plain(d, level, table, out);
}

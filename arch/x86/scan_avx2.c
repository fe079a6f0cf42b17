// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan_avx2.c - scan.c's twin for hosts with AVX2, eight entries at a time.
 *
 * It makes three bitmaps for 64 entries and gets the kinds out of them:
 *   P  the entry is present
 *   F  present: it is a page by PSE; absent: it is not empty
 *   S  present: reserved bits are set; absent: the kernel keeps a page there
 * The guest's kernel has no vector registers to spare: not in its build.
 */
#include "arch/x86/x86.h"
#include "arch/x86/scan.h"

#ifdef PTMM_X86_SCAN_AVX2

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,popcnt")))

struct bitmaps {
	uint64_t p, f, s;
};

struct vector_masks {
	__m256i present, page, reserved, reserved_huge, none, protnone, unusual;
};

/* The lanes' top bits, as an integer. */
AVX2 static inline unsigned top_bits(__m256i v)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(v));
}

/* By each lane's top bit of `choose`: yes or no. */
AVX2 static inline __m256i pick(__m256i choose, __m256i yes, __m256i no)
{
	return _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(no),
						    _mm256_castsi256_pd(yes),
						    _mm256_castsi256_pd(choose)));
}

AVX2 static inline void sort_four(const struct vector_masks *m, __m256i v, unsigned at,
				  struct bitmaps *b)
{
	__m256i zero = _mm256_setzero_si256();
	__m256i present = _mm256_slli_epi64(v, 63);
	__m256i not_first = _mm256_cmpeq_epi64(
		_mm256_and_si256(v, pick(present, m->page, m->none)), zero);
	__m256i reserved = pick(not_first, m->reserved, m->reserved_huge);
	__m256i not_second = _mm256_cmpeq_epi64(
		_mm256_and_si256(v, pick(present, reserved, m->protnone)), zero);

	b->p |= (uint64_t)top_bits(present) << at;
	b->f |= (uint64_t)(top_bits(not_first) ^ 15) << at;
	b->s |= (uint64_t)(top_bits(not_second) ^ 15) << at;
}

AVX2 static inline struct bitmaps sort_64(const struct vector_masks *m, const uint64_t *word)
{
	struct bitmaps b = { 0, 0, 0 };

	for (unsigned i = 0; i < 64; i += 8) {
		/*
		 * Volatile: each entry is loaded once, as in scan.c. Aligned to entries
		 * only: in a dump, frames lie where its headers end.
		 */
		__m256i low = *(const volatile __m256i_u *)(const void *)(word + i);
		__m256i high = *(const volatile __m256i_u *)(const void *)(word + i + 4);
		__m256i any = _mm256_or_si256(low, high);
		__m256i all = _mm256_and_si256(low, high);

		if (_mm256_testz_si256(any, m->none))
			continue;
		if (_mm256_testc_si256(all, m->present) && _mm256_testz_si256(any, m->unusual)) {
			b.p |= 0xffull << i;
			continue;
		}
		sort_four(m, low, i, &b);
		sort_four(m, high, i + 4, &b);
	}
	return b;
}

AVX2 static inline uint16_t ones(uint64_t bits)
{
	return (uint16_t)_mm_popcnt_u64(bits);
}

bool x86_can_scan_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

AVX2 void x86_scan_avx2(const struct pt_decode *d, unsigned level, const void *table,
			struct pt_scan *out)
{
	const unsigned usual = level ? PT_TABLE : PT_LEAF;
	struct x86_masks masks = x86_masks(d, level);
	struct x86_soft_masks soft;
	struct vector_masks m;

	if (!x86_soft_masks(d, level, &soft)) {
		pt_scan_generic(d, level, table, out);
		return;
	}
	m.present = _mm256_set1_epi64x((long long)X86_PTE_P);
	m.page = _mm256_set1_epi64x((long long)masks.page);
	m.reserved = _mm256_set1_epi64x((long long)masks.reserved);
	m.reserved_huge = _mm256_set1_epi64x((long long)masks.reserved_huge);
	m.none = _mm256_set1_epi64x((long long)soft.none);
	m.protnone = _mm256_set1_epi64x((long long)soft.protnone);
	m.unusual = _mm256_set1_epi64x((long long)(masks.reserved | masks.page));

	for (unsigned i = 0; i < PT_ENTRIES_MAX / 64; i++)
		out->tables[i] = out->bad[i] = 0;
	for (unsigned i = 0; i < PT_KINDS; i++)
		out->count[i] = 0;
	for (unsigned i = 0; i < 512 / 64; i++) {
		struct bitmaps b = sort_64(&m, (const uint64_t *)table + 64 * i);
		uint64_t plain = b.p & ~b.f & ~b.s;

		out->bad[i] = b.p & b.s;
		out->tables[i] = level ? plain : 0;
		out->count[usual] += ones(plain);
		out->count[PT_HUGE] += ones(b.p & b.f & ~b.s);
		out->count[PT_BAD] += ones(b.p & b.s);
		out->count[PT_NONE] += ones(~b.p & ~b.f);
		out->count[PT_SWAP] += ones(~b.p & b.f & ~b.s);
		out->count[PT_PROTNONE] += ones(~b.p & b.f & b.s);
	}
}

#endif

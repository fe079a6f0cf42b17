/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan.h - between format.c, which knows the bits, and scan.c, which sorts a
 * whole table by them at once. Nobody else needs it.
 */
#ifndef PTMM_X86_SCAN_H
#define PTMM_X86_SCAN_H

#include "arch/arch.h"

/* How a present entry of one level is judged: three masks, no branches. */
struct x86_masks {
	uint64_t page;		/* the bit that makes it a huge leaf; 0: none does */
	uint64_t reserved;	/* must be 0 where it is no huge leaf */
	uint64_t reserved_huge;	/* must be 0 where it is one */
};

struct x86_masks x86_masks(const struct pt_decode *, unsigned level);

/*
 * What Linux's rule for absent entries (soft_linux.c) looks at, as masks:
 * empty where no bit of `none` is set, else PROT_NONE where one of `protnone`
 * is, else swap-like.
 */
struct x86_soft_masks {
	uint64_t none;
	uint64_t protnone;
};

struct x86_soft_masks x86_linux_masks(unsigned level);
/* By the decoder's own rules; false where they have no masks. */
bool x86_soft_masks(const struct pt_decode *, unsigned level, struct x86_soft_masks *);

/* pt_format.scan for x86; equal to pt_scan_generic() on every table. */
void x86_scan(const struct pt_decode *, unsigned level, const void *table, struct pt_scan *);

/*
 * What x86_scan() chooses from, for kernels whose rules have masks: Linux's, and
 * none. The guest's kernel and other hosts have the plain one alone.
 */
void x86_scan_plain(const struct pt_decode *, unsigned level, const void *table,
		    struct pt_scan *);
#if __STDC_HOSTED__ && defined(__x86_64__)
#define PTMM_X86_SCAN_AVX2 1
bool x86_can_scan_avx2(void);
void x86_scan_avx2(const struct pt_decode *, unsigned level, const void *table, struct pt_scan *);
#endif

#endif

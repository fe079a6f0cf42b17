// SPDX-License-Identifier: GPL-2.0-only
/*
 * soft_linux.c - what Linux on x86-64 means by entries whose P is clear.
 *
 * Empty: pte_none(), pmd_none(), pud_none() and p4d_none() ignore A and D,
 * since Knights Landing sets them in entries that are not present
 * (_PAGE_KNL_ERRATUM_MASK, since 4.8). pgd_none() of a 5-level PGD does not:
 * nothing but tables hangs there. With 4 levels the PGD is judged by p4d_none().
 *
 * PROT_NONE: bit 8 (_PAGE_PROTNONE) with P clear. A PMD counts as present by
 * PSE alone, too: splitting and migrating a huge page clears P and leaves PSE
 * (pmd_present()). Migration and swap entries keep both bits clear. 1 GiB
 * pages are hugetlb's, whose entries go by the PTE's rule. There are no leaves
 * higher up.
 *
 * L1TF: since 4.19 an entry that is not present has its frame number inverted
 * (__pte_needs_invert()), in PTEs and hugetlb entries over bits 51:12, in a
 * transparent huge PMD over 51:21 only. Bits 20:13 tell the two apart: they are
 * zero in the entry as it was meant.
 */
#include "arch/x86/x86.h"
#include "arch/x86/scan.h"

struct x86_soft_masks x86_linux_masks(unsigned level)
{
	struct x86_soft_masks m = {
		.none = level == 4 ? ~0ull : ~(X86_PTE_A | X86_PTE_D),
		.protnone = 0,
	};

	if (level <= 2)
		m.protnone |= X86_PTE_PROTNONE;
	if (level == 1)
		m.protnone |= X86_PTE_PSE;
	return m;
}

static enum pt_kind linux_absent_kind(unsigned level, uint64_t raw)
{
	struct x86_soft_masks m = x86_linux_masks(level);

	if (!(raw & m.none))
		return PT_NONE;
	return raw & m.protnone ? PT_PROTNONE : PT_SWAP;
}

static uint64_t linux_protnone_raw(unsigned level, uint64_t raw)
{
	uint64_t inverted = X86_PTE_ADDR;

	if (level == 1 && !(raw & 0x1fe000ull))
		inverted &= ~0x1fffffull;
	if (level == 2 && !(raw & 0x3fffe000ull))
		inverted &= ~0x3fffffffull;
	/* Bit 8 said PROT_NONE; in a present entry it would say global. */
	return ((raw ^ inverted) | X86_PTE_P) & ~X86_PTE_PROTNONE;
}

const struct pt_soft pt_soft_linux_x86 = {
	.name = "linux-x86",
	.absent_kind = linux_absent_kind,
	.protnone_raw = linux_protnone_raw,
};

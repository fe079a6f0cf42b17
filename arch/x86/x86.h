/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86.h - x86-64 paging: entry bits, control registers, the formats.
 *
 * Sources: Intel SDM vol. 3A, 4.5 (4-level and 5-level paging), tables 4-14 to
 * 4-20; AMD APM vol. 2, 5.3. Freestanding: the test guest's kernel uses it too.
 */
#ifndef PTMM_X86_H
#define PTMM_X86_H

#include "arch/arch.h"

#define X86_PTE_P	(1ull << 0)
#define X86_PTE_W	(1ull << 1)
#define X86_PTE_U	(1ull << 2)
#define X86_PTE_PWT	(1ull << 3)
#define X86_PTE_PCD	(1ull << 4)
#define X86_PTE_A	(1ull << 5)
#define X86_PTE_D	(1ull << 6)
#define X86_PTE_PSE	(1ull << 7)	/* above level 0 */
#define X86_PTE_PAT	(1ull << 7)	/* at level 0 */
#define X86_PTE_G	(1ull << 8)
#define X86_PTE_PAT_HUGE (1ull << 12)	/* of a huge leaf: not an address bit */
#define X86_PTE_NX	(1ull << 63)
#define X86_PTE_ADDR	0x000ffffffffff000ull

/* Linux's meaning of bit 8 in an entry that is not present. */
#define X86_PTE_PROTNONE X86_PTE_G

#define X86_CR0_PE	(1ull << 0)
#define X86_CR0_WP	(1ull << 16)
#define X86_CR0_PG	(1ull << 31)
#define X86_CR4_PAE	(1ull << 5)
#define X86_CR4_MCE	(1ull << 6)
#define X86_CR4_PGE	(1ull << 7)
#define X86_CR4_LA57	(1ull << 12)
#define X86_CR4_PCIDE	(1ull << 17)
#define X86_CR3_PCID	0xfffull
#define X86_CR3_PTI_USER (1ull << 12)	/* Linux PTI: the user PGD is the next page */
#define X86_EFER_SCE	(1ull << 0)
#define X86_EFER_LME	(1ull << 8)
#define X86_EFER_LMA	(1ull << 10)
#define X86_EFER_NXE	(1ull << 11)

extern const struct pt_format pt_x86_4level;
extern const struct pt_format pt_x86_5level;

/* Linux on x86-64: PROT_NONE entries, swap entries, the L1TF inversion. */
extern const struct pt_soft pt_soft_linux_x86;

/* The registers of one vCPU that ptmm looks at. */
struct x86_regs {
	uint64_t rip, rsp, rflags;
	uint64_t cr0, cr2, cr3, cr4, efer;
	uint64_t gs_base, kernel_gs_base;
	uint8_t cpl;
	uint8_t maxphyaddr;
	bool huge_1g;
	bool halted;
};

/*
 * The address space that a vCPU runs on. False, with *why set to a static
 * string, where these registers are not long mode with paging.
 */
bool x86_space(struct pt_space *, const struct x86_regs *, const struct pt_soft *,
	       const char **why);
/* The same for a PGD that no CPU has loaded, decoded as `like` is. */
void x86_space_of_pgd(struct pt_space *, gpa_t pgd, const struct pt_space *like);
/*
 * Page-table isolation: the space's one root becomes the kernel mode's, and
 * user_pgd serves user mode. False where the space has a second root already.
 */
bool x86_space_add_user_root(struct pt_space *, gpa_t user_pgd);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * pti.c - does this kernel run with page-table isolation?
 *
 * Under PTI a PGD has a second frame right behind it, for user mode, with the
 * same user half; in the first one these entries are not executable (Linux
 * arch/x86/mm/pti.c). Kernels up to 6.12 allocate the second frame even with PTI
 * off and leave anything in it, so the frames are compared: most PGDs with a
 * user half must have it twice.
 */
#include <stdlib.h>

#include "walker/kernel/kernel_impl.h"

enum { PGDS_COMPARED = 64, USER_ENTRIES = 256 };

/* Bits that the CPU sets by itself, and NX, differ between the two. */
#define PAIR_MASK (X86_PTE_ADDR | X86_PTE_P | X86_PTE_W | X86_PTE_U)

/* +1: a pair, -1: not one, 0: no user half or not to be read. */
static int pgd_votes(const struct kernel *k, gpa_t pgd)
{
	uint64_t kernel_half[USER_ENTRIES], user_half[USER_ENTRIES];
	int same = 0, differ = 0;

	if (pgd & PT_FRAME_SIZE ||
	    !machine_read(k->machine, pgd, kernel_half, sizeof(kernel_half), NULL) ||
	    !machine_read(k->machine, pgd + PT_FRAME_SIZE, user_half, sizeof(user_half), NULL))
		return 0;
	for (unsigned i = 0; i < USER_ENTRIES; i++) {
		if (!(kernel_half[i] & X86_PTE_P))
			continue;
		if ((kernel_half[i] ^ user_half[i]) & PAIR_MASK)
			differ++;
		else
			same++;
	}
	return (same > differ) - (same < differ);
}

/* A CPU in user mode on a PGD that does not map the kernel. */
static bool vcpu_isolated(const struct kernel *k, unsigned vcpu)
{
	struct x86_regs regs;
	struct pt_space space;
	struct pt_translation t;
	const char *why;

	return k->machine->ops->regs(k->machine, vcpu, &regs, NULL) && regs.cpl == 3 &&
	       regs.cr3 & X86_CR3_PTI_USER &&
	       x86_space(&space, &regs, &pt_soft_linux_x86, &why) &&
	       pt_translate(k->machine, &space, k->init_mm, PT_MODE_ANY, &t) != PT_MAPPED;
}

bool kernel_find_pti(const struct kernel *k)
{
	gpa_t *pgds;
	size_t count;
	int votes = 0;

	for (unsigned vcpu = 0; vcpu < k->machine->vcpus; vcpu++)
		if (vcpu_isolated(k, vcpu))
			return true;
	if (!kernel_read_pgd_list(k, &pgds, &count, NULL))
		return false;
	for (size_t i = 0; i < count && i < PGDS_COMPARED; i++)
		votes += pgd_votes(k, pgds[i]);
	free(pgds);
	return votes > 0;
}

gpa_t kernel_user_pgd(const struct kernel *k, gva_t mm, gpa_t pgd)
{
	gpa_t user = pgd + PT_FRAME_SIZE;
	uint64_t offset;

	if (!k->pti || pgd & PT_FRAME_SIZE || !machine_has_frame(k->machine, gpa_to_pfn(user)))
		return 0;
	/* init_mm's is part of the image: a pair only if its symbol covers both frames. */
	if (mm == k->init_mm &&
	    (!profile_symbol_at(k->profile, k->init_pgd_va + PT_FRAME_SIZE, &offset) ||
	     offset != PT_FRAME_SIZE))
		return 0;
	return user;
}

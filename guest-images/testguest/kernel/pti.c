/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pti.c - page-table isolation: with pti=on an mm has two PGDs in a pair of
 * frames. The first is the kernel's and is the one with a struct page that says
 * so; ring 3 runs on the second, which has the user half and, of the kernel half,
 * the one entry that leads to the entry code. Both share all lower tables.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

bool pti_on;

static uint64_t *user_pgd(uint64_t *pgd)
{
	return pgd + PT_ENTRIES;
}

/* The kernel half of a user PGD never changes after pti_make(). */
void pti_set(const struct pt_pos *pos, uint64_t raw)
{
	if (pti_on && pos->index < PT_ENTRIES / 2)
		WRITE_ONCE(user_pgd(pos->table)[pos->index], raw);
}

void pti_make(struct mm_struct *mm)
{
	user_pgd(mm->pgd)[PT_ENTRIES - 1] = pti_top_pgt[PT_ENTRIES - 1];
}

uint64_t mm_user_cr3(struct mm_struct *mm)
{
	return pti_on && mm != &init_mm ? virt_to_phys(user_pgd(mm->pgd)) : 0;
}

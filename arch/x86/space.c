// SPDX-License-Identifier: GPL-2.0-only
/*
 * space.c - from control registers to an address space.
 *
 * Intel SDM vol. 3A, 4.1.1 (which paging mode), 4.5.2 (CR3: bits 51:12 are the
 * table's address; 11:0 are PCID or cache control, 63:61 are LAM and no-flush).
 */
#include "arch/x86/x86.h"

/* The architecture's own limit; what a decoder assumes where CPUID is not known. */
#define X86_MAXPHYADDR_LIMIT 52

static void set_root(struct pt_space *s, unsigned i, gpa_t pgd, enum pt_mode mode)
{
	s->root[i] = (struct pt_root) {
		.gpa = pgd & X86_PTE_ADDR,
		.first = 0,
		.last = UINT64_MAX,
		.mode = (uint8_t)mode,
	};
}

bool x86_space(struct pt_space *s, const struct x86_regs *regs, const struct pt_soft *soft,
	       const char **why)
{
	uint8_t width = regs->maxphyaddr;

	if (!(regs->cr0 & X86_CR0_PG)) {
		*why = "paging is off (CR0.PG is 0)";
		return false;
	}
	if (!(regs->efer & X86_EFER_LMA)) {
		*why = "not in long mode (EFER.LMA is 0)";
		return false;
	}
	if (!(regs->cr4 & X86_CR4_PAE)) {
		*why = "long mode without CR4.PAE cannot be";
		return false;
	}
	if (!width || width > X86_MAXPHYADDR_LIMIT)
		width = X86_MAXPHYADDR_LIMIT;

	s->decode = (struct pt_decode) {
		.format = regs->cr4 & X86_CR4_LA57 ? &pt_x86_5level : &pt_x86_4level,
		.soft = soft,
		.maxphyaddr = width,
		.nx = regs->efer & X86_EFER_NXE,
		.huge_1g = regs->huge_1g,
	};
	s->roots = 1;
	set_root(s, 0, regs->cr3, PT_MODE_ANY);
	return true;
}

void x86_space_of_pgd(struct pt_space *s, gpa_t pgd, const struct pt_space *like)
{
	s->decode = like->decode;
	s->roots = 1;
	set_root(s, 0, pgd, PT_MODE_ANY);
}

bool x86_space_add_user_root(struct pt_space *s, gpa_t user_pgd)
{
	if (s->roots != 1)
		return false;
	s->root[0].mode = PT_MODE_KERNEL;
	set_root(s, 1, user_pgd, PT_MODE_USER);
	s->roots = 2;
	return true;
}

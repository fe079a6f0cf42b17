// SPDX-License-Identifier: GPL-2.0-only
/* trap.c - exceptions, interrupts, and the way back to ring 3. */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

#define RFLAGS_USER 0xcd5ull	/* what ring 3 may set: arithmetic flags, DF */
#define RFLAGS_IF 0x200ull

enum { VECTOR_DE = 0, VECTOR_UD = 6, VECTOR_PF = 14, VECTOR_MC = 18 };

size_t copy_user(void *to, const void *from, size_t size);
extern const char copy_user_insn[], copy_user_out[];

static void die(struct pt_regs *regs, uint64_t address)
{
	panic("exception %lu, error %#lx, in the kernel at rip %#lx, rsp %#lx, address %#lx",
	      regs->vector, regs->error_code, regs->rip, (uint64_t)regs, address);
}

static void user_fault(struct pt_regs *regs, unsigned sig, uint64_t address)
{
	printk("%s[%d]: exception %lu, error %#lx at rip %#lx, address %#lx: signal %u\n",
	       current->comm, current->pid, regs->vector, regs->error_code, regs->rip, address,
	       sig);
	exit_group((int)(128 + sig));
}

/*
 * A software-virtualising KVM may run SYSCALL natively and stay in ring 3: RCX,
 * R11 and RIP are as they should be, and the fetch at LSTAR faults. That is a
 * system call all the same, and it comes with a stack already.
 */
static bool syscall_by_fault(struct pt_regs *regs, uint64_t address)
{
	if (address != syscall_entries[this_cpu()->id] || address != regs->rip ||
	    regs->rcx >= USER_END)
		return false;
	regs->rip = regs->rcx;
	regs->rflags = (regs->r11 & RFLAGS_USER) | RFLAGS_IF | 2;
	regs->vector = UINT64_MAX;
	regs->error_code = regs->rax;
	syscall_handler(regs);
	return true;
}

static void page_fault(struct pt_regs *regs)
{
	uint64_t address = read_cr2();
	bool user = regs->cs & 3, ours = regs->rip == (uint64_t)copy_user_insn;
	int error = -EFAULT;

	if (!user && !ours)
		die(regs, address);
	if (user && syscall_by_fault(regs, address))
		return;
	if (address < USER_END && current->mm)
		error = mm_fault(current->mm, address, regs->error_code);
	if (!error)
		return;
	if (!user) {
		regs->rip = (uint64_t)copy_user_out;
		return;
	}
	if (current->killed)
		return;
	user_fault(regs, error == -EFAULT ? SIGSEGV : SIGBUS, address);
}

void user_return_work(struct pt_regs *regs)
{
	struct cpu *cpu = this_cpu();

	(void)regs;
	while (cpu->mce_pending | cpu->need_resched | current->killed) {
		if (cpu->mce_pending)
			mce_drain();
		if (current->killed)
			exit_group((int)(128 + current->killed));
		if (cpu->need_resched)
			schedule();
		cpu = this_cpu();
	}
}

void trap_handler(struct pt_regs *regs)
{
	bool user = regs->cs & 3;

	switch (regs->vector) {
	case VECTOR_PF:
		page_fault(regs);
		break;
	case VECTOR_TIMER:
		apic_eoi();
		sched_tick(user);
		break;
	case VECTOR_KICK:
		apic_eoi();
		smp_poll();
		break;
	case VECTOR_MC:
		mce_handle(regs);
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (!user)
			die(regs, 0);
		user_fault(regs, regs->vector == VECTOR_DE ? SIGFPE :
			   regs->vector == VECTOR_UD ? SIGILL : SIGSEGV, 0);
	}
	if (user)
		user_return_work(regs);
}

int copy_from_user(void *to, uint64_t from, size_t size)
{
	if (from >= USER_END || size > USER_END - from)
		return -EFAULT;
	return copy_user(to, (const void *)from, size) ? -EFAULT : 0;
}

int copy_to_user(uint64_t to, const void *from, size_t size)
{
	if (to >= USER_END || size > USER_END - to)
		return -EFAULT;
	return copy_user((void *)to, from, size) ? -EFAULT : 0;
}

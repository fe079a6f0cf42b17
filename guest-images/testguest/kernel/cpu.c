// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - descriptor tables, stacks for entry, the registers of one CPU. All of
 * it that ring 3's page tables must map with pti=on lies in .entry.data.
 */
#include "guest-images/testguest/kernel/kernel.h"

#define ENTRY_DATA __attribute__((section(".entry.data")))
#define GATE_INTERRUPT 0x8eull
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_GS_BASE 0xc0000101

enum { ENTRY_STACK_SIZE = 512, VECTOR_DF = 8, VECTOR_MC = 18 };

struct gate {
	uint64_t low, high;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* Where ring 3 lands with pti=on; the first word leads to the CPU. */
union entry_stack {
	struct cpu *cpu;
	uint8_t bytes[ENTRY_STACK_SIZE];
};

ENTRY_DATA struct cpu cpus[CPUS_MAX];
ENTRY_DATA union entry_stack entry_stacks[CPUS_MAX] __attribute__((aligned(ENTRY_STACK_SIZE)));
ENTRY_DATA static struct gate idt[256] __attribute__((aligned(4096)));
ENTRY_DATA static union task_stack mce_stacks[CPUS_MAX];
ENTRY_DATA static union task_stack double_fault_stacks[CPUS_MAX];
ENTRY_DATA uint32_t entry_pti;

_Static_assert(sizeof(struct cpu) == 512, "entry.S knows CPU_SIZE");
_Static_assert(offsetof(struct cpu, kernel_sp) == 0, "entry.S knows CPU_KERNEL_SP");
_Static_assert(offsetof(struct cpu, user_sp) == 8, "entry.S knows CPU_USER_SP");
_Static_assert(offsetof(struct task_struct, cpu) == 8, "entry.S knows TASK_CPU");
_Static_assert(sizeof(struct task_struct) < STACK_SIZE / 4, "a stack needs room");

extern const uint64_t mce_entry, double_fault_entry;
extern const uint8_t trap_stubs[VECTORS][16];
void cpu_load_tables(const struct table_pointer *gdt, const struct table_pointer *idt,
		     unsigned tss);
struct pt_regs *ist_stack_for(struct pt_regs *);

static void gate_set(unsigned vector, uint64_t address, unsigned ist, unsigned dpl)
{
	idt[vector].low = (address & 0xffff) | 0x10ull << 16 | (uint64_t)ist << 32 |
			  (GATE_INTERRUPT | (uint64_t)dpl << 5) << 40 |
			  (address >> 16 & 0xffff) << 48;
	idt[vector].high = address >> 32;
}

/* Once, before any cpu_init(). */
void traps_init(void)
{
	for (unsigned i = 0; i < VECTORS; i++)
		gate_set(i, (uint64_t)trap_stubs[i], 0, i == 3 ? 3 : 0);
	gate_set(VECTOR_DF, double_fault_entry, 2, 0);
	gate_set(VECTOR_MC, mce_entry, 1, 0);
	gate_set(0xff, (uint64_t)trap_stubs[VECTOR_SPURIOUS], 0, 0);
}

void cpu_init(unsigned id)
{
	struct cpu *cpu = &cpus[id];
	struct table_pointer gdt_pointer = { sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt };
	struct table_pointer idt_pointer = { sizeof(idt) - 1, (uint64_t)idt };
	uint64_t tss = (uint64_t)&cpu->tss, cr4;

	cpu->id = id;
	cpu->gdt[2] = 0x00af9b000000ffff;	/* 0x10 kernel code */
	cpu->gdt[3] = 0x00cf93000000ffff;	/* 0x18 kernel data */
	cpu->gdt[5] = 0x00cff3000000ffff;	/* 0x2b user data */
	cpu->gdt[6] = 0x00affb000000ffff;	/* 0x33 user code */
	cpu->gdt[7] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 |
		      (tss >> 24 & 0xff) << 56;	/* 0x38 TSS, 16 bytes */
	cpu->gdt[8] = tss >> 32;
	cpu->tss.rsp[0] = (uint64_t)(&entry_stacks[id] + 1);	/* without PTI: the task's */
	cpu->tss.ist[0] = (uint64_t)&mce_stacks[id] + STACK_SIZE;
	cpu->tss.ist[1] = (uint64_t)&double_fault_stacks[id] + STACK_SIZE;
	cpu->tss.io_map = sizeof(cpu->tss);
	mce_stacks[id].task.cpu = id;
	double_fault_stacks[id].task.cpu = id;
	entry_stacks[id].cpu = cpu;
	cpu_load_tables(&gdt_pointer, &idt_pointer, 0x38);

	wrmsr(MSR_STAR, 0x00230010ull << 32);
	wrmsr(MSR_LSTAR, syscall_entries[id]);
	wrmsr(MSR_FMASK, 0x47700);		/* TF, IF, DF, IOPL, NT, AC */
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);	/* for inspectors: we do not use it */
	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	cr4 |= X86_CR4_MCE;
	__asm__ volatile("movq %0, %%cr4" :: "r"(cr4));
	mce_init_cpu();
	apic_init();
}

/*
 * A machine check or double fault came in on its own stack. From ring 3 it can
 * go on on the task's stack, where it may take locks, kill and switch.
 */
struct pt_regs *ist_stack_for(struct pt_regs *regs)
{
	struct pt_regs *to;

	if (!(regs->cs & 3))
		return regs;
	to = (struct pt_regs *)this_cpu()->kernel_sp - 1;
	*to = *regs;
	return to;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.S - from the VMM's identity map to C at the kernel's own addresses, and
 * the static page tables, which the assembler fills: where ring 0 is emulated a
 * loop over their entries would cost more than all else here.
 */
#define KERNEL_MAP 0xffffffff80000000

#define TABLE	0x063		/* P W A D */
#define RW_HUGE	0x80000000000000e3	/* P W A D PSE NX */
#define RX_HUGE	0x00000000000000a1	/* P A PSE */

#define phys(symbol) ((symbol) - KERNEL_MAP)

/*
 * Entered by the boot CPU and, by the same way, by the others: 64-bit, identity
 * mapped, interrupts off, RDI = gpa of the boot information, RSI = CPU number.
 */
	.section .head.text, "ax"
	.code64
	.globl startup_64
startup_64:
	movl	$0xc0000080, %ecx	/* EFER: SYSCALL and NX, before tables that use NX */
	rdmsr
	orl	$0x801, %eax
	wrmsr
	movq	%cr0, %rax
	orl	$0x10000, %eax		/* WP: our writes break copy-on-write too */
	movq	%rax, %cr0
	leaq	early_top_pgt(%rip), %rax
	movq	%rax, %cr3
	movq	$1f, %rax
	jmp	*%rax
1:	movl	%esi, %eax
	movq	boot_stacks(, %rax, 8), %rsp
	xorl	%ebp, %ebp
	testl	%esi, %esi
	jnz	2f
	call	kernel_start
2:	movl	%esi, %edi
	call	kernel_start_ap
	ud2

/*
 * void enable_la57(void): 5-level paging can only be switched on with paging
 * off, so by a walk through 32-bit code in the identity map. Comes back on
 * early_top_pgt5; the caller's GDT is gone. One CPU at a time.
 */
	.text
	.globl enable_la57
enable_la57:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, la57_sp(%rip)
	lgdt	la57_gdt_pointer(%rip)
	ljmp	*la57_to_32(%rip)

	.section .head.text, "ax"
	.code32
la57_32:
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	%cr4, %eax
	orl	$0x1000, %eax
	movl	%eax, %cr4
	movl	$phys(early_top_pgt5), %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ljmp	$0x18, $phys(la57_64)
	.code64
la57_64:
	movq	$1f, %rax
	jmp	*%rax
	.text
1:	movq	la57_sp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.data
	.balign 8
la57_sp:	.quad 0
la57_gdt:	.quad 0
		.quad 0x00cf9b000000ffff	/* 0x08: 32-bit code */
		.quad 0x00cf93000000ffff	/* 0x10: data */
		.quad 0x00af9b000000ffff	/* 0x18: 64-bit code */
la57_gdt_pointer: .word 31
		.quad phys(la57_gdt)
la57_to_32:	.long phys(la57_32)
		.word 0x08

/*
 * void cpu_load_tables(gdt pointer, idt pointer, tss selector): the segment
 * registers follow; CS by iretq, the one far return that every KVM knows.
 */
	.text
	.globl cpu_load_tables
cpu_load_tables:
	lgdt	(%rdi)
	lidt	(%rsi)
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	ltr	%dx
	movq	%rsp, %rax
	pushq	$0x18
	pushq	%rax
	pushfq
	pushq	$0x10
	pushq	$1f
	iretq
1:	ret

/*
 * Static tables. Physical memory below 16 MiB is mapped twice, by the kernel
 * image's window and by the direct map; mm_init() extends the direct map.
 */
	.section .tables, "aw"
	.balign 4096
	.globl init_top_pgt, early_top_pgt, early_top_pgt5
	.globl level4_kernel_pgt, level4_direct_pgt
	.globl level3_kernel_pgt, level2_kernel_pgt, level3_direct_pgt, level2_direct_pgt

init_top_pgt:			/* 4 levels; kernel_start() bends it for 5 */
	.fill	273, 8, 0
	.quad	phys(level3_direct_pgt) + TABLE
	.fill	237, 8, 0
	.quad	phys(level3_kernel_pgt) + TABLE

early_top_pgt:			/* the same with an identity map of the first 16 MiB */
	.quad	phys(early_level3_pgt) + TABLE
	.fill	272, 8, 0
	.quad	phys(level3_direct_pgt) + TABLE
	.fill	237, 8, 0
	.quad	phys(level3_kernel_pgt) + TABLE

early_top_pgt5:
	.quad	phys(early_level4_pgt) + TABLE
	.fill	272, 8, 0
	.quad	phys(level4_direct_pgt) + TABLE
	.fill	237, 8, 0
	.quad	phys(level4_kernel_pgt) + TABLE

early_level4_pgt:
	.quad	phys(early_level3_pgt) + TABLE
	.fill	511, 8, 0

early_level3_pgt:
	.quad	phys(level2_kernel_pgt) + TABLE
	.fill	511, 8, 0

level4_direct_pgt:		/* 5 levels only, like the next */
	.quad	phys(level3_direct_pgt) + TABLE
	.fill	511, 8, 0

level4_kernel_pgt:
	.fill	511, 8, 0
	.quad	phys(level3_kernel_pgt) + TABLE

level3_kernel_pgt:
	.fill	510, 8, 0
	.quad	phys(level2_kernel_pgt) + TABLE
	.quad	0

level2_kernel_pgt:
	.quad	RX_HUGE			/* code and constants: below 2 MiB */
	.set	address, 0x200000
	.rept	7
	.quad	address + RW_HUGE
	.set	address, address + 0x200000
	.endr
	.fill	504, 8, 0

level3_direct_pgt:
	.quad	phys(level2_direct_pgt) + TABLE
	.fill	511, 8, 0

level2_direct_pgt:
	.set	address, 0
	.rept	8
	.quad	address + RW_HUGE
	.set	address, address + 0x200000
	.endr
	.fill	504, 8, 0

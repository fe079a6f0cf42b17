/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - into ring 0 and out of it.
 *
 * No swapgs: a stack knows its task, the system-call stub knows its CPU. Out by
 * iretq always; sysretq is not to be had everywhere.
 *
 * With pti=on ring 3 runs on the mm's user PGD, which maps of the kernel only
 * .entry.text and .entry.data: every entry from ring 3 lands on a small entry
 * stack in there, clears bit 12 of CR3 and moves over to the task's stack.
 */
#define PTI_BIT		0x1000
#define CPU_SIZE	512		/* sizeof(struct cpu), checked in cpu.c */
#define CPU_KERNEL_SP	0
#define CPU_USER_SP	8
#define TASK_CPU	8		/* offsetof(struct task_struct, cpu) */
#define ENTRY_STACK_LG2	9

	.section .entry.text, "ax"

	.macro	SAVE_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

	.macro	RESTORE_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$16, %rsp		/* vector, error code */
	.endm

/* Here the stack holds: vector, error code, rip, cs, rflags, rsp, ss. */
entry_common:
	testb	$3, 24(%rsp)
	jz	entry_save
	cmpl	$0, entry_pti(%rip)
	jne	entry_pti_user
entry_save:
	SAVE_REGS
	cld
	movq	%rsp, %rdi
	call	trap_handler
	.globl	entry_return
entry_return:
	RESTORE_REGS
	testb	$3, 8(%rsp)
	jz	1f
	cmpl	$0, entry_pti(%rip)
	jne	return_pti_user
1:	iretq

entry_pti_user:
	pushq	%rax
	pushq	%rdi
	movq	%cr3, %rax
	andq	$~PTI_BIT, %rax
	movq	%rax, %cr3
	movq	%rsp, %rdi		/* the bottom of an entry stack points to its CPU */
	andq	$-(1 << ENTRY_STACK_LG2), %rdi
	movq	(%rdi), %rdi
	movq	%rsp, %rax
	movq	CPU_KERNEL_SP(%rdi), %rsp
	pushq	64(%rax)
	pushq	56(%rax)
	pushq	48(%rax)
	pushq	40(%rax)
	pushq	32(%rax)
	pushq	24(%rax)
	pushq	16(%rax)
	movq	(%rax), %rdi
	movq	8(%rax), %rax
	jmp	entry_save

return_pti_user:
	pushq	%rax
	pushq	%rdi
	movq	%rsp, %rdi
	andq	$-8192, %rdi
	movl	TASK_CPU(%rdi), %edi
	incl	%edi
	shll	$ENTRY_STACK_LG2, %edi
	leaq	entry_stacks(%rdi), %rdi
	movq	%rsp, %rax
	movq	%rdi, %rsp
	pushq	48(%rax)
	pushq	40(%rax)
	pushq	32(%rax)
	pushq	24(%rax)
	pushq	16(%rax)
	pushq	8(%rax)
	pushq	(%rax)
	movq	%cr3, %rax
	orq	$PTI_BIT, %rax
	movq	%rax, %cr3
	popq	%rdi
	popq	%rax
	iretq

/* One per CPU: SYSCALL gives no stack and no scratch register but RSP. */
	.macro	SYSCALL_STUB cpu
	.balign	16
syscall_entry_\cpu:
	movq	%rsp, cpus + \cpu * CPU_SIZE + CPU_USER_SP
	cmpl	$0, entry_pti(%rip)
	je	1f
	movq	%cr3, %rsp
	andq	$~PTI_BIT, %rsp
	movq	%rsp, %cr3
1:	movq	cpus + \cpu * CPU_SIZE + CPU_KERNEL_SP, %rsp
	pushq	$0x2b
	pushq	cpus + \cpu * CPU_SIZE + CPU_USER_SP
	pushq	%r11
	pushq	$0x33
	pushq	%rcx
	pushq	%rax
	pushq	$-1
	SAVE_REGS
	movq	%rsp, %rdi
	call	syscall_handler
	jmp	entry_return
	.endm

	SYSCALL_STUB 0
	SYSCALL_STUB 1
	SYSCALL_STUB 2
	SYSCALL_STUB 3

/* #MC and #DF: on stacks of their own (IST), at any instruction, on either PGD. */
mce_stub:
	pushq	$0
	pushq	$18
	jmp	ist_common
double_fault_stub:
	pushq	$8
ist_common:
	SAVE_REGS
	cld
	movq	%cr3, %rbx
	cmpl	$0, entry_pti(%rip)
	je	1f
	movq	%rbx, %rax
	andq	$~PTI_BIT, %rax
	movq	%rax, %cr3
1:	movq	%rsp, %rdi
	call	ist_stack_for		/* from ring 3: go on on the task's stack */
	cmpq	%rax, %rsp
	movq	%rax, %rsp
	movq	%rax, %rdi
	jne	2f
	call	trap_handler
	movq	%rbx, %cr3
	jmp	entry_return
2:	call	trap_handler
	jmp	entry_return

/* Stubs for the IDT, 16 bytes each, so that vector N's is at trap_stubs + 16 * N. */
	.macro	TRAP_STUB vector
	.balign	16
	/* #DF, #TS to #PF, #AC and #CP come with an error code. */
	.ifeq	(0x00227d00 >> \vector) & (\vector < 32) & 1
	pushq	$0
	.endif
	pushq	$\vector
	jmp	entry_common
	.endm

	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	36
	TRAP_STUB vector
	.set	vector, vector + 1
	.endr

/* void switch_stacks(uint64_t *save_sp, uint64_t load_sp) */
	.text
	.globl	switch_stacks
switch_stacks:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* Where a new task's first switch returns to: rbx = 0, or a kernel thread's start. */
	.globl	task_first_run
task_first_run:
	call	switch_finish
	testq	%rbx, %rbx
	jz	1f
	call	*%rbx
	ud2
1:	movq	%rsp, %rdi
	call	user_return_work
	jmp	entry_return

/*
 * size_t copy_user(void *to, const void *from, size_t size): how many bytes were
 * not copied. The page-fault handler knows the one instruction that may fault.
 */
	.globl	copy_user, copy_user_insn, copy_user_out
copy_user:
	movq	%rdx, %rcx
copy_user_insn:
	rep movsb
copy_user_out:
	movq	%rcx, %rax
	ret

/* Addresses that C wants: entry points by CPU, the two IST stubs. */
	.section .rodata
	.balign 8
	.globl	syscall_entries, mce_entry, double_fault_entry
syscall_entries:
	.quad	syscall_entry_0, syscall_entry_1, syscall_entry_2, syscall_entry_3
mce_entry: .quad mce_stub
double_fault_entry: .quad double_fault_stub

/* SPDX-License-Identifier: GPL-2.0-only */
/* start.S - where exec enters a program: rdi, rsi = main's arguments. */
	.data
	.quad	0		/* never empty: a segment of its own in every program */

	.section .start, "ax"
	.globl _start
_start:
	xorl	%ebp, %ebp
	call	main
	movl	%eax, %edi
	movl	$231, %eax		/* SYS_EXIT_GROUP */
	syscall

/* long sys_call(number, a, b, c, d, e, f) */
	.text
	.globl	sys_call
sys_call:
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	ret

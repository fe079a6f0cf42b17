/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tiny.S - guests of a few instructions, one for each way to end; run.sh builds
 * them with -DWAY=... They are entered in long mode (guest-images/testguest/abi.h).
 */
#define POWEROFF	1
#define PANIC		2
#define TRIPLE		3
#define HALT		4
#define SPIN		5
#define HELLO		6

	.globl _start
	.text
_start:
#if WAY == POWEROFF || WAY == HELLO
#if WAY == HELLO
	lea	text(%rip), %rsi
	mov	$0x3f8, %edx
1:	lodsb
	test	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:
#endif
	mov	$3, %eax		/* DOORBELL_POWEROFF */
	mov	$0x5f0, %edx
	outl	%eax, %dx
#elif WAY == PANIC
	mov	$2, %eax		/* DOORBELL_PANIC */
	mov	$0x5f0, %edx
	outl	%eax, %dx
#elif WAY == TRIPLE
	lidt	no_idt(%rip)
	ud2
#elif WAY == HALT
	cli
	hlt
#elif WAY == SPIN
	mov	$1, %eax		/* DOORBELL_READY */
	mov	$0x5f0, %edx
	outl	%eax, %dx
#endif
3:	pause
	jmp	3b

	.data
no_idt:	.word	0
	.quad	0
text:	.asciz	"hello from ring 0\n"

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tiny guests in assembler: position-independent, no stack until they set
 * one, entered as guest-images/testguest/abi.h says (RDI boot_info, RSI vCPU).
 */
#include "tests/lib/tiny_code.h"

/* ring EVENT, with argument 0 if it is given. */
asm(".pushsection .rodata\n"
    ".macro ring event, arg=-1\n"
    " .if \\arg >= 0\n"
    "  movl $\\arg, %eax\n movl $0x5e0, %edx\n outl %eax, %dx\n"
    " .endif\n"
    " movl $\\event, %eax\n movl $0x5f0, %edx\n outl %eax, %dx\n"
    ".endm\n"
    ".macro guest name\n .globl tiny_\\name\n tiny_\\name:\n.endm\n"
    /* count WORD of TINY_COUNTER, for ever */
    ".macro count word=0\n"
    "9: incq 0x300000 + 8 * \\word\n jmp 9b\n"
    ".endm\n"
    /* An IDT at 0x200000 with one gate; a stack below it. */
    ".macro gate vector, handler\n"
    " movl $0x1f0000, %esp\n"
    " leaq \\handler(%rip), %rax\n"
    " movl $0x200000 + 16 * \\vector, %ebx\n"
    " movw %ax, (%rbx)\n movw $8, 2(%rbx)\n movw $0x8e00, 4(%rbx)\n"
    " shrl $16, %eax\n movw %ax, 6(%rbx)\n movq $0, 8(%rbx)\n"
    " movw $0xfff, 0x1ffff0\n movq $0x200000, 0x1ffff2\n lidt 0x1ffff0\n"
    ".endm\n"
    ".macro setmsr index, low, high=0\n"
    " movl $\\index, %ecx\n movl $\\low, %eax\n movl $\\high, %edx\n wrmsr\n"
    ".endm\n"

    "guest 0\n"
    " leaq 2f(%rip), %rsi\n movl $0x3f8, %edx\n"
    "1: lodsb\n testb %al, %al\n jz 3f\n outb %al, %dx\n jmp 1b\n"
    "2: .asciz \"hello\\n\"\n"
    "3: ring 1\n ring 3, 7\n"
    "4: jmp 4b\n"

    "guest 1\n ring 1\n count\n"
    "guest 2\n count\n"
    "guest 3\n ring 2, 0x2a\n count\n"
    "guest 4\n ring 1\n ud2\n"
    "guest 5\n cli\n hlt\n count\n"
    "guest 6\n sti\n hlt\n count\n"
    "guest 7\n movl $0xd0000000, %eax\n jmp *%rax\n"

    "guest 8\n"
    /* Every size at the doorbell's ports and beside them, and string output. */
    " movl $0x5dc, %edx\n"
    "1: movl $0xffffffff, %eax\n outb %al, %dx\n outw %ax, %dx\n inb %dx, %al\n"
    " inl %dx, %eax\n incl %edx\n cmpl $0x5f8, %edx\n jne 1b\n"
    " movl $0x3f9, %edx\n"
    "2: movb $0xff, %al\n outb %al, %dx\n inb %dx, %al\n incl %edx\n"
    " cmpl $0x400, %edx\n jne 2b\n"
    " movl $0x100000, %esi\n movl $64, %ecx\n movl $0x5f0, %edx\n rep outsb\n"
    /* Events with arguments that make no sense. */
    " ring 4, 0x7fffffff\n ring 4, 0\n ring 4, 9\n ring 5, 0x7fffffff\n ring 0x12345678\n"
    " ring 0\n"
    /* Writes and reads where nothing lives. */
    " movl $0xd0000000, %ebx\n movq %rax, (%rbx)\n movq 4(%rbx), %rax\n"
    " movl $0xfffffff8, %ebx\n movq %rax, (%rbx)\n movb (%rbx), %al\n"
    " ring 3, 3\n"
    "4: jmp 4b\n"

    "guest 9\n ring 1\n"
    "1: movl $0x3fd, %edx\n inb %dx, %al\n testb $1, %al\n jz 1b\n"
    " movl $0x3f8, %edx\n inb %dx, %al\n cmpb $'q', %al\n je 2f\n outb %al, %dx\n jmp 1b\n"
    "2: ring 3, 0\n"
    "3: jmp 3b\n"

    "guest 10\n"
    " testq %rsi, %rsi\n jnz 1f\n ring 4, 1\n count 0\n"
    "1: ring 1\n count 1\n"

    "guest 11\n"
    " gate 32, 2f\n"
    " movl $0x1b, %ecx\n rdmsr\n orl $0xc00, %eax\n wrmsr\n"	/* x2APIC on */
    " setmsr 0x80f, 0x1ff\n setmsr 0x83e, 0xb\n"
    " setmsr 0x832, 0x20020\n setmsr 0x838, 20000000\n"
    " ring 1\n"
    "1: sti\n hlt\n jmp 1b\n"
    "2: incq 0x300000\n setmsr 0x80b, 0\n iretq\n"

    "guest 12\n"
    " gate 18, 2f\n"
    /* Banks 0 and 1 report, bank 2 does not. */
    " setmsr 0x17b, 0xffffffff, 0xffffffff\n setmsr 0x400, 0xffffffff, 0xffffffff\n"
    " setmsr 0x404, 0xffffffff, 0xffffffff\n setmsr 0x408, 0\n"
    " movq %cr4, %rax\n orl $0x40, %eax\n movq %rax, %cr4\n"
    " ring 1\n count\n"
    /* Bank 1's status, high then low word, is what the event carries. */
    "2: pushq %rax\n pushq %rcx\n pushq %rdx\n"
    " movl $0x405, %ecx\n rdmsr\n movl %eax, %ecx\n movl %edx, %eax\n"
    " movl $0x5e0, %edx\n outl %eax, %dx\n movl %ecx, %eax\n movl $0x5e4, %edx\n"
    " outl %eax, %dx\n ring 8\n"
    " setmsr 0x405, 0\n setmsr 0x17a, 0\n"
    " popq %rdx\n popq %rcx\n popq %rax\n iretq\n"
    "guest 13\n"
    /* Its own GDT with user segments; user bits in the boot tables' first entries. */
    " movl $0x1f0000, %esp\n"
    " movq 0x7008, %rax\n movq %rax, 0x200008\n"
    " movabsq $0x00cff3000000ffff, %rax\n movq %rax, 0x200018\n"
    " movabsq $0x00affb000000ffff, %rax\n movq %rax, 0x200020\n"
    " movw $0x27, 0x1ffff0\n movq $0x200000, 0x1ffff2\n lgdt 0x1ffff0\n"
    " orq $4, 0x1000\n orq $4, 0x2000\n orq $4, 0x3000\n orq $4, 0x3008\n"
    " movq %cr3, %rax\n movq %rax, %cr3\n"
    " ring 1\n"
    " pushq $0x1b\n pushq $0x1f0000\n pushq $2\n pushq $0x23\n"
    " leaq 1f(%rip), %rax\n pushq %rax\n iretq\n"
    "1: count\n"
    "guest 14\n"
    ".popsection\n");

#define GUESTS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) \
	X(13)

#define DECLARE(n) extern const char tiny_##n[];
GUESTS(DECLARE)
DECLARE(14)

const void *tiny_code(enum tiny_kind kind, size_t *size)
{
#define START(n) tiny_##n,
	static const char *const start[] = { GUESTS(START) tiny_14 };

	_Static_assert(sizeof(start) / sizeof(start[0]) == TINY_KINDS + 1, "one start per kind");
	*size = (size_t)(start[kind + 1] - start[kind]);
	return start[kind];
}

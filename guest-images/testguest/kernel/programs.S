/* SPDX-License-Identifier: GPL-2.0-only */
/* programs.S - the programs of ring 3, whole ELF files at page boundaries. */
	.macro PROGRAM name
	.section .programs, "a"
	.balign	4096
program_\name:
	.incbin	"\name"
program_end_\name:
	.balign	4096
	.section .rodata.str, "aMS", @progbits, 1
name_\name: .asciz "\name"
	.section .rodata.programs, "a"
	.quad	name_\name, program_\name, program_end_\name
	.endm

	.section .rodata.programs, "a"
	.balign	8
	.globl	programs
programs:
#include "programs.list"	/* made by the Makefile: PROGRAM init ... */
	.section .rodata.programs, "a"
	.quad	0, 0, 0

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - what a test guest and the VMM agree on.
 *
 * Boot. The VMM loads the PT_LOAD segments of the ELF64 image at their p_paddr
 * and enters e_entry (a physical address) in 64-bit mode on vCPU 0: paging on,
 * RAM below 4 GiB mapped one to one by tables in the first MiB, flat 64-bit CS,
 * interrupts off, RDI = gpa of struct boot_info, RSI = 0. Other vCPUs stay off
 * until DOORBELL_CPU_ON; they enter the same way with RSI = their number.
 *
 * Doorbell. A 32-bit `out` to PORT_ARG + 4*n stores argument n of this vCPU; a
 * 32-bit `out` to PORT_DOORBELL rings with the event's number and takes the
 * arguments stored so far (then they are zero again).
 */
#ifndef PTMM_TESTGUEST_ABI_H
#define PTMM_TESTGUEST_ABI_H

#include <stdint.h>

#define PORT_DOORBELL	0x5f0
#define PORT_ARG	0x5e0	/* 0x5e0, 0x5e4, 0x5e8, 0x5ec: four 32-bit arguments */
#define DOORBELL_ARGS	4

enum doorbell_event {
	DOORBELL_READY = 1,	/* the workload is up */
	DOORBELL_PANIC,		/* arg 0: code; the message went to the console before */
	DOORBELL_POWEROFF,	/* arg 0: status */
	DOORBELL_CPU_ON,	/* arg 0: vCPU to start at e_entry */
	DOORBELL_BOOKS,		/* arg 0, 1: gpa low, high of struct books (inventory.h) */
	DOORBELL_EXIT,		/* arg 0: pid; arg 1: status (killed: 128 + signal) */
	DOORBELL_KILLED,	/* arg 0: pid; 1: pfn of the lost table: killed by #MC recovery */
	DOORBELL_MCE,		/* arg 0: pfn low; 1: high; 2: outcome, enum mce_outcome */
	DOORBELL_BUG,		/* a bug is planted; arg 0: pfn of the table hit; 1: level */
};

enum mce_outcome { MCE_KILLED_OWNERS = 1, MCE_PANIC = 2, MCE_IGNORED = 3 };

#define BOOT_MAGIC 0x746f6f626d6d7470ull	/* "ptmmboot" */
#define BOOT_REGIONS_MAX 8

struct boot_region { uint64_t first, size; };

struct boot_info {
	uint64_t magic;
	uint64_t cmdline;	/* gpa of a terminated string */
	uint32_t cpus;
	uint32_t region_count;
	struct boot_region region[BOOT_REGIONS_MAX];	/* RAM */
	uint64_t reserved_end;	/* below this gpa the VMM keeps its own boot data */
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.h - how a guest comes to its first instruction: its image into RAM, the
 * tables and boot_info that abi.h promises into the first 64 KiB. Used by vm.c.
 */
#ifndef PTMM_KVM_BOOT_H
#define PTMM_KVM_BOOT_H

#include "vmm/kvm/memory.h"

/* Where the boot data lies; frame 0 stays empty to catch null pointers. */
#define BOOT_PML4	0x1000u
#define BOOT_PDPT	0x2000u
#define BOOT_PD		0x3000u	/* four of them: 4 GiB */
#define BOOT_GDT	0x7000u
#define BOOT_INFO	0x8000u
#define BOOT_CMDLINE	0x9000u
#define BOOT_CMDLINE_MAX 4095u
#define BOOT_END	0x10000u

#define BOOT_CS		0x08u
#define BOOT_DS		0x10u

/*
 * Loads the PT_LOAD segments of an ELF64 x86-64 executable at their physical
 * addresses. `name` is for messages. Nothing is written unless all is well.
 */
bool boot_load_elf(const struct memory *, const void *image, size_t size, const char *name,
		   gpa_t *entry, struct err *);
/* Writes page tables, GDT, command line and boot_info. */
bool boot_write_tables(const struct memory *, unsigned cpus, const char *cmdline, struct err *);

#endif

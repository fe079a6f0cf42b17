/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth_ram.h - a guest's RAM with what a profile is read from, and nothing else.
 *
 * 32 MiB with the image of a kernel at 20 MiB: page tables that map it, a
 * banner, kallsyms, BTF, VMCOREINFO in both its copies, and what is easily
 * taken for it. Each generation of kernels in its own form. Used by the tests of
 * profile_from_machine().
 */
#ifndef PTMM_TEST_SYNTH_RAM_H
#define PTMM_TEST_SYNTH_RAM_H

#include "tests/lib/kallsyms_encode.h"
#include "walker/machine.h"

enum synth_ram_kernel {
	SYNTH_RAM_5_10,		/* VMCOREINFO without kallsyms; tables before the names */
	SYNTH_RAM_6_1,		/* with; long names */
	SYNTH_RAM_6_2,		/* seqs_of_names between */
	SYNTH_RAM_6_12,		/* tables after the tokens */
	SYNTH_RAM_6_15,		/* no absolute per-CPU symbols */
	SYNTH_RAM_7_2,		/* offsets from their own place */
	SYNTH_RAM_KERNELS
};

struct synth_ram_options {
	enum synth_ram_kernel kernel;
	bool five_level;
	bool no_kaslr;
	bool pti_user;		/* the vCPU is in user mode, on the user PGD */
	bool no_vcpu;
	bool not_mapped;	/* RAM can be had by view only */
	bool no_info, no_btf, no_kallsyms;
	bool functions_only;	/* CONFIG_KALLSYMS_ALL is off */
	bool no_btf_symbols;
	bool empty_info;	/* its page is still empty */
};

enum {
	SYNTH_RAM_SIZE = 32 << 20,
	SYNTH_RAM_IMAGE_SIZE = 4 << 20,
	/* Places in the image. */
	SYNTH_RAM_BANNER = 0x1000,
	SYNTH_RAM_INIT_TASK = 0x2000,
	SYNTH_RAM_INIT_MM = 0x3000,
	SYNTH_RAM_PHYS_BASE = 0x5000,
	SYNTH_RAM_L5 = 0x5008,
	SYNTH_RAM_INFO_POINTER = 0x5010,
	SYNTH_RAM_PGD = 0x8000,
	SYNTH_RAM_KALLSYMS = 0x100000,
	SYNTH_RAM_BTF = 0x200000,
};

#define SYNTH_RAM_LINK 0xffffffff81000000ull
#define SYNTH_RAM_IMAGE 0x1400000ull	/* where the image is, as gpa */
#define SYNTH_RAM_FORMAT_STRING 0x200000ull
#define SYNTH_RAM_STALE_INFO 0x280000ull
#define SYNTH_RAM_INFO 0x300000ull
#define SYNTH_RAM_NOTE 0x305000ull

struct synth_ram {
	struct synth_ram_options options;
	struct machine *machine;
	uint8_t *image;		/* the test may change it at will */
	uint64_t kaslr, phys_base;
	gva_t text;
	char release[65];
	struct encode_place place;
	size_t btf_size;
	struct encode_symbol *symbols;	/* sorted by address */
	uint32_t symbol_count;
};

struct synth_ram *synth_ram_new(const struct synth_ram_options *);
void synth_ram_free(struct synth_ram *);

/* As `nm` prints it, with the addresses of the link; to be freed. */
char *synth_ram_system_map(const struct synth_ram *, size_t *size);
/* An ELF image of the link, with the banner; to be freed. */
void *synth_ram_vmlinux(const struct synth_ram *, bool symbols, bool btf, size_t *size);

#endif

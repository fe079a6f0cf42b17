/* SPDX-License-Identifier: GPL-2.0-only */
/* synth_internal.h - what the files of the synthetic guest share. */
#ifndef PTMM_TEST_SYNTH_INTERNAL_H
#define PTMM_TEST_SYNTH_INTERNAL_H

#include "tests/lib/synth_layout.h"

#define SYNTH_IMAGE_VA	0xffffffff81000000ull
#define SYNTH_IMAGE_GPA	0x200000ull	/* not 16 MiB: phys_base is not zero */
#define SYNTH_RELEASE_PGTY "6.12.0-synth"
#define SYNTH_RELEASE_6_1 "6.1.0-synth"
#define SYNTH_RELEASE_5_10 "5.10.0-synth"

enum {
	SYNTH_IMAGE_FRAMES = 16,
	SYNTH_BOOT_FRAME = 640,		/* the first boot table */
	SYNTH_MEMMAP_FRAME = 1024,
	SYNTH_OBJECT = 256,		/* bytes given to every kernel object */
	SYNTH_VCPUS = 2,
};

struct synth_guest {
	struct synth_options options;
	struct machine *machine;
	void *image;
	size_t image_size;
	struct profile *profile;
	struct kernel *kernel;

	unsigned levels;
	gva_t direct, memmap_va;
	gpa_t memmap;
	pfn_t next_boot, next_free;
	gpa_t slab, slab_end;		/* kernel objects are cut from here */
	struct synth_symbol symbols[32];
	unsigned symbol_count;
	bool booting;			/* tables are made reserved, without constructor */
};

void synth_fail(const char *what);
uint64_t synth_read_u64(struct synth_guest *, gva_t);
void synth_write_u64(struct synth_guest *, gva_t, uint64_t);
/* A zeroed kernel object in the direct map. */
gva_t synth_object(struct synth_guest *);
void synth_list_init(struct synth_guest *, gva_t head);
void synth_list_add_tail(struct synth_guest *, gva_t node, gva_t head);
void synth_list_del(struct synth_guest *, gva_t node);
/* A PGD (and user PGD) with the kernel half; not yet of any mm. */
pfn_t synth_new_pgd(struct synth_guest *);
void synth_boot_tables(struct synth_guest *);

#endif

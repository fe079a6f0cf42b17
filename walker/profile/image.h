/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - where the running kernel's image lies in guest memory.
 *
 * Linux maps its image from 0xffffffff80000000 up (Documentation/arch/x86/x86_64/mm.rst)
 * by one constant difference between virtual and physical addresses, phys_base.
 * All tables that a profile is read from lie in it. Used by profile_from_machine().
 */
#ifndef PTMM_PROFILE_IMAGE_H
#define PTMM_PROFILE_IMAGE_H

#include "walker/machine.h"

#define KERNEL_MAP 0xffffffff80000000ull	/* __START_KERNEL_map */
#define KERNEL_MAP_SIZE (1ull << 30)

struct kernel_image {
	struct machine *machine;
	gva_t first, last;	/* inclusive; what is mapped, holes within it too */
	uint64_t phys_base;	/* gpa = va - KERNEL_MAP + phys_base */
	bool has_space;		/* there is a vCPU whose tables map the image: */
	unsigned vcpu;
	struct pt_space space;
	/* All bytes of first..last; unreadable frames are zero. */
	const uint8_t *bytes;
	size_t size;
	size_t unreadable;	/* frames */
	uint8_t *copy;		/* owned, NULL where bytes is the machine's own mapping */
};

/*
 * By the kernel half of a vCPU's page tables. ERR_MISSING says why no vCPU has
 * an image mapped there.
 */
bool kernel_image_find(struct kernel_image *, struct machine *, struct err *);
/* By what VMCOREINFO says, for machines without vCPUs: a stretch around _stext. */
bool kernel_image_guess(struct kernel_image *, struct machine *, gva_t stext,
			uint64_t phys_base, struct err *);
void kernel_image_close(struct kernel_image *);

/* Copies from kernel addresses within the image. */
bool kernel_image_read(const struct kernel_image *, gva_t, void *to, size_t, struct err *);
/* Offset of an address into bytes, if `size` bytes are there. */
bool kernel_image_offset(const struct kernel_image *, gva_t, size_t size, size_t *offset);
/* Any kernel address, through the vCPU's tables. */
bool kernel_image_translate(const struct kernel_image *, gva_t, gpa_t *);

#endif

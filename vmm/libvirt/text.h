/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - what QEMU's monitor prints, as values.
 *
 * Pure and strict: text in, numbers out; what is not as expected is an error,
 * never a guess. The text is QEMU's, and who broke out of the guest speaks for
 * QEMU. Read in QEMU 5.2 to 9: "info registers -a", "info mtree -f", "info memdev",
 * "gpa2hva". Used by the rest of this folder.
 */
#ifndef PTMM_LIBVIRT_TEXT_H
#define PTMM_LIBVIRT_TEXT_H

#include "walker/machine.h"

enum { TEXT_VCPUS_MAX = 4096, TEXT_RANGES_MAX = 4096, TEXT_BLOCK_SIZE = 64 };

/* A stretch of guest RAM and the block of QEMU's memory that it shows. */
struct text_range {
	gpa_t first, last;		/* whole frames */
	uint64_t offset;		/* into the block */
	char block[TEXT_BLOCK_SIZE];
};

struct text_ranges {
	struct text_range *list;	/* sorted, apart, as few as can be */
	size_t count;
};

/*
 * "info registers -a" gives the registers of each vCPU; *count of them in *list,
 * to be freed. What the text does not tell (kernel_gs_base, the CPU's features)
 * is left zero.
 */
bool text_registers(const char *text, struct x86_regs **list, unsigned *count, struct err *);

/*
 * "info mtree -f" says where what is seen by the CPUs, "info memdev" which blocks
 * are RAM (a screen's memory is not).
 */
bool text_ranges(const char *mtree, const char *memdev, struct text_ranges *, struct err *);
void text_ranges_free(struct text_ranges *);

/* "gpa2hva": an address in the QEMU process. */
bool text_hva(const char *reply, const char *block, uint64_t *hva, struct err *);

/* The number or word (true, false) that a QMP command returned. */
bool text_qmp_number(const char *reply, uint64_t *);
bool text_qmp_bool(const char *reply, bool *);
/* The first string under this key, if it is of letters, digits and "/[]_-.". */
bool text_qmp_string(const char *reply, const char *key, char *out, size_t size);

#endif

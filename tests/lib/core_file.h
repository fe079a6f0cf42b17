/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core_file.h - writes memory dumps for tests: ELF cores as QEMU makes them,
 * kdump-compressed ones, and broken ones of both.
 *
 * A test adds vCPUs, notes and segments, bends the header's fields, and writes a
 * file or changes its bytes first. Written by the formats' descriptions, with no
 * code of vmm/core. Misuse by the test aborts.
 */
#ifndef PTMM_TEST_CORE_FILE_H
#define PTMM_TEST_CORE_FILE_H

#include "walker/machine.h"

struct core_file {
	/* The header's; set before writing. 0: what QEMU writes. */
	uint16_t type, machine;
	uint8_t class_32, big_endian;
	bool xnum;		/* the number of segments is in section 0 */
	bool narrow;		/* NT_PRSTATUS as of a CPU that is not in long mode */
	bool no_qemu_notes;
	/* Where memory begins in the file is a multiple of this, plus skew. */
	size_t align, skew;

	struct core_segment *segments;
	size_t segment_count;
	uint8_t *notes;
	size_t notes_size;
	struct x86_regs vcpus[8];
	unsigned vcpu_count;
};

/* All of a whole machine: its memory, its vCPUs. */
struct core_file *core_file_of(struct machine *);
struct core_file *core_file_new(void);
void core_file_free(struct core_file *);

void core_file_vcpu(struct core_file *, const struct x86_regs *);
void core_file_note(struct core_file *, const char *name, uint32_t type, const void *desc,
		    size_t size);
/* Memory at gpa: in_file bytes of the file, zeros after them up to size. Copied. */
void core_file_load(struct core_file *, gpa_t, const void *bytes, uint64_t in_file, uint64_t size);
/* A program header that says what it likes. */
void core_file_claim(struct core_file *, gpa_t, uint64_t offset, uint64_t in_file, uint64_t size);

/* The file's bytes, to be freed. */
uint8_t *core_file_bytes(const struct core_file *, size_t *size);
/* The same memory and vCPUs as a kdump-compressed file (its pages stored plain). */
uint8_t *core_file_kdump(const struct core_file *, size_t *size);
/* Those bytes as makedumpfile's flattened stream, in pieces of `piece` bytes. */
uint8_t *core_file_flatten(const uint8_t *bytes, size_t size, size_t piece, size_t *flat_size);

/* Files in a temporary folder; the path is valid until core_file_clean(). */
const char *core_file_store(const void *bytes, size_t size);
const char *core_file_write(const struct core_file *);
void core_file_clean(void);

#endif

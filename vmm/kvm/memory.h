/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.h - a guest's RAM: one sealed memfd, mapped here and given to KVM as
 * one or two slots. Used by the VMM's other files; inspectors get the memfd.
 *
 * RAM starts at 0. What is beyond 3 GiB lies from 4 GiB on, as on a PC; the
 * hole between holds the interrupt controllers.
 */
#ifndef PTMM_KVM_MEMORY_H
#define PTMM_KVM_MEMORY_H

#include "arch/arch.h"
#include "walker/err.h"

#define MEMORY_HOLE_FIRST	0xc0000000ull
#define MEMORY_HOLE_END		0x100000000ull
#define MEMORY_MIN		(16ull << 20)

struct memory_region {
	gpa_t first;
	uint64_t size;
	uint64_t offset;	/* in the memfd */
};

struct memory {
	int fd;
	uint8_t *host;
	uint64_t size;
	unsigned region_count;
	struct memory_region region[2];
};

/* "64M", "5G", "65536K", or bytes; ERR_USAGE says what is wrong with it. */
bool memory_size_parse(const char *text, uint64_t *size, struct err *);
/* Splits `size` bytes around the hole; touches nothing but the regions. */
void memory_layout(struct memory *, uint64_t size);

bool memory_create(struct memory *, uint64_t size, struct err *);
void memory_destroy(struct memory *);
/* Tells KVM about the slots. */
bool memory_map_slots(const struct memory *, int vm_fd, struct err *);
/*
 * Makes KVM forget what it derived from a region: a KVM with shadow paging does
 * not see writes of ours to guest page tables. All vCPUs must be out of KVM_RUN.
 */
bool memory_refresh_region(const struct memory *, int vm_fd, unsigned region, struct err *);
/* The region that holds all of [gpa, gpa + size), or -1. */
int memory_region_of(const struct memory *, gpa_t, uint64_t size);

/* Host address of [gpa, gpa + size) if all of it is RAM in one piece, else NULL. */
void *memory_at(const struct memory *, gpa_t, uint64_t size);
/* A descriptor of the same memfd that cannot be mapped for writing, or -1. */
int memory_reopen_readonly(const struct memory *, struct err *);

#endif

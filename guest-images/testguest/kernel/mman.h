/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mman.h - the numbers of the memory system calls: what the kernel and the
 * guest's ring-3 programs agree on.
 */
#ifndef TESTGUEST_MMAN_H
#define TESTGUEST_MMAN_H

#include <stdint.h>

#define PROT_NONE	0u
#define PROT_READ	1u
#define PROT_WRITE	2u
#define PROT_EXEC	4u

#define MAP_SHARED	0x01u	/* of a shared-memory object */
#define MAP_PRIVATE	0x02u
#define MAP_FIXED	0x10u
#define MAP_ANONYMOUS	0x20u
#define MAP_HUGE	0x40u	/* 2 MiB pages where the range is aligned for them */

#define SHM_HUGE	0x01u	/* sys_shm_open: an object of 2 MiB pages */

/* What sys_meminfo fills in. */
struct meminfo {
	uint64_t free_pages;	/* of 4 KiB, huge ones counted 512 times */
	uint64_t limbo_tables;	/* unlinked, waiting for their grace period */
	uint64_t slab_pages;
	uint64_t slab_objects;	/* kmalloc()ed and not yet freed */
	uint64_t tables;	/* constructed and not yet destroyed */
	uint64_t poisoned;	/* frames lost to memory errors */
	uint64_t swap_used;	/* slots */
	uint64_t pgtables_bytes; /* of the caller's mm */
};

#endif

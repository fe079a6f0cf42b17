/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch.h - what a paging format is.
 *
 * This header and everything below arch/ is pure: no I/O, no allocation, no
 * libc beyond the freestanding headers. The test guest's kernel compiles the
 * same files.
 *
 * Glossary
 *   gpa    guest-physical address; gva: guest-virtual address; pfn: a gpa's
 *          frame number. Three meanings, never mixed: convert by function.
 *   table  one page table (of any level): its place, its level, its shape.
 *   entry  one word of a table, as a value read once.
 *   level  0 is the bottom (the PTE table) and levels count up: PTE 0, PMD 1,
 *          PUD 2, then PGD 3 (4-level) or P4D 3 and PGD 4 (5-level). Everywhere.
 *   leaf   an entry that maps memory: a page at level 0, a huge page above.
 *   root   the table that translation of some range of addresses starts from.
 *   space  a list of roots plus what is needed to decode their entries.
 *
 * To add an architecture
 *   1. arch/NAME/: a `struct pt_format` per paging format, as data, citing the
 *      manual's section beside every table.
 *   2. Functions for what data cannot say: entry_kind, entry_addr,
 *      entry_rights, entry_flags; child_shape only where an entry gives the
 *      geometry of the table below; scan only where the generic one is slow.
 *   3. A function from the CPU's registers to a `struct pt_space`.
 *   4. List the formats in arch/formats.c.
 *   5. A brute-force twin in tests/unit, which shares no header with arch/.
 */
#ifndef PTMM_ARCH_H
#define PTMM_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gpa_t;
typedef uint64_t gva_t;
typedef uint64_t pfn_t;

#define PT_FRAME_SHIFT 12
#define PT_FRAME_SIZE 4096u

static inline pfn_t gpa_to_pfn(gpa_t gpa)
{
	return gpa >> PT_FRAME_SHIFT;
}

static inline gpa_t pfn_to_gpa(pfn_t pfn)
{
	return pfn << PT_FRAME_SHIFT;
}

enum { PT_LEVELS_MAX = 5, PT_ROOTS_MAX = 4, PT_ENTRIES_MAX = 2048 };

/* What one entry is. Every entry of every table is exactly one of these. */
enum pt_kind {
	PT_NONE,	/* empty */
	PT_TABLE,	/* points to a table one level down */
	PT_LEAF,	/* maps a page at level 0 */
	PT_HUGE,	/* maps memory above level 0 */
	PT_PROTNONE,	/* not present for the CPU, but the kernel keeps a page here */
	PT_SWAP,	/* not present: swap slot, migration, marker: not empty */
	PT_BAD,		/* malformed: reserved bits set */
	PT_KINDS
};

/* Effective rights: each is allowed only if every level on the path allows it. */
enum pt_rights { PT_W = 1, PT_U = 2, PT_X = 4, PT_RIGHTS_ALL = 7 };

/* A table's geometry: 1 << index_bits entries of 1 << entry_lg2 bytes. */
struct pt_shape {
	uint8_t index_bits;
	uint8_t entry_lg2;
};

struct pt_level {
	const char *name;	/* Linux's: "pte" ... "pgd" */
	const char *manual;	/* the manual's: "PT", "PML4" */
	uint8_t shift;		/* one entry spans 1 << shift bytes of addresses */
	bool leaf;		/* may an entry here map memory? */
	struct pt_shape shape;
};

struct pt_decode;
struct pt_scan;

/* A paging format: data, and functions for what data cannot say. */
struct pt_format {
	const char *name;	/* "x86-64-4level" */
	uint8_t levels;
	uint8_t va_bits;
	bool va_signed;		/* addresses above the middle are sign-extended */
	bool big_endian;
	struct pt_level level[PT_LEVELS_MAX];

	enum pt_kind (*entry_kind)(const struct pt_decode *, unsigned level, uint64_t raw);
	/* Address of the table below (PT_TABLE) or of the mapped memory. */
	gpa_t (*entry_addr)(const struct pt_decode *, unsigned level, uint64_t raw);
	/* enum pt_rights that this entry alone grants. */
	unsigned (*entry_rights)(const struct pt_decode *, unsigned level, uint64_t raw);
	/* Flag names, blank-separated ("P W U A D NX"); returns buf. */
	char *(*entry_flags)(const struct pt_decode *, unsigned level, uint64_t raw,
			     char *buf, size_t size);
	/* Geometry of the table that a PT_TABLE entry points to; NULL: its level's own. */
	struct pt_shape (*child_shape)(const struct pt_decode *, unsigned level, uint64_t raw);
	/* One pass over a whole table; NULL: pt_scan_generic(). */
	void (*scan)(const struct pt_decode *, unsigned level, const void *table,
		     struct pt_scan *out);
};

/*
 * The software-bit rules of a guest's kernel for entries that the CPU takes as
 * not present. They are the kernel's, not the architecture's.
 */
struct pt_soft {
	const char *name;	/* "linux-x86" */
	/* PT_NONE, PT_PROTNONE or PT_SWAP. */
	enum pt_kind (*absent_kind)(unsigned level, uint64_t raw);
	/* The raw word as if it were present (undoes the L1TF inversion). */
	uint64_t (*protnone_raw)(unsigned level, uint64_t raw);
};

/* All that decoding an entry needs beside the entry. */
struct pt_decode {
	const struct pt_format *format;
	const struct pt_soft *soft;	/* NULL: a non-present entry is NONE (0) or SWAP */
	uint8_t maxphyaddr;		/* physical-address bits of the CPU */
	bool nx;			/* execute-disable is enabled */
	bool huge_1g;			/* the CPU has 1 GiB pages */
};

/* What one pass over a table found. bit i of a bitmap speaks of entry i. */
struct pt_scan {
	uint16_t count[PT_KINDS];
	uint64_t tables[PT_ENTRIES_MAX / 64];
	uint64_t bad[PT_ENTRIES_MAX / 64];
};

enum pt_mode { PT_MODE_KERNEL = 1, PT_MODE_USER = 2, PT_MODE_ANY = 3 };

/* Where translation of [first, last] in a CPU mode starts. */
struct pt_root {
	gpa_t gpa;
	gva_t first, last;	/* inclusive: the top of the address space must be expressible */
	uint8_t mode;		/* enum pt_mode */
};

struct pt_space {
	struct pt_decode decode;
	unsigned roots;
	struct pt_root root[PT_ROOTS_MAX];
};

/* The first root that serves va in mode, or NULL (va is not canonical). */
const struct pt_root *pt_root_for(const struct pt_space *, gva_t va, enum pt_mode mode);

bool pt_canonical(const struct pt_format *, gva_t va);
/* The canonical form of an address whose bits above va_bits are not to be trusted. */
gva_t pt_make_canonical(const struct pt_format *, gva_t va);
unsigned pt_index(const struct pt_format *, unsigned level, gva_t va);
/* Bytes that one entry of this level spans. */
uint64_t pt_span(const struct pt_format *, unsigned level);
/* Level by Linux's name ("pte"), or -1. */
int pt_level_by_name(const struct pt_format *, const char *name);

/*
 * One entry's word, in the CPU's byte order, by exactly one load: a running
 * guest may change it. `at` is aligned to the entry's size.
 */
uint64_t pt_load(const struct pt_format *, struct pt_shape, const void *at);

void pt_scan_generic(const struct pt_decode *, unsigned level, const void *table,
		     struct pt_scan *out);
/* By the format's own scan where it has one. The whole table is readable at `table`. */
static inline void pt_scan(const struct pt_decode *d, unsigned level, const void *table,
			   struct pt_scan *out)
{
	if (d->format->scan)
		d->format->scan(d, level, table, out);
	else
		pt_scan_generic(d, level, table, out);
}

/* Formats by name, for command lines; NULL-terminated. */
extern const struct pt_format *const pt_formats[];

#endif

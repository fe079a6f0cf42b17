/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - tables and entries as values: the level-indexed page-table API.
 *
 * A table is a place, a level and a shape; an entry is a word that was read
 * once, with where it stood. Neither holds a host pointer into the guest, and
 * walking changes nothing in place: pt_child() *returns* the table below.
 * Levels count up from 0, the PTE table, in every format (see arch/arch.h).
 *
 * Used by translate.c (one address), cursor.c and walk.c (ranges), and by the
 * census. One step by hand looks like this:
 *
 *	struct pt_table t = pt_root_table(space, pt_root_for(space, va, PT_MODE_ANY));
 *	struct pt_entry e;
 *
 *	if (pt_read(machine, &space->decode, t, pt_table_index(format, t, va), &e, err) &&
 *	    pt_child(&space->decode, e, &t))
 *		... t is now the table below
 *
 * Spans are inclusive [first, last]: the top of the address space has no
 * address after it.
 */
#ifndef PTMM_TABLE_H
#define PTMM_TABLE_H

#include "walker/machine.h"

struct pt_table {
	gpa_t gpa;
	uint8_t level;
	struct pt_shape shape;
};

struct pt_entry {
	uint64_t raw;
	gpa_t at;		/* where it was read */
	uint16_t index;
	uint8_t level;
};

/* The table of the format's highest level that translation starts from at a root. */
struct pt_table pt_root_table(const struct pt_space *, const struct pt_root *);

unsigned pt_table_entries(struct pt_table);
/* In bytes; may be less than a frame or more. */
uint64_t pt_table_size(struct pt_table);
gpa_t pt_entry_place(struct pt_table, unsigned index);
/*
 * Which entry serves va. Not less than pt_table_entries() where the table is
 * shorter than the slot that it hangs in: then nothing is mapped there.
 */
unsigned pt_table_index(const struct pt_format *, struct pt_table, gva_t va);
/* Is every byte of it RAM, and does it lie as entries must? */
bool pt_table_in_ram(const struct machine *, struct pt_table);

/*
 * Reads one entry. False with ERR_UNREADABLE or ERR_NOT_RAM, or ERR_USAGE for an index
 * that the table does not have.
 */
bool pt_read(struct machine *, const struct pt_decode *, struct pt_table, unsigned index,
	     struct pt_entry *, struct err *);

enum pt_kind pt_entry_kind(const struct pt_decode *, struct pt_entry);
/* Where the entry points; 0 for entries that point nowhere. */
gpa_t pt_entry_addr(const struct pt_decode *, struct pt_entry);
unsigned pt_entry_rights(const struct pt_decode *, struct pt_entry);

/* The table that an entry points to; false if the entry is no PT_TABLE. */
bool pt_child(const struct pt_decode *, struct pt_entry, struct pt_table *);

/* First and last address of the entry-sized span of this level that holds va. */
gva_t pt_entry_first(const struct pt_format *, unsigned level, gva_t va);
gva_t pt_entry_end(const struct pt_format *, unsigned level, gva_t va);
/* First address of the slot that a table hangs in (of a root: of what it spans). */
gva_t pt_table_first(const struct pt_format *, struct pt_table, gva_t va);
/* First address of a slot of a table whose first address is `table`. */
gva_t pt_slot_first(const struct pt_format *, struct pt_table, gva_t table, unsigned index);

/*
 * Moves va to the first address of the next entry of this level, over the hole
 * of addresses that are not canonical. False at the end of the address space.
 */
bool pt_next(const struct pt_format *, unsigned level, gva_t *va);

/*
 * Cuts addresses that are not canonical off both ends. False if none is left.
 * (A range may still have the hole in its middle.)
 */
bool pt_clip_canonical(const struct pt_format *, gva_t *first, gva_t *last);

const char *pt_kind_name(enum pt_kind);	/* "table", "protnone" */

#endif

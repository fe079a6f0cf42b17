/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * translate.h - one address, level by level.
 *
 * Who uses it: `ptmm walk`, kernel_to_gpa(), the checks. The result keeps apart
 * what a single "failed" would mix: nothing is mapped there; the tables are
 * broken there; the tables could not be read.
 */
#ifndef PTMM_TRANSLATE_H
#define PTMM_TRANSLATE_H

#include "walker/table/table.h"

enum pt_result {
	PT_MAPPED,		/* gpa holds */
	PT_NOT_MAPPED,		/* absent, not canonical, or no root serves it */
	PT_MALFORMED,		/* reserved bits, or a table outside RAM */
	PT_UNREADABLE,		/* a table is RAM that cannot be read */
};

struct pt_translation {
	enum pt_result result;
	bool canonical;
	gva_t gva;

	/* Of the entry where it ended; PT_NONE if none was read. */
	enum pt_kind kind;
	uint8_t level;

	/*
	 * PT_MAPPED, and PT_NOT_MAPPED with kind PT_PROTNONE (the kernel keeps a
	 * page there): where the address's byte is, and the size of the page.
	 */
	gpa_t gpa;
	uint64_t page_size;
	/* Mapped, but no RAM there: a device's registers, or a bad frame number. */
	bool outside_ram;
	unsigned rights;	/* enum pt_rights, and over the path; 0 unless PT_MAPPED */

	/* Entries read, from the root down; path[depth - 1] is where it ended. */
	unsigned depth;
	struct pt_entry path[PT_LEVELS_MAX];
	/* PT_MALFORMED by a table outside RAM, PT_UNREADABLE: that table. */
	struct pt_table table;

	const char *why;	/* static: "mapped", "reserved bits are set" ... */
};

/*
 * Translates gva as the CPU would in this mode (rights are reported, not
 * enforced). Returns t->result; never fails otherwise.
 */
enum pt_result pt_translate(struct machine *, const struct pt_space *, gva_t, enum pt_mode,
			    struct pt_translation *t);

const char *pt_result_name(enum pt_result);	/* "mapped", "not-mapped" ... */

#endif

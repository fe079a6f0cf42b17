/* SPDX-License-Identifier: GPL-2.0-only */
/* walk.h - one translation in words; shared by the text and the JSON of a walk. */
#ifndef PTMM_REPORT_WALK_H
#define PTMM_REPORT_WALK_H

#include "walker/report/report.h"
#include "walker/table/translate.h"

/* Where the table of an entry starts. */
gpa_t walk_table_of(const struct pt_format *, const struct pt_entry *);
/*
 * "init_task+0x40" for an address that a symbol covers; NULL if none does. Where
 * several do, the one that the user named.
 */
const char *walk_symbol(const struct report_space *, const gva_t *addresses, size_t index,
			char *buf, size_t size);

bool walk_write_json(FILE *, const struct report_space *, const gva_t *, size_t count, bool lines,
		     struct err *);

#endif

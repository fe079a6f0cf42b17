/* SPDX-License-Identifier: GPL-2.0-only */
/* json.h - the JSON writers, for report.c and tables.c. */
#ifndef PTMM_REPORT_JSON_H
#define PTMM_REPORT_JSON_H

#include "walker/report/report.h"

bool json_write_report(FILE *, const struct report *, bool lines, struct err *);
/* These rows of the census, in this order. */
bool json_write_tables(FILE *, const struct report *, const size_t *rows, size_t count,
		       bool lines, struct err *);

#endif

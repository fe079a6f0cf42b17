/* SPDX-License-Identifier: GPL-2.0-only */
/* text.h - what the text writers share. */
#ifndef PTMM_REPORT_TEXT_H
#define PTMM_REPORT_TEXT_H

#include "walker/report/summary.h"

/* "28 KiB", "1.7 MiB"; returns buf. */
char *text_size(uint64_t bytes, char *buf, size_t size);

bool text_write_report(FILE *, const struct report *, struct err *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c - one report, in the format that was asked for. */
#include "walker/report/json.h"
#include "walker/report/text.h"

bool report_write(FILE *to, const struct report *report, enum report_format format,
		  struct err *err)
{
	if (format == REPORT_TEXT)
		return text_write_report(to, report, err);
	return json_write_report(to, report, format == REPORT_JSONL, err);
}

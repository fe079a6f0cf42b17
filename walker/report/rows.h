/* SPDX-License-Identifier: GPL-2.0-only */
/* rows.h - the parts of a ptmm.report/1, each as one JSON value. */
#ifndef PTMM_REPORT_ROWS_H
#define PTMM_REPORT_ROWS_H

#include "walker/report/emit.h"
#include "walker/report/summary.h"

struct json_object *rows_target(struct emit *, const struct report *);
struct json_object *rows_kernel(struct emit *, const struct report *);
struct json_object *rows_vcpu(struct emit *, const struct report *, size_t vcpu);
struct json_object *rows_owner(struct emit *, const struct report *, const struct summary *,
			       uint32_t mm);
/* `owners` is a buffer that is used again from row to row. */
struct json_object *rows_table(struct emit *, const struct report *, size_t row,
			       struct owner_list *owners, struct err *);
struct json_object *rows_finding(struct emit *, const struct finding *);
struct json_object *rows_summary(struct emit *, const struct report *,
				 const struct summary *);
struct json_object *rows_timing(struct emit *, const struct report *);

#endif

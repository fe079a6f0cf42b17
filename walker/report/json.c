/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.c - a report as one JSON document, or as JSON lines.
 *
 * The document is written member by member and row by row, one row a line:
 * memory stays bounded however many tables there are, and diff shows rows.
 */
#include <stdlib.h>

#include "walker/report/json.h"
#include "walker/report/rows.h"

struct document {
	struct emit emit;
	const struct report *report;
	struct summary summary;
	struct owner_list owners;
};

typedef struct json_object *row_fn(struct document *, size_t index, struct err *);

static struct json_object *row_finding(struct document *d, size_t index, struct err *err)
{
	(void)err;
	return rows_finding(&d->emit, &d->report->findings->list[index]);
}

static struct json_object *row_owner(struct document *d, size_t index, struct err *err)
{
	(void)err;
	return rows_owner(&d->emit, d->report, &d->summary, (uint32_t)index);
}

static struct json_object *row_table(struct document *d, size_t index, struct err *err)
{
	return rows_table(&d->emit, d->report, index, &d->owners, err);
}

static struct json_object *row_vcpu(struct document *d, size_t index, struct err *err)
{
	(void)err;
	return rows_vcpu(&d->emit, d->report, index);
}

static bool write_list(struct document *d, const char *key, size_t count, row_fn *row,
		       struct err *err)
{
	fprintf(d->emit.to, "\"%s\": [%s", key, count ? "\n" : "");
	for (size_t i = 0; i < count; i++)
		if (!emit_write(&d->emit, row(d, i, err), i + 1 < count ? ",\n" : "\n", err))
			return false;
	fputs("],\n", d->emit.to);
	return emit_stream_error(d->emit.to, err);
}

static bool write_member(struct document *d, const char *key, struct json_object *value,
			 struct err *err)
{
	fprintf(d->emit.to, "\"%s\": ", key);
	return emit_write(&d->emit, value, ",\n", err);
}

static bool write_document(struct document *d, struct err *err)
{
	const struct report *report = d->report;
	struct emit *emit = &d->emit;
	bool ok;

	fputs("{\n", emit->to);
	ok = write_list(d, "findings", report->findings->count, row_finding, err) &&
	     write_member(d, "kernel", rows_kernel(emit, report), err) &&
	     write_list(d, "owners", census_mms(report->census)->mm_count, row_owner, err) &&
	     write_member(d, "schema", emit_string(emit, "ptmm.report/1"), err) &&
	     write_member(d, "summary", rows_summary(emit, report, &d->summary), err) &&
	     write_list(d, "tables", census_tables(report->census), row_table, err) &&
	     write_member(d, "target", rows_target(emit, report), err) &&
	     write_member(d, "timing", rows_timing(emit, report), err);
	if (!ok)
		return false;
	/* The last member ends the document, so it has no comma behind it. */
	fputs("\"vcpus\": [", emit->to);
	for (size_t i = 0; i < report->vcpu_count; i++) {
		fputs(i ? ",\n" : "\n", emit->to);
		if (!emit_write(emit, rows_vcpu(emit, report, i), "", err))
			return false;
	}
	fputs(report->vcpu_count ? "\n]\n}\n" : "]\n}\n", emit->to);
	return emit_stream_error(emit->to, err);
}

static struct json_object *lines_list(struct document *d, size_t count, row_fn *row,
				      struct err *err)
{
	struct json_object *array = emit_array(&d->emit);

	for (size_t i = 0; i < count; i++)
		emit_append(&d->emit, array, row(d, i, err));
	return array;
}

/* First line: what was looked at; then the tables; last line: what was found. */
static bool write_lines(struct document *d, struct err *err)
{
	const struct report *report = d->report;
	struct emit *emit = &d->emit;
	struct json_object *head = emit_object(emit), *tail;

	emit_put(emit, head, "kernel", rows_kernel(emit, report));
	emit_put(emit, head, "owners",
		 lines_list(d, census_mms(report->census)->mm_count, row_owner, err));
	emit_put(emit, head, "schema", emit_string(emit, "ptmm.report/1"));
	emit_put(emit, head, "target", rows_target(emit, report));
	emit_put(emit, head, "vcpus", lines_list(d, report->vcpu_count, row_vcpu, err));
	if (!emit_write(emit, head, "\n", err))
		return false;
	for (size_t i = 0; i < census_tables(report->census); i++)
		if (!emit_write(emit, row_table(d, i, err), "\n", err))
			return false;
	tail = emit_object(emit);
	emit_put(emit, tail, "findings",
		 lines_list(d, report->findings->count, row_finding, err));
	emit_put(emit, tail, "summary", rows_summary(emit, report, &d->summary));
	emit_put(emit, tail, "timing", rows_timing(emit, report));
	return emit_write(emit, tail, "\n", err);
}

bool json_write_report(FILE *to, const struct report *report, bool lines, struct err *err)
{
	struct document d = {
		.emit = {
			.to = to,
			.style = JSON_C_TO_STRING_NOSLASHESCAPE |
				 (lines ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_SPACED),
		},
		.report = report,
	};
	bool ok;

	if (!summary_make(&d.summary, report, err))
		return false;
	ok = lines ? write_lines(&d, err) : write_document(&d, err);
	summary_free(&d.summary);
	free(d.owners.list);
	return ok;
}

bool json_write_tables(FILE *to, const struct report *report, const size_t *rows, size_t count,
		       bool lines, struct err *err)
{
	struct emit emit = {
		.to = to,
		.style = JSON_C_TO_STRING_NOSLASHESCAPE |
			 (lines ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_SPACED),
	};
	struct owner_list owners = { 0 };
	bool ok = true;

	if (!lines)
		fprintf(to, "{\n\"schema\": \"ptmm.tables/1\",\n\"tables\": [%s",
			count ? "\n" : "");
	for (size_t i = 0; ok && i < count; i++)
		ok = emit_write(&emit, rows_table(&emit, report, rows[i], &owners, err),
				lines || i + 1 == count ? "\n" : ",\n", err);
	if (ok && !lines) {
		fputs("],\n\"target\": ", to);
		ok = emit_write(&emit, rows_target(&emit, report), "\n}\n", err);
	}
	free(owners.list);
	return ok && emit_stream_error(to, err);
}

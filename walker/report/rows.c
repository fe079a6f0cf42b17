/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rows.c - the repeated parts of a report as JSON: owners, tables, findings.
 *
 * Keys are put in ASCII order and do not depend on the guest, so that two
 * reports can be compared line by line.
 */
#include <string.h>

#include "walker/report/rows.h"

/* Every level that some kernel has; a format without one counts 0 there. */
static const char *const level_keys[] = { "p4d", "pgd", "pmd", "pte", "pud" };

/* In ASCII order, unlike enum pt_kind. */
static const struct {
	const char *key;
	enum pt_kind kind;
} kind_keys[] = {
	{ "bad", PT_BAD }, { "huge", PT_HUGE }, { "leaf", PT_LEAF }, { "none", PT_NONE },
	{ "protnone", PT_PROTNONE }, { "swap", PT_SWAP }, { "table", PT_TABLE },
};

static const struct pt_format *report_format_of(const struct report *report)
{
	return kernel_space(report->kernel)->decode.format;
}

static const char *mm_kind_name(enum mm_kind kind)
{
	switch (kind) {
	case MM_USER:
		return "user";
	case MM_INIT:
		return "init_mm";
	case MM_KERNEL:
		return "kernel";
	case MM_TASKLESS:
		return "taskless";
	}
	return "unknown";
}

static struct json_object *rows_tasks(struct emit *emit, const struct kernel_mms *mms,
				      const struct mm *mm)
{
	struct json_object *array = emit_array(emit);

	for (uint32_t i = 0; i < mm->task_count; i++) {
		const struct task *task = &mms->tasks[mms->tasks_of[mm->first_task + i]];
		struct json_object *o = emit_object(emit);

		emit_put(emit, o, "comm", emit_string(emit, task->comm));
		emit_put(emit, o, "pid", emit_int(emit, task->pid));
		emit_put(emit, o, "tgid", emit_int(emit, task->tgid));
		emit_append(emit, array, o);
	}
	return array;
}

struct json_object *rows_owner(struct emit *emit, const struct report *report,
			       const struct summary *summary, uint32_t index)
{
	const struct kernel_mms *mms = census_mms(report->census);
	const struct pt_format *format = report_format_of(report);
	const struct mm *mm = &mms->mms[index];
	struct json_object *o = emit_object(emit);
	struct json_object *bytes = emit_object(emit), *tables = emit_object(emit);

	for (size_t i = 0; i < sizeof(level_keys) / sizeof(level_keys[0]); i++) {
		int level = pt_level_by_name(format, level_keys[i]);
		uint64_t n = level < 0 ? 0 : summary->owners[index].tables[level];

		emit_put(emit, tables, level_keys[i], emit_count(emit, n));
	}
	emit_put(emit, bytes, "counted",
		 emit_count(emit, census_pgtables_bytes(report->census, index)));
	emit_put(emit, bytes, "recorded", emit_int(emit, mm->pgtables_bytes));
	emit_put(emit, o, "kind", emit_string(emit, mm_kind_name(mm->kind)));
	emit_put(emit, o, "mm", emit_hex(emit, mm->at));
	emit_put(emit, o, "name", mm->name ? emit_string(emit, mm->name) : NULL);
	emit_put(emit, o, "pgd", emit_hex(emit, mm->pgd));
	emit_put(emit, o, "pgtables_bytes", bytes);
	emit_put(emit, o, "tables", tables);
	emit_put(emit, o, "tasks", rows_tasks(emit, mms, mm));
	return o;
}

static const char *page_type_name(enum page_type type)
{
	switch (type) {
	case PAGE_TYPE_NONE:
		return "none";
	case PAGE_TYPE_TABLE:
		return "table";
	case PAGE_TYPE_BUDDY:
		return "buddy";
	case PAGE_TYPE_SLAB:
		return "slab";
	case PAGE_TYPE_OTHER:
		return "other";
	}
	return "unknown";
}

static struct json_object *rows_page(struct emit *emit, const struct kernel *kernel,
				     const struct page_facts *page)
{
	struct json_object *o;
	char flags[512];

	if (!page)
		return NULL;
	o = emit_object(emit);
	kernel_page_flags(kernel, page->flags, flags, sizeof(flags));
	emit_put(emit, o, "flags", emit_words(emit, flags));
	emit_put(emit, o, "refcount", emit_int(emit, page->refcount));
	emit_put(emit, o, "type", emit_string(emit, page_type_name(page->type)));
	return o;
}

struct json_object *rows_table(struct emit *emit, const struct report *report, size_t index,
			       struct owner_list *owners, struct err *err)
{
	const struct pt_format *format = report_format_of(report);
	const struct kernel_mms *mms = census_mms(report->census);
	struct json_object *o, *entries, *list;
	const struct pt_level *level;
	struct census_row row, parent;

	if (!owner_list_fill(owners, report->census, index, err))
		return NULL;
	census_row(report->census, index, &row);
	level = &format->level[row.level];
	o = emit_object(emit);
	entries = emit_object(emit);
	list = emit_array(emit);
	for (size_t i = 0; i < sizeof(kind_keys) / sizeof(kind_keys[0]); i++)
		emit_put(emit, entries, kind_keys[i].key,
			 emit_count(emit, row.entries[kind_keys[i].kind]));
	for (size_t i = 0; i < owners->count; i++)
		emit_append(emit, list, emit_hex(emit, mms->mms[owners->list[i]].at));

	emit_put(emit, o, "entries", entries);
	emit_put(emit, o, "level", emit_string(emit, level->name));
	emit_put(emit, o, "links", emit_count(emit, row.links));
	emit_put(emit, o, "owner",
		 row.owner < 0 ? NULL : emit_hex(emit, mms->mms[row.owner].at));
	emit_put(emit, o, "owners", list);
	emit_put(emit, o, "page", rows_page(emit, report->kernel, row.page));
	if (row.parent >= 0) {
		census_row(report->census, (size_t)row.parent, &parent);
		emit_put(emit, o, "parent", emit_hex(emit, parent.pfn));
	} else {
		emit_null(emit, o, "parent");
	}
	emit_put(emit, o, "pfn", emit_hex(emit, row.pfn));
	emit_put(emit, o, "recorded", row.page ? emit_hex(emit, row.page->recorded) : NULL);
	emit_put(emit, o, "slot", row.parent < 0 ? NULL : emit_count(emit, row.slot));
	emit_put(emit, o, "span",
		 emit_count(emit, 1ull << (level->shift + level->shape.index_bits)));
	/* Nothing leads to these, so nothing says where they would be. */
	if (row.verdict == VERDICT_ORPHAN || row.verdict == VERDICT_DEPOSITED)
		emit_null(emit, o, "va");
	else
		emit_put(emit, o, "va", emit_hex(emit, row.va));
	emit_put(emit, o, "verdict", emit_string(emit, verdict_name(row.verdict)));
	emit_put(emit, o, "why", row.why ? emit_string(emit, row.why) : NULL);
	return o;
}

struct json_object *rows_finding(struct emit *emit, const struct finding *finding)
{
	struct json_object *o = emit_object(emit);

	emit_put(emit, o, "check", emit_string(emit, finding->check));
	emit_put(emit, o, "message", emit_string(emit, finding->message));
	emit_put(emit, o, "mm", finding->has_mm ? emit_hex(emit, finding->mm) : NULL);
	emit_put(emit, o, "pfn", finding->has_pfn ? emit_hex(emit, finding->pfn) : NULL);
	emit_put(emit, o, "severity", emit_string(emit, severity_name(finding->severity)));
	emit_put(emit, o, "va", finding->has_va ? emit_hex(emit, finding->va) : NULL);
	return o;
}

/* Verdict names in ASCII order: their enum has the order of judgement. */
static void verdicts_sorted(enum verdict sorted[VERDICTS])
{
	for (unsigned i = 0; i < VERDICTS; i++) {
		unsigned j = i;

		for (; j && strcmp(verdict_name(sorted[j - 1]), verdict_name((enum verdict)i)) > 0;
		     j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = (enum verdict)i;
	}
}

struct json_object *rows_summary(struct emit *emit, const struct report *report,
				 const struct summary *summary)
{
	const struct pt_format *format = report_format_of(report);
	const char *incomplete = census_incomplete(report->census);
	struct json_object *o = emit_object(emit), *levels = emit_object(emit);
	struct json_object *verdicts = emit_object(emit), *findings = emit_object(emit);
	enum verdict sorted[VERDICTS];

	verdicts_sorted(sorted);
	for (size_t i = 0; i < sizeof(level_keys) / sizeof(level_keys[0]); i++) {
		int level = pt_level_by_name(format, level_keys[i]);

		emit_put(emit, levels, level_keys[i],
			 emit_count(emit, level < 0 ? 0 : summary->by_level[level]));
	}
	for (unsigned i = 0; i < VERDICTS; i++)
		emit_put(emit, verdicts, verdict_name(sorted[i]),
			 emit_count(emit, summary->by_verdict[sorted[i]]));
	emit_put(emit, findings, "dropped", emit_count(emit, report->findings->dropped));
	emit_put(emit, findings, "error", emit_count(emit, summary->by_severity[SEVERITY_ERROR]));
	emit_put(emit, findings, "note", emit_count(emit, summary->by_severity[SEVERITY_NOTE]));
	emit_put(emit, findings, "warning",
		 emit_count(emit, summary->by_severity[SEVERITY_WARNING]));
	emit_put(emit, o, "by_level", levels);
	emit_put(emit, o, "by_verdict", verdicts);
	emit_put(emit, o, "findings", findings);
	emit_put(emit, o, "incomplete", incomplete ? emit_string(emit, incomplete) : NULL);
	emit_put(emit, o, "tables", emit_count(emit, summary->tables));
	return o;
}

struct json_object *rows_timing(struct emit *emit, const struct report *report)
{
	struct json_object *o = emit_object(emit);

	emit_put(emit, o, "census_seconds", emit_seconds(emit, report->timing.census_seconds));
	emit_put(emit, o, "check_seconds", emit_seconds(emit, report->timing.check_seconds));
	emit_put(emit, o, "open_seconds", emit_seconds(emit, report->timing.open_seconds));
	return o;
}

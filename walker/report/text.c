/* SPDX-License-Identifier: GPL-2.0-only */
/* text.c - a report for people: address spaces, totals, findings. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/report/emit.h"
#include "walker/report/text.h"

enum { FINDINGS_MAX = 40 };

/* A column holds the longest pid, the longest comm. */
enum { PID_WIDTH = 7, COMM_WIDTH = 16 };

char *text_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned unit = 0;
	double value = (double)bytes;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	if (value < 10 && value != (double)(unsigned)value)
		snprintf(buf, size, "%.1f %s", value, units[unit]);
	else
		snprintf(buf, size, "%.0f %s", value, units[unit]);
	return buf;
}

/* The target's name without its kind: "demo" of "kvm:demo". */
static const char *text_target(const struct machine *machine)
{
	const char *colon = strchr(machine->uri, ':');

	return colon ? colon + 1 : machine->uri;
}

/* Where an address space stands in the list: users by pid, the kernel last. */
struct line {
	uint32_t mm;
	int rank;
	int64_t key;
};

static int line_compare(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->mm < b->mm ? -1 : a->mm > b->mm;
}

static struct line line_of(const struct kernel_mms *mms, uint32_t index)
{
	const struct mm *mm = &mms->mms[index];
	struct line line = { .mm = index };

	if (mm->kind == MM_INIT)
		line.rank = 3;
	else if (mm->kind == MM_KERNEL)
		line.rank = 2;
	else if (!mm->task_count)
		line.rank = 1;
	else
		line.key = mms->tasks[mms->tasks_of[mm->first_task]].tgid;
	return line;
}

static void print_who(FILE *to, const struct kernel_mms *mms, const struct mm *mm)
{
	char name[40];

	if (mm->kind == MM_INIT)
		snprintf(name, sizeof(name), "[kernel]");
	else if (mm->name)
		snprintf(name, sizeof(name), "[%s]", mm->name);
	else
		snprintf(name, sizeof(name), "[no task]");
	if (!mm->name && mm->kind != MM_INIT && mm->task_count) {
		const struct task *task = &mms->tasks[mms->tasks_of[mm->first_task]];

		fprintf(to, "%*d  %-*s", PID_WIDTH, task->tgid, COMM_WIDTH, task->comm);
	} else {
		fprintf(to, "%*s  %-*s", PID_WIDTH, "-", COMM_WIDTH, name);
	}
}

/* The mm's own book against the count; some bytes may stand in another mm's book. */
static void print_books(FILE *to, const struct report *report, uint32_t index)
{
	const struct mm *mm = &census_mms(report->census)->mms[index];
	uint64_t counted = census_pgtables_bytes(report->census, index);
	uint64_t low = counted - census_disputed_bytes(report->census, index);
	uint64_t book = (uint64_t)mm->pgtables_bytes;
	char text[64];

	if (mm->kind != MM_USER)
		snprintf(text, sizeof(text), "-");
	else if (mm->pgtables_bytes >= 0 && book >= low && book <= counted)
		snprintf(text, sizeof(text), "%" PRId64 " ok", mm->pgtables_bytes);
	else if (!census_mm_settled(report->census, index))
		snprintf(text, sizeof(text), "%" PRId64 " in flight", mm->pgtables_bytes);
	else
		snprintf(text, sizeof(text), "%" PRId64 ", counted %" PRIu64,
			 mm->pgtables_bytes, counted);
	fprintf(to, "  %-15s", text);
}

/* "all", or what does not plainly agree. */
static void print_agreement(FILE *to, const struct report *report, const struct summary *summary,
			    uint32_t index)
{
	const struct kernel_mms *mms = census_mms(report->census);
	const struct owner_summary *owner = &summary->owners[index];
	enum mm_kind kind = mms->mms[index].kind;
	const char *blank = "";
	char label[64];

	for (unsigned v = 0; v < VERDICTS; v++) {
		if (!owner->by_verdict[v] || v == VERDICT_MATCH || v == VERDICT_KERNEL ||
		    v == VERDICT_PTI_USER)
			continue;
		fprintf(to, "%s%u %s", blank, owner->by_verdict[v],
			verdict_name((enum verdict)v));
		blank = ", ";
		if (v == VERDICT_SHARED && owner->shared_with >= 0) {
			report_mm_label(mms, (uint32_t)owner->shared_with, label, sizeof(label));
			/* "pid 12 share-b": the comm is in that process's own line. */
			if (!strncmp(label, "pid ", 4))
				label[4 + strcspn(label + 4, " ")] = '\0';
			fprintf(to, " with %s", label);
			if (owner->sharers > 1)
				fprintf(to, " and %zu more", owner->sharers - 1);
		}
	}
	if (!*blank)
		fputs(kind == MM_INIT || kind == MM_KERNEL || !owner->total ? "-" : "all", to);
	fputc('\n', to);
}

static bool print_owners(FILE *to, const struct report *report, const struct summary *summary,
			 struct err *err)
{
	const struct pt_format *format = kernel_space(report->kernel)->decode.format;
	const struct kernel_mms *mms = census_mms(report->census);
	struct line *lines = calloc(mms->mm_count + 1ul, sizeof(*lines));
	size_t count = mms->mm_count, shown = count;
	char size[16];

	if (!lines)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for %zu owners", count);
	for (uint32_t i = 0; i < mms->mm_count; i++)
		lines[i] = line_of(mms, i);
	qsort(lines, count, sizeof(*lines), line_compare);
	if (report->owners_max && count > report->owners_max)
		shown = report->owners_max;

	fprintf(to, "%*s  %-*s", PID_WIDTH, "PID", COMM_WIDTH, "COMM");
	for (unsigned level = 0; level < format->levels; level++) {
		char head[8];
		size_t n = 0;

		for (; format->level[level].name[n] && n < sizeof(head) - 1; n++)
			head[n] = (char)toupper((unsigned char)format->level[level].name[n]);
		head[n] = '\0';
		fprintf(to, "%6s", head);
	}
	fprintf(to, "  %8s  %-15s  OWNERS AGREE\n", "TABLES", "pgtables_bytes");
	for (size_t i = 0; i < shown; i++) {
		/* The last place is the kernel's, whatever had to be left out. */
		uint32_t index = lines[i + 1 == shown ? count - 1 : i].mm;
		const struct owner_summary *owner = &summary->owners[index];

		print_who(to, mms, &mms->mms[index]);
		for (unsigned level = 0; level < format->levels; level++)
			fprintf(to, "%6u", owner->tables[level]);
		fprintf(to, "  %8s", text_size((uint64_t)owner->total * PT_FRAME_SIZE, size,
					       sizeof(size)));
		print_books(to, report, index);
		fputs("  ", to);
		print_agreement(to, report, summary, index);
	}
	if (shown < count)
		fprintf(to, "%*s  … and %zu more; --all lists them\n", PID_WIDTH, "",
			count - shown);
	free(lines);
	return true;
}

/* "pte pmd (40 of 41) pgd": the levels of an inference, high ones last. */
static void print_levels(FILE *to, const struct report *report, const char *what,
			 const struct level_agreement *list, size_t count)
{
	const struct pt_format *format = kernel_space(report->kernel)->decode.format;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (!list[i].holds)
			continue;
		if (!any)
			fprintf(to, "; %s at", what);
		any = true;
		fprintf(to, " %s", format->level[list[i].level].name);
		if (list[i].agree != list[i].total)
			fprintf(to, " (%u of %u)", list[i].agree, list[i].total);
	}
	if (!any)
		fprintf(to, "; %s nowhere", what);
	for (size_t i = 0; i < count; i++)
		if (!list[i].holds && list[i].agree)
			fprintf(to, ", not at %s (%u of %u)",
				format->level[list[i].level].name, list[i].agree, list[i].total);
}

static void print_head(FILE *to, const struct report *report, const struct summary *summary)
{
	const struct machine *machine = kernel_machine(report->kernel);
	uint64_t unreadable = machine_unreadable(machine);
	const struct level_agreement *list;
	char size[16];
	size_t count;

	fprintf(to, "%s: %s, %s, %s, %u vCPU%s, ", text_target(machine),
		kernel_release(report->kernel),
		kernel_space(report->kernel)->decode.format->levels == 5 ? "5-level" : "4-level",
		text_size(machine_memory(machine), size, sizeof(size)), machine->vcpus,
		machine->vcpus == 1 ? "" : "s");
	if (machine->frozen)
		fprintf(to, "%s\n", report->consistency.mode);
	else if (strcmp(report->consistency.mode, "live"))
		fprintf(to, "%s %.1f ms\n", report->consistency.mode,
			report->consistency.pause_seconds * 1e3);
	else
		fputs("live: the guest ran on, rows may be torn\n", to);
	if (unreadable)
		fprintf(to, "%" PRIu64 " frame%s of RAM cannot be read\n", unreadable,
			unreadable == 1 ? "" : "s");
	fprintf(to, "%zu table pages (%s) in %zu address space%s and the kernel",
		summary->tables,
		text_size((uint64_t)summary->tables * PT_FRAME_SIZE, size, sizeof(size)),
		summary->spaces, summary->spaces == 1 ? "" : "s");
	list = census_recorded_at(report->census, &count);
	print_levels(to, report, "pt_mm recorded", list, count);
	list = census_typed_at(report->census, &count);
	print_levels(to, report, "typed", list, count);
	fputs("\n\n", to);
}

static void print_verdicts(FILE *to, const struct summary *summary)
{
	bool done[VERDICTS] = { false };
	const char *blank = "";

	for (;;) {
		unsigned best = VERDICTS;

		for (unsigned v = 0; v < VERDICTS; v++)
			if (!done[v] && summary->by_verdict[v] &&
			    (best == VERDICTS ||
			     summary->by_verdict[v] > summary->by_verdict[best]))
				best = v;
		if (best == VERDICTS)
			break;
		done[best] = true;
		fprintf(to, "%s%zu %s", blank, summary->by_verdict[best],
			verdict_name((enum verdict)best));
		blank = ", ";
	}
	fputs(*blank ? "; nothing else." : "No table pages.", to);
}

static void print_findings(FILE *to, const struct findings *findings)
{
	size_t shown = findings->count < FINDINGS_MAX ? findings->count : FINDINGS_MAX;
	size_t hidden = findings->count - shown + findings->dropped;

	if (!findings->count && !findings->dropped) {
		fputs(" No findings.\n", to);
		return;
	}
	fprintf(to, "\n%zu finding%s:\n", findings->count + findings->dropped,
		findings->count + findings->dropped == 1 ? "" : "s");
	for (size_t i = 0; i < shown; i++) {
		const struct finding *f = &findings->list[i];

		fprintf(to, "  %-8s %s: %s\n", severity_name(f->severity), f->check, f->message);
	}
	if (hidden)
		fprintf(to, "  … and %zu more\n", hidden);
}

bool text_write_report(FILE *to, const struct report *report, struct err *err)
{
	const char *incomplete = census_incomplete(report->census);
	struct summary summary;
	bool ok;

	if (!summary_make(&summary, report, err))
		return false;
	print_head(to, report, &summary);
	ok = print_owners(to, report, &summary, err);
	if (ok) {
		if (summary.ownerless)
			fprintf(to, "%zu table page%s without an owner\n", summary.ownerless,
				summary.ownerless == 1 ? "" : "s");
		print_verdicts(to, &summary);
		print_findings(to, report->findings);
		if (incomplete)
			fprintf(to, "Incomplete: %s\n", incomplete);
	}
	summary_free(&summary);
	return ok && emit_stream_error(to, err);
}

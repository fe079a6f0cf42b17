/* SPDX-License-Identifier: GPL-2.0-only */
/* walk.c - addresses of one space, level by level, as text. */
#include <inttypes.h>

#include "walker/report/emit.h"
#include "walker/report/text.h"
#include "walker/report/walk.h"

gpa_t walk_table_of(const struct pt_format *format, const struct pt_entry *entry)
{
	return entry->at - ((gpa_t)entry->index << format->level[entry->level].shape.entry_lg2);
}

const char *walk_symbol(const struct report_space *space, const gva_t *addresses, size_t index,
			char *buf, size_t size)
{
	uint64_t offset = 0;
	const char *name = space->symbols ? space->symbols[index] : NULL;

	if (!name && space->kernel)
		name = profile_symbol_at(kernel_profile(space->kernel), addresses[index], &offset);
	if (!name)
		return NULL;
	if (offset)
		snprintf(buf, size, "%s+0x%" PRIx64, name, offset);
	else
		snprintf(buf, size, "%s", name);
	return buf;
}

static void print_level(FILE *to, const struct pt_decode *decode, const struct pt_entry *entry)
{
	char flags[80], table[24], at[24];

	snprintf(table, sizeof(table), "0x%" PRIx64, walk_table_of(decode->format, entry));
	snprintf(at, sizeof(at), "0x%" PRIx64, entry->at);
	decode->format->entry_flags(decode, entry->level, entry->raw, flags, sizeof(flags));
	fprintf(to, "%-5s  %-11s  %5u  %-11s  0x%016" PRIx64 "  ",
		decode->format->level[entry->level].name, table, entry->index, at, entry->raw);
	fprintf(to, *flags ? "%-8s  %s\n" : "%s%s\n",
		pt_kind_name(pt_entry_kind(decode, *entry)), flags);
}

static void print_result(FILE *to, const struct report_space *space, const char *name,
			 const struct pt_translation *t)
{
	const char *level = space->space->decode.format->level[t->level].name;
	char size[16];

	fprintf(to, "gva 0x%" PRIx64, t->gva);
	if (name)
		fprintf(to, " (%s)", name);
	switch (t->result) {
	case PT_MAPPED:
		fprintf(to, " -> gpa 0x%" PRIx64 ", %s, r%c%c, %s%s\n", t->gpa,
			text_size(t->page_size, size, sizeof(size)),
			t->rights & PT_W ? 'w' : '-', t->rights & PT_X ? 'x' : '-',
			t->rights & PT_U ? "user" : "kernel",
			t->outside_ram ? ", outside RAM" : "");
		break;
	case PT_NOT_MAPPED:
		fprintf(to, " is not mapped: %s: %s", level, t->why);
		if (t->kind == PT_PROTNONE)
			fprintf(to, ", gpa 0x%" PRIx64 ", %s", t->gpa,
				text_size(t->page_size, size, sizeof(size)));
		fputc('\n', to);
		break;
	case PT_MALFORMED:
	case PT_UNREADABLE:
		fprintf(to, " is %s: %s table 0x%" PRIx64 ": %s\n", pt_result_name(t->result),
			level, t->table.gpa, t->why);
		break;
	}
}

static void print_space(FILE *to, const struct report_space *space)
{
	if (space->task)
		fprintf(to, "pid %d %s", space->task->pid, space->task->comm);
	else
		fprintf(to, "%s", space->name);
	if (space->mm)
		fprintf(to, ", mm 0x%" PRIx64, space->mm);
	fputc('\n', to);
}

static bool walk_write_text(FILE *to, const struct report_space *space, const gva_t *addresses,
			    size_t count, struct err *err)
{
	print_space(to, space);
	for (size_t i = 0; i < count; i++) {
		struct pt_translation t;
		char symbol[160];

		pt_translate(space->machine, space->space, addresses[i],
			     space->mode, &t);
		if (i)
			fputc('\n', to);
		fprintf(to, "%-5s  %-11s  %5s  %-11s  %-18s  KIND\n", "LEVEL", "TABLE", "INDEX",
			"ENTRY AT", "VALUE");
		for (unsigned level = 0; level < t.depth; level++)
			print_level(to, &space->space->decode, &t.path[level]);
		print_result(to, space,
			     walk_symbol(space, addresses, i, symbol, sizeof(symbol)), &t);
	}
	return emit_stream_error(to, err);
}

bool report_walk(FILE *to, const struct report_space *space, const gva_t *addresses,
		 size_t count, enum report_format format, struct err *err)
{
	if (format == REPORT_TEXT)
		return walk_write_text(to, space, addresses, count, err);
	return walk_write_json(to, space, addresses, count, format == REPORT_JSONL, err);
}

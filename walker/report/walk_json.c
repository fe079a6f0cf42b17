/* SPDX-License-Identifier: GPL-2.0-only */
/* walk_json.c - addresses of one space, level by level, as ptmm.walk/1. */
#include "walker/report/emit.h"
#include "walker/report/walk.h"

static struct json_object *walk_entry(struct emit *emit, const struct pt_decode *decode,
				      const struct pt_entry *entry)
{
	const struct pt_format *format = decode->format;
	struct json_object *o = emit_object(emit);
	char flags[80];

	format->entry_flags(decode, entry->level, entry->raw, flags, sizeof(flags));
	emit_put(emit, o, "entry_at", emit_hex(emit, entry->at));
	emit_put(emit, o, "flags", emit_words(emit, flags));
	emit_put(emit, o, "index", emit_count(emit, entry->index));
	emit_put(emit, o, "kind", emit_string(emit, pt_kind_name(pt_entry_kind(decode, *entry))));
	emit_put(emit, o, "level", emit_string(emit, format->level[entry->level].name));
	emit_put(emit, o, "table", emit_hex(emit, walk_table_of(format, entry)));
	emit_put(emit, o, "value", emit_hex(emit, entry->raw));
	return o;
}

static struct json_object *walk_rights(struct emit *emit, unsigned rights)
{
	struct json_object *o = emit_object(emit);

	emit_put(emit, o, "execute", emit_bool(emit, rights & PT_X));
	emit_put(emit, o, "user", emit_bool(emit, rights & PT_U));
	emit_put(emit, o, "write", emit_bool(emit, rights & PT_W));
	return o;
}

static struct json_object *walk_address(struct emit *emit, const struct report_space *space,
					const gva_t *addresses, size_t index)
{
	const struct pt_decode *decode = &space->space->decode;
	struct json_object *o = emit_object(emit), *levels = emit_array(emit);
	char symbol[160];
	const char *name = walk_symbol(space, addresses, index, symbol, sizeof(symbol));
	struct pt_translation t;
	bool page, broken;

	pt_translate(space->machine, space->space, addresses[index],
		     space->mode, &t);
	page = t.result == PT_MAPPED || t.kind == PT_PROTNONE;
	broken = t.result == PT_MALFORMED || t.result == PT_UNREADABLE;
	for (unsigned i = 0; i < t.depth; i++)
		emit_append(emit, levels, walk_entry(emit, decode, &t.path[i]));
	emit_put(emit, o, "bad_table", broken ? emit_hex(emit, t.table.gpa) : NULL);
	emit_put(emit, o, "gpa", page ? emit_hex(emit, t.gpa) : NULL);
	emit_put(emit, o, "gva", emit_hex(emit, addresses[index]));
	emit_put(emit, o, "level", emit_string(emit, decode->format->level[t.level].name));
	emit_put(emit, o, "levels", levels);
	emit_put(emit, o, "outside_ram", emit_bool(emit, page && t.outside_ram));
	emit_put(emit, o, "page_size", page ? emit_count(emit, t.page_size) : NULL);
	emit_put(emit, o, "result", emit_string(emit, pt_result_name(t.result)));
	emit_put(emit, o, "rights", walk_rights(emit, t.rights));
	emit_put(emit, o, "symbol", name ? emit_string(emit, name) : NULL);
	emit_put(emit, o, "why", emit_string(emit, t.why));
	return o;
}

static struct json_object *walk_space(struct emit *emit, const struct report_space *space)
{
	struct json_object *o = emit_object(emit);
	const struct task *task = space->task;

	emit_put(emit, o, "comm", task ? emit_string(emit, task->comm) : NULL);
	emit_put(emit, o, "mm", space->mm ? emit_hex(emit, space->mm) : NULL);
	emit_put(emit, o, "name", space->name ? emit_string(emit, space->name) : NULL);
	emit_put(emit, o, "pid", task ? emit_int(emit, task->pid) : NULL);
	emit_put(emit, o, "root", emit_hex(emit, space->space->root[0].gpa));
	return o;
}

bool walk_write_json(FILE *to, const struct report_space *space, const gva_t *addresses,
		     size_t count, bool lines, struct err *err)
{
	struct emit emit = {
		.to = to,
		.style = JSON_C_TO_STRING_NOSLASHESCAPE |
			 (lines ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_SPACED),
	};

	if (!lines) {
		fputs("{\n\"schema\": \"ptmm.walk/1\",\n\"space\": ", to);
		if (!emit_write(&emit, walk_space(&emit, space), ",\n\"walks\": [\n", err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!emit_write(&emit, walk_address(&emit, space, addresses, i),
				lines || i + 1 == count ? "\n" : ",\n", err))
			return false;
	if (!lines)
		fputs("]\n}\n", to);
	return emit_stream_error(to, err);
}

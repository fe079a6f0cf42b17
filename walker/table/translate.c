// SPDX-License-Identifier: GPL-2.0-only
#include "walker/table/translate.h"

static enum pt_result end(struct pt_translation *t, enum pt_result result, const char *why)
{
	t->result = result;
	t->why = why;
	if (result != PT_MAPPED)
		t->rights = 0;
	return result;
}

/* The page that the last entry of the path stands for. */
static void set_page(struct machine *m, const struct pt_decode *d, struct pt_translation *t,
		     struct pt_entry entry)
{
	t->page_size = pt_span(d->format, entry.level);
	t->gpa = pt_entry_addr(d, entry) + (t->gva & (t->page_size - 1));
	t->outside_ram = !machine_has_frame(m, gpa_to_pfn(t->gpa));
}

enum pt_result pt_translate(struct machine *m, const struct pt_space *s, gva_t gva,
			    enum pt_mode mode, struct pt_translation *t)
{
	const struct pt_decode *d = &s->decode;
	const struct pt_root *root = pt_root_for(s, gva, mode);
	struct pt_table table;

	*t = (struct pt_translation) {
		.gva = gva,
		.kind = PT_NONE,
		.canonical = pt_canonical(d->format, gva),
		.rights = PT_RIGHTS_ALL,
	};
	if (!root)
		return end(t, PT_NOT_MAPPED, t->canonical ?
			   "no root serves this address in this mode" :
			   "the address is not canonical");

	/* Every turn goes one level down, so there are at most PT_LEVELS_MAX. */
	for (table = pt_root_table(s, root); ; ) {
		struct pt_entry entry;
		struct err e;
		unsigned index = pt_table_index(d->format, table, gva);

		/* Only the code is looked at; clearing the text would cost more than the read. */
		e.code = ERR_UNREADABLE;
		t->table = table;
		t->level = table.level;
		if (index >= pt_table_entries(table)) {
			t->kind = PT_NONE;
			return end(t, PT_NOT_MAPPED, "the table ends before this address");
		}
		if (!pt_read(m, d, table, index, &entry, &e)) {
			if (e.code == ERR_NOT_RAM)
				return end(t, PT_MALFORMED, t->depth ?
					   "the table is outside RAM" :
					   "the root table is outside RAM");
			return end(t, PT_UNREADABLE, "the table cannot be read");
		}
		t->path[t->depth++] = entry;
		t->kind = pt_entry_kind(d, entry);
		t->rights &= pt_entry_rights(d, entry);

		switch (t->kind) {
		case PT_TABLE:
			if (!pt_child(d, entry, &table))
				return end(t, PT_MALFORMED, "a table below the bottom level");
			continue;
		case PT_LEAF:
		case PT_HUGE:
			set_page(m, d, t, entry);
			return end(t, PT_MAPPED, t->outside_ram ?
				   "mapped, outside RAM" : "mapped");
		case PT_PROTNONE:
			set_page(m, d, t, entry);
			return end(t, PT_NOT_MAPPED, "no access is allowed (PROT_NONE)");
		case PT_SWAP:
			return end(t, PT_NOT_MAPPED, "not present: swapped, migrating or marked");
		case PT_NONE:
			return end(t, PT_NOT_MAPPED, "the entry is empty");
		default:
			return end(t, PT_MALFORMED, "reserved bits are set");
		}
	}
}

const char *pt_result_name(enum pt_result result)
{
	switch (result) {
	case PT_MAPPED:
		return "mapped";
	case PT_NOT_MAPPED:
		return "not-mapped";
	case PT_MALFORMED:
		return "malformed";
	case PT_UNREADABLE:
		return "unreadable";
	}
	return "unknown";
}

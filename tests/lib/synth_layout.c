// SPDX-License-Identifier: GPL-2.0-only
/*
 * synth_layout.c - struct layouts as a table, and BTF made from it.
 *
 * The members are Linux's, their places are not. Anonymous structs and unions,
 * typedefs of unnamed structs, arrays and bit-fields appear as they do there.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/synth_layout.h"

/* Which kernels have a member: 0: all. */
enum {
	IF_PGTY = 1, IF_OLD = 2, IF_SHARE_APART = 4, IF_SHARE_IN_WORD = 8, IF_THREADS = 16,
	IF_LIST = 32, IF_TREE = 64,	/* how an mm keeps its VMAs */
	IF_ONE_LOCK = 128,
};

enum { MEMBERS_MAX = 16 };

struct layout_member {
	const char *name;	/* "": anonymous */
	const char *type;	/* a base type or a layout before this one */
	uint32_t offset;
	uint32_t elements;	/* of an array, else 0 */
	uint8_t bit_offset, bit_size;
	uint8_t only;
};

enum layout_kind { STRUCT, UNION, UNNAMED_STRUCT, UNNAMED_UNION, TYPEDEF };

struct layout {
	const char *label;	/* its name, or what the table calls an unnamed one */
	enum layout_kind kind;
	uint32_t size;
	/* Of a TYPEDEF: [0].type is what it names. */
	struct layout_member members[MEMBERS_MAX];
};

struct base_type {
	const char *label, *name;
	uint32_t size;
	int encoding;
};

static const struct base_type bases[] = {
	{ "char", "char", 1, BTF_INT_CHAR },
	{ "s32", "int", 4, BTF_INT_SIGNED },
	{ "u32", "unsigned int", 4, 0 },
	{ "s64", "long", 8, BTF_INT_SIGNED },
	{ "u64", "unsigned long", 8, 0 },
};

/* Designated, so that what is not named is zero without a warning. */
#define M(member, its_type, at, ...) \
	{ .name = (member), .type = (its_type), .offset = (at), __VA_ARGS__ }

static const struct layout layouts[] = {
	{ "list_head", STRUCT, 16, { M("next", "ptr", 0), M("prev", "ptr", 8) } },
	{ "<atomic>", UNNAMED_STRUCT, 4, { M("counter", "s32", 0) } },
	{ "atomic_t", TYPEDEF, 4, { M("", "<atomic>", 0) } },
	{ "<atomic64>", UNNAMED_STRUCT, 8, { M("counter", "s64", 0) } },
	{ "atomic_long_t", TYPEDEF, 8, { M("", "<atomic64>", 0) } },
	{ "spinlock", STRUCT, 4, { M("val", "atomic_t", 0) } },
	{ "spinlock_t", TYPEDEF, 4, { M("", "spinlock", 0) } },
	{ "rw_semaphore", STRUCT, 16, { M("count", "atomic_long_t", 0), M("owner", "u64", 8) } },

	{ "<mapcount or type>", UNNAMED_UNION, 4,
	  { M("_mapcount", "atomic_t", 0), M("page_type", "u32", 0) } },
	{ "<page in use>", UNNAMED_STRUCT, 40,
	  { M("lru", "list_head", 0), M("mapping", "ptr", 16), M("index", "u64", 24),
	    M("private", "u64", 32) } },
	{ "<owner word>", UNNAMED_UNION, 8,
	  { M("pt_mm", "ptr", 0), M("pt_frag_refcount", "atomic_t", 0),
	    M("pt_share_count", "atomic_t", 0, .only = IF_SHARE_IN_WORD) } },
	{ "<page as table>", UNNAMED_STRUCT, 40,
	  { M("_pt_pad_1", "u64", 0), M("pmd_huge_pte", "ptr", 8), M("", "<owner word>", 16),
	    M("ptl", "spinlock_t", 24),
	    M("pt_share_count", "atomic_t", 28, .only = IF_SHARE_APART) } },
	{ "<page meanings>", UNNAMED_UNION, 40,
	  { M("", "<page in use>", 0), M("", "<page as table>", 0, .only = IF_OLD),
	    M("compound_head", "u64", 0, .only = IF_OLD),
	    M("compound_info", "u64", 0, .only = IF_PGTY) } },
	{ "page", STRUCT, 64,
	  { M("_refcount", "atomic_t", 0), M("", "<mapcount or type>", 4), M("flags", "u64", 8),
	    M("", "<page meanings>", 16), M("memcg_data", "u64", 56) } },
	{ "ptdesc", STRUCT, 64,
	  { M("__page_refcount", "atomic_t", 0), M("__page_type", "u32", 4),
	    M("__page_flags", "u64", 8), M("", "<page as table>", 16, .only = IF_PGTY) } },

	{ "<mm>", UNNAMED_STRUCT, 112,
	  { M("pgtables_bytes", "atomic_long_t", 0), M("mm_count", "atomic_t", 8),
	    M("mm_users", "atomic_t", 12), M("page_table_lock", "spinlock_t", 16),
	    M("mmap_lock", "rw_semaphore", 24), M("mmlist", "list_head", 48),
	    M("pgd", "ptr", 72), M("owner", "ptr", 80), M("flags", "u64", 88) } },
	{ "maple_tree", STRUCT, 16, { M("ma_flags", "u32", 0), M("ma_root", "ptr", 8) } },
	{ "maple_range_64", STRUCT, 256,
	  { M("parent", "ptr", 0), M("slot", "ptr", 8, .elements = 16),
	    M("pivot", "u64", 136, .elements = 15) } },
	{ "maple_arange_64", STRUCT, 256,
	  { M("parent", "ptr", 0), M("slot", "ptr", 16, .elements = 10),
	    M("pivot", "u64", 96, .elements = 9), M("gap", "u64", 168, .elements = 10) } },
	{ "vm_area_struct", STRUCT, 96,
	  { M("vm_mm", "ptr", 8), M("vm_flags", "u64", 16),
	    M("vm_next", "ptr", 24, .only = IF_LIST),
	    M("vm_end", "u64", 32), M("vm_start", "u64", 40), M("vm_pgoff", "u64", 56),
	    M("vm_file", "ptr", 64), M("anon_vma", "ptr", 72) } },
	{ "percpu_counter", STRUCT, 24, { M("count", "s64", 8), M("counters", "ptr", 16) } },
	{ "mm_rss_stat", STRUCT, 32, { M("count", "atomic_long_t", 0, .elements = 4) } },
	{ "task_rss_stat", STRUCT, 20,
	  { M("events", "s32", 0), M("count", "s32", 4, .elements = 4) } },
	{ "mm_struct", STRUCT, 256,
	  { M("", "<mm>", 8), M("cpu_bitmap", "u64", 120, .elements = 1),
	    M("mmap", "ptr", 128, .only = IF_LIST), M("mm_mt", "maple_tree", 136, .only = IF_TREE),
	    M("rss_stat", "percpu_counter", 152, .elements = 4, .only = IF_PGTY),
	    M("rss_stat", "mm_rss_stat", 152, .only = IF_OLD),
	    M("pmd_huge_pte", "ptr", 248, .only = IF_ONE_LOCK) } },
	{ "signal_struct", STRUCT, 64, { M("live", "atomic_t", 8),
	  M("thread_head", "list_head", 16, .only = IF_THREADS) } },
	{ "task_struct", STRUCT, 192,
	  { M("__state", "u32", 0),
	    M("sched_reset_on_fork", "u32", 4, .bit_offset = 0, .bit_size = 1),
	    M("sched_contributes", "u32", 4, .bit_offset = 3, .bit_size = 2),
	    M("comm", "char", 32, .elements = 16), M("mm", "ptr", 48), M("active_mm", "ptr", 56),
	    M("tasks", "list_head", 72), M("pid", "s32", 96), M("tgid", "s32", 100),
	    M("signal", "ptr", 104), M("thread_node", "list_head", 112, .only = IF_THREADS),
	    M("nvcsw", "u64", 128), M("nivcsw", "u64", 136),
	    M("rss_stat", "task_rss_stat", 144, .only = IF_OLD) } },
	{ "rq", STRUCT, 64, { M("nr_running", "u32", 0), M("idle", "ptr", 24) } },
	{ "new_utsname", STRUCT, 195,
	  { M("sysname", "char", 0, .elements = 65), M("nodename", "char", 65, .elements = 65),
	    M("release", "char", 130, .elements = 65) } },
	{ "uts_namespace", STRUCT, 208, { M("name", "new_utsname", 8) } },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "synth_guest: %s %s\n", what, which);
	abort();
}

static const struct layout *layout_find(const char *label)
{
	for (size_t i = 0; i < COUNT(layouts); i++)
		if (strcmp(layouts[i].label, label) == 0)
			return layouts[i].kind == TYPEDEF ?
			       layout_find(layouts[i].members[0].type) : &layouts[i];
	return NULL;
}

static uint32_t base_size(const char *label)
{
	const struct layout *layout = layout_find(label);

	if (layout)
		return layout->size;
	if (strcmp(label, "ptr") == 0)
		return 8;
	for (size_t i = 0; i < COUNT(bases); i++)
		if (strcmp(bases[i].label, label) == 0)
			return bases[i].size;
	fail("no type", label);
	return 0;
}

static bool member_in(const struct synth_options *o, const struct layout_member *m)
{
	bool pgty = o->types == SYNTH_TYPES_PGTY, list = o->types == SYNTH_TYPES_5_10;

	return !m->only || (m->only & IF_PGTY && pgty) || (m->only & IF_OLD && !pgty) ||
	       (m->only & IF_SHARE_APART && o->share_apart) ||
	       (m->only & IF_SHARE_IN_WORD && !o->share_apart) ||
	       (m->only & IF_THREADS && !o->no_threads) ||
	       (m->only & IF_ONE_LOCK && o->one_lock) || (m->only & IF_LIST && list) ||
	       (m->only & IF_TREE && !list);
}

static const struct layout_member *find_in(const struct synth_options *o,
					   const struct layout *layout, const char *name,
					   size_t length, uint32_t *offset)
{
	for (const struct layout_member *m = layout->members; m->name; m++) {
		const struct layout_member *below;
		uint32_t from = *offset;

		if (!member_in(o, m))
			continue;
		if (*m->name) {
			if (strlen(m->name) != length || memcmp(m->name, name, length) != 0)
				continue;
			*offset += m->offset;
			return m;
		}
		*offset += m->offset;
		below = find_in(o, layout_find(m->type), name, length, offset);
		if (below)
			return below;
		*offset = from;
	}
	return NULL;
}

static const struct layout_member *find_path(const struct synth_options *o, const char *type,
					     const char *path, uint32_t *offset)
{
	const struct layout_member *m = NULL;

	*offset = 0;
	for (const char *name = path;;) {
		const struct layout *layout = layout_find(m ? m->type : type);
		size_t length = strcspn(name, ".");

		m = layout ? find_in(o, layout, name, length, offset) : NULL;
		if (!m || !name[length])
			return m;
		name += length + 1;
	}
}

bool synth_layout_has(const struct synth_options *o, const char *type, const char *path)
{
	uint32_t offset;

	return find_path(o, type, path, &offset);
}

void synth_layout_find(const struct synth_options *o, const char *type, const char *path,
		       uint32_t *offset, uint32_t *size)
{
	const struct layout_member *m = find_path(o, type, path, offset);

	if (!m)
		fail("no member", path);
	*size = base_size(m->type) * (m->elements ? m->elements : 1);
}

uint32_t synth_layout_sizeof(const char *type)
{
	return base_size(type);
}

/* --- BTF --- */

struct builder {
	const struct synth_options *options;
	struct btf *btf;
	int base[COUNT(bases)], layout[COUNT(layouts)], pointer;
};

static int builder_type(const struct builder *b, const char *label)
{
	for (size_t i = 0; i < COUNT(bases); i++)
		if (strcmp(bases[i].label, label) == 0)
			return b->base[i];
	for (size_t i = 0; i < COUNT(layouts); i++)
		if (strcmp(layouts[i].label, label) == 0)
			return b->layout[i];
	if (strcmp(label, "ptr") == 0)
		return b->pointer;
	fail("no type", label);
	return 0;
}

static bool member_omitted(const struct synth_options *o, const char *type, const char *member)
{
	size_t length = strlen(type);

	/* Members of unnamed parts are omitted by their own name wherever they are. */
	return o->omit_member && *member &&
	       ((strncmp(o->omit_member, type, length) == 0 && o->omit_member[length] == '.' &&
		 strcmp(o->omit_member + length + 1, member) == 0) ||
		(type[0] == '<' && strchr(o->omit_member, '.') &&
		 strcmp(strchr(o->omit_member, '.') + 1, member) == 0));
}

static void builder_add(struct builder *b, size_t index)
{
	const struct layout *l = &layouts[index];
	const char *name = l->kind == UNNAMED_STRUCT || l->kind == UNNAMED_UNION ? NULL : l->label;
	int types[MEMBERS_MAX] = { 0 };

	if (l->kind == TYPEDEF) {
		b->layout[index] = btf__add_typedef(b->btf, l->label,
						    builder_type(b, l->members[0].type));
		return;
	}
	/* Array types come before the struct that uses them. */
	for (unsigned i = 0; i < MEMBERS_MAX && l->members[i].name; i++) {
		types[i] = builder_type(b, l->members[i].type);
		if (l->members[i].elements)
			types[i] = btf__add_array(b->btf, builder_type(b, "u32"), types[i],
						  l->members[i].elements);
	}
	b->layout[index] = l->kind == UNION || l->kind == UNNAMED_UNION ?
			   btf__add_union(b->btf, name, l->size) :
			   btf__add_struct(b->btf, name, l->size);
	for (unsigned i = 0; i < MEMBERS_MAX && l->members[i].name; i++) {
		const struct layout_member *m = &l->members[i];

		if (!member_in(b->options, m) || member_omitted(b->options, l->label, m->name))
			continue;
		if (btf__add_field(b->btf, *m->name ? m->name : NULL, types[i],
				   m->offset * 8 + m->bit_offset, m->bit_size))
			fail("cannot add member", m->name);
	}
}

static void add_enums(struct btf *btf, enum synth_types types)
{
	btf__add_enum(btf, "pageflags", 4);
	btf__add_enum_value(btf, "PG_locked", 0);
	btf__add_enum_value(btf, "PG_dirty", 4);
	btf__add_enum_value(btf, "PG_lru", 5);
	if (types != SYNTH_TYPES_PGTY)
		btf__add_enum_value(btf, "PG_slab", 9);
	btf__add_enum_value(btf, "PG_reserved", 12);
	btf__add_enum_value(btf, "PG_hwpoison", 20);
	btf__add_enum_value(btf, "__NR_PAGEFLAGS", 22);
	btf__add_enum_value(btf, "PG_anon_exclusive", 12 + 1);
	if (types != SYNTH_TYPES_5_10) {
		btf__add_enum(btf, "maple_type", 4);
		btf__add_enum_value(btf, "maple_dense", 0);
		btf__add_enum_value(btf, "maple_leaf_64", 1);
		btf__add_enum_value(btf, "maple_range_64", 2);
		btf__add_enum_value(btf, "maple_arange_64", 3);
	}
	if (types != SYNTH_TYPES_PGTY)
		return;
	btf__add_enum(btf, "pagetype", 4);
	btf__add_enum_value(btf, "PGTY_buddy", 0xf0);
	btf__add_enum_value(btf, "PGTY_table", 0xf2);
	btf__add_enum_value(btf, "PGTY_slab", 0xf5);
}

struct btf *synth_layout_btf(const struct synth_options *o)
{
	struct builder b = { .options = o, .btf = btf__new_empty() };

	if (libbpf_get_error(b.btf))
		fail("cannot make", "BTF");
	btf__set_pointer_size(b.btf, 8);
	for (size_t i = 0; i < COUNT(bases); i++)
		b.base[i] = btf__add_int(b.btf, bases[i].name, bases[i].size, bases[i].encoding);
	b.pointer = btf__add_ptr(b.btf, 0);
	for (size_t i = 0; i < COUNT(layouts); i++)
		builder_add(&b, i);
	add_enums(b.btf, o->types);
	return b.btf;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Symbols and types from a sound ELF image, and the errors for what is not there. */
#include <bpf/btf.h>
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/synth_layout.h"
#include "walker/profile/symbols.h"
#include "walker/profile/types.h"

static void expect_missing(bool found, const struct err *err, const char *message)
{
	assert_false(found);
	assert_int_equal(err->code, ERR_MISSING);
	assert_non_null(strstr(err->message, message));
}

static void test_symbols(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	const struct profile *p = synth_profile(g);
	struct err err;
	uint64_t offset;
	gva_t at;

	(void)state;
	assert_true(profile_symbol(p, "init_mm", &at, &err));
	assert_int_equal(at, synth_symbol(g, "init_mm"));
	assert_true(profile_has_symbol(p, "pgd_list"));
	assert_false(profile_has_symbol(p, "init_m"));
	expect_missing(profile_symbol(p, "nothing", &at, &err), &err,
		       "the kernel has no symbol nothing");

	assert_string_equal(profile_symbol_at(p, at, &offset), "init_mm");
	assert_int_equal(offset, 0);
	assert_string_equal(profile_symbol_at(p, at + 5, &offset), "init_mm");
	assert_int_equal(offset, 5);
	/* Between the end of init_top_pgt and the next symbol there is nothing. */
	assert_null(profile_symbol_at(p, synth_symbol(g, "init_top_pgt") + PT_FRAME_SIZE, &offset));
	assert_null(profile_symbol_at(p, 0x1000, &offset));
	synth_free(g);
}

static struct symbols *add(struct symbols *s, const char *name, gva_t at, uint64_t size,
			   enum symbol_binding binding)
{
	assert_true(symbols_add(s, name, strlen(name), at, size, binding, NULL));
	return s;
}

static void test_symbol_duplicates(void **state)
{
	struct symbols *s = symbols_new(NULL);
	struct err err;
	gva_t at;

	(void)state;
	add(s, "both", 0x1000, 0, SYMBOL_LOCAL);
	add(s, "both", 0x2000, 0, SYMBOL_GLOBAL);
	add(s, "both", 0x3000, 0, SYMBOL_LOCAL);
	add(s, "weak", 0x4000, 0, SYMBOL_WEAK);
	add(s, "weak", 0x4800, 0, SYMBOL_LOCAL);
	add(s, "twice", 0x5000, 0, SYMBOL_LOCAL);
	add(s, "twice", 0x6000, 0, SYMBOL_LOCAL);
	add(s, "same", 0x7000, 0, SYMBOL_LOCAL);
	add(s, "same", 0x7000, 0, SYMBOL_LOCAL);
	add(s, "", 0x9000, 0, SYMBOL_GLOBAL);
	assert_true(symbols_seal(s, &err));
	assert_int_equal(symbols_count(s), 9);
	assert_true(symbols_find(s, "both", &at, &err));
	assert_int_equal(at, 0x2000);
	assert_true(symbols_find(s, "weak", &at, &err));
	assert_int_equal(at, 0x4000);
	assert_true(symbols_find(s, "same", &at, &err));
	expect_missing(symbols_find(s, "twice", &at, &err), &err, "several symbols twice");
	expect_missing(symbols_find(s, "", &at, &err), &err, "no symbol");
	symbols_free(s);
}

static void test_symbols_many(void **state)
{
	struct symbols *s = symbols_new(NULL);
	uint64_t offset;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "sym%u", i);
		add(s, name, 0x100000 + 16ull * i, i % 2 ? 8 : 0, SYMBOL_GLOBAL);
	}
	assert_true(symbols_seal(s, NULL));
	for (unsigned i = 0; i < 20000; i += 7) {
		char name[16];
		gva_t at;

		snprintf(name, sizeof(name), "sym%u", i);
		assert_true(symbols_find(s, name, &at, NULL));
		assert_int_equal(at, 0x100000 + 16ull * i);
	}
	/* sym3 has 8 bytes and ends; sym4 has no size and reaches up to sym5. */
	assert_string_equal(symbols_at(s, 0x100000 + 48 + 7, &offset), "sym3");
	assert_string_equal(symbols_at(s, 0x100000 + 64 + 15, &offset), "sym4");
	assert_string_equal(symbols_at(s, 0x100000 + 48 + 8, &offset), "sym2");
	symbols_free(s);
}

static void test_members(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	const struct profile *p = synth_profile(g);
	static const struct {
		const char *type, *member;
		struct member expected;
	} rows[] = {
		{ "task_struct", "pid", { .offset = 96, .size = 4 } },
		{ "task_struct", "mm", { .offset = 48, .size = 8, .pointer = true } },
		{ "task_struct", "comm", { .offset = 32, .size = 16 } },
		{ "task_struct", "tasks.prev", { .offset = 80, .size = 8, .pointer = true } },
		/* Through an unnamed struct, a typedef of an unnamed struct, a path. */
		{ "mm_struct", "pgd", { .offset = 80, .size = 8, .pointer = true } },
		{ "mm_struct", "mm_count.counter", { .offset = 16, .size = 4 } },
		{ "mm_struct", "mmap_lock.count.counter", { .offset = 32, .size = 8 } },
		{ "page", "page_type", { .offset = 4, .size = 4 } },
		{ "page", "lru", { .offset = 16, .size = 16 } },
		{ "ptdesc", "pt_mm", { .offset = 32, .size = 8, .pointer = true } },
		{ "uts_namespace", "name.release", { .offset = 138, .size = 65 } },
		/* Bit-fields: their storage, and where they are in it. */
		{ "task_struct", "sched_reset_on_fork", { .offset = 4, .size = 4, .bit_size = 1 } },
		{ "task_struct", "sched_contributes",
		  { .offset = 4, .size = 4, .bit_offset = 3, .bit_size = 2 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct member m;

		assert_true(profile_member(p, rows[i].type, rows[i].member, &m, NULL));
		assert_int_equal(m.offset, rows[i].expected.offset);
		assert_int_equal(m.size, rows[i].expected.size);
		assert_int_equal(m.bit_offset, rows[i].expected.bit_offset);
		assert_int_equal(m.bit_size, rows[i].expected.bit_size);
		assert_int_equal(m.pointer, rows[i].expected.pointer);
	}
	synth_free(g);
}

static void test_missing_members(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	const struct profile *p = synth_profile(g);
	struct member m;
	struct err err;
	uint32_t size;

	(void)state;
	expect_missing(profile_member(p, "mm_struct", "pt_mm", &m, &err), &err,
		       "type mm_struct has no member pt_mm");
	expect_missing(profile_member(p, "mm_struct", "pgd.more", &m, &err), &err,
		       "type mm_struct has no member pgd.more");
	expect_missing(profile_member(p, "mm_struct", "mm_count.", &m, &err), &err, "no member");
	expect_missing(profile_member(p, "mm_struct", "", &m, &err), &err, "no member");
	expect_missing(profile_member(p, "mm_struct", ".", &m, &err), &err, "no member");
	expect_missing(profile_member(p, "mm", "pgd", &m, &err), &err,
		       "the kernel's BTF has no type mm");
	expect_missing(profile_member(p, "pageflags", "pgd", &m, &err), &err, "no member");
	expect_missing(profile_sizeof(p, "xarray", &size, &err), &err, "no type xarray");
	assert_true(profile_sizeof(p, "page", &size, &err));
	assert_int_equal(size, 64);
	assert_true(profile_sizeof(p, "atomic_long_t", &size, &err));
	assert_int_equal(size, 8);
	assert_true(profile_has_member(p, "page", "flags"));
	assert_false(profile_has_member(p, "page", "flag"));
	synth_free(g);
}

static void test_enumerators(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	const struct profile *p = synth_profile(g);
	struct err err;
	int64_t value;

	(void)state;
	assert_true(profile_enumerator(p, "pageflags", "PG_reserved", &value, &err));
	assert_int_equal(value, 12);
	assert_true(profile_enumerator(p, NULL, "PGTY_table", &value, &err));
	assert_int_equal(value, 0xf2);
	expect_missing(profile_enumerator(p, "pageflags", "PGTY_table", &value, &err), &err,
		       "type pageflags has no enumerator PGTY_table");
	expect_missing(profile_enumerator(p, "page", "PG_reserved", &value, &err), &err,
		       "no enumerator");
	expect_missing(profile_enumerator(p, NULL, "PG_none", &value, &err), &err, "no enumerator");
	assert_string_equal(profile_enumerator_at(p, "pageflags", 0, &value), "PG_locked");
	assert_null(profile_enumerator_at(p, "pageflags", 1000, &value));
	assert_null(profile_enumerator_at(p, "page", 0, &value));
	synth_free(g);
}

static void test_sources(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	size_t count;
	const char *const *sources = profile_sources(synth_profile(g), &count);

	(void)state;
	assert_int_equal(count, 2);
	assert_string_equal(sources[0], "elf:symtab");
	assert_string_equal(sources[1], "elf:.BTF");
	synth_free(g);
}

static void expect_rejected(const void *bytes, size_t size, enum err_code code,
			    const char *message)
{
	struct err err = { 0 };

	assert_null(profile_from_elf(bytes, size, "the image", &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, message))
		fail_msg("said \"%s\", not \"%s\"", err.message, message);
}

static void test_bad_images(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	size_t size;
	const void *image = synth_image(g, &size);
	uint8_t *bytes = malloc(size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;

	(void)state;
	assert_non_null(bytes);
	expect_rejected("not an ELF file", 15, ERR_TARGET, "the image: not an ELF image");
	expect_rejected("", 0, ERR_TARGET, "not an ELF image");
	memcpy(bytes, image, size);
	expect_rejected(bytes, 40, ERR_TARGET, "truncated");
	expect_rejected(bytes, sizeof(*header), ERR_TARGET, "truncated");
	expect_rejected(bytes, size - 1, ERR_TARGET, "truncated");
	header->e_ident[EI_CLASS] = ELFCLASS32;
	expect_rejected(bytes, size, ERR_TARGET, "not a little-endian ELF64");
	memcpy(bytes, image, size);
	header->e_ident[EI_DATA] = ELFDATA2MSB;
	expect_rejected(bytes, size, ERR_TARGET, "not a little-endian ELF64");
	memcpy(bytes, image, size);
	header->e_machine = EM_AARCH64;
	expect_rejected(bytes, size, ERR_TARGET, "not an x86-64 image (machine 183)");
	free(bytes);
	synth_free(g);
}

/* Changes one section header of a type and expects the image to be refused. */
static void expect_bad_section(struct synth_guest *g, uint32_t type, const char *what,
			       const char *message)
{
	size_t size;
	const void *image = synth_image(g, &size);
	uint8_t *bytes = malloc(size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;
	Elf64_Shdr *sections;

	assert_non_null(bytes);
	memcpy(bytes, image, size);
	sections = (Elf64_Shdr *)(void *)(bytes + header->e_shoff);
	/* .data and .BTF are both PROGBITS: the last one is .BTF. */
	for (unsigned i = header->e_shnum; i-- > 0;) {
		if (sections[i].sh_type != type)
			continue;
		if (strcmp(what, "offset") == 0)
			sections[i].sh_offset = UINT64_MAX - 100;
		else if (strcmp(what, "size") == 0)
			sections[i].sh_size = UINT64_MAX / 2;
		else if (strcmp(what, "entsize") == 0)
			sections[i].sh_entsize = 1;
		else if (strcmp(what, "link") == 0)
			sections[i].sh_link = 0xffff;
		else
			sections[i].sh_type = SHT_NULL;
		break;
	}
	expect_rejected(bytes, size, strstr(message, "kernel image has no") ? ERR_MISSING :
			ERR_MALFORMED, message);
	free(bytes);
}

static void test_bad_sections(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	struct synth_options no_btf = { .omit_btf = true };
	struct synth_guest *bare = synth_new(&no_btf);
	size_t size;
	const void *image;

	(void)state;
	expect_bad_section(g, SHT_SYMTAB, "offset", "symbol table outside the file");
	expect_bad_section(g, SHT_SYMTAB, "size", "symbol table outside the file");
	expect_bad_section(g, SHT_SYMTAB, "entsize", "strange size");
	expect_bad_section(g, SHT_SYMTAB, "link", "without a string table");
	expect_bad_section(g, SHT_SYMTAB, "type", "the kernel image has no symbol table");
	expect_bad_section(g, SHT_PROGBITS, "offset", ".BTF section outside the file");
	expect_bad_section(g, SHT_PROGBITS, "type",
			   "the kernel image has no .BTF section: build it with pahole -J");
	image = synth_image(bare, &size);
	expect_rejected(image, size, ERR_MISSING,
			"the kernel image has no .BTF section: build it with pahole -J");
	synth_free(bare);
	synth_free(g);
}

/* A name that runs out of its table is no name; the others stay good. */
static void test_unterminated_name(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	size_t size;
	const uint8_t *image = synth_image(g, &size);
	uint8_t *bytes = malloc(size), *last;
	struct profile *p;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, image, size);
	last = memmem(bytes, size, "__per_cpu_offset", sizeof("__per_cpu_offset"));
	assert_non_null(last);
	last[strlen("__per_cpu_offset")] = 'x';
	p = profile_from_elf(bytes, size, "the image", NULL);
	assert_non_null(p);
	assert_true(profile_has_symbol(p, "init_mm"));
	assert_false(profile_has_symbol(p, "__per_cpu_offset"));
	assert_false(profile_has_symbol(p, "__per_cpu_offsetx"));
	profile_free(p);
	free(bytes);
	synth_free(g);
}

/* A BTF blob of one's own making. */
static struct types *types_of(struct btf *btf)
{
	uint32_t size;
	const void *bytes = btf__raw_data(btf, &size);
	struct types *t = types_from_btf(bytes, size, NULL);

	assert_non_null(t);
	btf__free(btf);
	return t;
}

static void test_type_cycles(void **state)
{
	struct btf *btf = btf__new_empty();
	struct err err;
	struct member m;
	struct types *t;
	uint32_t size;

	(void)state;
	/* 1: a union whose unnamed member is itself; 2, 3: typedefs of each other. */
	assert_int_equal(btf__add_union(btf, "ring", 8), 1);
	btf__add_field(btf, NULL, 1, 0, 0);
	btf__add_field(btf, NULL, 1, 0, 0);
	assert_int_equal(btf__add_typedef(btf, "tick", 3), 2);
	assert_int_equal(btf__add_typedef(btf, "tock", 2), 3);
	/* 4: an array of itself; 5: members of these types. */
	assert_int_equal(btf__add_array(btf, 4, 4, 3), 4);
	assert_int_equal(btf__add_struct(btf, "victim", 64), 5);
	btf__add_field(btf, "round", 2, 0, 0);
	btf__add_field(btf, "deep", 4, 0, 0);
	btf__add_field(btf, "void", 0, 0, 0);
	btf__add_field(btf, "nowhere", 4000, 0, 0);
	t = types_of(btf);

	assert_false(types_member(t, "ring", "x", &m, &err));
	assert_false(types_member(t, "tick", "x", &m, &err));
	assert_false(types_sizeof(t, "tock", &size, &err));
	assert_false(types_member(t, "victim", "round", &m, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_false(types_member(t, "victim", "round.x", &m, &err));
	assert_false(types_member(t, "victim", "deep", &m, &err));
	assert_false(types_member(t, "victim", "void", &m, &err));
	assert_false(types_member(t, "victim", "nowhere", &m, &err));
	types_free(t);
}

static void test_members_outside(void **state)
{
	struct btf *btf = btf__new_empty();
	struct err err;
	struct member m;
	struct types *t;

	(void)state;
	assert_int_equal(btf__add_int(btf, "long", 8, 0), 1);
	assert_int_equal(btf__add_array(btf, 1, 1, 0x40000000), 2);
	assert_int_equal(btf__add_struct(btf, "small", 8), 3);
	btf__add_field(btf, "inside", 1, 0, 0);
	btf__add_field(btf, "across", 1, 8, 0);
	btf__add_field(btf, "beyond", 1, 0x7fffff0 * 8, 0);
	btf__add_field(btf, "huge", 2, 0, 0);
	t = types_of(btf);
	assert_true(types_member(t, "small", "inside", &m, &err));
	assert_false(types_member(t, "small", "across", &m, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_non_null(strstr(err.message, "across lies outside type small"));
	assert_false(types_member(t, "small", "beyond", &m, &err));
	assert_false(types_member(t, "small", "huge", &m, &err));
	types_free(t);
}

static void test_enum_values(void **state)
{
	struct btf *btf = btf__new_empty();
	struct types *t;
	int64_t value;

	(void)state;
	btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "WIDE", 0x123456789abcdefull);
	btf__add_enum(btf, "narrow", 4);
	btf__add_enum_value(btf, "HIGH", 0xf0000000);
	btf__add_enum(btf, NULL, 4);
	btf__add_enum_value(btf, "UNNAMED", 7);
	t = types_of(btf);
	assert_true(types_enumerator(t, "wide", "WIDE", &value, NULL));
	assert_int_equal(value, 0x123456789abcdefll);
	assert_true(types_enumerator(t, "narrow", "HIGH", &value, NULL));
	assert_int_equal(value, 0xf0000000ll);
	assert_true(types_enumerator(t, NULL, "UNNAMED", &value, NULL));
	assert_int_equal(value, 7);
	types_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_symbol_duplicates),
		cmocka_unit_test(test_symbols_many),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_missing_members),
		cmocka_unit_test(test_enumerators),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_bad_images),
		cmocka_unit_test(test_bad_sections),
		cmocka_unit_test(test_unterminated_name),
		cmocka_unit_test(test_type_cycles),
		cmocka_unit_test(test_members_outside),
		cmocka_unit_test(test_enum_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

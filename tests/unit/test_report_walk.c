/* SPDX-License-Identifier: GPL-2.0-only */
/* test_report_walk.c - one address, level by level: every way a walk can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "tests/unit/report_scene.h"

static char *walk_text(const struct report_space *space, const gva_t *addresses, size_t count,
		       enum report_format format)
{
	struct err err = { 0 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	if (!report_walk(f, space, addresses, count, format, &err))
		fail_msg("walk: %s", err.message);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* One address per way to end, with the words its last line must have. */
static const struct {
	gva_t va;
	const char *says, *result;
} ends[] = {
	{ 0x400123, " -> gpa 0x", "mapped" },
	{ 0x40001234, " -> gpa 0x601234, 2 MiB, rw", "mapped" },
	{ 0x80000000, " -> gpa 0x800000, 2 MiB, r-x, user", "mapped" },
	{ 0x404000, ", 4 KiB, rw-, user", "mapped" },
	{ 0x405000, " -> gpa 0x9000000000, 4 KiB, rwx, user, outside RAM", "mapped" },
	{ 0x401000, "is not mapped: pte: the entry is empty", "not-mapped" },
	{ 0x500000000000, "is not mapped: pgd: the entry is empty", "not-mapped" },
	{ 0x402000, "is not mapped: pte: no access is allowed (PROT_NONE), gpa 0x",
	  "not-mapped" },
	{ 0x403000, "is not mapped: pte: not present", "not-mapped" },
	{ 0x40200000, "is malformed: pmd table 0x", "malformed" },
	{ 0x40400000, "is malformed: pte table 0x", "malformed" },
	{ 0x7fff00000000, "is unreadable: pte table 0x", "unreadable" },
};

#define ENDS (sizeof(ends) / sizeof(ends[0]))

static void open_space(struct scene *s, struct report_space *space, struct pt_space *roots,
		       gva_t addresses[ENDS])
{
	struct synth_guest *g;
	pfn_t pte, pmd;

	scene_open(s, 4);
	g = s->guest;
	pte = synth_table(g, s->mm_seven, 0x400000, 0);
	pmd = synth_table(g, s->mm_seven, 0x40000000, 1);
	synth_entry_set(g, pte, 1, 0);
	synth_entry_set(g, pte, 2, (~0x55000ull & X86_PTE_ADDR) | X86_PTE_PROTNONE);
	synth_entry_set(g, pte, 3, 0x1230000000000002);
	synth_entry_set(g, pte, 4, synth_entry(g, pte, 4) | X86_PTE_NX);
	synth_entry_set(g, pte, 5, 0x9000000067);
	/* Bit 51 is reserved, since no CPU here has that many address bits. */
	synth_entry_set(g, pmd, 1, (1ull << 51) | 0x67);
	synth_entry_set(g, pmd, 2, 0x4000000067);
	synth_unreadable(g, synth_table(g, s->mm_seven, 0x7fff00000000, 0));
	x86_space_of_pgd(roots, pfn_to_gpa(synth_pgd(g, s->mm_seven)),
			 kernel_space(synth_kernel(g)));
	*space = (struct report_space){
		.machine = synth_machine(g),
		.kernel = synth_kernel(g),
		.space = roots,
		.mode = PT_MODE_ANY,
		.mm = s->mm_seven,
		.task = &s->seven,
	};
	for (size_t i = 0; i < ENDS; i++)
		addresses[i] = ends[i].va;
}

static void every_end(void **state)
{
	struct report_space space;
	struct pt_space roots;
	gva_t addresses[ENDS];
	struct scene s;

	(void)state;
	open_space(&s, &space, &roots, addresses);
	for (size_t i = 0; i < ENDS; i++) {
		char *text = walk_text(&space, &ends[i].va, 1, REPORT_TEXT);
		char *line = walk_text(&space, &ends[i].va, 1, REPORT_JSONL);
		struct json_object *o = json_tokener_parse(line), *result;

		if (!strstr(text, ends[i].says))
			fail_msg("'%s' is not in: %s", ends[i].says, text);
		assert_true(json_object_object_get_ex(o, "result", &result));
		assert_string_equal(json_object_get_string(result), ends[i].result);
		json_object_put(o);
		free(line);
		free(text);
	}
	scene_close(&s);
}

static void golden(void **state)
{
	struct report_space space;
	struct pt_space roots;
	gva_t addresses[ENDS];
	struct scene s;
	char *text;

	(void)state;
	open_space(&s, &space, &roots, addresses);
	text = walk_text(&space, addresses, ENDS, REPORT_TEXT);
	golden_is("walk.txt", text);
	free(text);
	text = walk_text(&space, addresses, ENDS, REPORT_JSON);
	golden_is("walk.json", text);
	free(text);
	scene_close(&s);
}

static void kernel_addresses_have_symbols(void **state)
{
	struct report_space space = { .mode = PT_MODE_ANY, .name = "init_mm" };
	static const char *const given[2] = { "init_stack", NULL };
	gva_t addresses[2];
	struct scene s;
	char *text;

	(void)state;
	scene_open(&s, 4);
	space.kernel = synth_kernel(s.guest);
	space.machine = kernel_machine(space.kernel);
	space.space = kernel_space(space.kernel);
	addresses[0] = synth_symbol(s.guest, "init_task");
	addresses[1] = addresses[0] + 8;
	text = walk_text(&space, addresses, 2, REPORT_TEXT);
	assert_int_equal(strncmp(text, "init_mm\n", 8), 0);
	assert_non_null(strstr(text, "(init_task) -> gpa 0x"));
	assert_non_null(strstr(text, "(init_task+0x8) -> gpa 0x"));
	assert_non_null(strstr(text, ", kernel\n"));
	free(text);
	/* Two symbols may stand at one address: the user's own word wins. */
	space.symbols = given;
	text = walk_text(&space, addresses, 2, REPORT_TEXT);
	assert_non_null(strstr(text, "(init_stack) -> gpa 0x"));
	assert_non_null(strstr(text, "(init_task+0x8) -> gpa 0x"));
	free(text);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end),
		cmocka_unit_test(golden),
		cmocka_unit_test(kernel_addresses_have_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

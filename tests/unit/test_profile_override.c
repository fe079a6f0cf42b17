// SPDX-License-Identifier: GPL-2.0-only
/* --vmlinux, --symbols, --btf: each replaces its part, and only for the right kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_ram.h"
#include "walker/profile/profile.h"

/* Files about a kernel, and a guest that runs it (or lacks what they have). */
struct scene {
	struct synth_ram *whole, *guest;
	void *vmlinux, *stripped, *no_types, *system_map;
	size_t vmlinux_size, stripped_size, no_types_size, system_map_size;
};

static struct scene scene_new(const struct synth_ram_options *lacks)
{
	struct scene s = {
		.whole = synth_ram_new(&(struct synth_ram_options){ .kernel = lacks->kernel }),
		.guest = synth_ram_new(lacks),
	};

	s.vmlinux = synth_ram_vmlinux(s.whole, true, true, &s.vmlinux_size);
	s.stripped = synth_ram_vmlinux(s.whole, false, true, &s.stripped_size);
	s.no_types = synth_ram_vmlinux(s.whole, true, false, &s.no_types_size);
	s.system_map = synth_ram_system_map(s.whole, &s.system_map_size);
	return s;
}

static void scene_free(struct scene *s)
{
	free(s->vmlinux);
	free(s->stripped);
	free(s->no_types);
	free(s->system_map);
	synth_ram_free(s->whole);
	synth_ram_free(s->guest);
}

static void expect_sources(const struct scene *s, const struct profile_options *options,
			   const char *symbols, const char *types)
{
	struct err err = { 0 };
	struct profile *p = profile_from_machine(s->guest->machine, options, &err);
	const char *const *sources;
	size_t count;
	gva_t at;

	if (!p)
		fail_msg("%s", err.message);
	sources = profile_sources(p, &count);
	assert_int_equal(strncmp(sources[0], symbols, strlen(symbols)), 0);
	assert_int_equal(strncmp(sources[1], types, strlen(types)), 0);
	assert_true(profile_symbol(p, "init_task", &at, &err));
	assert_int_equal(at, s->guest->text + SYNTH_RAM_INIT_TASK);
	assert_true(profile_symbol(p, "function_2999", &at, &err));
	assert_int_equal(at, s->guest->text + 0x20000 + 16 * 2999);
	/* Near zero: per-CPU, moved by nothing. */
	assert_true(profile_symbol(p, "runqueues", &at, &err));
	assert_int_equal(at, 0x31980);
	assert_true(profile_has_member(p, "task_struct", "comm"));
	profile_free(p);
}

static void expect_error(const struct scene *s, const struct profile_options *options,
			 enum err_code code, const char *message)
{
	struct err err = { 0 };

	assert_null(profile_from_machine(s->guest->machine, options, &err));
	if (err.code != code || !strstr(err.message, message))
		fail_msg("expected %s: %d %s", message, err.code, err.message);
}

static void test_files(void **state)
{
	/* What the guest lacks, so that the file is needed. */
	static const struct synth_ram_options guests[] = {
		{ .kernel = SYNTH_RAM_5_10, .no_kallsyms = true, .no_btf = true },
		{ .kernel = SYNTH_RAM_6_1, .functions_only = true, .no_btf = true },
		{ .kernel = SYNTH_RAM_6_1, .no_kallsyms = true, .no_info = true, .no_btf = true },
		{ .kernel = SYNTH_RAM_6_12, .no_kallsyms = true, .no_kaslr = true,
		  .no_btf = true },
		{ .kernel = SYNTH_RAM_6_12, .no_kallsyms = true, .no_vcpu = true,
		  .no_btf = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct scene s = scene_new(&guests[i]);
		const void *btf = s.whole->image + SYNTH_RAM_BTF;

		expect_sources(&s, &(struct profile_options){
			.vmlinux = s.vmlinux, .vmlinux_size = s.vmlinux_size },
			"elf:symtab", "elf:.BTF");
		expect_sources(&s, &(struct profile_options){
			.system_map = s.system_map, .system_map_size = s.system_map_size,
			.btf = btf, .btf_size = s.whole->btf_size }, "System.map", "btf:file");
		expect_sources(&s, &(struct profile_options){
			.vmlinux = s.no_types, .vmlinux_size = s.no_types_size,
			.btf = s.vmlinux, .btf_size = s.vmlinux_size }, "elf:symtab", "elf:.BTF");
		expect_sources(&s, &(struct profile_options){
			.vmlinux = s.stripped, .vmlinux_size = s.stripped_size,
			.system_map = s.system_map, .system_map_size = s.system_map_size },
			"System.map", "elf:.BTF");
		scene_free(&s);
	}
}

/* Where the guest has a part, the file need not. */
static void test_parts(void **state)
{
	struct scene s = scene_new(&(struct synth_ram_options){ .kernel = SYNTH_RAM_6_1 });

	(void)state;
	expect_sources(&s, &(struct profile_options){
		.vmlinux = s.stripped, .vmlinux_size = s.stripped_size },
		"kallsyms:0x", "elf:.BTF");
	expect_sources(&s, &(struct profile_options){
		.vmlinux = s.no_types, .vmlinux_size = s.no_types_size },
		"elf:symtab", "btf:0x");
	expect_sources(&s, &(struct profile_options){
		.system_map = s.system_map, .system_map_size = s.system_map_size },
		"System.map", "btf:0x");
	scene_free(&s);
}

static void test_wrong_files(void **state)
{
	static const char no_map[] = "hello\n", strange_map[] = "ffffffff81000000 T main\n";
	struct scene s = scene_new(&(struct synth_ram_options){ .kernel = SYNTH_RAM_6_1 });
	struct scene other = scene_new(&(struct synth_ram_options){ .kernel = SYNTH_RAM_6_12 });

	(void)state;
	expect_error(&s, &(struct profile_options){
		.vmlinux = other.vmlinux, .vmlinux_size = other.vmlinux_size },
		ERR_USAGE, "--vmlinux is not of the guest's kernel");
	expect_error(&s, &(struct profile_options){
		.vmlinux = other.stripped, .vmlinux_size = other.stripped_size },
		ERR_USAGE, "--vmlinux is not of the guest's kernel");
	expect_error(&s, &(struct profile_options){ .vmlinux = no_map, .vmlinux_size = 6 },
		     ERR_USAGE, "--vmlinux: not an ELF image");
	expect_error(&s, &(struct profile_options){
		.vmlinux = s.vmlinux, .vmlinux_size = s.vmlinux_size / 2 },
		ERR_USAGE, "--vmlinux: truncated");
	expect_error(&s, &(struct profile_options){ .system_map = no_map, .system_map_size = 6 },
		     ERR_USAGE, "--symbols: line 1 is no line of a System.map");
	expect_error(&s, &(struct profile_options){ .system_map = "\n", .system_map_size = 1 },
		     ERR_USAGE, "--symbols: the file holds no symbols");
	expect_error(&s, &(struct profile_options){
		.system_map = strange_map, .system_map_size = sizeof(strange_map) - 1 },
		ERR_USAGE, "--symbols has no symbol _text");
	expect_error(&s, &(struct profile_options){ .btf = no_map, .btf_size = 6 },
		     ERR_USAGE, "--btf: the kernel's .BTF is malformed");
	expect_error(&s, &(struct profile_options){
		.btf = s.no_types, .btf_size = s.no_types_size },
		ERR_USAGE, "--btf: the kernel image has no .BTF");
	/* The banner moved away: the map is of another build. */
	memset(s.guest->image + SYNTH_RAM_BANNER, 0, 128);
	expect_error(&s, &(struct profile_options){
		.system_map = s.system_map, .system_map_size = s.system_map_size },
		ERR_USAGE, "--symbols is not of the guest's kernel");
	scene_free(&s);
	scene_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_wrong_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

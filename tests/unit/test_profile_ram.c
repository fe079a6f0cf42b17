// SPDX-License-Identifier: GPL-2.0-only
/*
 * A profile from RAM alone, for each generation of kernels, and the message for
 * each thing that is missing or contradicts another.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_ram.h"
#include "walker/profile/profile.h"

static const struct synth_ram_options variants[] = {
	{ .five_level = false },
	{ .five_level = true },
	{ .no_kaslr = true },
	{ .pti_user = true },
	{ .five_level = true, .pti_user = true },
	{ .not_mapped = true },
	{ .no_info = true },
	{ .empty_info = true },
	{ .no_btf_symbols = true },
	{ .no_vcpu = true },
	{ .no_vcpu = true, .five_level = true, .not_mapped = true },
};

/* Every symbol of the guest, but those whose name two have. */
static void expect_symbols(const struct synth_ram *r, const struct profile *p)
{
	struct err err;
	gva_t at;

	for (uint32_t i = 0; i < r->symbol_count; i++) {
		const struct encode_symbol *s = &r->symbols[i];

		if (strcmp(s->name, "twice") == 0)
			continue;
		if (!profile_symbol(p, s->name, &at, &err))
			fail_msg("%s", err.message);
		assert_int_equal(at, s->at);
	}
	assert_false(profile_symbol(p, "twice", &at, &err));
	assert_non_null(strstr(err.message, "several symbols twice"));
}

static bool has_source(const struct profile *p, const char *source)
{
	size_t count;
	const char *const *sources = profile_sources(p, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(sources[i], source) == 0)
			return true;
	return false;
}

static void expect_sources(const struct synth_ram *r, const struct profile *p)
{
	char name[64];

	snprintf(name, sizeof(name), "kallsyms:0x%" PRIx64, r->text + r->place.names);
	assert_true(has_source(p, name));
	snprintf(name, sizeof(name), "btf:0x%" PRIx64, r->text + SYNTH_RAM_BTF);
	assert_true(has_source(p, name));
	snprintf(name, sizeof(name), "vmcoreinfo:0x%llx", SYNTH_RAM_INFO);
	assert_int_equal(has_source(p, name), !r->options.no_info && !r->options.empty_info);
}

static void expect_profile(const struct synth_ram *r)
{
	struct err err = { 0 };
	struct profile *p = profile_from_machine(r->machine, NULL, &err);
	struct member member;
	uint64_t value;

	if (!p)
		fail_msg("%s: %s", r->release, err.message);
	expect_symbols(r, p);
	expect_sources(r, p);
	assert_true(profile_member(p, "task_struct", "comm", &member, &err));
	assert_int_equal(member.offset, 32);
	assert_true(profile_phys_base(p, &value));
	assert_int_equal(value, r->phys_base);
	assert_true(profile_kaslr_offset(p, &value));
	assert_int_equal(value, r->kaslr);
	assert_int_equal(buffer_machine_views(r->machine), 0);
	profile_free(p);
}

static void test_generations(void **state)
{
	(void)state;
	for (unsigned kernel = 0; kernel < SYNTH_RAM_KERNELS; kernel++)
		for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
			struct synth_ram_options options = variants[i];
			struct synth_ram *r;

			options.kernel = kernel;
			r = synth_ram_new(&options);
			expect_profile(r);
			synth_ram_free(r);
		}
}

static void expect_error(struct synth_ram *r, const struct profile_options *options,
			 enum err_code code, const char *one, const char *other)
{
	struct err err = { 0 };
	struct profile *p = profile_from_machine(r->machine, options, &err);

	if (p)
		fail_msg("there is a profile, but should be: %s", one);
	if (err.code != code || !strstr(err.message, one) || !strstr(err.message, other))
		fail_msg("expected %s: %d %s", one, err.code, err.message);
	assert_int_equal(buffer_machine_views(r->machine), 0);
}

static void test_missing(void **state)
{
	static const struct {
		struct synth_ram_options options;
		const char *one, *other;
	} rows[] = {
		{ { .no_btf = true }, "has no BTF", "give --btf or --vmlinux" },
		{ { .no_btf = true, .kernel = SYNTH_RAM_6_12 }, "6.12.0-synth has no BTF", "" },
		{ { .no_kallsyms = true }, "no kallsyms", "give --vmlinux or --symbols" },
		{ { .no_kallsyms = true, .no_info = true }, "no kallsyms", "--symbols" },
		{ { .functions_only = true }, "has no init_task", "CONFIG_KALLSYMS_ALL" },
		{ { .no_vcpu = true, .no_info = true }, "there is no vCPU",
		  "no VMCOREINFO in 32 MiB of RAM" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct synth_ram *r = synth_ram_new(&rows[i].options);

		expect_error(r, NULL, ERR_MISSING, rows[i].one, rows[i].other);
		synth_ram_free(r);
	}
}

/* Firmware, 32-bit mode, another system: the vCPU says why there is no Linux. */
static void test_no_linux(void **state)
{
	struct synth_ram *r = synth_ram_new(&(struct synth_ram_options){ .no_info = true });
	struct x86_regs regs;

	(void)state;
	assert_true(r->machine->ops->regs(r->machine, 0, &regs, NULL));
	regs.cr3 += 0x100000;
	buffer_machine_set_regs(r->machine, 0, &regs);
	expect_error(r, NULL, ERR_MISSING, "no kernel image is mapped", "no VMCOREINFO");
	regs.efer = 0;
	buffer_machine_set_regs(r->machine, 0, &regs);
	expect_error(r, NULL, ERR_MISSING, "not in long mode", "no VMCOREINFO");
	regs.cr0 = 0;
	buffer_machine_set_regs(r->machine, 0, &regs);
	expect_error(r, NULL, ERR_MISSING, "paging is off", "no VMCOREINFO");
	synth_ram_free(r);
}

static void replace(struct synth_ram *r, const char *from, const char *to)
{
	char *text = buffer_machine_at(r->machine, SYNTH_RAM_INFO);
	char *at = strstr(text, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void set_u64(struct synth_ram *r, size_t at, uint64_t value)
{
	memcpy(r->image + at, &value, sizeof(value));
}

enum contradiction {
	INFO_RELEASE, INFO_STEXT, INFO_PGD, INFO_LEVELS, INFO_OFFSET, INFO_NOT_TEXT,
	INFO_NO_NUMBER, INFO_TWICE, VARIABLE_LEVELS, VARIABLE_PHYS_BASE, NO_BANNER, TASK_NAME,
	OTHER_PGD, BTF_GONE, BTF_BROKEN, MARKER, TOKEN_INDEX, NAME_LENGTH, UNSORTED, CONTRADICTIONS
};

static void contradict(struct synth_ram *r, enum contradiction which)
{
	char *info = buffer_machine_at(r->machine, SYNTH_RAM_INFO);

	switch (which) {
	case INFO_RELEASE:
		replace(r, "OSRELEASE=6.1.0", "OSRELEASE=6.1.9");
		break;
	case INFO_STEXT:
		replace(r, "SYMBOL(_stext)=ffffffff9d600000", "SYMBOL(_stext)=ffffffff9d601000");
		break;
	case INFO_PGD:
		replace(r, "swapper_pg_dir)=ffffffff9d608", "swapper_pg_dir)=ffffffff9d609");
		replace(r, "init_top_pgt)=ffffffff9d608", "init_top_pgt)=ffffffff9d609");
		break;
	case INFO_LEVELS:
		replace(r, "l5_enabled)=0", "l5_enabled)=1");
		break;
	case INFO_OFFSET:
		replace(r, "KERNELOFFSET=1c6", "KERNELOFFSET=1c7");
		break;
	case INFO_NOT_TEXT:
		memset(info + 64, 0xee, 64);
		break;
	case INFO_NO_NUMBER:
		replace(r, "SYMBOL(_stext)=fff", "SYMBOL(_stext)=xff");
		break;
	case INFO_TWICE:
		strcat(info, "KERNELOFFSET=1000000\n");
		break;
	case VARIABLE_LEVELS:
		r->image[SYNTH_RAM_L5] = 1;
		break;
	case VARIABLE_PHYS_BASE:
		set_u64(r, SYNTH_RAM_PHYS_BASE, 0x1000000);
		break;
	case NO_BANNER:
		memset(r->image + SYNTH_RAM_BANNER, 0, 16);
		break;
	case TASK_NAME:
		memcpy(r->image + SYNTH_RAM_INIT_TASK + 32, "systemd", 8);
		break;
	case OTHER_PGD:
		/* The vCPU's PGD is a copy, then the kernel's own leads elsewhere. */
		memcpy(r->image + 0xc000, r->image + SYNTH_RAM_PGD, 4096);
		set_u64(r, SYNTH_RAM_PGD + 511 * 8, SYNTH_RAM_IMAGE | X86_PTE_P);
		buffer_machine_set_regs(r->machine, 0, &(struct x86_regs){
			.cr0 = X86_CR0_PE | X86_CR0_PG, .cr3 = SYNTH_RAM_IMAGE + 0xc000,
			.cr4 = X86_CR4_PAE, .efer = X86_EFER_LMA | X86_EFER_NXE });
		break;
	case BTF_GONE:
		memset(r->image + SYNTH_RAM_BTF, 0, 4096);
		break;
	case BTF_BROKEN:
		memset(r->image + SYNTH_RAM_BTF + 64, 0xff, 256);
		break;
	case MARKER:
		r->image[r->place.markers + 17]++;
		break;
	case TOKEN_INDEX:
		r->image[r->place.token_index + 100]++;
		break;
	case NAME_LENGTH:
		r->image[r->place.names]++;
		break;
	case UNSORTED:
		r->image[r->place.offsets + 4 * 1000 + 2] ^= 0x40;
		break;
	case CONTRADICTIONS:
		break;
	}
}

static void test_contradictions(void **state)
{
	static const struct {
		const char *one, *other;
	} rows[CONTRADICTIONS] = {
		[INFO_RELEASE] = { "vmcoreinfo:0x300000 says Linux 6.1.9", "banner says 6.1.0" },
		[INFO_STEXT] = { "_stext: vmcoreinfo:0x300000 says 0xffffffff9d601000",
				 "kallsyms:0x" },
		[INFO_PGD] = { "init_top_pgt: vmcoreinfo:0x300000 says", "kallsyms:0x" },
		[INFO_LEVELS] = { "vmcoreinfo:0x300000 says 5-level", "CR4 of vCPU 0 says 4" },
		[INFO_OFFSET] = { "KASLR offset: vmcoreinfo:0x300000 says 0x1c7", "kallsyms:0x" },
		[INFO_NOT_TEXT] = { "kallsyms and VMCOREINFO disagree", "half overwritten" },
		[INFO_NO_NUMBER] = { "SYMBOL(_stext) is no number", "VMCOREINFO" },
		[INFO_TWICE] = { "KERNELOFFSET twice", "VMCOREINFO" },
		[VARIABLE_LEVELS] = { "__pgtable_l5_enabled says 5-level", "CR4 of vCPU 0" },
		[VARIABLE_PHYS_BASE] = { "phys_base: kallsyms:0x", "the page tables" },
		[NO_BANNER] = { "no banner is there", "kallsyms:0x" },
		[TASK_NAME] = { "kallsyms:0x", "is not called swapper" },
		[OTHER_PGD] = { "init_top_pgt says", "CR3 says" },
		[BTF_GONE] = { "kallsyms has BTF at", "there is none there" },
		[BTF_BROKEN] = { "BTF", "" },
		[MARKER] = { "kallsyms is broken", "no names that fit markers" },
		[TOKEN_INDEX] = { "kallsyms is broken", "tokens and their index disagree" },
		[NAME_LENGTH] = { "kallsyms is broken", "names and markers disagree" },
		[UNSORTED] = { "kallsyms is broken", "not in order" },
	};

	(void)state;
	for (unsigned i = 0; i < CONTRADICTIONS; i++) {
		struct synth_ram *r = synth_ram_new(&(struct synth_ram_options){
			.kernel = i == MARKER ? SYNTH_RAM_5_10 : SYNTH_RAM_6_1 });

		contradict(r, i);
		expect_error(r, NULL, ERR_MALFORMED, rows[i].one, rows[i].other);
		synth_ram_free(r);
	}
}

/* By addresses alone: the digits that the search by shape begins with are gone. */
static void test_kallsyms_by_info(void **state)
{
	(void)state;
	for (unsigned kernel = SYNTH_RAM_6_1; kernel < SYNTH_RAM_KERNELS; kernel++) {
		struct synth_ram *r = synth_ram_new(&(struct synth_ram_options){
			.kernel = kernel });
		struct err err = { 0 };
		struct profile *p;
		uint16_t digit;

		memcpy(&digit, r->image + r->place.token_index + 2 * '3', 2);
		r->image[r->place.token_table + digit] = 'x';
		p = profile_from_machine(r->machine, NULL, &err);
		if (!p)
			fail_msg("%s", err.message);
		assert_true(profile_has_symbol(p, "init_task"));
		assert_true(profile_has_symbol(p, "function_1"));
		assert_true(profile_has_symbol(p, "function_x"));
		profile_free(p);
		synth_ram_free(r);
	}
}

/* A dump's own note says it; frames of the image that cannot be read do not crash. */
static void test_note_and_unreadable(void **state)
{
	struct synth_ram *r = synth_ram_new(&(struct synth_ram_options){ .no_vcpu = true });
	const char *info = buffer_machine_at(r->machine, SYNTH_RAM_INFO);
	struct profile_options options = { .vmcoreinfo = info, .vmcoreinfo_size = strlen(info) };
	struct err err = { 0 };
	struct profile *p = profile_from_machine(r->machine, &options, &err);

	(void)state;
	if (!p)
		fail_msg("%s", err.message);
	assert_true(has_source(p, "vmcoreinfo:note"));
	profile_free(p);
	buffer_machine_set_unreadable(r->machine, gpa_to_pfn(SYNTH_RAM_IMAGE + 0x20000));
	p = profile_from_machine(r->machine, &options, &err);
	assert_non_null(p);
	profile_free(p);
	buffer_machine_set_unreadable(r->machine,
				      gpa_to_pfn(SYNTH_RAM_IMAGE + SYNTH_RAM_KALLSYMS) + 4);
	expect_error(r, &options, ERR_MALFORMED, "kallsyms is broken", "");
	options.vmcoreinfo_size = 20;
	expect_error(r, &options, ERR_MISSING, "no VMCOREINFO", "names no release");
	synth_ram_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_no_linux),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_kallsyms_by_info),
		cmocka_unit_test(test_note_and_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of every level of every format against the reference, bit by bit;
 * flag names; Linux's rules; registers to spaces; the format helpers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "arch/x86/x86.h"
#include "tests/unit/random_tree.h"

struct pair {
	struct pt_decode decode;
	struct ref_cpu cpu;
};

/* Every CPU that differs: 2 formats x 4 widths x NX x 1 GiB pages x whose rules. */
enum { PAIRS = 2 * 4 * 2 * 2 * 2 };

static void make_pair(unsigned i, struct pair *p)
{
	static const uint8_t widths[] = { 36, 46, 51, 52 };

	p->cpu = (struct ref_cpu) {
		.levels = i & 1 ? 5 : 4,
		.maxphyaddr = widths[i >> 1 & 3],
		.nx = i >> 3 & 1,
		.huge_1g = i >> 4 & 1,
		.linux_rules = i >> 5 & 1,
	};
	p->decode = (struct pt_decode) {
		.format = i & 1 ? &pt_x86_5level : &pt_x86_4level,
		.soft = p->cpu.linux_rules ? &pt_soft_linux_x86 : NULL,
		.maxphyaddr = (uint8_t)p->cpu.maxphyaddr,
		.nx = p->cpu.nx,
		.huge_1g = p->cpu.huge_1g,
	};
}

static void check_entry(const struct pair *p, unsigned level, uint64_t raw)
{
	const struct pt_format *f = p->decode.format;
	enum pt_kind kind = f->entry_kind(&p->decode, level, raw);
	unsigned rights = f->entry_rights(&p->decode, level, raw);
	enum ref_kind want = ref_kind(&p->cpu, (int)level, raw);
	uint64_t addr = f->entry_addr(&p->decode, level, raw), want_addr = 0;
	bool w, u, x;

	ref_rights(&p->cpu, raw, &w, &u, &x);
	if (want == REF_BAD)
		want_addr = raw & 0x000ffffffffff000;
	else if (want != REF_NONE && want != REF_SWAP)
		want_addr = ref_addr(&p->cpu, (int)level, raw);
	if ((int)kind != (int)want || addr != want_addr ||
	    rights != ((w ? PT_W : 0u) | (u ? PT_U : 0u) | (x ? PT_X : 0u)))
		fail_msg("%s level %u, maxphyaddr %d nx %d 1g %d linux %d: 0x%016llx: %d, "
			 "reference %d; addr 0x%llx, reference 0x%llx; rights %u", f->name, level,
			 p->cpu.maxphyaddr, p->cpu.nx, p->cpu.huge_1g, p->cpu.linux_rules,
			 (unsigned long long)raw, kind, want, (unsigned long long)addr,
			 (unsigned long long)want_addr, rights);
}

/* No bit, one, two or three bits: whatever a single bit can do shows. */
static void entries_equal_reference(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < PAIRS; i++) {
		make_pair(i, &p);
		for (unsigned level = 0; level < p.decode.format->levels; level++) {
			check_entry(&p, level, 0);
			for (unsigned a = 0; a < 64; a++)
				for (unsigned b = a; b < 64; b++) {
					uint64_t raw = 1ull << a | 1ull << b;

					check_entry(&p, level, raw);
					check_entry(&p, level, raw | 1);
					check_entry(&p, level, raw | 0x81);
					check_entry(&p, level, raw | 0x100);
				}
		}
	}
}

static void random_entries_equal_reference(void **state)
{
	uint64_t random = random_seed(__func__);
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t raw = random_next(&random);

		make_pair(i % PAIRS, &p);
		if (i & 64)
			raw &= random_next(&random) & random_next(&random);
		for (unsigned level = 0; level < p.decode.format->levels; level++)
			check_entry(&p, level, raw);
	}
}

/* What reference and code might both have got wrong, as the manuals' own cases. */
static void known_entries(void **state)
{
	static const struct {
		const char *name;
		unsigned level;
		uint64_t raw;
		enum pt_kind kind;
		uint64_t addr;
		const char *flags;
	} known[] = {
		{ "table", 3, 0x03f2b067, PT_TABLE, 0x3f2b000, "P W U A D" },
		{ "4 KiB", 0, 0x8000000003e11025, PT_LEAF, 0x3e11000, "P U A NX" },
		{ "4 KiB, PAT", 0, 0x3e111e3, PT_LEAF, 0x3e11000, "P W A D G PAT" },
		{ "2 MiB", 1, 0x40000083, PT_HUGE, 0x40000000, "P W PSE" },
		{ "2 MiB, PAT", 1, 0x400011e3, PT_HUGE, 0x40000000, "P W A D PSE G PAT" },
		{ "1 GiB, PAT", 2, 0x1c0001083, PT_HUGE, 0x1c0000000, "P W PSE PAT" },
		{ "2 MiB, bit 20", 1, 0x40100083, PT_BAD, 0x40100000, "P W PSE RSVD" },
		{ "bit 8 of a table is ignored", 2, 0x1167, PT_TABLE, 0x1000, "P W U A D" },
		{ "PS in the PGD", 3, 0x10e7, PT_BAD, 0x1000, "P W U A D PSE RSVD" },
		{ "beyond MAXPHYADDR", 0, 0x0000400000001067, PT_BAD, 0x400000001000,
		  "P W U A D RSVD" },
		{ "uncached", 0, 0xfee0001b, PT_LEAF, 0xfee00000, "P W PWT PCD" },
		{ "PROT_NONE, inverted", 0, 0x000fffffffffa160, PT_PROTNONE, 0x5000,
		  "PROTNONE A D" },
		{ "PROT_NONE, frame 0", 0, 0x000ffffffffff100, PT_PROTNONE, 0, "PROTNONE" },
		{ "THP, PROT_NONE", 1, 0x000fffffffc001a0, PT_PROTNONE, 0x200000,
		  "PROTNONE A PSE" },
		{ "hugetlb, PROT_NONE", 1, 0x000fffffffdff1a0, PT_PROTNONE, 0x200000,
		  "PROTNONE A PSE" },
		{ "THP being split", 1, 0x000fffffffc000a0, PT_PROTNONE, 0x200000,
		  "PROTNONE A PSE" },
		{ "hugetlb 1 GiB, PROT_NONE", 2, 0x000fffffbffff1a0, PT_PROTNONE, 0x40000000,
		  "PROTNONE A PSE" },
		{ "swap", 0, 0x003fffffffff8002, PT_SWAP, 0, "" },
		{ "erratum bits", 0, 0x60, PT_NONE, 0, "" },
		{ "erratum bits, 4-level PGD", 3, 0x60, PT_NONE, 0, "" },
		{ "empty", 2, 0, PT_NONE, 0, "" },
	};
	const struct pt_decode d = {
		.format = &pt_x86_4level, .soft = &pt_soft_linux_x86, .maxphyaddr = 46,
		.nx = true, .huge_1g = true,
	};
	const struct pt_decode five = {
		.format = &pt_x86_5level, .soft = &pt_soft_linux_x86, .maxphyaddr = 46, .nx = true,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char flags[64];
		enum pt_kind kind = d.format->entry_kind(&d, known[i].level, known[i].raw);
		gpa_t addr = d.format->entry_addr(&d, known[i].level, known[i].raw);

		d.format->entry_flags(&d, known[i].level, known[i].raw, flags, sizeof(flags));
		if (kind != known[i].kind || addr != known[i].addr ||
		    strcmp(flags, known[i].flags))
			fail_msg("%s: kind %d, addr 0x%llx, flags \"%s\"", known[i].name, kind,
				 (unsigned long long)addr, flags);
	}
	/* A 5-level PGD has no business with the erratum; its P4D has. */
	assert_int_equal(five.format->entry_kind(&five, 4, 0x60), PT_SWAP);
	assert_int_equal(five.format->entry_kind(&five, 3, 0x60), PT_NONE);
	assert_int_equal(five.format->entry_kind(&five, 2, 0x83), PT_BAD);
}

static void flags_fit_any_buffer(void **state)
{
	const struct pt_decode d = {
		.format = &pt_x86_4level, .maxphyaddr = 46, .nx = true, .huge_1g = true,
	};
	char whole[64], part[64];

	(void)state;
	d.format->entry_flags(&d, 1, 0x80003fffffe031ff, whole, sizeof(whole));
	assert_string_equal(whole, "P W U PWT PCD A D PSE G PAT NX RSVD");
	for (size_t size = 0; size <= sizeof(part); size++) {
		memset(part, '#', sizeof(part));
		assert_ptr_equal(d.format->entry_flags(&d, 1, 0x80003fffffe031ff, part, size),
				 part);
		for (size_t i = size; i < sizeof(part); i++)
			assert_int_equal(part[i], '#');
		if (size > strlen(whole))
			assert_string_equal(part, whole);
		else if (size)
			assert_true(strlen(part) < size);
	}
}

static void spaces_from_registers(void **state)
{
	const struct x86_regs good = {
		.cr0 = X86_CR0_PE | X86_CR0_PG, .cr3 = 0x8000000012345fff,
		.cr4 = X86_CR4_PAE | X86_CR4_PCIDE, .maxphyaddr = 46,
		.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
	};
	struct x86_regs regs = good;
	const char *why = NULL;
	struct pt_space s, of;

	(void)state;
	assert_true(x86_space(&s, &regs, &pt_soft_linux_x86, &why));
	assert_ptr_equal(s.decode.format, &pt_x86_4level);
	assert_ptr_equal(s.decode.soft, &pt_soft_linux_x86);
	assert_int_equal(s.root[0].gpa, 0x12345000);
	assert_int_equal(s.root[0].last, UINT64_MAX);
	assert_int_equal(s.decode.maxphyaddr, 46);
	assert_true(s.decode.nx);
	assert_false(s.decode.huge_1g);

	x86_space_of_pgd(&of, 0x777000, &s);
	assert_int_equal(of.roots, 1);
	assert_int_equal(of.root[0].gpa, 0x777000);
	assert_ptr_equal(of.decode.format, s.decode.format);

	regs.cr4 |= X86_CR4_LA57;
	regs.efer &= ~X86_EFER_NXE;
	regs.huge_1g = true;
	regs.maxphyaddr = 0;
	assert_true(x86_space(&s, &regs, NULL, &why));
	assert_ptr_equal(s.decode.format, &pt_x86_5level);
	assert_false(s.decode.nx);
	assert_true(s.decode.huge_1g);
	assert_int_equal(s.decode.maxphyaddr, 52);

	regs = good;
	regs.cr0 &= ~X86_CR0_PG;
	assert_false(x86_space(&s, &regs, NULL, &why));
	assert_non_null(strstr(why, "CR0.PG"));
	regs = good;
	regs.efer &= ~X86_EFER_LMA;
	assert_false(x86_space(&s, &regs, NULL, &why));
	assert_non_null(strstr(why, "EFER.LMA"));
	regs = good;
	regs.cr4 &= ~X86_CR4_PAE;
	assert_false(x86_space(&s, &regs, NULL, &why));
	assert_non_null(strstr(why, "CR4.PAE"));
}

static void format_helpers(void **state)
{
	struct pt_space s = { .decode = { .format = &pt_x86_4level } };
	const struct pt_format *const *f;

	(void)state;
	assert_true(pt_canonical(&pt_x86_4level, 0x00007fffffffffff));
	assert_false(pt_canonical(&pt_x86_4level, 0x0000800000000000));
	assert_true(pt_canonical(&pt_x86_5level, 0x0000800000000000));
	assert_false(pt_canonical(&pt_x86_4level, 0xffff7fffffffffff));
	assert_true(pt_canonical(&pt_x86_4level, 0xffff800000000000));
	assert_false(pt_canonical(&pt_x86_5level, 0x0100000000000000));
	assert_true(pt_canonical(&pt_x86_5level, 0xff00000000000000));
	assert_int_equal(pt_make_canonical(&pt_x86_4level, 0x0000ffff80000000),
			 0xffffffff80000000);
	assert_int_equal(pt_make_canonical(&pt_x86_4level, 0xabcd7fff80000000),
			 0x00007fff80000000);

	assert_int_equal(pt_index(&pt_x86_4level, 3, 0xffff800000000000), 256);
	assert_int_equal(pt_index(&pt_x86_4level, 0, UINT64_MAX), 511);
	assert_int_equal(pt_index(&pt_x86_5level, 4, 0xff00000000000000), 256);
	assert_int_equal(pt_index(&pt_x86_5level, 1, 0x400000), 2);
	assert_int_equal(pt_span(&pt_x86_4level, 1), 0x200000);
	assert_int_equal(pt_span(&pt_x86_5level, 4), 1ull << 48);

	assert_int_equal(pt_level_by_name(&pt_x86_4level, "pte"), 0);
	assert_int_equal(pt_level_by_name(&pt_x86_4level, "pgd"), 3);
	assert_int_equal(pt_level_by_name(&pt_x86_5level, "p4d"), 3);
	assert_int_equal(pt_level_by_name(&pt_x86_5level, "pgd"), 4);
	assert_int_equal(pt_level_by_name(&pt_x86_4level, "p4d"), -1);
	assert_int_equal(pt_level_by_name(&pt_x86_4level, "pt"), -1);
	assert_int_equal(pt_level_by_name(&pt_x86_4level, ""), -1);

	s.roots = 2;
	s.root[0] = (struct pt_root) { 0x1000, 0, 0x3fffffff, PT_MODE_ANY };
	s.root[1] = (struct pt_root) { 0x2000, 0x40000000, UINT64_MAX, PT_MODE_USER };
	assert_ptr_equal(pt_root_for(&s, 0x3fffffff, PT_MODE_USER), &s.root[0]);
	assert_ptr_equal(pt_root_for(&s, 0x40000000, PT_MODE_USER), &s.root[1]);
	assert_null(pt_root_for(&s, 0x40000000, PT_MODE_KERNEL));
	assert_null(pt_root_for(&s, 0x800000000000, PT_MODE_ANY));
	assert_ptr_equal(pt_root_for(&s, UINT64_MAX, PT_MODE_ANY), &s.root[1]);

	for (f = pt_formats; *f; f++)
		assert_non_null((*f)->entry_kind);
	assert_int_equal(f - pt_formats, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_equal_reference),
		cmocka_unit_test(random_entries_equal_reference),
		cmocka_unit_test(known_entries),
		cmocka_unit_test(flags_fit_any_buffer),
		cmocka_unit_test(spaces_from_registers),
		cmocka_unit_test(format_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

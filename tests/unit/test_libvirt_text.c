/* SPDX-License-Identifier: GPL-2.0-only */
/* test_libvirt_text.c - what QEMU's monitor prints, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/libvirt/text.h"

/* As QEMU 7.2 prints them: 64-bit code, and real mode before any of it. */
static const char long_mode[] =
	"\r\nCPU#0\r\n"
	"RAX=000000000001ad40 RBX=0000000000000000 RCX=0000000000000000 RDX=4000000000000000\r\n"
	"RSI=0000000000000087 RDI=0000000000000214 RBP=ffffffff9ca1aa40 RSP=ffffffff9ca03e90\r\n"
	"RIP=ffffffff9ba0dfeb RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\r\n"
	"FS =0000 0000000000000001 00000000 00000000\r\n"
	"GS =0000 ff3a7edddf000000 00000000 00000000\r\n"
	"GDT=     fffffe0000001000 0000007f\r\n"
	"CR0=80050033 CR2=00000000004da000 CR3=00000000024f8000 CR4=00751eb0\r\n"
	"DR6=00000000ffff0ff0 DR7=0000000000000400\r\n"
	"EFER=0000000000000d01\r\n"
	"FCW=037f FSW=0000 [ST=0] FTW=00 MXCSR=00001f80\r\n";
static const char real_mode[] =
	"CPU#1\n"
	"EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1\n"
	"ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000010\n"
	"EIP=0000fff0 EFL=00000002 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=0\n"
	"GS =0000 000b8000 0000ffff 00009300\n"
	"CR0=60000010 CR2=00000001 CR3=00000002 CR4=00000003\n"
	"EFER=0000000000000000";

static void registers_are_read(void **state)
{
	char text[sizeof(long_mode) + sizeof(real_mode)];
	struct x86_regs *list;
	struct err e = { 0 };
	unsigned count;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", long_mode, real_mode);
	assert_true(text_registers(text, &list, &count, &e));
	assert_int_equal(count, 2);
	assert_true(list[0].rip == 0xffffffff9ba0dfeb);
	assert_true(list[0].rsp == 0xffffffff9ca03e90);
	assert_true(list[0].rflags == 0x246);
	assert_true(list[0].cr0 == 0x80050033);
	assert_true(list[0].cr2 == 0x4da000);
	assert_true(list[0].cr3 == 0x24f8000);
	assert_true(list[0].cr4 == 0x751eb0);
	assert_true(list[0].efer == 0xd01);
	assert_true(list[0].gs_base == 0xff3a7edddf000000);
	assert_int_equal(list[0].cpl, 0);
	assert_true(list[0].halted);
	assert_true(list[1].rip == 0xfff0);
	assert_true(list[1].rsp == 0x10);
	assert_true(list[1].rflags == 2);
	assert_true(list[1].gs_base == 0xb8000);
	assert_true(list[1].cr3 == 2);
	assert_int_equal(list[1].cpl, 3);
	assert_false(list[1].halted);
	free(list);
}

static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	size_t size = strlen(text) + strlen(to) + 1;
	char *out = malloc(size);

	assert_non_null(at);
	assert_non_null(out);
	snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

static void registers_are_not_guessed(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} wrong[] = {
		{ "CPU#0", "CPU0", "0 vCPUs" },
		{ "RIP=", "RIX=", "RIP" },
		{ "RSP=ff", "RSP=gg", "RSP" },
		{ "CR3=00000000024f8000", "CR3=000000000024f8000", "CR3" },
		{ "CR3=00000000024f8000", "CR3=", "CR3" },
		{ "CR3=00000000024f8000", "CR3=24f8000x", "CR3" },
		{ "CR3=", "ACR3=", "CR3" },
		{ "EFER=0000000000000d01", "EFER", "EFER" },
		{ "CPL=0", "CPL=4", "CPL" },
		{ "HLT=1", "HLT=2", "HLT" },
		{ "GS =0000 ", "GS =0000", "GS" },
		{ "GS =0000 ff3a7edddf000000", "GS =0000 -", "GS" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = replaced(long_mode, wrong[i].from, wrong[i].to);
		struct x86_regs *list;
		struct err e = { 0 };
		unsigned count;

		assert_false(text_registers(text, &list, &count, &e));
		assert_null(list);
		assert_int_equal(e.code, ERR_TARGET);
		assert_non_null(strstr(e.message, wrong[i].says));
		free(text);
	}
}

/* Every start of the text is either refused or says the same. */
static void registers_cut_anywhere(void **state)
{
	char text[sizeof(long_mode)];
	size_t accepted = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(long_mode); n++) {
		struct x86_regs *list;
		unsigned count;

		snprintf(text, n + 1, "%s", long_mode);
		if (!text_registers(text, &list, &count, NULL))
			continue;
		accepted++;
		assert_int_equal(count, 1);
		assert_true(list[0].cr3 == 0x24f8000);
		free(list);
	}
	assert_true(accepted > 0);
}

static const char memdev_pc[] = "memory backend: pc.ram\r\n  size:  2147483648\r\n";
static const char mtree_pc[] =
	"FlatView #0\r\n"
	" AS \"I/O\", root: io\r\n"
	" Root memory region: io\r\n"
	"  0000000000000000-0000000000000fff (prio 0, ram): pc.ram\r\n"
	"\r\n"
	"FlatView #1\r\n"
	" AS \"memory\", root: system\r\n"
	" AS \"cpu-memory-0\", root: system\r\n"
	" Root memory region: system\r\n"
	"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\r\n"
	"  00000000000a0000-00000000000affff (prio 1, ram): vga.vram KVM\r\n"
	"  00000000000b0000-00000000000bffff (prio 1, i/o): vga-lowmem\r\n"
	"  00000000000c0000-00000000000c2fff (prio 0, ram): pc.ram @00000000000c0000 KVM\r\n"
	"  00000000000c3000-00000000000e7fff (prio 0, rom): pc.ram @00000000000c3000 KVM\r\n"
	"  00000000000e8000-000000007fffffff (prio 0, ram): pc.ram @00000000000e8000 KVM\r\n"
	"  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios KVM\r\n"
	"  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @0000000080000000 KVM\r\n"
	"\r\n"
	"FlatView #2\r\n"
	" AS \"memory2\", root: system\r\n"
	"  0000000200000000-000000020fffffff (prio 0, ram): pc.ram @0000000080000000 KVM\r\n";

static void check_range(const struct text_range *r, gpa_t first, gpa_t last, uint64_t offset,
			const char *block)
{
	assert_true(r->first == first);
	assert_true(r->last == last);
	assert_true(r->offset == offset);
	assert_string_equal(r->block, block);
}

static void layout_is_read(void **state)
{
	struct text_ranges ranges;
	struct err e = { 0 };

	(void)state;
	assert_true(text_ranges(mtree_pc, memdev_pc, &ranges, &e));
	assert_int_equal(ranges.count, 3);
	check_range(&ranges.list[0], 0, 0x9ffff, 0, "pc.ram");
	check_range(&ranges.list[1], 0xc0000, 0x7fffffff, 0xc0000, "pc.ram");
	check_range(&ranges.list[2], 0x100000000, 0x13fffffff, 0x80000000, "pc.ram");
	text_ranges_free(&ranges);
}

static void layout_of_nodes(void **state)
{
	static const char memdev[] = "memory backend: ram-node1\n  size:  1\n"
				     "memory backend: ram-node0\n";
	static const char mtree[] =
		" AS \"memory\", root: system\n"
		"  0000000000000000-000000007fffffff (prio 0, ram): /objects/ram-node0\n"
		"  0000000080000000-00000000bfffffff (prio 0, ram): ram-node1\n"
		"  00000000c0000000-00000000c0ffffff (prio 0, ram): ram-node10\n"
		"  0000000100000000-000000017fffffff (prio 0, nv-ram): ram-node1 "
		"@0000000040000000\n";
	struct text_ranges ranges;

	(void)state;
	assert_true(text_ranges(mtree, memdev, &ranges, NULL));
	assert_int_equal(ranges.count, 3);
	check_range(&ranges.list[0], 0, 0x7fffffff, 0, "/objects/ram-node0");
	check_range(&ranges.list[1], 0x80000000, 0xbfffffff, 0, "ram-node1");
	check_range(&ranges.list[2], 0x100000000, 0x17fffffff, 0x40000000, "ram-node1");
	text_ranges_free(&ranges);
}

static void layout_in_whole_frames(void **state)
{
	static const char mtree[] =
		" AS \"memory\", root: system\n"
		"  0000000000000800-0000000000002fff (prio 0, ram): pc.ram @0000000000000000\n"
		"  0000000000004000-00000000000057ff (prio 0, ram): pc.ram @0000000000004000\n"
		"  0000000000006001-0000000000006fff (prio 0, ram): pc.ram\n"
		"  0000000000008000-00000000000080ff (prio 0, ram): pc.ram\n";
	struct text_ranges ranges;

	(void)state;
	assert_true(text_ranges(mtree, "", &ranges, NULL));
	assert_int_equal(ranges.count, 2);
	check_range(&ranges.list[0], 0x1000, 0x2fff, 0x800, "pc.ram");
	check_range(&ranges.list[1], 0x4000, 0x4fff, 0x4000, "pc.ram");
	text_ranges_free(&ranges);
}

static void layout_is_not_guessed(void **state)
{
	static const char *const wrong[][2] = {
		{ " AS \"memory\", root", " AS \"remember\", root" },
		{ "100000000-000000013fffffff", "100000000-00000000ffffffff" },
		{ "100000000-000000013fffffff", "000100000-000000013fffffff" },
		{ "@0000000080000000", "@00000000800000" },
		{ "@0000000080000000", "@fffffffff0000000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = replaced(mtree_pc, wrong[i][0], wrong[i][1]);
		struct text_ranges ranges;
		struct err e = { 0 };

		assert_false(text_ranges(text, memdev_pc, &ranges, &e));
		assert_null(ranges.list);
		assert_int_equal(e.code, ERR_TARGET);
		free(text);
	}
}

static void short_answers(void **state)
{
	uint64_t hva, number;
	char word[8];
	bool truth;

	(void)state;
	assert_true(text_hva("Host virtual address for 0x1000 (pc.ram) is 0x7fe778000000\r\n",
			     "pc.ram", &hva, NULL));
	assert_true(hva == 0x7fe778000000);
	assert_false(text_hva("Host virtual address for 0x1000 (pc.bios) is 0x7fe778000000",
			      "pc.ram", &hva, NULL));
	assert_false(text_hva("Host virtual address for 0x1000 (pc.ram) is 0x7fe778000001",
			      "pc.ram", &hva, NULL));
	assert_false(text_hva("Host virtual address for 0x1000 (pc.ram) is 0x", "pc.ram", &hva,
			      NULL));
	assert_false(text_hva("No memory is mapped at address 0x0", "pc.ram", &hva, NULL));

	assert_true(text_qmp_number("{\"return\":40,\"id\":\"libvirt-7\"}", &number));
	assert_true(number == 40);
	assert_true(text_qmp_number("{\"id\": 3, \"return\": 41}", &number));
	assert_true(number == 41);
	assert_false(text_qmp_number("{\"return\":-1}", &number));
	assert_false(text_qmp_number("{\"return\":99999999999999999999}", &number));
	assert_false(text_qmp_number("{\"error\":{}}", &number));
	assert_true(text_qmp_bool("{\"return\":true}", &truth) && truth);
	assert_true(text_qmp_bool("{\"return\":false}", &truth) && !truth);
	assert_false(text_qmp_bool("{\"return\":1}", &truth));
	assert_true(text_qmp_string("{\"a\":{\"path\":\"/x[0]\"}}", "path", word, sizeof(word)));
	assert_string_equal(word, "/x[0]");
	assert_false(text_qmp_string("{\"path\":\"/x\\\"\"}", "path", word, sizeof(word)));
	assert_false(text_qmp_string("{\"path\":\"12345678\"}", "path", word, sizeof(word)));
	assert_false(text_qmp_string("{\"path\":\"1", "path", word, sizeof(word)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_read),
		cmocka_unit_test(registers_are_not_guessed),
		cmocka_unit_test(registers_cut_anywhere),
		cmocka_unit_test(layout_is_read),
		cmocka_unit_test(layout_of_nodes),
		cmocka_unit_test(layout_in_whole_frames),
		cmocka_unit_test(layout_is_not_guessed),
		cmocka_unit_test(short_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

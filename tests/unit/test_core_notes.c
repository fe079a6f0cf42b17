/* SPDX-License-Identifier: GPL-2.0-only */
/* test_core_notes.c - registers and VMCOREINFO of a dump; what is no dump at all. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "vmm/core/core.h"

static const uint8_t frame[PT_FRAME_SIZE] = { 1, 2, 3 };

static struct core_file *small(void)
{
	struct core_file *f = core_file_new();

	core_file_load(f, 0x1000, frame, sizeof(frame), sizeof(frame));
	return f;
}

static struct machine *opened(struct core_file *f)
{
	struct err err = { 0 };
	struct machine *m = core_open(core_file_write(f), &err);

	if (!m)
		fail_msg("core_open: %s", err.message);
	core_file_free(f);
	core_file_clean();
	return m;
}

static void registers(void **state)
{
	static const struct x86_regs given[2] = {
		{ .rip = 0xffffffff81000000, .rsp = 0xffffc90000001000, .rflags = 0x246,
		  .cr0 = 0x80050033, .cr2 = 0x7f0000001000, .cr3 = 0x1234567, .cr4 = 0x6f0,
		  .gs_base = 0xffff88803fc00000, .kernel_gs_base = 0x1111 },
		{ .rip = 0x401000, .cr0 = 0x80050033, .cr3 = 0x2000, .cr4 = 0x16f0, .cpl = 3,
		  .kernel_gs_base = 0xffff88803fd00000 },
	};
	struct core_file *f = small();
	struct x86_regs got;
	struct machine *m;
	struct err err;

	(void)state;
	core_file_vcpu(f, &given[0]);
	core_file_vcpu(f, &given[1]);
	m = opened(f);
	assert_int_equal(m->vcpus, 2);
	assert_non_null(m->assumed);
	for (unsigned i = 0; i < 2; i++) {
		struct pt_space space;
		const char *why;

		assert_true(m->ops->regs(m, i, &got, &err));
		assert_int_equal(got.rip, given[i].rip);
		assert_int_equal(got.rsp, given[i].rsp);
		assert_int_equal(got.rflags, given[i].rflags);
		assert_int_equal(got.cr0, given[i].cr0);
		assert_int_equal(got.cr2, given[i].cr2);
		assert_int_equal(got.cr3, given[i].cr3);
		assert_int_equal(got.cr4, given[i].cr4);
		assert_int_equal(got.gs_base, given[i].gs_base);
		assert_int_equal(got.kernel_gs_base, given[i].kernel_gs_base);
		assert_int_equal(got.cpl, given[i].cpl);
		assert_true(got.efer & X86_EFER_LMA && got.efer & X86_EFER_NXE);
		assert_int_equal(got.maxphyaddr, 52);
		assert_true(got.huge_1g);
		assert_true(x86_space(&space, &got, NULL, &why));
		assert_int_equal(space.decode.format->levels, i ? 5 : 4);
	}
	assert_false(m->ops->regs(m, 2, &got, &err));
	assert_int_equal(err.code, ERR_USAGE);
	assert_true(m->ops->pause(m, &err) && m->ops->resume(m, &err));
	assert_null(m->ops->write);
	assert_null(m->ops->poison);
	machine_close(m);
}

/* EFER is not in the note: long mode is found out. */
static void long_mode_is_derived(void **state)
{
	static const struct {
		uint64_t cr0, cr4;
		bool narrow, long_mode;
	} cases[] = {
		{ X86_CR0_PG | X86_CR0_PE, X86_CR4_PAE, false, true },
		{ X86_CR0_PE, X86_CR4_PAE, false, false },
		{ X86_CR0_PG | X86_CR0_PE, 0, false, false },
		{ X86_CR0_PG | X86_CR0_PE, X86_CR4_PAE, true, false },
		{ 0, 0, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct core_file *f = small();
		struct x86_regs got;
		struct machine *m;

		/* What QEMU writes for a first CPU that is not in long mode. */
		f->narrow = cases[i].narrow;
		f->machine = cases[i].narrow ? EM_386 : EM_X86_64;
		core_file_vcpu(f, &(struct x86_regs){ .cr0 = cases[i].cr0, .cr4 = cases[i].cr4 });
		m = opened(f);
		assert_true(m->ops->regs(m, 0, &got, NULL));
		assert_int_equal(!!(got.efer & X86_EFER_LMA), cases[i].long_mode);
		machine_close(m);
	}
}

static void notes_that_lie(void **state)
{
	uint32_t qemu[110] = { 1, 440 };
	struct core_file *f = small();
	struct machine *m;
	size_t size;

	(void)state;
	qemu[0] = 2;
	core_file_note(f, "QEMU", 0, qemu, sizeof(qemu));	/* another version */
	qemu[0] = 1;
	qemu[1] = 4000;
	core_file_note(f, "QEMU", 0, qemu, sizeof(qemu));	/* larger than it is */
	core_file_note(f, "QEMU", 0, qemu, 3);
	core_file_note(f, "", 0, "", 0);
	core_file_note(f, "a name that is longer than any other", 1, "abc", 3);
	core_file_note(f, "VMCOREINFO", 0, "OSRELEASE=1\n", 12);
	core_file_note(f, "VMCOREINFO", 0, "OSRELEASE=2\n", 12);
	core_file_note(f, "CORE", NT_PRSTATUS, "", 0);
	m = opened(f);
	assert_int_equal(m->vcpus, 0);
	assert_non_null(strstr(m->assumed, "no control registers"));
	assert_string_equal(core_vmcoreinfo(m, &size), "OSRELEASE=1\n");
	assert_int_equal(size, 12);
	machine_close(m);

	/* Sizes of a note that pass its segment's end; the ones before count. */
	for (unsigned i = 0; i < 2; i++) {
		struct core_file *g = small();

		core_file_vcpu(g, &(struct x86_regs){ .cr3 = 0x5000 });
		core_file_note(g, "VMCOREINFO", 0, "x", 1);
		memset(g->notes + (i ? 4 : 0), 0xff, 4);
		m = opened(g);
		assert_int_equal(m->vcpus, 1);
		assert_null(core_vmcoreinfo(m, &size));
		machine_close(m);
	}
}

static void refuse(const char *path, const char *says)
{
	struct err err = { 0 };
	struct machine *m = core_open(path, &err);

	if (m)
		fail_msg("it opens, and should say '%s'", says);
	assert_true(err.code == ERR_TARGET || err.code == ERR_UNSUPPORTED);
	if (!strstr(err.message, says))
		fail_msg("'%s' does not say '%s'", err.message, says);
	assert_null(strchr(err.message, '\n'));
}

static void refuse_file(struct core_file *f, const char *says)
{
	refuse(core_file_write(f), says);
	core_file_free(f);
	core_file_clean();
}

static void refuse_bytes(const char *bytes, size_t size, const char *says)
{
	refuse(core_file_store(bytes, size), says);
	core_file_clean();
}

static void no_dumps(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *says;
	} others[] = {
		{ "", 0, "empty" }, { "x", 1, "not a memory dump" },
		{ "\177ELF", 4, "ELF" }, { "\177ELF\2\1\1", 7, "ELF" },
		{ "\x1f\x8b\x08zipped", 9, "decompress" }, { "\xfd" "7zXZ\0", 6, "decompress" },
		{ "\x28\xb5\x2f\xfd....", 8, "decompress" }, { "BZh9....", 8, "decompress" },
		{ "\x04\x22\x4d\x18....", 8, "decompress" }, { "PK\x03\x04....", 8, "unpack" },
		{ "LibvirtQemudSave....", 20, "--memory-only" }, { "QEVM....", 8, "--memory-only" },
		{ "EMiL....", 8, "LiME" }, { "PAGEDU64....", 12, "Windows" },
		{ "Some text that somebody wrote down in a file", 44, "raw:FILE" },
		{ "KDUMP   ", 8, "kdump" }, { "makedumpfile\0\0\0\0", 16, "" },
	};
	struct core_file *f;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		refuse_bytes(others[i].bytes, others[i].size, others[i].says);
	f = small();
	f->type = ET_EXEC;
	refuse_file(f, "program");
	f = small();
	f->machine = EM_AARCH64;
	refuse_file(f, "not of an x86-64 guest");
	f = small();
	f->big_endian = 1;
	refuse_file(f, "ELF");
	f = small();
	core_file_note(f, "CORE", NT_PRPSINFO, frame, 136);
	refuse_file(f, "process");
	refuse_file(core_file_new(), "no guest memory");
	f = core_file_new();
	core_file_claim(f, 0x1000, 1ull << 40, 0, 0);
	refuse_file(f, "no guest memory");
}

/* A process's core without the notes: memory has virtual addresses and no physical ones. */
static void process_core(void **state)
{
	struct core_file *f = core_file_new();
	Elf64_Phdr header;
	uint8_t *bytes;
	size_t size;

	(void)state;
	core_file_load(f, 0, frame, sizeof(frame), sizeof(frame));
	bytes = core_file_bytes(f, &size);
	memcpy(&header, bytes + sizeof(Elf64_Ehdr) + sizeof(header), sizeof(header));
	assert_int_equal(header.p_type, PT_LOAD);
	header.p_vaddr = 0x400000;
	memcpy(bytes + sizeof(Elf64_Ehdr) + sizeof(header), &header, sizeof(header));
	refuse_bytes((char *)bytes, size, "process");
	free(bytes);
	core_file_free(f);
}

static void no_files(void **state)
{
	char path[] = "/tmp/ptmm-core-dir-XXXXXX", pipe[64];

	(void)state;
	refuse("/nowhere/at/all", "No such file");
	assert_non_null(mkdtemp(path));
	refuse(path, "folder");
	snprintf(pipe, sizeof(pipe), "%s/pipe", path);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	refuse(pipe, "not a regular file");
	if (geteuid()) {
		assert_int_equal(chmod(pipe, 0), 0);
		refuse(pipe, "ermission");
	}
	unlink(pipe);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(long_mode_is_derived),
		cmocka_unit_test(notes_that_lie),
		cmocka_unit_test(no_dumps),
		cmocka_unit_test(process_core),
		cmocka_unit_test(no_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_core_kdump.c - kdump-compressed and flattened dumps, whole, cut and garbled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "vmm/core/core.h"

enum { FRAME = PT_FRAME_SIZE, FRAMES = 64 };

/* libkdumpfile 0.5.1 does not free its table of frames. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libkdumpfile\n";
}

static uint8_t memory[FRAMES * FRAME];

/* 256 KiB, a hole, 256 KiB that were zeros and are left out. */
static struct core_file *dump(void)
{
	struct core_file *f = core_file_new();

	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i / FRAME * 31 + i % 251);
	core_file_load(f, 0, memory, sizeof(memory), sizeof(memory));
	core_file_load(f, 0x100000, NULL, 0, sizeof(memory));
	core_file_vcpu(f, &(struct x86_regs){ .cr0 = 0x80050033, .cr3 = 0x3000, .cr4 = 0x20 });
	return f;
}

static bool built_without(const uint8_t *bytes, size_t size)
{
	struct err err = { 0 };
	struct machine *m = core_open(core_file_store(bytes, size), &err);
	bool without = !m && err.code == ERR_UNSUPPORTED;

	if (m)
		machine_close(m);
	core_file_clean();
	if (without)
		printf("SKIP: %s\n", err.message);
	return without;
}

static void check(const uint8_t *bytes, size_t size)
{
	struct err err = { 0 };
	struct machine *m = core_open(core_file_store(bytes, size), &err);
	uint8_t got[FRAME];
	struct x86_regs regs;

	if (!m)
		fail_msg("core_open: %s", err.message);
	assert_int_equal(machine_memory(m), 2 * sizeof(memory));
	assert_int_equal(machine_unreadable(m), FRAMES);
	/* Twice, and backwards: the second time from the cache. */
	for (size_t i = 2 * FRAMES; i-- > 0;) {
		assert_true(machine_read(m, i % FRAMES * FRAME, got, FRAME, &err));
		assert_memory_equal(got, memory + i % FRAMES * FRAME, FRAME);
	}
	assert_false(machine_read(m, sizeof(memory), got, 1, &err));
	assert_int_equal(err.code, ERR_NOT_RAM);
	assert_false(machine_read(m, 0x100000, got, 1, &err));
	assert_int_equal(err.code, ERR_UNREADABLE);
	assert_int_equal(m->vcpus, 1);
	assert_true(m->ops->regs(m, 0, &regs, &err));
	assert_int_equal(regs.cr3, 0x3000);
	assert_true(regs.efer & X86_EFER_LMA);
	machine_close(m);
	core_file_clean();
}

static void compressed_and_flattened(void **state)
{
	struct core_file *f = dump();
	size_t size, flat_size;
	uint8_t *bytes = core_file_kdump(f, &size), *flat;

	(void)state;
	if (built_without(bytes, size))
		skip();
	check(bytes, size);
	flat = core_file_flatten(bytes, size, 5000, &flat_size);
	check(flat, flat_size);
	free(flat);
	free(bytes);
	core_file_free(f);
}

/* Reads all of it in a child, which must not die of it. */
static bool survives(const uint8_t *bytes, size_t size)
{
	const char *path = core_file_store(bytes, size);
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		struct err err = { 0 };
		struct machine *m = core_open(path, &err);
		uint8_t byte;

		alarm(60);
		if (!m && (!err.message[0] || strchr(err.message, '\n')))
			_exit(1);
		for (gpa_t gpa = 0; m && gpa < 0x200000; gpa += FRAME)
			machine_read(m, gpa, &byte, 1, &err);
		if (m)
			machine_close(m);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	core_file_clean();
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void cut_anywhere(void **state)
{
	struct core_file *f = dump();
	size_t size, flat_size;
	uint8_t *bytes = core_file_kdump(f, &size), *flat;

	(void)state;
	if (built_without(bytes, size))
		skip();
	flat = core_file_flatten(bytes, size, 5000, &flat_size);
	for (size_t cut = 1; cut < size; cut += cut < 600 ? 37 : 3011)
		if (!survives(bytes, cut))
			fail_msg("cut at %zu", cut);
	for (size_t cut = 1; cut < flat_size; cut += 5011)
		if (!survives(flat, cut))
			fail_msg("flattened, cut at %zu", cut);
	free(flat);
	free(bytes);
	core_file_free(f);
}

/* One field of the header or of a frame's descriptor is anything. */
static void garbled(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct core_file *f = dump();
	size_t size;
	uint8_t *bytes = core_file_kdump(f, &size);

	(void)state;
	if (built_without(bytes, size))
		skip();
	for (size_t at = 8; at < 8 * 4096; at += at < 480 ? 8 : at < 4096 ? 512 : 1023) {
		for (size_t v = 0; v < sizeof(values); v++) {
			uint8_t old[8];

			memcpy(old, bytes + at, sizeof(old));
			memset(bytes + at, values[v], v % 2 ? 4 : 8);
			if (!survives(bytes, size))
				fail_msg("0x%02x at %zu", values[v], at);
			memcpy(bytes + at, old, sizeof(old));
		}
	}
	free(bytes);
	core_file_free(f);
}

/* A stream whose pieces lie about where they belong and how long they are. */
static void lying_stream(void **state)
{
	static const uint64_t words[] = { 0x8000000000000000, 0x7fffffffffffffff, 1ull << 47 };
	struct core_file *f = dump();
	size_t size, flat_size;
	uint8_t *bytes = core_file_kdump(f, &size), *flat;

	(void)state;
	if (built_without(bytes, size))
		skip();
	flat = core_file_flatten(bytes, size, 5000, &flat_size);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (size_t at = 4096; at < 4096 + 16; at += 8) {
			uint64_t old, lie = __builtin_bswap64(words[i]);
			struct err err = { 0 };

			memcpy(&old, flat + at, sizeof(old));
			memcpy(flat + at, &lie, sizeof(lie));
			assert_null(core_open(core_file_store(flat, flat_size), &err));
			assert_non_null(strstr(err.message, "flattened"));
			memcpy(flat + at, &old, sizeof(old));
			core_file_clean();
		}
	}
	free(flat);
	free(bytes);
	core_file_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed_and_flattened),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(garbled),
		cmocka_unit_test(lying_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_memory.c - sizes, the hole below 4 GiB, and what inspectors get. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm/kvm/memory.h"

#define GIB (1ull << 30)

static const struct {
	const char *text;
	uint64_t size;		/* 0: refused */
} sizes[] = {
	{ "64M", 64ull << 20 }, { "64m", 64ull << 20 }, { "1G", GIB }, { "16384K", 16ull << 20 },
	{ "16777216", 16ull << 20 }, { "16M", 16ull << 20 },
	{ "", 0 }, { "M", 0 }, { "-1", 0 }, { "-1G", 0 }, { " 64M", 0 }, { "+64M", 0 },
	{ "64MB", 0 }, { "64 M", 0 }, { "0", 0 }, { "15M", 0 }, { "16777217", 0 }, { "1.5G", 0 },
	{ "99999999999G", 0 }, { "18446744073709551615", 0 }, { "18446744073709551616", 0 },
	{ "17179869184G", 0 }, { "0x4000000", 0 }, { "900000G", 0 },
};

static void sizes_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = 0;
		struct err e = { 0 };
		bool ok = memory_size_parse(sizes[i].text, &size, &e);

		if (ok != !!sizes[i].size || (ok && size != sizes[i].size))
			fail_msg("'%s': %d, %llu", sizes[i].text, ok, (unsigned long long)size);
		if (!ok) {
			assert_int_equal(e.code, ERR_USAGE);
			assert_int_equal(strncmp(e.message, "--mem ", 6), 0);
		}
	}
}

static void hole_is_left_out(void **state)
{
	struct memory mem = { 0 };
	uint8_t *low, *high;
	struct stat st;

	(void)state;
	assert_true(memory_create(&mem, 5 * GIB, NULL));
	assert_int_equal(mem.region_count, 2);
	assert_true(mem.region[0].first == 0 && mem.region[0].size == 3 * GIB);
	assert_true(mem.region[1].first == 4 * GIB && mem.region[1].size == 2 * GIB);
	assert_true(mem.region[1].offset == 3 * GIB);

	low = memory_at(&mem, 3 * GIB - 8, 8);
	high = memory_at(&mem, 4 * GIB, 8);
	assert_ptr_equal(high, low + 8);
	assert_null(memory_at(&mem, 3 * GIB - 8, 9));
	assert_null(memory_at(&mem, 3 * GIB, 1));
	assert_null(memory_at(&mem, 4 * GIB - 1, 1));
	assert_null(memory_at(&mem, 4 * GIB - 1, 2));
	assert_non_null(memory_at(&mem, 6 * GIB - 1, 1));
	assert_null(memory_at(&mem, 6 * GIB - 1, 2));
	assert_null(memory_at(&mem, 6 * GIB, 1));
	assert_null(memory_at(&mem, UINT64_MAX, 1));
	assert_null(memory_at(&mem, UINT64_MAX - 4, 16));
	assert_null(memory_at(&mem, 0, UINT64_MAX));
	assert_null(memory_at(&mem, 4 * GIB, 2 * GIB + 1));
	*high = 1;

	/* Only what is touched costs anything. */
	assert_int_equal(fstat(mem.fd, &st), 0);
	assert_true(st.st_size == (off_t)(5 * GIB));
	assert_true(st.st_blocks <= 4096);
	memory_destroy(&mem);
}

static void small_memory_has_one_region(void **state)
{
	struct memory mem = { 0 };

	(void)state;
	memory_layout(&mem, 3 * GIB);
	assert_int_equal(mem.region_count, 1);
	memory_layout(&mem, 3 * GIB + 4096);
	assert_int_equal(mem.region_count, 2);
	assert_true(mem.region[1].size == 4096);
}

static void others_can_only_read(void **state)
{
	struct memory mem = { 0 };
	uint8_t *view;
	int fd;

	(void)state;
	assert_true(memory_create(&mem, MEMORY_MIN, NULL));
	fd = memory_reopen_readonly(&mem, NULL);
	assert_true(fd >= 0);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(mem.fd, 4096), -1);
	assert_int_equal(ftruncate(mem.fd, MEMORY_MIN * 2), -1);
	view = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(view, MAP_FAILED);
	assert_int_equal(mprotect(view, 4096, PROT_READ | PROT_WRITE), -1);
	*(uint8_t *)memory_at(&mem, 5, 1) = 42;
	assert_int_equal(view[5], 42);
	munmap(view, 4096);
	close(fd);
	memory_destroy(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_parsed),
		cmocka_unit_test(hole_is_left_out),
		cmocka_unit_test(small_memory_has_one_region),
		cmocka_unit_test(others_can_only_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

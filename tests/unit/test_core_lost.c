/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_core_lost.c - memory that goes away while it is looked at: a dump that another
 * process cuts, a memfd that shrinks. A guest's census says `unreadable`, nothing dies.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/core_file.h"
#include "vmm/core/core.h"
#include "vmm/fault_guard.h"
#include "walker/table/cursor.h"

enum { FRAME = PT_FRAME_SIZE, FRAMES = 200 };

/* By another process, as it would be. */
static void cut(const char *path, off_t size)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		_exit(truncate(path, size) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static off_t file_size(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	close(fd);
	return size;
}

static struct machine *opened(const char *path)
{
	struct err err = { 0 };
	struct machine *m = core_open(path, &err);

	if (!m)
		fail_msg("core_open: %s", err.message);
	return m;
}

static struct core_file *ones(size_t align, size_t skew)
{
	uint8_t *bytes = malloc((size_t)FRAMES * FRAME);
	struct core_file *f = core_file_new();

	assert_non_null(bytes);
	memset(bytes, 1, (size_t)FRAMES * FRAME);
	f->align = align;
	f->skew = skew;
	core_file_load(f, 0, bytes, (uint64_t)FRAMES * FRAME, (uint64_t)FRAMES * FRAME);
	free(bytes);
	return f;
}

/* In place, shifted, by copying: what is still there reads, what is not does not. */
static void dump_that_shrinks(void **state)
{
	static const struct {
		size_t align, skew;
	} cases[] = { { 4096, 0 }, { 4096, 8 }, { 4096, 2048 }, { 4096, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct core_file *f = ones(cases[i].align, cases[i].skew);
		const char *path = core_file_write(f);
		off_t memory = file_size(path) - FRAMES * FRAME, left = memory + 50 * FRAME + 100;
		struct machine *m = opened(path);
		uint64_t word;

		assert_true(machine_read_u64(m, 0, &word, NULL));
		cut(path, left);
		for (gpa_t n = FRAMES; n-- > 0;) {
			struct err err = { 0 };
			uint8_t bytes[FRAME];
			bool whole = memory + (off_t)(n + 1) * FRAME <= left;
			bool read = machine_read(m, n * FRAME, bytes, FRAME, &err);

			/* The page that the file now ends in is there, with zeros behind. */
			if (n >= 49 && n <= 51)
				continue;
			if (read != whole)
				fail_msg("skew %zu, frame %llu: %d", cases[i].skew,
					 (unsigned long long)n, read);
			assert_true(read || err.code == ERR_UNREADABLE);
			for (size_t at = 0; read && at < FRAME; at++)
				assert_int_equal(bytes[at], 1);
		}
		/* That page too is found out, if asked. */
		machine_verify(m);
		assert_false(machine_read_u64(m, 50 * FRAME, &word, NULL));
		assert_true(machine_read_u64(m, 48 * FRAME, &word, NULL));
		if (m->regions[0].host)
			assert_in_range(machine_unreadable(m), FRAMES - 50, FRAMES - 49);
		machine_close(m);
		core_file_free(f);
		core_file_clean();
	}
}

/* A view that was taken before: unview tells, word by word reading too. */
static void view_in_hand(void **state)
{
	struct core_file *f = ones(4096, 0);
	const char *path = core_file_write(f);
	struct machine *m = opened(path);
	const volatile uint64_t *first = machine_view(m, 0, NULL);
	const volatile uint64_t *last = machine_view(m, 9 * FRAME, NULL);

	(void)state;
	assert_int_equal(*last, 0x0101010101010101);
	assert_false(machine_lost(m, 9 * FRAME));
	cut(path, file_size(path) - (FRAMES - 5) * FRAME);
	assert_int_equal(*last, 0);
	assert_int_equal(*first, 0x0101010101010101);
	assert_true(machine_lost(m, 9 * FRAME));
	assert_false(machine_lost(m, 0));
	assert_false(machine_unview(m, 9 * FRAME, (const void *)(uintptr_t)last));
	assert_true(machine_unview(m, 0, (const void *)(uintptr_t)first));
	assert_null(machine_view(m, 9 * FRAME, NULL));
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

static void cursor_over_a_cut(void **state)
{
	struct x86_regs regs = {
		.cr0 = X86_CR0_PG | X86_CR0_PE, .cr4 = X86_CR4_PAE, .efer = X86_EFER_LMA,
	};
	struct core_file *f = core_file_new();
	uint64_t table[512] = { 0 };
	struct pt_cursor cursor;
	struct pt_space space;
	const char *path, *why;
	struct machine *m;

	(void)state;
	table[0] = table[200] = 0x1067;
	f->align = 4096;
	core_file_load(f, 0, table, FRAME, FRAME);
	path = core_file_write(f);
	m = opened(path);
	assert_true(x86_space(&space, &regs, NULL, &why));
	pt_cursor_init(&cursor, m, &space);
	assert_int_equal(pt_cursor_start(&cursor, 0, 0, UINT64_MAX), PT_WAY_OPEN);
	assert_int_equal(pt_cursor_next(&cursor), PT_ITEM_ENTRY);
	cut(path, 4096);
	/* The rest of both halves is neither a hole nor half of one. */
	assert_int_equal(pt_cursor_next(&cursor), PT_ITEM_UNREADABLE);
	assert_int_equal(pt_cursor_next(&cursor), PT_ITEM_UNREADABLE);
	assert_int_equal(pt_cursor_next(&cursor), PT_ITEM_TABLE_END);
	pt_cursor_close(&cursor);
	machine_close(m);
	core_file_free(f);
	core_file_clean();
}

/* A memfd as VMMs have, with and without the usual page size; twice the same file. */
static void memfd_that_shrinks(void **state)
{
	static const size_t page_sizes[] = { 0, 16 * FRAME };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd = memfd_create("guest", MFD_CLOEXEC);
		size_t size = 64 * FRAME, huge = 16 * FRAME;
		struct mem_region regions[2] = { { .first = 0 } };
		struct machine m = { .regions = regions, .region_count = 2 };
		struct fault_guard *guard;
		uint64_t word;
		uint8_t *map, *room = mmap(NULL, size + huge, PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(room, MAP_FAILED);
		map = (uint8_t *)(((uintptr_t)room + huge - 1) & ~(uintptr_t)(huge - 1));
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		map = mmap(map, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
		assert_ptr_not_equal(map, MAP_FAILED);
		memset(map, 7, size);
		regions[0] = (struct mem_region){ 0, 32 * FRAME - 1, map, NULL };
		regions[1] = (struct mem_region){ 1 << 20, (1 << 20) + 32 * FRAME - 1,
						  map + 32 * FRAME, NULL };
		guard = fault_guard_new(&m, page_sizes[i], NULL);
		assert_non_null(guard);
		assert_int_equal(ftruncate(fd, 40 * FRAME), 0);
		assert_true(machine_read_u64(&m, 31 * FRAME, &word, NULL));
		assert_true(machine_read_u64(&m, (1 << 20) + 7 * FRAME, &word, NULL));
		assert_false(machine_read_u64(&m, (1 << 20) + 8 * FRAME, &word, NULL));
		assert_int_equal(m.lost_count, page_sizes[i] ? 16 : 1);
		/* All of a huge page goes at once. */
		assert_int_equal(machine_lost(&m, (1 << 20) + 15 * FRAME), i == 1);
		assert_false(machine_read_u64(&m, (1 << 20) + 31 * FRAME, &word, NULL));
		assert_true(machine_read_u64(&m, 31 * FRAME, &word, NULL));
		fault_guard_free(guard);
		assert_null(regions[0].lost);
		munmap(room, size + huge);
		close(fd);
	}
}

static int status_of(void (*child)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		child();
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static struct fault_guard *guard_something(struct machine *m, struct mem_region *r)
{
	*r = (struct mem_region){ 0, FRAME - 1, mmap(NULL, FRAME, PROT_READ, MAP_PRIVATE |
						     MAP_ANONYMOUS, -1, 0), NULL };
	*m = (struct machine){ .regions = r, .region_count = 1 };
	return fault_guard_new(m, 0, NULL);
}

static void fault_elsewhere(void)
{
	int fd = memfd_create("other", 0);
	struct mem_region r;
	struct machine m;
	uint8_t *map;

	guard_something(&m, &r);
	if (ftruncate(fd, FRAME))
		_exit(98);
	map = mmap(NULL, FRAME, PROT_READ, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 0))
		_exit(97);
	_exit(*(volatile uint8_t *)map);
}

static void sent_by_somebody(void)
{
	struct mem_region r;
	struct machine m;

	guard_something(&m, &r);
	raise(SIGBUS);
}

static void earlier_handler(int number)
{
	_exit(number == SIGBUS ? 42 : 43);
}

static void handled_before(void)
{
	struct mem_region r;
	struct machine m;

	signal(SIGBUS, earlier_handler);
	guard_something(&m, &r);
	raise(SIGBUS);
}

static void handler_goes_with_the_last(void)
{
	struct mem_region r[2];
	struct machine m[2];
	struct fault_guard *g[2];
	struct sigaction now;

	g[0] = guard_something(&m[0], &r[0]);
	g[1] = guard_something(&m[1], &r[1]);
	fault_guard_free(g[0]);
	sigaction(SIGBUS, NULL, &now);
	if (now.sa_handler == SIG_DFL)
		_exit(1);
	fault_guard_free(g[1]);
	sigaction(SIGBUS, NULL, &now);
	_exit(now.sa_handler == SIG_DFL ? 0 : 2);
}

/* What is not ours goes on as it did: the guard hides no other bug. */
static void other_faults_are_not_ours(void **state)
{
	int status;

	(void)state;
	status = status_of(fault_elsewhere);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = status_of(sent_by_somebody);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = status_of(handled_before);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	status = status_of(handler_goes_with_the_last);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* More lost pages, far apart, than a process may have mappings. */
static void more_holes_than_mappings(void **state)
{
	enum { PAGES = 140000 };
	int fd = memfd_create("guest", MFD_CLOEXEC);
	size_t size = (size_t)PAGES * FRAME;
	struct mem_region r;
	struct machine m = { .regions = &r, .region_count = 1 };
	struct fault_guard *guard;
	uint64_t word;
	uint8_t *map;

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	r = (struct mem_region){ 0, size - 1, map, NULL };
	guard = fault_guard_new(&m, 0, NULL);
	assert_non_null(guard);
	assert_int_equal(ftruncate(fd, 0), 0);
	for (gpa_t page = 0; page < PAGES; page += 2)
		assert_false(machine_read_u64(&m, page * FRAME, &word, NULL));
	for (gpa_t page = PAGES; page-- > 0;)
		assert_false(machine_read_u64(&m, page * FRAME, &word, NULL));
	assert_int_equal(m.lost_count, PAGES);
	fault_guard_free(guard);
	munmap(map, size);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_that_shrinks),
		cmocka_unit_test(view_in_hand),
		cmocka_unit_test(cursor_over_a_cut),
		cmocka_unit_test(memfd_that_shrinks),
		cmocka_unit_test(other_faults_are_not_ours),
		cmocka_unit_test(more_holes_than_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

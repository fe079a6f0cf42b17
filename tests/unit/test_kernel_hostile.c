// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that lie: lists without end, pointers to anywhere, forged images. The
 * reader must come back, say what is wrong, and keep what is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/synth_internal.h"

enum { IMAGE_ROUNDS = 10000, MEMORY_ROUNDS = 500 };

/* A small xorshift: rounds can be repeated from the seed that is printed. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t first_seed(void)
{
	const char *given = getenv("PTMM_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 0x5eed1;

	print_message("PTMM_SEED=0x%llx\n", (unsigned long long)seed);
	return seed ? seed : 1;
}

static gva_t node_of(struct synth_guest *g, gva_t task)
{
	return synth_member(g, task, "task_struct", "tasks");
}

static gva_t thread_node_of(struct synth_guest *g, gva_t task)
{
	return synth_member(g, task, "task_struct", "thread_node");
}

static struct kernel_mms read_mms(struct synth_guest *g)
{
	struct kernel_mms mms;
	struct err err = { 0 };

	if (!kernel_read_mms(synth_kernel(g), &mms, &err))
		fail_msg("%s", err.message);
	return mms;
}

static bool has_pid(const struct kernel_mms *mms, int pid)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < mms->task_count; i++)
		count += mms->tasks[i].pid == pid;
	assert_true(count <= 1);
	return count;
}

/* A guest with pids 10, 20, 30 (30 with threads 31, 32), broken by the row's function. */
struct scene {
	struct synth_guest *g;
	gva_t mm[3], task[3], thread[2];
};

static void cycle_tasks(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[2]), node_of(s->g, s->task[1]));
}

static void self_task(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[1]), node_of(s->g, s->task[1]));
}

static void tasks_nowhere(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[1]), 0xffffffffc0000000ull);
}

static void tasks_to_user(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[1]), 0x1000);
}

static void tasks_to_zero(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[1]), 0);
}

static void tasks_off_the_top(struct scene *s)
{
	synth_write_u64(s->g, node_of(s->g, s->task[1]), UINT64_MAX);
}

static void cycle_threads(struct scene *s)
{
	synth_write_u64(s->g, thread_node_of(s->g, s->thread[1]),
			thread_node_of(s->g, s->thread[0]));
}

static void threads_nowhere(struct scene *s)
{
	synth_set(s->g, s->task[2], "task_struct", "signal", 0xdead000000000100ull);
}

static void mm_garbage(struct scene *s)
{
	synth_set(s->g, s->task[1], "task_struct", "mm", 0xdead000000000100ull);
}

static void mm_unaligned(struct scene *s)
{
	synth_set(s->g, s->task[1], "task_struct", "mm", s->mm[1] + 4);
}

static void mm_is_other_object(struct scene *s)
{
	synth_set(s->g, s->task[1], "task_struct", "mm", s->task[0]);
}

static void mm_pgd_outside(struct scene *s)
{
	synth_set(s->g, s->mm[1], "mm_struct", "pgd", synth_va(s->g, 1ull << 38));
}

static void mm_pgd_is_data(struct scene *s)
{
	synth_set(s->g, s->mm[1], "mm_struct", "pgd",
		  synth_va(s->g, pfn_to_gpa(synth_frame(s->g))));
}

static void mm_pgd_unaligned(struct scene *s)
{
	synth_set(s->g, s->mm[1], "mm_struct", "pgd",
		  synth_get(s->g, s->mm[1], "mm_struct", "pgd") + 8);
}

static void pgds_cycle(struct scene *s)
{
	gva_t a = synth_member(s->g, synth_page(s->g, synth_pgd(s->g, s->mm[0])), "page", "lru");
	gva_t b = synth_member(s->g, synth_page(s->g, synth_pgd(s->g, s->mm[1])), "page", "lru");

	synth_write_u64(s->g, b, a);
}

static void pgds_nowhere(struct scene *s)
{
	synth_write_u64(s->g, synth_symbol(s->g, "pgd_list"), synth_symbol(s->g, "init_task"));
}

static void mmlist_nowhere(struct scene *s)
{
	synth_set(s->g, synth_init_mm(s->g), "mm_struct", "mmlist.next", 0x8);
}

static void test_broken_structures(void **state)
{
	static const struct {
		const char *name;
		void (*plant)(struct scene *);
		const char *note;
		unsigned tasks;		/* of pids 10, 20, 30, 31, 32: bits */
		unsigned mms;		/* of the three */
	} rows[] = {
		{ "cycle_tasks", cycle_tasks, "the task list runs in a circle", 31, 7 },
		{ "self_task", self_task, "the task list runs in a circle", 3, 7 },
		{ "tasks_nowhere", tasks_nowhere, "the task list leads to memory", 3, 7 },
		{ "tasks_to_user", tasks_to_user, "the task list leads to memory", 3, 7 },
		{ "tasks_to_zero", tasks_to_zero, "the task list leads to memory", 3, 7 },
		{ "tasks_off_the_top", tasks_off_the_top, "the task list leads to memory", 3, 7 },
		{ "cycle_threads", cycle_threads, "thread list of the task at", 31, 7 },
		{ "threads_nowhere", threads_nowhere, "thread list of the task at", 7, 7 },
		/* pgd_list still leads to an mm whose task lost it. */
		{ "mm_garbage", mm_garbage, "pid 20: its mm 0xdead000000000100 is no", 31, 7 },
		{ "mm_unaligned", mm_unaligned, "pid 20: its mm", 31, 7 },
		{ "mm_is_other_object", mm_is_other_object, "pid 20: its mm", 31, 7 },
		{ "mm_pgd_outside", mm_pgd_outside, "pid 20: its mm", 31, 5 },
		{ "mm_pgd_is_data", mm_pgd_is_data, "pid 20: its mm", 31, 5 },
		{ "mm_pgd_unaligned", mm_pgd_unaligned, "pid 20: its mm", 31, 5 },
		{ "pgds_cycle", pgds_cycle, "pgd_list runs in a circle", 31, 7 },
		{ "pgds_nowhere", pgds_nowhere, "pgd_list leads to", 31, 7 },
		{ "mmlist_nowhere", mmlist_nowhere, "the list of mms leads to memory", 31, 7 },
	};
	static const int pids[] = { 10, 20, 30, 31, 32 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s = { .g = synth_new(NULL) };
		unsigned tasks = 0, found = 0;
		struct kernel_mms mms;

		for (unsigned n = 0; n < 3; n++) {
			s.mm[n] = synth_mm(s.g);
			s.task[n] = synth_task(s.g, s.mm[n], 10 + 10 * (int)n, "task");
		}
		s.thread[0] = synth_thread(s.g, s.task[2], 31, "thread");
		s.thread[1] = synth_thread(s.g, s.task[2], 32, "thread");
		synth_kernel(s.g);
		mms = read_mms(s.g);
		assert_false(mms.truncated);
		kernel_mms_free(&mms);

		rows[i].plant(&s);
		mms = read_mms(s.g);
		for (unsigned n = 0; n < 5; n++)
			tasks |= (unsigned)has_pid(&mms, pids[n]) << n;
		for (unsigned n = 0; n < 3; n++)
			found |= (unsigned)(kernel_mm_find(&mms, s.mm[n]) >= 0) << n;
		if (!mms.truncated || !strstr(mms.note, rows[i].note) || tasks != rows[i].tasks ||
		    found != rows[i].mms)
			fail_msg("%s: tasks 0x%x, mms 0x%x, note \"%s\"", rows[i].name, tasks,
				 found, mms.note);
		kernel_mms_free(&mms);
		synth_free(s.g);
	}
}

/* A forged owner of a PGD is believed only if it points back. */
static void test_pgd_owner_is_only_a_hint(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm = synth_mm(g), other = synth_mm(g), third = synth_mm(g), fourth = synth_mm(g);
	struct kernel_mms mms;

	(void)state;
	/* One that is an mm, but not this PGD's. */
	synth_page_set(g, synth_pgd(g, third), "pt_mm", fourth);
	synth_page_set(g, synth_pgd(g, fourth), "pt_mm", 0);
	synth_task(g, other, 7, "seven");
	synth_page_set(g, synth_pgd(g, other), "pt_mm", synth_symbol(g, "init_task"));
	synth_page_set(g, synth_pgd(g, mm), "pt_mm", synth_va(g, 0x5000));
	mms = read_mms(g);
	assert_int_equal(mms.mm_count, 2);
	assert_int_equal(kernel_mm_find(&mms, mm), -1);
	assert_int_equal(kernel_mm_find(&mms, fourth), -1);
	assert_true(kernel_mm_find(&mms, other) >= 0);
	kernel_mms_free(&mms);
	synth_free(g);
}

static void test_comm(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t task = synth_task(g, synth_mm(g), 7, "");
	struct kernel_mms mms;

	(void)state;
	synth_write(g, synth_member(g, task, "task_struct", "comm"), "not terminated!!", 16);
	mms = read_mms(g);
	assert_string_equal(mms.tasks[1].comm, "not terminated!!");
	kernel_mms_free(&mms);
	synth_write(g, synth_member(g, task, "task_struct", "comm"),
		    "a\x1b[2J\nb\xff\"\0hidden", 16);
	mms = read_mms(g);
	assert_string_equal(mms.tasks[1].comm, "a?[2J?b?\"");
	kernel_mms_free(&mms);
	synth_free(g);
}

/* A PGD that was lost to an error does not hide its mm. */
static void test_unreadable_pgd(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm = synth_mm(g);
	struct kernel_mms mms;

	(void)state;
	synth_task(g, mm, 7, "seven");
	synth_kernel(g);
	synth_unreadable(g, synth_pgd(g, mm));
	mms = read_mms(g);
	assert_false(mms.truncated);
	assert_true(kernel_mm_find(&mms, mm) >= 0);
	kernel_mms_free(&mms);
	synth_free(g);
}

static void mutate(uint8_t *bytes, size_t size, uint64_t *seed)
{
	static const uint64_t values[] = { 0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, UINT32_MAX,
					   UINT64_MAX, 1ull << 63, 0x1000 };

	for (uint64_t n = 1 + next_random(seed) % 6; n; n--) {
		size_t at = next_random(seed) % size;
		uint64_t value = values[next_random(seed) % 10];
		size_t width = 1ull << next_random(seed) % 4;

		if (next_random(seed) & 1)
			bytes[at] ^= (uint8_t)(1 << next_random(seed) % 8);
		else if (at + width <= size)
			memcpy(bytes + at, &value, width);
	}
}

/* Looks everything up that the reader would, and prints nothing. */
static void exercise(const struct profile *p)
{
	static const char *const members[][2] = {
		{ "page", "pt_mm" }, { "ptdesc", "pt_mm" },
		{ "mm_struct", "mmap_lock.count.counter" }, { "task_struct", "comm" },
		{ "task_struct", "sched_contributes" }, { "uts_namespace", "name.release" },
		{ "page", "nothing" },
	};
	uint64_t offset;
	int64_t value;
	gva_t at;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct member m;
		uint32_t size;

		if (profile_member(p, members[i][0], members[i][1], &m, NULL) &&
		    profile_sizeof(p, members[i][0], &size, NULL))
			assert_true(m.offset <= size && m.size <= size - m.offset);
	}
	profile_symbol(p, "init_mm", &at, NULL);
	profile_symbol_at(p, 0xffffffff81000010ull, &offset);
	profile_enumerator(p, "pageflags", "PG_reserved", &value, NULL);
	profile_enumerator(p, NULL, "no such name", &value, NULL);
}

static void test_forged_images(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	uint64_t seed = first_seed();
	unsigned opened = 0;
	size_t size;
	const uint8_t *image = synth_image(g, &size);

	(void)state;
	for (unsigned i = 0; i < IMAGE_ROUNDS; i++) {
		/* Of the exact size, so that a sanitizer sees the first byte beyond. */
		size_t length = i % 8 ? size : 1 + next_random(&seed) % size;
		uint8_t *bytes = malloc(length);
		struct err err = { 0 };
		struct profile *p;

		assert_non_null(bytes);
		memcpy(bytes, image, length);
		mutate(bytes, length, &seed);
		p = profile_from_elf(bytes, length, "forged", &err);
		free(bytes);
		if (p) {
			opened++;
			exercise(p);
		} else {
			assert_true(err.code != ERR_OK && err.message[0]);
		}
		profile_free(p);
	}
	/* The mutations are neither all fatal nor all harmless. */
	assert_in_range(opened, IMAGE_ROUNDS / 20, IMAGE_ROUNDS - IMAGE_ROUNDS / 20);
	synth_free(g);
}

/* Overwrites words of a guest's objects, tables and memmap with other words of it. */
static void test_forged_memory(void **state)
{
	uint64_t seed = first_seed();
	unsigned opened = 0, whole = 0;

	(void)state;
	for (unsigned i = 0; i < MEMORY_ROUNDS; i++) {
		struct synth_options o = { .frames = 1536, .levels = i & 1 ? 5 : 4, .pti = i & 2 };
		struct synth_guest *g = synth_new(&o);
		struct kernel_mms mms;
		struct kernel *k;
		struct err err = { 0 };
		gva_t mm[2];

		synth_populate(g, 2, mm);
		for (uint64_t n = 1 + next_random(&seed) % 8; n; n--) {
			/* Half of them in the image, which holds all the heads and bases. */
			gpa_t to = next_random(&seed) & 1 ? SYNTH_IMAGE_GPA + 0x4000 : 0x280000;
			uint64_t word = next_random(&seed);

			to += (to < 0x280000 ? next_random(&seed) % 0x800 :
			       next_random(&seed) % 0x200000) & ~7ull;
			if (word & 1)
				word = synth_va(g, word % (o.frames * PT_FRAME_SIZE) & ~7ull);
			memcpy(synth_host(g, to), &word, sizeof(word));
		}
		k = kernel_open(synth_machine(g), synth_profile(g), &err);
		if (k) {
			opened++;
			if (kernel_read_mms(k, &mms, &err)) {
				whole += !mms.truncated;
				kernel_mms_free(&mms);
			}
			for (pfn_t pfn = 0; pfn < o.frames; pfn += 7) {
				struct page_facts facts;

				kernel_page(k, pfn, &facts, NULL);
			}
		} else {
			assert_true(err.code != ERR_OK && err.message[0]);
		}
		kernel_close(k);
		synth_free(g);
	}
	assert_in_range(opened, MEMORY_ROUNDS / 20, MEMORY_ROUNDS - 1);
	assert_in_range(whole, 1, opened - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_structures),
		cmocka_unit_test(test_pgd_owner_is_only_a_hint),
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_unreadable_pgd),
		cmocka_unit_test(test_forged_images),
		cmocka_unit_test(test_forged_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

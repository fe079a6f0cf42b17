// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel reader on sound guests: the kernel's areas, tasks, mms, for every
 * combination of levels, PTI and page-type encoding.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_internal.h"

static struct kernel_mms read_mms(struct synth_guest *g)
{
	struct kernel_mms mms;
	struct err err = { 0 };

	if (!kernel_read_mms(synth_kernel(g), &mms, &err))
		fail_msg("%s", err.message);
	return mms;
}

static const struct mm *mm_at(const struct kernel_mms *mms, gva_t at)
{
	int64_t index = kernel_mm_find(mms, at);

	return index < 0 ? NULL : &mms->mms[index];
}

static const struct task *task_by_pid(const struct kernel_mms *mms, int pid)
{
	for (uint32_t i = 0; i < mms->task_count; i++)
		if (mms->tasks[i].pid == pid)
			return &mms->tasks[i];
	return NULL;
}

static void check_guest(const struct synth_options *options)
{
	struct synth_guest *g = synth_new(options);
	struct kernel *k;
	struct kernel_mms mms;
	gva_t mm[3], efi, va;
	gpa_t *pgds, gpa;
	size_t pgd_count;
	uint64_t bytes, word;

	synth_populate(g, 3, mm);
	efi = synth_efi_mm(g);
	k = synth_kernel(g);
	assert_true(kernel_pti(k) == options->pti);
	assert_int_equal(kernel_direct_map(k), synth_va(g, 0));
	assert_int_equal(kernel_phys_base(k), SYNTH_IMAGE_GPA - 0x1000000);
	assert_ptr_equal(kernel_space(k)->decode.format,
			 g->levels == 5 ? &pt_x86_5level : &pt_x86_4level);
	assert_int_equal(kernel_space(k)->root[0].gpa, pfn_to_gpa(synth_pgd(g, synth_init_mm(g))));
	assert_non_null(strstr(kernel_release(k), "-synth"));

	/* An address of each area; one that is not mapped. */
	assert_true(kernel_to_gpa(k, synth_init_mm(g) + 3, &gpa, NULL));
	assert_int_equal(gpa, synth_gpa(g, synth_init_mm(g)) + 3);
	assert_true(kernel_to_gpa(k, mm[0], &gpa, NULL));
	assert_int_equal(gpa, synth_gpa(g, mm[0]));
	va = synth_page(g, 77);
	assert_true(kernel_to_gpa(k, va, &gpa, NULL));
	assert_int_equal(gpa, synth_gpa(g, va));
	assert_false(kernel_to_gpa(k, 0xffffffffc0000000ull, &gpa, NULL));
	/* Over the border between two frames of the image. */
	assert_true(kernel_read(k, SYNTH_IMAGE_VA + PT_FRAME_SIZE - 4, &word, 8, NULL));

	mms = read_mms(g);
	assert_false(mms.truncated);
	assert_int_equal(mms.mm_count, 5);
	assert_int_equal(mms.task_count, options->no_threads ? 4 : 10);
	assert_int_equal(mms.mms[mms.init_mm].at, synth_init_mm(g));
	assert_int_equal(mms.mms[mms.init_mm].kind, MM_INIT);
	assert_string_equal(mms.mms[mms.init_mm].name, "init_mm");
	assert_int_equal(mm_at(&mms, efi)->kind, MM_KERNEL);
	assert_string_equal(mm_at(&mms, efi)->name, "efi_mm");
	for (unsigned i = 1; i < mms.mm_count; i++)
		assert_true(mms.mms[i - 1].at < mms.mms[i].at);
	/* By hand: 5 PTE tables, 3 PMD tables, 2 PUD tables, whatever lies above. */
	bytes = synth_get(g, mm[0], "mm_struct", "pgtables_bytes.counter");
	for (unsigned i = 0; i < 3; i++) {
		const struct mm *m = mm_at(&mms, mm[i]);

		assert_non_null(m);
		assert_int_equal(m->kind, MM_USER);
		assert_null(m->name);
		assert_int_equal(m->pgd, pfn_to_gpa(synth_pgd(g, mm[i])));
		assert_int_equal(m->pgd_va, synth_va(g, m->pgd));
		assert_int_equal(m->user_pgd, pfn_to_gpa(synth_user_pgd(g, mm[i])));
		assert_int_equal(m->pgtables_bytes, bytes);
		assert_int_equal(m->users, options->no_threads ? 1 : 3);
		assert_int_equal(m->count, 1);
		assert_false(m->locked);
		assert_int_equal(m->task_count, options->no_threads ? 1 : 3);
		for (uint32_t t = 0; t < m->task_count; t++)
			assert_int_equal(mms.tasks[mms.tasks_of[m->first_task + t]].mm, mm[i]);
	}
	assert_int_equal(bytes, 10 * PT_FRAME_SIZE);
	assert_int_equal(kernel_mm_find(&mms, mm[0] + 1), -1);

	assert_string_equal(task_by_pid(&mms, 110)->comm, "proc-1");
	assert_int_equal(task_by_pid(&mms, 110)->tgid, 110);
	assert_int_equal(task_by_pid(&mms, 110)->progress, 1110);
	assert_false(task_by_pid(&mms, 110)->thread);
	if (!options->no_threads) {
		assert_true(task_by_pid(&mms, 112)->thread);
		assert_int_equal(task_by_pid(&mms, 112)->tgid, 110);
	}
	assert_string_equal(task_by_pid(&mms, 0)->comm, "swapper/0");

	assert_true(kernel_read_pgd_list(k, &pgds, &pgd_count, NULL));
	assert_int_equal(pgd_count, 4);
	assert_int_equal(pgds[0], pfn_to_gpa(synth_pgd(g, mm[0])));
	assert_int_equal(pgds[3], pfn_to_gpa(synth_pgd(g, efi)));
	free(pgds);
	kernel_mms_free(&mms);
	assert_int_equal(buffer_machine_views(synth_machine(g)), 0);
	synth_free(g);
}

static void test_every_kernel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4 * 3 * 2 * 2; i++) {
		struct synth_options o = {
			.levels = i & 1 ? 5 : 4,
			.pti = i & 2,
			.types = (enum synth_types)(i / 4 % 3),
			.no_threads = i / 12 & 1,
			.by_view = i / 24 & 1,
		};

		check_guest(&o);
	}
}

static void test_other_layouts(void **state)
{
	static const struct synth_options options[] = {
		{ .slide = 7ull << 30 },
		{ .levels = 5, .slide = 1ull << 40 },
		{ .no_bases = true },
		{ .levels = 5, .no_bases = true },
		{ .mem_map = true },
		{ .hole_first = 2048, .hole_end = 2304, .pti = true },
		{ .omit_symbol = "phys_base" },
		{ .omit_symbol = "__pgtable_l5_enabled" },
		{ .omit_symbol = "init_top_pgt" },
		{ .omit_symbol = "runqueues" },
		{ .omit_member = "task_struct.nivcsw" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		/* Without the second counter of switches there is only the first. */
		if (options[i].omit_member) {
			struct synth_guest *g = synth_new(&options[i]);
			struct kernel_mms mms;

			synth_task(g, synth_mm(g), 7, "seven");
			mms = read_mms(g);
			assert_int_equal(task_by_pid(&mms, 7)->progress, 7);
			kernel_mms_free(&mms);
			synth_free(g);
			continue;
		}
		check_guest(&options[i]);
	}
}

/* A vCPU on a user PGD maps nothing of the kernel but its entry area. */
static void test_vcpus_in_user_mode(void **state)
{
	struct synth_options o = { .pti = true };
	struct synth_guest *g = synth_new(&o);
	gva_t mm = synth_mm(g);

	(void)state;
	synth_map(g, mm, 0x400000, 0, SYNTH_ANY_FRAME, 0);
	synth_load(g, 0, mm, true);
	synth_load(g, 1, mm, true);
	assert_true(kernel_pti(synth_kernel(g)));
	assert_int_equal(kernel_space(synth_kernel(g))->root[0].gpa,
			 pfn_to_gpa(synth_pgd(g, synth_init_mm(g))));
	synth_free(g);

	/* And one that is off, as a CPU that was never started is. */
	g = synth_new(NULL);
	buffer_machine_set_regs(synth_machine(g), 0, &(struct x86_regs){ 0 });
	assert_non_null(synth_kernel(g));
	synth_free(g);
}

/* The frame behind a PGD is not a user PGD where it holds something else. */
static void test_pti_is_not_guessed(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[4];

	(void)state;
	synth_populate(g, 4, mm);
	for (unsigned i = 0; i < 4; i++)
		if (!(synth_pgd(g, mm[i]) & 1))
			synth_entry_set(g, synth_pgd(g, mm[i]) + 1, 3, 0x1234067);
	assert_false(kernel_pti(synth_kernel(g)));
	synth_free(g);
}

static void test_taskless_mms(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t exiting = synth_mm(g), borrowed = synth_mm(g), lazy = synth_mm(g), swapped, task;
	struct kernel_mms mms;

	(void)state;
	/* Reached by pgd_list only; by a kernel thread; by an idle CPU; by mmlist. */
	synth_kthread(g, borrowed, 20, "kworker");
	synth_idle_borrows(g, lazy);
	synth_page_set(g, synth_pgd(g, lazy), "pt_mm", 0);
	synth_page_set(g, synth_pgd(g, borrowed), "pt_mm", 0);
	swapped = synth_mm(g);
	synth_page_set(g, synth_pgd(g, swapped), "pt_mm", 0);
	synth_list_add_tail(g, synth_member(g, swapped, "mm_struct", "mmlist"),
			    synth_member(g, synth_init_mm(g), "mm_struct", "mmlist"));
	task = synth_task(g, exiting, 30, "gone");
	synth_set(g, task, "task_struct", "mm", 0);
	synth_set(g, task, "task_struct", "active_mm", 0);

	mms = read_mms(g);
	assert_false(mms.truncated);
	assert_int_equal(mms.mm_count, 5);
	assert_int_equal(mm_at(&mms, exiting)->kind, MM_TASKLESS);
	assert_int_equal(mm_at(&mms, borrowed)->kind, MM_TASKLESS);
	assert_int_equal(mm_at(&mms, lazy)->kind, MM_TASKLESS);
	assert_int_equal(mm_at(&mms, swapped)->kind, MM_TASKLESS);
	kernel_mms_free(&mms);
	synth_free(g);
}

/* A dead leader has no mm; its threads do. */
static void test_dead_leader(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm = synth_mm(g), leader = synth_task(g, mm, 50, "leader");
	struct kernel_mms mms;

	(void)state;
	synth_thread(g, leader, 51, "worker");
	synth_set(g, leader, "task_struct", "mm", 0);
	mms = read_mms(g);
	assert_int_equal(mm_at(&mms, mm)->kind, MM_USER);
	assert_int_equal(mm_at(&mms, mm)->task_count, 1);
	assert_int_equal(mms.tasks[mms.tasks_of[mm_at(&mms, mm)->first_task]].pid, 51);
	kernel_mms_free(&mms);
	synth_free(g);
}

static void test_locks(void **state)
{
	static const char *const locks[] = { "page_table_lock.val.counter",
					     "mmap_lock.count.counter" };
	struct synth_guest *g = synth_new(NULL);
	gva_t mm = synth_mm(g);

	(void)state;
	synth_task(g, mm, 7, "seven");
	for (unsigned i = 0; i < 2; i++) {
		struct kernel_mms mms;

		synth_set(g, mm, "mm_struct", locks[i], 0x100);
		mms = read_mms(g);
		assert_int_equal(mm_at(&mms, mm)->locked, i == 0);
		assert_int_equal(mm_at(&mms, mm)->busy, i == 1);
		kernel_mms_free(&mms);
		synth_set(g, mm, "mm_struct", locks[i], 0);
	}
	synth_free(g);
}

static void expect_open_error(struct synth_guest *g, enum err_code code, const char *message)
{
	struct err err = { 0 };
	struct kernel *k = kernel_open(synth_machine(g), synth_profile(g), &err);

	assert_null(k);
	if (err.code != code || !strstr(err.message, message))
		fail_msg("said \"%s\" (%d), not \"%s\"", err.message, err.code, message);
	synth_free(g);
}

static struct synth_guest *without(const char *symbol, const char *member)
{
	struct synth_options o = { .omit_symbol = symbol, .omit_member = member };

	return synth_new(&o);
}

static struct synth_guest *with_word(const char *symbol, uint64_t value)
{
	struct synth_guest *g = synth_new(NULL);

	synth_write_u64(g, synth_symbol(g, symbol), value);
	return g;
}

static void test_open_errors(void **state)
{
	struct synth_guest *g;

	(void)state;
	expect_open_error(without("init_mm", NULL), ERR_MISSING, "no symbol init_mm");
	expect_open_error(without("init_task", NULL), ERR_MISSING, "no symbol init_task");
	expect_open_error(without(NULL, "mm_struct.pgd"), ERR_MISSING,
			  "type mm_struct has no member pgd");
	expect_open_error(without(NULL, "task_struct.comm"), ERR_MISSING,
			  "type task_struct has no member comm");
	expect_open_error(without(NULL, "page.pt_mm"), ERR_MISSING,
			  "type page has no member pt_mm");
	expect_open_error(with_word("page_offset_base", 0xffff900000000000ull), ERR_MALFORMED,
			  "page_offset_base 0xffff900000000000 contradicts");
	expect_open_error(with_word("page_offset_base", 0), ERR_MALFORMED, "contradicts");
	expect_open_error(with_word("page_offset_base", UINT64_MAX & ~0xfffull), ERR_MALFORMED,
			  "contradicts");
	expect_open_error(with_word("vmemmap_base", 0xffffeb0000000000ull), ERR_MALFORMED,
			  "vmemmap_base 0xffffeb0000000000 contradicts");
	expect_open_error(with_word("vmemmap_base", UINT64_MAX - 7), ERR_MALFORMED, "cannot be");
	expect_open_error(with_word("phys_base", 0x1000), ERR_MALFORMED,
			  "phys_base is 0x1000 in the guest");
	expect_open_error(with_word("__pgtable_l5_enabled", 1), ERR_MALFORMED, "CR4 says 4-level");

	g = synth_new(NULL);
	synth_set(g, synth_init_mm(g), "mm_struct", "pgd", synth_symbol(g, "init_task"));
	expect_open_error(g, ERR_MALFORMED, "another kernel's image?");
	g = without("init_top_pgt", NULL);
	synth_set(g, synth_init_mm(g), "mm_struct", "pgd", 0xffffffffc0000000ull);
	expect_open_error(g, ERR_MALFORMED, "is no mapped frame");

	g = synth_new(NULL);
	for (unsigned i = 0; i < SYNTH_VCPUS; i++)
		buffer_machine_set_regs(synth_machine(g), i, &(struct x86_regs){ 0 });
	expect_open_error(g, ERR_TARGET, "paging is off");
	/* The kernel image is not mapped: another kernel, or not there yet. */
	g = synth_new(NULL);
	synth_entry_set(g, synth_pgd(g, synth_init_mm(g)), 511, 0);
	expect_open_error(g, ERR_TARGET, "init_mm is not mapped there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kernel),
		cmocka_unit_test(test_other_layouts),
		cmocka_unit_test(test_vcpus_in_user_mode),
		cmocka_unit_test(test_pti_is_not_guessed),
		cmocka_unit_test(test_taskless_mms),
		cmocka_unit_test(test_dead_leader),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_open_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

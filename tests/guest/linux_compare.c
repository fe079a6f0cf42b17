// SPDX-License-Identifier: GPL-2.0-only
/*
 * linux_compare.c - does ptmm say of a Linux guest what the guest's own kernel says?
 *
 *	linux_compare TARGET TRUTH REPORT
 *
 * TRUTH is what the workload wrote (guest-images/linux/truth.h), REPORT the output of
 * `ptmm report TARGET --format json`. Processes, table counts and table pages are
 * compared with the report; VMAs, counters and sample pages through the library.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/linux_truth.h"
#include "tests/lib/tap.h"
#include "vmm/target.h"
#include "walker/table/translate.h"

enum { PM_PFN_BITS = 55 };
#define PM_PRESENT (1ull << 63)
#define PM_SWAP (1ull << 62)
#define KPF(bit) (1ull << (bit))
#define KPF_COMPOUND (KPF(15) | KPF(16) | KPF(17) | KPF(22))	/* head, tail, huge, THP */
#define KPF_ANON KPF(12)
#define KPF_PGTABLE KPF(26)

/* How many were looked at, how many were wrong, and the first of those. */
struct tally {
	unsigned seen, wrong;
	char first[240];
};

__attribute__((format(printf, 3, 4)))
static void tally(struct tally *t, bool ok, const char *format, ...)
{
	va_list args;

	t->seen++;
	if (ok || t->wrong++)
		return;
	va_start(args, format);
	vsnprintf(t->first, sizeof(t->first), format, args);
	va_end(args);
}

/* Nothing seen is a failure too. */
static void tally_tap(const struct tally *t, const char *name)
{
	tap(t->seen && !t->wrong, name, "%u of %u: %s", t->wrong, t->seen, t->first);
	if (t->seen && !t->wrong)
		tap_note("%s: %u", name, t->seen);
}

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(o, key, &value);
	return value;
}

static uint64_t get_number(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key);

	if (json_object_is_type(value, json_type_string))
		return strtoull(json_object_get_string(value), NULL, 0);
	return json_object_get_uint64(value);
}

static const char *get_word(struct json_object *o, const char *key)
{
	const char *word = json_object_get_string(get(o, key));

	return word ? word : "";
}

/* The owner in the report that has this process; NULL if none has. */
static struct json_object *owner_of(struct json_object *report, int pid)
{
	struct json_object *owners = get(report, "owners");

	for (size_t i = 0; i < json_object_array_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);
		struct json_object *tasks = get(owner, "tasks");

		for (size_t k = 0; tasks && k < json_object_array_length(tasks); k++)
			if ((int)get_number(json_object_array_get_idx(tasks, k), "tgid") == pid)
				return owner;
	}
	return NULL;
}

static const struct truth_process *process_of(const struct truth *truth, int pid)
{
	for (size_t i = 0; i < truth->process_count; i++)
		if (truth->processes[i].pid == pid)
			return &truth->processes[i];
	return NULL;
}

static void compare_processes(const struct truth *truth, struct json_object *report)
{
	struct json_object *owners = get(report, "owners");
	struct tally there = { 0 }, known = { 0 }, threads = { 0 };

	for (size_t i = 0; i < truth->process_count; i++) {
		const struct truth_process *p = &truth->processes[i];
		struct json_object *owner = owner_of(report, p->pid);
		struct json_object *tasks = owner ? get(owner, "tasks") : NULL;
		int count = 0;

		tally(&there, owner, "pid %d %s is in no owner", p->pid, p->comm);
		for (size_t k = 0; tasks && k < json_object_array_length(tasks); k++) {
			struct json_object *task = json_object_array_get_idx(tasks, k);

			count += (int)get_number(task, "tgid") == p->pid;
		}
		/* A dead leader is counted by the kernel, but has no mm. */
		if (owner)
			tally(&threads, count == p->threads ||
			      (!strcmp(p->comm, "w-leaderless") && count == p->threads - 1),
			      "pid %d %s: %d threads, the report has %d", p->pid, p->comm,
			      p->threads, count);
	}
	for (size_t i = 0; owners && i < json_object_array_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);
		struct json_object *tasks = get(owner, "tasks");

		if (strcmp(get_word(owner, "kind"), "user"))
			continue;
		for (size_t k = 0; tasks && k < json_object_array_length(tasks); k++) {
			int pid = (int)get_number(json_object_array_get_idx(tasks, k), "tgid");

			tally(&known, process_of(truth, pid), "pid %d is no process", pid);
		}
	}
	tally_tap(&there, "every process is an owner");
	tally_tap(&known, "every owner's task is a process");
	tally_tap(&threads, "every thread is found");
}

static void compare_sizes(const struct truth *truth, struct json_object *report)
{
	struct tally recorded = { 0 }, counted = { 0 };

	for (size_t i = 0; i < truth->process_count; i++) {
		const struct truth_process *p = &truth->processes[i];
		struct json_object *owner = owner_of(report, p->pid);
		struct json_object *bytes = owner ? get(owner, "pgtables_bytes") : NULL;
		uint64_t vmpte = (uint64_t)p->vmpte * 1024;

		if (!bytes)
			continue;
		tally(&recorded, get_number(bytes, "recorded") == vmpte,
		      "pid %d %s: VmPTE %" PRIu64 ", recorded %" PRIu64, p->pid, p->comm, vmpte,
		      get_number(bytes, "recorded"));
		tally(&counted, get_number(bytes, "counted") == vmpte,
		      "pid %d %s: VmPTE %" PRIu64 ", counted %" PRIu64, p->pid, p->comm, vmpte,
		      get_number(bytes, "counted"));
	}
	tally_tap(&recorded, "pgtables_bytes as recorded equals VmPTE");
	tally_tap(&counted, "pgtables_bytes as counted equals VmPTE");
}

static bool truth_has_table(const struct truth *truth, pfn_t pfn)
{
	size_t first = 0, end = truth->table_count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (truth->tables[middle] < pfn)
			first = middle + 1;
		else
			end = middle;
	}
	return first < truth->table_count && truth->tables[first] == pfn;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Both ways: the frames that kpageflags calls page tables, and the rows of that type. */
static void compare_tables(const struct truth *truth, struct json_object *report)
{
	struct json_object *tables = get(report, "tables");
	size_t count = json_object_array_length(tables), all = 0;
	struct tally typed = { 0 }, listed = { 0 }, verdicts = { 0 };
	uint64_t *rows = calloc(count + 1, sizeof(*rows));

	for (size_t i = 0; rows && i < count; i++) {
		struct json_object *row = json_object_array_get_idx(tables, i);
		const char *verdict = get_word(row, "verdict");
		uint64_t pfn = get_number(row, "pfn");

		rows[all++] = pfn;
		if (!strcmp(get_word(get(row, "page"), "type"), "table"))
			tally(&typed, truth_has_table(truth, pfn), "pfn 0x%" PRIx64 " (%s %s)", pfn,
			      get_word(row, "level"), verdict);
		tally(&verdicts, strcmp(verdict, "mismatch") && strcmp(verdict, "cross-linked") &&
		      strcmp(verdict, "stale") && strcmp(verdict, "untyped") &&
		      strcmp(verdict, "unreadable"), "pfn 0x%" PRIx64 " %s is %s", pfn,
		      get_word(row, "level"), verdict);
	}
	if (rows)
		qsort(rows, all, sizeof(*rows), compare_numbers);
	for (size_t i = 0; rows && i < truth->table_count; i++)
		tally(&listed, bsearch(&truth->tables[i], rows, all, sizeof(*rows),
				       compare_numbers), "pfn 0x%" PRIx64, truth->tables[i]);
	tally_tap(&typed, "every row of table type is a table in kpageflags");
	tally_tap(&listed, "every table in kpageflags is a row");
	tally_tap(&verdicts, "a sound guest has sound verdicts");
	free(rows);
}

/* What the workload does on purpose must be in the report, else it tests little. */
static void compare_scenes(const struct truth *truth, struct json_object *report)
{
	struct json_object *verdicts = get(get(report, "summary"), "by_verdict");
	struct json_object *owners = get(report, "owners"), *tables = get(report, "tables");
	bool pti = json_object_get_boolean(get(get(report, "kernel"), "pti"));
	uint64_t taskless = 0, protnone = 0, swap = 0;

	for (size_t i = 0; i < json_object_array_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		taskless += !strcmp(get_word(owner, "kind"), "taskless");
	}
	for (size_t i = 0; i < json_object_array_length(tables); i++) {
		struct json_object *row = json_object_array_get_idx(tables, i);

		protnone += get_number(get(row, "entries"), "protnone");
		swap += get_number(get(row, "entries"), "swap");
	}
	tap(get_number(verdicts, "shared") == 1, "one PMD table is shared by hugetlb", "%" PRIu64,
	    get_number(verdicts, "shared"));
	tap(get_number(verdicts, "deposited") >= 4, "huge pages have deposited tables", "%" PRIu64,
	    get_number(verdicts, "deposited"));
	tap(pti == (get_number(verdicts, "pti-user") > 0),
	    "with PTI, and only then, there are user PGDs", "%" PRIu64,
	    get_number(verdicts, "pti-user"));
	tap(taskless >= truth->pinned, "the pinned mm is found", "%" PRIu64 " mms have no task",
	    taskless);
	tap(protnone > 0, "there are PROT_NONE entries", "none");
	tap(swap > 0, "there are swapped-out pages", "none");
}

static int64_t mm_of(const struct kernel_mms *mms, int pid)
{
	for (uint32_t i = 0; i < mms->task_count; i++)
		if (mms->tasks[i].tgid == pid && mms->tasks[i].mm)
			return kernel_mm_find(mms, mms->tasks[i].mm);
	return -1;
}

static void compare_maps(const struct truth *truth, const struct truth_process *p,
			 const struct kernel *kernel, gva_t mm, struct tally *t)
{
	struct vma *vmas = NULL;
	size_t count = 0;
	struct err e = { 0 };

	if (!kernel_read_vmas(kernel, mm, &vmas, &count, &e)) {
		tally(t, false, "pid %d %s: %s", p->pid, p->comm, e.message);
		return;
	}
	tally(t, count == p->map_count, "pid %d %s: %zu mappings, we find %zu", p->pid, p->comm,
	      p->map_count, count);
	for (size_t i = 0; i < count && i < p->map_count; i++) {
		const struct truth_map *map = &truth->maps[p->first_map + i];
		uint64_t flags = vmas[i].flags;
		/* VM_READ, VM_WRITE, VM_EXEC, VM_MAYSHARE */
		char rights[5] = { flags & 1 ? 'r' : '-', flags & 2 ? 'w' : '-',
				   flags & 4 ? 'x' : '-', flags & 0x80 ? 's' : 'p', 0 };

		tally(t, vmas[i].first == map->first && vmas[i].last == map->last &&
		      !strcmp(rights, map->rights), "pid %d %s: 0x%" PRIx64 "-0x%" PRIx64 " %s, "
		      "we find 0x%" PRIx64 "-0x%" PRIx64 " %s", p->pid, p->comm, map->first,
		      map->last, map->rights, vmas[i].first, vmas[i].last, rights);
	}
	free(vmas);
}

/*
 * The exact word is the status file's up to 6.1 (its walk overlooks PROT_NONE huge
 * pages), the walk's since (the status file adds no per-CPU parts up): one must fit.
 */
static void compare_rss(const struct truth_process *p, const struct kernel *kernel,
			const struct kernel_mms *mms, uint32_t mm, struct tally *t)
{
	struct mm_rss rss;
	struct err e = { 0 };
	bool status, rollup;

	if (!kernel_read_rss(kernel, mms, mm, &rss, &e)) {
		tally(t, false, "pid %d %s: %s", p->pid, p->comm, e.message);
		return;
	}
	status = rss.anon * 4 == p->anon && rss.file * 4 == p->file && rss.shmem * 4 == p->shmem &&
		 rss.swap * 4 == p->swap;
	rollup = (rss.anon + rss.file + rss.shmem) * 4 == p->rollup_rss &&
		 rss.swap * 4 == p->rollup_swap;
	tally(t, status || rollup, "pid %d %s: anon %ld file %ld shmem %ld swap %ld (walked: all "
	      "%ld swap %ld), we find %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, p->pid,
	      p->comm, p->anon, p->file, p->shmem, p->swap, p->rollup_rss, p->rollup_swap,
	      rss.anon * 4, rss.file * 4, rss.shmem * 4, rss.swap * 4);
}

static void compare_page(const struct truth_process *p, const struct truth_page *page,
			 struct machine *machine, const struct pt_space *space, struct tally *t)
{
	pfn_t pfn = page->pagemap & ((1ull << PM_PFN_BITS) - 1);
	struct pt_translation found;

	pt_translate(machine, space, page->va, PT_MODE_ANY, &found);
	if (page->pagemap & PM_PRESENT)
		tally(t, (found.result == PT_MAPPED || found.kind == PT_PROTNONE) &&
		      gpa_to_pfn(found.gpa) == pfn, "pid %d %s 0x%" PRIx64 ": frame 0x%" PRIx64
		      ", we find %s 0x%" PRIx64, p->pid, p->comm, page->va, pfn,
		      pt_result_name(found.result), gpa_to_pfn(found.gpa));
	else
		tally(t, found.result == PT_NOT_MAPPED && found.kind == PT_SWAP, "pid %d %s 0x%"
		      PRIx64 ": swapped out, we find %s", p->pid, p->comm, page->va,
		      pt_result_name(found.result));
}

/* Of single pages only: in a compound page the kernel speaks of the head. */
static void compare_flags(const struct truth_page *page, const struct kernel *kernel,
			  struct tally *flags, struct tally *counts)
{
	pfn_t pfn = page->pagemap & ((1ull << PM_PFN_BITS) - 1);
	struct page_facts facts;
	char words[512];
	struct err e = { 0 };
	bool backed;

	if (!(page->pagemap & PM_PRESENT) || page->flags & KPF_COMPOUND)
		return;
	if (!kernel_page(kernel, pfn, &facts, &e)) {
		tally(flags, false, "pfn 0x%" PRIx64 ": %s", pfn, e.message);
		return;
	}
	kernel_page_flags(kernel, facts.flags, words, sizeof(words));
	backed = strstr(words, "swapbacked");
	tally(flags, backed == !!(page->flags & KPF(14)), "pfn 0x%" PRIx64 ": kpageflags 0x%" PRIx64
	      ", we find '%s'", pfn, page->flags, words);
	if (page->flags & KPF_ANON)
		tally(counts, facts.mapcount == (int64_t)page->count, "pfn 0x%" PRIx64 ": mapped %"
		      PRIu64 " times, we find %d", pfn, page->count, facts.mapcount);
}

static void compare_memory(const struct truth *truth, struct target *target)
{
	const struct kernel *kernel = target->kernel;
	struct tally maps = { 0 }, rss = { 0 }, pages = { 0 }, flags = { 0 }, counts = { 0 };
	struct kernel_mms mms = { 0 };
	struct pt_space space;
	struct err e = { 0 };

	if (!kernel_read_mms(kernel, &mms, &e)) {
		tap(false, "the mms are read", "%s", e.message);
		return;
	}
	for (size_t i = 0; i < truth->process_count; i++) {
		const struct truth_process *p = &truth->processes[i];
		int64_t mm = mm_of(&mms, p->pid);

		if (mm < 0) {
			tally(&maps, false, "pid %d %s has no mm", p->pid, p->comm);
			continue;
		}
		compare_maps(truth, p, kernel, mms.mms[mm].at, &maps);
		compare_rss(p, kernel, &mms, (uint32_t)mm, &rss);
		x86_space_of_pgd(&space, mms.mms[mm].pgd, kernel_space(kernel));
		for (size_t k = 0; k < p->page_count; k++) {
			const struct truth_page *page = &truth->pages[p->first_page + k];

			compare_page(p, page, target->machine, &space, &pages);
			compare_flags(page, kernel, &flags, &counts);
		}
	}
	kernel_mms_free(&mms);
	tally_tap(&maps, "VMAs equal /proc/PID/maps");
	tally_tap(&rss, "the resident counters equal the kernel's");
	tally_tap(&pages, "sample pages walk to pagemap's frames");
	tally_tap(&flags, "page flags equal kpageflags");
	tally_tap(&counts, "map counts equal kpagecount");
}

int main(int argc, char **argv)
{
	struct json_object *report;
	const char *release;
	struct target target;
	struct truth *truth;
	struct err e = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: linux_compare TARGET TRUTH REPORT\n");
		return 2;
	}
	truth = truth_load(argv[2]);
	report = json_object_from_file(argv[3]);
	if (!report || !get(report, "owners") || !get(report, "tables")) {
		fprintf(stderr, "%s: no report\n", argv[3]);
		return 2;
	}
	release = get_word(get(report, "kernel"), "release");
	tap(!strcmp(release, truth->release), "the release is right", "%s, the report has %s",
	    truth->release, release);
	compare_processes(truth, report);
	compare_sizes(truth, report);
	compare_tables(truth, report);
	compare_scenes(truth, report);
	if (!target_open(&target, argv[1], NULL, &e)) {
		tap(false, "the target opens", "%s", e.message);
	} else if (!target.machine->ops->pause(target.machine, &e)) {
		tap(false, "the target pauses", "%s", e.message);
	} else {
		compare_memory(truth, &target);
		target.machine->ops->resume(target.machine, NULL);
		target_close(&target);
	}
	json_object_put(report);
	truth_free(truth);
	return tap_status();
}

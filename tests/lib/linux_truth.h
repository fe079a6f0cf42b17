/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux_truth.h - what a Linux guest's own kernel said of itself, read back from the
 * lines of guest-images/linux/truth.h. Used by tests/guest/linux_compare.c.
 */
#ifndef PTMM_TEST_LINUX_TRUTH_H
#define PTMM_TEST_LINUX_TRUTH_H

#include "walker/ptmm.h"

/* Sizes in KiB; -1: the kernel did not say. */
struct truth_process {
	int pid, threads;
	char comm[32];
	long vmpte, vmrss, anon, file, shmem, swap;
	long rollup_rss, rollup_swap;
	size_t first_map, map_count, first_page, page_count;
};

struct truth_map {
	gva_t first, last;
	char rights[5];
};

struct truth_page {
	gva_t va;
	uint64_t pagemap, flags, count;	/* words of those files of /proc */
};

struct truth {
	char release[64];
	struct truth_process *processes;
	struct truth_map *maps;
	struct truth_page *pages;
	pfn_t *tables;			/* ascending */
	size_t process_count, map_count, page_count, table_count;
	bool pinned;			/* the mm of a dead process is held */
};

/* Ends the program with a message where the text is not whole. */
struct truth *truth_load(const char *path);
void truth_free(struct truth *);

#endif

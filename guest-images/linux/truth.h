/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest's own kernel says of its processes and page tables, as lines that the
 * tests hold against ptmm's report. Used by workload.c, process 1 of the guest.
 *
 *	T begin RELEASE
 *	T process PID COMM threads=N vmpte=K vmrss=K anon=K file=K shmem=K swap=K
 *	T rollup PID rss=K anon=K swap=K	counted by a walk, not by counters
 *	T task PID TID COMM
 *	T map PID FIRST LAST RIGHTS NAME	LAST is the last byte
 *	T page PID VA PAGEMAP FLAGS COUNT	pagemap, kpageflags and kpagecount words
 *	T tables PFN[+MORE]...			frames that the kernel marks as page tables
 *	T note WORDS...				what workload.c has to say
 *	T end PASSES				passes until two were the same; 0: none were
 *
 * Numbers are hex in map, page and tables, decimal elsewhere; K is KiB; -1: not said.
 */
#ifndef PTMM_LINUX_TRUTH_H
#define PTMM_LINUX_TRUTH_H

/* Keeps a line for the truth, as printf does. */
void truth_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Collects until two passes in a row agree, then writes all to this file descriptor. */
void truth_write(int fd);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* See scenes.h. A scene that finds that it can't be had says so and exits with 77. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <asm/ldt.h>
#include <unistd.h>

#include "scenes.h"
#include "truth.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { PAGE = 4096 };
#define MIB (1ul << 20)
#define GIB (1ul << 30)
#define HUGE (2 * MIB)

static int ready_pipe = -1;
static char settle_page[PAGE] __attribute__((aligned(PAGE)));

static _Noreturn void missing(const char *what)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "workload: %s: %s\n", what, strerror(errno));

	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(1);
	_exit(77);
}

static void tell_ready(void)
{
	if (ready_pipe >= 0 && write(ready_pipe, "r", 1) == 1)
		ready_pipe = -1;
}

/*
 * Up to 6.1 a thread caches its changes of the rss counters, and unmapping a page of
 * one's own adds them up: after that /proc/PID/status is right. Nothing else is
 * touched from there on, so the calls are made in place.
 */
static _Noreturn void settle(void)
{
	long n;

	settle_page[0] = 1;
	for (;;) {
		__asm__ volatile("syscall" : "=a"(n)
			: "a"(SYS_madvise), "D"(settle_page), "S"((long)PAGE),
			  "d"((long)MADV_DONTNEED)
			: "rcx", "r11", "memory");
		__asm__ volatile("syscall" : "=a"(n) : "a"(SYS_pause) : "rcx", "r11", "memory");
	}
}

void scene_rest(void)
{
	tell_ready();
	settle();
}

pid_t scene_start(const struct scene *scene)
{
	int ends[2], status;
	char answer;
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		ready_pipe = ends[1];
		prctl(PR_SET_NAME, scene->name);
		scene->run(scene->number);
		_exit(1);
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &answer, 1) != 1) {
		waitpid(pid, &status, 0);
		pid = WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 0 : -1;
		truth_note("%s %s", pid ? "died" : "missing", scene->name);
	}
	close(ends[0]);
	return pid;
}

static char *map(void *at, size_t size, int prot, int flags, int fd)
{
	char *p = mmap(at, size, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		missing("mmap");
	return p;
}

static char *map_anon(size_t size)
{
	return map(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

/* Anonymous; what the alignment leaves over on either side is given back. */
static char *map_aligned(size_t size, size_t align)
{
	char *p = map_anon(size + 2 * align), *start;

	start = (char *)(((uintptr_t)p + align) & ~(align - 1));
	munmap(p, (size_t)(start - p));
	munmap(start + size, (size_t)(p + align * 2 - start));
	return start;
}

static void touch(char *p, size_t size, size_t stride)
{
	for (size_t i = 0; i < size; i += stride)
		p[i] = (char)(i / stride + 1);
}

static int open_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		missing(path);
	return fd;
}

void scene_anon(int mib)
{
	char *p = map_anon((size_t)mib * MIB);

	madvise(p, (size_t)mib * MIB, MADV_NOHUGEPAGE);
	touch(p, (size_t)mib * MIB, PAGE);
	scene_rest();
}

/* Some tables of every level and little memory: for crowds. */
void scene_plain(int number)
{
	char *p = map_anon(64 * MIB);

	madvise(p, 64 * MIB, MADV_NOHUGEPAGE);
	touch(p, 64 * MIB, 8 * MIB);
	touch(p, MIB / 2, PAGE);
	p[number % 1024 * PAGE] = 1;
	scene_rest();
}

/* Lone pages far apart; with five levels some beyond what four can reach. */
static void scene_sparse(int count)
{
	char *p = map_anon(GIB);

	madvise(p, GIB, MADV_NOHUGEPAGE);
	touch(p, GIB, 64 * MIB);
	for (int i = 0; i < count; i++) {
		uintptr_t at = 0x100000000000ul + (uintptr_t)i * (300 * GIB + 77 * HUGE);

		if (i % 4 == 3)
			at |= 1ul << 50;
		p = map((void *)at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		p[0] = 1;
	}
	scene_rest();
}

/* The child writes half of what it was born with, and reads the rest. */
static void scene_fork(int mib)
{
	size_t size = (size_t)mib * MIB;
	char *p = map_anon(size);
	int keep = ready_pipe, ends[2];
	char answer;

	madvise(p, size, MADV_NOHUGEPAGE);
	touch(p, size, PAGE);
	if (pipe(ends))
		missing("pipe");
	if (!fork()) {
		ready_pipe = ends[1];
		prctl(PR_SET_NAME, "w-forked");
		touch(p, size, 2 * PAGE);
		scene_rest();
	}
	if (read(ends[0], &answer, 1) != 1)
		_exit(1);
	ready_pipe = keep;
	scene_rest();
}

static pthread_barrier_t barrier;

static void *thread_run(void *arg)
{
	char *p = map_anon(MIB);

	touch(p, MIB, PAGE * (size_t)(uintptr_t)arg);
	pthread_barrier_wait(&barrier);
	p = map_anon(PAGE);
	p[0] = 1;
	madvise(p, PAGE, MADV_DONTNEED);
	for (;;)
		syscall(SYS_pause);
	return NULL;
}

static void start_threads(int count)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, thread_run, (void *)(uintptr_t)(i + 1)))
			missing("pthread_create");
	pthread_barrier_wait(&barrier);
}

static void scene_threads(int count)
{
	start_threads(count);
	scene_rest();
}

/* The leader is dead and has no mm; its threads live on. */
static void scene_leaderless(int count)
{
	start_threads(count);
	usleep(50000);
	tell_ready();
	syscall(SYS_exit, 0);
}

/*
 * Huge pages that are whole (each with a deposited PTE table), the huge zero page, one
 * page unmapped from the middle (so mapped by PTEs), one whole huge page PROT_NONE.
 */
static void scene_thp(int count)
{
	size_t size = (size_t)count * HUGE;
	char *p = map_aligned(size, HUGE), *zero = map_aligned(2 * HUGE, HUGE);

	if (madvise(p, size, MADV_HUGEPAGE) || madvise(zero, 2 * HUGE, MADV_HUGEPAGE))
		missing("MADV_HUGEPAGE");
	touch(p, size, PAGE);
	__asm__ volatile("" :: "r"(*(volatile char *)zero));
	munmap(p + HUGE + 5 * PAGE, PAGE);
	mprotect(p + 2 * HUGE, HUGE, PROT_NONE);
	mprotect(p + 3 * HUGE, 8 * PAGE, PROT_READ);
	scene_rest();
}

static void scene_tmpfs(int number)
{
	int fd = open_file("/tmp/shared", 4 * MIB);
	char *p = map(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

	if (number == 0)
		touch(p, 4 * MIB, PAGE);
	for (size_t i = (size_t)number * PAGE; i < 4 * MIB; i += ((size_t)number + 1) * PAGE)
		__asm__ volatile("" :: "r"(((volatile char *)p)[i]));
	p = map(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	touch(p, MIB / 2, PAGE);
	scene_rest();
}

/* Two of these at a 1 GiB boundary share their PMD table; the third is unaligned. */
static void scene_hugetlb(int number)
{
	int fd = open_file("/huge/shared", GIB);
	uintptr_t at = 0x200000000000ul + (number == 2 ? 512 * HUGE / 2 : 0);
	char *p = map((void *)at, GIB, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd);

	touch(p, 7 * HUGE, HUGE);
	scene_rest();
}

static void scene_protnone(int mib)
{
	size_t size = (size_t)mib * MIB;
	char *p = map_anon(size);

	madvise(p, size, MADV_NOHUGEPAGE);
	touch(p, size, PAGE);
	mprotect(p, size / 2, PROT_NONE);
	map(NULL, GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	scene_rest();
}

/* A mapping cut into many of different rights. */
static void scene_mprotect(int pieces)
{
	static const int rights[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE,
				      PROT_READ | PROT_EXEC };
	size_t size = (size_t)pieces * 16 * PAGE;
	char *p = map_anon(size);

	madvise(p, size, MADV_NOHUGEPAGE);
	touch(p, size, PAGE);
	for (int i = 0; i < pieces; i++)
		mprotect(p + (size_t)i * 16 * PAGE, 16 * PAGE, rights[i % 4]);
	munmap(p + 3 * PAGE, PAGE);
	scene_rest();
}

/* /init set a swap device up, or not. Half of it goes there, a part of that comes back. */
static void scene_swap(int mib)
{
	size_t size = (size_t)mib * MIB;
	char *p = map_anon(size), line[256];
	int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line));

	if (n <= 0 || !memchr(line, '/', (size_t)n))
		missing("swap device");
	close(fd);
	madvise(p, size, MADV_NOHUGEPAGE);
	touch(p, size, PAGE);
	if (madvise(p, size / 2, MADV_PAGEOUT))
		missing("MADV_PAGEOUT");
	usleep(100000);
	for (size_t i = 0; i < size / 8; i += 2 * PAGE)
		__asm__ volatile("" :: "r"(((volatile char *)p)[i]));
	scene_rest();
}

/* A file mapped private and shared, read and in part written. */
static void scene_file(int mib)
{
	size_t size = (size_t)mib * MIB;
	int fd = open_file("/file", size);
	char *p = map(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

	touch(p, size, PAGE);
	p = map(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	for (size_t i = 0; i < size; i += PAGE)
		__asm__ volatile("" :: "r"(((volatile char *)p)[i]));
	touch(p, size / 4, PAGE);
	scene_rest();
}

/* With PTI its descriptor table's page hangs in the kernel half of this process alone. */
static void scene_ldt(int number)
{
	struct user_desc desc = { .entry_number = (unsigned)number, .limit = 0xfffff,
				  .seg_32bit = 1, .limit_in_pages = 1, .useable = 1 };

	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)))
		missing("modify_ldt");
	scene_rest();
}

static _Noreturn int sharer(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "w-vm-b");
	for (;;)
		pause();
}

/* Two processes, each its own thread group, with one mm. */
static void scene_vm(int number)
{
	char *stack = map_anon(64 * PAGE * (size_t)number) + 64 * PAGE;

	if (clone(sharer, stack, CLONE_VM | SIGCHLD, NULL) < 0)
		missing("clone");
	usleep(50000);
	scene_rest();
}

static const struct scene scenes[] = {
	{ "w-anon", scene_anon, 8 },
	{ "w-sparse", scene_sparse, 48 },
	{ "w-fork", scene_fork, 6 },
	{ "w-threads", scene_threads, 4 },
	{ "w-leaderless", scene_leaderless, 2 },
	{ "w-thp", scene_thp, 5 },
	{ "w-tmpfs-a", scene_tmpfs, 0 },
	{ "w-tmpfs-b", scene_tmpfs, 1 },
	{ "w-tmpfs-c", scene_tmpfs, 2 },
	{ "w-huge-a", scene_hugetlb, 0 },
	{ "w-huge-b", scene_hugetlb, 1 },
	{ "w-huge-c", scene_hugetlb, 2 },
	{ "w-protnone", scene_protnone, 4 },
	{ "w-mprotect", scene_mprotect, 100 },
	{ "w-swap", scene_swap, 8 },
	{ "w-file", scene_file, 2 },
	{ "w-ldt", scene_ldt, 0 },
	{ "w-vm-a", scene_vm, 1 },
};

int scene_start_all(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
		failed += scene_start(&scenes[i]) < 0;
	return failed;
}

static void churn_map(int seed)
{
	unsigned state = (unsigned)seed;

	tell_ready();
	for (;;) {
		char *p = map_anon(64 * MIB);

		for (int i = 0; i < 32; i++) {
			state = state * 1103515245u + 12345u;
			p[state % (64 * MIB)] = 1;
		}
		mprotect(p, 32 * MIB, PROT_READ);
		munmap(p, 64 * MIB);
	}
}

static void churn_fork(int mib)
{
	char *p = map_anon((size_t)mib * MIB);

	touch(p, (size_t)mib * MIB, PAGE);
	tell_ready();
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			touch(p, (size_t)mib * MIB, 4 * PAGE);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

void scene_start_churn(void)
{
	scene_start(&(struct scene){ "c-map", churn_map, 7 });
	scene_start(&(struct scene){ "c-fork", churn_fork, 4 });
}

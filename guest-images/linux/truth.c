// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer is a process of the guest too, and must not change while it looks at
 * itself: all its memory is static, and touched in the first pass.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "truth.h"

enum {
	PAGE = 4096,
	MAX_PASSES = 100,	/* on a busy host it takes a while to come to rest */
	SAMPLES = 10,	/* pages told of a mapping */
	CHUNK = 8192,	/* words read at once from the files that have one for each page */
};

#define PM_PRESENT (1ull << 63)
#define PM_SWAP (1ull << 62)
#define PM_PFN ((1ull << 55) - 1)
#define KPF_PGTABLE (1ull << 26)

struct text {
	char data[6 << 20];
	size_t used;
};

static struct text passes[2], notes;
static char file_text[1 << 20];
static uint64_t words[CHUNK];
static int kpageflags = -1, kpagecount = -1;

static void text_add(struct text *t, const char *format, va_list args)
{
	size_t room = sizeof(t->data) - t->used;
	int n = vsnprintf(t->data + t->used, room, format, args);

	if (n > 0 && (size_t)n < room)
		t->used += (size_t)n;
}

__attribute__((format(printf, 2, 3)))
static void say(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_add(t, format, args);
	va_end(args);
}

void truth_note(const char *format, ...)
{
	va_list args;

	say(&notes, "T note ");
	va_start(args, format);
	text_add(&notes, format, args);
	va_end(args);
	say(&notes, "\n");
}

/* The whole file as a string; empty if there is none. */
static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	while (fd >= 0 && used < sizeof(file_text) - 1) {
		n = read(fd, file_text + used, sizeof(file_text) - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	file_text[used] = 0;
	return file_text;
}

/* The number behind "KEY:" at the start of a line; -1 if it isn't there. */
static long field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, key, len) && text[len] == ':')
			return strtol(text + len + 1, NULL, 10);
		if (!*text)
			break;
	}
	return -1;
}

static uint64_t word_at(int fd, uint64_t index)
{
	uint64_t word = 0;

	if (fd < 0 || pread(fd, &word, sizeof(word), (off_t)(index * 8)) != sizeof(word))
		return 0;
	return word;
}

static void say_page(struct text *t, int pid, uint64_t page, uint64_t word)
{
	uint64_t pfn = word & PM_PFN;
	bool here = word & PM_PRESENT;

	say(t, "T page %d %llx %llx %llx %llx\n", pid, (unsigned long long)page * PAGE,
	    (unsigned long long)word, (unsigned long long)(here ? word_at(kpageflags, pfn) : 0),
	    (unsigned long long)(here ? word_at(kpagecount, pfn) : 0));
}

/* Mapped pages of [first, end): every one of the first few, then ever more rarely. */
static void say_pages(struct text *t, int pid, int fd, uint64_t first, uint64_t end)
{
	uint64_t page = first, seen = 0, next = 0, told = 0, last = 0, last_word = 0;

	while (page < end) {
		size_t want = end - page < CHUNK ? (size_t)(end - page) : CHUNK;
		ssize_t n = pread(fd, words, want * 8, (off_t)(page * 8));

		if (n < 8)
			break;
		for (size_t i = 0; i < (size_t)n / 8; i++, page++) {
			if (!(words[i] & (PM_PRESENT | PM_SWAP)))
				continue;
			last = page;
			last_word = words[i];
			if (seen++ < next || told >= SAMPLES - 1)
				continue;
			say_page(t, pid, page, words[i]);
			next = ++told < 4 ? seen : seen * 2;
			last_word = 0;
		}
	}
	if (last_word)
		say_page(t, pid, last, last_word);
}

/* By a thread that lives; told as the process's. */
static void say_maps(struct text *t, int pid, int tid)
{
	char path[64], *line, *rest, *text;
	int pagemap;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", tid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	text = read_file(path);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long first, end;
		char rights[8], name[128] = "-";

		if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %127s", &first, &end, rights, name) < 3)
			continue;
		say(t, "T map %d %llx %llx %s %s\n", pid, first, end - 1, rights, name);
		if (pagemap >= 0 && !strstr(name, "vsyscall"))
			say_pages(t, pid, pagemap, first / PAGE, end / PAGE);
	}
	if (pagemap >= 0)
		close(pagemap);
}

/* A number that names an entry of /proc; 0 for other entries. */
static int number(const struct dirent *entry)
{
	return entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? atoi(entry->d_name) : 0;
}

static const char *comm(int pid, int tid)
{
	static char name[32];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	snprintf(name, sizeof(name), "%s", read_file(path));
	for (char *c = name; *c; c++)
		if (*c == '\n')
			*c = 0;
		else if (*c == ' ')
			*c = '_';
	return name;
}

/* The first thread that still has an mm: a leader may be dead. 0: a kernel thread. */
static int say_tasks(struct text *t, int pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		int tid = number(entry);

		snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
		if (!tid || field(read_file(path), "VmPTE") < 0)
			continue;
		if (!found)
			found = tid;
		say(t, "T task %d %d %s\n", pid, tid, comm(pid, tid));
	}
	if (dir)
		closedir(dir);
	return found;
}

static void say_process(struct text *t, int pid)
{
	int tid = say_tasks(t, pid);
	const char *name, *s;
	char path[64];

	if (!tid)
		return;
	name = comm(pid, pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	s = read_file(path);
	say(t, "T process %d %s threads=%ld vmpte=%ld vmrss=%ld ", pid, name, field(s, "Threads"),
	    field(s, "VmPTE"), field(s, "VmRSS"));
	say(t, "anon=%ld file=%ld shmem=%ld swap=%ld\n", field(s, "RssAnon"), field(s, "RssFile"),
	    field(s, "RssShmem"), field(s, "VmSwap"));
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", tid);
	s = read_file(path);
	say(t, "T rollup %d rss=%ld anon=%ld swap=%ld\n", pid, field(s, "Rss"),
	    field(s, "Anonymous"), field(s, "Swap"));
	say_maps(t, pid, tid);
}

/* A run of frames that ends before pfn; eight runs on a line. */
static void say_run(struct text *t, uint64_t pfn, uint64_t run, unsigned *runs)
{
	const char *before = *runs % 8 ? " " : *runs ? "\nT tables " : "T tables ";

	if (!run)
		return;
	++*runs;
	say(t, "%s%llx+%llx", before, (unsigned long long)(pfn - run),
	    (unsigned long long)(run - 1));
}

static void say_tables(struct text *t)
{
	uint64_t pfn = 0, run = 0;
	unsigned runs = 0;
	ssize_t n;

	do {
		n = pread(kpageflags, words, sizeof(words), (off_t)pfn * 8);
		for (size_t i = 0; n > 0 && i < (size_t)n / 8; i++, pfn++) {
			if (words[i] & KPF_PGTABLE) {
				run++;
				continue;
			}
			say_run(t, pfn, run, &runs);
			run = 0;
		}
	} while (n >= 8);
	say_run(t, pfn, run, &runs);
	if (runs)
		say(t, "\n");
}

/* Unmapping a page adds up what up to 6.1 a thread keeps beside the rss counters. */
static void settle_counters(void)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));

	page[0] = 1;
	madvise(page, PAGE, MADV_DONTNEED);
}

static void look(struct text *t)
{
	struct dirent *entry;
	struct utsname name;
	DIR *proc = opendir("/proc");

	settle_counters();
	t->used = 0;
	uname(&name);
	say(t, "T begin %s\n", name.release);
	while (proc && (entry = readdir(proc)))
		if (number(entry))
			say_process(t, number(entry));
	if (proc)
		closedir(proc);
	say_tables(t);
}

static void write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	for (; size; data += n, size -= (size_t)n) {
		n = write(fd, data, size);
		if (n <= 0)
			return;
	}
}

void truth_write(int fd)
{
	char end[32];
	int pass, same = 0;

	kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	kpagecount = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	memset(passes, 1, sizeof(passes));
	memset(file_text, 1, sizeof(file_text));
	memset(words, 1, sizeof(words));
	look(&passes[0]);
	for (pass = 1; pass < MAX_PASSES && !same; pass++) {
		struct text *now = &passes[pass % 2], *before = &passes[!(pass % 2)];

		usleep(100000);
		look(now);
		if (now->used == before->used && !memcmp(now->data, before->data, now->used))
			same = pass;
	}
	pass = (pass - 1) % 2;
	write_all(fd, passes[pass].data, passes[pass].used);
	write_all(fd, notes.data, notes.used);
	snprintf(end, sizeof(end), "T end %d\n", same);
	write_all(fd, end, strlen(end));
}

// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/linux_truth.h"

static _Noreturn void die(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	exit(2);
}

/* The list with room for one more, zeroed. */
static void *grow(void *list, size_t *count, size_t size)
{
	char *at;

	if (!(*count & (*count + 1)) || !list)
		list = realloc(list, (*count * 2 + 2) * size);
	if (!list)
		die("truth", "out of memory");
	at = (char *)list + *count * size;
	memset(at, 0, size);
	++*count;
	return list;
}

static struct truth_process *last_process(struct truth *t)
{
	return t->process_count ? &t->processes[t->process_count - 1] : NULL;
}

static bool read_process(struct truth *t, const char *line)
{
	struct truth_process *p;

	t->processes = grow(t->processes, &t->process_count, sizeof(*t->processes));
	p = last_process(t);
	p->first_map = t->map_count;
	p->first_page = t->page_count;
	return sscanf(line, "%d %31s threads=%d vmpte=%ld vmrss=%ld anon=%ld file=%ld shmem=%ld "
		      "swap=%ld", &p->pid, p->comm, &p->threads, &p->vmpte, &p->vmrss, &p->anon,
		      &p->file, &p->shmem, &p->swap) == 9;
}

static bool read_map(struct truth *t, const char *line)
{
	struct truth_process *p = last_process(t);
	struct truth_map *map;
	int pid;

	t->maps = grow(t->maps, &t->map_count, sizeof(*t->maps));
	map = &t->maps[t->map_count - 1];
	if (sscanf(line, "%d %" SCNx64 " %" SCNx64 " %4s", &pid, &map->first, &map->last,
		   map->rights) != 4 || !p || p->pid != pid)
		return false;
	/* The legacy page of the kernel half is listed, but is in no VMA. */
	if (map->first >> 63)
		t->map_count--;
	else
		p->map_count++;
	return true;
}

static bool read_page(struct truth *t, const char *line)
{
	struct truth_process *p = last_process(t);
	struct truth_page *page;
	int pid;

	t->pages = grow(t->pages, &t->page_count, sizeof(*t->pages));
	page = &t->pages[t->page_count - 1];
	if (sscanf(line, "%d %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &pid, &page->va,
		   &page->pagemap, &page->flags, &page->count) != 5 || !p || p->pid != pid)
		return false;
	p->page_count++;
	return true;
}

static bool read_tables(struct truth *t, char *line)
{
	char *rest, *word;

	for (word = strtok_r(line, " \r\n", &rest); word; word = strtok_r(NULL, " \r\n", &rest)) {
		pfn_t first, more;

		if (sscanf(word, "%" SCNx64 "+%" SCNx64, &first, &more) != 2 || more > 1 << 20)
			return false;
		for (pfn_t pfn = first; pfn <= first + more; pfn++) {
			t->tables = grow(t->tables, &t->table_count, sizeof(*t->tables));
			t->tables[t->table_count - 1] = pfn;
		}
	}
	return true;
}

static bool read_line(struct truth *t, char *line)
{
	struct truth_process *p = last_process(t);
	char word[16];
	int pid, at = 0;

	if (sscanf(line, "T %15s %n", word, &at) != 1 || !at)
		return true;	/* the kernel's own words may stand between */
	line += at;
	if (!strcmp(word, "begin"))
		return sscanf(line, "%63s", t->release) == 1;
	if (!strcmp(word, "process"))
		return read_process(t, line);
	if (!strcmp(word, "rollup"))
		return p && sscanf(line, "%d rss=%ld anon=%*d swap=%ld", &pid, &p->rollup_rss,
				   &p->rollup_swap) == 3 && pid == p->pid;
	if (!strcmp(word, "map"))
		return read_map(t, line);
	if (!strcmp(word, "page"))
		return read_page(t, line);
	if (!strcmp(word, "tables"))
		return read_tables(t, line);
	if (!strcmp(word, "note") && !strncmp(line, "pinned 1", 8))
		t->pinned = true;
	return true;
}

struct truth *truth_load(const char *path)
{
	struct truth *t = calloc(1, sizeof(*t));
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int passes = -1;

	if (!t || !file)
		die(path, "can't be opened");
	while (getline(&line, &size, file) > 0) {
		if (!read_line(t, line))
			die(path, line);
		sscanf(line, "T end %d", &passes);
	}
	free(line);
	fclose(file);
	if (passes < 0)
		die(path, "the truth is cut short");
	if (!passes)
		die(path, "the guest did not come to rest");
	return t;
}

void truth_free(struct truth *t)
{
	free(t->processes);
	free(t->maps);
	free(t->pages);
	free(t->tables);
	free(t);
}

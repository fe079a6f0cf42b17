/* SPDX-License-Identifier: GPL-2.0-only */
/* process.c - finds the QEMU process, what it maps, and reads it. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmm/libvirt/process.h"

enum { COMMAND_MAX = 128 * 1024 };

#define HUGETLBFS 0x958458f6	/* statfs(2) */

/* The words "-uuid" and UUID, one after the other. */
static bool command_has(const char *words, size_t size, const char *uuid)
{
	static const char option[] = "-uuid";
	bool after = false;

	for (size_t at = 0; at < size; at += strlen(words + at) + 1) {
		if (after && !strcmp(words + at, uuid))
			return true;
		after = !strcmp(words + at, option);
	}
	return false;
}

static bool is_qemu(const char *pid, const char *uuid, char *words)
{
	char path[64];
	ssize_t got, size = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (size < COMMAND_MAX && (got = read(fd, words + size, COMMAND_MAX - size)) > 0)
		size += got;
	close(fd);
	words[size] = '\0';
	return command_has(words, (size_t)size, uuid);
}

static pid_t find(const char *uuid)
{
	char *words = malloc(COMMAND_MAX + 1);
	DIR *proc = words ? opendir("/proc") : NULL;
	struct dirent *entry;
	pid_t pid = 0;

	while (proc && !pid && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_qemu(entry->d_name, uuid, words))
			pid = (pid_t)atoi(entry->d_name);
	if (proc)
		closedir(proc);
	free(words);
	return pid;
}

bool process_open(struct process *p, const char *uuid, struct err *err)
{
	char path[64];

	*p = (struct process){ .mem = -1 };
	p->pid = find(uuid);
	if (!p->pid)
		return err_set(err, ERR_TARGET, 0, "its QEMU process is not to be seen from here");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	p->mem = open(path, O_RDONLY | O_CLOEXEC);
	if (p->mem >= 0)
		return true;
	return err_set(err, ERR_TARGET, 0, "its QEMU process %d cannot be read: %s", (int)p->pid,
		       strerror(errno));
}

void process_close(struct process *p)
{
	if (p->mem >= 0)
		close(p->mem);
	p->mem = -1;
}

/* A line of /proc/PID/maps. */
struct mapping {
	uint64_t start, end, offset, inode;
	unsigned major, minor;
	char rights[5];
};

static bool mapping_read(const char *line, struct mapping *m)
{
	return sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &m->start,
		      &m->end, m->rights, &m->offset, &m->major, &m->minor, &m->inode) == 7;
}

/*
 * One file may be mapped in pieces, for instance where they belong to different
 * NUMA nodes; these must follow each other in the file as they do in memory.
 */
static bool mapping_find(const struct process *p, uint64_t address, uint64_t size,
			 struct mapping *first)
{
	char path[64], *line = NULL;
	uint64_t end = address + size, covered = address;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)p->pid);
	maps = fopen(path, "re");
	while (maps && covered < end && getline(&line, &room, maps) > 0) {
		struct mapping m;

		if (!mapping_read(line, &m) || m.end <= covered)
			continue;
		if (m.start > covered || m.rights[3] != 's' || !m.inode)
			break;
		if (covered == address)
			*first = m;
		else if (m.inode != first->inode || m.major != first->major ||
			 m.minor != first->minor ||
			 m.offset - first->offset != m.start - first->start)
			break;
		covered = m.end;
	}
	if (maps)
		fclose(maps);
	free(line);
	return covered >= end;
}

/* By QEMU's own descriptor; where it has closed it, by the mapping. */
static int file_open(const struct process *p, const struct mapping *m)
{
	char path[320];
	struct dirent *entry;
	int found = -1;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	fds = opendir(path);
	while (fds && found < 0 && (entry = readdir(fds))) {
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)p->pid, entry->d_name);
		if (!stat(path, &st) && S_ISREG(st.st_mode) && st.st_ino == m->inode &&
		    st.st_dev == makedev(m->major, m->minor))
			found = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fds)
		closedir(fds);
	if (found >= 0)
		return found;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)p->pid,
		 m->start, m->end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool process_file(const struct process *p, uint64_t address, uint64_t size,
		  struct process_file *f, struct err *err)
{
	struct mapping m = { 0 };
	struct statfs fs;
	struct stat st;

	if (address + size < address || !mapping_find(p, address, size, &m))
		return err_set(err, ERR_TARGET, 0, "guest RAM is private to QEMU");
	*f = (struct process_file){
		.fd = file_open(p, &m),
		.offset = m.offset + (address - m.start),
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
	};
	if (f->fd < 0)
		return err_set(err, ERR_TARGET, 0, "the file of guest RAM cannot be opened: %s",
			       strerror(errno));
	if (!fstatfs(f->fd, &fs) && fs.f_type == HUGETLBFS && fs.f_bsize > 0)
		f->page_size = (size_t)fs.f_bsize;
	if (!fstat(f->fd, &st) && st.st_ino == m.inode && st.st_size >= 0 &&
	    f->offset <= (uint64_t)st.st_size && size <= (uint64_t)st.st_size - f->offset)
		return true;
	close(f->fd);
	return err_set(err, ERR_TARGET, 0, "the file of guest RAM is too short");
}

bool process_read(const struct process *p, uint64_t address, void *to, size_t size,
		  struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(p->mem, (char *)to + done, size - done,
				    (off_t)(address + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, ERR_UNREADABLE, 0, "the memory of QEMU's process %d "
				       "cannot be read: %s", (int)p->pid,
				       got ? strerror(errno) : "it has ended");
		done += (size_t)got;
	}
	return true;
}

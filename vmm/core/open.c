/* SPDX-License-Identifier: GPL-2.0-only */
/* open.c - which kind of dump a file is, and the machine that it becomes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/dump.h"

static const void *op_view(struct machine *m, gpa_t frame, struct err *e)
{
	struct dump *d = dump_of(m);

	return d->kdump ? frame_cache_view(d->cache, frame, e) : pieces_view(m, frame, e);
}

static bool op_regs(struct machine *m, unsigned vcpu, struct x86_regs *regs, struct err *e)
{
	if (vcpu >= m->vcpus)
		return err_set(e, ERR_USAGE, 0, "no vCPU %u: the dump has %u", vcpu, m->vcpus);
	*regs = dump_of(m)->regs[vcpu];
	return true;
}

static bool op_still(struct machine *m, struct err *e)
{
	(void)m;
	(void)e;
	return true;
}

static void op_verify(struct machine *m)
{
	struct dump *d = dump_of(m);
	struct stat st;

	if (d->guard && !fstat(d->fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size < d->size)
		fault_guard_lose(d->guard, d->map + st.st_size, d->map + d->size);
}

static void op_close(struct machine *m)
{
	struct dump *d = dump_of(m);

	/* While the memory is still mapped: frames are told apart by where they are. */
	fault_guard_free(d->guard);
	frame_cache_free(d->cache);
	compressed_close(d);
	if (d->map)
		munmap(d->map, d->size);
	if (d->fd >= 0)
		close(d->fd);
	free(m->regions);
	free(d->pieces.list);
	free(d->regs);
	free(d->vmcoreinfo);
	free(d);
}

static const struct machine_ops dump_ops = {
	.view = op_view,
	.unview = pieces_unview,
	.regs = op_regs,
	.pause = op_still,
	.resume = op_still,
	.verify = op_verify,
	.close = op_close,
};

enum dump_format { DUMP_UNKNOWN, DUMP_ELF, DUMP_KDUMP, DUMP_FLAT };

struct magic {
	const char *bytes;
	size_t size;
	enum dump_format format;
	const char *what;	/* of one that is not read: what it is, and what to do */
};

#define MAGIC(text) text, sizeof(text) - 1

static const struct magic magics[] = {
	{ MAGIC("\177ELF"), DUMP_ELF, NULL },
	{ MAGIC("KDUMP   "), DUMP_KDUMP, NULL },
	{ MAGIC("DISKDUMP"), DUMP_KDUMP, NULL },
	{ MAGIC("makedumpfile"), DUMP_FLAT, NULL },
	{ MAGIC("\x1f\x8b"), DUMP_UNKNOWN, "compressed (gzip): decompress it first" },
	{ MAGIC("\xfd" "7zXZ"), DUMP_UNKNOWN, "compressed (xz): decompress it first" },
	{ MAGIC("\x28\xb5\x2f\xfd"), DUMP_UNKNOWN, "compressed (zstd): decompress it first" },
	{ MAGIC("BZh"), DUMP_UNKNOWN, "compressed (bzip2): decompress it first" },
	{ MAGIC("\x04\x22\x4d\x18"), DUMP_UNKNOWN, "compressed (lz4): decompress it first" },
	{ MAGIC("PK\x03\x04"), DUMP_UNKNOWN, "an archive (zip): unpack it first" },
	{ MAGIC("LibvirtQemudSave"), DUMP_UNKNOWN, "a saved domain (virsh save): use virsh dump "
	  "--memory-only" },
	{ MAGIC("QEVM"), DUMP_UNKNOWN, "QEMU's own saved state (virsh dump without --memory-only): "
	  "use --memory-only" },
	{ MAGIC("EMiL"), DUMP_UNKNOWN, "a LiME image, which has no registers: convert it to raw" },
	{ MAGIC("PAGEDU"), DUMP_UNKNOWN, "a Windows crash dump" },
};

static const struct magic *magic_find(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (size >= magics[i].size && !memcmp(head, magics[i].bytes, magics[i].size))
			return &magics[i];
	return NULL;
}

static size_t head_read(int fd, uint8_t *head, size_t size)
{
	ssize_t n = pread(fd, head, size, 0);

	return n < 0 ? 0 : (size_t)n;
}

/* A pipe or a terminal would block, and none can be mapped. */
static int file_open(const char *path, uint64_t *size, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = NULL;
	struct stat st;
	off_t end = 0;

	if (fd < 0 || fstat(fd, &st)) {
		why = strerror(errno);
	} else if (S_ISDIR(st.st_mode)) {
		why = "a folder, not a file";
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		why = "not a regular file";
	} else {
		end = lseek(fd, 0, SEEK_END);
		if (end < 0)
			why = strerror(errno);
		else if (!end)
			why = "empty";
	}
	if (!why) {
		*size = (uint64_t)end;
		return fd;
	}
	err_set(e, ERR_TARGET, 0, "%s", why);
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct dump *dump_new(const char *path, const char *source, struct err *e)
{
	struct dump *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	d->machine.impl = d;
	d->machine.ops = &dump_ops;
	d->machine.source = source;
	d->machine.frozen = true;
	snprintf(d->machine.uri, sizeof(d->machine.uri), "%s:%s", source, path);
	d->fd = file_open(path, &d->size, e);
	if (d->fd >= 0)
		return d;
	op_close(&d->machine);
	return NULL;
}

static bool dump_read(struct dump *d, struct err *e)
{
	uint8_t head[32];
	size_t size = head_read(d->fd, head, sizeof(head));
	const struct magic *magic = magic_find(head, size);

	if (!magic)
		return err_set(e, ERR_TARGET, 0, "not a memory dump (no ELF core, no kdump file); "
			       "a file that is nothing but memory is raw:FILE");
	switch (magic->format) {
	case DUMP_ELF:
		return elf_read(d, e);
	case DUMP_KDUMP:
	case DUMP_FLAT:
		return compressed_read(d, magic->format == DUMP_FLAT, e);
	default:
		return err_set(e, ERR_TARGET, 0, "%s", magic->what);
	}
}

struct machine *core_open(const char *path, struct err *e)
{
	struct dump *d = dump_new(path, "core", e);

	if (!d)
		return NULL;
	if (dump_read(d, e))
		return &d->machine;
	op_close(&d->machine);
	return NULL;
}

struct machine *raw_open(const char *path, const char *map, struct err *e)
{
	struct dump *d = dump_new(path, "raw", e);

	if (!d)
		return NULL;
	if (raw_read(d, map, e))
		return &d->machine;
	op_close(&d->machine);
	return NULL;
}

bool core_recognise(const char *path)
{
	uint64_t size;
	int fd = file_open(path, &size, NULL);
	uint8_t head[32];
	bool known;

	if (fd < 0)
		return false;
	known = magic_find(head, head_read(fd, head, sizeof(head))) != NULL;
	close(fd);
	return known;
}

const char *core_vmcoreinfo(const struct machine *m, size_t *size)
{
	const struct dump *d = dump_of(m);

	*size = d->vmcoreinfo_size;
	return d->vmcoreinfo;
}

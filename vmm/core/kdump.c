/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kdump.c - kdump-compressed files (makedumpfile, QEMU's kdump-zlib), read by
 * libkdumpfile where ptmm was built with it.
 *
 * Frames come through the cache, one decompression each. The notes lie in the
 * file as they would in an ELF core; the library does not show QEMU's, so they are
 * read here, by the header's layout (makedumpfile: diskdump_mod.h): the block size
 * is the word at 428, and in the second block lie, at 48 and 56, where the notes are.
 */
#include "vmm/core/dump.h"

#ifndef HAVE_LIBKDUMPFILE

bool compressed_read(struct dump *d, bool flattened, struct err *e)
{
	(void)d;
	(void)flattened;
	return err_set(e, ERR_UNSUPPORTED, 0, "a kdump-compressed dump, and this ptmm was built "
		       "without libkdumpfile: use dump-guest-memory without -z, -l or -s");
}

void compressed_close(struct dump *d)
{
	(void)d;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REGIONS_MAX = 1 << 20, BLOCK_SIZE_AT = 428, NOTE_AT = 48,
       FRAMES_AT = 96, NOTE_VERSION = 4 };

struct kdump {
	kdump_ctx_t *context;
};

static bool frame_read(struct dump *d, gpa_t frame, uint8_t *to, struct err *e)
{
	kdump_ctx_t *context = d->kdump->context;
	size_t size = PT_FRAME_SIZE;
	kdump_status status = kdump_read(context, KDUMP_MACHPHYSADDR, frame, to, &size);

	if (status == KDUMP_OK && size == PT_FRAME_SIZE)
		return true;
	if (status == KDUMP_ERR_NODATA)
		return err_set(e, ERR_UNREADABLE, frame,
			       "the frame at 0x%" PRIx64 " was left out of the dump", frame);
	return err_set(e, status == KDUMP_ERR_SYSTEM || status == KDUMP_ERR_EOF ||
		       status == KDUMP_ERR_CORRUPT ? ERR_UNREADABLE : ERR_TARGET, frame,
		       "the frame at 0x%" PRIx64 " cannot be read from the dump: %.120s", frame,
		       kdump_get_err(context));
}

static kdump_bmp_t *bitmap_get(kdump_ctx_t *context, const char *key)
{
	kdump_attr_t attr = { .type = KDUMP_BITMAP };

	if (kdump_get_attr(context, key, &attr) != KDUMP_OK || attr.type != KDUMP_BITMAP)
		return NULL;
	kdump_bmp_incref(attr.val.bitmap);
	return attr.val.bitmap;
}

/* The next run of set bits, [*first, *end); false after the last. */
static bool bitmap_run(kdump_bmp_t *bitmap, kdump_addr_t from, kdump_addr_t *first,
		       kdump_addr_t *end)
{
	*first = from;
	if (kdump_bmp_find_set(bitmap, first) != KDUMP_OK)
		return false;
	*end = *first;
	if (kdump_bmp_find_clear(bitmap, end) != KDUMP_OK || *end <= *first)
		return false;
	/* A frame's number has at most 40 bits. */
	if (*first >= 1ull << 40)
		return false;
	if (*end > 1ull << 40)
		*end = 1ull << 40;
	return true;
}

static bool regions_read(struct dump *d, kdump_bmp_t *memory, struct err *e)
{
	struct machine *m = &d->machine;
	kdump_addr_t first, end = 0;
	size_t room = 0;

	while (bitmap_run(memory, end, &first, &end)) {
		if (m->region_count == room) {
			struct mem_region *list;

			room = room ? room * 2 : 16;
			list = room > REGIONS_MAX ? NULL :
			       reallocarray(m->regions, room, sizeof(*list));
			if (!list)
				return err_set(e, ERR_NO_MEMORY, 0, "its memory is in more than "
					       "%zu pieces", m->region_count);
			m->regions = list;
		}
		m->regions[m->region_count++] = (struct mem_region){
			.first = pfn_to_gpa(first), .last = pfn_to_gpa(end) - 1,
		};
	}
	return m->region_count || err_set(e, ERR_TARGET, 0, "there is no guest memory in it");
}

static uint64_t frames_in(kdump_bmp_t *bitmap)
{
	kdump_addr_t first, end = 0;
	uint64_t frames = 0;

	while (bitmap_run(bitmap, end, &first, &end))
		frames += end - first;
	return frames;
}

static bool memory_read(struct dump *d, struct err *e)
{
	kdump_ctx_t *context = d->kdump->context;
	kdump_bmp_t *memory = bitmap_get(context, KDUMP_ATTR_MEMORY_PAGEMAP);
	kdump_bmp_t *file = bitmap_get(context, KDUMP_ATTR_FILE_PAGEMAP);
	bool ok = memory && regions_read(d, memory, e);

	if (!memory)
		err_set(e, ERR_TARGET, 0, "it does not say what memory there is");
	if (ok && file)
		d->machine.missing_frames = frames_in(memory) - frames_in(file);
	if (memory)
		kdump_bmp_decref(memory);
	if (file)
		kdump_bmp_decref(file);
	return ok;
}

/* The bitmaps' size is what the library allocates: it must be in the file. */
static bool header_check(const struct dump *d, struct err *e)
{
	uint32_t h[4];	/* block size, blocks of the sub-header, of the bitmaps, frames */
	uint64_t frames = 0;

	if (!dump_pread(d->fd, h, sizeof(h), BLOCK_SIZE_AT) || h[0] < 512 || h[0] > 1 << 20 ||
	    h[0] & (h[0] - 1) || (1 + (uint64_t)h[1] + h[2]) * h[0] > d->size ||
	    (uint64_t)h[2] * h[0] * 4 < h[3] ||
	    !dump_pread(d->fd, &frames, sizeof(frames), (uint64_t)h[0] + FRAMES_AT) ||
	    (uint64_t)h[2] * h[0] * 4 < frames)
		return err_set(e, ERR_TARGET, 0, "a kdump-compressed dump that is cut short in its "
			       "headers, or broken");
	return true;
}

static bool header_notes(struct dump *d, struct err *e)
{
	uint32_t version, block_size;
	uint64_t where[2];

	if (!dump_pread(d->fd, &version, sizeof(version), 8) || version < NOTE_VERSION ||
	    !dump_pread(d->fd, &block_size, sizeof(block_size), BLOCK_SIZE_AT) ||
	    !dump_pread(d->fd, where, sizeof(where), (uint64_t)block_size + NOTE_AT))
		return true;
	return notes_read(d, where[0], where[1], e);
}

static bool vmcoreinfo_read(struct dump *d, struct err *e)
{
	char *text;

	if (d->vmcoreinfo || kdump_vmcoreinfo_raw(d->kdump->context, &text) != KDUMP_OK)
		return true;
	d->vmcoreinfo = strdup(text);
	free(text);
	if (!d->vmcoreinfo)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for VMCOREINFO");
	d->vmcoreinfo_size = strlen(d->vmcoreinfo);
	return true;
}

static bool context_open(kdump_ctx_t *context, int fd)
{
	kdump_attr_t never = { .type = KDUMP_NUMBER, .val.number = KDUMP_MMAP_NEVER };

	/* Not by mmap: a file may shrink. */
	return kdump_set_attr(context, KDUMP_ATTR_FILE_MMAP_POLICY, &never) == KDUMP_OK &&
	       kdump_open_fd(context, fd) == KDUMP_OK;
}

/* The child's half of the trial: what the library says, and how far it gets. */
static void trial(int fd, int to) __attribute__((noreturn));
static void trial(int fd, int to)
{
	static const struct rlimit seconds = { 60, 60 };
	kdump_ctx_t *context = kdump_new();
	const char *why = "out of memory";
	kdump_bmp_t *memory;

	setrlimit(RLIMIT_CPU, &seconds);
	if (context && context_open(context, fd)) {
		memory = bitmap_get(context, KDUMP_ATTR_MEMORY_PAGEMAP);
		if (memory)
			frames_in(memory);
		_exit(0);
	}
	if (context)
		why = kdump_get_err(context);
	if (write(to, why, strlen(why)) < 0)
		_exit(2);
	_exit(1);
}

/*
 * libkdumpfile 0.5.1 crashes where it gives up a file that it could not open, and
 * is not made for files that lie. So a child tries first.
 */
static bool library_try(int fd, struct err *e)
{
	char why[140] = "";
	int ends[2], status = 0;
	ssize_t got;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return err_set(e, ERR_SYSTEM, 0, "pipe: %s", strerror(errno));
	child = fork();
	if (!child)
		trial(fd, ends[1]);
	close(ends[1]);
	got = child > 0 ? read(ends[0], why, sizeof(why) - 1) : -1;
	close(ends[0]);
	if (child < 0)
		return err_set(e, ERR_SYSTEM, 0, "fork: %s", strerror(errno));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	return err_set(e, ERR_TARGET, 0, "a kdump-compressed dump that cannot be opened: %s",
		       got > 0 ? why : "libkdumpfile fails on it");
}

static bool library_open(struct dump *d, struct err *e)
{
	kdump_ctx_t *context;

	if (!library_try(d->fd, e))
		return false;
	context = kdump_new();
	d->kdump = calloc(1, sizeof(*d->kdump));
	if (!d->kdump || !context) {
		if (context)
			kdump_free(context);
		free(d->kdump);
		d->kdump = NULL;
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for libkdumpfile");
	}
	d->kdump->context = context;
	return context_open(context, d->fd) ||
	       err_set(e, ERR_TARGET, 0, "a kdump-compressed dump that cannot be opened: %.140s",
		       kdump_get_err(context));
}

/* A flattened file is unfolded first; the descriptor then is the unfolded one's. */
static bool unfold(struct dump *d, struct err *e)
{
	int fd = flat_unfold(d->fd, d->size, e);
	off_t size;

	if (fd < 0)
		return false;
	size = lseek(fd, 0, SEEK_END);
	close(d->fd);
	d->fd = fd;
	d->size = size < 0 ? 0 : (uint64_t)size;
	return true;
}

bool compressed_read(struct dump *d, bool flattened, struct err *e)
{
	if ((flattened && !unfold(d, e)) || !header_check(d, e) ||
	    !library_open(d, e) || !memory_read(d, e) || !header_notes(d, e) ||
	    !vmcoreinfo_read(d, e))
		return false;
	notes_close(d);
	d->cache = frame_cache_new(d, frame_read, e);
	return d->cache != NULL;
}

void compressed_close(struct dump *d)
{
	if (!d->kdump)
		return;
	kdump_free(d->kdump->context);
	free(d->kdump);
	d->kdump = NULL;
}

#endif

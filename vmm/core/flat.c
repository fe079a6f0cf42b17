/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flat.c - makedumpfile's flattened format, which QEMU writes too.
 *
 * A dump that was written to a pipe: a header of 4096 bytes, then pieces, each
 * with its offset and size in the real file, big-endian; offset -1 ends it. The
 * real file is put together in a nameless temporary one, as makedumpfile -R does.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/dump.h"

enum { FLAT_HEADER = 4096, COPY = 1 << 20 };

/* No dump has such an offset: a sparse file of it would still cost its user. */
#define OFFSET_MAX (1ull << 46)

static int temporary(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || !*folder)
		folder = "/var/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		err_set(e, ERR_SYSTEM, 0, "a flattened dump must be unfolded into a temporary file "
			"in %.80s: %s: set TMPDIR, or use makedumpfile -R", folder,
			strerror(errno));
	return fd;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, bytes, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

static bool copy(int from, uint64_t at, int to, uint64_t offset, uint64_t size, uint8_t *buffer,
		 struct err *e)
{
	while (size) {
		size_t n = size < COPY ? (size_t)size : COPY;

		if (!dump_pread(from, buffer, n, at))
			return err_set(e, ERR_TARGET, 0, "a flattened dump that cannot be read at %"
				       PRIu64, at);
		if (!write_all(to, buffer, n, offset))
			return err_set(e, ERR_SYSTEM, 0, "a flattened dump cannot be unfolded into "
				       "a temporary file: %s: set TMPDIR", strerror(errno));
		at += n;
		offset += n;
		size -= n;
	}
	return true;
}

static bool unfold(int from, uint64_t size, int to, uint8_t *buffer, struct err *e)
{
	uint64_t at = FLAT_HEADER;

	for (;;) {
		uint64_t head[2], offset, bytes;

		if (!dump_pread(from, head, sizeof(head), at))
			return err_set(e, ERR_TARGET, 0, "a flattened dump that is cut short: it "
				       "has no end mark");
		offset = be64toh(head[0]);
		bytes = be64toh(head[1]);
		if (offset == UINT64_MAX)
			return true;
		at += sizeof(head);
		if (offset > OFFSET_MAX || bytes > OFFSET_MAX)
			return err_set(e, ERR_TARGET, 0, "a flattened dump with a piece of %" PRIu64
				       " bytes at %" PRIu64, bytes, offset);
		if (at > size || bytes > size - at)
			return err_set(e, ERR_TARGET, 0, "a flattened dump that is cut short at %"
				       PRIu64 " bytes", size);
		if (!copy(from, at, to, offset, bytes, buffer, e))
			return false;
		at += bytes;
	}
}

int flat_unfold(int fd, uint64_t size, struct err *e)
{
	uint8_t *buffer = malloc(COPY);
	int to = -1;

	if (!buffer)
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
	else
		to = temporary(e);
	if (to >= 0 && !unfold(fd, size, to, buffer, e)) {
		close(to);
		to = -1;
	}
	free(buffer);
	return to;
}

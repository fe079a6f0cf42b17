// SPDX-License-Identifier: GPL-2.0-only
/* kernel_files.c - see kernel_files.h. Read whole: a mapped file could shrink under us. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/kernel_files.h"
#include "vmm/target.h"

/* A kernel with all its debug information is below 1 GiB. */
#define FILE_SIZE_MAX (2ull << 30)

static bool read_all(int fd, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t got = read(fd, to, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (!got) {
			errno = ENODATA;
			return false;
		}
		to += got;
		size -= (size_t)got;
	}
	return true;
}

static bool read_fd(int fd, void **bytes, size_t *size)
{
	struct stat status;

	if (fstat(fd, &status))
		return false;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return false;
	}
	if (!status.st_size || (uint64_t)status.st_size > FILE_SIZE_MAX) {
		errno = status.st_size ? EFBIG : ENODATA;
		return false;
	}
	*size = (size_t)status.st_size;
	*bytes = malloc(*size);
	return *bytes && read_all(fd, *bytes, *size);
}

/* path NULL: not given, which is fine. */
static bool read_file(const char *option, const char *path, void **bytes, size_t *size,
		      struct err *err)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	bool fine;

	if (!path)
		return true;
	fine = fd >= 0 && read_fd(fd, bytes, size);
	if (!fine)
		err_set(err, ERR_USAGE, 0, "%s %.150s: %s", option, path,
			errno == ENODATA ? "the file is empty" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return fine;
}

bool kernel_files_open(struct kernel_files *files, const struct target_options *options,
		       struct err *err)
{
	*files = (struct kernel_files){ 0 };
	if (read_file("--vmlinux", options->vmlinux, &files->vmlinux, &files->vmlinux_size,
		      err) &&
	    read_file("--symbols", options->symbols, &files->symbols, &files->symbols_size,
		      err) &&
	    read_file("--btf", options->btf, &files->btf, &files->btf_size, err))
		return true;
	kernel_files_close(files);
	return false;
}

void kernel_files_close(struct kernel_files *files)
{
	free(files->vmlinux);
	free(files->symbols);
	free(files->btf);
	*files = (struct kernel_files){ 0 };
}

bool kernel_files_any(const struct kernel_files *files)
{
	return files->vmlinux || files->symbols || files->btf;
}

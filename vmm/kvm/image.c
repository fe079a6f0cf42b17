/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_MAX (1ull << 30)

static bool copy(int to, int from, size_t size, const char *path, struct err *e)
{
	while (size) {
		ssize_t n = sendfile(to, from, NULL, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_TARGET, 0, "%s: %s", path, strerror(errno));
		if (!n)
			return err_set(e, ERR_TARGET, 0, "%s: became shorter while it was read",
				       path);
		size -= (size_t)n;
	}
	return true;
}

static bool fill(struct image *im, int from, const char *path, struct err *e)
{
	/* Reopened read-only: a sealed memfd's own descriptor is still open for writing. */
	char self[64];
	int writable = memfd_create("ptmm-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (writable < 0)
		return err_set(e, ERR_SYSTEM, 0, "memfd_create: %s", strerror(errno));
	if (!copy(writable, from, im->size, path, e)) {
		close(writable);
		return false;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", writable);
	if (fcntl(writable, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) ||
	    (im->fd = open(self, O_RDONLY | O_CLOEXEC)) < 0) {
		err_set(e, ERR_SYSTEM, 0, "%s: %s", path, strerror(errno));
		close(writable);
		return false;
	}
	close(writable);
	im->bytes = mmap(NULL, im->size, PROT_READ, MAP_PRIVATE, im->fd, 0);
	if (im->bytes != MAP_FAILED)
		return true;
	im->bytes = NULL;
	return err_set(e, ERR_NO_MEMORY, 0, "%s: %s", path, strerror(errno));
}

bool image_read(struct image *im, const char *path, struct err *e)
{
	struct stat st;
	bool ok = false;
	/* O_NONBLOCK: a fifo must not hang us before we can refuse it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*im = (struct image){ .fd = -1 };
	snprintf(im->name, sizeof(im->name), "%s", path);
	if (fd < 0)
		return err_set(e, ERR_TARGET, 0, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		err_set(e, ERR_TARGET, 0, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err_set(e, ERR_TARGET, 0, "%s: not a file", path);
	else if (!st.st_size)
		err_set(e, ERR_TARGET, 0, "%s: empty, not an ELF file", path);
	else if ((uint64_t)st.st_size > IMAGE_MAX)
		err_set(e, ERR_TARGET, 0, "%s: larger than 1 GiB", path);
	else {
		im->size = (size_t)st.st_size;
		ok = fill(im, fd, path, e);
	}
	close(fd);
	if (!ok)
		image_free(im);
	return ok;
}

void image_free(struct image *im)
{
	if (im->bytes)
		munmap((void *)(uintptr_t)im->bytes, im->size);
	if (im->fd >= 0)
		close(im->fd);
	im->bytes = NULL;
	im->fd = -1;
}

bool image_default(char *path, size_t size, struct err *e)
{
	/* Beside a built ptmm; then below the prefix of an installed one, wherever that is. */
	static const char *const places[] = { "guest-images/testguest/testguest.elf",
					      "../share/ptmm/testguest.elf" };
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++)
		if (snprintf(path, size, "%s%s", exe, places[i]) < (int)size &&
		    !access(path, R_OK))
			return true;
	return err_set(e, ERR_TARGET, 0, "the test guest is neither built (%.80s%s) nor installed "
		       "(%s): give an IMAGE", exe, places[0], places[1]);
}

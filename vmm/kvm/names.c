/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAMES_MAX = 4096, CONNECT_SECONDS = 10 };

bool name_check(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (!n || n >= NAME_SIZE)
		return err_set(e, ERR_USAGE, 0, "a guest's name has 1 to %d characters",
			       NAME_SIZE - 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x80 || !(isalnum(c) || (i && strchr("._-", c))))
			return err_set(e, ERR_USAGE, 0, "'%s' is no name for a guest: letters, "
				       "digits, '.', '_' and '-' only, and a letter or digit "
				       "first", name);
	}
	return true;
}

/* The folder is in a place where others may write: it must be ours alone. */
static bool folder_check(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st))
		return err_set(e, ERR_SYSTEM, 0, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_SYSTEM, 0, "%s: not a folder", path);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_SYSTEM, 0, "%s: belongs to another user", path);
	if (st.st_mode & 077)
		return err_set(e, ERR_SYSTEM, 0, "%s: others may enter it (mode %03o, not 700)",
			       path, st.st_mode & 0777);
	return true;
}

static bool folder_get(char path[PATH_MAX], struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (runtime && runtime[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/ptmm", runtime);
	else
		n = snprintf(path, PATH_MAX, "/tmp/ptmm-%u", (unsigned)geteuid());
	if (n >= PATH_MAX)
		return err_set(e, ERR_SYSTEM, 0, "XDG_RUNTIME_DIR is too long");
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set(e, ERR_SYSTEM, 0, "cannot make the folder %s: %s", path,
			       strerror(errno));
	return folder_check(path, e);
}

static bool file_path(char out[PATH_MAX], const char *folder, const char *name,
		      const char *suffix, struct err *e)
{
	if (snprintf(out, PATH_MAX, "%s/%s.%s", folder, name, suffix) >= PATH_MAX)
		return err_set(e, ERR_SYSTEM, 0, "XDG_RUNTIME_DIR is too long");
	return true;
}

bool names_path(char out[PATH_MAX], const char *name, const char *suffix, struct err *e)
{
	char folder[PATH_MAX];

	return folder_get(folder, e) && file_path(out, folder, name, suffix, e);
}

static bool address_fill(struct sockaddr_un *a, const char *path, struct err *e)
{
	size_t n = strlen(path);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (n >= sizeof(a->sun_path))
		return err_set(e, ERR_SYSTEM, 0, "socket path too long (%zu bytes, at most %zu): "
			       "use a shorter --name or XDG_RUNTIME_DIR", n,
			       sizeof(a->sun_path) - 1);
	memcpy(a->sun_path, path, n);
	return true;
}

/*
 * Opens and locks the lock file. -1 with errno EWOULDBLOCK where a VMM has it.
 * A file that its last holder removed meanwhile is none: hence the second look.
 */
static int lock_take(const char *path, int flags)
{
	for (int tries = 0; tries < 16; tries++) {
		struct stat mine, there;
		int error, fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			error = errno;
			close(fd);
			errno = error;
			return -1;
		}
		if (!fstat(fd, &mine) && !stat(path, &there) && mine.st_ino == there.st_ino &&
		    mine.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
	errno = EAGAIN;
	return -1;
}

bool name_claim(struct name_claim *c, const char *name, struct err *e)
{
	char folder[PATH_MAX];
	struct sockaddr_un a;

	c->lock_fd = -1;
	if (!name_check(name, e) || !folder_get(folder, e) ||
	    !file_path(c->lock, folder, name, "lock", e) ||
	    !file_path(c->sock, folder, name, "sock", e) ||
	    !file_path(c->log, folder, name, "log", e) || !address_fill(&a, c->sock, e))
		return false;
	/* `ptmm list` holds a lock for a moment, to see whether it is a dead guest's. */
	for (int tries = 0; tries < 10; tries++) {
		c->lock_fd = lock_take(c->lock, O_CREAT);
		if (c->lock_fd >= 0 || errno != EWOULDBLOCK)
			break;
		usleep(10000);
	}
	if (c->lock_fd < 0 && errno == EWOULDBLOCK)
		return err_set(e, ERR_USAGE, 0, "a guest named '%s' runs already: give this one "
			       "another --name", name);
	if (c->lock_fd < 0)
		return err_set(e, ERR_SYSTEM, 0, "%s: %s", c->lock, strerror(errno));
	/* Left by a VMM that was killed: it no longer holds the lock. */
	unlink(c->sock);
	return true;
}

void name_release(struct name_claim *c)
{
	if (c->lock_fd < 0)
		return;
	unlink(c->sock);
	unlink(c->lock);
	close(c->lock_fd);
	c->lock_fd = -1;
}

int name_listen(const struct name_claim *c, struct err *e)
{
	struct sockaddr_un a;
	mode_t mask;
	int fd, bad;

	if (!address_fill(&a, c->sock, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_set(e, ERR_SYSTEM, 0, "socket: %s", strerror(errno));
		return -1;
	}
	mask = umask(0177);
	bad = bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (bad || listen(fd, 16)) {
		err_set(e, ERR_SYSTEM, 0, "%s: %s", c->sock, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Who does run, for the message about who does not. */
static void not_found(const char *name, struct err *e)
{
	struct name_list list;
	char text[160] = "none runs";
	size_t used = 0;

	if (names_read(&list, NULL) && list.count) {
		used = (size_t)snprintf(text, sizeof(text), "running:");
		for (size_t i = 0; i < list.count; i++) {
			if (used + strlen(list.name[i]) + 8 > sizeof(text)) {
				snprintf(text + used, sizeof(text) - used, " ...");
				break;
			}
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s",
						 list.name[i]);
		}
	}
	names_free(&list);
	err_set(e, ERR_TARGET, 0, "no guest named '%s' (%s)", name, text);
}

int name_connect(const char *name, struct err *e)
{
	char folder[PATH_MAX], path[PATH_MAX];
	/* A stopped VMM's queue of connections can be full: that wait has an end too. */
	const struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	struct sockaddr_un a;
	int fd;

	if (!name_check(name, e) || !folder_get(folder, e) ||
	    !file_path(path, folder, name, "sock", e) || !address_fill(&a, path, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_set(e, ERR_SYSTEM, 0, "socket: %s", strerror(errno));
		return -1;
	}
	if (!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) &&
	    !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	if (errno == EAGAIN)
		err_set(e, ERR_TARGET, 0, "the guest's VMM does not answer");
	else if (errno == ENOENT || errno == ECONNREFUSED)
		not_found(name, e);
	else
		err_set(e, ERR_TARGET, 0, "%s: %s", path, strerror(errno));
	close(fd);
	return -1;
}

/* A lock that can be taken is a dead guest's: remove its files. */
static bool alive(const char *folder, const char *name)
{
	struct name_claim c;

	if (!file_path(c.lock, folder, name, "lock", NULL) ||
	    !file_path(c.sock, folder, name, "sock", NULL))
		return false;
	c.lock_fd = lock_take(c.lock, 0);
	if (c.lock_fd < 0)
		return errno == EWOULDBLOCK;
	name_release(&c);
	return false;
}

bool name_running(const char *name)
{
	char folder[PATH_MAX];

	return name_check(name, NULL) && folder_get(folder, NULL) && alive(folder, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool names_read(struct name_list *list, struct err *e)
{
	char folder[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	*list = (struct name_list){ 0 };
	if (!folder_get(folder, e))
		return false;
	dir = opendir(folder);
	if (!dir)
		return err_set(e, ERR_SYSTEM, 0, "%s: %s", folder, strerror(errno));
	list->name = calloc(NAMES_MAX, sizeof(*list->name));
	if (!list->name) {
		closedir(dir);
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory");
	}
	while ((d = readdir(dir)) && list->count < NAMES_MAX) {
		size_t n = strlen(d->d_name);
		char *name = list->name[list->count];

		if (n <= 5 || n - 5 >= NAME_SIZE || strcmp(d->d_name + n - 5, ".lock"))
			continue;
		memset(name, 0, NAME_SIZE);
		memcpy(name, d->d_name, n - 5);
		if (name_check(name, NULL) && alive(folder, name))
			list->count++;
	}
	closedir(dir);
	qsort(list->name, list->count, sizeof(*list->name), by_name);
	return true;
}

void names_free(struct name_list *list)
{
	free(list->name);
	*list = (struct name_list){ 0 };
}

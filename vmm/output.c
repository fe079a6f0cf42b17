/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.c - files that appear whole or not at all.
 *
 * The data goes to a file without a name where the filesystem can do that, so
 * that an interrupted ptmm leaves nothing; else to a hidden temporary file. It
 * is renamed over the old one when all is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/output.h"

static bool output_error(const struct output *out, struct err *err)
{
	return err_set(err, ERR_SYSTEM, 0, "%s: %s", out->name, strerror(errno));
}

/* "DIR/.ptmm-XXXXXX" for mkstemp(), beside the path. */
static char *temporary_template(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *text;

	if (asprintf(&text, "%.*s.ptmm-XXXXXX", slash ? (int)(slash - path) + 1 : 0, path) < 0)
		return NULL;
	return text;
}

static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;

	free(folder);
	return fd;
}

static mode_t default_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Lets go of everything; a temporary name that is still there goes too. */
static void output_discard(struct output *out)
{
	if (out->stream && out->stream != stdout)
		fclose(out->stream);
	if (out->temporary)
		unlink(out->temporary);
	free(out->temporary);
	free(out->path);
	*out = (struct output){ 0 };
}

bool output_open(struct output *out, const char *path, struct err *err)
{
	struct stat st;
	bool exists;
	int fd;

	*out = (struct output){ .stream = stdout };
	if (!path || !strcmp(path, "-")) {
		snprintf(out->name, sizeof(out->name), "standard output");
		return true;
	}
	out->stream = NULL;
	snprintf(out->name, sizeof(out->name), "%s", path);
	exists = !stat(path, &st);
	if (!exists && (errno != ENOENT || !*path)) {
		if (!*path)
			snprintf(out->name, sizeof(out->name), "output file ''");
		return output_error(out, err);
	}
	if (exists && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return output_error(out, err);
	}
	if (exists && !S_ISREG(st.st_mode)) {
		out->stream = fopen(path, "we");
		return out->stream ? true : output_error(out, err);
	}
	if (exists && access(path, W_OK))
		return output_error(out, err);
	/* A link stays a link: what it points to is replaced. */
	out->path = exists ? realpath(path, NULL) : strdup(path);
	if (!out->path)
		return output_error(out, err);
	fd = open_nameless(out->path);
	if (fd < 0) {
		out->temporary = temporary_template(out->path);
		fd = out->temporary ? mkostemp(out->temporary, O_CLOEXEC) : -1;
		if (fd < 0) {
			free(out->temporary);
			out->temporary = NULL;
		}
	}
	if (fd >= 0 && !fchmod(fd, exists ? st.st_mode & 07777 : default_mode()))
		out->stream = fdopen(fd, "w");
	if (!out->stream) {
		output_error(out, err);
		if (fd >= 0)
			close(fd);
		output_discard(out);
		return false;
	}
	return true;
}

/* Gives a nameless file a temporary name: a link cannot replace, a rename can. */
static bool output_name(struct output *out)
{
	char from[40];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fileno(out->stream));
	for (int attempt = 0; attempt < 16; attempt++) {
		char *name = temporary_template(out->path);
		int fd = name ? mkostemp(name, O_CLOEXEC) : -1;

		/* mkostemp() finds a free name; the link then takes its place. */
		if (fd < 0) {
			free(name);
			return false;
		}
		close(fd);
		unlink(name);
		if (!linkat(AT_FDCWD, from, AT_FDCWD, name, AT_SYMLINK_FOLLOW)) {
			out->temporary = name;
			return true;
		}
		free(name);
		if (errno != EEXIST)
			return false;
	}
	return false;
}

static bool output_commit(struct output *out, struct err *err)
{
	bool ok = !fflush(out->stream) && !ferror(out->stream);

	if (ok && out->path)
		ok = (out->temporary || output_name(out)) && !rename(out->temporary, out->path);
	if (!ok)
		return output_error(out, err);
	free(out->temporary);
	out->temporary = NULL;
	return true;
}

bool output_close(struct output *out, bool keep, struct err *err)
{
	bool ok = !keep || output_commit(out, err);

	output_discard(out);
	return ok;
}

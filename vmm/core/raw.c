/* SPDX-License-Identifier: GPL-2.0-only */
/* raw.c - which part of a raw image lies where in the guest's memory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/dump.h"

enum { MAP_FILE_MAX = 1 << 20 };

static bool bad_item(const char *item, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "memory map, '%.*s': %s: write FIRST-LAST[@OFFSET],... in "
		       "hex with 0x", (int)strcspn(item, ", \t\n"), item, why);
}

/* A number as C writes it; 0xc0000000 and 4096, no sign, no blank. */
static bool number(const char **text, uint64_t *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*value = strtoull(*text, &end, (*text)[1] == 'x' || (*text)[1] == 'X' ? 16 : 10);
	*text = end;
	return !errno;
}

static bool map_item(struct dump *d, const char **text, uint64_t *offset, struct err *e)
{
	const char *item = *text;
	uint64_t first, last, size;

	if (!number(text, &first) || **text != '-')
		return bad_item(item, "no FIRST-LAST", e);
	++*text;
	if (!number(text, &last))
		return bad_item(item, "no LAST", e);
	if (last < first)
		return bad_item(item, "LAST is below FIRST", e);
	if (**text == '@') {
		++*text;
		if (!number(text, offset))
			return bad_item(item, "no OFFSET", e);
	}
	if (**text && !strchr(", \t\r\n#", **text))
		return bad_item(item, "something behind it", e);
	size = last - first + 1;
	if (!size || *offset > INT64_MAX - size)
		return bad_item(item, "too large", e);
	if (!pieces_add(d, first, size, *offset, size, e))
		return false;
	*offset += size;
	return true;
}

static bool map_parse(struct dump *d, const char *text, struct err *e)
{
	uint64_t offset = 0;
	size_t items = 0;

	for (;;) {
		text += strspn(text, ", \t\r\n");
		if (*text == '#')
			text += strcspn(text, "\n");
		else if (!*text)
			break;
		else if (!map_item(d, &text, &offset, e))
			return false;
		else
			items++;
	}
	return items || err_set(e, ERR_USAGE, 0, "the memory map is empty");
}

static bool map_file(struct dump *d, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = calloc(1, MAP_FILE_MAX + 1);
	ssize_t size = fd >= 0 && text ? read(fd, text, MAP_FILE_MAX) : -1;
	bool ok;

	if (size < 0)
		ok = err_set(e, ERR_TARGET, 0, "memory map %.100s: %s", path, strerror(errno));
	else if (size == MAP_FILE_MAX || strlen(text) != (size_t)size)
		ok = err_set(e, ERR_USAGE, 0, "memory map %.100s: not a list of addresses", path);
	else
		ok = map_parse(d, text, e);
	free(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool raw_read(struct dump *d, const char *map, struct err *e)
{
	bool ok;

	d->machine.assumed = "a raw image has no registers";
	if (!map)
		ok = pieces_add(d, 0, d->size, 0, d->size, e);
	else if (*map >= '0' && *map <= '9')
		ok = map_parse(d, map, e);
	else
		ok = map_file(d, map, e);
	return ok && pieces_close(d, e);
}

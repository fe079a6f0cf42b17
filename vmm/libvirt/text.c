/* SPDX-License-Identifier: GPL-2.0-only */
/* text.c - the short answers of QEMU's monitor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/text.h"

/* "Host virtual address for 0x1000 (pc.ram) is 0x7fe778000000" */
bool text_hva(const char *reply, const char *block, uint64_t *hva, struct err *err)
{
	const char *open = strchr(reply, '('), *is = NULL;
	char *end;

	if (open && !strncmp(open + 1, block, strlen(block)))
		is = open + 1 + strlen(block);
	if (!is || strncmp(is, ") is 0x", 7))
		return err_set(err, ERR_TARGET, 0, "QEMU does not tell where it has %.30s", block);
	errno = 0;
	*hva = strtoull(is + 7, &end, 16);
	if (errno || end == is + 7 || (*end && *end != '\r' && *end != '\n') || !*hva ||
	    *hva % PT_FRAME_SIZE)
		return err_set(err, ERR_TARGET, 0, "QEMU's address of %.30s cannot be understood",
			       block);
	return true;
}

static const char *value_of(const char *reply, const char *key)
{
	char quoted[40] = "\"";
	const char *at;

	strncat(quoted, key, sizeof(quoted) - 4);
	strcat(quoted, "\":");
	at = strstr(reply, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	return at + strspn(at, " ");
}

bool text_qmp_number(const char *reply, uint64_t *value)
{
	const char *at = value_of(reply, "return");
	char *end;

	if (!at || *at < '0' || *at > '9')
		return false;
	errno = 0;
	*value = strtoull(at, &end, 10);
	return !errno && (*end == ',' || *end == '}');
}

bool text_qmp_bool(const char *reply, bool *value)
{
	const char *at = value_of(reply, "return");

	if (!at || (strncmp(at, "true", 4) && strncmp(at, "false", 5)))
		return false;
	*value = *at == 't';
	return true;
}

bool text_qmp_string(const char *reply, const char *key, char *out, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789/[]_-.";
	const char *at = value_of(reply, key);
	size_t n;

	if (!at || *at != '"')
		return false;
	n = strspn(++at, allowed);
	if (at[n] != '"' || n >= size)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

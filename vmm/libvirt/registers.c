/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registers.c - "info registers -a".
 *
 * A section a vCPU, headed "CPU#0". A CPU in 64-bit code has RIP, RSP, RFL, else
 * it has EIP, ESP, EFL, also where a 64-bit kernel runs 32-bit code.
 */
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/text.h"

/* One vCPU's part of the text. */
struct section {
	const char *at, *end;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Hex digits up to a blank; "ends" is where they end. */
static bool read_hex(const char *at, const char *end, uint64_t *value, const char **ends)
{
	unsigned digits = 0;

	for (*value = 0; at < end && hex_digit(*at) >= 0; at++, digits++)
		*value = *value << 4 | (uint64_t)hex_digit(*at);
	*ends = at;
	return digits && digits <= 16 && (at == end || *at == ' ' || *at == '\r' || *at == '\n');
}

/* Where the value of key ("RIP=") starts; the key stands at the start of a word. */
static const char *find(const struct section *s, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = s->at; (size_t)(s->end - at) > n; at++)
		if (!strncmp(at, key, n) && (at == s->at || at[-1] == ' ' || at[-1] == '\n'))
			return at + n;
	return NULL;
}

static bool get(const struct section *s, const char *key, uint64_t *value)
{
	const char *at = find(s, key), *ends;

	return at && read_hex(at, s->end, value, &ends);
}

/* By the name that it has in 64-bit code, or in 32-bit code. */
static bool get_either(const struct section *s, const char *wide, const char *narrow,
		       uint64_t *value)
{
	return get(s, wide, value) || get(s, narrow, value);
}

/* A segment's line: "GS =0000 ff3a7edddf000000 00000000 00000000". */
static bool get_base(const struct section *s, const char *key, uint64_t *base)
{
	const char *at = find(s, key), *ends;
	uint64_t selector;

	return at && read_hex(at, s->end, &selector, &ends) && ends < s->end && *ends == ' ' &&
	       read_hex(ends + 1, s->end, base, &ends);
}

static bool section_read(const struct section *s, struct x86_regs *regs, const char **lacks)
{
	uint64_t cpl = 0, halted = 0;
	const struct {
		const char *name;
		bool there;
	} fields[] = {
		{ "RIP", get_either(s, "RIP=", "EIP=", &regs->rip) },
		{ "RSP", get_either(s, "RSP=", "ESP=", &regs->rsp) },
		{ "RFL", get_either(s, "RFL=", "EFL=", &regs->rflags) },
		{ "CR0", get(s, "CR0=", &regs->cr0) },
		{ "CR2", get(s, "CR2=", &regs->cr2) },
		{ "CR3", get(s, "CR3=", &regs->cr3) },
		{ "CR4", get(s, "CR4=", &regs->cr4) },
		{ "EFER", get(s, "EFER=", &regs->efer) },
		{ "GS", get_base(s, "GS =", &regs->gs_base) },
		{ "CPL", get(s, "CPL=", &cpl) && cpl <= 3 },
		{ "HLT", get(s, "HLT=", &halted) && halted <= 1 },
	};

	regs->cpl = (uint8_t)cpl;
	regs->halted = halted != 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		*lacks = fields[i].name;
		if (!fields[i].there)
			return false;
	}
	return true;
}

/* The next line that starts with "CPU#", or NULL. */
static const char *next_heading(const char *at)
{
	static const char heading[] = "CPU#";

	while (at && strncmp(at, heading, strlen(heading))) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at;
}

bool text_registers(const char *text, struct x86_regs **list, unsigned *count, struct err *err)
{
	unsigned total = 0;

	*list = NULL;
	*count = 0;
	for (const char *at = next_heading(text); at; at = next_heading(at + 1))
		total++;
	if (!total || total > TEXT_VCPUS_MAX)
		return err_set(err, ERR_TARGET, 0, "QEMU lists the registers of %u vCPUs", total);
	*list = calloc(total, sizeof(**list));
	if (!*list)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for %u vCPUs", total);
	for (const char *at = next_heading(text); at; *count += 1) {
		const char *next = next_heading(at + 1), *lacks;
		struct section s = { at, next ? next : at + strlen(at) };

		if (!section_read(&s, &(*list)[*count], &lacks)) {
			free(*list);
			*list = NULL;
			return err_set(err, ERR_TARGET, 0, "QEMU's registers of vCPU %u have no "
				       "%s that can be understood", *count, lacks);
		}
		at = next;
	}
	return true;
}

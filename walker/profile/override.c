// SPDX-License-Identifier: GPL-2.0-only
/*
 * override.c - symbols and types from files that the user gives.
 *
 * Files have the addresses that the kernel was linked for; KASLR moved it. By
 * how much is known from VMCOREINFO or from where the image is mapped, and is
 * believed only if the kernel's banner is then found where the file has it.
 */
#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walker/profile/sources.h"

#define KASLR_STEP (2ull << 20)

#define LINK_TEXT 0xffffffff81000000ull

enum { BANNER_MAX = 128, BANNER_FIXED = 64, MAP_LINE_MAX = 1024 };

static enum symbol_binding binding_of(char type)
{
	if (strchr("wWvV", type))
		return SYMBOL_WEAK;
	return isupper((unsigned char)type) ? SYMBOL_GLOBAL : SYMBOL_LOCAL;
}

/* "ffffffff81000000 T _text" */
static bool parse_map_line(const char *line, size_t length, gva_t *at, char *type,
			   const char **name, size_t *name_length)
{
	char *end;
	char copy[MAP_LINE_MAX];

	if (length >= sizeof(copy) || !length || !isxdigit((unsigned char)*line))
		return false;
	memcpy(copy, line, length);
	copy[length] = '\0';
	*at = strtoull(copy, &end, 16);
	if (end - copy > 16 || end[0] != ' ' || !end[1] || end[2] != ' ' || !isgraph(end[3]))
		return false;
	*type = end[1];
	*name = line + (end - copy) + 3;
	*name_length = strcspn(end + 3, " \t");
	return true;
}

static struct symbols *symbols_from_map(const char *text, size_t size, struct err *err)
{
	struct symbols *symbols = symbols_new(err);
	unsigned number = 0;
	const char *name;
	size_t length;
	char type;
	gva_t va;

	if (!symbols)
		return NULL;
	for (size_t at = 0, line; at < size; at += line + 1) {
		const char *end = memchr(text + at, '\n', size - at);

		line = end ? (size_t)(end - (text + at)) : size - at;
		number++;
		if (!line)
			continue;
		if (!parse_map_line(text + at, line, &va, &type, &name, &length)) {
			err_set(err, ERR_USAGE, 0, "--symbols: line %u is no line of a "
				"System.map (address, type, name)", number);
			goto out_free;
		}
		if (!symbols_add(symbols, name, length, va, 0, binding_of(type), err))
			goto out_free;
	}
	if (!symbols_count(symbols)) {
		err_set(err, ERR_USAGE, 0, "--symbols: the file holds no symbols");
		goto out_free;
	}
	if (symbols_seal(symbols, err))
		return symbols;
out_free:
	symbols_free(symbols);
	return NULL;
}

/* Does the guest hold the banner where the file has it, moved by so much? */
static bool banner_there(const struct sources *s, gva_t banner, uint64_t offset)
{
	const struct profile_options *o = &s->options;
	char guest[BANNER_MAX] = "", image[BANNER_MAX];
	size_t wanted = sizeof(guest) - 1;

	/* Banners are short; the last one of an image may end with it. */
	while (wanted > 16 && !kernel_image_read(&s->image, banner + offset, guest, wanted, NULL))
		wanted /= 2;
	if (!strstr(guest, " version "))
		return false;
	if (s->options.system_map || !o->vmlinux)
		return true;
	while (wanted > 16 && !elf_bytes_at(o->vmlinux, o->vmlinux_size, banner, image, wanted))
		wanted /= 2;
	return wanted > 16 && strnlen(guest, wanted) == strnlen(image, wanted) &&
	       memcmp(guest, image, strnlen(guest, wanted)) == 0;
}

static bool move_symbols(struct sources *s, struct symbols *symbols, const char *file,
			 struct err *err)
{
	uint64_t offsets[3];
	unsigned tries = 0;
	gva_t banner, text;

	if (!symbols_find(symbols, "_text", &text, NULL) &&
	    !symbols_find(symbols, "_stext", &text, NULL))
		return err_set(err, ERR_USAGE, 0, "%s has no symbol _text: is it a kernel's?",
			       file);
	if (!symbols_find(symbols, "linux_banner", &banner, NULL))
		return err_set(err, ERR_USAGE, 0, "%s has no symbol linux_banner: is it a "
			       "kernel's?", file);
	if (s->has_info && s->info.kernel_offset.given)
		offsets[tries++] = s->info.kernel_offset.value;
	offsets[tries++] = (s->image.first & -KASLR_STEP) - (text & -KASLR_STEP);
	offsets[tries++] = 0;
	for (unsigned i = 0; i < tries; i++) {
		if (!banner_there(s, banner, offsets[i]))
			continue;
		symbols_move(symbols, KERNEL_MAP, offsets[i]);
		s->moved = offsets[i];
		return true;
	}
	return err_set(err, ERR_USAGE, 0, "%s is not of the guest's kernel: its banner is not "
		       "where the file has it", file);
}

bool sources_override_symbols(struct sources *s, bool *done, struct err *err)
{
	const struct profile_options *o = &s->options;
	const char *file = o->system_map ? "--symbols" : "--vmlinux";
	struct symbols *symbols;
	struct err why;

	*done = false;
	if (!o->system_map && !o->vmlinux)
		return true;
	symbols = o->system_map ? symbols_from_map(o->system_map, o->system_map_size, err) :
		  symbols_from_elf(o->vmlinux, o->vmlinux_size, file, &why);
	/* A stripped image may still have the types. */
	if (!symbols && !o->system_map)
		return why.code == ERR_MISSING ||
		       err_set(err, ERR_USAGE, 0, "%s", why.message);
	if (!symbols)
		return false;
	if (!move_symbols(s, symbols, file, err)) {
		symbols_free(symbols);
		return false;
	}
	s->symbols = symbols;
	snprintf(s->symbols_from, sizeof(s->symbols_from), "%s",
		 o->system_map ? "System.map" : "elf:symtab");
	*done = true;
	return true;
}

static bool image_has_banner(const struct sources *s, gva_t banner, uint64_t offset)
{
	const struct profile_options *o = &s->options;
	char guest[BANNER_FIXED], image[BANNER_FIXED];

	return kernel_image_read(&s->image, banner, guest, sizeof(guest), NULL) &&
	       elf_bytes_at(o->vmlinux, o->vmlinux_size, banner - offset, image,
			    sizeof(image)) &&
	       strnlen(guest, sizeof(guest)) == strnlen(image, sizeof(image)) &&
	       memcmp(guest, image, strnlen(guest, sizeof(guest))) == 0;
}

/*
 * An image without symbols cannot say where its banner is, but the guest's
 * symbols can. LINK_TEXT is where every distribution links the kernel.
 */
static bool stripped_fits(const struct sources *s)
{
	const uint64_t offsets[] = {
		s->moved, s->info.kernel_offset.value, s->image.first - LINK_TEXT,
	};
	gva_t banner;

	if (!symbols_find(s->symbols, "linux_banner", &banner, NULL))
		return false;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		if (image_has_banner(s, banner, offsets[i]))
			return true;
	return false;
}

bool sources_override_types(struct sources *s, bool *done, struct err *err)
{
	const struct profile_options *o = &s->options;
	const void *bytes = o->btf ? o->btf : o->vmlinux;
	size_t size = o->btf ? o->btf_size : o->vmlinux_size;
	const char *file = o->btf ? "--btf" : "--vmlinux";
	struct err why;
	bool elf;

	*done = false;
	if (!bytes)
		return true;
	elf = size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
	s->types = elf || !o->btf ? types_from_elf(bytes, size, file, &why) :
		   types_from_btf(bytes, size, &why);
	if (!s->types && !o->btf && why.code == ERR_MISSING)
		return true;
	if (s->types && !o->btf && strcmp(s->symbols_from, "elf:symtab") != 0 &&
	    !stripped_fits(s))
		return err_set(err, ERR_USAGE, 0, "--vmlinux is not of the guest's kernel: the "
			       "guest's banner is not in it");
	if (!s->types)
		return err_set(err, ERR_USAGE, 0, "%s%s", elf || !o->btf ? "" : "--btf: ",
			       why.message);
	snprintf(s->types_from, sizeof(s->types_from), "%s",
		 elf || !o->btf ? "elf:.BTF" : "btf:file");
	*done = true;
	return true;
}

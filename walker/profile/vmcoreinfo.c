// SPDX-License-Identifier: GPL-2.0-only
/* vmcoreinfo.c - see vmcoreinfo.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "walker/profile/vmcoreinfo.h"

static const char start[] = "OSRELEASE=";

enum {
	START_LENGTH = sizeof(start) - 1,
	NUMBER_LENGTH = 24,
	/* Note header, then "VMCOREINFO" and its padding; the text comes after. */
	NOTE_NAME = 12,
	NOTE_TEXT = 24,
	COPIES_MAX = 64,	/* what starts like one; more are forged */
};

enum number_form { HEX, SIGNED };

struct key {
	const char *name;
	enum number_form form;
	size_t at;	/* the struct vmcoreinfo_value in struct vmcoreinfo */
};

#define VALUE(member) offsetof(struct vmcoreinfo, member)
static const struct key keys[] = {
	{ "KERNELOFFSET", HEX, VALUE(kernel_offset) },
	{ "NUMBER(phys_base)", SIGNED, VALUE(phys_base) },
	{ "NUMBER(pgtable_l5_enabled)", SIGNED, VALUE(l5) },
	{ "SYMBOL(_stext)", HEX, VALUE(stext) },
	/* The name of the macro: swapper_pg_dir is init_top_pgt on x86-64. */
	{ "SYMBOL(swapper_pg_dir)", HEX, VALUE(top_pgt) },
	{ "SYMBOL(init_top_pgt)", HEX, VALUE(top_pgt) },
	{ "SYMBOL(kallsyms_names)", HEX, VALUE(names) },
	{ "SYMBOL(kallsyms_num_syms)", HEX, VALUE(num_syms) },
	{ "SYMBOL(kallsyms_token_table)", HEX, VALUE(token_table) },
	{ "SYMBOL(kallsyms_token_index)", HEX, VALUE(token_index) },
	{ "SYMBOL(kallsyms_offsets)", HEX, VALUE(offsets) },
	{ "SYMBOL(kallsyms_relative_base)", HEX, VALUE(relative_base) },
};

static bool parse_digits(const char *text, size_t length, unsigned base, uint64_t *value)
{
	*value = 0;
	if (!length || length > NUMBER_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
				 c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;

		if (digit >= base || *value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return true;
}

static bool parse_number(const char *text, size_t length, enum number_form form,
			 uint64_t *value)
{
	bool negative = form == SIGNED && length && *text == '-';

	if (!parse_digits(text + negative, length - negative, form == HEX ? 16 : 10, value))
		return false;
	if (negative)
		*value = -*value;
	return true;
}

/* As uname gives it: what a format string or overwritten text holds is not it. */
static bool parse_release(const char *text, size_t length, char *release, size_t room)
{
	if (!length || length >= room)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c <= ' ' || c > '~' || c == '%')
			return false;
	}
	memcpy(release, text, length);
	release[length] = '\0';
	return true;
}

static bool parse_line(struct vmcoreinfo *info, const char *line, size_t length,
		       struct err *err)
{
	const char *equals = memchr(line, '=', length);
	size_t name = equals ? (size_t)(equals - line) : length;

	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			return err_set(err, ERR_MALFORMED, 0,
				       "VMCOREINFO is half overwritten: it is not text");
	for (size_t i = 0; equals && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct key *key = &keys[i];
		struct vmcoreinfo_value *to = (void *)((char *)info + key->at);
		uint64_t value;

		if (strlen(key->name) != name || memcmp(key->name, line, name) != 0)
			continue;
		if (!parse_number(equals + 1, length - name - 1, key->form, &value))
			return err_set(err, ERR_MALFORMED, 0,
				       "VMCOREINFO is broken: %s is no number", key->name);
		if (to->given && to->value != value)
			return err_set(err, ERR_MALFORMED, 0,
				       "VMCOREINFO contradicts itself: %s twice", key->name);
		*to = (struct vmcoreinfo_value){ .given = true, .value = value };
	}
	return true;
}

bool vmcoreinfo_parse(struct vmcoreinfo *info, const void *bytes, size_t size, struct err *err)
{
	const char *text = bytes;
	size_t length, line;

	*info = (struct vmcoreinfo){ .release = "" };
	length = strnlen(text, size < VMCOREINFO_SIZE ? size : VMCOREINFO_SIZE);
	if (length < START_LENGTH || memcmp(text, start, START_LENGTH) != 0)
		return err_set(err, ERR_MISSING, 0, "no VMCOREINFO: it starts with OSRELEASE=");
	line = strcspn(text + START_LENGTH, "\n");
	if (START_LENGTH + line >= length ||
	    !parse_release(text + START_LENGTH, line, info->release, sizeof(info->release)))
		return err_set(err, ERR_MISSING, 0, "no VMCOREINFO: OSRELEASE= names no release");
	for (size_t at = START_LENGTH + line + 1; at < length; at += line + 1) {
		const char *end = memchr(text + at, '\n', length - at);

		/* Text that was cut: an earlier line may hold all that is needed. */
		if (!end)
			break;
		line = (size_t)(end - (text + at));
		if (!parse_line(info, text + at, line, err))
			return false;
	}
	return true;
}

/* The text at the start of a frame, or in a note there; NULL if neither. */
static const char *text_in(const char *frame)
{
	if (memcmp(frame, start, START_LENGTH) == 0)
		return frame;
	if (memcmp(frame + NOTE_NAME, "VMCOREINFO", 10) == 0 &&
	    memcmp(frame + NOTE_TEXT, start, START_LENGTH) == 0)
		return frame + NOTE_TEXT;
	return NULL;
}

/* The note may run on into the next frame; what is there is not looked for. */
static bool try_frame(struct vmcoreinfo *info, struct machine *m, gpa_t frame, gpa_t *at,
		      unsigned *copies, struct err *err)
{
	const char *view = machine_view(m, frame, NULL), *text;
	char copy[PT_FRAME_SIZE];
	size_t size;

	if (!view)
		return false;
	text = text_in(view);
	if (!text) {
		machine_unview(m, frame, view);
		return false;
	}
	++*copies;
	*at = frame + (gpa_t)(text - view);
	size = PT_FRAME_SIZE - (size_t)(text - view);
	memcpy(copy, text, size);
	if (!machine_unview(m, frame, view))
		return false;
	return vmcoreinfo_parse(info, copy, size, err);
}

bool vmcoreinfo_scan(struct vmcoreinfo *info, struct machine *m, gpa_t *at,
		     bool (*fits)(void *, const struct vmcoreinfo *), void *ctx, struct err *err)
{
	struct err broken = { .code = ERR_OK };
	unsigned copies = 0;

	for (size_t i = 0; i < m->region_count; i++) {
		const struct mem_region *r = &m->regions[i];

		for (gpa_t frame = r->first; r->last - frame >= PT_FRAME_SIZE - 1;
		     frame += PT_FRAME_SIZE) {
			struct err why = { .code = ERR_OK };

			if (try_frame(info, m, frame, at, &copies, &why) &&
			    (!fits || fits(ctx, info)))
				return true;
			if (why.code == ERR_MALFORMED)
				broken = why;
			if (copies == COPIES_MAX)
				return err_set(err, ERR_MALFORMED, frame, "RAM holds too many "
					       "copies of VMCOREINFO that are not this guest's");
			if (r->last - frame < PT_FRAME_SIZE)
				break;
		}
	}
	if (broken.code)
		return err_set(err, broken.code, 0, "%s", broken.message);
	return err_set(err, ERR_MISSING, 0, "no VMCOREINFO in %" PRIu64 " MiB of RAM",
		       machine_memory(m) >> 20);
}

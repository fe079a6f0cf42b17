// SPDX-License-Identifier: GPL-2.0-only
/*
 * agree.c - do the sources speak of one kernel, and of this one?
 *
 * A kernel that was rebooted, a table that was half overwritten or forged, a
 * file of another build: each shows as two sources that contradict each other.
 * The message names both. What a kernel does not have is not compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "walker/profile/sources.h"

/* CONFIG_PHYSICAL_START, where every distribution has left it. */
#define LINK_TEXT 0xffffffff81000000ull
#define KASLR_STEP (2ull << 20)

static bool symbol(const struct sources *s, const char *name, gva_t *at)
{
	return symbols_find(s->symbols, name, at, NULL);
}

static bool disagree(struct err *err, const char *what, const char *one, uint64_t first,
		     const char *other, uint64_t second)
{
	return err_set(err, ERR_MALFORMED, 0, "%s: %s says 0x%" PRIx64 ", %s says 0x%" PRIx64,
		       what, one, first, other, second);
}

static bool has_data_symbols(const struct sources *s, struct err *err)
{
	static const char *const wanted[] = { "init_task", "init_mm" };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		gva_t at;

		if (!symbol(s, wanted[i], &at))
			return err_set(err, ERR_MISSING, 0, "%s has no %s (CONFIG_KALLSYMS_ALL is "
				       "off?): give --vmlinux or --symbols", s->symbols_from,
				       wanted[i]);
	}
	return true;
}

static bool text_agrees(const struct sources *s, struct err *err)
{
	const char *info = s->info_from, *symbols = s->symbols_from;
	gva_t at;

	if (symbol(s, "_stext", &at)) {
		if (at < s->image.first || at > s->image.last)
			return disagree(err, "the kernel's text", symbols, at, "the page tables",
					s->image.first);
		if (s->has_info && s->info.stext.given && s->info.stext.value != at)
			return disagree(err, "_stext", info, s->info.stext.value, symbols, at);
	}
	if (s->has_info && s->info.top_pgt.given &&
	    (symbol(s, "init_top_pgt", &at) || symbol(s, "swapper_pg_dir", &at)) &&
	    s->info.top_pgt.value != at)
		return disagree(err, "init_top_pgt", info, s->info.top_pgt.value, symbols, at);
	return true;
}

static bool phys_base_agrees(const struct sources *s, struct err *err)
{
	uint64_t stored;
	gva_t at;

	if (s->has_info && s->info.phys_base.given &&
	    s->info.phys_base.value != s->image.phys_base)
		return disagree(err, "phys_base", s->info_from, s->info.phys_base.value,
				"the page tables", s->image.phys_base);
	if (symbol(s, "phys_base", &at) &&
	    kernel_image_read(&s->image, at, &stored, sizeof(stored), NULL) &&
	    stored != s->image.phys_base)
		return disagree(err, "phys_base", s->symbols_from, stored, "the page tables",
				s->image.phys_base);
	return true;
}

/* KASLR moves the image by whole steps from where it was linked. */
static bool kaslr_agrees(const struct sources *s, struct profile_place *place, struct err *err)
{
	uint64_t said = s->info.kernel_offset.value;
	gva_t text;

	if (!symbol(s, "_text", &text))
		text = s->image.first;
	place->known = true;
	place->phys_base = s->image.phys_base;
	if (!s->has_info || !s->info.kernel_offset.given) {
		place->kaslr_offset = text - LINK_TEXT;
		place->kaslr_known = place->kaslr_offset < KERNEL_MAP_SIZE &&
				     place->kaslr_offset % KASLR_STEP == 0;
		return true;
	}
	if (said % KASLR_STEP || said >= KERNEL_MAP_SIZE || text - said < KERNEL_MAP ||
	    (text - said) % KASLR_STEP)
		return disagree(err, "the KASLR offset", s->info_from, said, s->symbols_from,
				text - LINK_TEXT);
	place->kaslr_offset = said;
	place->kaslr_known = true;
	return true;
}

static bool levels_agree(const struct sources *s, struct err *err)
{
	bool five = s->image.has_space && s->image.space.decode.format == &pt_x86_5level;
	uint32_t enabled;
	gva_t at;

	if (!s->image.has_space)
		return true;
	if (s->has_info && s->info.l5.given && !!s->info.l5.value != five)
		return err_set(err, ERR_MALFORMED, 0, "%s says %u-level paging, CR4 of vCPU %u "
			       "says %u-level", s->info_from, s->info.l5.value ? 5 : 4,
			       s->image.vcpu, five ? 5 : 4);
	if (symbol(s, "__pgtable_l5_enabled", &at) &&
	    kernel_image_read(&s->image, at, &enabled, sizeof(enabled), NULL) && !!enabled != five)
		return err_set(err, ERR_MALFORMED, at, "__pgtable_l5_enabled says %u-level "
			       "paging, CR4 of vCPU %u says %u-level", enabled ? 5 : 4,
			       s->image.vcpu, five ? 5 : 4);
	return true;
}

/* The last entry of every PGD is the kernel's: all of them lead to the same table. */
static bool root_agrees(const struct sources *s, struct err *err)
{
	const struct pt_decode *d = &s->image.space.decode;
	const gpa_t last = (512 - 1) * sizeof(uint64_t);
	uint64_t vcpu_entry, own_entry;
	gva_t at;

	if (!s->image.has_space ||
	    !(symbol(s, "init_top_pgt", &at) || symbol(s, "swapper_pg_dir", &at)))
		return true;
	if (!kernel_image_read(&s->image, at + last, &own_entry, sizeof(own_entry), NULL) ||
	    !machine_read_u64(s->machine, s->image.space.root[0].gpa + last, &vcpu_entry, NULL))
		return true;
	if (d->format->entry_addr(d, d->format->levels - 1u, own_entry) !=
	    d->format->entry_addr(d, d->format->levels - 1u, vcpu_entry))
		return disagree(err, "the kernel half's last table", "init_top_pgt", own_entry,
				"CR3", vcpu_entry);
	return true;
}

/* "Linux version 6.1.0 ...": what a symbol leads to, and the release that is claimed. */
static bool banner_agrees(const struct sources *s, struct err *err)
{
	static const char prefix[] = "Linux version ";
	enum { PREFIX = sizeof(prefix) - 1 };
	char text[PREFIX + sizeof(s->info.release) + 1] = "";
	size_t length = strlen(s->info.release);
	gva_t at;

	if (!symbol(s, "linux_banner", &at) ||
	    !kernel_image_read(&s->image, at, text, sizeof(text) - 1, NULL))
		return true;
	/* A kernel of the user's own image was compared with the image. */
	if (s->options.vmlinux && strncmp(text, prefix, PREFIX) != 0)
		return true;
	if (strncmp(text, prefix, PREFIX) != 0)
		return err_set(err, ERR_MALFORMED, at, "%s has linux_banner at 0x%" PRIx64
			       ", but no banner is there (another kernel's symbols?)",
			       s->symbols_from, at);
	if (s->has_info && (strncmp(text + PREFIX, s->info.release, length) != 0 ||
			    text[PREFIX + length] != ' '))
		return err_set(err, ERR_MALFORMED, at, "%s says Linux %s, linux_banner says "
			       "%.64s", s->info_from, s->info.release, text + PREFIX);
	return true;
}

/* Symbols and types together: the first task is the boot CPU's idle task. */
static bool task_agrees(const struct sources *s, struct err *err)
{
	static const char swapper[] = "swapper";
	struct member comm;
	char text[sizeof(swapper) - 1];
	gva_t at;

	if (!symbol(s, "init_task", &at))
		return true;
	if (!types_member(s->types, "task_struct", "comm", &comm, err))
		return false;
	if (!kernel_image_read(&s->image, at + comm.offset, text, sizeof(text), err))
		return false;
	if (memcmp(text, swapper, sizeof(text)) != 0)
		return err_set(err, ERR_MALFORMED, at, "%s and %s disagree: init_task at 0x%"
			       PRIx64 " is not called swapper", s->symbols_from, s->types_from,
			       at);
	return true;
}

bool sources_agree(const struct sources *s, struct profile_place *place, struct err *err)
{
	*place = (struct profile_place){ .known = false };
	return has_data_symbols(s, err) && text_agrees(s, err) && phys_base_agrees(s, err) &&
	       kaslr_agrees(s, place, err) && levels_agree(s, err) && root_agrees(s, err) &&
	       banner_agrees(s, err) && task_agrees(s, err);
}

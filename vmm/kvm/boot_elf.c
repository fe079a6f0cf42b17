/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading an ELF64 image; the image is a file from outside and is not trusted. */
#include "vmm/kvm/boot.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>

enum { SEGMENTS_MAX = 64 };

struct segment {
	gpa_t at;
	uint64_t offset, filesz, memsz;
};

struct loader {
	const struct memory *mem;
	const char *name;
	const uint8_t *image;
	size_t size;
	unsigned count;
	struct segment segment[SEGMENTS_MAX];
};

static bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool segment_add(struct loader *l, const GElf_Phdr *ph, struct err *e)
{
	struct segment s = { ph->p_paddr, ph->p_offset, ph->p_filesz, ph->p_memsz };
	unsigned long long at = s.at;

	if (l->count == SEGMENTS_MAX)
		return err_set(e, ERR_TARGET, 0, "%s: more than %d segments", l->name,
			       SEGMENTS_MAX);
	if (s.filesz > s.memsz)
		return err_set(e, ERR_TARGET, at,
			       "%s: segment at 0x%llx is larger in the file than in memory",
			       l->name, at);
	if (s.offset > l->size || s.filesz > l->size - s.offset)
		return err_set(e, ERR_TARGET, at,
			       "%s: truncated: segment at 0x%llx reaches past the end of the file",
			       l->name, at);
	/* The tables that the guest starts on map what is below 4 GiB. */
	if (s.at >= MEMORY_HOLE_END || !memory_at(l->mem, s.at, s.memsz))
		return err_set(e, ERR_TARGET, at,
			       "%s: segment at 0x%llx, %llu KiB, is outside the guest's RAM",
			       l->name, at, (unsigned long long)(s.memsz >> 10));
	if (ranges_meet(s.at, s.memsz, 0, BOOT_END))
		return err_set(e, ERR_TARGET, at,
			       "%s: segment at 0x%llx overlaps the boot data below 0x%x",
			       l->name, at, BOOT_END);
	for (unsigned i = 0; i < l->count; i++) {
		if (ranges_meet(s.at, s.memsz, l->segment[i].at, l->segment[i].memsz))
			return err_set(e, ERR_TARGET, at,
				       "%s: segments at 0x%llx and 0x%llx overlap", l->name,
				       (unsigned long long)l->segment[i].at, at);
	}
	l->segment[l->count++] = s;
	return true;
}

static bool header_check(const struct loader *l, struct err *e)
{
	const Elf64_Ehdr *h = (const void *)l->image;

	if (l->size < SELFMAG || memcmp(l->image, ELFMAG, SELFMAG))
		return err_set(e, ERR_TARGET, 0, "%s: not an ELF file", l->name);
	if (l->size <= EI_DATA)
		return err_set(e, ERR_TARGET, 0, "%s: truncated ELF file", l->name);
	if (l->image[EI_CLASS] != ELFCLASS64)
		return err_set(e, ERR_TARGET, 0, "%s: not a 64-bit ELF file", l->name);
	if (l->image[EI_DATA] != ELFDATA2LSB)
		return err_set(e, ERR_TARGET, 0, "%s: not a little-endian ELF file", l->name);
	if (l->size < sizeof(*h))
		return err_set(e, ERR_TARGET, 0, "%s: truncated ELF file", l->name);
	return true;
}

static bool segments_read(struct loader *l, Elf *elf, gpa_t *entry, struct err *e)
{
	GElf_Ehdr eh;
	size_t count;

	if (!gelf_getehdr(elf, &eh))
		return err_set(e, ERR_TARGET, 0, "%s: truncated ELF file", l->name);
	if (eh.e_machine != EM_X86_64)
		return err_set(e, ERR_TARGET, 0, "%s: for machine %u, not x86-64", l->name,
			       eh.e_machine);
	if (eh.e_type != ET_EXEC)
		return err_set(e, ERR_TARGET, 0, "%s: not an executable with fixed addresses",
			       l->name);
	if (elf_getphdrnum(elf, &count) || (eh.e_phnum && !count))
		return err_set(e, ERR_TARGET, 0, "%s: truncated: no room for the program headers",
			       l->name);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return err_set(e, ERR_TARGET, 0,
				       "%s: truncated: no room for the program headers", l->name);
		if (ph.p_type == PT_LOAD && ph.p_memsz && !segment_add(l, &ph, e))
			return false;
	}
	if (!l->count)
		return err_set(e, ERR_TARGET, 0, "%s: nothing to load (no PT_LOAD segment)",
			       l->name);
	for (unsigned i = 0; i < l->count; i++) {
		if (eh.e_entry - l->segment[i].at < l->segment[i].memsz) {
			*entry = eh.e_entry;
			return true;
		}
	}
	return err_set(e, ERR_TARGET, eh.e_entry,
		       "%s: entry 0x%llx is in no segment (it is a physical address)", l->name,
		       (unsigned long long)eh.e_entry);
}

bool boot_load_elf(const struct memory *mem, const void *image, size_t size, const char *name,
		   gpa_t *entry, struct err *e)
{
	struct loader l = { .mem = mem, .name = name, .image = image, .size = size };
	Elf *elf;
	bool ok;

	if (!header_check(&l, e))
		return false;
	elf_version(EV_CURRENT);
	/* libelf wants a writable pointer but does not write without elf_update(). */
	elf = elf_memory((char *)(uintptr_t)image, size);
	if (!elf)
		return err_set(e, ERR_TARGET, 0, "%s: %s", name, elf_errmsg(-1));
	ok = segments_read(&l, elf, entry, e);
	elf_end(elf);
	if (!ok)
		return false;
	for (unsigned i = 0; i < l.count; i++) {
		const struct segment *s = &l.segment[i];

		/* The rest, up to memsz, is zero: the RAM is fresh. */
		memcpy(memory_at(mem, s->at, s->memsz), l.image + s->offset, s->filesz);
	}
	return true;
}

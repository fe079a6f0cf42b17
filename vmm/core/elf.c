/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf.c - the segments of an ELF core.
 *
 * QEMU writes the class and machine of what its first CPU was running: a guest
 * in firmware or in 32-bit mode gives an i386 core, of class 64 where memory
 * lies beyond 4 GiB. Memory is in PT_LOADs, at p_paddr.
 */
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/dump.h"

bool dump_pread(int fd, void *to, size_t size, uint64_t offset)
{
	uint8_t *bytes = to;

	if (offset > INT64_MAX - size)
		return false;
	while (size) {
		ssize_t n = pread(fd, bytes, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

static bool header_check(Elf *elf, GElf_Ehdr *h, struct err *e)
{
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, h))
		return err_set(e, ERR_TARGET, 0, "a broken ELF header: %s", elf_errmsg(-1));
	if (h->e_ident[EI_DATA] != ELFDATA2LSB || (h->e_machine != EM_X86_64 &&
						  h->e_machine != EM_386))
		return err_set(e, ERR_TARGET, 0, "an ELF file of machine %u, %s-endian: not of an "
			       "x86-64 guest", h->e_machine,
			       h->e_ident[EI_DATA] == ELFDATA2LSB ? "little" : "big");
	if (h->e_type != ET_CORE)
		return err_set(e, ERR_TARGET, 0, "an ELF program or object (type %u), not a memory "
			       "dump", h->e_type);
	return true;
}

struct loads {
	size_t count, placed;	/* placed: with a physical address other than 0 */
	bool virtual;
};

static bool segment_read(struct dump *d, const GElf_Phdr *p, struct loads *loads,
			 struct err *e)
{
	switch (p->p_type) {
	case PT_NOTE:
		return notes_read(d, p->p_offset, p->p_filesz, e);
	case PT_LOAD:
		loads->count++;
		loads->placed += p->p_paddr != 0;
		loads->virtual |= p->p_vaddr != 0;
		return pieces_add(d, p->p_paddr, p->p_memsz, p->p_offset, p->p_filesz, e);
	default:
		return true;
	}
}

static bool segments_read(struct dump *d, Elf *elf, const GElf_Ehdr *h, struct err *e)
{
	struct loads loads = { 0 };
	size_t count, wanted = h->e_phnum;

	if (elf_getphdrnum(elf, &count))
		return err_set(e, ERR_TARGET, 0, "cut short in its headers: %s", elf_errmsg(-1));
	/* libelf counts what there is; with more than 65534 the number is elsewhere. */
	if (!count || (wanted != PN_XNUM && count < wanted))
		return err_set(e, ERR_TARGET, 0, "cut short in its headers: %zu of %zu segments",
			       count, wanted);
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p))
			return err_set(e, ERR_TARGET, 0, "cut short in its headers, at segment "
				       "%zu of %zu", i, count);
		if (!segment_read(d, &p, &loads, e))
			return false;
	}
	if (d->process || (loads.virtual && !loads.placed))
		return err_set(e, ERR_TARGET, 0, "the core dump of a process, not of a guest: use "
			       "virsh dump --memory-only or QEMU's dump-guest-memory");
	return true;
}

bool elf_read(struct dump *d, struct err *e)
{
	GElf_Ehdr header;
	Elf *elf;
	bool ok;

	elf_version(EV_CURRENT);
	/* Not by mmap: a file may shrink. */
	elf = elf_begin(d->fd, ELF_C_READ, NULL);
	if (!elf)
		return err_set(e, ERR_TARGET, 0, "not an ELF file: %s", elf_errmsg(-1));
	ok = header_check(elf, &header, e) && segments_read(d, elf, &header, e);
	elf_end(elf);
	if (!ok)
		return false;
	notes_close(d);
	return pieces_close(d, e);
}

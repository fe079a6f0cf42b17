/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notes.c - what the notes of a dump tell: registers and VMCOREINFO.
 *
 * QEMU writes two notes for each vCPU, NT_PRSTATUS and its own "QEMU", whose
 * descriptor is `struct QEMUCPUState` (QEMU: target/i386/arch_dump.c): version 1,
 * its size, 16 general registers, rip, rflags, ten segments (24 bytes each), cr0
 * to cr4; since 2.12 kernel_gs_base. EFER and CPUID are not in it.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/dump.h"

enum { VCPUS_MAX = 65536, NOTES_MAX = 64 << 20, PRSTATUS_32 = 144 };

enum {
	QEMU_VERSION = 0, QEMU_SIZE = 4, QEMU_RSP = 8 + 6 * 8, QEMU_RIP = 8 + 16 * 8,
	QEMU_RFLAGS = QEMU_RIP + 8, QEMU_CS = QEMU_RFLAGS + 8, QEMU_GS = QEMU_CS + 4 * 24,
	QEMU_CR = QEMU_CS + 10 * 24, QEMU_KERNEL_GS = QEMU_CR + 5 * 8,
	SEGMENT_FLAGS = 8, SEGMENT_BASE = 16,
};

/* L of a code segment's descriptor (Intel SDM vol. 3A, 3.4.5), high word. */
#define CS_LONG (1u << 21)
#define LONG_MODE (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE)

static uint32_t get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t cr(const uint8_t *desc, unsigned i)
{
	return get64(desc + QEMU_CR + (size_t)i * 8);
}

static void regs_read(struct x86_regs *regs, const uint8_t *desc, size_t size)
{
	bool code_64 = get32(desc + QEMU_CS + SEGMENT_FLAGS) & CS_LONG;

	*regs = (struct x86_regs){
		.rip = get64(desc + QEMU_RIP),
		.rsp = get64(desc + QEMU_RSP),
		.rflags = get64(desc + QEMU_RFLAGS),
		.cr0 = cr(desc, 0), .cr2 = cr(desc, 2), .cr3 = cr(desc, 3), .cr4 = cr(desc, 4),
		.gs_base = get64(desc + QEMU_GS + SEGMENT_BASE),
		.cpl = get32(desc + QEMU_CS) & 3,
		/* Not told; wrong the other way they would make sound tables malformed. */
		.maxphyaddr = 52,
		.huge_1g = true,
		.efer = code_64 ? LONG_MODE : 0,
	};
	if (size >= QEMU_KERNEL_GS + 8)
		regs->kernel_gs_base = get64(desc + QEMU_KERNEL_GS);
}

static bool note_qemu(struct dump *d, const uint8_t *desc, size_t size, struct err *e)
{
	unsigned n = d->machine.vcpus;
	struct x86_regs *regs;

	/* Another version may have another layout: then it tells nothing. */
	if (size < QEMU_KERNEL_GS || get32(desc + QEMU_VERSION) != 1 ||
	    get32(desc + QEMU_SIZE) > size)
		return true;
	if (n == VCPUS_MAX)
		return err_set(e, ERR_TARGET, 0, "it has registers of more than %d vCPUs",
			       VCPUS_MAX);
	if (!(n & (n - 1))) {
		regs = reallocarray(d->regs, n ? n * 2u : 1u, sizeof(*regs));
		if (!regs)
			return err_set(e, ERR_NO_MEMORY, 0, "out of memory for registers");
		d->regs = regs;
	}
	regs_read(&d->regs[n], desc, size);
	d->machine.vcpus++;
	return true;
}

static bool note_vmcoreinfo(struct dump *d, const uint8_t *desc, size_t size, struct err *e)
{
	/* The first one is the guest's own; a second one would only be believed instead. */
	if (d->vmcoreinfo || !size)
		return true;
	d->vmcoreinfo = calloc(1, size + 1);
	if (!d->vmcoreinfo)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for VMCOREINFO");
	memcpy(d->vmcoreinfo, desc, size);
	d->vmcoreinfo_size = size;
	return true;
}

static bool note_take(struct dump *d, const char *name, uint32_t type, const uint8_t *desc,
		      size_t size, struct err *e)
{
	if (!strcmp(name, "QEMU"))
		return note_qemu(d, desc, size, e);
	if (!strcmp(name, "VMCOREINFO"))
		return note_vmcoreinfo(d, desc, size, e);
	if (!strcmp(name, "CORE") && type == NT_PRSTATUS) {
		d->status_notes++;
		d->status_32 |= size == PRSTATUS_32;
	}
	if (!strcmp(name, "CORE") && (type == NT_PRPSINFO || type == NT_AUXV))
		d->process = true;
	return true;
}

static size_t round4(uint32_t size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

static bool notes_parse(struct dump *d, const uint8_t *bytes, size_t size, struct err *e)
{
	size_t at = 0;

	while (size - at >= 12) {
		uint32_t name_size = get32(bytes + at), desc_size = get32(bytes + at + 4);
		uint32_t type = get32(bytes + at + 8);
		char name[16] = "";

		at += 12;
		/* What a cut-off file has of its last note is nothing. */
		if (round4(name_size) > size - at ||
		    desc_size > size - at - round4(name_size))
			return true;
		if (name_size < sizeof(name))
			memcpy(name, bytes + at, name_size);
		at += round4(name_size);
		if (!note_take(d, name, type, bytes + at, desc_size, e))
			return false;
		if (round4(desc_size) > size - at)
			return true;
		at += round4(desc_size);
	}
	return true;
}

bool notes_read(struct dump *d, uint64_t offset, uint64_t size, struct err *e)
{
	uint8_t *bytes;
	bool ok;

	if (offset >= d->size)
		return true;
	if (size > d->size - offset)
		size = d->size - offset;
	if (size > NOTES_MAX)
		return err_set(e, ERR_TARGET, 0, "%" PRIu64 " MiB of notes: no guest has so many",
			       size >> 20);
	bytes = malloc(size + 1);
	if (!bytes)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for notes");
	ok = dump_pread(d->fd, bytes, size, offset) ?
		notes_parse(d, bytes, size, e) :
		err_set(e, ERR_TARGET, 0, "its notes cannot be read");
	free(bytes);
	return ok;
}

/*
 * PAE without long mode has the same CR0 and CR4. A 64-bit code segment settles it;
 * a CPU in a 32-bit program has none, but QEMU writes notes of the 64-bit layout only if its
 * first CPU is in long mode.
 */
void notes_close(struct dump *d)
{
	for (unsigned i = 0; i < d->machine.vcpus; i++) {
		struct x86_regs *regs = &d->regs[i];

		if (!(regs->cr0 & X86_CR0_PG) || !(regs->cr4 & X86_CR4_PAE))
			regs->efer = 0;
		else if (!d->status_32)
			regs->efer = LONG_MODE;
	}
	d->machine.assumed = d->machine.vcpus ?
		"long mode and 5-level paging follow from CR0, CR4 and CS; no-execute and "
		"1 GiB pages are taken for on, physical addresses for 52 bits" :
		"no control registers in the dump: no vCPUs";
}

// SPDX-License-Identifier: GPL-2.0-only
#include "tests/lib/core_file.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/core_internal.h"

static char paths[64][64];
static unsigned path_count;

void core_misuse(const char *what)
{
	fprintf(stderr, "core_file: %s\n", what);
	abort();
}

static void *grown(void *old, size_t size)
{
	void *new = realloc(old, size ? size : 1);

	if (!new)
		core_misuse("out of memory");
	return new;
}

struct core_file *core_file_new(void)
{
	struct core_file *f = calloc(1, sizeof(*f));

	if (!f)
		core_misuse("out of memory");
	f->type = ET_CORE;
	f->machine = EM_X86_64;
	f->align = 8;
	return f;
}

struct core_file *core_file_of(struct machine *m)
{
	struct core_file *f = core_file_new();
	struct x86_regs regs;

	for (unsigned i = 0; i < m->vcpus; i++)
		if (m->ops->regs(m, i, &regs, NULL))
			core_file_vcpu(f, &regs);
	for (size_t i = 0; i < m->region_count; i++) {
		const struct mem_region *r = &m->regions[i];
		uint64_t size = r->last - r->first + 1;
		uint8_t *bytes = calloc(1, size);

		for (uint64_t at = 0; bytes && at < size; at += PT_FRAME_SIZE)
			machine_read(m, r->first + at, bytes + at, PT_FRAME_SIZE, NULL);
		core_file_load(f, r->first, bytes, size, size);
		free(bytes);
	}
	return f;
}

void core_file_free(struct core_file *f)
{
	for (size_t i = 0; i < f->segment_count; i++)
		free(f->segments[i].bytes);
	free(f->segments);
	free(f->notes);
	free(f);
}

void core_file_note(struct core_file *f, const char *name, uint32_t type, const void *desc,
		    size_t size)
{
	uint32_t head[3] = { (uint32_t)strlen(name) + 1, (uint32_t)size, type };
	size_t named = (head[0] + 3u) & ~3u, padded = (size + 3) & ~(size_t)3;
	uint8_t *to;

	f->notes = grown(f->notes, f->notes_size + sizeof(head) + named + padded);
	to = f->notes + f->notes_size;
	memset(to, 0, sizeof(head) + named + padded);
	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), name, head[0]);
	memcpy(to + sizeof(head) + named, desc, size);
	f->notes_size += sizeof(head) + named + padded;
}

void core_file_vcpu(struct core_file *f, const struct x86_regs *regs)
{
	if (f->vcpu_count == sizeof(f->vcpus) / sizeof(f->vcpus[0]))
		core_misuse("too many vCPUs");
	f->vcpus[f->vcpu_count++] = *regs;
}

static struct core_segment *segment_add(struct core_file *f)
{
	/* Doubled: some tests have tens of thousands. */
	if (!(f->segment_count & (f->segment_count - 1)))
		f->segments = grown(f->segments, (f->segment_count * 2 + 1) *
				    sizeof(*f->segments));
	memset(&f->segments[f->segment_count], 0, sizeof(*f->segments));
	return &f->segments[f->segment_count++];
}

void core_file_load(struct core_file *f, gpa_t gpa, const void *bytes, uint64_t in_file,
		    uint64_t size)
{
	struct core_segment *s = segment_add(f);

	*s = (struct core_segment){ .gpa = gpa, .in_file = in_file, .size = size };
	s->bytes = grown(NULL, in_file);
	if (in_file)
		memcpy(s->bytes, bytes, in_file);
}

void core_file_claim(struct core_file *f, gpa_t gpa, uint64_t offset, uint64_t in_file,
		     uint64_t size)
{
	*segment_add(f) = (struct core_segment){
		.gpa = gpa, .offset = offset, .in_file = in_file, .size = size, .claim = true,
	};
}

/* The descriptors of QEMU's two notes for a vCPU. */
static void vcpu_notes(struct core_file *f, const struct x86_regs *r)
{
	static const uint8_t status[336];
	uint64_t qemu[55] = { 0 };
	uint32_t *word = (uint32_t *)qemu;
	bool code_64 = !f->narrow;

	word[0] = 1;
	word[1] = sizeof(qemu);
	qemu[1 + 6] = r->rsp;
	qemu[1 + 16] = r->rip;
	qemu[1 + 17] = r->rflags;
	/* cs, ds, es, fs, gs: selector and limit, flags and padding, base. */
	qemu[19] = 0xffffffff00000000u | 0x10u | r->cpl;
	qemu[20] = code_64 ? 0x00af9b00u : 0x00cf9b00u;
	qemu[19 + 4 * 3 + 2] = r->gs_base;
	qemu[49] = r->cr0;
	qemu[51] = r->cr2;
	qemu[52] = r->cr3;
	qemu[53] = r->cr4;
	qemu[54] = r->kernel_gs_base;
	core_file_note(f, "CORE", NT_PRSTATUS, status, f->narrow ? 144 : sizeof(status));
	if (!f->no_qemu_notes)
		core_file_note(f, "QEMU", 0, qemu, sizeof(qemu));
}

uint8_t *core_notes(const struct core_file *f, size_t *size)
{
	struct core_file all = *f;

	all.notes = NULL;
	all.notes_size = 0;
	for (unsigned i = 0; i < f->vcpu_count; i++)
		vcpu_notes(&all, &f->vcpus[i]);
	all.notes = grown(all.notes, all.notes_size + f->notes_size);
	if (f->notes_size)
		memcpy(all.notes + all.notes_size, f->notes, f->notes_size);
	*size = all.notes_size + f->notes_size;
	return all.notes;
}

struct layout {
	size_t headers, notes, memory, size;
};

static struct layout layout_of(const struct core_file *f, size_t notes)
{
	struct layout l = { .headers = sizeof(Elf64_Ehdr) + (f->xnum ? sizeof(Elf64_Shdr) : 0) };

	l.notes = l.headers + (f->segment_count + 1) * sizeof(Elf64_Phdr);
	l.memory = (l.notes + notes + f->align - 1) / f->align * f->align + f->skew;
	l.size = l.memory;
	for (size_t i = 0; i < f->segment_count; i++)
		if (!f->segments[i].claim)
			l.size += f->segments[i].in_file;
	return l;
}

static void headers_write(const struct core_file *f, const struct layout *l, uint8_t *to)
{
	size_t phnum = f->segment_count + 1;
	Elf64_Ehdr h = {
		.e_type = f->type, .e_machine = f->machine, .e_version = EV_CURRENT,
		.e_phoff = l->headers, .e_ehsize = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = f->xnum ? PN_XNUM : (Elf64_Half)phnum,
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = f->xnum,
		.e_shoff = f->xnum ? sizeof(h) : 0,
	};
	Elf64_Shdr section = { .sh_info = (Elf64_Word)phnum };

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = f->class_32 ? ELFCLASS32 : ELFCLASS64;
	h.e_ident[EI_DATA] = f->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(to, &h, sizeof(h));
	if (f->xnum)
		memcpy(to + sizeof(h), &section, sizeof(section));
}

uint8_t *core_file_bytes(const struct core_file *f, size_t *size)
{
	size_t notes_size;
	uint8_t *notes = core_notes(f, &notes_size);
	struct layout l = layout_of(f, notes_size);
	uint8_t *bytes = grown(NULL, l.size);
	Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = l.notes, .p_filesz = notes_size };
	size_t at = l.memory;

	memset(bytes, 0, l.memory);
	headers_write(f, &l, bytes);
	memcpy(bytes + l.headers, &note, sizeof(note));
	memcpy(bytes + l.notes, notes, notes_size);
	free(notes);
	for (size_t i = 0; i < f->segment_count; i++) {
		const struct core_segment *s = &f->segments[i];
		Elf64_Phdr p = {
			.p_type = PT_LOAD, .p_offset = s->claim ? s->offset : at,
			.p_paddr = s->gpa, .p_filesz = s->in_file, .p_memsz = s->size,
		};

		memcpy(bytes + l.headers + (i + 1) * sizeof(p), &p, sizeof(p));
		if (s->claim)
			continue;
		memcpy(bytes + at, s->bytes, s->in_file);
		at += s->in_file;
	}
	*size = l.size;
	return bytes;
}

const char *core_file_store(const void *bytes, size_t size)
{
	char *path = paths[path_count];
	const char *folder = getenv("TMPDIR");
	int fd;

	if (path_count == sizeof(paths) / sizeof(paths[0]))
		core_misuse("too many files");
	path_count++;
	snprintf(path, sizeof(paths[0]), "%.40s/ptmm-core-XXXXXX", folder ? folder : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		core_misuse("no temporary file");
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const uint8_t *)bytes + done, size - done);

		if (n <= 0)
			core_misuse("the temporary file cannot be written");
		done += (size_t)n;
	}
	close(fd);
	return path;
}

const char *core_file_write(const struct core_file *f)
{
	size_t size;
	uint8_t *bytes = core_file_bytes(f, &size);
	const char *path = core_file_store(bytes, size);

	free(bytes);
	return path;
}

void core_file_clean(void)
{
	while (path_count)
		unlink(paths[--path_count]);
}

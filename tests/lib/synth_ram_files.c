// SPDX-License-Identifier: GPL-2.0-only
/* synth_ram_files.c - the files that a user could give for the kernel of synth_ram.c. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/synth_ram.h"

enum { LOADED = 0x3000, SECTIONS = 5, BUFFER = 1 << 20 };
enum { SECTION_SYMTAB = 1, SECTION_STRTAB, SECTION_BTF, SECTION_NAMES };

static const char section_names[] = "\0.symtab\0.strtab\0.BTF\0.shstrtab";

static uint64_t linked(const struct synth_ram *r, uint64_t at)
{
	return at >> 63 ? at - r->kaslr : at;
}

char *synth_ram_system_map(const struct synth_ram *r, size_t *size)
{
	char *text;
	FILE *to = open_memstream(&text, size);

	if (!to)
		abort();
	for (uint32_t i = 0; i < r->symbol_count; i++)
		fprintf(to, "%016lx %c %s\n", linked(r, r->symbols[i].at), r->symbols[i].type,
			r->symbols[i].name);
	fclose(to);
	return text;
}

/* Appends, aligned to 8; returns where. */
static size_t append(uint8_t *image, size_t *end, const void *bytes, size_t size)
{
	size_t at = (*end + 7) & ~(size_t)7;

	if (at + size > BUFFER)
		abort();
	memcpy(image + at, bytes, size);
	*end = at + size;
	return at;
}

static void put_symbols(const struct synth_ram *r, uint8_t *image, size_t *end,
			Elf64_Shdr *headers)
{
	Elf64_Sym *table = calloc(r->symbol_count + 1, sizeof(*table));
	char *strings = calloc(r->symbol_count + 1, sizeof(r->symbols[0].name));
	size_t used = 1;

	if (!table || !strings)
		abort();
	for (uint32_t i = 0; i < r->symbol_count; i++) {
		table[i + 1] = (Elf64_Sym){
			.st_name = (Elf64_Word)used, .st_shndx = SHN_ABS,
			.st_info = (uint8_t)ELF64_ST_INFO(r->symbols[i].type < 'a', STT_NOTYPE),
			.st_value = linked(r, r->symbols[i].at),
		};
		strcpy(strings + used, r->symbols[i].name);
		used += strlen(r->symbols[i].name) + 1;
	}
	headers[SECTION_SYMTAB].sh_size = (r->symbol_count + 1) * sizeof(*table);
	headers[SECTION_SYMTAB].sh_offset = append(image, end, table,
						   headers[SECTION_SYMTAB].sh_size);
	headers[SECTION_SYMTAB].sh_type = SHT_SYMTAB;
	headers[SECTION_STRTAB].sh_size = used;
	headers[SECTION_STRTAB].sh_offset = append(image, end, strings, used);
	headers[SECTION_STRTAB].sh_type = SHT_STRTAB;
	free(table);
	free(strings);
}

void *synth_ram_vmlinux(const struct synth_ram *r, bool symbols, bool btf, size_t *size)
{
	uint8_t *image = calloc(1, BUFFER);
	size_t end = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	Elf64_Shdr headers[SECTIONS] = {
		[SECTION_SYMTAB] = { .sh_name = 1, .sh_link = SECTION_STRTAB, .sh_info = 1,
				     .sh_entsize = sizeof(Elf64_Sym), .sh_addralign = 8 },
		[SECTION_STRTAB] = { .sh_name = 9, .sh_addralign = 1 },
		[SECTION_BTF] = { .sh_name = 17, .sh_addralign = 8 },
		[SECTION_NAMES] = { .sh_name = 22, .sh_addralign = 1 },
	};
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(header), .e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	Elf64_Phdr segment = {
		.p_type = PT_LOAD, .p_vaddr = SYNTH_RAM_LINK, .p_filesz = LOADED,
		.p_memsz = LOADED,
	};

	if (!image)
		abort();
	segment.p_offset = append(image, &end, r->image, LOADED);
	if (symbols)
		put_symbols(r, image, &end, headers);
	if (btf) {
		headers[SECTION_BTF].sh_type = SHT_PROGBITS;
		headers[SECTION_BTF].sh_size = r->btf_size;
		headers[SECTION_BTF].sh_offset = append(image, &end, r->image + SYNTH_RAM_BTF,
							r->btf_size);
	}
	headers[SECTION_NAMES].sh_type = SHT_STRTAB;
	headers[SECTION_NAMES].sh_size = sizeof(section_names);
	headers[SECTION_NAMES].sh_offset = append(image, &end, section_names,
						  sizeof(section_names));
	header.e_shoff = append(image, &end, headers, sizeof(headers));
	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), &segment, sizeof(segment));
	*size = end;
	return image;
}

// SPDX-License-Identifier: GPL-2.0-only
/* synth_image.c - the synthetic kernel's ELF image: symbols and .BTF, written by libelf. */
#include <bpf/btf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/synth_layout.h"

enum { SYMBOLS_MAX = 64, STRINGS_MAX = 4096 };

static const char section_names[] = "\0.data\0.BTF\0.symtab\0.strtab\0.shstrtab";
enum { NAME_DATA = 1, NAME_BTF = 7, NAME_SYMTAB = 12, NAME_STRTAB = 20, NAME_SHSTRTAB = 28 };
enum { SECTION_DATA = 1, SECTION_STRTAB = 2 };

static void check(bool fine)
{
	if (fine)
		return;
	fprintf(stderr, "synth_guest: libelf: %s\n", elf_errmsg(-1));
	abort();
}

static void add_section(Elf *elf, unsigned name, uint32_t type, const void *bytes, size_t size,
			Elf_Type data_type)
{
	Elf_Scn *section = elf_newscn(elf);
	Elf_Data *data = section ? elf_newdata(section) : NULL;
	GElf_Shdr header;

	check(data && gelf_getshdr(section, &header));
	data->d_buf = (void *)(uintptr_t)bytes;
	data->d_size = size;
	data->d_align = 8;
	data->d_type = data_type;
	data->d_version = EV_CURRENT;
	header.sh_name = name;
	header.sh_type = type;
	header.sh_addralign = 8;
	if (type == SHT_SYMTAB) {
		header.sh_link = SECTION_STRTAB;
		header.sh_info = 1;
		header.sh_entsize = sizeof(Elf64_Sym);
	}
	check(gelf_update_shdr(section, &header));
}

static void *read_all(int fd, size_t *size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	void *bytes;

	check(end > 0);
	*size = (size_t)end;
	bytes = malloc(*size);
	check(bytes && pread(fd, bytes, *size, 0) == end);
	return bytes;
}

static size_t make_symbols(const struct synth_options *o, const struct synth_symbol *symbols,
			   Elf64_Sym *table, char *strings, size_t *strings_size)
{
	size_t count = 1;

	memset(table, 0, sizeof(*table));
	strings[0] = '\0';
	*strings_size = 1;
	for (; symbols->name; symbols++) {
		if (o->omit_symbol && strcmp(o->omit_symbol, symbols->name) == 0)
			continue;
		table[count++] = (Elf64_Sym){
			.st_name = (Elf64_Word)*strings_size,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
			.st_shndx = SECTION_DATA,
			.st_value = symbols->at,
			.st_size = symbols->size,
		};
		check(count < SYMBOLS_MAX && *strings_size + strlen(symbols->name) < STRINGS_MAX);
		strcpy(strings + *strings_size, symbols->name);
		*strings_size += strlen(symbols->name) + 1;
	}
	return count;
}

void *synth_layout_image(const struct synth_options *o, const struct synth_symbol *symbols,
			 size_t *size)
{
	static const uint8_t zeroes[64];
	int fd = memfd_create("synth", MFD_CLOEXEC);
	struct btf *btf = synth_layout_btf(o);
	Elf64_Sym table[SYMBOLS_MAX];
	char strings[STRINGS_MAX];
	size_t strings_size, count = make_symbols(o, symbols, table, strings, &strings_size);
	GElf_Ehdr header;
	uint32_t btf_size;
	const void *btf_bytes = btf__raw_data(btf, &btf_size);
	void *bytes;
	Elf *elf;

	check(fd >= 0 && elf_version(EV_CURRENT) != EV_NONE);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	check(elf && btf_bytes && gelf_newehdr(elf, ELFCLASS64) && gelf_getehdr(elf, &header));
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_type = ET_EXEC;
	header.e_machine = EM_X86_64;
	header.e_version = EV_CURRENT;
	header.e_shstrndx = o->omit_btf ? 4 : 5;
	check(gelf_update_ehdr(elf, &header));
	add_section(elf, NAME_DATA, SHT_PROGBITS, zeroes, sizeof(zeroes), ELF_T_BYTE);
	add_section(elf, NAME_STRTAB, SHT_STRTAB, strings, strings_size, ELF_T_BYTE);
	add_section(elf, NAME_SYMTAB, SHT_SYMTAB, table, count * sizeof(table[0]), ELF_T_SYM);
	if (!o->omit_btf)
		add_section(elf, NAME_BTF, SHT_PROGBITS, btf_bytes, btf_size, ELF_T_BYTE);
	add_section(elf, NAME_SHSTRTAB, SHT_STRTAB, section_names, sizeof(section_names),
		    ELF_T_BYTE);
	check(elf_update(elf, ELF_C_WRITE) > 0);
	elf_end(elf);
	btf__free(btf);
	bytes = read_all(fd, size);
	close(fd);
	return bytes;
}

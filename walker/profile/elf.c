// SPDX-License-Identifier: GPL-2.0-only
/*
 * elf.c - symbols and types from a kernel's ELF image.
 *
 * Format: System V ABI, ELF-64 object file format; .BTF as pahole or gcc -gbtf
 * write it (Linux Documentation/bpf/btf.rst). libelf finds the sections; what
 * they hold is checked here, since an image may be cut short or forged.
 */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "walker/profile/profile_impl.h"

struct image {
	Elf *elf;
	const char *name;	/* for messages */
	size_t size;
	size_t section_names;
};

static bool image_malformed(const struct image *image, struct err *err, const char *what)
{
	return err_set(err, ERR_MALFORMED, 0, "%s: malformed ELF image: %s", image->name, what);
}

static bool check_ident(const char *name, const uint8_t *bytes, size_t size, struct err *err)
{
	Elf64_Ehdr header;

	if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_TARGET, 0, "%s: not an ELF image", name);
	if (size < sizeof(header))
		return err_set(err, ERR_TARGET, 0, "%s: truncated ELF image", name);
	memcpy(&header, bytes, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, ERR_TARGET, 0,
			       "%s: not a little-endian ELF64 image", name);
	if (header.e_machine != EM_X86_64)
		return err_set(err, ERR_TARGET, 0, "%s: not an x86-64 image (machine %u)",
			       name, header.e_machine);
	/* libelf takes a file whose section headers are cut off for one without any. */
	if (header.e_shoff > size || (uint64_t)header.e_shnum * sizeof(Elf64_Shdr) >
	    size - header.e_shoff)
		return err_set(err, ERR_TARGET, 0, "%s: truncated ELF image", name);
	return true;
}

/* The first section of a type (and name, unless NULL), or NULL. */
static Elf_Scn *find_section(const struct image *image, uint32_t type, const char *name,
			     GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(image->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, header) || header->sh_type != type)
			continue;
		if (!name)
			return section;
		found = elf_strptr(image->elf, image->section_names, header->sh_name);
		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

/* The bytes of a section that really is inside the file. */
static const uint8_t *section_bytes(const struct image *image, Elf_Scn *section,
				    const GElf_Shdr *header, size_t *size)
{
	Elf_Data *data;

	if (header->sh_offset > image->size || header->sh_size > image->size - header->sh_offset)
		return NULL;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf || data->d_size != header->sh_size)
		return NULL;
	*size = data->d_size;
	return data->d_buf;
}

static bool add_symbol(struct symbols *symbols, const Elf64_Sym *symbol, const char *strings,
		       size_t strings_size, struct err *err)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);
	unsigned bind = ELF64_ST_BIND(symbol->st_info);
	enum symbol_binding binding = bind == STB_GLOBAL ? SYMBOL_GLOBAL :
				      bind == STB_WEAK ? SYMBOL_WEAK : SYMBOL_LOCAL;
	const char *name = strings + symbol->st_name;
	size_t length;

	if (symbol->st_shndx == SHN_UNDEF || type == STT_SECTION || type == STT_FILE)
		return true;
	/* A name that runs out of the table is no name; the others stay good. */
	if (symbol->st_name >= strings_size)
		return true;
	length = strnlen(name, strings_size - symbol->st_name);
	if (length == strings_size - symbol->st_name)
		return true;
	return symbols_add(symbols, name, length, symbol->st_value, symbol->st_size, binding,
			   err);
}

static bool read_symbols(const struct image *image, struct symbols *symbols, struct err *err)
{
	GElf_Shdr header, strings_header;
	Elf_Scn *section = find_section(image, SHT_SYMTAB, NULL, &header);
	Elf_Scn *strings_section;
	const uint8_t *table, *strings;
	size_t size, strings_size;

	if (!section)
		return err_set(err, ERR_MISSING, 0,
			       "%s: the kernel image has no symbol table: do not strip it",
			       image->name);
	if (header.sh_entsize != sizeof(Elf64_Sym))
		return image_malformed(image, err, "symbols of a strange size");
	table = section_bytes(image, section, &header, &size);
	if (!table)
		return image_malformed(image, err, "symbol table outside the file");
	strings_section = elf_getscn(image->elf, header.sh_link);
	if (!strings_section || !gelf_getshdr(strings_section, &strings_header) ||
	    strings_header.sh_type != SHT_STRTAB)
		return image_malformed(image, err, "symbol table without a string table");
	strings = section_bytes(image, strings_section, &strings_header, &strings_size);
	if (!strings)
		return image_malformed(image, err, "string table outside the file");

	for (size_t at = 0; size - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;

		memcpy(&symbol, table + at, sizeof(symbol));
		if (!add_symbol(symbols, &symbol, (const char *)strings, strings_size, err))
			return false;
	}
	if (!symbols_count(symbols))
		return err_set(err, ERR_MISSING, 0, "%s: the kernel image's symbol table is empty",
			       image->name);
	return symbols_seal(symbols, err);
}

static struct types *read_types(const struct image *image, struct err *err)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(image, SHT_PROGBITS, ".BTF", &header);
	const uint8_t *bytes;
	size_t size;

	if (!section) {
		err_set(err, ERR_MISSING, 0,
			"%s: the kernel image has no .BTF section: build it with pahole -J",
			image->name);
		return NULL;
	}
	bytes = section_bytes(image, section, &header, &size);
	if (!bytes) {
		image_malformed(image, err, ".BTF section outside the file");
		return NULL;
	}
	return types_from_btf(bytes, size, err);
}

/* Opens the bytes as an ELF image; image->elf is to be ended also where it fails. */
static bool image_open(struct image *image, const void *bytes, size_t size, const char *name,
		       struct err *err)
{
	*image = (struct image){ .name = name, .size = size };
	if (!check_ident(name, bytes, size, err))
		return false;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_set(err, ERR_UNSUPPORTED, 0, "libelf is too old");
	/* libelf takes a plain pointer but only reads an image of our own byte order. */
	image->elf = elf_memory((char *)(uintptr_t)bytes, size);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF ||
	    elf_getshdrstrndx(image->elf, &image->section_names) != 0)
		return image_malformed(image, err, "no section headers");
	return true;
}

static void image_close(struct image *image)
{
	if (image->elf)
		elf_end(image->elf);
}

struct symbols *symbols_from_elf(const void *bytes, size_t size, const char *name,
				 struct err *err)
{
	struct symbols *symbols = symbols_new(err);
	struct image image = { 0 };

	if (!symbols)
		return NULL;
	if (!image_open(&image, bytes, size, name, err) || !read_symbols(&image, symbols, err)) {
		symbols_free(symbols);
		symbols = NULL;
	}
	image_close(&image);
	return symbols;
}

struct types *types_from_elf(const void *bytes, size_t size, const char *name, struct err *err)
{
	struct image image;
	struct types *types = NULL;

	if (image_open(&image, bytes, size, name, err))
		types = read_types(&image, err);
	image_close(&image);
	return types;
}

bool elf_bytes_at(const void *bytes, size_t size, gva_t va, void *to, size_t wanted)
{
	struct image image;
	GElf_Phdr segment;
	size_t segments = 0;
	bool found = false;

	if (image_open(&image, bytes, size, "the image", NULL) &&
	    elf_getphdrnum(image.elf, &segments) == 0)
		for (size_t i = 0; i < segments && !found; i++) {
			uint64_t at;

			if (!gelf_getphdr(image.elf, (int)i, &segment) ||
			    segment.p_type != PT_LOAD || va < segment.p_vaddr)
				continue;
			at = va - segment.p_vaddr;
			if (at > segment.p_filesz || wanted > segment.p_filesz - at ||
			    segment.p_offset > size || at > size - segment.p_offset ||
			    wanted > size - segment.p_offset - at)
				continue;
			memcpy(to, (const uint8_t *)bytes + segment.p_offset + at, wanted);
			found = true;
		}
	image_close(&image);
	return found;
}

struct profile *profile_from_elf(const void *bytes, size_t size, const char *name,
				 struct err *err)
{
	struct symbols *symbols = symbols_from_elf(bytes, size, name, err);
	struct types *types;

	if (!symbols)
		return NULL;
	types = types_from_elf(bytes, size, name, err);
	if (!types) {
		symbols_free(symbols);
		return NULL;
	}
	return profile_from_parts(symbols, "elf:symtab", types, "elf:.BTF", err);
}

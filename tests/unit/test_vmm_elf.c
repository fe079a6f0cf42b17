/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_elf.c - the ELF loader and each way in which an image can be bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/tiny_guest.h"
#include "vmm/kvm/boot.h"

enum { RAM = 16 << 20 };

struct image {
	uint8_t bytes[TINY_IMAGE_MAX];
	size_t size;
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;
};

static void image_make(struct image *im)
{
	im->size = tiny_image(TINY_HELLO, im->bytes);
	im->eh = (Elf64_Ehdr *)im->bytes;
	im->ph = (Elf64_Phdr *)(im->eh + 1);
}

static void no_elf(struct image *im) { im->bytes[1] = 'X'; }
static void empty(struct image *im) { im->size = 0; }
static void only_magic(struct image *im) { im->size = 4; }
static void half_header(struct image *im) { im->size = 40; }
static void no_phdrs(struct image *im) { im->size = 64; }
static void half_phdr(struct image *im) { im->size = 100; }
static void half_segment(struct image *im) { im->size -= 4; }
static void class32(struct image *im) { im->bytes[EI_CLASS] = ELFCLASS32; }
static void big_endian(struct image *im) { im->bytes[EI_DATA] = ELFDATA2MSB; }
static void arm(struct image *im) { im->eh->e_machine = EM_AARCH64; }
static void shared(struct image *im) { im->eh->e_type = ET_DYN; }
static void nothing(struct image *im) { im->ph->p_type = PT_NOTE; }
static void no_memory(struct image *im) { im->ph->p_memsz = im->ph->p_filesz = 0; }
static void beyond(struct image *im) { im->ph->p_paddr = RAM; }
static void end_beyond(struct image *im) { im->ph->p_memsz = RAM; }
static void wraps(struct image *im) { im->ph->p_paddr = ~0xfffull; }
static void huge(struct image *im) { im->ph->p_memsz = UINT64_MAX; }
static void on_boot_data(struct image *im) { im->ph->p_paddr = BOOT_END - 1; }
static void at_zero(struct image *im) { im->ph->p_paddr = 0; }
static void file_larger(struct image *im) { im->ph->p_memsz = im->ph->p_filesz - 1; }
static void offset_wraps(struct image *im) { im->ph->p_offset = UINT64_MAX - 4; }
static void entry_off(struct image *im) { im->eh->e_entry = TINY_LOAD - 1; }
static void entry_virtual(struct image *im) { im->eh->e_entry = 0xffffffff80100000; }
static void phoff_wild(struct image *im) { im->eh->e_phoff = 0x7fffffffffffff00; }
static void many_phdrs(struct image *im) { im->eh->e_phnum = 0xfffe; }

static void overlapping(struct image *im)
{
	memmove(im->ph + 2, im->ph + 1, im->size - sizeof(*im->eh) - sizeof(*im->ph));
	im->ph[1] = im->ph[0];
	im->ph[1].p_paddr = TINY_LOAD + 0x10;
	im->ph[0].p_offset += sizeof(*im->ph);
	im->ph[1].p_offset += sizeof(*im->ph);
	im->eh->e_phnum = 2;
	im->size += sizeof(*im->ph);
}

static const struct {
	const char *name;
	void (*mutate)(struct image *);
	const char *says;
} bad[] = {
	{ "no_elf", no_elf, "not an ELF file" },
	{ "empty", empty, "not an ELF file" },
	{ "only_magic", only_magic, "truncated ELF file" },
	{ "half_header", half_header, "truncated ELF file" },
	{ "no_phdrs", no_phdrs, "truncated" },
	{ "half_phdr", half_phdr, "truncated" },
	{ "half_segment", half_segment, "truncated: segment at 0x100000" },
	{ "class32", class32, "not a 64-bit ELF file" },
	{ "big_endian", big_endian, "not a little-endian ELF file" },
	{ "arm", arm, "for machine 183, not x86-64" },
	{ "shared", shared, "not an executable with fixed addresses" },
	{ "nothing", nothing, "no PT_LOAD segment" },
	{ "no_memory", no_memory, "no PT_LOAD segment" },
	{ "beyond", beyond, "segment at 0x1000000, 4 KiB, is outside the guest's RAM" },
	{ "end_beyond", end_beyond, "is outside the guest's RAM" },
	{ "wraps", wraps, "is outside the guest's RAM" },
	{ "huge", huge, "is outside the guest's RAM" },
	{ "on_boot_data", on_boot_data, "segment at 0xffff overlaps the boot data below 0x10000" },
	{ "at_zero", at_zero, "overlaps the boot data" },
	{ "file_larger", file_larger, "larger in the file than in memory" },
	{ "offset_wraps", offset_wraps, "truncated: segment at 0x100000" },
	{ "entry_off", entry_off, "entry 0xfffff is in no segment" },
	{ "entry_virtual", entry_virtual, "entry 0xffffffff80100000 is in no segment" },
	{ "phoff_wild", phoff_wild, "truncated" },
	{ "many_phdrs", many_phdrs, "truncated" },
	{ "overlapping", overlapping, "segments at 0x100000 and 0x100010 overlap" },
};

static void bad_images_are_refused_by_name(void **state)
{
	struct memory *mem = *state;
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct image im;
		struct err e = { 0 };
		uint8_t *copy;
		gpa_t entry;
		bool ok;

		image_make(&im);
		bad[i].mutate(&im);
		/* On the heap, so that ASan sees a read past the end. */
		copy = malloc(im.size ? im.size : 1);
		memcpy(copy, im.bytes, im.size);
		ok = boot_load_elf(mem, copy, im.size, "img", &entry, &e);
		free(copy);
		if (!ok && e.code == ERR_TARGET && !strncmp(e.message, "img: ", 5) &&
		    strstr(e.message, bad[i].says))
			continue;
		print_message("%s: %s\n", bad[i].name, ok ? "loaded" : e.message);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	for (gpa_t at = 0; at < RAM; at += 4096)
		assert_memory_equal(memory_at(mem, at, 8), "\0\0\0\0\0\0\0\0", 8);
}

static void any_broken_byte_is_survived(void **state)
{
	struct memory *mem = *state;
	unsigned loaded = 0;

	for (size_t i = 0; i < sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr); i++) {
		static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

		for (size_t v = 0; v < sizeof(values); v++) {
			struct image im;
			uint8_t *copy;
			gpa_t entry;

			image_make(&im);
			im.bytes[i] = values[v];
			copy = malloc(im.size);
			memcpy(copy, im.bytes, im.size);
			loaded += boot_load_elf(mem, copy, im.size, "img", &entry, NULL);
			free(copy);
		}
	}
	/* Some bytes do not matter (padding, section headers), most do. */
	assert_in_range(loaded, 1, 400);
}

static void good_image_is_loaded(void **state)
{
	struct memory *mem = *state;
	struct image im;
	gpa_t entry = 0;

	image_make(&im);
	assert_true(boot_load_elf(mem, im.bytes, im.size, "img", &entry, NULL));
	assert_int_equal(entry, TINY_LOAD);
	assert_memory_equal(memory_at(mem, TINY_LOAD, im.ph->p_filesz),
			    im.bytes + im.ph->p_offset, im.ph->p_filesz);
}

static void boot_tables_map_one_to_one(void **state)
{
	struct memory *mem = *state;
	static char longest[BOOT_CMDLINE_MAX + 2];
	const uint64_t *pml4 = memory_at(mem, BOOT_PML4, 4096);
	const uint64_t *pdpt = memory_at(mem, BOOT_PDPT, 4096);
	struct err e;

	memset(longest, 'x', BOOT_CMDLINE_MAX + 1);
	assert_false(boot_write_tables(mem, 1, longest, &e));
	assert_non_null(strstr(e.message, "--append"));
	longest[BOOT_CMDLINE_MAX] = '\0';
	assert_true(boot_write_tables(mem, 1, longest, &e));
	assert_int_equal(pml4[0], BOOT_PDPT | 3);
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t *pd = memory_at(mem, pdpt[i] & ~0xfffull, 4096);

		for (uint64_t j = 0; j < 512; j++)
			assert_true(pd[j] == ((uint64_t)i << 30 | j << 21 | 0x83));
	}
	assert_int_equal(pdpt[4], 0);
	assert_string_equal(memory_at(mem, BOOT_CMDLINE, 4096), longest);
}

static int setup(void **state)
{
	static struct memory mem;

	*state = &mem;
	return memory_create(&mem, RAM, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
	memory_destroy(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_images_are_refused_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(any_broken_byte_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(good_image_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(boot_tables_map_one_to_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

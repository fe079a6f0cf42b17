// SPDX-License-Identifier: GPL-2.0-only
/* synth_guest.c - memory, image and fields of the synthetic guest; see synth_guest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_internal.h"

void synth_fail(const char *what)
{
	fprintf(stderr, "synth_guest: %s\n", what);
	abort();
}

/* --- memory --- */

gpa_t synth_gpa(struct synth_guest *g, gva_t va)
{
	uint64_t ram = g->options.frames * PT_FRAME_SIZE;

	if (va >= SYNTH_IMAGE_VA && va - SYNTH_IMAGE_VA < SYNTH_IMAGE_FRAMES * PT_FRAME_SIZE)
		return va - SYNTH_IMAGE_VA + SYNTH_IMAGE_GPA;
	if (va >= g->direct && va - g->direct < ram)
		return va - g->direct;
	if (va >= g->memmap_va && va - g->memmap_va < g->options.frames * 64)
		return va - g->memmap_va + g->memmap;
	fprintf(stderr, "synth_guest: 0x%" PRIx64 " is nowhere\n", va);
	abort();
}

gva_t synth_va(struct synth_guest *g, gpa_t gpa)
{
	return g->direct + gpa;
}

void *synth_host(struct synth_guest *g, gpa_t gpa)
{
	return buffer_machine_at(g->machine, gpa);
}

void synth_write(struct synth_guest *g, gva_t va, const void *bytes, size_t size)
{
	memcpy(synth_host(g, synth_gpa(g, va)), bytes, size);
}

uint64_t synth_read_u64(struct synth_guest *g, gva_t va)
{
	return buffer_machine_get(g->machine, synth_gpa(g, va));
}

void synth_write_u64(struct synth_guest *g, gva_t va, uint64_t value)
{
	buffer_machine_set(g->machine, synth_gpa(g, va), value);
}

static bool in_hole(const struct synth_guest *g, pfn_t pfn)
{
	return pfn >= g->options.hole_first && pfn < g->options.hole_end;
}

pfn_t synth_frame(struct synth_guest *g)
{
	while (in_hole(g, g->next_free))
		g->next_free++;
	if (g->next_free >= g->options.frames)
		synth_fail("out of frames: ask for more RAM");
	synth_page_set(g, g->next_free, "_refcount.counter", 1);
	return g->next_free++;
}

gva_t synth_object(struct synth_guest *g)
{
	if (g->slab == g->slab_end) {
		pfn_t pfn = synth_frame(g);

		g->slab = pfn_to_gpa(pfn);
		g->slab_end = g->slab + PT_FRAME_SIZE;
		if (g->options.types == SYNTH_TYPES_PGTY)
			synth_page_set(g, pfn, "page_type", 0xf5000000);
		else
			synth_page_flag(g, pfn, "PG_slab", true);
	}
	g->slab += SYNTH_OBJECT;
	return synth_va(g, g->slab - SYNTH_OBJECT);
}

void synth_unreadable(struct synth_guest *g, pfn_t pfn)
{
	buffer_machine_set_unreadable(g->machine, pfn);
}

/* --- fields --- */

gva_t synth_member(struct synth_guest *g, gva_t object, const char *type, const char *member)
{
	uint32_t offset, size;

	synth_layout_find(&g->options, type, member, &offset, &size);
	return object + offset;
}

void synth_set(struct synth_guest *g, gva_t object, const char *type, const char *member,
	       uint64_t value)
{
	uint32_t offset, size;

	synth_layout_find(&g->options, type, member, &offset, &size);
	if (size > sizeof(value))
		synth_fail("a member wider than 8 bytes");
	synth_write(g, object + offset, &value, size);
}

uint64_t synth_get(struct synth_guest *g, gva_t object, const char *type, const char *member)
{
	uint32_t offset, size;
	uint64_t value = 0;

	synth_layout_find(&g->options, type, member, &offset, &size);
	if (size > sizeof(value))
		synth_fail("a member wider than 8 bytes");
	memcpy(&value, synth_host(g, synth_gpa(g, object + offset)), size);
	return value;
}

gva_t synth_page(struct synth_guest *g, pfn_t pfn)
{
	if (pfn >= g->options.frames)
		synth_fail("no such frame");
	return g->memmap_va + pfn * synth_layout_sizeof("page");
}

/* Newer kernels describe tables by ptdesc, which lies over page. */
static const char *page_struct(struct synth_guest *g, const char *member)
{
	return synth_layout_has(&g->options, "page", member) ? "page" : "ptdesc";
}

void synth_page_set(struct synth_guest *g, pfn_t pfn, const char *member, uint64_t value)
{
	synth_set(g, synth_page(g, pfn), page_struct(g, member), member, value);
}

uint64_t synth_page_get(struct synth_guest *g, pfn_t pfn, const char *member)
{
	return synth_get(g, synth_page(g, pfn), page_struct(g, member), member);
}

void synth_page_flag(struct synth_guest *g, pfn_t pfn, const char *flag, bool on)
{
	static const struct { const char *name; unsigned bit; } flags[] = {
		{ "PG_locked", 0 }, { "PG_dirty", 4 }, { "PG_lru", 5 }, { "PG_slab", 9 },
		{ "PG_reserved", 12 }, { "PG_hwpoison", 20 },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		uint64_t bit = 1ull << flags[i].bit;
		uint64_t old = synth_page_get(g, pfn, "flags");

		if (strcmp(flags[i].name, flag) != 0)
			continue;
		synth_page_set(g, pfn, "flags", on ? old | bit : old & ~bit);
		return;
	}
	synth_fail("no such page flag");
}

/* --- lists --- */

void synth_list_init(struct synth_guest *g, gva_t head)
{
	synth_write_u64(g, head, head);
	synth_write_u64(g, head + 8, head);
}

void synth_list_add_tail(struct synth_guest *g, gva_t node, gva_t head)
{
	gva_t last = synth_read_u64(g, head + 8);

	synth_write_u64(g, node, head);
	synth_write_u64(g, node + 8, last);
	synth_write_u64(g, last, node);
	synth_write_u64(g, head + 8, node);
}

void synth_list_del(struct synth_guest *g, gva_t node)
{
	gva_t next = synth_read_u64(g, node), last = synth_read_u64(g, node + 8);

	synth_write_u64(g, last, next);
	synth_write_u64(g, next + 8, last);
	synth_list_init(g, node);
}

/* --- the kernel image --- */

gva_t synth_symbol(struct synth_guest *g, const char *name)
{
	for (unsigned i = 0; i < g->symbol_count; i++)
		if (strcmp(g->symbols[i].name, name) == 0)
			return g->symbols[i].at;
	synth_fail("no such symbol");
	return 0;
}

static void add_symbol(struct synth_guest *g, const char *name, gva_t *at, uint64_t size)
{
	g->symbols[g->symbol_count++] = (struct synth_symbol){ name, *at, size };
	*at += (size + 63) & ~63ull;
}

/* A word of the image that holds a value. */
static void add_word(struct synth_guest *g, const char *name, gva_t *at, uint64_t value)
{
	synth_write_u64(g, *at, value);
	add_symbol(g, name, at, 8);
}

static void make_symbols(struct synth_guest *g)
{
	static const uint64_t per_cpu_base[SYNTH_VCPUS] = { 0, SYNTH_OBJECT };
	gva_t at = SYNTH_IMAGE_VA;
	const struct synth_options *o = &g->options;

	add_symbol(g, "_text", &at, PT_FRAME_SIZE * 2);
	/* The PGDs; with PTI the second frame is the user half. */
	add_symbol(g, "init_top_pgt", &at, PT_FRAME_SIZE * (o->pti ? 2 : 1));
	at = SYNTH_IMAGE_VA + 4 * PT_FRAME_SIZE;
	add_symbol(g, "init_task", &at, SYNTH_OBJECT);
	add_symbol(g, "init_signals", &at, SYNTH_OBJECT);
	add_symbol(g, "init_mm", &at, SYNTH_OBJECT);
	add_symbol(g, "efi_mm", &at, SYNTH_OBJECT);
	add_symbol(g, "init_uts_ns", &at, SYNTH_OBJECT);
	add_symbol(g, "pgd_list", &at, 16);
	add_word(g, "phys_base", &at, SYNTH_IMAGE_GPA - (SYNTH_IMAGE_VA - 0xffffffff80000000ull));
	add_word(g, "__pgtable_l5_enabled", &at, g->levels == 5);
	add_word(g, "nr_cpu_ids", &at, SYNTH_VCPUS);
	if (!o->no_bases)
		add_word(g, "page_offset_base", &at, g->direct);
	if (!o->no_bases && !o->mem_map)
		add_word(g, "vmemmap_base", &at, g->memmap_va);
	if (o->mem_map)
		add_word(g, "mem_map", &at, g->memmap_va);
	/* As in Linux, per-CPU symbols are relative to each CPU's base. */
	add_symbol(g, "runqueues", &at, 2 * SYNTH_OBJECT);
	synth_write(g, at, per_cpu_base, sizeof(per_cpu_base));
	add_symbol(g, "__per_cpu_offset", &at, sizeof(per_cpu_base));
	if (at > SYNTH_IMAGE_VA + SYNTH_IMAGE_FRAMES * PT_FRAME_SIZE)
		synth_fail("the image is too small");
}

static void make_objects(struct synth_guest *g)
{
	gva_t task = synth_symbol(g, "init_task"), mm = synth_symbol(g, "init_mm");
	gva_t efi_mm = synth_symbol(g, "efi_mm"), uts = synth_symbol(g, "init_uts_ns");
	const char *release = g->options.types == SYNTH_TYPES_PGTY ? SYNTH_RELEASE_PGTY :
			      g->options.types == SYNTH_TYPES_6_1 ? SYNTH_RELEASE_6_1 :
			      SYNTH_RELEASE_5_10;

	synth_list_init(g, synth_symbol(g, "pgd_list"));
	synth_set(g, mm, "mm_struct", "pgd", synth_symbol(g, "init_top_pgt"));
	synth_set(g, mm, "mm_struct", "mm_users.counter", 2);
	synth_set(g, mm, "mm_struct", "mm_count.counter", 1);
	synth_list_init(g, synth_member(g, mm, "mm_struct", "mmlist"));
	synth_list_init(g, synth_member(g, efi_mm, "mm_struct", "mmlist"));
	synth_write(g, synth_member(g, uts, "uts_namespace", "name.release"), release,
		    strlen(release) + 1);

	synth_list_init(g, synth_member(g, task, "task_struct", "tasks"));
	synth_write(g, synth_member(g, task, "task_struct", "comm"), "swapper/0", 10);
	synth_set(g, task, "task_struct", "active_mm", mm);
	if (!g->options.no_threads) {
		gva_t signals = synth_symbol(g, "init_signals");
		gva_t threads = synth_member(g, signals, "signal_struct", "thread_head");

		synth_set(g, task, "task_struct", "signal", signals);
		synth_list_init(g, threads);
		synth_list_add_tail(g, synth_member(g, task, "task_struct", "thread_node"),
				    threads);
	}
}

void synth_idle_borrows(struct synth_guest *g, gva_t mm)
{
	gva_t rq = synth_symbol(g, "runqueues") + SYNTH_OBJECT;
	gva_t idle = synth_object(g);

	synth_set(g, idle, "task_struct", "active_mm", mm);
	synth_write(g, synth_member(g, idle, "task_struct", "comm"), "swapper/1", 10);
	synth_set(g, rq, "rq", "idle", idle);
}

/* --- making and opening --- */

static void make_memmap(struct synth_guest *g)
{
	for (pfn_t pfn = 0; pfn < g->options.frames; pfn++)
		if (!in_hole(g, pfn))
			synth_write(g, synth_member(g, synth_page(g, pfn), "page", "_mapcount"),
				    "\xff\xff\xff\xff", 4);
}

static void make_machine(struct synth_guest *g)
{
	const struct synth_options *o = &g->options;
	uint64_t hole = o->hole_first * PT_FRAME_SIZE, above = o->hole_end * PT_FRAME_SIZE;
	uint64_t end = o->frames * PT_FRAME_SIZE;

	g->machine = buffer_machine_new(SYNTH_VCPUS);
	if (o->hole_end <= o->hole_first) {
		buffer_machine_add(g->machine, 0, end, !o->by_view);
		return;
	}
	if (o->hole_first < g->next_free || o->hole_end >= o->frames)
		synth_fail("the hole takes what the kernel needs");
	buffer_machine_add(g->machine, 0, hole, !o->by_view);
	buffer_machine_add(g->machine, above, end - above, !o->by_view);
}

struct synth_guest *synth_new(const struct synth_options *options)
{
	struct synth_guest *g = calloc(1, sizeof(*g));
	uint64_t memmap_bytes;

	if (!g)
		synth_fail("out of memory");
	if (options)
		g->options = *options;
	if (!g->options.levels)
		g->options.levels = 4;
	if (!g->options.frames)
		g->options.frames = 4096;
	g->levels = g->options.levels;
	if (!g->options.no_bases)
		g->direct = g->options.slide;
	g->direct += g->levels == 5 ? 0xff11000000000000ull : 0xffff888000000000ull;
	g->memmap = pfn_to_gpa(SYNTH_MEMMAP_FRAME);
	g->memmap_va = g->options.mem_map ? g->direct + g->memmap :
		       (g->levels == 5 ? 0xffd4000000000000ull : 0xffffea0000000000ull) +
		       (g->options.no_bases ? 0 : g->options.slide);
	memmap_bytes = g->options.frames * synth_layout_sizeof("page");
	g->next_boot = SYNTH_BOOT_FRAME;
	g->next_free = SYNTH_MEMMAP_FRAME + (memmap_bytes + PT_FRAME_SIZE - 1) / PT_FRAME_SIZE;
	if (g->next_free + 64 > g->options.frames)
		synth_fail("too little RAM");

	make_machine(g);
	make_memmap(g);
	make_symbols(g);
	make_objects(g);
	synth_boot_tables(g);
	for (unsigned i = 0; i < SYNTH_VCPUS; i++)
		synth_load(g, i, synth_init_mm(g), false);
	g->image = synth_layout_image(&g->options, g->symbols, &g->image_size);
	return g;
}

void synth_free(struct synth_guest *g)
{
	if (!g)
		return;
	kernel_close(g->kernel);
	profile_free(g->profile);
	machine_close(g->machine);
	free(g->image);
	free(g);
}

struct machine *synth_machine(struct synth_guest *g)
{
	return g->machine;
}

const void *synth_image(struct synth_guest *g, size_t *size)
{
	*size = g->image_size;
	return g->image;
}

const struct profile *synth_profile(struct synth_guest *g)
{
	struct err err = { 0 };

	if (!g->profile)
		g->profile = profile_from_elf(g->image, g->image_size, "synth", &err);
	if (!g->profile)
		synth_fail(err.message);
	return g->profile;
}

struct kernel *synth_kernel(struct synth_guest *g)
{
	struct err err = { 0 };

	if (!g->kernel)
		g->kernel = kernel_open(g->machine, synth_profile(g), &err);
	if (!g->kernel)
		synth_fail(err.message);
	return g->kernel;
}

void synth_load(struct synth_guest *g, unsigned vcpu, gva_t mm, bool user)
{
	pfn_t root = user && g->options.pti ? synth_user_pgd(g, mm) : synth_pgd(g, mm);
	struct x86_regs regs = {
		.rip = user ? 0x400000 : SYNTH_IMAGE_VA + 0x100,
		.rflags = 0x202,
		.cr0 = X86_CR0_PG | X86_CR0_WP | X86_CR0_PE,
		.cr3 = pfn_to_gpa(root),
		.cr4 = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_MCE |
		       (g->levels == 5 ? X86_CR4_LA57 : 0),
		.efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
		.cpl = user ? 3 : 0,
		.maxphyaddr = 40,
		.huge_1g = true,
	};

	buffer_machine_set_regs(g->machine, vcpu, &regs);
}

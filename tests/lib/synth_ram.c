// SPDX-License-Identifier: GPL-2.0-only
/* synth_ram.c - see synth_ram.h. */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_layout.h"
#include "tests/lib/synth_ram.h"

enum {
	FUNCTIONS = 3000,
	SYMBOLS_MAX = FUNCTIONS + 64,
	USER_PGD = SYNTH_RAM_PGD + 0x1000,
	TABLES = 0x10000,	/* page tables, one after the other */
	HUGE = 2 << 20,
};

#define KERNEL_MAP 0xffffffff80000000ull
#define DIRECT_4LEVEL 0xffff888000000000ull
#define DIRECT_5LEVEL 0xff11000000000000ull
#define ENTRY_TABLE (X86_PTE_P | X86_PTE_W | X86_PTE_A | X86_PTE_D)
#define ENTRY_HUGE (ENTRY_TABLE | X86_PTE_PSE | X86_PTE_G)

static const struct encode_form forms[SYNTH_RAM_KERNELS] = {
	[SYNTH_RAM_5_10] = { .tables_first = true, .per_cpu = true, .align = 8 },
	[SYNTH_RAM_6_1] = { .tables_first = true, .per_cpu = true, .long_names = true,
			    .align = 8 },
	[SYNTH_RAM_6_2] = { .tables_first = true, .per_cpu = true, .long_names = true,
			    .seqs_early = true, .align = 8 },
	[SYNTH_RAM_6_12] = { .per_cpu = true, .long_names = true, .align = 8 },
	[SYNTH_RAM_6_15] = { .long_names = true, .align = 8 },
	[SYNTH_RAM_7_2] = { .own_place = true, .long_names = true, .align = 4 },
};

static const char *const releases[SYNTH_RAM_KERNELS] = {
	"5.10.0-synth", "6.1.0-synth", "6.2.0-synth", "6.12.0-synth", "6.15.0-synth",
	"7.2.0-synth",
};

static gva_t direct_map(const struct synth_ram *r)
{
	return r->options.five_level ? DIRECT_5LEVEL : DIRECT_4LEVEL;
}

static void add(struct synth_ram *r, const char *name, char type, uint64_t at)
{
	struct encode_symbol *s = &r->symbols[r->symbol_count++];

	if (r->symbol_count > SYMBOLS_MAX)
		abort();
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->type = type;
	s->at = at;
}

static int by_address(const void *one, const void *other)
{
	const struct encode_symbol *a = one, *b = other;

	return a->at < b->at ? -1 : a->at > b->at;
}

static void make_symbols(struct synth_ram *r)
{
	bool per_cpu = forms[r->options.kernel].per_cpu;
	char name[512];

	add(r, "_text", 'T', r->text);
	add(r, "_stext", 'T', r->text);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		snprintf(name, sizeof(name), i % 7 ? "function_%u" : "init_%u_once", i);
		add(r, name, i % 3 ? 't' : 'T', r->text + 0x20000 + 16ull * i);
	}
	add(r, "twice", 't', r->text + 0x10);
	add(r, "twice", 't', r->text + 0x20);
	add(r, "weak_one", 'W', r->text + 0x30);
	if (forms[r->options.kernel].long_names) {
		memset(name, 'Q', 300);
		name[300] = '\0';
		add(r, name, 't', r->text + 0x40);
	}
	if (!r->options.functions_only) {
		add(r, "linux_banner", 'D', r->text + SYNTH_RAM_BANNER);
		add(r, "init_task", 'D', r->text + SYNTH_RAM_INIT_TASK);
		add(r, "init_mm", 'D', r->text + SYNTH_RAM_INIT_MM);
		add(r, "init_top_pgt", 'D', r->text + SYNTH_RAM_PGD);
		add(r, "phys_base", 'D', r->text + SYNTH_RAM_PHYS_BASE);
		add(r, "__pgtable_l5_enabled", 'D', r->text + SYNTH_RAM_L5);
		add(r, "vmcoreinfo_data", 'B', r->text + SYNTH_RAM_INFO_POINTER);
		add(r, "runqueues", per_cpu ? 'A' : 'D', per_cpu ? 0x31980 : r->text + 0x300000);
		if (per_cpu)
			add(r, "fixed_percpu_data", 'A', 0);
	}
	if (!r->options.no_btf && !r->options.no_btf_symbols) {
		add(r, "__start_BTF", 'R', r->text + SYNTH_RAM_BTF);
		add(r, "__stop_BTF", 'R', r->text + SYNTH_RAM_BTF + r->btf_size);
	}
	qsort(r->symbols, r->symbol_count, sizeof(*r->symbols), by_address);
}

static void put_btf(struct synth_ram *r)
{
	static const struct synth_options layout = { .types = SYNTH_TYPES_PGTY };
	struct btf *btf = synth_layout_btf(&layout);
	uint32_t size, comm, ignored;
	const void *bytes = btf__raw_data(btf, &size);

	if (!bytes || size > SYNTH_RAM_IMAGE_SIZE - SYNTH_RAM_BTF)
		abort();
	r->btf_size = size;
	if (!r->options.no_btf)
		memcpy(r->image + SYNTH_RAM_BTF, bytes, size);
	btf__free(btf);
	synth_layout_find(&layout, "task_struct", "comm", &comm, &ignored);
	strcpy((char *)r->image + SYNTH_RAM_INIT_TASK + comm, "swapper/0");
}

static void put_word(struct synth_ram *r, size_t at, uint64_t value)
{
	memcpy(r->image + at, &value, sizeof(value));
}

static uint64_t image_entry(size_t at, uint64_t flags)
{
	return (SYNTH_RAM_IMAGE + at) | flags;
}

/* One table per level below the PGD for the image, then those of the direct map. */
static void put_tables(struct synth_ram *r)
{
	unsigned levels = r->options.five_level ? 5 : 4;
	size_t image = SYNTH_RAM_PGD, direct = SYNTH_RAM_PGD, user = USER_PGD;
	size_t next = TABLES;
	gva_t text = r->text;

	for (unsigned level = levels - 1; level > 1; level--) {
		unsigned shift = 12 + 9 * level;

		put_word(r, image + 8 * (text >> shift & 511), image_entry(next, ENTRY_TABLE));
		image = next;
		put_word(r, direct + 8 * (direct_map(r) >> shift & 511),
			 image_entry(next + 0x1000, ENTRY_TABLE));
		direct = next + 0x1000;
		put_word(r, user + 8 * (text >> shift & 511),
			 image_entry(next + 0x2000, ENTRY_TABLE));
		user = next + 0x2000;
		next += 0x3000;
	}
	for (unsigned i = 0; i < SYNTH_RAM_IMAGE_SIZE / HUGE; i++)
		put_word(r, image + 8 * ((text >> 21 & 511) + i),
			 image_entry(i * HUGE, ENTRY_HUGE));
	for (unsigned i = 0; i < SYNTH_RAM_SIZE / HUGE; i++)
		put_word(r, direct + 8 * i, (uint64_t)i * HUGE | ENTRY_HUGE);
	/* Entry text alone, as far as user mode needs it. */
	put_word(r, user + 8 * (text >> 21 & 511), image_entry(next, ENTRY_TABLE));
	put_word(r, next, image_entry(0, ENTRY_TABLE));
}

static size_t info_text(const struct synth_ram *r, char *text, size_t room)
{
	const struct encode_place *p = &r->place;
	size_t at = (size_t)snprintf(text, room,
		"OSRELEASE=%s\nBUILD-ID=0123456789abcdef\nPAGESIZE=4096\n"
		"SYMBOL(init_uts_ns)=%lx\nSYMBOL(swapper_pg_dir)=%lx\nSYMBOL(_stext)=%lx\n"
		"SIZE(page)=64\nOFFSET(page.flags)=0\nNUMBER(PG_lru)=4\n",
		r->release, r->text + 0x6000, r->text + SYNTH_RAM_PGD, r->text);

	if (r->options.kernel >= SYNTH_RAM_6_1 && !r->options.no_kallsyms) {
		at += (size_t)snprintf(text + at, room - at,
			"SYMBOL(kallsyms_names)=%lx\nSYMBOL(kallsyms_num_syms)=%lx\n"
			"SYMBOL(kallsyms_token_table)=%lx\nSYMBOL(kallsyms_token_index)=%lx\n"
			"SYMBOL(kallsyms_offsets)=%lx\n", r->text + p->names,
			r->text + p->num_syms, r->text + p->token_table,
			r->text + p->token_index, r->text + p->offsets);
		if (!forms[r->options.kernel].own_place)
			at += (size_t)snprintf(text + at, room - at,
					       "SYMBOL(kallsyms_relative_base)=%lx\n",
					       r->text + p->relative_base);
	}
	return at + (size_t)snprintf(text + at, room - at,
		"NUMBER(phys_base)=%ld\nSYMBOL(init_top_pgt)=%lx\n"
		"NUMBER(pgtable_l5_enabled)=%d\nKERNELOFFSET=%lx\nNUMBER(KERNEL_IMAGE_SIZE)="
		"1073741824\nNUMBER(sme_mask)=0\n", (long)r->phys_base,
		r->text + SYNTH_RAM_PGD, r->options.five_level, r->kaslr);
}

static void put_info(struct synth_ram *r)
{
	static const uint32_t note[] = { 11, 0, 0 };
	char text[4096];
	size_t size = info_text(r, text, sizeof(text));
	uint8_t *at;

	/* Lower in memory than the real one: a format string, and another kernel's. */
	strcpy(buffer_machine_at(r->machine, SYNTH_RAM_FORMAT_STRING), "OSRELEASE=%s\n");
	strcpy(buffer_machine_at(r->machine, SYNTH_RAM_STALE_INFO),
	       "OSRELEASE=4.19.0-gone\nSYMBOL(_stext)=ffffffff9a000000\n"
	       "NUMBER(phys_base)=1073741824\nKERNELOFFSET=19000000\n");
	put_word(r, SYNTH_RAM_INFO_POINTER, direct_map(r) + SYNTH_RAM_INFO);
	if (r->options.empty_info)
		return;
	memcpy(buffer_machine_at(r->machine, SYNTH_RAM_INFO), text, size);
	at = buffer_machine_at(r->machine, SYNTH_RAM_NOTE);
	memcpy(at, note, sizeof(note));
	memcpy(at + 4, &(uint32_t){ (uint32_t)size }, 4);
	memcpy(at + 12, "VMCOREINFO", 11);
	memcpy(at + 24, text, size);
}

static void put_regs(struct synth_ram *r)
{
	struct x86_regs regs = {
		.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP,
		.cr3 = SYNTH_RAM_IMAGE + (r->options.pti_user ? USER_PGD : SYNTH_RAM_PGD),
		.cr4 = X86_CR4_PAE | X86_CR4_PGE | (r->options.five_level ? X86_CR4_LA57 : 0),
		.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
	};

	if (!r->options.no_vcpu)
		buffer_machine_set_regs(r->machine, 0, &regs);
}

struct synth_ram *synth_ram_new(const struct synth_ram_options *options)
{
	struct synth_ram *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->options = *options;
	r->machine = buffer_machine_new(options->no_vcpu ? 0 : 1);
	buffer_machine_add(r->machine, 0, SYNTH_RAM_SIZE, !options->not_mapped);
	r->image = buffer_machine_at(r->machine, SYNTH_RAM_IMAGE);
	r->kaslr = options->no_kaslr ? 0 : 0x1c600000;
	r->text = SYNTH_RAM_LINK + r->kaslr;
	r->phys_base = SYNTH_RAM_IMAGE - (r->text - KERNEL_MAP);
	snprintf(r->release, sizeof(r->release), "%s", releases[options->kernel]);
	r->symbols = calloc(SYMBOLS_MAX, sizeof(*r->symbols));
	if (!r->symbols)
		abort();
	put_btf(r);
	make_symbols(r);
	if (!options->no_kallsyms)
		kallsyms_encode(&forms[options->kernel], r->symbols, r->symbol_count, r->image,
				SYNTH_RAM_IMAGE_SIZE, r->text, SYNTH_RAM_KALLSYMS, r->text,
				&r->place);
	if (r->place.end > SYNTH_RAM_BTF)
		abort();
	snprintf((char *)r->image + SYNTH_RAM_BANNER, 256,
		 "Linux version %s (builder@example) (gcc 12) #1 SMP\n", r->release);
	put_word(r, SYNTH_RAM_PHYS_BASE, r->phys_base);
	put_word(r, SYNTH_RAM_L5, options->five_level);
	put_tables(r);
	if (!options->no_info)
		put_info(r);
	put_regs(r);
	return r;
}

void synth_ram_free(struct synth_ram *r)
{
	machine_close(r->machine);
	free(r->symbols);
	free(r);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * format.c - x86-64 4-level and 5-level paging, as data and five functions.
 *
 * Sources: Intel SDM vol. 3A, 4.5.4 "Linear-address
 * translation with 4-level and 5-level paging", tables 4-14 to 4-20, and 4.7
 * (which reserved bits fault); AMD APM vol. 2, 5.3 to 5.4. Freestanding.
 *
 * Reserved in a present entry, so that the CPU faults with RSVD:
 *   - bits 51:MAXPHYADDR at every level (4.7);
 *   - bit 63 where EFER.NXE is 0 (4.7);
 *   - bit 7 (PS) in PML5E and PML4E (tables 4-14, 4-15), and in a PDPTE where
 *     CPUID has no 1 GiB pages (4.5.4);
 *   - bits 20:13 of a 2 MiB leaf (table 4-18), 29:13 of a 1 GiB leaf (4-16):
 *     bit 12 of these is PAT, neither address nor reserved.
 * AMD also reserves bit 8 in PML4E and non-leaf PDPTE (APM vol. 2,
 * 5.3); Intel ignores it there, and so does this file: no vendor is known here.
 */
#include "arch/x86/x86.h"
#include "arch/x86/scan.h"

/* Bits of a leaf's address field below its page size, other than PAT. */
static uint64_t leaf_low_bits(unsigned level)
{
	switch (level) {
	case 1:
		return 0x00000000001fe000ull;	/* 20:13 */
	case 2:
		return 0x000000003fffe000ull;	/* 29:13 */
	default:
		return 0;
	}
}

struct x86_masks x86_masks(const struct pt_decode *d, unsigned level)
{
	unsigned width = d->maxphyaddr;
	struct x86_masks m = { .page = 0, .reserved = 0 };

	if (width < 52)
		m.reserved |= X86_PTE_ADDR & ~((1ull << width) - 1);
	if (!d->nx)
		m.reserved |= X86_PTE_NX;
	if (level >= 3 || (level == 2 && !d->huge_1g))
		m.reserved |= X86_PTE_PSE;
	else if (level > 0)
		m.page = X86_PTE_PSE;
	m.reserved_huge = m.reserved | leaf_low_bits(level);
	return m;
}

/* The kind of an entry whose P is clear. */
static enum pt_kind absent_kind(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	if (d->soft)
		return d->soft->absent_kind(level, raw);
	return raw ? PT_SWAP : PT_NONE;
}

static enum pt_kind x86_kind(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	struct x86_masks m;

	if (!(raw & X86_PTE_P))
		return absent_kind(d, level, raw);
	m = x86_masks(d, level);
	if (raw & m.page)
		return raw & m.reserved_huge ? PT_BAD : PT_HUGE;
	if (raw & m.reserved)
		return PT_BAD;
	return level ? PT_TABLE : PT_LEAF;
}

/* An absent entry's word as the kernel means it. */
static uint64_t meant(const struct pt_decode *d, unsigned level, uint64_t raw, enum pt_kind kind)
{
	return kind == PT_PROTNONE && d->soft->protnone_raw ?
	       d->soft->protnone_raw(level, raw) : raw;
}

/*
 * A PROT_NONE entry's address is the page's that the kernel keeps there. A bad
 * entry's is what it says, reserved bits and all, so that it can be shown.
 */
static gpa_t x86_addr(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	enum pt_kind kind = x86_kind(d, level, raw);
	gpa_t addr;

	if (kind == PT_NONE || kind == PT_SWAP)
		return 0;
	addr = meant(d, level, raw, kind) & X86_PTE_ADDR;
	if (kind == PT_HUGE || (kind == PT_PROTNONE && level > 0))
		addr &= ~((1ull << (12 + 9 * level)) - 1);
	return addr;
}

static unsigned x86_rights(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	unsigned rights = 0;

	(void)level;
	if (!(raw & X86_PTE_P))
		return 0;
	if (raw & X86_PTE_W)
		rights |= PT_W;
	if (raw & X86_PTE_U)
		rights |= PT_U;
	if (!d->nx || !(raw & X86_PTE_NX))
		rights |= PT_X;
	return rights;
}

/* Appends a name where the whole of it fits; there is no libc to do it. */
static size_t put(char *buf, size_t size, size_t at, const char *name)
{
	size_t length = 0, blank = at ? 1 : 0;

	while (name[length])
		length++;
	if (at + blank + length + 1 > size)
		return at;
	if (blank)
		buf[at++] = ' ';
	for (size_t i = 0; i < length; i++)
		buf[at++] = name[i];
	buf[at] = '\0';
	return at;
}

/*
 * Names for what the bits mean in this entry: bit 7 is PSE above level 0 and
 * PAT in it, bit 8 is G in leaves only. The bits of a swap entry are the
 * kernel's own and have no names here.
 */
static char *x86_flags(const struct pt_decode *d, unsigned level, uint64_t raw,
		       char *buf, size_t size)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} plain[] = {
		{ X86_PTE_P, "P" }, { X86_PTE_W, "W" }, { X86_PTE_U, "U" },
		{ X86_PTE_PWT, "PWT" }, { X86_PTE_PCD, "PCD" },
		{ X86_PTE_A, "A" }, { X86_PTE_D, "D" },
	};
	enum pt_kind kind = x86_kind(d, level, raw);
	bool pse = level > 0 && (raw & X86_PTE_PSE);
	bool huge = pse && d->format->level[level].leaf;
	size_t at = 0;

	if (!size)
		return buf;
	buf[0] = '\0';
	if (kind == PT_NONE || kind == PT_SWAP)
		return buf;
	if (kind == PT_PROTNONE) {
		at = put(buf, size, at, "PROTNONE");
		raw = meant(d, level, raw, kind) & ~(X86_PTE_P | X86_PTE_G);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (raw & plain[i].bit)
			at = put(buf, size, at, plain[i].name);
	if (pse)
		at = put(buf, size, at, "PSE");
	if ((raw & X86_PTE_G) && (level == 0 || huge))
		at = put(buf, size, at, "G");
	if ((level == 0 && (raw & X86_PTE_PAT)) || (huge && (raw & X86_PTE_PAT_HUGE)))
		at = put(buf, size, at, "PAT");
	if (raw & X86_PTE_NX)
		at = put(buf, size, at, "NX");
	if (kind == PT_BAD)
		put(buf, size, at, "RSVD");
	return buf;
}

/* Tables of every level: 512 entries of 8 bytes, one frame (SDM 4.5.4). */
#define X86_SHAPE { .index_bits = 9, .entry_lg2 = 3 }
#define X86_PTE_LEVEL { "pte", "PT", 12, true, X86_SHAPE }
#define X86_PMD_LEVEL { "pmd", "PD", 21, true, X86_SHAPE }
#define X86_PUD_LEVEL { "pud", "PDPT", 30, true, X86_SHAPE }

const struct pt_format pt_x86_4level = {
	.name = "x86-64-4level",
	.levels = 4,
	.va_bits = 48,
	.va_signed = true,
	.level = {
		X86_PTE_LEVEL,
		X86_PMD_LEVEL,
		X86_PUD_LEVEL,
		{ "pgd", "PML4", 39, false, X86_SHAPE },
	},
	.entry_kind = x86_kind,
	.entry_addr = x86_addr,
	.entry_rights = x86_rights,
	.entry_flags = x86_flags,
	.scan = x86_scan,
};

const struct pt_format pt_x86_5level = {
	.name = "x86-64-5level",
	.levels = 5,
	.va_bits = 57,
	.va_signed = true,
	.level = {
		X86_PTE_LEVEL,
		X86_PMD_LEVEL,
		X86_PUD_LEVEL,
		{ "p4d", "PML4", 39, false, X86_SHAPE },
		{ "pgd", "PML5", 48, false, X86_SHAPE },
	},
	.entry_kind = x86_kind,
	.entry_addr = x86_addr,
	.entry_rights = x86_rights,
	.entry_flags = x86_flags,
	.scan = x86_scan,
};

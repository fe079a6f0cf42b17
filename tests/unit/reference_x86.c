// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/reference_x86.h"

/*
 * Rows of the manual (Intel SDM vol. 3A, tables 4-14 to 4-20), bit 63 first:
 *   X execute-disable   k protection key   . ignored   a address
 *   T PAT               G global           r reserved, must be 0
 *   1, 0 as it must be  D A C t U W        P present
 */
/* In groups: bits 63, 62:52, 51:48, 47:40, 39:32; 31:24, 23:16, 15:12, 11:8, 7:0. */
static const char pml[65] =
	"X" "..........." "aaaa" "aaaaaaaa" "aaaaaaaa"
	"aaaaaaaa" "aaaaaaaa" "aaaa" "...." "r.ACtUWP";
static const char table[65] =
	"X" "..........." "aaaa" "aaaaaaaa" "aaaaaaaa"
	"aaaaaaaa" "aaaaaaaa" "aaaa" "...." "0.ACtUWP";
static const char leaf_1g[65] =
	"X" "kkkk......." "aaaa" "aaaaaaaa" "aaaaaaaa"
	"aarrrrrr" "rrrrrrrr" "rrrT" "...G" "1DACtUWP";
static const char leaf_2m[65] =
	"X" "kkkk......." "aaaa" "aaaaaaaa" "aaaaaaaa"
	"aaaaaaaa" "aaarrrrr" "rrrT" "...G" "1DACtUWP";
static const char leaf_4k[65] =
	"X" "kkkk......." "aaaa" "aaaaaaaa" "aaaaaaaa"
	"aaaaaaaa" "aaaaaaaa" "aaaa" "...G" "TDACtUWP";

static int bit(uint64_t word, int n)
{
	return (int)(word >> n & 1);
}

static const char *row(const struct ref_cpu *cpu, int level, uint64_t raw)
{
	switch (level) {
	case 0:
		return leaf_4k;
	case 1:
		return bit(raw, 7) ? leaf_2m : table;
	case 2:
		/* Without 1 GiB pages a PDPTE's bit 7 is reserved like a PML4E's. */
		if (!cpu->huge_1g)
			return pml;
		return bit(raw, 7) ? leaf_1g : table;
	default:
		return pml;
	}
}

static bool reserved_bit_set(const struct ref_cpu *cpu, const char *meaning, uint64_t raw)
{
	for (int n = 0; n < 64; n++) {
		char letter = meaning[63 - n];

		if (!bit(raw, n))
			continue;
		if (letter == 'r')
			return true;
		if (letter == 'a' && n >= cpu->maxphyaddr)
			return true;
		if (letter == 'X' && !cpu->nx)
			return true;
	}
	return false;
}

/* Linux, arch/x86/include/asm/pgtable.h: pte_none() ... pgd_none(), pmd_present(). */
static enum ref_kind absent(const struct ref_cpu *cpu, int level, uint64_t raw)
{
	bool empty = true;

	for (int n = 0; n < 64; n++) {
		bool accessed_or_dirty = n == 5 || n == 6;

		if (!bit(raw, n))
			continue;
		if (cpu->linux_rules && accessed_or_dirty && level != 4)
			continue;
		empty = false;
	}
	if (empty)
		return REF_NONE;
	if (!cpu->linux_rules)
		return REF_SWAP;
	if ((level == 0 || level == 1 || level == 2) && bit(raw, 8))
		return REF_PROTNONE;
	if (level == 1 && bit(raw, 7))
		return REF_PROTNONE;
	return REF_SWAP;
}

enum ref_kind ref_kind(const struct ref_cpu *cpu, int level, uint64_t raw)
{
	const char *meaning = row(cpu, level, raw);

	if (!bit(raw, 0))
		return absent(cpu, level, raw);
	if (reserved_bit_set(cpu, meaning, raw))
		return REF_BAD;
	if (meaning == leaf_4k)
		return REF_LEAF;
	if (meaning == leaf_2m || meaning == leaf_1g)
		return REF_HUGE;
	return REF_TABLE;
}

uint64_t ref_addr(const struct ref_cpu *cpu, int level, uint64_t raw)
{
	enum ref_kind kind = ref_kind(cpu, level, raw);
	const char *meaning = row(cpu, level, raw);
	uint64_t addr = 0;

	if (kind == REF_PROTNONE)
		meaning = level == 0 ? leaf_4k : level == 1 ? leaf_2m : leaf_1g;
	for (int n = 0; n < 64; n++) {
		bool set = bit(raw, n);

		/* L1TF: a kept page's frame number is stored inverted. */
		if (kind == REF_PROTNONE)
			set = !set;
		if (meaning[63 - n] == 'a' && set)
			addr += (uint64_t)1 << n;
	}
	return addr;
}

void ref_rights(const struct ref_cpu *cpu, uint64_t raw, bool *w, bool *u, bool *x)
{
	*w = bit(raw, 0) && bit(raw, 1);
	*u = bit(raw, 0) && bit(raw, 2);
	*x = bit(raw, 0) && !(cpu->nx && bit(raw, 63));
}

static bool canonical(const struct ref_cpu *cpu, uint64_t va)
{
	int top = cpu->levels == 5 ? 56 : 47;

	for (int n = top; n < 64; n++)
		if (bit(va, n) != bit(va, top))
			return false;
	return true;
}

void ref_translate(const struct ref_cpu *cpu, const struct ref_memory *memory, uint64_t cr3,
		   uint64_t va, struct ref_translation *t)
{
	uint64_t gpa = cr3 & 0x000ffffffffff000;

	memset(t, 0, sizeof(*t));
	t->w = t->u = t->x = true;
	if (!canonical(cpu, va)) {
		t->outcome = REF_NOT_CANONICAL;
		t->w = t->u = t->x = false;
		return;
	}
	for (int level = cpu->levels - 1; ; level--) {
		uint64_t index = (va >> (12 + 9 * level)) % 512;
		const uint64_t *words;
		bool w, u, x;
		uint64_t raw;

		t->level = level;
		t->outcome = REF_NOT_MAPPED;
		if (!memory->is_ram(memory->ctx, gpa)) {
			t->outcome = REF_MALFORMED;
			break;
		}
		words = memory->frame(memory->ctx, gpa);
		if (!words) {
			t->outcome = REF_UNREADABLE;
			break;
		}
		raw = words[index];
		t->entry[t->entries] = raw;
		t->at[t->entries] = gpa + 8 * index;
		t->entries++;
		t->kind = ref_kind(cpu, level, raw);
		ref_rights(cpu, raw, &w, &u, &x);
		t->w = t->w && w;
		t->u = t->u && u;
		t->x = t->x && x;
		if (t->kind == REF_TABLE) {
			gpa = ref_addr(cpu, level, raw);
			continue;
		}
		if (t->kind == REF_BAD)
			t->outcome = REF_MALFORMED;
		if (t->kind == REF_LEAF || t->kind == REF_HUGE)
			t->outcome = REF_MAPPED;
		if (t->kind == REF_LEAF || t->kind == REF_HUGE || t->kind == REF_PROTNONE) {
			t->size = (uint64_t)4096 << 9 * level;
			t->gpa = ref_addr(cpu, level, raw) + va % t->size;
			t->outside_ram = !memory->is_ram(memory->ctx, t->gpa);
		}
		break;
	}
	if (t->outcome != REF_MAPPED)
		t->w = t->u = t->x = false;
}

struct walk {
	const struct ref_cpu *cpu;
	const struct ref_memory *memory;
	uint64_t first, last;
	struct ref_events *events;
	size_t visits;
	struct { uint64_t gpa; int level; } visited[4096];
};

static void emit(struct walk *w, struct ref_event e)
{
	struct ref_event *before = w->events->count ?
				   &w->events->event[w->events->count - 1] : NULL;

	/* Runs of empty or unread entries of one table are one event. */
	if (before && before->type == e.type && before->gpa == e.gpa &&
	    (e.type == REF_HOLE || e.type == REF_NOT_READ) && before->last + 1 == e.first &&
	    before->level == e.level) {
		before->last = e.last;
		return;
	}
	if (w->events->count == REF_EVENTS_MAX) {
		fprintf(stderr, "reference: too many events\n");
		abort();
	}
	w->events->event[w->events->count++] = e;
}

static bool was_visited(struct walk *w, uint64_t gpa, int level)
{
	for (size_t i = 0; i < w->visits; i++)
		if (w->visited[i].gpa == gpa && w->visited[i].level == level)
			return true;
	if (w->visits == sizeof(w->visited) / sizeof(w->visited[0])) {
		fprintf(stderr, "reference: too many tables\n");
		abort();
	}
	w->visited[w->visits].gpa = gpa;
	w->visited[w->visits].level = level;
	w->visits++;
	return false;
}

/* The part of [first, last] that is in the range, cut at the hole in the middle. */
static void emit_span(struct walk *w, struct ref_event e, uint64_t first, uint64_t last)
{
	e.first = first > w->first ? first : w->first;
	e.last = last < w->last ? last : w->last;
	if (e.first <= e.last)
		emit(w, e);
}

static void walk_table(struct walk *w, uint64_t gpa, int level, uint64_t base,
		       struct ref_event up)
{
	uint64_t span = (uint64_t)4096 << 9 * level;
	const uint64_t *words = w->memory->frame(w->memory->ctx, gpa);
	struct ref_event in = { .type = REF_ENTER, .level = level, .gpa = gpa };

	emit(w, in);
	for (uint64_t index = 0; index < 512; index++) {
		uint64_t first = base + index * span, last;
		struct ref_event e = { .level = level, .gpa = gpa };
		bool entry_w, entry_u, entry_x;

		/* The upper half of the top table serves the negative addresses. */
		if (level == w->cpu->levels - 1 && index >= 256)
			first |= level == 4 ? 0xfe00000000000000 : 0xffff000000000000;
		last = first + (span - 1);
		if (last < w->first || first > w->last)
			continue;
		if (!words) {
			e.type = REF_NOT_READ;
			emit_span(w, e, first, last);
			continue;
		}
		e.raw = words[index];
		e.kind = e.raw ? ref_kind(w->cpu, level, e.raw) : REF_NONE;
		if (e.kind == REF_NONE) {
			e.type = REF_HOLE;
			e.raw = 0;
			emit_span(w, e, first, last);
			continue;
		}
		e.type = REF_ENTRY;
		e.gpa = gpa + 8 * index;
		ref_rights(w->cpu, e.raw, &entry_w, &entry_u, &entry_x);
		e.w = up.w && entry_w;
		e.u = up.u && entry_u;
		e.x = up.x && entry_x;
		emit_span(w, e, first, last);
		if (e.kind == REF_TABLE) {
			struct ref_event below = { .level = level - 1 };

			below.gpa = ref_addr(w->cpu, level, e.raw);
			if (!w->memory->is_ram(w->memory->ctx, below.gpa)) {
				below.type = REF_OUTSIDE_RAM;
				emit_span(w, below, first, last);
			} else if (was_visited(w, below.gpa, level - 1)) {
				below.type = REF_AGAIN;
				emit_span(w, below, first, last);
			} else {
				walk_table(w, below.gpa, level - 1, first, e);
			}
		}
	}
	in.type = REF_LEAVE;
	emit(w, in);
}

void ref_walk(const struct ref_cpu *cpu, const struct ref_memory *memory, uint64_t cr3,
	      uint64_t first, uint64_t last, struct ref_events *events)
{
	static struct walk w;
	struct ref_event all = { .w = true, .u = true, .x = true };
	uint64_t gpa = cr3 & 0x000ffffffffff000;

	w.cpu = cpu;
	w.memory = memory;
	w.first = first;
	w.last = last;
	w.events = events;
	w.visits = 0;
	events->count = 0;
	was_visited(&w, gpa, cpu->levels - 1);
	if (memory->is_ram(memory->ctx, gpa))
		walk_table(&w, gpa, cpu->levels - 1, 0, all);
}

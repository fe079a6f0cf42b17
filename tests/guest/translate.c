// SPDX-License-Identifier: GPL-2.0-only
/*
 * translate.c - does our walk find what KVM's does?
 *
 *	translate GUEST [ADDRESSES]
 *
 * ADDRESSES (10,000) are spread over every root that a process, PTI's second
 * PGD or a vCPU has: mapped ones, unmapped ones, the edges of tables and of the
 * canonical halves. KVM_TRANSLATE ignores rights and canonicality, so only
 * canonical addresses are asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/live_guest.h"
#include "tests/lib/tap.h"
#include "walker/table/translate.h"

enum { ROOTS_MAX = 512, VCPUS_MAX = 64 };

struct root {
	gpa_t gpa;
	int64_t mm;		/* index of the mm that it belongs to */
	int vcpu;		/* has it loaded; -1: asked by loading it for a moment */
};

struct tally {
	unsigned asked, mapped, huge, unmapped, wrong;
	char first_wrong[300];
};

static unsigned collect_roots(const struct kernel_mms *mms, struct root *roots)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < mms->mm_count && count + 2 <= ROOTS_MAX; i++) {
		if (mms->mms[i].pgd)
			roots[count++] = (struct root){ mms->mms[i].pgd, i, -1 };
		if (mms->mms[i].user_pgd)
			roots[count++] = (struct root){ mms->mms[i].user_pgd, i, -1 };
	}
	return count;
}

/* The roots that the vCPUs run on right now. */
static unsigned collect_loaded(struct machine *m, const struct kernel_mms *mms, struct root *roots)
{
	unsigned count = 0;

	for (unsigned vcpu = 0; vcpu < m->vcpus; vcpu++) {
		struct x86_regs regs;
		struct err e;

		if (!m->ops->regs(m, vcpu, &regs, &e))
			continue;
		roots[count] = (struct root){ regs.cr3 & X86_PTE_ADDR, mms->init_mm, (int)vcpu };
		for (uint32_t i = 0; i < mms->mm_count; i++)
			if (mms->mms[i].pgd == roots[count].gpa)
				roots[count].mm = i;
		count++;
	}
	return count;
}

/* An address that one of a table's entries in use serves. */
static gva_t used_address(struct machine *m, const struct pt_format *f,
			  const struct census_row *row, uint64_t *seed)
{
	gpa_t table = pfn_to_gpa(row->pfn);
	uint64_t inside = live_random(seed) % pt_span(f, row->level);
	unsigned start = (unsigned)(live_random(seed) % 512);
	struct err e;
	const void *view = machine_view(m, table, &e);
	unsigned found = start;

	if (!view)
		return row->va;
	for (unsigned i = 0; i < 512; i++) {
		uint64_t raw;

		memcpy(&raw, (const uint8_t *)view + ((start + i) % 512) * 8, sizeof(raw));
		if (raw) {
			found = (start + i) % 512;
			break;
		}
	}
	machine_unview(m, table, view);
	return row->va + found * pt_span(f, row->level) + inside;
}

/* A table that the root leads to; any one, if chance does not find it soon. */
static void pick_table(const struct census *census, const struct root *root, struct census_row *row,
		       uint64_t *seed)
{
	for (int tries = 0; tries < 200; tries++) {
		census_row(census, live_random(seed) % census_tables(census), row);
		if (row->owner == root->mm || (row->kernel_half && tries % 4 == 3))
			return;
	}
}

static gva_t pick_address(struct machine *m, const struct pt_format *f, const struct census *census,
			  const struct root *root, uint64_t *seed)
{
	gva_t low_end = (1ull << (f->va_bits - 1)) - 1;
	const gva_t edges[] = { 0, 0xfff, 0x1000, low_end, low_end - 0xfff, ~low_end,
				~low_end + 0xfff, ~0ull, ~0ull - 0xfff };
	struct census_row row;
	uint64_t span;

	pick_table(census, root, &row, seed);
	span = 512 * pt_span(f, row.level);
	switch (live_random(seed) % 8) {
	case 0:
		return live_random(seed);
	case 1:
		return edges[live_random(seed) % (sizeof(edges) / sizeof(edges[0]))];
	case 2:
		return row.va + (live_random(seed) & 1 ? span : 0) - (live_random(seed) & 1);
	case 3:
		return row.va + live_random(seed) % span;
	default:
		return used_address(m, f, &row, seed);
	}
}

static void compare(struct live_guest *g, const struct root *root, gva_t va, struct tally *t)
{
	unsigned spare = t->asked % g->machine->vcpus;
	struct pt_translation ours;
	struct pt_space space;
	struct err e = { 0 };
	bool valid = false, asked;
	gpa_t gpa = 0;

	x86_space_of_pgd(&space, root->gpa, kernel_space(g->kernel));
	pt_translate(g->machine, &space, va, PT_MODE_ANY, &ours);
	t->asked++;
	asked = root->vcpu >= 0 ?
		kvm_translate(g->machine, (unsigned)root->vcpu, va, &gpa, &valid, &e) :
		kvm_translate_on(g->machine, spare, root->gpa, va, &gpa, &valid, &e);
	t->mapped += valid;
	t->unmapped += !valid;
	t->huge += valid && ours.page_size > PT_FRAME_SIZE;
	if (asked && (ours.result == PT_MAPPED) == valid && (!valid || ours.gpa == gpa))
		return;
	if (t->wrong++)
		return;
	if (!asked)
		snprintf(t->first_wrong, sizeof(t->first_wrong), "KVM_TRANSLATE: %s", e.message);
	else
		snprintf(t->first_wrong, sizeof(t->first_wrong),
			 "root 0x%llx va 0x%llx: ours %s 0x%llx (%s), KVM's %s 0x%llx",
			 (unsigned long long)root->gpa, (unsigned long long)va,
			 pt_result_name(ours.result), (unsigned long long)ours.gpa, ours.why,
			 valid ? "mapped" : "not mapped", (unsigned long long)gpa);
}

int main(int argc, char **argv)
{
	unsigned addresses = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 10000;
	uint64_t seed = 0x7472616e;
	struct root roots[VCPUS_MAX + ROOTS_MAX];
	const struct pt_format *f;
	struct tally t = { 0 };
	struct live_guest g;
	struct census *census;
	unsigned root_count;

	if (argc < 2) {
		fprintf(stderr, "usage: translate GUEST [ADDRESSES]\n");
		return 2;
	}
	live_open(&g, argv[1]);
	live_pause(&g);
	census = live_census(g.kernel);
	root_count = collect_loaded(g.machine, census_mms(census), roots);
	tap(root_count == g.machine->vcpus, "every vCPU's CR3 is asked", "%u of %u", root_count,
	    g.machine->vcpus);
	root_count += collect_roots(census_mms(census), roots + root_count);
	f = kernel_space(g.kernel)->decode.format;
	for (unsigned i = 0; i < addresses && root_count; i++) {
		const struct root *root = &roots[i % root_count];
		gva_t va = pick_address(g.machine, f, census, root, &seed);

		compare(&g, root, pt_make_canonical(f, va), &t);
	}
	tap(t.wrong == 0, "our translation equals KVM_TRANSLATE", "%u of %u: %s", t.wrong, t.asked,
	    t.first_wrong);
	tap(t.asked >= addresses && root_count > 2, "every address was asked", "%u of %u, %u roots",
	    t.asked, addresses, root_count);
	tap(t.mapped * 10 > t.asked && t.unmapped * 10 > t.asked && t.huge > 0,
	    "mapped, unmapped and huge are all among them", "%u mapped, %u unmapped, %u huge",
	    t.mapped, t.unmapped, t.huge);
	tap_note("%s: %u addresses over %u roots: %u mapped (%u by huge pages), %u unmapped",
		 f->name, t.asked, root_count, t.mapped, t.huge, t.unmapped);
	live_resume(&g);
	census_free(census);
	live_close(&g);
	return tap_status();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * layout.c - where the kernel's own areas are: its page tables, the direct map,
 * the memmap. Each answer is checked against another source before it is used,
 * since a wrong base gives wrong answers everywhere and no error anywhere.
 *
 * Constants: Linux Documentation/arch/x86/x86_64/mm.rst.
 */
#include <inttypes.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

#define KERNEL_MAP 0xffffffff80000000ull	/* __START_KERNEL_map */
#define DIRECT_MAP_4LEVEL 0xffff888000000000ull
#define DIRECT_MAP_5LEVEL 0xff11000000000000ull
#define VMEMMAP_4LEVEL 0xffffea0000000000ull
#define VMEMMAP_5LEVEL 0xffd4000000000000ull

static bool translate(struct machine *m, const struct pt_space *space, gva_t va, gpa_t *gpa)
{
	struct pt_translation t;

	if (pt_translate(m, space, va, PT_MODE_KERNEL, &t) != PT_MAPPED || t.outside_ram)
		return false;
	*gpa = t.gpa;
	return true;
}

/*
 * A vCPU's tables that map the kernel's data. Under page-table isolation a CPU
 * in user mode runs on a PGD that does not; the kernel's is the frame before.
 */
static bool root_of_vcpu(struct kernel *k, unsigned vcpu, gpa_t *init_mm, const char **why,
			 struct err *err)
{
	struct x86_regs regs;
	struct pt_space space;

	if (!k->machine->ops->regs(k->machine, vcpu, &regs, err)) {
		*why = "its registers cannot be read";
		return false;
	}
	if (!x86_space(&space, &regs, &pt_soft_linux_x86, why))
		return false;
	*why = "init_mm is not mapped there (another kernel's image, or still booting?)";
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		gpa_t pgd = space.root[0].gpa;

		if (attempt && !(pgd & X86_CR3_PTI_USER))
			return false;
		x86_space_of_pgd(&k->space, attempt ? pgd & ~X86_CR3_PTI_USER : pgd, &space);
		if (translate(k->machine, &k->space, k->init_mm, init_mm))
			return true;
	}
	return false;
}

/* Physical address of the kernel's image, where the profile knows where it was put. */
static bool image_gpa(const struct kernel *k, const char *symbol, gpa_t *gpa)
{
	uint64_t phys_base;
	gva_t va;

	if (!profile_phys_base(k->profile, &phys_base) ||
	    !profile_symbol(k->profile, symbol, &va, NULL) || va < KERNEL_MAP)
		return false;
	*gpa = va - KERNEL_MAP + phys_base;
	return true;
}

/*
 * For a machine without vCPUs, as a raw image is: the kernel's own PGD. What
 * CPUs would tell is assumed (NX, 1 GiB pages) or read from the kernel (levels).
 */
static bool root_of_image(struct kernel *k, gpa_t *init_mm)
{
	struct x86_regs regs = {
		.cr0 = X86_CR0_PE | X86_CR0_PG, .cr4 = X86_CR4_PAE,
		.efer = X86_EFER_LMA | X86_EFER_NXE, .huge_1g = true,
	};
	uint32_t five = 0;
	const char *why;
	gpa_t at;

	if (k->machine->vcpus || !(image_gpa(k, "init_top_pgt", &regs.cr3) ||
				   image_gpa(k, "swapper_pg_dir", &regs.cr3)))
		return false;
	if (image_gpa(k, "__pgtable_l5_enabled", &at) &&
	    !machine_read(k->machine, at, &five, sizeof(five), NULL))
		return false;
	if (five)
		regs.cr4 |= X86_CR4_LA57;
	return x86_space(&k->space, &regs, &pt_soft_linux_x86, &why) &&
	       translate(k->machine, &k->space, k->init_mm, init_mm);
}

static bool any_root(struct kernel *k, gpa_t *init_mm, struct err *err)
{
	const char *why = "there is none";

	if (root_of_image(k, init_mm))
		return true;

	for (unsigned vcpu = 0; vcpu < k->machine->vcpus; vcpu++)
		if (root_of_vcpu(k, vcpu, init_mm, &why, err))
			return true;
	return err_set(err, ERR_TARGET, k->init_mm,
		       "no vCPU's page tables lead to the kernel: %s", why);
}

/* The kernel's PGD by its symbol, 0 if there is none to compare with. */
static gva_t pgd_by_symbol(const struct kernel *k)
{
	gva_t va;

	return profile_symbol(k->profile, "init_top_pgt", &va, NULL) ||
	       profile_symbol(k->profile, "swapper_pg_dir", &va, NULL) ? va : 0;
}

static bool check_levels(const struct kernel *k, struct err *err)
{
	bool five = k->space.decode.format == &pt_x86_5level;
	uint32_t enabled;
	gva_t at;

	/* Kernels without 5-level support have no such variable. */
	if (!profile_symbol(k->profile, "__pgtable_l5_enabled", &at, NULL) ||
	    !kernel_read(k, at, &enabled, sizeof(enabled), NULL) || !enabled || five)
		return true;
	return err_set(err, ERR_MALFORMED, at,
		       "the kernel says 5-level paging (__pgtable_l5_enabled), CR4 says 4-level");
}

static bool check_phys_base(struct kernel *k, gpa_t init_mm, struct err *err)
{
	uint64_t recorded;
	gva_t at;

	k->phys_base = init_mm - (k->init_mm - KERNEL_MAP);
	if (!profile_symbol(k->profile, "phys_base", &at, NULL) ||
	    !kernel_read_u64(k, at, &recorded, NULL) || recorded == k->phys_base)
		return true;
	return err_set(err, ERR_MALFORMED, at, "phys_base is 0x%" PRIx64
		       " in the guest, 0x%" PRIx64 " by its page tables", recorded, k->phys_base);
}

bool kernel_find_space(struct kernel *k, struct err *err)
{
	gva_t by_symbol = pgd_by_symbol(k);
	gpa_t init_mm = 0, again, pgd;

	if (!any_root(k, &init_mm, err))
		return false;
	if (!kernel_read_member(k, k->init_mm, &k->f.mm_pgd, &k->init_pgd_va, err))
		return false;
	if (by_symbol && by_symbol != k->init_pgd_va)
		return err_set(err, ERR_MALFORMED, k->init_mm, "init_mm's PGD is 0x%" PRIx64
			       ", but the image has it at 0x%" PRIx64 " (another kernel's image?)",
			       k->init_pgd_va, by_symbol);
	if (k->init_pgd_va & (PT_FRAME_SIZE - 1) ||
	    !translate(k->machine, &k->space, k->init_pgd_va, &pgd))
		return err_set(err, ERR_MALFORMED, k->init_mm,
			       "init_mm's PGD at 0x%" PRIx64 " is no mapped frame",
			       k->init_pgd_va);

	x86_space_of_pgd(&k->space, pgd, &(struct pt_space){ .decode = k->space.decode });
	if (!translate(k->machine, &k->space, k->init_mm, &again) || again != init_mm)
		return err_set(err, ERR_MALFORMED, k->init_mm,
			       "a vCPU's page tables and init_mm's disagree about init_mm");
	return check_levels(k, err) && check_phys_base(k, init_mm, err);
}

/* The value of a base variable, or its constant where the kernel has none. */
static bool base_of(const struct kernel *k, const char *symbol, gva_t four, gva_t five,
		    gva_t *base, struct err *err)
{
	gva_t at;

	if (profile_symbol(k->profile, symbol, &at, NULL))
		return kernel_read_u64(k, at, base, err);
	*base = k->space.decode.format == &pt_x86_5level ? five : four;
	return true;
}

bool kernel_find_direct_map(struct kernel *k, struct err *err)
{
	gpa_t pgd = k->space.root[0].gpa, back;
	uint64_t ram = pfn_to_gpa(k->frame_end);
	gva_t base;

	if (!base_of(k, "page_offset_base", DIRECT_MAP_4LEVEL, DIRECT_MAP_5LEVEL, &base, err))
		return false;
	if (base & (PT_FRAME_SIZE - 1) || !(base >> 63) || base + ram < base ||
	    !pt_canonical(k->space.decode.format, base) ||
	    !translate(k->machine, &k->space, base + pgd, &back) || back != pgd)
		return err_set(err, ERR_MALFORMED, base,
			       "page_offset_base 0x%" PRIx64 " contradicts the page tables: "
			       "the kernel's PGD is not mapped there", base);
	k->direct = base;
	return true;
}

bool kernel_find_memmap(struct kernel *k, struct err *err)
{
	gpa_t pgd = k->space.root[0].gpa;
	const char *symbol = "vmemmap_base";
	uint8_t page[MEMMAP_PAGE_MAX];
	struct err why = { 0 };
	uint32_t size;
	gva_t base, at;

	if (!profile_sizeof(k->profile, "page", &size, err))
		return false;
	if (!profile_has_symbol(k->profile, symbol) &&
	    profile_symbol(k->profile, "mem_map", &at, NULL)) {
		symbol = "mem_map";
		if (!kernel_read_u64(k, at, &base, err))
			return false;
	} else if (!base_of(k, symbol, VMEMMAP_4LEVEL, VMEMMAP_5LEVEL, &base, err)) {
		return false;
	}
	k->memmap = memmap_new(k->machine, &k->space, base, size, k->frame_end, err);
	if (!k->memmap)
		return false;
	/* The PGD's own struct page: it is there in every kernel. */
	if (base & 7 || !memmap_read(k->memmap, gpa_to_pfn(pgd), page, &why)) {
		if (why.code == ERR_NO_MEMORY)
			return err_set(err, ERR_NO_MEMORY, 0, "%s", why.message);
		return err_set(err, ERR_MALFORMED, base,
			       "%s 0x%" PRIx64 " contradicts the page tables: "
			       "the PGD's struct page is not mapped there", symbol, base);
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot data of guest-images/testguest/abi.h: page tables, GDT, boot_info. */
#include "vmm/kvm/boot.h"

#include <string.h>

#include "arch/x86/x86.h"
#include "guest-images/testguest/abi.h"

/* Intel SDM vol. 3A, 3.4.5: present, ring 0, type; L for code, B and G for data. */
#define GDT_CODE64 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull

static void tables_write(const struct memory *mem)
{
	const uint64_t flags = X86_PTE_P | X86_PTE_W;
	uint64_t *pml4 = memory_at(mem, BOOT_PML4, PT_FRAME_SIZE);
	uint64_t *pdpt = memory_at(mem, BOOT_PDPT, PT_FRAME_SIZE);
	uint64_t *pd = memory_at(mem, BOOT_PD, 4 * PT_FRAME_SIZE);

	pml4[0] = BOOT_PDPT | flags;
	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PD + i * PT_FRAME_SIZE) | flags;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | X86_PTE_PSE | flags;
}

bool boot_write_tables(const struct memory *mem, unsigned cpus, const char *cmdline,
		       struct err *e)
{
	uint64_t *gdt = memory_at(mem, BOOT_GDT, PT_FRAME_SIZE);
	size_t length = strlen(cmdline);
	struct boot_info info = {
		.magic = BOOT_MAGIC,
		.cmdline = BOOT_CMDLINE,
		.cpus = cpus,
		.region_count = mem->region_count,
		.reserved_end = BOOT_END,
	};

	if (length > BOOT_CMDLINE_MAX)
		return err_set(e, ERR_USAGE, 0, "--append: longer than %u characters",
			       BOOT_CMDLINE_MAX);
	tables_write(mem);
	gdt[BOOT_CS / 8] = GDT_CODE64;
	gdt[BOOT_DS / 8] = GDT_DATA;
	for (unsigned i = 0; i < mem->region_count; i++) {
		info.region[i].first = mem->region[i].first;
		info.region[i].size = mem->region[i].size;
	}
	memcpy(memory_at(mem, BOOT_INFO, sizeof(info)), &info, sizeof(info));
	memcpy(memory_at(mem, BOOT_CMDLINE, length + 1), cmdline, length + 1);
	return true;
}

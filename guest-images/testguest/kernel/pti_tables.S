/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pti_tables.S - with pti=on, all that ring 3's page tables map of the kernel: the page
 * of .entry.text and the pages of .entry.data. Static, like the tables of boot.S.
 */
#define KERNEL_MAP 0xffffffff80000000
#define TABLE	0x063			/* P W A D */
#define RW_PAGE	0x8000000000000063	/* P W A D NX */
#define RX_PAGE	0x0000000000000021	/* P A */
#define ENTRY_DATA_PAGES 32		/* the linker script checks both */
#define ENTRY_TEXT_INDEX 257		/* physical 1 MiB + 4 KiB */

#define phys(symbol) ((symbol) - KERNEL_MAP)

	.section .tables, "aw"
	.balign	4096
	.globl	pti_top_pgt, pti_level4_pgt, pti_level3_pgt, pti_level2_pgt
	.globl	pti_text_pgt, pti_data_pgt

pti_top_pgt:				/* only the last entry is ever used; bent for 5 levels */
	.fill	511, 8, 0
	.quad	phys(pti_level3_pgt) + TABLE
pti_level4_pgt:
	.fill	511, 8, 0
	.quad	phys(pti_level3_pgt) + TABLE
pti_level3_pgt:
	.fill	510, 8, 0
	.quad	phys(pti_level2_pgt) + TABLE
	.quad	0
pti_level2_pgt:
	.quad	phys(pti_text_pgt) + TABLE
	.quad	phys(pti_data_pgt) + TABLE
	.fill	510, 8, 0
pti_text_pgt:
	.fill	ENTRY_TEXT_INDEX, 8, 0
	.quad	phys(_entry_text) + RX_PAGE
	.fill	511 - ENTRY_TEXT_INDEX, 8, 0
pti_data_pgt:
	.set	address, 0x200000
	.rept	ENTRY_DATA_PAGES
	.quad	address + RW_PAGE
	.set	address, address + 4096
	.endr
	.fill	512 - ENTRY_DATA_PAGES, 8, 0

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcoreinfo.h - what the kernel says about itself for crash dumps.
 *
 * Lines of KEY=VALUE, at most a page, starting with OSRELEASE= (Linux
 * Documentation/admin-guide/kdump/vmcoreinfo.rst). Guest memory holds it page-aligned and once
 * more inside an ELF note. Used by profile_from_machine().
 */
#ifndef PTMM_PROFILE_VMCOREINFO_H
#define PTMM_PROFILE_VMCOREINFO_H

#include "walker/machine.h"

enum { VMCOREINFO_SIZE = 4096 };

/* A number of VMCOREINFO; not all kernels give all. */
struct vmcoreinfo_value {
	bool given;
	uint64_t value;
};

struct vmcoreinfo {
	char release[65];
	struct vmcoreinfo_value kernel_offset, phys_base, l5, stext, top_pgt;
	/* Addresses of the kallsyms tables: since 6.0. */
	struct vmcoreinfo_value names, num_syms, token_table, token_index, offsets, relative_base;
};

/*
 * Parses the text; it ends at a NUL or with the size. ERR_MISSING: this is no
 * VMCOREINFO at all (a format string, say); ERR_MALFORMED: it is, but broken.
 */
bool vmcoreinfo_parse(struct vmcoreinfo *, const void *text, size_t size, struct err *);

/*
 * Looks through all RAM, for machines where nothing else says where it is.
 * Older kernels' copies survive a warm boot: `fits` (may be NULL) says whether
 * one speaks of this guest. ERR_MISSING: there is none that is sound and fits.
 */
bool vmcoreinfo_scan(struct vmcoreinfo *, struct machine *, gpa_t *at,
		     bool (*fits)(void *, const struct vmcoreinfo *), void *ctx, struct err *);

#endif

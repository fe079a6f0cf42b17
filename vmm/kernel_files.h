/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_files.h - the files about the guest's kernel that the user gives:
 * --vmlinux, --symbols, --btf. Used by target.c.
 */
#ifndef PTMM_KERNEL_FILES_H
#define PTMM_KERNEL_FILES_H

#include "walker/ptmm.h"

struct target_options;

/* The bytes of the files that are named; NULL and 0 for the others. */
struct kernel_files {
	void *vmlinux, *symbols, *btf;
	size_t vmlinux_size, symbols_size, btf_size;
};

/* ERR_USAGE names the option and the file. Nothing is to be closed after one. */
bool kernel_files_open(struct kernel_files *, const struct target_options *, struct err *);
void kernel_files_close(struct kernel_files *);
bool kernel_files_any(const struct kernel_files *);

#endif

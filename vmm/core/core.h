/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core.h - a memory dump as a `struct machine`.
 *
 * ELF cores (QEMU's dump-guest-memory, virsh dump --memory-only, a kdump kernel's
 * vmcore), kdump-compressed files, flattened or not, and raw images of memory. A
 * dump stands still, so pause and resume do nothing, and it is never written.
 * Used by target.c.
 */
#ifndef PTMM_CORE_H
#define PTMM_CORE_H

#include "walker/machine.h"

/* What kind of dump it is, is found out. NULL with ERR_TARGET says why not. */
struct machine *core_open(const char *path, struct err *);

/*
 * A file that is nothing but memory. map says which of it lies where, "0x0-0xbfffffff,
 * 0x100000000-0x13fffffff@0xc0000000": guest-physical, inclusive; then the offset in
 * the file, or where the last stretch ended. Or it is a file with such a list. NULL: all
 * of the file, from address 0. It has no vCPU.
 */
struct machine *raw_open(const char *path, const char *map, struct err *);

/* Does the file begin like a dump that core_open() knows? */
bool core_recognise(const char *path);

/* Text of the dump's VMCOREINFO note, NUL-terminated; NULL where it has none. */
const char *core_vmcoreinfo(const struct machine *, size_t *size);

#endif

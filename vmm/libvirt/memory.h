/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory.h - the RAM of a domain, read in the best way that there is.
 *
 *   mapped   QEMU has it in a memfd or a file and shares it: no copying
 *   process  copied out of the QEMU process, frame by frame (/proc/PID/mem)
 *   monitor  asked of QEMU through libvirt: slow, but works from afar
 *
 * Which pages of QEMU's are the guest's RAM is proven before it is believed: what
 * is read there must be what QEMU's monitor shows. Used by machine.c.
 */
#ifndef PTMM_LIBVIRT_MEMORY_H
#define PTMM_LIBVIRT_MEMORY_H

#include "vmm/libvirt/link.h"
#include "walker/machine.h"

struct memory;

/*
 * Fills the machine's regions, access and hint; these belong to the memory, which
 * uses the link. cr3: of some vCPU; what lies there is not likely to be empty.
 */
struct memory *memory_open(struct machine *, struct link *, uint64_t cr3, struct err *);
void memory_close(struct memory *);

/* For regions that are not mapped; see struct machine_ops. */
const void *memory_view(struct memory *, gpa_t frame, struct err *);
void memory_unview(struct memory *, const void *view);
/* The guest stops or runs on: what was kept of its memory is old now. */
void memory_forget(struct memory *, bool paused);

#endif

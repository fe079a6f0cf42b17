/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peek.h - guest memory by way of QEMU's monitor, a stretch at a time.
 *
 * What was read is kept for the frames beside it: as long as the guest is paused,
 * or for a moment. Used by memory.c.
 */
#ifndef PTMM_LIBVIRT_PEEK_H
#define PTMM_LIBVIRT_PEEK_H

#include <stddef.h>

#include "arch/arch.h"
#include "vmm/libvirt/link.h"

struct peek;

struct peek *peek_new(struct link *);
void peek_free(struct peek *);
/* The frame lies in the RAM [first, last]; nothing outside of that is touched. */
bool peek_frame(struct peek *, gpa_t first, gpa_t last, gpa_t frame, void *to, struct err *);
void peek_forget(struct peek *, bool paused);

/* Guest-physical memory as it is now; at most 64 KiB. */
bool peek_now(struct link *, gpa_t, void *to, size_t, struct err *);

#endif

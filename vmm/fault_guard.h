/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_guard.h - mapped guest memory that may vanish under its reader.
 *
 * A dump that shrinks while it is mapped, a bad block of the disk below it, a
 * page of the host that is poisoned: whoever reads there is sent SIGBUS. While
 * a machine has a guard, such a page is replaced by one of zeros, its frames
 * are marked lost (walker/machine.h), and the reader goes on and finds that
 * out. Used by every machine whose regions have host pointers.
 */
#ifndef PTMM_FAULT_GUARD_H
#define PTMM_FAULT_GUARD_H

#include "walker/machine.h"

struct fault_guard;

/*
 * Guards what machine->regions[] point to; these must stay as they are until
 * the guard is freed, and be mapped until then. page_size is that of the
 * mapping (2 MiB for a huge page's), 0 the usual one.
 */
struct fault_guard *fault_guard_new(struct machine *, size_t page_size, struct err *);
void fault_guard_free(struct fault_guard *);

/* Host addresses from first to before end hold the guest's memory no more. */
void fault_guard_lose(struct fault_guard *, const void *first, const void *end);

#endif

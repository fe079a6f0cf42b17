/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvirt.h - a QEMU domain of libvirt's, seen as a machine.
 *
 * Guest RAM is read in the best way that there is: mapped where QEMU shares it
 * (a memfd or a file), else copied out of the QEMU process, else asked of QEMU's
 * monitor. A pause is held by a process of its own (pauser.h) and ends with this
 * one, however that ends. Used by vmm/target.c and ptmm list.
 */
#ifndef PTMM_LIBVIRT_H
#define PTMM_LIBVIRT_H

#include "walker/machine.h"

/*
 * DOMAIN[?connect=URI]: by name, UUID or id; without a URI the connection is
 * libvirt's default. ERR_TARGET says what there is instead. Starts a process:
 * call it before the program has threads.
 */
struct machine *libvirt_open(const char *domain, struct err *);
/* Is the domain no longer there or its QEMU dead? Then *err says so. */
bool libvirt_gone(struct machine *, struct err *);

struct libvirt_domain {
	char *name;
	int id;				/* -1: it does not run */
	const char *state;		/* "running", "paused", "shut off", ... */
	uint64_t memory;		/* bytes */
	unsigned vcpus;
};

struct libvirt_domains {
	struct libvirt_domain *list;	/* sorted by name */
	size_t count;
};

/* uri: NULL is libvirt's default. */
bool libvirt_list(struct libvirt_domains *, const char *uri, struct err *);
void libvirt_domains_free(struct libvirt_domains *);

#endif

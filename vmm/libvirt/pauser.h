/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pauser.h - holds a domain paused, for as long as this process lives.
 *
 * A process of its own stops the domain and lets it go again. It has its own
 * connection to libvirt and hears of our death by the end of the socket between
 * us, however we die; it outlives signals from the terminal. A domain that stood
 * still already is left so. Only one ptmm at a time holds a domain (of those that
 * run as one user): the next one waits.
 */
#ifndef PTMM_LIBVIRT_PAUSER_H
#define PTMM_LIBVIRT_PAUSER_H

#include <libvirt/libvirt.h>
#include <sys/types.h>

#include "walker/err.h"

struct pauser {
	int socket;		/* -1: none */
	pid_t pid;
};

/* Forks: before the process has threads, and before its own connection. */
bool pauser_start(struct pauser *, const char *uri, struct err *);
/* Which domain; once. */
bool pauser_choose(struct pauser *, const unsigned char uuid[VIR_UUID_BUFLEN], struct err *);

/* Returns with the domain stopped; *ours: it ran before. */
bool pauser_pause(struct pauser *, bool *ours, struct err *);
/* Error also where somebody else let the domain run meanwhile. */
bool pauser_resume(struct pauser *, struct err *);
/* Lets the domain run if it is held. */
void pauser_stop(struct pauser *);

#endif

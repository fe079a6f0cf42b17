/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link.h - a connection to libvirt and one domain of it.
 *
 * All talk to libvirt and to QEMU's monitor goes through here; errors come out as
 * one line. libvirt prints nothing itself. Used by this folder.
 */
#ifndef PTMM_LIBVIRT_LINK_H
#define PTMM_LIBVIRT_LINK_H

#include <libvirt/libvirt.h>

#include "walker/err.h"

struct link {
	virConnectPtr connection;
	virDomainPtr domain;		/* NULL until one is chosen */
};

/* uri: NULL is libvirt's default. */
bool link_open(struct link *, const char *uri, struct err *);
/* A running or paused domain of QEMU's, by name, UUID or id. */
bool link_choose(struct link *, const char *domain, struct err *);
bool link_choose_uuid(struct link *, const unsigned char uuid[VIR_UUID_BUFLEN], struct err *);
void link_close(struct link *);

/* VIR_DOMAIN_RUNNING, ... */
bool link_state(struct link *, int *state, struct err *);
const char *link_state_name(int state);

/* What QEMU's monitor answers to a human's command or to a QMP command (JSON). */
char *link_human(struct link *, const char *command, struct err *);
char *link_qmp(struct link *, const char *command, struct err *);

/* Fills err from what libvirt said last: "WHAT: why". Returns false. */
bool link_error(struct err *, const char *what);

#endif

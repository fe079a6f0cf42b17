/* SPDX-License-Identifier: GPL-2.0-only */
/* list_domains.h - `ptmm list --libvirt`: prints the domains of a connection. */
#ifndef PTMM_LIST_DOMAINS_H
#define PTMM_LIST_DOMAINS_H

#include "walker/err.h"

/* uri: NULL is libvirt's default. */
bool list_domains(const char *uri, bool json, struct err *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* pauser_wire.h - the messages between the two sides of pauser.h. */
#ifndef PTMM_LIBVIRT_PAUSER_WIRE_H
#define PTMM_LIBVIRT_PAUSER_WIRE_H

#include "vmm/libvirt/pauser.h"

enum pauser_what { PAUSER_CHOOSE = 1, PAUSER_PAUSE, PAUSER_RESUME };

struct pauser_request {
	enum pauser_what what;
	unsigned char uuid[VIR_UUID_BUFLEN];	/* of PAUSER_CHOOSE */
};

struct pauser_reply {
	bool ok, ours;
	struct err err;
};

/* The process that holds the domain; does not return. */
void pauser_serve(int socket, const char *uri) __attribute__((noreturn));

#endif

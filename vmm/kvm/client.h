/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - the inspector's end of the control socket: requests and replies.
 * attach.c builds a `struct machine` on it.
 */
#ifndef PTMM_KVM_CLIENT_H
#define PTMM_KVM_CLIENT_H

#include "vmm/kvm/wire.h"

struct client_link {
	int fd;
	bool broken;		/* the VMM went away or does not speak our protocol */
	bool ended;		/* WIRE_ENDED came: `end` tells the rest */
	uint32_t poisoned;	/* as of the last reply */
	struct wire_ended end;
	struct wire_message request, reply;
};

void client_init(struct client_link *, int fd);
void client_close(struct client_link *);

/*
 * Sends link->request with this op (its payload filled by the caller) and waits
 * for link->reply, at most timeout_ms beyond what the op itself takes. False
 * with the VMM's error; with ERR_TARGET where it is gone or has ended.
 */
bool client_ask(struct client_link *, unsigned op, unsigned timeout_ms, struct err *);
/* WIRE_HELLO; fds[0] is the RAM, fds[1] the image, both the caller's. */
bool client_hello(struct client_link *, int fds[2], struct err *);

#endif

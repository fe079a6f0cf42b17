/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.h - the VMM's end of the control socket: several inspectors at once,
 * none of them trusted to speak the protocol well. Driven by the main loop.
 */
#ifndef PTMM_KVM_CONTROL_H
#define PTMM_KVM_CONTROL_H

#include <poll.h>

#include "vmm/kvm/vm.h"

enum { CLIENTS_MAX = 32, CONTROL_FDS = CLIENTS_MAX + 1 };

struct client {
	int fd;			/* -1: free */
	bool pausing;
	bool waiting;		/* for an event after `since` */
	uint64_t since;
	double deadline;	/* vm_seconds() */
};

struct control {
	struct vm *vm;
	int listen_fd;
	struct client client[CLIENTS_MAX];
	struct wire_message in, out;	/* too large for the stack's taste */
};

struct control *control_create(struct vm *, int listen_fd, struct err *);
/* Tells every inspector how the guest ended and disconnects; after vm_join(). */
void control_destroy(struct control *);

/* Fills CONTROL_FDS entries. */
void control_poll(const struct control *, struct pollfd *);
/* Serves what poll() found; then answers waits that are over. */
void control_serve(struct control *, const struct pollfd *);
/* Milliseconds until a wait's time is up, at most `most`. */
int control_timeout(const struct control *, int most);

/* Does someone hold the guest paused? */
bool control_pauses(const struct control *);

/* control_ops.c: acts on a checked request; fills out's reply or the error. */
bool control_act(struct control *, struct client *, struct err *);
/* What WIRE_STATUS and WIRE_ENDED say. */
void control_status(const struct control *, struct wire_status *);
void control_pause(struct control *, struct client *);
void control_resume(struct control *, struct client *);

#endif

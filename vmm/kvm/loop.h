/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - the VMM's main loop: console, signals, inspectors, the end. It runs
 * in the thread that made the vm; used by cmd_run.c.
 */
#ifndef PTMM_KVM_LOOP_H
#define PTMM_KVM_LOOP_H

#include "vmm/kvm/vm.h"

struct loop_config {
	int in_fd;		/* console input, -1: none */
	int out_fd;		/* console output, -1: none */
	int listen_fd;		/* control socket */
	/* Called once, when the guest says READY; may be NULL. */
	void (*ready)(void *arg);
	void *arg;
};

/*
 * Keeps the signals that end a guest until loop_run() takes them: from before the
 * guest's name is taken, since whoever sees the name may send one.
 */
void loop_hold_signals(void);

/*
 * Starts the vCPUs and runs until the guest ends; vm->end_status and end_reason
 * then say how. False: it could not be started.
 */
bool loop_run(struct vm *, const struct loop_config *, struct err *);

#endif

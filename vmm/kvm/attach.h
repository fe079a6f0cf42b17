/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attach.h - a guest of our own VMM, seen from another ptmm process.
 *
 * The control socket gives the RAM memfd (mapped read-only here), the kernel
 * image's descriptor, registers, events; pause lasts at most as long as the
 * connection that asked for it.
 */
#ifndef PTMM_KVM_ATTACH_H
#define PTMM_KVM_ATTACH_H

#include <sys/types.h>

#include "walker/machine.h"

enum guest_state { GUEST_BOOTING, GUEST_READY, GUEST_ENDED };

struct guest_event {
	uint64_t seq;		/* counts from 1 */
	double seconds;		/* since the guest's start */
	uint32_t vcpu;
	uint32_t event;		/* enum doorbell_event (guest-images/testguest/abi.h) */
	uint32_t arg[4];
};

struct guest_status {
	enum guest_state state;
	int exit_status;	/* of `ptmm run`, once ended; else -1 */
	char reason[200];	/* why it ended: "triple fault at rip ... cr2 ... cr3 ..." */
	uint64_t last_event;	/* seq of the newest event */
	pid_t vmm_pid;
	char cpu_vendor[13];
	double seconds;		/* since the guest's start */
	unsigned pausers;	/* connections that hold it paused, this one included */
};

/* NULL with ERR_TARGET: no such guest (the message lists those that run). */
struct machine *kvm_attach(const char *name, struct err *);
/* The kernel's ELF image, mapped; valid while the machine is open. */
const void *kvm_image(const struct machine *, size_t *size);
bool kvm_status(struct machine *, struct guest_status *, struct err *);
/* Events after `since`, oldest first; returns how many (0 to max), -1 on error. */
int kvm_events(struct machine *, uint64_t since, struct guest_event *, int max, struct err *);
/* Lets the guest run on: blocks until an event after `since`, its end, or the time. */
bool kvm_wait(struct machine *, uint64_t since, unsigned timeout_ms, struct err *);
/* KVM_TRANSLATE on a vCPU (its CR3), for tests: *valid false if not mapped. */
bool kvm_translate(struct machine *, unsigned vcpu, gva_t, gpa_t *, bool *valid, struct err *);
/* The same on another CR3, on a paused guest; the vCPU's own CR3 is put back. */
bool kvm_translate_on(struct machine *, unsigned vcpu, uint64_t cr3, gva_t, gpa_t *,
		      bool *valid, struct err *);
bool kvm_stop(struct machine *, struct err *);

#endif

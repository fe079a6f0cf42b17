/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doorbell.h - the events that a guest reports through the doorbell port, kept
 * in a bounded ring. Written by vCPU threads, read by the main loop.
 */
#ifndef PTMM_KVM_DOORBELL_H
#define PTMM_KVM_DOORBELL_H

#include <pthread.h>

#include "vmm/kvm/attach.h"

enum { EVENTS_MAX = 4096 };

struct events {
	pthread_mutex_t lock;
	uint64_t last;		/* seq of the newest; 0: none yet */
	struct guest_event ring[EVENTS_MAX];
};

void events_init(struct events *);
void events_deinit(struct events *);
/* Numbers the event and keeps it; the oldest one goes where the ring is full. */
void events_add(struct events *, struct guest_event *);
uint64_t events_last(struct events *);
/* Up to max kept events after `since`, oldest first. A gap in seq tells of lost ones. */
unsigned events_after(struct events *, uint64_t since, struct guest_event *, unsigned max);

struct vcpu;

/* Is this one of the doorbell's ports? */
bool doorbell_has(uint16_t port);
/* A 32-bit out to one of them; any value is harmless. */
void doorbell_write(struct vcpu *, uint16_t port, uint32_t value);

#endif

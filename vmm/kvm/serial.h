/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serial.h - a 16550 at COM1. The guest's side is called by vCPU threads, the
 * host's side by the main loop; neither ever blocks: output waits in a buffer,
 * and a full buffer shows to the guest as a transmitter that is not empty.
 */
#ifndef PTMM_KVM_SERIAL_H
#define PTMM_KVM_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PORT	0x3f8u
#define SERIAL_PORTS	8u
#define SERIAL_IRQ	4u

enum { SERIAL_OUT_SIZE = 65536, SERIAL_IN_SIZE = 256 };

struct serial {
	pthread_mutex_t lock;
	/* Raises or lowers the interrupt line. */
	void (*irq)(void *arg, bool level);
	/* There is output where there was none. */
	void (*output)(void *arg);
	void *arg;
	bool line;
	bool thre_pending;	/* transmitter-empty interrupt not yet seen by the guest */
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	size_t in_first, in_count, out_first, out_count;
	uint8_t in[SERIAL_IN_SIZE];
	uint8_t out[SERIAL_OUT_SIZE];
};

void serial_init(struct serial *, void (*irq)(void *, bool), void (*output)(void *), void *arg);
void serial_deinit(struct serial *);

uint8_t serial_read(struct serial *, unsigned reg);
void serial_write(struct serial *, unsigned reg, uint8_t value);

/* Bytes that input has room for. */
size_t serial_room(struct serial *);
/* Input from outside; what does not fit is dropped (ask serial_room() first). */
void serial_feed(struct serial *, const void *bytes, size_t count);
/* Takes up to max bytes of output; returns how many. */
size_t serial_drain(struct serial *, void *bytes, size_t max);
/* Could input still interrupt the guest? */
bool serial_listens(struct serial *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.h - the host's side of COM1: where output goes and input comes from.
 * Part of the main loop; never blocks it.
 */
#ifndef PTMM_KVM_CONSOLE_H
#define PTMM_KVM_CONSOLE_H

#include <limits.h>
#include <poll.h>
#include <termios.h>

#include "vmm/kvm/serial.h"

enum { CONSOLE_FDS = 2 };

struct console {
	struct serial *serial;
	int in_fd, out_fd;	/* -1: none */
	int tty_fd;		/* a terminal whose settings were `saved`, or -1 */
	struct termios saved;
	/* Output taken from the serial port and not yet written. */
	uint8_t out[PIPE_BUF];
	size_t out_first, out_count;
};

/* Sets a terminal so that the guest gets each key at once; Ctrl-C stays a signal. */
void console_open(struct console *, struct serial *, int in_fd, int out_fd);
/* Writes what output is left, if someone takes it, and restores the terminal. */
void console_close(struct console *);
void console_poll(struct console *, struct pollfd *);
void console_serve(struct console *, const struct pollfd *);
/* May there be input yet? */
bool console_has_input(const struct console *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/console.h"

#include <errno.h>
#include <unistd.h>

/* How long the end of a guest waits for a reader of its last words. */
enum { FLUSH_MS = 2000 };

void console_open(struct console *c, struct serial *serial, int in_fd, int out_fd)
{
	struct termios t;

	*c = (struct console){ .serial = serial, .in_fd = in_fd, .out_fd = out_fd,
				.tty_fd = -1 };
	/* In the background, another process group has the terminal. */
	if (in_fd < 0 || tcgetattr(in_fd, &c->saved) || tcgetpgrp(in_fd) != getpgrp())
		return;
	t = c->saved;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)ICRNL;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (!tcsetattr(in_fd, TCSANOW, &t))
		c->tty_fd = in_fd;
}

static void out_fill(struct console *c)
{
	if (c->out_count)
		return;
	c->out_first = 0;
	c->out_count = serial_drain(c->serial, c->out, sizeof(c->out));
}

/* Called when out_fd is writable: PIPE_BUF bytes then do not block. */
static void out_write(struct console *c)
{
	ssize_t n = write(c->out_fd, c->out + c->out_first, c->out_count);

	if (n > 0) {
		c->out_first += (size_t)n;
		c->out_count -= (size_t)n;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		/* Nobody reads any more: the guest runs on, its output is lost. */
		c->out_fd = -1;
	}
}

static void in_read(struct console *c)
{
	uint8_t buf[SERIAL_IN_SIZE];
	ssize_t n = read(c->in_fd, buf, serial_room(c->serial));

	if (n > 0)
		serial_feed(c->serial, buf, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		c->in_fd = -1;
}

void console_poll(struct console *c, struct pollfd *p)
{
	out_fill(c);
	while (c->out_fd < 0 && c->out_count) {
		c->out_count = 0;
		out_fill(c);
	}
	p[0] = (struct pollfd){ .fd = serial_room(c->serial) ? c->in_fd : -1, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = c->out_count ? c->out_fd : -1, .events = POLLOUT };
}

void console_serve(struct console *c, const struct pollfd *p)
{
	if (p[1].fd >= 0 && p[1].revents)
		out_write(c);
	if (p[0].fd >= 0 && p[0].revents)
		in_read(c);
}

bool console_has_input(const struct console *c)
{
	return c->in_fd >= 0;
}

void console_close(struct console *c)
{
	struct pollfd p = { .fd = c->out_fd, .events = POLLOUT };

	for (;;) {
		out_fill(c);
		if (!c->out_count || c->out_fd < 0 || poll(&p, 1, FLUSH_MS) <= 0)
			break;
		out_write(c);
	}
	if (c->tty_fd >= 0)
		tcsetattr(c->tty_fd, TCSANOW, &c->saved);
}

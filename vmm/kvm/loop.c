/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/cmd.h"

enum { FD_WAKE, FD_SIGNAL, FD_IN, FD_OUT, FD_COUNT };

enum { LOOK_MS = 250, FLUSH_MS = 2000 };

struct loop {
	struct vm *vm;
	const struct loop_config *config;
	int signal_fd;
	bool in_open;
	/* Output taken from the serial port and not yet written. */
	uint8_t out[PIPE_BUF];
	size_t out_first, out_count;
};

static void out_fill(struct loop *l)
{
	if (l->out_count)
		return;
	l->out_first = 0;
	l->out_count = serial_drain(&l->vm->serial, l->out, sizeof(l->out));
}

/* Called when out_fd is writable: PIPE_BUF bytes then do not block. */
static void out_write(struct loop *l)
{
	ssize_t n = write(l->config->out_fd, l->out + l->out_first, l->out_count);

	if (n > 0) {
		l->out_first += (size_t)n;
		l->out_count -= (size_t)n;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		/* Nobody reads any more: the guest runs on, its output is lost. */
		l->out_count = 0;
	}
}

static void out_flush(struct loop *l)
{
	struct pollfd p = { .fd = l->config->out_fd, .events = POLLOUT };

	for (;;) {
		out_fill(l);
		if (!l->out_count || p.fd < 0 || poll(&p, 1, FLUSH_MS) <= 0)
			return;
		out_write(l);
	}
}

static void in_read(struct loop *l)
{
	uint8_t buf[SERIAL_IN_SIZE];
	ssize_t n = read(l->config->in_fd, buf, serial_room(&l->vm->serial));

	if (n > 0)
		serial_feed(&l->vm->serial, buf, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		l->in_open = false;
}

static void signal_read(struct loop *l)
{
	struct signalfd_siginfo si;

	if (read(l->signal_fd, &si, sizeof(si)) == sizeof(si))
		vm_end(l->vm, EXIT_SIGNALLED, "stopped by %s",
		       strsignal((int)si.ssi_signo));
}

static void wake_clear(struct vm *vm)
{
	uint64_t count;

	if (read(vm->wake_fd, &count, sizeof(count)) < 0)
		return;
}

static void loop_turn(struct loop *l)
{
	struct vm *vm = l->vm;
	bool in = l->in_open && serial_room(&vm->serial);
	struct pollfd p[FD_COUNT] = {
		[FD_WAKE] = { .fd = vm->wake_fd, .events = POLLIN },
		[FD_SIGNAL] = { .fd = l->signal_fd, .events = POLLIN },
		[FD_IN] = { .fd = in ? l->config->in_fd : -1, .events = POLLIN },
	};

	out_fill(l);
	p[FD_OUT].fd = l->out_count ? l->config->out_fd : -1;
	p[FD_OUT].events = POLLOUT;
	if (poll(p, FD_COUNT, LOOK_MS) < 0)
		return;
	if (p[FD_WAKE].revents)
		wake_clear(vm);
	if (p[FD_SIGNAL].revents)
		signal_read(l);
	if (p[FD_OUT].revents)
		out_write(l);
	if (p[FD_IN].revents)
		in_read(l);
}

bool loop_run(struct vm *vm, const struct loop_config *config, struct err *e)
{
	struct loop l = { .vm = vm, .config = config, .in_open = config->in_fd >= 0 };
	sigset_t set;
	bool ok;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	/* Before the threads: they inherit the mask. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	l.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l.signal_fd < 0)
		return err_set(e, ERR_SYSTEM, 0, "signalfd: %s", strerror(errno));
	ok = vm_start(vm, e);
	while (ok && !vm_ended(vm))
		loop_turn(&l);
	if (!ok)
		vm_end(vm, EXIT_TARGET, "not started");
	vm_join(vm);
	out_flush(&l);
	close(l.signal_fd);
	return ok;
}

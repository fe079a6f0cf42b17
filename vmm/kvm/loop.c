/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/cmd.h"
#include "vmm/kvm/console.h"
#include "vmm/kvm/control.h"

enum { FD_WAKE, FD_SIGNAL, FD_CONSOLE, FD_CONTROL = FD_CONSOLE + CONSOLE_FDS,
       FD_COUNT = FD_CONTROL + CONTROL_FDS };

/* How often the watcher looks for a guest that sleeps for ever. */
enum { LOOK_MS = 250 };

struct loop {
	struct vm *vm;
	const struct loop_config *config;
	struct control *control;
	struct console console;
	int signal_fd;
	bool ready_told;
	double looked;
};

static void signal_read(struct loop *l)
{
	struct signalfd_siginfo si;

	if (read(l->signal_fd, &si, sizeof(si)) == sizeof(si))
		vm_end(l->vm, EXIT_SIGNALLED, "stopped by SIG%s",
		       sigabbrev_np((int)si.ssi_signo));
}

static void wake_clear(struct vm *vm)
{
	uint64_t count;

	/* EAGAIN: cleared already. */
	if (read(vm->wake_fd, &count, sizeof(count)) < 0)
		return;
}

static void ready_tell(struct loop *l)
{
	if (l->ready_told || !atomic_load(&l->vm->ready))
		return;
	l->ready_told = true;
	if (l->config->ready)
		l->config->ready(l->config->arg);
}

static void look(struct loop *l)
{
	double now = vm_seconds(l->vm);

	if (now - l->looked < LOOK_MS / 1000.0)
		return;
	l->looked = now;
	if (!control_pauses(l->control))
		vm_watch(l->vm, console_has_input(&l->console));
}

static void loop_turn(struct loop *l)
{
	struct pollfd p[FD_COUNT] = {
		[FD_WAKE] = { .fd = l->vm->wake_fd, .events = POLLIN },
		[FD_SIGNAL] = { .fd = l->signal_fd, .events = POLLIN },
	};

	console_poll(&l->console, p + FD_CONSOLE);
	control_poll(l->control, p + FD_CONTROL);
	if (poll(p, FD_COUNT, control_timeout(l->control, LOOK_MS)) < 0)
		return;
	if (p[FD_WAKE].revents)
		wake_clear(l->vm);
	if (p[FD_SIGNAL].revents)
		signal_read(l);
	ready_tell(l);
	console_serve(&l->console, p + FD_CONSOLE);
	control_serve(l->control, p + FD_CONTROL);
	look(l);
}

static void signals_held(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

void loop_hold_signals(void)
{
	sigset_t set;

	signals_held(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int signals_open(struct err *e)
{
	sigset_t set;
	int fd;

	/* Before there are threads: they inherit the mask. */
	loop_hold_signals();
	signals_held(&set);
	signal(SIGPIPE, SIG_IGN);
	/* In the background, reading the terminal is an error and no reason to stop. */
	signal(SIGTTIN, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err_set(e, ERR_SYSTEM, 0, "signalfd: %s", strerror(errno));
	return fd;
}

bool loop_run(struct vm *vm, const struct loop_config *config, struct err *e)
{
	struct loop l = { .vm = vm, .config = config };
	bool ok;

	l.signal_fd = signals_open(e);
	if (l.signal_fd < 0)
		return false;
	l.control = control_create(vm, config->listen_fd, e);
	if (!l.control) {
		close(l.signal_fd);
		return false;
	}
	console_open(&l.console, &vm->serial, config->in_fd, config->out_fd);
	ok = vm_start(vm, e);
	while (ok && !vm_ended(vm))
		loop_turn(&l);
	if (!ok)
		vm_end(vm, EXIT_TARGET, "%s", e->message);
	vm_join(vm);
	control_destroy(l.control);
	console_close(&l.console);
	close(l.signal_fd);
	return ok;
}

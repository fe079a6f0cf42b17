/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/cmd.h"

/* What a child that was told to end may take to do so. */
enum { END_MS = 5000 };

static void child_settle(void)
{
	int null;

	setsid();
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
	/* No mount is to be busy for as long as a guest lives. */
	if (chdir("/"))
		return;
}

void detach_prepare(void)
{
	close_range(3, ~0u, 0);
}

/* True: the child has said something. */
static bool notice_read(int fd, struct detach_notice *n)
{
	return read(fd, n, sizeof(*n)) == sizeof(*n);
}

static void child_lost(pid_t child, struct detach_notice *n)
{
	int status = 0;

	*n = (struct detach_notice){ .status = EXIT_TARGET };
	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		snprintf(n->text, sizeof(n->text), "the guest's process died of SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(n->text, sizeof(n->text), "the guest's process went away");
}

/* It has ended and is clearing up: once we return, its name is free again. */
static void child_leave(pid_t child)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (int i = 0; i < END_MS && !waitpid(child, NULL, WNOHANG); i++)
		nanosleep(&nap, NULL);
}

static void child_end(pid_t child, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct detach_notice ignored;

	kill(child, SIGTERM);
	if (poll(&p, 1, END_MS) <= 0 || !notice_read(fd, &ignored))
		kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void parent_wait(pid_t child, int fd, int signal_fd, unsigned timeout,
			struct detach_notice *n)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = signal_fd, .events = POLLIN } };
	int found = poll(p, 2, (int)(timeout * 1000));

	if (found > 0 && p[0].revents) {
		if (!notice_read(fd, n))
			child_lost(child, n);
		else if (!n->ready)
			child_leave(child);
		n->text[sizeof(n->text) - 1] = '\0';
		return;
	}
	child_end(child, fd);
	*n = (struct detach_notice){ .status = EXIT_SIGNALLED };
	if (found > 0)
		snprintf(n->text, sizeof(n->text), "stopped by a signal before it was ready");
	else
		snprintf(n->text, sizeof(n->text),
			 "not ready after %u seconds (--ready-timeout): stopped", timeout);
}

bool detach(unsigned timeout, int *tell_fd, struct detach_notice *n)
{
	sigset_t set, before;
	int fds[2], signal_fd;
	pid_t child;

	*n = (struct detach_notice){ .status = EXIT_TARGET };
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (signal_fd < 0 || pipe2(fds, O_CLOEXEC)) {
		snprintf(n->text, sizeof(n->text), "cannot detach: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	child = fork();
	if (!child) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(fds[0]);
		close(signal_fd);
		*tell_fd = fds[1];
		child_settle();
		return true;
	}
	close(fds[1]);
	if (child < 0)
		snprintf(n->text, sizeof(n->text), "cannot detach: %s", strerror(errno));
	else
		parent_wait(child, fds[0], signal_fd, timeout, n);
	close(fds[0]);
	close(signal_fd);
	return false;
}

void detach_tell(int *tell_fd, bool ready, int status, const char *text)
{
	struct detach_notice n;

	if (*tell_fd < 0)
		return;
	memset(&n, 0, sizeof(n));
	n.ready = ready;
	n.status = status;
	snprintf(n.text, sizeof(n.text), "%s", text);
	/* If the parent is gone there is nobody to tell. */
	if (write(*tell_fd, &n, sizeof(n)) < 0)
		n.ready = false;
	close(*tell_fd);
	*tell_fd = -1;
}

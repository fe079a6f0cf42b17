/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A VMM that is stopped by a debugger or SIGSTOP must not hang its inspectors. */
enum { ANSWER_MS = 10 * 1000 };

void client_init(struct client_link *l, int fd)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
}

void client_close(struct client_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static bool broken(struct client_link *l, struct err *e, const char *why)
{
	l->broken = true;
	return err_set(e, ERR_TARGET, 0, "%s", why);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool wait_readable(struct client_link *l, unsigned timeout_ms, struct err *e)
{
	double end = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		double left = end - now_ms();
		int n = poll(&p, 1, left < 0 ? 0 : (int)left + 1);

		if (n > 0)
			return true;
		if (n == 0)
			return broken(l, e, "the guest's VMM does not answer");
		if (errno != EINTR)
			return broken(l, e, strerror(errno));
	}
}

/* Closes descriptors that came with a message, but for the first two of a hello. */
static void fds_take(struct msghdr *m, int fds[2])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (fds && i < 2 && fds[i] < 0)
				fds[i] = fd;
			else
				close(fd);
		}
	}
}

/* Receives one message into l->reply. */
static bool receive(struct client_link *l, unsigned timeout_ms, int fds[2], struct err *e)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &l->reply, .iov_len = sizeof(l->reply) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space };
	ssize_t n;

	for (int tries = 0; ; tries++) {
		if (!wait_readable(l, timeout_ms, e))
			return false;
		m.msg_controllen = sizeof(control);
		n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		/* ECONNRESET comes once; what the VMM sent before it went lies behind it. */
		if (tries >= 2 || (errno != EINTR && errno != ECONNRESET))
			return broken(l, e, "the guest's VMM went away");
	}
	if (!n)
		return broken(l, e, "the guest's VMM went away");
	fds_take(&m, fds);
	if (m.msg_flags & MSG_TRUNC || !wire_check(&l->reply, (size_t)n, e)) {
		l->broken = true;
		return err_set(e, ERR_TARGET, 0, "the guest's VMM does not speak this ptmm's "
			       "protocol: same version on both sides?");
	}
	return true;
}

static bool take_end(struct client_link *l)
{
	if (l->reply.head.op != WIRE_ENDED || l->reply.head.size != sizeof(l->end))
		return false;
	l->end = l->reply.ended;
	l->end.status.reason[sizeof(l->end.status.reason) - 1] = '\0';
	if (l->end.vcpus > WIRE_VCPUS)
		l->end.vcpus = WIRE_VCPUS;
	if (l->end.events.count > WIRE_EVENTS)
		l->end.events.count = WIRE_EVENTS;
	l->ended = true;
	return true;
}

static bool usable(const struct client_link *l, struct err *e)
{
	if (l->ended)
		return err_set(e, ERR_TARGET, 0, "the guest has ended: %s", l->end.status.reason);
	if (l->broken)
		return err_set(e, ERR_TARGET, 0, "the guest's VMM went away");
	return true;
}

static bool ask(struct client_link *l, unsigned op, unsigned timeout_ms, int fds[2],
		struct err *e)
{
	size_t size = (size_t)wire_request_size(op);
	const struct wire_error *we = &l->reply.error;

	if (!usable(l, e))
		return false;
	l->request.head = (struct wire_header){ .magic = WIRE_MAGIC, .version = WIRE_VERSION,
						.op = (uint16_t)op, .size = (uint32_t)size };
	/* If this fails the VMM is gone, and its last message may still lie here. */
	(void)!send(l->fd, &l->request, sizeof(l->request.head) + size, MSG_NOSIGNAL);
	if (!receive(l, ANSWER_MS + timeout_ms, fds, e))
		return false;
	if (take_end(l))
		return usable(l, e);
	l->poisoned = l->reply.head.poisoned;
	if (l->reply.head.op == WIRE_ERROR && l->reply.head.size == sizeof(*we))
		return err_set(e, we->code ? we->code : ERR_TARGET, we->address, "%.*s",
			       (int)sizeof(we->message) - 1, we->message);
	if (l->reply.head.op != op || l->reply.head.size != wire_reply_size(op))
		return broken(l, e, "the guest's VMM gave an answer that does not fit");
	return true;
}

bool client_ask(struct client_link *l, unsigned op, unsigned timeout_ms, struct err *e)
{
	return ask(l, op, timeout_ms, NULL, e);
}

bool client_hello(struct client_link *l, int fds[2], struct err *e)
{
	fds[0] = fds[1] = -1;
	if (ask(l, WIRE_HELLO, 0, fds, e) && fds[0] >= 0 && fds[1] >= 0)
		return true;
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (!l->broken && !l->ended && !(e && e->code))
		broken(l, e, "the guest's VMM did not give its memory");
	return false;
}

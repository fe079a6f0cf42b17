/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections and messages; what the requests do is in control_ops.c. */
#include "vmm/kvm/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct control *control_create(struct vm *vm, int listen_fd, struct err *e)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	c->vm = vm;
	c->listen_fd = listen_fd;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	return c;
}

static void client_drop(struct control *c, struct client *cl)
{
	control_resume(c, cl);
	close(cl->fd);
	*cl = (struct client){ .fd = -1 };
}

/* Sends c->out; a client that does not read its replies loses its connection. */
static bool send_out(struct control *c, struct client *cl, unsigned op, size_t size,
		     const int *fds, unsigned fd_count)
{
	struct iovec iov = { .iov_base = &c->out, .iov_len = sizeof(c->out.head) + size };
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	c->out.head = (struct wire_header){
		.magic = WIRE_MAGIC, .version = WIRE_VERSION, .op = (uint16_t)op,
		.size = (uint32_t)size, .poisoned = c->vm->poison_count,
	};
	if (fd_count) {
		struct cmsghdr *cm = &control.align;

		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, fd_count * sizeof(int));
	}
	return sendmsg(cl->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)iov.iov_len;
}

static bool send_error(struct control *c, struct client *cl, const struct err *e)
{
	struct wire_error *we = &c->out.error;

	*we = (struct wire_error){ .code = e->code, .address = e->address };
	snprintf(we->message, sizeof(we->message), "%s", e->message);
	return send_out(c, cl, WIRE_ERROR, sizeof(*we), NULL, 0);
}

static bool send_hello(struct control *c, struct client *cl)
{
	struct err e = { 0 };
	int fds[2] = { memory_reopen_readonly(&c->vm->mem, &e), c->vm->image_fd };
	bool ok;

	if (fds[0] < 0)
		return send_error(c, cl, &e);
	ok = send_out(c, cl, WIRE_HELLO, sizeof(struct wire_hello), fds, 2);
	close(fds[0]);
	return ok;
}

static bool reply(struct control *c, struct client *cl, unsigned op)
{
	if (op == WIRE_HELLO)
		return send_hello(c, cl);
	return send_out(c, cl, op, (size_t)wire_reply_size(op), NULL, 0);
}

/* One message; false where the connection is to be closed. */
static bool client_serve(struct control *c, struct client *cl)
{
	struct iovec iov = { .iov_base = &c->in, .iov_len = sizeof(c->in) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	/* Without room for control data the kernel itself drops descriptors sent to us. */
	ssize_t n = recvmsg(cl->fd, &m, MSG_DONTWAIT);
	struct err e = { 0 };
	unsigned op;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	if (m.msg_flags & MSG_TRUNC || !wire_check(&c->in, (size_t)n, &e)) {
		if (m.msg_flags & MSG_TRUNC)
			err_set(&e, ERR_MALFORMED, 0, "message too long");
		send_error(c, cl, &e);
		return false;
	}
	/* A client that sends on does not wait any more. */
	if (cl->waiting) {
		cl->waiting = false;
		if (!reply(c, cl, WIRE_WAIT))
			return false;
	}
	op = c->in.head.op;
	if (wire_request_size(op) < 0)
		err_set(&e, ERR_UNSUPPORTED, 0, "unknown request %u", op);
	else if (wire_request_size(op) != (long)c->in.head.size)
		err_set(&e, ERR_MALFORMED, 0, "request %u has %u bytes, not %ld", op,
			c->in.head.size, wire_request_size(op));
	else if (control_act(c, cl, &e))
		return cl->waiting || reply(c, cl, op);
	return send_error(c, cl, &e);
}

static void accept_one(struct control *c)
{
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->client[i].fd < 0) {
			c->client[i] = (struct client){ .fd = fd };
			return;
		}
	}
	close(fd);
}

static void waits_answer(struct control *c)
{
	uint64_t last = events_last(&c->vm->events);
	double now = vm_seconds(c->vm);

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *cl = &c->client[i];

		if (cl->fd < 0 || !cl->waiting || (last <= cl->since && now < cl->deadline))
			continue;
		cl->waiting = false;
		if (!reply(c, cl, WIRE_WAIT))
			client_drop(c, cl);
	}
}

void control_poll(const struct control *c, struct pollfd *p)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		p[i] = (struct pollfd){ .fd = c->client[i].fd, .events = POLLIN };
	p[CLIENTS_MAX] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
}

void control_serve(struct control *c, const struct pollfd *p)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (p[i].fd >= 0 && p[i].revents && !client_serve(c, &c->client[i]))
			client_drop(c, &c->client[i]);
	}
	if (p[CLIENTS_MAX].revents)
		accept_one(c);
	waits_answer(c);
}

int control_timeout(const struct control *c, int most)
{
	double now = vm_seconds(c->vm);

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		const struct client *cl = &c->client[i];
		double left = (cl->deadline - now) * 1000;

		if (cl->fd >= 0 && cl->waiting && left < most)
			most = left < 0 ? 0 : (int)left + 1;
	}
	return most;
}

bool control_pauses(const struct control *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->client[i].pausing)
			return true;
	}
	return false;
}

static void ended_fill(struct control *c)
{
	struct wire_ended *end = &c->out.ended;
	uint64_t last = events_last(&c->vm->events);

	memset(end, 0, sizeof(*end));
	control_status(c, &end->status);
	end->vcpus = c->vm->vcpu_count;
	for (unsigned i = 0; i < c->vm->vcpu_count; i++)
		vcpu_regs(&c->vm->vcpu[i], &end->regs[i], NULL);
	end->events.count = events_after(&c->vm->events,
					 last > WIRE_EVENTS ? last - WIRE_EVENTS : 0,
					 end->events.event, WIRE_EVENTS);
}

void control_destroy(struct control *c)
{
	ended_fill(c);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->client[i].fd < 0)
			continue;
		send_out(c, &c->client[i], WIRE_ENDED, sizeof(struct wire_ended), NULL, 0);
		client_drop(c, &c->client[i]);
	}
	free(c);
}

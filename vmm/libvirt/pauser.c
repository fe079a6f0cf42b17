/* SPDX-License-Identifier: GPL-2.0-only */
/* pauser.c - our side of the process that holds a domain paused. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/libvirt/pauser_wire.h"

/* libvirt itself gives up on a busy domain after 30 s. */
enum { REPLY_MS = 90000, END_MS = 2000 };

static bool gone(struct err *err)
{
	return err_set(err, ERR_SYSTEM, 0, "the process that holds the domain paused is gone");
}

bool pauser_start(struct pauser *p, const char *uri, struct err *err)
{
	int ends[2];
	pid_t child;

	*p = (struct pauser){ .socket = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_set(err, ERR_SYSTEM, 0, "socketpair: %s", strerror(errno));
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return err_set(err, ERR_SYSTEM, 0, "fork: %s", strerror(errno));
	}
	if (!child) {
		close(ends[0]);
		pauser_serve(ends[1], uri);
	}
	close(ends[1]);
	*p = (struct pauser){ .socket = ends[0], .pid = child };
	return true;
}

static bool request(struct pauser *p, const struct pauser_request *r, struct err *err)
{
	if (p->socket < 0 || send(p->socket, r, sizeof(*r), MSG_NOSIGNAL) != sizeof(*r))
		return gone(err);
	return true;
}

static bool ask(struct pauser *p, enum pauser_what what, struct pauser_reply *reply,
		struct err *err)
{
	const struct pauser_request r = { .what = what };
	struct pollfd wait = { .fd = p->socket, .events = POLLIN };
	int n;

	if (!request(p, &r, err)) {
		pauser_stop(p);
		return false;
	}
	do
		n = poll(&wait, 1, REPLY_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || recv(p->socket, reply, sizeof(*reply), 0) != sizeof(*reply)) {
		/* A late answer would be taken for that to the next question. */
		pauser_stop(p);
		return n ? gone(err) : err_set(err, ERR_TARGET, 0, "libvirt does not answer");
	}
	if (!reply->ok && err)
		*err = reply->err;
	return reply->ok;
}

bool pauser_choose(struct pauser *p, const unsigned char uuid[VIR_UUID_BUFLEN], struct err *err)
{
	struct pauser_request r = { .what = PAUSER_CHOOSE };

	memcpy(r.uuid, uuid, sizeof(r.uuid));
	return request(p, &r, err);
}

bool pauser_pause(struct pauser *p, bool *ours, struct err *err)
{
	struct pauser_reply reply;

	if (!ask(p, PAUSER_PAUSE, &reply, err))
		return false;
	*ours = reply.ours;
	return true;
}

bool pauser_resume(struct pauser *p, struct err *err)
{
	struct pauser_reply reply;

	return ask(p, PAUSER_RESUME, &reply, err);
}

/* It ends at once, unless libvirt does not let it: then it goes on without us. */
void pauser_stop(struct pauser *p)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (p->socket < 0)
		return;
	close(p->socket);
	p->socket = -1;
	for (int i = 0; i < END_MS && !waitpid(p->pid, NULL, WNOHANG); i++)
		nanosleep(&nap, NULL);
}

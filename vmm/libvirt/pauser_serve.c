/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pauser_serve.c - the process that stops a domain and lets it go.
 *
 * It must not end, or be ended by a key on the terminal, while it holds one. Where
 * its connection breaks meanwhile (libvirtd is restarted), it makes a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm/kvm/names.h"
#include "vmm/libvirt/link.h"
#include "vmm/libvirt/pauser_wire.h"


enum { LOCK_TRIES = 15000, LOCK_NAP_MS = 2, RESUME_TRIES = 600, RESUME_NAP_MS = 100 };

struct holder {
	int socket;
	const char *uri;
	struct link link;
	struct err broken;		/* why there is no domain to hold */
	unsigned char uuid[VIR_UUID_BUFLEN];
	int lock;			/* held while the domain is; -1: no file */
	bool holding;			/* between pause and resume */
	bool ours;			/* the domain ran before we stopped it */
};

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static bool client_alive(const struct holder *h)
{
	struct pollfd p = { .fd = h->socket };

	return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR));
}

/* A file of the user's own, named by the domain. */
static int lock_open(const unsigned char uuid[VIR_UUID_BUFLEN], struct err *err)
{
	char path[PATH_MAX], name[16 + 2 * VIR_UUID_BUFLEN] = "libvirt-";
	size_t used = strlen(name);
	int fd;

	for (int i = 0; i < VIR_UUID_BUFLEN; i++)
		used += (size_t)snprintf(name + used, sizeof(name) - used, "%02x", uuid[i]);
	if (!names_path(path, name, "paused", err))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err_set(err, ERR_SYSTEM, 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void choose(struct holder *h, const unsigned char uuid[VIR_UUID_BUFLEN])
{
	memcpy(h->uuid, uuid, sizeof(h->uuid));
	if (h->broken.code)
		return;
	h->lock = lock_open(uuid, &h->broken);
	if (h->lock >= 0)
		link_choose_uuid(&h->link, uuid, &h->broken);
}

static bool lock_take(struct holder *h, struct err *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(h->lock, LOCK_EX | LOCK_NB))
			return true;
		if (!client_alive(h))
			return false;
		nap(LOCK_NAP_MS);
	}
	return err_set(err, ERR_TARGET, 0, "another ptmm has held the domain paused for %d s",
		       LOCK_TRIES / 1000 * LOCK_NAP_MS);
}

/* A stop that libvirt reports as failed may have happened all the same. */
static bool stop(struct holder *h, struct err *err)
{
	struct err why = { 0 };
	int state;

	if (!virDomainSuspend(h->link.domain))
		return true;
	link_error(&why, "cannot pause the domain");
	if (link_state(&h->link, &state, NULL) && state == VIR_DOMAIN_PAUSED)
		return true;
	*err = why;
	return false;
}

static bool hold(struct holder *h, struct err *err)
{
	int state;

	if (h->broken.code) {
		*err = h->broken;
		return false;
	}
	if (h->holding)
		return err_set(err, ERR_USAGE, 0, "the domain is held already");
	if (!lock_take(h, err))
		return false;
	if (!link_state(&h->link, &state, err))
		goto fail;
	if (state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED) {
		h->ours = false;
	} else if (state != VIR_DOMAIN_RUNNING && state != VIR_DOMAIN_BLOCKED) {
		err_set(err, ERR_TARGET, 0, "the domain is not running any more (%s)",
			link_state_name(state));
		goto fail;
	} else if (!client_alive(h) || !stop(h, err)) {
		goto fail;
	} else {
		h->ours = true;
	}
	h->holding = true;
	return true;
fail:
	flock(h->lock, LOCK_UN);
	return false;
}

/* Asks nothing before it has let go: each question would lengthen the pause. */
static bool release(struct holder *h, struct err *err)
{
	int state;

	if (!h->holding)
		return err_set(err, ERR_USAGE, 0, "the domain is not paused");
	if (h->ours && virDomainResume(h->link.domain)) {
		link_error(err, "cannot let the domain run on");
		if (!link_state(&h->link, &state, NULL) || state == VIR_DOMAIN_PAUSED)
			return false;
		if (state == VIR_DOMAIN_RUNNING)
			err_set(err, ERR_TARGET, 0, "somebody let the domain run while it was "
				"looked at: try again");
		h->ours = false;
	}
	h->holding = false;
	flock(h->lock, LOCK_UN);
	return !err->code;
}

/* True: it runs, or it is no more. */
static bool freed(struct holder *h)
{
	int state;

	if (!h->link.domain || !link_state(&h->link, &state, NULL))
		return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
	return state != VIR_DOMAIN_PAUSED || !virDomainResume(h->link.domain);
}

/* Nobody waits for an answer any more: by all means. */
static void let_go(struct holder *h)
{
	for (int i = 0; h->holding && h->ours && !freed(h) && i < RESUME_TRIES; i++) {
		nap(RESUME_NAP_MS);
		link_close(&h->link);
		if (link_open(&h->link, h->uri, NULL))
			link_choose_uuid(&h->link, h->uuid, NULL);
	}
}

/* Nothing of the user's is kept open, and no key or hangup reaches us. */
static void detach(int socket)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGTSTP,
				       SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM };
	int null = open("/dev/null", O_RDWR);

	setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	/* All but ours; the loop is for kernels that do not know the call. */
	if (syscall(SYS_close_range, socket + 1, ~0u, 0))
		for (int fd = socket + 1; fd < 1024; fd++)
			close(fd);
	for (int fd = 3; fd < socket; fd++)
		close(fd);
	if (chdir("/"))
		return;
}

void pauser_serve(int socket, const char *uri)
{
	struct holder h = { .socket = socket, .uri = uri, .lock = -1 };
	struct pauser_request r;

	detach(socket);
	link_open(&h.link, uri, &h.broken);
	while (recv(socket, &r, sizeof(r), 0) == sizeof(r)) {
		struct pauser_reply reply = { 0 };

		if (r.what == PAUSER_CHOOSE) {
			choose(&h, r.uuid);
			continue;
		}
		reply.ok = r.what == PAUSER_PAUSE ? hold(&h, &reply.err) :
			   release(&h, &reply.err);
		reply.ours = h.ours;
		if (send(socket, &reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply))
			break;
	}
	let_go(&h);
	_exit(0);
}

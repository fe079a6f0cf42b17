/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_attach.c - the inspector's end against a VMM that lies or goes away. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/tiny_guest.h"
#include "vmm/kvm/names.h"
#include "vmm/kvm/wire.h"

enum fds { FDS_NONE, FDS_ONE, FDS_GOOD, FDS_UNSEALED, FDS_SHORT, FDS_PIPE };

struct liar {
	enum fds fds;
	struct wire_header head;
	size_t size;		/* of the hello sent; 0: hang up */
	struct wire_hello hello;
	const char *says;	/* NULL: attaches */
	bool end;		/* then ends */
};

#define HELLO_SIZE (sizeof(struct wire_header) + sizeof(struct wire_hello))
#define HEAD { WIRE_MAGIC, WIRE_VERSION, WIRE_HELLO, sizeof(struct wire_hello), 0 }
#define WITH(...) { .name = "liar", .memory = MEMORY_MIN, .image_size = 4096, .vcpus = 1, \
		    .region_count = 1, .region = { { 0, MEMORY_MIN, 0 } }, __VA_ARGS__ }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
static const struct liar liars[] = {
	/* The first one is honest. */
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.vcpus = 1), NULL, false },
	{ FDS_GOOD, HEAD, 0, WITH(.vcpus = 1), "went away", false },
	{ FDS_GOOD, HEAD, 5, WITH(.vcpus = 1), "does not speak", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE - 1, WITH(.vcpus = 1), "does not speak", false },
	{ FDS_GOOD, { 1, WIRE_VERSION, WIRE_HELLO, sizeof(struct wire_hello), 0 }, HELLO_SIZE,
	  WITH(.vcpus = 1), "does not speak", false },
	{ FDS_GOOD, { WIRE_MAGIC, 2, WIRE_HELLO, sizeof(struct wire_hello), 0 }, HELLO_SIZE,
	  WITH(.vcpus = 1), "same version on both sides", false },
	{ FDS_GOOD, { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, sizeof(struct wire_hello), 0 },
	  HELLO_SIZE, WITH(.vcpus = 1), "does not fit", false },
	{ FDS_NONE, HEAD, HELLO_SIZE, WITH(.vcpus = 1), "did not give its memory", false },
	{ FDS_ONE, HEAD, HELLO_SIZE, WITH(.vcpus = 1), "did not give its memory", false },
	{ FDS_UNSEALED, HEAD, HELLO_SIZE, WITH(.vcpus = 1), "too short or could shrink", false },
	{ FDS_SHORT, HEAD, HELLO_SIZE, WITH(.vcpus = 1), "too short or could shrink", false },
	{ FDS_PIPE, HEAD, HELLO_SIZE, WITH(.vcpus = 1), "too short or could shrink", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.image_size = 0), "too short or could shrink", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.image_size = 1ull << 62), "too short or", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.vcpus = 0), "impossible machine", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.vcpus = 5), "impossible machine", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.region_count = 2), "impossible machine", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.region_count = UINT32_MAX), "impossible machine",
	  false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.memory = MEMORY_MIN + 1), "impossible machine", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.region = { { 0, MEMORY_MIN, 4096 } }),
	  "impossible machine", false },
	{ FDS_GOOD, HEAD, HELLO_SIZE, WITH(.region = { { 0, MEMORY_MIN * 2, 0 } }),
	  "impossible machine", false },
};
static const struct liar ending = {
	FDS_GOOD, HEAD, HELLO_SIZE, WITH(.vcpus = 1), NULL, true,
};
#pragma GCC diagnostic pop

static int file_make(uint64_t size, bool sealed)
{
	int fd = memfd_create("liar", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (ftruncate(fd, (off_t)size) || (sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)))
		_exit(2);
	return fd;
}

static int ram_make(enum fds kind)
{
	int ends[2];

	switch (kind) {
	case FDS_UNSEALED:
		return file_make(MEMORY_MIN, false);
	case FDS_SHORT:
		return file_make(MEMORY_MIN - 4096, true);
	case FDS_PIPE:
		return pipe(ends) ? -1 : ends[0];
	default:
		return file_make(MEMORY_MIN, true);
	}
}

/* Answers one request. */
static void answer(int fd, const struct liar *l)
{
	struct wire_message in, out = { .head = l->head, .hello = l->hello };
	struct iovec iov = { &out, l->size };
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} c = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[2] = { ram_make(l->fds), file_make(4096, true) };
	unsigned count = l->fds == FDS_NONE ? 0 : l->fds == FDS_ONE ? 1 : 2;

	if (recv(fd, &in, sizeof(in), 0) <= 0 || !l->size)
		return;
	c.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&c.head), fds, count * sizeof(int));
	m.msg_control = count ? c.space : NULL;
	m.msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0;
	sendmsg(fd, &m, MSG_NOSIGNAL);
	/* The guest ends just while the next request is on its way: it is never read. */
	if (l->end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		poll(&p, 1, 10000);
		out.head.op = WIRE_ENDED;
		out.head.size = sizeof(out.ended);
		memset(&out.ended, 0, sizeof(out.ended));
		out.ended.status.state = GUEST_ENDED;
		out.ended.status.exit_status = 13;
		memset(out.ended.status.reason, 'r', sizeof(out.ended.status.reason));
		out.ended.vcpus = UINT32_MAX;
		out.ended.events.count = UINT32_MAX;
		send(fd, &out, sizeof(out.head) + sizeof(out.ended), MSG_NOSIGNAL);
		close(fd);
		return;
	}
	/* Until the other side hangs up. */
	while (recv(fd, &in, sizeof(in), 0) > 0)
		;
}

static pid_t liar_start(const struct liar *l)
{
	struct name_claim claim;
	int listen_fd;
	pid_t pid;

	/* Claimed by the child: the lock is to go with it. */
	pid = fork();
	if (pid)
		return pid;
	if (!name_claim(&claim, "liar", NULL) || (listen_fd = name_listen(&claim, NULL)) < 0)
		_exit(1);
	fcntl(listen_fd, F_SETFL, 0);
	answer(accept(listen_fd, NULL, NULL), l);
	_exit(0);
}

static struct machine *attach_to(const struct liar *l, pid_t *pid, struct err *e)
{
	struct machine *m = NULL;

	*pid = liar_start(l);
	for (int i = 0; i < 1000 && !m; i++) {
		*e = (struct err){ 0 };
		m = kvm_attach("liar", e);
		if (m || !strstr(e->message, "no guest named"))
			break;
		usleep(2000);
	}
	return m;
}

static void liars_are_found_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(liars) / sizeof(liars[0]); i++) {
		struct err e = { 0 };
		pid_t pid;
		struct machine *m = attach_to(&liars[i], &pid, &e);

		if (!m != !!liars[i].says || (!m && (!strstr(e.message, liars[i].says) ||
						     e.code != ERR_TARGET)))
			fail_msg("row %zu: %s '%s'", i, m ? "attached" : "refused", e.message);
		if (m)
			machine_close(m);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* The VMM is killed while we look: an error each time, and RAM stays readable. */
static void vmm_that_is_killed_is_an_error(void **state)
{
	struct guest_status status;
	struct x86_regs regs;
	struct err e = { 0 };
	uint64_t word;
	pid_t pid;
	struct machine *m = attach_to(&liars[0], &pid, &e);

	(void)state;
	assert_non_null(m);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(kvm_status(m, &status, &e));
	assert_int_equal(e.code, ERR_TARGET);
	assert_non_null(strstr(e.message, "went away"));
	assert_false(m->ops->regs(m, 0, &regs, &e));
	assert_false(m->ops->pause(m, &e));
	assert_false(kvm_wait(m, 0, 60000, &e));
	assert_int_equal(kvm_events(m, 0, NULL, 0, &e), -1);
	assert_true(machine_read_u64(m, MEMORY_MIN - 8, &word, &e));
	machine_close(m);
}

static void end_crosses_a_request(void **state)
{
	struct guest_status status;
	struct guest_event events[2];
	struct err e = { 0 };
	pid_t pid;
	struct machine *m = attach_to(&ending, &pid, &e);

	(void)state;
	assert_non_null(m);
	assert_true(kvm_status(m, &status, &e));
	assert_int_equal(status.state, GUEST_ENDED);
	assert_int_equal(status.exit_status, 13);
	assert_int_equal(strlen(status.reason), sizeof(status.reason) - 1);
	assert_in_range(kvm_events(m, 0, events, 2, &e), 0, 2);
	machine_close(m);
	waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
	(void)state;
	return tiny_setup() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tiny_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(liars_are_found_out),
		cmocka_unit_test(end_crosses_a_request),
		cmocka_unit_test(vmm_that_is_killed_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

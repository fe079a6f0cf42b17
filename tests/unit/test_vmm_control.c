/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_vmm_control.c - the control socket's server against clients that speak
 * it badly. The machine behind it has RAM but no vCPU, so no KVM is needed.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/tiny_guest.h"
#include "vmm/kvm/control.h"
#include "vmm/kvm/image.h"
#include "vmm/kvm/names.h"

struct server {
	struct vm vm;
	struct image image;
	struct name_claim claim;
	struct control *control;
};

static int setup(void **state)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s || !tiny_setup() || !tiny_write(TINY_HELLO, tiny_path("image")) ||
	    !image_read(&s->image, tiny_path("image"), NULL) ||
	    !memory_create(&s->vm.mem, MEMORY_MIN, NULL) || !name_claim(&s->claim, "fake", NULL))
		return -1;
	s->vm.cpuid = calloc(1, sizeof(*s->vm.cpuid));
	if (!s->vm.cpuid)
		return -1;
	s->vm.image_fd = s->image.fd;
	s->vm.image_size = s->image.size;
	s->vm.wake_fd = -1;
	pthread_mutex_init(&s->vm.lock, NULL);
	pthread_cond_init(&s->vm.parked, NULL);
	pthread_cond_init(&s->vm.go, NULL);
	events_init(&s->vm.events);
	clock_gettime(CLOCK_MONOTONIC, &s->vm.start);
	s->control = control_create(&s->vm, name_listen(&s->claim, NULL), NULL);
	*state = s;
	return s->control ? 0 : -1;
}

static int teardown(void **state)
{
	struct server *s = *state;
	int fd = s->control->listen_fd;

	control_destroy(s->control);
	close(fd);
	name_release(&s->claim);
	memory_destroy(&s->vm.mem);
	image_free(&s->image);
	events_deinit(&s->vm.events);
	free(s->vm.cpuid);
	free(s);
	tiny_cleanup();
	return 0;
}

/* Lets the server do all that there is to do now. */
static void serve(struct server *s)
{
	struct pollfd p[CONTROL_FDS];

	for (int i = 0; i < 8; i++) {
		control_poll(s->control, p);
		if (poll(p, CONTROL_FDS, 0) >= 0)
			control_serve(s->control, p);
	}
}

static int client(struct server *s)
{
	int fd = name_connect("fake", NULL);

	assert_true(fd >= 0);
	serve(s);
	return fd;
}

/* Sends, serves, receives; -1: the server hung up (or says nothing). */
static ssize_t talk(struct server *s, int fd, const void *bytes, size_t size,
		    struct wire_message *reply)
{
	ssize_t n;

	if (send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -1;
	serve(s);
	n = recv(fd, reply, sizeof(*reply), MSG_DONTWAIT);
	return n > 0 ? n : -1;
}

static ssize_t request(struct server *s, int fd, unsigned op, const void *payload,
		       struct wire_message *reply)
{
	static struct wire_message m;
	size_t size = (size_t)wire_request_size(op);

	memset(&m, 0, sizeof(m));
	m.head = (struct wire_header){ WIRE_MAGIC, WIRE_VERSION, (uint16_t)op, (uint32_t)size, 0 };
	if (size)
		memcpy(&m.hello, payload, size);
	return talk(s, fd, &m, sizeof(m.head) + size, reply);
}

static bool is_error(const struct wire_message *m, const char *says)
{
	return m->head.op == WIRE_ERROR && m->head.size == sizeof(m->error) &&
	       strstr(m->error.message, says);
}

static bool still_serves(struct server *s)
{
	struct wire_message m;
	int fd = client(s);
	bool ok = request(s, fd, WIRE_HELLO, NULL, &m) == sizeof(m.head) + sizeof(m.hello) &&
		  m.head.op == WIRE_HELLO && m.hello.memory == MEMORY_MIN;

	close(fd);
	serve(s);
	return ok;
}

static const struct {
	struct wire_header head;
	size_t size;		/* of the whole message */
	const char *says;
	bool stays;		/* connected */
} bad[] = {
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0 }, 1, "too short", false },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0 }, 15, "too short", false },
	{ { 0x12345678, WIRE_VERSION, WIRE_STATUS, 0, 0 }, 16, "not a message of", false },
	{ { WIRE_MAGIC, 7, WIRE_STATUS, 0, 0 }, 16, "control protocol 7", false },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 1, 0 }, 16, "announces 17", false },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0 }, 17, "announces 16", false },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_REGS, UINT32_MAX, 0 }, 20, "announces", false },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_WRITE, 0, 0 }, 65536, "too long", false },
	{ { WIRE_MAGIC, WIRE_VERSION, 0, 0, 0 }, 16, "unknown request 0", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_OPS, 0, 0 }, 16, "unknown request", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_ERROR, 0, 0 }, 16, "unknown request", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_ENDED, 0, 0 }, 16, "unknown request", true },
	{ { WIRE_MAGIC, WIRE_VERSION, 65535, 0, 0 }, 16, "unknown request", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 4, 0 }, 20, "has 4 bytes, not 0", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_REGS, 0, 0 }, 16, "has 0 bytes, not 4", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_REGS, 4, 0 }, 20, "no vCPU 0", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_MCE, sizeof(struct machine_mce), 0 },
	  16 + sizeof(struct machine_mce), "no running vCPU 0", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_TRANSLATE, sizeof(struct wire_translate), 0 },
	  16 + sizeof(struct wire_translate), "no vCPU 0", true },
	{ { WIRE_MAGIC, WIRE_VERSION, WIRE_WRITE, sizeof(struct wire_write), 0 },
	  16 + sizeof(struct wire_write), "1 to 4096 bytes", true },
};

static void bad_messages_get_an_error(void **state)
{
	static uint8_t bytes[65536];
	struct server *s = *state;
	struct wire_message m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = client(s);
		ssize_t n;

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &bad[i].head, sizeof(bad[i].head));
		n = talk(s, fd, bytes, bad[i].size, &m);
		if (n < 0 || !is_error(&m, bad[i].says))
			fail_msg("row %zu: %zd bytes, '%s'", i, n, n > 0 ? m.error.message : "");
		n = request(s, fd, WIRE_STATUS, NULL, &m);
		if (bad[i].stays != (n > 0))
			fail_msg("row %zu: afterwards %zd", i, n);
		close(fd);
	}
	assert_true(still_serves(s));
}

static void writes_stay_in_ram(void **state)
{
	static const struct { uint64_t gpa; uint32_t size; const char *says; } rows[] = {
		{ MEMORY_MIN, 1, "not guest RAM" }, { MEMORY_MIN - 1, 2, "not guest RAM" },
		{ UINT64_MAX, 1, "not guest RAM" }, { UINT64_MAX - 4095, 4096, "not guest RAM" },
		{ MEMORY_HOLE_END, 8, "not guest RAM" }, { 0, 4097, "1 to 4096" },
		{ 0, UINT32_MAX, "1 to 4096" }, { 0, 0, "1 to 4096" },
		{ MEMORY_MIN - 1, 1, NULL }, { 0x1ff8, 16, NULL }, { 0, 4096, NULL },
	};
	struct server *s = *state;
	int fd = client(s);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct wire_write w;
		struct wire_message m;

		w = (struct wire_write){ .gpa = rows[i].gpa, .size = rows[i].size };
		memset(w.bytes, 0x5a, sizeof(w.bytes));
		/* vm->changed would be told to a KVM that is not there. */
		control_pause(s->control, &s->control->client[0]);
		assert_true(request(s, fd, WIRE_WRITE, &w, &m) > 0);
		s->vm.changed = 0;
		if (rows[i].says ? !is_error(&m, rows[i].says) : m.head.op != WIRE_WRITE)
			fail_msg("row %zu: '%s'", i, m.error.message);
	}
	assert_int_equal(*(uint8_t *)memory_at(&s->vm.mem, MEMORY_MIN - 1, 1), 0x5a);
	assert_int_equal(*(uint8_t *)memory_at(&s->vm.mem, 0x2007, 1), 0x5a);
	assert_int_equal(*(uint8_t *)memory_at(&s->vm.mem, 0x2008, 1), 0);
	close(fd);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 2685821657736338717ull;
}

/* Random ops, sizes and contents; some well-formed, so that they get further. */
static void noise_is_survived(void **state)
{
	static struct wire_message m, reply;
	struct server *s = *state;
	uint64_t seed = 0x70746d6d;
	int fd = client(s);

	print_message("seed 0x%llx\n", (unsigned long long)seed);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *bytes = (uint8_t *)&m;
		unsigned op = (unsigned)(next(&seed) % (WIRE_OPS + 2));
		size_t size = (size_t)(next(&seed) % 64);

		for (size_t b = 0; b < 64; b++)
			bytes[b] = (uint8_t)next(&seed);
		/* A write that succeeds needs a KVM to be told about it. */
		if (op == WIRE_STOP || op == WIRE_WRITE || op == WIRE_DESTROY)
			op = WIRE_STATUS;
		if (next(&seed) % 4) {
			size = wire_request_size(op) < 0 ? 0 : (size_t)wire_request_size(op);
			m.head = (struct wire_header){ WIRE_MAGIC, WIRE_VERSION, (uint16_t)op,
						       (uint32_t)size, 0 };
			size += sizeof(m.head);
		}
		if (talk(s, fd, &m, size, &reply) < 0 || next(&seed) % 50 == 0) {
			close(fd);
			serve(s);
			fd = client(s);
		}
	}
	close(fd);
	assert_true(still_serves(s));
	assert_int_equal(s->vm.pausers, 0);
}

static void pauses_end_with_their_connections(void **state)
{
	struct server *s = *state;
	struct wire_message m;
	int a = client(s), b = client(s);

	assert_true(request(s, a, WIRE_PAUSE, NULL, &m) > 0);
	assert_true(request(s, a, WIRE_PAUSE, NULL, &m) > 0);
	assert_true(request(s, b, WIRE_PAUSE, NULL, &m) > 0);
	assert_int_equal(s->vm.pausers, 2);
	assert_true(request(s, b, WIRE_STATUS, NULL, &m) > 0);
	assert_int_equal(m.status.pausers, 2);
	close(a);
	serve(s);
	assert_int_equal(s->vm.pausers, 1);
	assert_true(request(s, b, WIRE_RESUME, NULL, &m) > 0);
	assert_true(request(s, b, WIRE_RESUME, NULL, &m) > 0);
	assert_int_equal(s->vm.pausers, 0);
	close(b);
}

static void wait_ends_by_event_or_time(void **state)
{
	const struct wire_since brief = { .since = 0, .timeout_ms = 30 };
	const struct wire_since longer = { .since = 0, .timeout_ms = 20000 };
	struct guest_event event = { .event = 1 };
	struct server *s = *state;
	struct wire_message m;
	int fd = client(s);

	assert_int_equal(request(s, fd, WIRE_WAIT, &brief, &m), -1);
	assert_in_range(control_timeout(s->control, 1000), 1, 31);
	usleep(40000);
	serve(s);
	assert_true(recv(fd, &m, sizeof(m), MSG_DONTWAIT) > 0);
	assert_int_equal(m.head.op, WIRE_WAIT);
	assert_int_equal(request(s, fd, WIRE_WAIT, &longer, &m), -1);
	events_add(&s->vm.events, &event);
	serve(s);
	assert_true(recv(fd, &m, sizeof(m), MSG_DONTWAIT) > 0);
	assert_int_equal(m.head.op, WIRE_WAIT);
	/* An event that is there already: no wait at all. */
	assert_true(request(s, fd, WIRE_WAIT, &longer, &m) > 0);
	close(fd);
}

static void events_are_bounded(void **state)
{
	struct wire_since ask = { .since = 0, .max = UINT32_MAX };
	struct server *s = *state;
	struct wire_message m;
	int fd = client(s);

	for (unsigned i = 0; i < EVENTS_MAX + 100; i++)
		events_add(&s->vm.events, &(struct guest_event){ .event = i });
	assert_true(request(s, fd, WIRE_GET_EVENTS, &ask, &m) > 0);
	assert_int_equal(m.events.count, WIRE_EVENTS);
	/* The gap tells of the lost ones. */
	assert_int_equal(m.events.event[0].seq, 101);
	assert_int_equal(m.events.event[0].event, 100);
	ask.since = EVENTS_MAX + 98;
	assert_true(request(s, fd, WIRE_GET_EVENTS, &ask, &m) > 0);
	assert_int_equal(m.events.count, 2);
	ask.since = UINT64_MAX;
	assert_true(request(s, fd, WIRE_GET_EVENTS, &ask, &m) > 0);
	assert_int_equal(m.events.count, 0);
	close(fd);
}

static void doorbell_takes_anything(void **state)
{
	struct server *s = *state;
	struct vcpu *v = &s->vm.vcpu[1];
	struct guest_event events[8];

	assert_true(doorbell_has(PORT_DOORBELL) && doorbell_has(PORT_ARG + 12));
	assert_false(doorbell_has(PORT_ARG + 1) || doorbell_has(PORT_DOORBELL + 4) ||
		     doorbell_has(PORT_ARG - 4));
	v->vm = &s->vm;
	v->id = 1;
	doorbell_write(v, PORT_ARG, 5);
	doorbell_write(v, PORT_ARG + 12, 6);
	doorbell_write(v, PORT_DOORBELL, 77);
	doorbell_write(v, PORT_DOORBELL, DOORBELL_MCE);
	doorbell_write(v, PORT_ARG, UINT32_MAX);
	doorbell_write(v, PORT_DOORBELL, DOORBELL_CPU_ON);
	assert_int_equal(events_after(&s->vm.events, 0, events, 8), 3);
	assert_int_equal(events[0].event, 77);
	assert_int_equal(events[0].vcpu, 1);
	assert_int_equal(events[0].arg[0], 5);
	assert_int_equal(events[0].arg[3], 6);
	/* Arguments go with the first ring after them. */
	assert_int_equal(events[1].arg[0], 0);
	assert_int_equal(events[1].arg[3], 0);
	assert_int_equal(events[2].arg[0], UINT32_MAX);
}

static void crowds_and_mutes_are_bounded(void **state)
{
	static struct wire_message m;
	struct server *s = *state;
	int fds[CLIENTS_MAX + 8], mute;
	unsigned hung_up = 0;

	for (unsigned i = 0; i < CLIENTS_MAX + 8; i++)
		fds[i] = client(s);
	for (unsigned i = 0; i < CLIENTS_MAX + 8; i++) {
		hung_up += request(s, fds[i], WIRE_STATUS, NULL, &m) < 0;
		close(fds[i]);
	}
	assert_int_equal(hung_up, 8);
	serve(s);
	/* Someone who asks and never reads is cut off, not waited for. */
	mute = client(s);
	m.head = (struct wire_header){ WIRE_MAGIC, WIRE_VERSION, WIRE_POISONED, 0, 0 };
	for (unsigned i = 0; i < 2000; i++) {
		if (send(mute, &m, sizeof(m.head), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			hung_up = 100;
		serve(s);
	}
	assert_int_equal(hung_up, 100);
	close(mute);
	assert_true(still_serves(s));
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void sent_descriptors_are_dropped(void **state)
{
	struct wire_message m = { .head = { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0 } };
	struct iovec iov = { &m, sizeof(m.head) };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} c = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.space,
			      .msg_controllen = sizeof(c.space) };
	struct server *s = *state;
	int fd = client(s), before = open_fds();

	for (int i = 0; i < 10; i++) {
		memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
		m.head.op = WIRE_STATUS;
		assert_true(sendmsg(fd, &msg, MSG_NOSIGNAL) > 0);
		serve(s);
		assert_true(recv(fd, &m, sizeof(m), MSG_DONTWAIT) > 0);
		m.head = (struct wire_header){ WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0 };
	}
	assert_int_equal(open_fds(), before);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_messages_get_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_stay_in_ram, setup, teardown),
		cmocka_unit_test_setup_teardown(noise_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(pauses_end_with_their_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(wait_ends_by_event_or_time, setup, teardown),
		cmocka_unit_test_setup_teardown(events_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(doorbell_takes_anything, setup, teardown),
		cmocka_unit_test_setup_teardown(crowds_and_mutes_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(sent_descriptors_are_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

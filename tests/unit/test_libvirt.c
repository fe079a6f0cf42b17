/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_libvirt.c - connections that are refused, the list of domains, and the
 * process that holds a pause, on libvirt's built-in driver "test", which has one
 * running domain and no QEMU.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm/libvirt/libvirt.h"
#include "vmm/libvirt/link.h"
#include "vmm/libvirt/pauser.h"

static const char uri[] = "test:///default";

static void opening_is_refused(void **state)
{
	static const struct {
		const char *domain;
		enum err_code code;
		const char *says;
	} rows[] = {
		{ "test?connect=test:///default", ERR_TARGET, "domains of QEMU" },
		{ "x?connect=qemu+unix:///system?socket=/nosuch", ERR_TARGET, "cannot connect" },
		{ "x?connect=nosuch:///", ERR_TARGET, "cannot connect to libvirt at nosuch:///" },
		{ "?connect=test:///default", ERR_USAGE, "libvirt:NAME" },
		{ "test?connect=", ERR_USAGE, "libvirt:NAME" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };

		assert_null(libvirt_open(rows[i].domain, &e));
		assert_int_equal(e.code, rows[i].code);
		assert_non_null(strstr(e.message, rows[i].says));
		assert_null(strchr(e.message, '\n'));
	}
}

static void domains_are_listed(void **state)
{
	struct libvirt_domains domains;
	struct err e = { 0 };

	(void)state;
	assert_true(libvirt_list(&domains, uri, &e));
	assert_int_equal(domains.count, 1);
	assert_string_equal(domains.list[0].name, "test");
	assert_string_equal(domains.list[0].state, "running");
	assert_int_equal(domains.list[0].id, 1);
	assert_int_equal(domains.list[0].vcpus, 2);
	assert_true(domains.list[0].memory == 2ull << 30);
	libvirt_domains_free(&domains);
	assert_false(libvirt_list(&domains, "nosuch:///", &e));
	assert_int_equal(domains.count, 0);
}

/* The driver keeps its domains by process, so only the holder sees what it does. */
static void holder_start(struct pauser *p, bool known)
{
	unsigned char uuid[VIR_UUID_BUFLEN] = { 1 };
	struct err e = { 0 };
	struct link link;

	assert_true(pauser_start(p, uri, &e));
	assert_true(link_open(&link, uri, &e));
	if (known) {
		link.domain = virDomainLookupByName(link.connection, "test");
		assert_int_equal(virDomainGetUUID(link.domain, uuid), 0);
	}
	link_close(&link);
	assert_true(pauser_choose(p, uuid, &e));
}

static void holder_pauses(void **state)
{
	struct err e = { 0 };
	struct pauser p;
	bool ours = false;

	(void)state;
	holder_start(&p, true);
	assert_false(pauser_resume(&p, &e));
	for (int i = 0; i < 3; i++) {
		e = (struct err){ 0 };
		assert_true(pauser_pause(&p, &ours, &e));
		assert_true(ours);
		assert_false(pauser_pause(&p, &ours, &e));
		assert_true(pauser_resume(&p, &e));
	}
	pauser_stop(&p);
	assert_false(pauser_pause(&p, &ours, &e));
}

static void holder_knows_no_such_domain(void **state)
{
	struct err e = { 0 };
	struct pauser p;
	bool ours;

	(void)state;
	holder_start(&p, false);
	assert_false(pauser_pause(&p, &ours, &e));
	assert_int_equal(e.code, ERR_TARGET);
	assert_non_null(strstr(e.message, "the domain is gone"));
	pauser_stop(&p);
}

static void holder_outlives_signals_but_one(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct err e = { 0 };
	struct pauser p;
	bool ours = false;

	(void)state;
	holder_start(&p, true);
	assert_true(pauser_pause(&p, &ours, &e));
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_int_equal(kill(p.pid, signals[i]), 0);
	assert_true(pauser_resume(&p, &e));
	assert_int_equal(getsid(p.pid), p.pid);
	kill(p.pid, SIGKILL);
	assert_false(pauser_pause(&p, &ours, &e));
	assert_non_null(strstr(e.message, "is gone"));
	assert_int_equal(p.socket, -1);
}

/* While one holds the domain, the next waits; when the first goes, it gets it. */
static void holders_take_turns(void **state)
{
	struct err e = { 0 };
	struct pauser first, second;
	bool ours = false;
	pid_t child;

	(void)state;
	holder_start(&first, true);
	holder_start(&second, true);
	assert_true(pauser_pause(&first, &ours, &e));
	child = fork();
	if (!child) {
		close(second.socket);
		usleep(300000);
		pauser_resume(&first, NULL);
		_exit(0);
	}
	assert_true(pauser_pause(&second, &ours, &e));
	/* The child let the first one go, so nothing is held there any more. */
	assert_false(pauser_resume(&first, &e));
	assert_true(pauser_resume(&second, &(struct err){ 0 }));
	pauser_stop(&first);
	pauser_stop(&second);
}

static int setup(void **state)
{
	char dir[] = "/tmp/ptmm-libvirt-test.XXXXXX";

	(void)state;
	return !mkdtemp(dir) || setenv("XDG_RUNTIME_DIR", dir, 1);
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", getenv("XDG_RUNTIME_DIR"));
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_is_refused),
		cmocka_unit_test(domains_are_listed),
		cmocka_unit_test(holder_pauses),
		cmocka_unit_test(holder_knows_no_such_domain),
		cmocka_unit_test(holder_outlives_signals_but_one),
		cmocka_unit_test(holders_take_turns),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_names.c - names, the private folder, sockets that a killed VMM left. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/tiny_guest.h"
#include "vmm/kvm/names.h"

static void names_are_checked(void **state)
{
	static const char *const good[] = { "a", "Demo-1", "0", "a.b_c" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b", "a b", "a\n",
					   "\xc3\xa4", "a:b" };
	char longest[NAME_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(name_check(good[i], NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_check(bad[i], NULL));
	memset(longest, 'x', sizeof(longest));
	longest[NAME_SIZE] = '\0';
	assert_false(name_check(longest, NULL));
	longest[NAME_SIZE - 1] = '\0';
	assert_true(name_check(longest, NULL));
}

static void one_name_one_guest(void **state)
{
	struct name_claim a, b;
	struct name_list list;
	struct err e = { 0 };
	struct stat st;
	int fd;

	(void)state;
	assert_true(name_claim(&a, "one", &e));
	assert_int_equal(stat(tiny_path("ptmm"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fd = name_listen(&a, &e);
	assert_true(fd >= 0);
	assert_int_equal(stat(a.sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(name_claim(&b, "one", &e));
	assert_int_equal(e.code, ERR_USAGE);
	assert_non_null(strstr(e.message, "--name"));
	assert_true(name_claim(&b, "two", &e));
	assert_true(names_read(&list, &e));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.name[0], "one");
	assert_string_equal(list.name[1], "two");
	names_free(&list);
	assert_true(name_running("one"));
	assert_int_equal(name_connect("three", &e), -1);
	assert_string_equal(e.message, "no guest named 'three' (running: one two)");
	name_release(&a);
	name_release(&b);
	close(fd);
	assert_false(name_running("one"));
	assert_int_equal(name_connect("one", &e), -1);
	assert_string_equal(e.message, "no guest named 'one' (none runs)");
	assert_true(name_claim(&a, "one", &e));
	name_release(&a);
}

/* A child that claims, listens and is killed. */
static void leave_stale(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct name_claim c;

		if (name_claim(&c, name, NULL) && name_listen(&c, NULL) >= 0 &&
		    write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_true(name_running(name));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(access(tiny_path("ptmm/stale.sock"), F_OK), 0);
}

static void stale_socket_is_noticed_and_removed(void **state)
{
	struct name_claim c;
	struct name_list list;
	struct err e = { 0 };
	int fd;

	(void)state;
	leave_stale("stale");
	assert_int_equal(name_connect("stale", &e), -1);
	assert_string_equal(e.message, "no guest named 'stale' (none runs)");
	assert_int_not_equal(access(tiny_path("ptmm/stale.sock"), F_OK), 0);
	leave_stale("stale");
	assert_true(names_read(&list, &e));
	assert_int_equal(list.count, 0);
	names_free(&list);
	assert_int_not_equal(access(tiny_path("ptmm/stale.sock"), F_OK), 0);
	leave_stale("stale");
	assert_true(name_claim(&c, "stale", &e));
	fd = name_listen(&c, &e);
	assert_true(fd >= 0);
	close(fd);
	name_release(&c);
}

static void folder_must_be_private(void **state)
{
	struct name_claim c;
	struct err e = { 0 };

	(void)state;
	assert_true(name_claim(&c, "x", &e));
	name_release(&c);
	chmod(tiny_path("ptmm"), 0755);
	assert_false(name_claim(&c, "x", &e));
	assert_non_null(strstr(e.message, "others may enter it"));
	chmod(tiny_path("ptmm"), 0700);
	rmdir(tiny_path("ptmm"));
	assert_int_equal(symlink("/tmp", tiny_path("ptmm")), 0);
	assert_false(name_claim(&c, "x", &e));
	assert_non_null(strstr(e.message, "not a folder"));
	unlink(tiny_path("ptmm"));
}

static void long_path_is_explained(void **state)
{
	char deep[200], before[80];
	struct name_claim c;
	struct err e = { 0 };

	(void)state;
	snprintf(before, sizeof(before), "%s", getenv("XDG_RUNTIME_DIR"));
	snprintf(deep, sizeof(deep), "%s", tiny_path("dddddddddddddddddddddddddddddddddddddddddd"
						      "ddddddddddddddddddddddddddddddddddddddddd"));
	assert_int_equal(mkdir(deep, 0700), 0);
	setenv("XDG_RUNTIME_DIR", deep, 1);
	assert_false(name_claim(&c, "guest", &e));
	assert_non_null(strstr(e.message, "socket path too long"));
	assert_int_equal(name_connect("guest", &e), -1);
	assert_non_null(strstr(e.message, "socket path too long"));
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	assert_false(name_claim(&c, "guest", &e));
	assert_non_null(strstr(e.message, "cannot make the folder /nonexistent/ptmm"));
	setenv("XDG_RUNTIME_DIR", before, 1);
	rmdir(strcat(deep, "/ptmm"));
	*strrchr(deep, '/') = '\0';
	rmdir(deep);
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
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(one_name_one_guest),
		cmocka_unit_test(stale_socket_is_noticed_and_removed),
		cmocka_unit_test(folder_must_be_private),
		cmocka_unit_test(long_path_is_explained),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

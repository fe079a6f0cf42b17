/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_detach.c - ptmm run --detach, list and stop, on tiny guests. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/tiny_guest.h"
#include "vmm/cmd.h"
#include "vmm/kvm/attach.h"
#include "vmm/kvm/names.h"

#define NEEDS_KVM() do { \
	if (tiny_no_kvm()) { \
		print_message("SKIP: %s\n", tiny_no_kvm()); \
		skip(); \
	} \
} while (0)

static const char *const words[] = { "--detach", "--name", "d", NULL };

static int run(enum tiny_kind kind, const char *const *w, char *err, size_t size)
{
	struct tiny_run r;

	assert_true(tiny_start(&r, kind, w));
	/* Returns at the end of our pipes: the detached guest must not hold them. */
	return tiny_finish(&r, NULL, 0, err, size);
}

static int stop(const char *what)
{
	char *argv[] = { (char *)(uintptr_t)"stop", (char *)(uintptr_t)what, NULL };

	return cmd_stop(2, argv);
}

static size_t running(void)
{
	struct name_list list;
	size_t n;

	assert_true(names_read(&list, NULL));
	n = list.count;
	names_free(&list);
	return n;
}

static void file_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void detached_guest_lives_until_stopped(void **state)
{
	struct guest_status status;
	struct machine *m;
	char err[256];

	(void)state;
	NEEDS_KVM();
	assert_int_equal(run(TINY_COUNT, words, err, sizeof(err)), EXIT_FINE);
	assert_string_equal(err, "");
	m = kvm_attach("d", NULL);
	assert_non_null(m);
	assert_true(kvm_status(m, &status, NULL));
	/* Ready is what the return meant. */
	assert_int_equal(status.state, GUEST_READY);
	assert_int_equal(getsid(status.vmm_pid), status.vmm_pid);
	machine_close(m);
	assert_int_equal(run(TINY_COUNT, words, err, sizeof(err)), EXIT_USAGE);
	assert_non_null(strstr(err, "a guest named 'd' runs already"));
	assert_int_equal(running(), 1);
	assert_int_equal(stop("kvm:d"), EXIT_FINE);
	assert_int_equal(running(), 0);
	file_text(tiny_path("ptmm/d.log"), err, sizeof(err));
	assert_string_equal(err, "ptmm: run: d: stopped by ptmm stop\n");
	assert_int_equal(stop("d"), EXIT_TARGET);
}

static void guest_that_ends_first_gives_its_status(void **state)
{
	char err[512], log[512];

	(void)state;
	NEEDS_KVM();
	assert_int_equal(run(TINY_PANIC, words, err, sizeof(err)), EXIT_PANIC);
	assert_non_null(strstr(err, "ptmm: run: d: guest panic, code 0x2a"));
	assert_int_equal(run(TINY_HLT, words, err, sizeof(err)), EXIT_HALTED);
	assert_non_null(strstr(err, "halted with nothing pending at rip 0x100002"));
	file_text(tiny_path("ptmm/d.log"), log, sizeof(log));
	assert_string_equal(log, err);
	assert_int_equal(running(), 0);
}

static void guest_that_is_never_ready_is_given_up(void **state)
{
	static const char *const brief[] = { "--detach", "--name", "d", "--ready-timeout", "1",
					     NULL };
	char err[256];

	(void)state;
	NEEDS_KVM();
	assert_int_equal(run(TINY_SILENT, brief, err, sizeof(err)), EXIT_SIGNALLED);
	assert_non_null(strstr(err, "not ready after 1 seconds (--ready-timeout): stopped"));
	assert_int_equal(running(), 0);
}

static void interrupted_launch_leaves_nothing(void **state)
{
	struct tiny_run r;
	char err[256];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_SILENT, words));
	while (!running())
		usleep(1000);
	usleep(100000);
	kill(r.pid, SIGINT);
	assert_int_equal(tiny_finish(&r, NULL, 0, err, sizeof(err)), EXIT_SIGNALLED);
	assert_non_null(strstr(err, "stopped by a signal before it was ready"));
	assert_int_equal(running(), 0);
}

static void killed_vmm_leaves_the_name_free(void **state)
{
	struct guest_status status;
	struct machine *m;

	(void)state;
	NEEDS_KVM();
	assert_int_equal(run(TINY_COUNT, words, NULL, 0), EXIT_FINE);
	m = kvm_attach("d", NULL);
	assert_non_null(m);
	assert_true(kvm_status(m, &status, NULL));
	kill(status.vmm_pid, SIGKILL);
	while (name_running("d"))
		usleep(1000);
	machine_close(m);
	assert_int_equal(run(TINY_COUNT, words, NULL, 0), EXIT_FINE);
	assert_int_equal(stop("--all"), EXIT_FINE);
	assert_int_equal(running(), 0);
}

static void console_goes_to_a_file(void **state)
{
	const char *const file[] = { "--console", "/tmp/ptmm-console-test", NULL };
	const char *const nowhere[] = { "--console", "/nonexistent/x", NULL };
	struct tiny_run r;
	char out[256], err[256];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_HELLO, file));
	assert_int_equal(tiny_finish(&r, out, sizeof(out), NULL, 0), EXIT_FINE);
	assert_string_equal(out, "");
	file_text(file[1], out, sizeof(out));
	unlink(file[1]);
	assert_string_equal(out, "hello\n");
	assert_int_equal(run(TINY_HELLO, nowhere, err, sizeof(err)), EXIT_OUTPUT);
	assert_string_equal(err, "ptmm: run: /nonexistent/x: No such file or directory\n");
}

static const struct {
	const char *words[4];
	int status;
	const char *says;
} wrong[] = {
	{ { "--mem", "1M" }, EXIT_USAGE, "--mem 1M: at least 16M is needed" },
	{ { "--mem", "lots" }, EXIT_USAGE, "--mem lots: not a size" },
	{ { "--cpus", "0" }, EXIT_USAGE, "--cpus 0: a number from 1 to 4 is wanted" },
	{ { "--cpus", "5" }, EXIT_USAGE, "--cpus 5: a number from 1 to 4 is wanted" },
	{ { "--cpus", "two" }, EXIT_USAGE, "--cpus two: a number" },
	{ { "--name", "a/b" }, EXIT_USAGE, "'a/b' is no name for a guest" },
	{ { "--name", "" }, EXIT_USAGE, "a guest's name has 1 to 63 characters" },
	{ { "--ready-timeout", "0" }, EXIT_USAGE, "--ready-timeout 0: a number" },
	{ { "--frob" }, EXIT_USAGE, "unknown option '--frob'" },
	{ { "other" }, EXIT_USAGE, "one IMAGE only" },
};

static void wrong_words_are_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char err[512];
		int status = run(TINY_HELLO, wrong[i].words, err, sizeof(err));
		const char *end = strchr(err, '\n');

		if (status != wrong[i].status || !strstr(err, wrong[i].says) || !end || end[1])
			fail_msg("row %zu: %d '%s'", i, status, err);
	}
}

static int setup(void **state)
{
	(void)state;
	return tiny_setup() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stop("--all");
	tiny_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detached_guest_lives_until_stopped),
		cmocka_unit_test(guest_that_ends_first_gives_its_status),
		cmocka_unit_test(guest_that_is_never_ready_is_given_up),
		cmocka_unit_test(interrupted_launch_leaves_nothing),
		cmocka_unit_test(killed_vmm_leaves_the_name_free),
		cmocka_unit_test(console_goes_to_a_file),
		cmocka_unit_test(wrong_words_are_one_line),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

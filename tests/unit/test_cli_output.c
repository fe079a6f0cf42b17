/* SPDX-License-Identifier: GPL-2.0-only */
/* test_cli_output.c - output files appear whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm/output.h"

static char folder[64];

static const char *in_folder(const char *name)
{
	static char path[2][128];
	static unsigned turn;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

/* Names in the folder, hidden ones too: a temporary file that stays is a defect. */
static unsigned folder_count(void)
{
	DIR *dir = opendir(folder);
	unsigned n = 0;

	assert_non_null(dir);
	for (const struct dirent *d = readdir(dir); d; d = readdir(dir))
		n += strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
	closedir(dir);
	return n;
}

static void file_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void file_is(const char *path, const char *text)
{
	char buf[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/ptmm-output-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void appears_at_close(void **state)
{
	const char *path = in_folder("new");
	struct output out;
	struct err err = { 0 };
	struct stat st;
	mode_t mask = umask(027);

	(void)state;
	assert_true(output_open(&out, path, &err));
	fputs("data\n", out.stream);
	fflush(out.stream);
	assert_int_equal(access(path, F_OK), -1);
	assert_true(output_close(&out, true, &err));
	file_is(path, "data\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(folder_count(), 1);
	umask(mask);
}

static void discarded_leaves_nothing(void **state)
{
	const char *old = in_folder("old");
	struct output out;
	struct err err = { 0 };

	(void)state;
	file_put(old, "before\n");
	assert_true(output_open(&out, old, &err));
	fputs("after\n", out.stream);
	assert_true(output_close(&out, false, &err));
	file_is(old, "before\n");
	assert_true(output_open(&out, in_folder("never"), &err));
	assert_true(output_close(&out, false, &err));
	assert_int_equal(folder_count(), 1);
}

static void replaces_through_a_link(void **state)
{
	const char *link_path = in_folder("link"), *real = in_folder("real");
	struct output out;
	struct err err = { 0 };
	struct stat st;

	(void)state;
	file_put(real, "before\n");
	assert_int_equal(chmod(real, 0604), 0);
	assert_int_equal(symlink("real", link_path), 0);
	assert_true(output_open(&out, link_path, &err));
	fputs("after\n", out.stream);
	assert_true(output_close(&out, true, &err));
	file_is(real, "after\n");
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(real, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	assert_int_equal(folder_count(), 2);
}

static void full_disk_keeps_the_old(void **state)
{
	const char *old = in_folder("old");
	struct rlimit limit, small;
	struct output out;
	struct err err = { 0 };

	(void)state;
	file_put(old, "before\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = limit;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_true(output_open(&out, old, &err));
	for (int i = 0; i < 10000; i++)
		fputs("0123456789", out.stream);
	assert_false(output_close(&out, true, &err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_non_null(strstr(err.message, old));
	file_is(old, "before\n");
	assert_int_equal(folder_count(), 1);
}

static void devices_are_written_directly(void **state)
{
	struct output out;
	struct err err = { 0 };
	struct stat st;

	(void)state;
	assert_true(output_open(&out, "/dev/full", &err));
	fputs("x", out.stream);
	assert_false(output_close(&out, true, &err));
	assert_string_equal(err.message, "/dev/full: No space left on device");
	assert_int_equal(stat("/dev/full", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_true(output_open(&out, "/dev/null", &err));
	assert_true(output_close(&out, true, &err));
}

static void bad_places_are_named(void **state)
{
	char missing[128], long_name[512], text[256];
	struct output out;
	struct err err = { 0 };

	(void)state;
	snprintf(missing, sizeof(missing), "%s/no/such", folder);
	assert_false(output_open(&out, missing, &err));
	snprintf(text, sizeof(text), "%s: No such file or directory", missing);
	assert_string_equal(err.message, text);
	assert_false(output_open(&out, folder, &err));
	snprintf(text, sizeof(text), "%s: Is a directory", folder);
	assert_string_equal(err.message, text);
	assert_false(output_open(&out, "", &err));
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_false(output_open(&out, long_name, &err));
	assert_non_null(strstr(err.message, "File name too long"));
	assert_int_equal(folder_count(), 0);
}

static void minus_is_standard_output(void **state)
{
	struct output out;
	struct err err = { 0 };

	(void)state;
	assert_true(output_open(&out, "-", &err));
	assert_ptr_equal(out.stream, stdout);
	assert_true(output_close(&out, true, &err));
	assert_true(output_open(&out, NULL, &err));
	assert_ptr_equal(out.stream, stdout);
	assert_true(output_close(&out, false, &err));
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appears_at_close, setup, teardown),
		cmocka_unit_test_setup_teardown(discarded_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_through_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(full_disk_keeps_the_old, setup, teardown),
		cmocka_unit_test_setup_teardown(devices_are_written_directly, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_places_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(minus_is_standard_output, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

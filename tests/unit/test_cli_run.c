/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_cli_run.c - the built binary: what each wrong command line says, with
 * which status, and that the documentation knows every option.
 *
 * The binary is $PTMM_BIN, else $PTMM, else build/ptmm; runs in the repository.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 16384 };

struct ran {
	int status;
	char out[TEXT_MAX], err[TEXT_MAX];
};

static char runtime[64];

static const char *binary(void)
{
	const char *path = getenv("PTMM_BIN");

	if (!path)
		path = getenv("PTMM");
	return path ? path : "build/ptmm";
}

static void slurp(FILE *f, char *text)
{
	rewind(f);
	text[fread(text, 1, TEXT_MAX - 1, f)] = '\0';
	fclose(f);
}

/* Blank-separated words; stdout goes to the descriptor, or is caught if it is -1. */
static void run_into(struct ran *ran, const char *words, int to)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char line[512], *argv[24] = { NULL }, *rest = line;
	int status, argc = 1;
	pid_t pid;

	assert_true(out && err);
	argv[0] = (char *)(uintptr_t)binary();
	snprintf(line, sizeof(line), "%s", words);
	for (char *word; (word = strsep(&rest, " ")) && argc < 23; )
		if (*word)
			argv[argc++] = word;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(to >= 0 ? to : fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		execv(argv[0], argv);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ran->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	slurp(out, ran->out);
	slurp(err, ran->err);
}

/* One line, ended by a newline, and it starts with "ptmm". */
static bool one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return !strncmp(text, "ptmm", 4) && end && !end[1];
}

static const struct {
	const char *words;
	int status;
	const char *says;
} errors[] = {
	{ "reprot x", 2, "unknown command 'reprot': did you mean 'report'?" },
	{ "wlak x", 2, "did you mean 'walk'?" },
	{ "frobnicate", 2, "unknown command 'frobnicate': see ptmm --help" },
	{ "--frob", 2, "unknown option '--frob'" },
	{ "help reprot", 2, "did you mean 'report'?" },
	{ "report", 2, "no target: see ptmm report --help" },
	{ "report a b", 2, "more than one target" },
	{ "report a --nosuch", 2, "unknown option '--nosuch'" },
	{ "report a -z", 2, "unknown option '-z'" },
	{ "report a --format", 2, "option '--format' wants an argument" },
	{ "report a --format xml", 2, "unknown format 'xml': use one of text, json, jsonl" },
	{ "report a --consistency soon", 2, "unknown consistency 'soon'" },
	{ "report a --strict=1", 2, "ptmm report: " },
	{ "report kvm:", 2, "the guest's name is missing" },
	{ "report foo:bar", 2, "unknown kind of target" },
	{ "report nosuchguest", 3, "nosuchguest" },
	{ "report kvm:nosuchguest", 3, "nosuchguest" },
	{ "report core:/nowhere/x", 3, "core:/nowhere/x: No such file" },
	{ "report raw:/nowhere/x", 3, "raw:/nowhere/x: No such file" },
	{ "report raw:/", 3, "folder" },
	{ "report core:", 2, "core:FILE" },
	{ "report raw:", 2, "raw:FILE" },
	{ "report /nowhere/x", 3, "No such file" },
	{ "report core:/etc/passwd", 3, "not a memory dump" },
	{ "report core:/bin/sh", 3, "not a memory dump" },
	{ "report core:/etc/passwd --memory-map 0-1", 2, "raw:FILE" },
	{ "report raw:/etc/passwd --memory-map 0-", 2, "memory map" },
	{ "walk raw:/etc/passwd --vcpu 0 0x0", 2, "--cr3" },
	{ "walk raw:/etc/passwd --cr3 0x1000000 0x0", 2, "outside the guest's RAM" },
	{ "walk raw:/etc/passwd --cr3 0x0 --levels 3 0x0", 2, "4 or 5" },
	{ "walk raw:/etc/passwd --cr3 0x0 init_task", 2, "no symbols" },
	{ "walk raw:/etc/passwd --cr3 0x0 0x800000000000", 2, "4-level" },
	{ "walk raw:/etc/passwd --cr3 0x0 --levels 5 0x100000000000000", 2, "5-level" },
	{ "walk raw:/etc/passwd --pid 1 0x0", 3, "raw:/etc/passwd" },
	{ "walk raw:/etc/passwd --kernel 0x0", 3, "raw:/etc/passwd" },
	{ "report ./Makefile", 3, "not a memory dump" },
	{ "inject a -z", 2, "unknown option '-z'" },
	{ "inject a --pid", 2, "option '--pid' wants an argument" },
	{ "tables", 2, "no target" },
	{ "tables a --pid x", 2, "'x' is not a pid" },
	{ "tables a --pid -1", 2, "'-1' is not a pid" },
	{ "tables a --verdict nice", 2, "unknown verdict 'nice'" },
	{ "tables a --owner me", 2, "unknown owner 'me'" },
	{ "tables a --sort colour", 2, "unknown sort key 'colour'" },
	{ "tables nosuchguest --level pte", 3, "nosuchguest" },
	{ "walk", 2, "no target" },
	{ "walk a", 2, "say in which space" },
	{ "walk a 0x1000", 2, "say in which space" },
	{ "walk a --pid 1", 2, "no address" },
	{ "walk a --pid 1 --kernel 0x1000", 2, "say in which space" },
	{ "walk a --pid one 0x1000", 2, "'one' is not a pid" },
	{ "walk a --cr3 1000 0x1000", 2, "write it in hex with 0x" },
	{ "walk nosuchguest --pid 1 0x1000", 3, "nosuchguest" },
};

static void errors_are_one_line(void **state)
{
	static struct ran ran;
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		run_into(&ran, errors[i].words, -1);
		if (ran.status == errors[i].status && one_line(ran.err) && !*ran.out &&
		    strstr(ran.err, errors[i].says))
			continue;
		print_message("ptmm %s: status %d, out '%s', err '%s'\n", errors[i].words,
			      ran.status, ran.out, ran.err);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void help_and_version(void **state)
{
	static struct ran ran;

	(void)state;
	run_into(&ran, "--version", -1);
	assert_int_equal(ran.status, 0);
	assert_int_equal(strncmp(ran.out, "ptmm 0.", 7), 0);
	run_into(&ran, "--help", -1);
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.err, "");
	assert_non_null(strstr(ran.out, "inject"));
	run_into(&ran, "", -1);
	assert_int_equal(ran.status, 2);
	assert_string_equal(ran.out, "");
	assert_non_null(strstr(ran.err, "usage: ptmm COMMAND"));
}

static void lost_output_is_an_error(void **state)
{
	static struct ran ran;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];

	(void)state;
	assert_true(full >= 0);
	run_into(&ran, "help walk", full);
	assert_int_equal(ran.status, 4);
	assert_string_equal(ran.err, "ptmm: standard output: No space left on device\n");
	close(full);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	run_into(&ran, "--help", ends[1]);
	assert_int_equal(ran.status, 4);
	assert_string_equal(ran.err, "ptmm: standard output: Broken pipe\n");
	close(ends[1]);
}

static bool file_read(const char *path, char *text)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	slurp(f, text);
	return true;
}

/* Manual pages write a dash as \-. */
static void drop_backslashes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != '\\')
			*to++ = *from;
	*to = '\0';
}

static void options_are_documented(void **state)
{
	static const char *const commands[] = {
		"run", "list", "stop", "report", "tables", "walk", "inject",
	};
	static char man[TEXT_MAX], completion[TEXT_MAX];
	static struct ran ran;
	unsigned bad = 0, options = 0;

	(void)state;
	assert_true(file_read("vmm/completion/ptmm.bash", completion));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char path[64], words[64];

		snprintf(words, sizeof(words), "%s --help", commands[i]);
		run_into(&ran, words, -1);
		assert_int_equal(ran.status, 0);
		assert_string_equal(ran.err, "");
		snprintf(path, sizeof(path), "vmm/man/ptmm-%s.1", commands[i]);
		assert_true(file_read(path, man));
		drop_backslashes(man);
		for (const char *at = ran.out; (at = strstr(at, "--")); ) {
			char option[40];

			if (sscanf(at, "--%30[a-z0-9-]", option + 2) != 1) {
				at += 2;
				continue;
			}
			memcpy(option, "--", 2);
			at += strlen(option);
			options++;
			if (strstr(man, option) && strstr(completion, option))
				continue;
			print_message("%s of ptmm %s is not in %s or the completion\n", option,
				      commands[i], path);
			bad++;
		}
	}
	assert_true(options > 40);
	assert_int_equal(bad, 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(runtime, sizeof(runtime), "/tmp/ptmm-cli-XXXXXX");
	if (!mkdtemp(runtime))
		return -1;
	/* No guest of anybody's is seen from here. */
	return setenv("XDG_RUNTIME_DIR", runtime, 1);
}

static int teardown(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/ptmm", runtime);
	rmdir(path);
	return rmdir(runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_one_line),
		cmocka_unit_test(help_and_version),
		cmocka_unit_test(lost_output_is_an_error),
		cmocka_unit_test(options_are_documented),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

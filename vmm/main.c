/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c - the table of subcommands, and what is common to all of them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cmd.h"
#include "walker/ptmm.h"

static const struct command commands[] = {
	{ "run", "launch a guest on ptmm's own VMM", cmd_run },
	{ "list", "running guests", cmd_list },
	{ "stop", "end a running guest", cmd_stop },
	{ "report", "who owns each page-table page of a guest", cmd_report },
	{ "tables", "page-table pages, filtered and sorted", cmd_tables },
	{ "walk", "translate addresses, level by level", cmd_walk },
	{ "inject", "an uncorrectable error into a page-table page", cmd_inject },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Longest word that is worth a suggestion. */
enum { WORD_MAX = 32 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned low = a < b ? a : b;

	return low < c ? low : c;
}

/* Levenshtein distance; a word beyond WORD_MAX is far from everything. */
static unsigned word_distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const struct command *nearest = NULL;
	unsigned best = 3;	/* further away is no typing error */

	for (size_t i = 0; i < COMMANDS; i++) {
		unsigned d = word_distance(name, commands[i].name);

		if (d < best) {
			best = d;
			nearest = &commands[i];
		}
	}
	if (nearest)
		fprintf(stderr, "ptmm: unknown command '%s': did you mean '%s'?\n", name,
			nearest->name);
	else
		fprintf(stderr, "ptmm: unknown command '%s': see ptmm --help\n", name);
	return EXIT_USAGE;
}

static void print_help(FILE *to)
{
	fputs("usage: ptmm COMMAND [OPTION]... [ARGUMENT]...\n"
	      "Inspects a guest's page tables from the hypervisor.\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\nptmm help COMMAND (or ptmm COMMAND --help) tells more; so do the man pages.\n"
	      "A TARGET is kvm:NAME, libvirt:NAME, core:FILE or raw:FILE, or just NAME or FILE;\n"
	      "ptmm list shows those that run.\n"
	      "Exit status: 0 fine, 1 findings, 2 usage, 3 the target could not be read,\n"
	      "4 the output could not be written; those of run: see ptmm help run.\n", to);
}

static int dispatch(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct command *command;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		puts("ptmm " PTMM_VERSION);
		return EXIT_FINE;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") ||
	    (!strcmp(word, "help") && argc == 2)) {
		print_help(stdout);
		return EXIT_FINE;
	}
	if (!strcmp(word, "help")) {
		char help[] = "--help";
		char *args[] = { argv[2], help, NULL };

		command = command_find(argv[2]);
		return command ? command->run(2, args) : unknown_command(argv[2]);
	}
	if (word[0] == '-') {
		fprintf(stderr, "ptmm: unknown option '%s': see ptmm --help\n", word);
		return EXIT_USAGE;
	}
	command = command_find(word);
	return command ? command->run(argc - 1, argv + 1) : unknown_command(word);
}

/*
 * A closed standard descriptor would be given to the next file that is opened,
 * and a report written into the guest's socket. These fail as a closed one does.
 */
static bool standard_fds_fill(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int status;

	if (!standard_fds_fill())
		return EXIT_TARGET;
	/* A reader that went away, a file at its limit: an error with a line, not a death. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	status = dispatch(argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_FINE) {
		fprintf(stderr, "ptmm: standard output: %s\n", strerror(errno));
		status = EXIT_OUTPUT;
	}
	return status;
}

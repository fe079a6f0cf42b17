/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd.h - the subcommands of ptmm: one file each, one table of them in main.c. */
#ifndef PTMM_CMD_H
#define PTMM_CMD_H

enum exit_status {
	EXIT_FINE = 0,
	EXIT_FINDINGS = 1,	/* check, report --strict: there are errors */
	EXIT_USAGE = 2,
	EXIT_TARGET = 3,	/* could not open or read the target */
	EXIT_OUTPUT = 4,	/* could not write what was asked for */
	/* of `run` */
	EXIT_TRIPLE_FAULT = 10,
	EXIT_INTERNAL = 11,
	EXIT_HALTED = 12,	/* all vCPUs halted, nothing pending */
	EXIT_PANIC = 13,
	EXIT_SIGNALLED = 14,
};

struct command {
	const char *name;
	const char *summary;	/* one line for `ptmm --help` */
	int (*run)(int argc, char **argv);	/* argv[0] is the subcommand's name */
};

int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_tables(int argc, char **argv);
int cmd_walk(int argc, char **argv);
int cmd_inject(int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cli.h - what the inspecting subcommands share: words of options, errors as
 * one line on stderr with the exit status that belongs to them.
 */
#ifndef PTMM_CLI_H
#define PTMM_CLI_H

#include "vmm/target.h"

/* Prints "ptmm: WHERE: message" and returns the exit status (where may be NULL). */
int cli_fail(const char *where, const struct err *);
/* Prints "ptmm COMMAND: ...: see ptmm COMMAND --help" and returns EXIT_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For getopt_long()'s ':' and '?' (an option string that starts with ':'). */
int cli_bad_option(const char *command, int c, char **argv);

/*
 * Options about the target, the same for all who inspect: entries of an option
 * table, lines of a help text, and what takes one (false: not one of them).
 */
enum { CLI_MEMORY_MAP = 1024, CLI_VMLINUX, CLI_SYMBOLS, CLI_BTF };
#define CLI_KERNEL_OPTIONS \
	{ "vmlinux", required_argument, NULL, CLI_VMLINUX }, \
	{ "symbols", required_argument, NULL, CLI_SYMBOLS }, \
	{ "btf", required_argument, NULL, CLI_BTF }
#define CLI_KERNEL_HELP \
	"  --vmlinux FILE     the guest's kernel as an ELF image: symbols, types (.BTF)\n" \
	"  --symbols FILE     its System.map\n" \
	"  --btf FILE         its types; by default all is found in the guest's memory\n"
#define CLI_TARGET_OPTIONS \
	{ "memory-map", required_argument, NULL, CLI_MEMORY_MAP }, \
	CLI_KERNEL_OPTIONS
#define CLI_TARGET_HELP \
	"  --memory-map MAP   of raw:FILE: FIRST-LAST[@OFFSET],... or a file with such a list\n" \
	CLI_KERNEL_HELP
bool cli_target_option(int c, const char *word, struct target_options *);

/* Words to values; ERR_USAGE says which words there are. */
bool cli_format(const char *word, enum report_format *, struct err *);
bool cli_live(const char *word, bool *live, struct err *);
bool cli_pid(const char *word, int64_t *pid, struct err *);
bool cli_verdict(const char *word, int *verdict, struct err *);
bool cli_owner_kind(const char *word, int *kind, struct err *);
bool cli_sort(const char *word, enum table_sort *, struct err *);
/* "0x..." or 0 only: a bare 400000 could be meant either way. */
bool cli_address(const char *word, uint64_t *, struct err *);
bool cli_number(const char *word, uint64_t max, uint64_t *, struct err *);

/* These need the guest's paging format. "pte,pmd" gives a bit per level. */
bool cli_level(const char *word, const struct pt_format *, int *level, struct err *);
bool cli_levels(const char *words, const struct pt_format *, uint8_t *mask, struct err *);

/* A task by pid; ERR_USAGE names pids that there are. */
const struct task *cli_task(const struct kernel_mms *, int64_t pid, struct err *);

#endif

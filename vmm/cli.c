/* SPDX-License-Identifier: GPL-2.0-only */
/* cli.c - words of the command line, errors as one line. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"

int cli_fail(const char *where, const struct err *err)
{
	fprintf(stderr, "ptmm: %s%s%s\n", where ? where : "", where ? ": " : "", err->message);
	return err->code == ERR_USAGE ? EXIT_USAGE : EXIT_TARGET;
}

int cli_usage(const char *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "ptmm %s: ", command);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": see ptmm %s --help\n", command);
	return EXIT_USAGE;
}

int cli_bad_option(const char *command, int c, char **argv)
{
	const char *word = argv[optind - 1];

	if (c == ':')
		return cli_usage(command, "option '%s' wants an argument", word);
	/* optopt is the letter of a short option; a long one is a word of its own. */
	if (optopt > 0 && optopt < 128 && strncmp(word, "--", 2))
		return cli_usage(command, "unknown option '-%c'", optopt);
	return cli_usage(command, "unknown option '%s'", word);
}

bool cli_target_option(int c, const char *word, struct target_options *options)
{
	switch (c) {
	case CLI_MEMORY_MAP:
		options->memory_map = word;
		return true;
	case CLI_VMLINUX:
		options->vmlinux = word;
		return true;
	case CLI_SYMBOLS:
		options->symbols = word;
		return true;
	case CLI_BTF:
		options->btf = word;
		return true;
	default:
		return false;
	}
}

struct word {
	const char *word;
	int value;
};

static bool word_find(const struct word *words, const char *what, const char *word, int *value,
		      struct err *err)
{
	char list[160] = "";
	size_t used = 0;

	for (const struct word *w = words; w->word; w++) {
		if (!strcmp(w->word, word)) {
			*value = w->value;
			return true;
		}
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", w->word);
	}
	return err_set(err, ERR_USAGE, 0, "unknown %s '%.40s': use one of %s", what, word, list);
}

bool cli_format(const char *word, enum report_format *format, struct err *err)
{
	static const struct word words[] = {
		{ "text", REPORT_TEXT }, { "json", REPORT_JSON }, { "jsonl", REPORT_JSONL },
		{ NULL, 0 },
	};
	int value = REPORT_TEXT;

	if (!word_find(words, "format", word, &value, err))
		return false;
	*format = (enum report_format)value;
	return true;
}

bool cli_live(const char *word, bool *live, struct err *err)
{
	static const struct word words[] = { { "paused", 0 }, { "live", 1 }, { NULL, 0 } };
	int value = 0;

	if (!word_find(words, "consistency", word, &value, err))
		return false;
	*live = value;
	return true;
}

bool cli_verdict(const char *word, int *verdict, struct err *err)
{
	struct word words[VERDICTS + 1] = { { NULL, 0 } };

	for (int v = 0; v < VERDICTS; v++)
		words[v] = (struct word){ verdict_name((enum verdict)v), v };
	return word_find(words, "verdict", word, verdict, err);
}

bool cli_owner_kind(const char *word, int *kind, struct err *err)
{
	static const struct word words[] = {
		{ "user", MM_USER }, { "init_mm", MM_INIT }, { "kernel", MM_KERNEL },
		{ "taskless", MM_TASKLESS }, { NULL, 0 },
	};

	return word_find(words, "owner", word, kind, err);
}

bool cli_sort(const char *word, enum table_sort *sort, struct err *err)
{
	static const struct word words[] = {
		{ "pfn", SORT_PFN }, { "va", SORT_VA }, { "owner", SORT_OWNER },
		{ "level", SORT_LEVEL }, { "verdict", SORT_VERDICT },
		{ "entries", SORT_ENTRIES }, { NULL, 0 },
	};
	int value = SORT_LEVEL;

	if (!word_find(words, "sort key", word, &value, err))
		return false;
	*sort = (enum table_sort)value;
	return true;
}

bool cli_number(const char *word, uint64_t max, uint64_t *number, struct err *err)
{
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	unsigned long long value;
	char *end;

	/* strtoull() takes blanks and signs; a number here starts with a digit. */
	errno = 0;
	value = strtoull(word, &end, hex ? 16 : 10);
	if (word[0] < '0' || word[0] > '9' || end == word || *end || (hex && end == word + 2))
		return err_set(err, ERR_USAGE, 0, "'%.40s' is not a number", word);
	if (errno || value > max)
		return err_set(err, ERR_USAGE, 0, "%.40s is too large (at most %" PRIu64 ")", word,
			       max);
	*number = value;
	return true;
}

bool cli_address(const char *word, uint64_t *address, struct err *err)
{
	if (strcmp(word, "0") && (word[0] != '0' || (word[1] != 'x' && word[1] != 'X')))
		return err_set(err, ERR_USAGE, 0,
			       "'%.40s' is not an address: write it in hex with 0x", word);
	return cli_number(word, UINT64_MAX, address, err);
}

bool cli_pid(const char *word, int64_t *pid, struct err *err)
{
	uint64_t number;

	if (!cli_number(word, INT32_MAX, &number, err))
		return err_set(err, ERR_USAGE, 0, "'%.40s' is not a pid", word);
	*pid = (int64_t)number;
	return true;
}

bool cli_level(const char *word, const struct pt_format *format, int *level, struct err *err)
{
	struct word words[PT_LEVELS_MAX + 1] = { { NULL, 0 } };

	for (int l = 0; l < format->levels; l++)
		words[l] = (struct word){ format->level[l].name, l };
	if (word_find(words, "level", word, level, err))
		return true;
	if (!strcmp(word, "p4d"))
		err_set(err, ERR_USAGE, 0, "this guest has 4 levels, and no p4d");
	return false;
}

bool cli_levels(const char *words, const struct pt_format *format, uint8_t *mask,
		struct err *err)
{
	*mask = 0;
	while (*words) {
		size_t length = strcspn(words, ",");
		char word[41];
		int level = 0;

		snprintf(word, sizeof(word), "%.*s", (int)(length < 40 ? length : 40), words);
		if (!cli_level(word, format, &level, err))
			return false;
		*mask |= (uint8_t)(1u << level);
		words += length;
		words += *words == ',';
	}
	if (!*mask)
		return err_set(err, ERR_USAGE, 0, "an empty list of levels: write it as pte,pmd");
	return true;
}

/* How many pids next to one that does not exist are named. */
enum { PIDS_NAMED = 8 };

/* Is a nearer to pid than b? Of two equally far ones the lower is. */
static bool pid_nearer(int64_t pid, int64_t a, int64_t b)
{
	int64_t to_a = a < pid ? pid - a : a - pid, to_b = b < pid ? pid - b : b - pid;

	return to_a != to_b ? to_a < to_b : a < b;
}

/* The nearest pids that have an address space, in order of number. */
static size_t pids_near(const struct kernel_mms *mms, int64_t pid, int64_t near[PIDS_NAMED])
{
	int64_t last = pid;
	size_t n = 0;

	while (n < PIDS_NAMED) {
		int64_t best = -1;
		size_t at = n;

		for (uint32_t i = 0; i < mms->task_count; i++) {
			const struct task *t = &mms->tasks[i];

			if (t->mm && (last == pid || pid_nearer(pid, last, t->pid)) &&
			    t->pid != last && (best < 0 || pid_nearer(pid, t->pid, best)))
				best = t->pid;
		}
		if (best < 0)
			break;
		last = best;
		for (; at && near[at - 1] > best; at--)
			near[at] = near[at - 1];
		near[at] = best;
		n++;
	}
	return n;
}

const struct task *cli_task(const struct kernel_mms *mms, int64_t pid, struct err *err)
{
	int64_t near[PIDS_NAMED];
	char list[120] = "";
	size_t used = 0, count;

	for (uint32_t i = 0; i < mms->task_count; i++)
		if (mms->tasks[i].pid == pid)
			return &mms->tasks[i];
	count = pids_near(mms, pid, near);
	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%" PRId64,
					 used ? " " : "", near[i]);
	err_set(err, ERR_USAGE, 0, "no pid %" PRId64 "%s%s: ptmm report lists them", pid,
		*list ? "; near it: " : "", list);
	return NULL;
}

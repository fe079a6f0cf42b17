// SPDX-License-Identifier: GPL-2.0-only
/* cmd_inject.c - `ptmm inject`: the options; the work is in inject_run.c. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/inject_run.h"
#include "vmm/inspect.h"

static const char help[] =
"usage: ptmm inject TARGET (--pfn P | --pid N --va A --level L | --random --seed S)\n"
"\n"
"Destroys one table page of a running guest and raises the machine check for it;\n"
"then watches who dies and who lives. This writes to the guest.\n"
"\n"
"What to hit:\n"
"  --pfn P          the table page at frame P\n"
"  --pid N --va A --level L\n"
"                   the table that translates address A of process N at a level\n"
"                   (pte, pmd, pud, p4d, pgd)\n"
"  --random --seed S\n"
"                   any table page; the same seed hits the same row of the census\n"
"How:\n"
"  --signal KIND    srao (a patrol scrub found it; default) or srar (a load hit it)\n"
"  --moment WHEN    quiet (every vCPU in user mode or idle; default), any,\n"
"                   loaded or unloaded (of a pgd: is some vCPU on it?)\n"
"  --vcpu N         the vCPU that gets the machine check\n"
"                   (default: one that runs an owner, else one in user mode)\n"
"  --watch SECONDS  how long survivors are watched afterwards (default 2)\n"
"  --timeout SECONDS  how long to wait for the moment and for a reaction (default 10)\n"
"The guest's kernel:\n"
CLI_KERNEL_HELP
"Output:\n"
"  --format F       text (default) or json (ptmm.injection/1)\n"
"  -o, --output F   write to a file\n"
"  -h, --help       this text\n"
"\n"
"Exit status: 0 the outcome was as predicted, 1 it was not, 2 usage, 3 the guest\n"
"could not be read or hit, 4 the output could not be written.\n";

enum { OPT_PFN = 256, OPT_PID, OPT_VA, OPT_LEVEL, OPT_RANDOM, OPT_SEED, OPT_SIGNAL,
       OPT_MOMENT, OPT_VCPU, OPT_WATCH, OPT_TIMEOUT, OPT_FORMAT };

static const struct option options[] = {
	{ "pfn", required_argument, NULL, OPT_PFN },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "va", required_argument, NULL, OPT_VA },
	{ "level", required_argument, NULL, OPT_LEVEL },
	{ "random", no_argument, NULL, OPT_RANDOM },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "signal", required_argument, NULL, OPT_SIGNAL },
	{ "moment", required_argument, NULL, OPT_MOMENT },
	{ "vcpu", required_argument, NULL, OPT_VCPU },
	{ "watch", required_argument, NULL, OPT_WATCH },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "output", required_argument, NULL, 'o' },
	CLI_KERNEL_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool parse_seconds(const char *text, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= 0 && *value <= 3600;
}

static int index_of(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(text, names[i]))
			return i;
	return -1;
}

/* Which parts of the ways to name a table were given. */
struct given {
	bool pfn, pid, va, level, random, seed;
};

/* One option with a value; false with err set. */
static bool take(struct inject_request *request, struct given *given, int option,
		 const char *value, struct err *err)
{
	static const char *const signals[] = { "srao", "srar" };
	static const char *const moments[] = { "quiet", "any", "loaded", "unloaded" };
	uint64_t number;
	int64_t pid;
	int at;

	switch (option) {
	case OPT_PFN:
		given->pfn = true;
		return cli_number(value, UINT64_MAX >> PT_FRAME_SHIFT, &request->spec.pfn, err);
	case OPT_PID:
		given->pid = true;
		if (!cli_pid(value, &pid, err))
			return false;
		request->spec.pid = (int32_t)pid;
		return true;
	case OPT_VA:
		given->va = true;
		return cli_address(value, &request->spec.va, err);
	case OPT_LEVEL:
		given->level = true;
		request->level = value;
		return true;
	case OPT_RANDOM:
		given->random = true;
		return true;
	case OPT_SEED:
		given->seed = true;
		return cli_number(value, UINT64_MAX, &request->spec.seed, err);
	case OPT_SIGNAL:
		at = index_of(value, signals, 2);
		request->signal = (enum inject_signal)at;
		return at >= 0 || err_set(err, ERR_USAGE, 0, "--signal is srao or srar: %s", value);
	case OPT_MOMENT:
		at = index_of(value, moments, 4);
		request->moment = (enum inject_moment)at;
		return at >= 0 || err_set(err, ERR_USAGE, 0,
				"--moment is quiet, any, loaded or unloaded: %s", value);
	case OPT_VCPU:
		if (!cli_number(value, 255, &number, err))
			return false;
		request->vcpu = (int)number;
		return true;
	case OPT_WATCH:
		return parse_seconds(value, &request->watch) ||
		       err_set(err, ERR_USAGE, 0, "--watch wants 0 to 3600 seconds: %s", value);
	case OPT_TIMEOUT:
		return parse_seconds(value, &request->timeout) ||
		       err_set(err, ERR_USAGE, 0, "--timeout wants 0 to 3600 seconds: %s", value);
	default:
		return cli_format(value, &request->format, err) &&
		       (request->format != REPORT_JSONL ||
			err_set(err, ERR_USAGE, 0, "--format is text or json here: %s", value));
	}
}

/* Exactly one of the three ways, with all of its parts. */
static const char *settle_by(struct inject_request *request, const struct given *given)
{
	bool by_va = given->pid || given->va || given->level;

	if (given->pfn + by_va + given->random != 1)
		return "name one table: --pfn, or --pid --va --level, or --random --seed";
	request->spec.by = given->pfn ? INJECT_PFN : by_va ? INJECT_VA : INJECT_RANDOM;
	if (by_va && !(given->pid && given->va && given->level))
		return "--pid, --va and --level go together";
	if (given->random != given->seed)
		return "--random and --seed go together, so that it can be repeated";
	return NULL;
}

int cmd_inject(int argc, char **argv)
{
	struct inject_request request = { .vcpu = -1, .watch = 2, .timeout = 10 };
	struct target_options kernel = { 0 };
	struct given given = { 0 };
	const char *file = NULL, *wrong;
	struct err err;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			file = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		case ':':
		case '?':
			return cli_bad_option("inject", c, argv);
		default:
			if (cli_target_option(c, optarg, &kernel))
				break;
			if (!take(&request, &given, c, optarg, &err))
				return cli_usage("inject", "%s", err.message);
		}
	}
	if (optind + 1 != argc)
		return cli_usage("inject", optind < argc ? "one TARGET only" : "which TARGET?");
	wrong = settle_by(&request, &given);
	if (wrong)
		return cli_usage("inject", "%s", wrong);
	return inspect(argv[optind], &kernel, file, inject_run, &request);
}

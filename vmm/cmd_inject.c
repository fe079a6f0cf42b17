// SPDX-License-Identifier: GPL-2.0-only
/* cmd_inject.c - `ptmm inject`: the options; the work is in inject_run.c. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cmd.h"
#include "vmm/inject_run.h"
#include "vmm/output.h"

static const char help[] =
"Usage: ptmm inject TARGET (--pfn P | --pid N --va A --level L | --random --seed S)\n"
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
"Output:\n"
"  --format F       text (default) or json (ptmm.injection/1)\n"
"  -o, --output F   write to a file\n"
"  -h, --help       this text\n"
"\n"
"Exit status: 0 the outcome was as predicted, 1 it was not, 2 usage, 3 the guest\n"
"could not be read or hit.\n";

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
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "ptmm inject: %s%s%s: see 'ptmm inject --help'\n", what,
		value ? ": " : "", value ? value : "");
	return EXIT_USAGE;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *text != '-' && *value <= max;
}

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

/* Which of the three ways to name a table was used; all of its parts must be there. */
static const char *settle_by(struct inject_request *request, bool pfn, bool pid, bool va,
			     bool level, bool random, bool seed)
{
	if (pfn + (pid || va || level) + random != 1)
		return "name one table: --pfn, or --pid --va --level, or --random --seed";
	if (pfn)
		request->spec.by = INJECT_PFN;
	else if (random)
		request->spec.by = INJECT_RANDOM;
	else
		request->spec.by = INJECT_VA;
	if (request->spec.by == INJECT_VA && !(pid && va && level))
		return "--pid, --va and --level go together";
	if (random && !seed)
		return "--random needs --seed, so that it can be repeated";
	if (seed && !random)
		return "--seed goes with --random";
	return NULL;
}

int cmd_inject(int argc, char **argv)
{
	static const char *const signals[] = { "srao", "srar" };
	static const char *const moments[] = { "quiet", "any", "loaded", "unloaded" };
	struct inject_request request = { .vcpu = -1, .watch = 2, .timeout = 10 };
	enum report_format format = REPORT_TEXT;
	bool pfn = false, pid = false, va = false, level = false, random = false, seed = false;
	const char *file = NULL, *wrong;
	uint64_t number;
	int c, at;

	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_PFN:
			if (!parse_number(optarg, UINT64_MAX >> 12, &request.spec.pfn))
				return usage("--pfn wants a frame number", optarg);
			pfn = true;
			break;
		case OPT_PID:
			if (!parse_number(optarg, INT32_MAX, &number))
				return usage("--pid wants a process id", optarg);
			request.spec.pid = (int32_t)number;
			pid = true;
			break;
		case OPT_VA:
			if (!parse_number(optarg, UINT64_MAX, &request.spec.va))
				return usage("--va wants an address", optarg);
			va = true;
			break;
		case OPT_LEVEL:
			request.level = optarg;
			level = true;
			break;
		case OPT_RANDOM:
			random = true;
			break;
		case OPT_SEED:
			if (!parse_number(optarg, UINT64_MAX, &request.spec.seed))
				return usage("--seed wants a number", optarg);
			seed = true;
			break;
		case OPT_SIGNAL:
			at = index_of(optarg, signals, 2);
			if (at < 0)
				return usage("--signal is srao or srar", optarg);
			request.signal = (enum inject_signal)at;
			break;
		case OPT_MOMENT:
			at = index_of(optarg, moments, 4);
			if (at < 0)
				return usage("--moment is quiet, any, loaded or unloaded", optarg);
			request.moment = (enum inject_moment)at;
			break;
		case OPT_VCPU:
			if (!parse_number(optarg, 255, &number))
				return usage("--vcpu wants a vCPU's number", optarg);
			request.vcpu = (int)number;
			break;
		case OPT_WATCH:
			if (!parse_seconds(optarg, &request.watch))
				return usage("--watch wants seconds", optarg);
			break;
		case OPT_TIMEOUT:
			if (!parse_seconds(optarg, &request.timeout))
				return usage("--timeout wants seconds", optarg);
			break;
		case OPT_FORMAT:
			if (!strcmp(optarg, "json"))
				format = REPORT_JSON;
			else if (strcmp(optarg, "text"))
				return usage("--format is text or json", optarg);
			break;
		case 'o':
			file = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		case ':':
			return usage("this option wants a value", argv[optind - 1]);
		default:
			return usage("unknown option", argv[optind - 1]);
		}
	}
	if (optind + 1 != argc)
		return usage(optind < argc ? "one TARGET only" : "which TARGET?", NULL);
	wrong = settle_by(&request, pfn, pid, va, level, random, seed);
	if (wrong)
		return usage(wrong, NULL);
	request.target = argv[optind];
	return inject_run(&request, file, format);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_report.c - `ptmm report`: who owns each page-table page. */
#include <getopt.h>
#include <stdio.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/inspect.h"
#include "vmm/look.h"

/* Address spaces in the text, unless --all. */
enum { OWNERS_MAX = 200 };

static const char help[] =
	"usage: ptmm report TARGET [OPTION]...\n"
	"Lists every page that the guest uses as a page table: which address space owns\n"
	"it, what the guest's kernel recorded as its owner (pt_mm), whether they agree.\n\n"
	"  --format F         text (default), json (ptmm.report/1) or jsonl\n"
	"  -o, --output FILE  write to FILE, which appears whole or not at all\n"
	"  --consistency C    paused (default): the guest is stopped for the census;\n"
	"                     live: it runs on, and the report may have torn rows\n"
	"  --recorded-at L    levels whose tables record pt_mm (\"pte,pmd\"); default: found out\n"
	"  --typed-at L       levels whose tables have the table type; default: found out\n"
	"  --strict           exit status 1 if there is a finding of severity error\n"
	"  --all              text: list all address spaces, not just the first 200\n"
	CLI_TARGET_HELP
	"  -h, --help         this text\n\n"
	"TARGET is kvm:NAME, libvirt:NAME, core:FILE, raw:FILE, or just NAME or FILE.\n"
	"Inspection never writes to the guest.\n"
	"Exit status: 0 fine, 1 findings (--strict), 2 usage, 3 the target could not be\n"
	"read, 4 the output could not be written.\n";

enum { OPT_FORMAT = 256, OPT_CONSISTENCY, OPT_RECORDED, OPT_TYPED, OPT_STRICT, OPT_ALL };

static const struct option options[] = {
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "output", required_argument, NULL, 'o' },
	{ "consistency", required_argument, NULL, OPT_CONSISTENCY },
	{ "recorded-at", required_argument, NULL, OPT_RECORDED },
	{ "typed-at", required_argument, NULL, OPT_TYPED },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "all", no_argument, NULL, OPT_ALL },
	CLI_TARGET_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct target_options options;
	const char *target, *output, *recorded_at, *typed_at;
	enum report_format format;
	bool strict, all;
	struct look_options look;
};

static bool report_work(struct target *target, FILE *to, void *context, int *status,
			struct err *err)
{
	const struct pt_format *format = kernel_space(target->kernel)->decode.format;
	struct request *request = context;
	struct report report;
	struct look look;
	bool ok;

	if (request->recorded_at &&
	    !cli_levels(request->recorded_at, format, &request->look.census.recorded_at, err))
		return false;
	if (request->typed_at &&
	    !cli_levels(request->typed_at, format, &request->look.census.typed_at, err))
		return false;
	if (!look_take(&look, target, &request->look, err))
		return false;
	report = look_report(&look, target, request->look.live);
	report.owners_max = request->all ? 0 : OWNERS_MAX;
	for (size_t i = 0; request->strict && i < look.findings.count; i++)
		if (look.findings.list[i].severity == SEVERITY_ERROR)
			*status = EXIT_FINDINGS;
	ok = report_write(to, &report, request->format, err);
	look_free(&look);
	return ok;
}

int cmd_report(int argc, char **argv)
{
	struct request request = { .format = REPORT_TEXT };
	struct err err = { 0 };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		bool ok = true;

		switch (c) {
		case OPT_FORMAT:
			ok = cli_format(optarg, &request.format, &err);
			break;
		case OPT_CONSISTENCY:
			ok = cli_live(optarg, &request.look.live, &err);
			break;
		case OPT_RECORDED:
			request.recorded_at = optarg;
			break;
		case OPT_TYPED:
			request.typed_at = optarg;
			break;
		case OPT_STRICT:
			request.strict = true;
			break;
		case OPT_ALL:
			request.all = true;
			break;
		case 'o':
			request.output = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		default:
			if (cli_target_option(c, optarg, &request.options))
				break;
			return cli_bad_option("report", c, argv);
		}
		if (!ok)
			return cli_usage("report", "%s", err.message);
	}
	if (argc - optind != 1)
		return cli_usage("report", argc == optind ? "no target" : "more than one target");
	request.target = argv[optind];
	return inspect(request.target, &request.options, request.output, report_work, &request);
}

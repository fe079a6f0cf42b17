/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_tables.c - `ptmm tables`: table pages, filtered and sorted. */
#include <getopt.h>
#include <stdio.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/inspect.h"
#include "vmm/look.h"

static const char help[] =
	"usage: ptmm tables TARGET [OPTION]...\n"
	"Lists page-table pages, one a line; options narrow the list down.\n\n"
	"  --pid N            tables of the process N\n"
	"  --level L          pte, pmd, pud, p4d or pgd\n"
	"  --verdict V        match, kernel, shared, mismatch, stale, orphan ...\n"
	"  --owner KIND       user, init_mm, kernel or taskless\n"
	"  --sort KEY         level (default), pfn, va, owner, verdict or entries\n"
	"  --format F         text (default), json (ptmm.tables/1) or jsonl\n"
	"  -o, --output FILE  write to FILE, which appears whole or not at all\n"
	"  --consistency C    paused (default) or live\n"
	CLI_TARGET_HELP
	"  -h, --help         this text\n\n"
	"TARGET is kvm:NAME, libvirt:NAME, core:FILE, raw:FILE, or just NAME or FILE.\n"
	"Inspection never writes to the guest.\n"
	"Exit status: 0 fine, 2 usage, 3 the target could not be read, 4 the output\n"
	"could not be written.\n";

enum { OPT_PID = 256, OPT_LEVEL, OPT_VERDICT, OPT_OWNER, OPT_SORT, OPT_FORMAT, OPT_CONSISTENCY };

static const struct option options[] = {
	{ "pid", required_argument, NULL, OPT_PID },
	{ "level", required_argument, NULL, OPT_LEVEL },
	{ "verdict", required_argument, NULL, OPT_VERDICT },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "sort", required_argument, NULL, OPT_SORT },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "output", required_argument, NULL, 'o' },
	{ "consistency", required_argument, NULL, OPT_CONSISTENCY },
	CLI_TARGET_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct target_options options;
	const char *target, *output, *level;
	struct table_filter filter;
	enum table_sort sort;
	enum report_format format;
	struct look_options look;
};

static bool tables_work(struct target *target, FILE *to, void *context, int *status,
			struct err *err)
{
	const struct pt_format *format = kernel_space(target->kernel)->decode.format;
	struct request *request = context;
	struct report report;
	struct look look;
	bool ok;

	(void)status;
	if (request->level && !cli_level(request->level, format, &request->filter.level, err))
		return false;
	if (!look_take(&look, target, &request->look, err))
		return false;
	report = look_report(&look, target, request->look.live);
	ok = request->filter.pid < 0 ||
	     cli_task(census_mms(look.census), request->filter.pid, err);
	ok = ok && report_tables(to, &report, &request->filter, request->sort,
				 request->format, err);
	look_free(&look);
	return ok;
}

int cmd_tables(int argc, char **argv)
{
	struct request request = {
		.filter = { .level = -1, .verdict = -1, .pid = -1, .owner_kind = -1 },
		.sort = SORT_LEVEL,
		.format = REPORT_TEXT,
	};
	struct err err = { 0 };
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		bool ok = true;

		switch (c) {
		case OPT_PID:
			ok = cli_pid(optarg, &request.filter.pid, &err);
			break;
		case OPT_LEVEL:
			request.level = optarg;
			break;
		case OPT_VERDICT:
			ok = cli_verdict(optarg, &request.filter.verdict, &err);
			break;
		case OPT_OWNER:
			ok = cli_owner_kind(optarg, &request.filter.owner_kind, &err);
			break;
		case OPT_SORT:
			ok = cli_sort(optarg, &request.sort, &err);
			break;
		case OPT_FORMAT:
			ok = cli_format(optarg, &request.format, &err);
			break;
		case OPT_CONSISTENCY:
			ok = cli_live(optarg, &request.look.live, &err);
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
			return cli_bad_option("tables", c, argv);
		}
		if (!ok)
			return cli_usage("tables", "%s", err.message);
	}
	if (argc - optind != 1)
		return cli_usage("tables", argc == optind ? "no target" : "more than one target");
	request.target = argv[optind];
	return inspect(request.target, &request.options, request.output, tables_work, &request);
}

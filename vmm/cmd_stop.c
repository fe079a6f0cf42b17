/* SPDX-License-Identifier: GPL-2.0-only */
/* ptmm stop: end guests. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/kvm/attach.h"
#include "vmm/kvm/names.h"

static const char help[] =
	"usage: ptmm stop NAME...\n"
	"       ptmm stop --all\n"
	"Ends guests of ptmm run and waits until they are gone.\n"
	"\n"
	"  --all         every guest that ptmm list shows\n"
	"  -h, --help    this text\n"
	"\n"
	"Exit status: 0; 2 usage; 3 no such guest, or it does not end.\n";

enum { GONE_TRIES = 1000, GONE_US = 5000 };

static int stop(const char *target)
{
	const char *name = strncmp(target, "kvm:", 4) ? target : target + 4;
	struct err e = { 0 };
	struct machine *m = kvm_attach(name, &e);
	bool asked;

	if (!m)
		return cli_fail("stop", &e);
	asked = kvm_stop(m, &e);
	machine_close(m);
	if (!asked)
		return cli_fail("stop", &e);
	/* So that the name is free for the next guest when we return. */
	for (int i = 0; i < GONE_TRIES; i++) {
		if (!name_running(name))
			return EXIT_FINE;
		usleep(GONE_US);
	}
	err_set(&e, ERR_TARGET, 0, "%s: does not end", name);
	return cli_fail("stop", &e);
}

static int stop_all(void)
{
	struct name_list list;
	struct err e = { 0 };
	int status = EXIT_FINE;

	if (!names_read(&list, &e))
		return cli_fail("stop", &e);
	for (size_t i = 0; i < list.count; i++) {
		if (stop(list.name[i]) != EXIT_FINE && name_running(list.name[i]))
			status = EXIT_TARGET;
	}
	names_free(&list);
	return status;
}

int cmd_stop(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c, status = EXIT_FINE;
	bool all = false;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			all = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		default:
			return cli_bad_option("stop", c, argv);
		}
	}
	if (all && optind < argc)
		return cli_usage("stop", "--all or names, not both");
	if (!all && optind == argc)
		return cli_usage("stop", "whom? a NAME (ptmm list shows them) or --all");
	if (all)
		return stop_all();
	for (; optind < argc; optind++) {
		int one = stop(argv[optind]);

		status = status ? status : one;
	}
	return status;
}

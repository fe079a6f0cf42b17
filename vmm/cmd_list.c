/* SPDX-License-Identifier: GPL-2.0-only */
/* ptmm list: the guests that run. */
#include <getopt.h>
#include <stdio.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/kvm/attach.h"
#include "vmm/kvm/names.h"
#include "vmm/list_domains.h"

static const char help[] =
	"usage: ptmm list [OPTION]...\n"
	"Lists the guests that ptmm run started and that still run, or libvirt's domains.\n"
	"\n"
	"  --libvirt             the domains of libvirt instead, running or not\n"
	"  --connect URI         the same, of this connection (default: libvirt's own)\n"
	"  --format text|json    default: text\n"
	"  -h, --help            this text\n"
	"\n"
	"STATE is booting, ready, paused (an inspector holds it) or ? (it does not answer);\n"
	"of a domain it is libvirt's word.\n"
	"Exit status: 0, also where no guest runs; 2 usage; 3 the folder cannot be read or\n"
	"libvirt not reached.\n";

struct row {
	const char *name;
	const char *state;
	int pid;
	unsigned cpus;
	uint64_t memory;
	double seconds;
};

static const char *state_name(const struct guest_status *s)
{
	if (s->pausers)
		return "paused";
	return s->state == GUEST_READY ? "ready" : "booting";
}

/* False: it ended while we looked. */
static bool row_fill(struct row *row, const char *name)
{
	struct guest_status s;
	struct machine *m = kvm_attach(name, NULL);
	bool there = true;

	*row = (struct row){ .name = name, .state = "?" };
	if (!m)
		return name_running(name);
	row->cpus = m->vcpus;
	row->memory = machine_memory(m);
	if (kvm_status(m, &s, NULL)) {
		there = s.state != GUEST_ENDED;
		row->state = state_name(&s);
		row->pid = (int)s.vmm_pid;
		row->seconds = s.seconds;
	}
	machine_close(m);
	return there;
}

static void text_row(const struct row *r)
{
	printf("%-16s %7d %-8s %6llu MiB %4u %9.1f s\n", r->name, r->pid, r->state,
	       (unsigned long long)(r->memory >> 20), r->cpus, r->seconds);
}

/* Names are checked to be letters, digits and "._-": nothing to escape. */
static void json_row(const struct row *r, bool first)
{
	printf("%s\n    { \"cpus\": %u, \"memory_bytes\": %llu, \"name\": \"%s\", \"pid\": %d, "
	       "\"state\": \"%s\", \"uptime_seconds\": %.3f }", first ? "" : ",", r->cpus,
	       (unsigned long long)r->memory, r->name, r->pid, r->state, r->seconds);
}

static void print(const struct name_list *list, bool json)
{
	bool first = true;

	if (json)
		printf("{ \"schema\": \"ptmm.list/1\",\n  \"guests\": [");
	else
		printf("%-16s %7s %-8s %10s %4s %11s\n", "NAME", "PID", "STATE", "MEMORY", "CPUS",
		       "UPTIME");
	for (size_t i = 0; i < list->count; i++) {
		struct row row;

		if (!row_fill(&row, list->name[i]))
			continue;
		if (json)
			json_row(&row, first);
		else
			text_row(&row);
		first = false;
	}
	if (json)
		printf("%s] }\n", first ? "" : "\n  ");
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "libvirt", no_argument, NULL, 'l' },
		{ "connect", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	enum report_format format = REPORT_TEXT;
	const char *connect = NULL;
	bool libvirt = false;
	struct name_list list;
	struct err e = { 0 };
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			if (!cli_format(optarg, &format, &e))
				return cli_fail("list", &e);
			if (format == REPORT_JSONL)
				return cli_usage("list", "--format is text or json");
			break;
		case 'c':
			connect = optarg;
			libvirt = true;
			break;
		case 'l':
			libvirt = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		default:
			return cli_bad_option("list", c, argv);
		}
	}
	if (optind < argc)
		return cli_usage("list", "no argument '%s' is wanted", argv[optind]);
	if (libvirt)
		return list_domains(connect, format == REPORT_JSON, &e) ? EXIT_FINE :
		       cli_fail("list", &e);
	if (!names_read(&list, &e))
		return cli_fail("list", &e);
	print(&list, format == REPORT_JSON);
	names_free(&list);
	return EXIT_FINE;
}

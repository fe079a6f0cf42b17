/* SPDX-License-Identifier: GPL-2.0-only */
/* ptmm run: launch a guest on our own VMM. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/kvm/detach.h"
#include "vmm/kvm/image.h"
#include "vmm/kvm/loop.h"
#include "vmm/kvm/names.h"

static const char help[] =
	"usage: ptmm run [OPTION]... [IMAGE]\n"
	"Launches a guest: an ELF64 kernel image, by default the test guest.\n"
	"\n"
	"  --name NAME           how other commands call it (default: guest)\n"
	"  --detach              return when the guest says READY and leave it running;\n"
	"                        ptmm stop NAME ends it\n"
	"  --ready-timeout SEC   with --detach: give up after so long (default: 60)\n"
	"  --mem SIZE            RAM, with K, M or G (default: 64M, at least 16M)\n"
	"  --cpus N              vCPUs, 1 to 4 (default: 1)\n"
	"  --append STRING       the kernel's command line; what the test guest takes\n"
	"                        (workload=small, bug=NAME ...) is in man ptmm-run\n"
	"  --console FILE        serial output to FILE instead of stdout\n"
	"  -h, --help            this text\n"
	"\n"
	"The serial line is on the terminal; Ctrl-C ends the guest. Detached, its output\n"
	"goes to NAME.log in $XDG_RUNTIME_DIR/ptmm (or /tmp/ptmm-UID).\n"
	"\n"
	"Exit status: 0 the guest powered off (or, detached, is ready); 2 usage; 3 it could\n"
	"not be started; 4 --console cannot be written; 10 triple fault; 11 KVM internal\n"
	"error; 12 halted with nothing pending; 13 guest panic; 14 stopped by a signal or\n"
	"ptmm stop, or not ready in time.\n";

struct run {
	struct vm_config config;
	const char *image_path;		/* NULL: the test guest */
	const char *console;
	bool detached;
	unsigned ready_timeout;
	struct image image;
	struct name_claim claim;
	int out_fd;
	int tell_fd;			/* to the waiting parent, -1: none */
};

static int fail(const struct err *e)
{
	return cli_fail("run", e);
}

static bool number_parse(const char *option, const char *word, uint64_t min, uint64_t max,
			 unsigned *n, struct err *e)
{
	uint64_t value;

	if (!cli_number(word, max, &value, NULL) || value < min)
		return err_set(e, ERR_USAGE, 0, "%s %s: a number from %u to %u is wanted", option,
			       word, (unsigned)min, (unsigned)max);
	*n = (unsigned)value;
	return true;
}

/* -1: go on; else the exit status. */
static int options_parse(struct run *r, int argc, char **argv)
{
	enum { NAME = 256, DETACH, READY, MEM, CPUS, APPEND, CONSOLE };
	static const struct option options[] = {
		{ "name", required_argument, NULL, NAME },
		{ "detach", no_argument, NULL, DETACH },
		{ "ready-timeout", required_argument, NULL, READY },
		{ "mem", required_argument, NULL, MEM },
		{ "cpus", required_argument, NULL, CPUS },
		{ "append", required_argument, NULL, APPEND },
		{ "console", required_argument, NULL, CONSOLE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct err e = { 0 };
	bool ok = true;
	int c;

	optind = 0;
	opterr = 0;
	while (ok && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case NAME:
			r->config.name = optarg;
			break;
		case DETACH:
			r->detached = true;
			break;
		case READY:
			ok = number_parse("--ready-timeout", optarg, 1, 86400, &r->ready_timeout,
					  &e);
			break;
		case MEM:
			ok = memory_size_parse(optarg, &r->config.memory, &e);
			break;
		case CPUS:
			ok = number_parse("--cpus", optarg, 1, VCPUS_MAX, &r->config.vcpus, &e);
			break;
		case APPEND:
			r->config.append = optarg;
			break;
		case CONSOLE:
			r->console = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_FINE;
		default:
			return cli_bad_option("run", c, argv);
		}
	}
	if (!ok)
		return fail(&e);
	if (optind + 1 < argc)
		return cli_usage("run", "one IMAGE only, not '%s' too", argv[optind + 1]);
	if (optind < argc)
		r->image_path = argv[optind];
	return -1;
}

static bool image_open(struct run *r, struct err *e)
{
	char path[PATH_MAX];

	if (r->image_path)
		return image_read(&r->image, r->image_path, e);
	return image_default(path, sizeof(path), e) && image_read(&r->image, path, e);
}

static bool console_file_open(struct run *r, struct err *e)
{
	const char *path = r->console;

	if (!path && r->detached)
		path = r->claim.log;
	if (!path) {
		r->out_fd = STDOUT_FILENO;
		return true;
	}
	r->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY,
			 r->console ? 0666 : 0600);
	if (r->out_fd < 0)
		return err_set(e, ERR_SYSTEM, 0, "%s: %s", path, strerror(errno));
	return true;
}

static void ready(void *arg)
{
	struct run *r = arg;

	detach_tell(&r->tell_fd, true, EXIT_FINE, "");
}

/* How it ended, to whoever still listens: the terminal, the parent, the log. */
static void tell_end(struct run *r, int status, const char *reason)
{
	char line[300];
	int n = snprintf(line, sizeof(line), "ptmm: run: %s: %s\n", r->config.name, reason);

	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	if (!r->detached)
		fputs(line, stderr);
	else if (write(r->out_fd, line, (size_t)n) < n)
		fputs(line, stderr);
	detach_tell(&r->tell_fd, false, status, reason);
}

static int guest_run(struct run *r)
{
	struct loop_config loop = {
		.in_fd = r->detached ? -1 : STDIN_FILENO, .out_fd = r->out_fd,
		.ready = ready, .arg = r,
	};
	struct err e = { 0 };
	int status = EXIT_TARGET;
	char reason[sizeof(((struct vm *)NULL)->end_reason)];
	struct vm *vm = vm_create(&r->config, &e);

	if (vm) {
		loop.listen_fd = name_listen(&r->claim, &e);
		if (loop.listen_fd >= 0 && loop_run(vm, &loop, &e)) {
			status = vm->end_status;
			snprintf(reason, sizeof(reason), "%s", vm->end_reason);
			e.code = ERR_OK;
		}
		if (loop.listen_fd >= 0)
			close(loop.listen_fd);
		vm_destroy(vm);
	}
	if (e.code) {
		if (r->detached)
			detach_tell(&r->tell_fd, false, EXIT_TARGET, e.message);
		else
			status = fail(&e);
	} else {
		tell_end(r, status, reason);
	}
	return status;
}

static int parent_report(const struct run *r, const struct detach_notice *n)
{
	if (n->ready)
		return EXIT_FINE;
	fprintf(stderr, "ptmm: run: %s: %s\n", r->config.name, n->text);
	return n->status;
}

static int launch(struct run *r)
{
	struct detach_notice notice;
	struct err e = { 0 };
	int status;

	if (!image_open(r, &e))
		return fail(&e);
	loop_hold_signals();
	if (!name_claim(&r->claim, r->config.name, &e))
		return fail(&e);
	if (!console_file_open(r, &e)) {
		name_release(&r->claim);
		fail(&e);
		return EXIT_OUTPUT;
	}
	/* The child shares the name's lock; the parent just lets go of it. */
	if (r->detached && !detach(r->ready_timeout, &r->tell_fd, &notice))
		return parent_report(r, &notice);
	status = guest_run(r);
	name_release(&r->claim);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run r = {
		.config = { .name = "guest", .memory = 64ull << 20, .vcpus = 1, .append = "" },
		.ready_timeout = 60,
		.image = { .fd = -1 },
		.claim = { .lock_fd = -1 },
		.out_fd = -1,
		.tell_fd = -1,
	};
	int status = options_parse(&r, argc, argv);

	if (status >= 0)
		return status;
	if (r.detached)
		detach_prepare();
	r.config.image = &r.image;
	status = launch(&r);
	image_free(&r.image);
	if (r.out_fd > STDERR_FILENO)
		close(r.out_fd);
	return status;
}

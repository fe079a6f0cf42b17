/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_walk.c - `ptmm walk`: addresses of one space, level by level. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/inspect.h"

static const char help[] =
	"usage: ptmm walk TARGET SPACE ADDRESS... [OPTION]...\n"
	"Translates addresses and shows the entry at each level on the way.\n\n"
	"SPACE is one of\n"
	"  --pid N            the process N\n"
	"  --kernel           the kernel's own tables (init_mm)\n"
	"  --vcpu N           what vCPU N has loaded now\n"
	"  --cr3 ADDR         the tables that start at this guest-physical address\n"
	"ADDRESS is hex with 0x, or a symbol of the guest's kernel.\n\n"
	"  --levels N         of --cr3: 4 or 5, where no vCPU and no kernel tells\n"
	"  --format F         text (default), json (ptmm.walk/1) or jsonl\n"
	"  -o, --output FILE  write to FILE, which appears whole or not at all\n"
	"  --consistency C    paused (default) or live\n"
	CLI_TARGET_HELP
	"  -h, --help         this text\n\n"
	"TARGET is kvm:NAME, libvirt:NAME, core:FILE, raw:FILE, or just NAME or FILE.\n"
	"Inspection never writes to the guest.\n"
	"Exit status: 0 answered (\"not mapped\" is an answer), 2 usage, 3 the target could\n"
	"not be read, 4 the output could not be written.\n";

enum { OPT_PID = 256, OPT_KERNEL, OPT_VCPU, OPT_CR3, OPT_LEVELS, OPT_FORMAT, OPT_CONSISTENCY };

static const struct option options[] = {
	{ "pid", required_argument, NULL, OPT_PID },
	{ "kernel", no_argument, NULL, OPT_KERNEL },
	{ "vcpu", required_argument, NULL, OPT_VCPU },
	{ "cr3", required_argument, NULL, OPT_CR3 },
	{ "levels", required_argument, NULL, OPT_LEVELS },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "output", required_argument, NULL, 'o' },
	{ "consistency", required_argument, NULL, OPT_CONSISTENCY },
	CLI_TARGET_OPTIONS,
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct target_options options;
	const char *target, *output;
	char **words;		/* addresses and symbols */
	size_t count;
	int by;			/* OPT_PID ... OPT_CR3 */
	int64_t pid;
	uint64_t vcpu, cr3;
	uint64_t levels;	/* of --cr3: 4 or 5; 0: as the kernel's or a vCPU's are */
	bool live;
	enum report_format format;
};

struct walk_addresses {
	gva_t *list;
	const char **symbols;	/* by which each was given, or NULL */
};

/* What the chosen space needs to stay alive while it is printed. */
struct walk_space {
	struct report_space report;
	struct pt_space space;
	struct kernel_mms mms;
	char name[40];
};

static bool space_of_pid(struct walk_space *w, const struct kernel *kernel, int64_t pid,
			 struct err *err)
{
	const struct task *task;
	int64_t mm;

	if (!kernel_read_mms(kernel, &w->mms, err))
		return false;
	task = cli_task(&w->mms, pid, err);
	if (!task)
		return false;
	mm = task->mm ? kernel_mm_find(&w->mms, task->mm) : -1;
	if (mm < 0 && !task->mm)
		return err_set(err, ERR_USAGE, 0, "pid %" PRId64 " (%s) is a kernel thread, it has "
			       "no address space of its own: use --kernel", pid, task->comm);
	if (mm < 0)
		return err_set(err, ERR_MALFORMED, task->mm,
			       "the address space of pid %" PRId64 " cannot be read", pid);
	x86_space_of_pgd(&w->space, w->mms.mms[mm].pgd, kernel_space(kernel));
	w->report.task = task;
	w->report.mm = task->mm;
	return true;
}

static bool space_of_kernel(struct walk_space *w, const struct kernel *kernel, struct err *err)
{
	if (!kernel_read_mms(kernel, &w->mms, err))
		return false;
	w->space = *kernel_space(kernel);
	w->report.mm = w->mms.mms[w->mms.init_mm].at;
	snprintf(w->name, sizeof(w->name), "init_mm");
	return true;
}

/* What a kernel keeps in entries that are not present is known if the kernel is. */
static const struct pt_soft *soft_of(const struct target *target)
{
	return target->kernel ? kernel_space(target->kernel)->decode.soft : NULL;
}

static bool space_of_vcpu(struct walk_space *w, struct target *target, uint64_t vcpu,
			  struct err *err)
{
	struct machine *machine = target->machine;
	struct x86_regs regs;
	const char *why;

	if (!machine->vcpus)
		return err_set(err, ERR_USAGE, 0, "no vCPU %" PRIu64 ": the target has no "
			       "registers: say --cr3 ADDR", vcpu);
	if (vcpu >= machine->vcpus)
		return err_set(err, ERR_USAGE, 0, "no vCPU %" PRIu64 ": the guest has %u, "
			       "counted from 0", vcpu, machine->vcpus);
	if (!machine->ops->regs(machine, (unsigned)vcpu, &regs, err))
		return false;
	if (!x86_space(&w->space, &regs, soft_of(target), &why))
		return err_set(err, ERR_UNSUPPORTED, 0, "vCPU %" PRIu64 ": %s", vcpu, why);
	snprintf(w->name, sizeof(w->name), "vcpu %" PRIu64 ", cr3 0x%" PRIx64, vcpu, regs.cr3);
	return true;
}

/*
 * A space to decode like: the kernel's, else that of a vCPU in long mode, else
 * what no registers contradict.
 */
static struct pt_space space_to_copy(struct target *target, const struct request *request)
{
	struct machine *machine = target->machine;
	struct x86_regs any = {
		.cr0 = X86_CR0_PG | X86_CR0_PE, .efer = X86_EFER_LMA | X86_EFER_NXE,
		.cr4 = X86_CR4_PAE | (request->levels == 5 ? X86_CR4_LA57 : 0), .huge_1g = true,
	};
	struct pt_space like;
	struct x86_regs regs;
	const char *why;

	if (target->kernel && !request->levels)
		return *kernel_space(target->kernel);
	for (unsigned i = 0; i < machine->vcpus && !request->levels; i++)
		if (machine->ops->regs(machine, i, &regs, NULL) &&
		    x86_space(&like, &regs, soft_of(target), &why))
			return like;
	x86_space(&like, &any, soft_of(target), &why);
	return like;
}

static bool space_of_cr3(struct walk_space *w, struct target *target,
			 const struct request *request, struct err *err)
{
	struct pt_space like = space_to_copy(target, request);
	uint64_t cr3 = request->cr3;
	/* The low bits of a CR3 are a PCID or flags. */
	gpa_t root = cr3 & X86_PTE_ADDR;

	if (!machine_has_frame(target->machine, gpa_to_pfn(root)))
		return err_set(err, ERR_USAGE, root, "cr3 0x%" PRIx64 " is outside the guest's RAM",
			       cr3);
	x86_space_of_pgd(&w->space, root, &like);
	snprintf(w->name, sizeof(w->name), "cr3 0x%" PRIx64, cr3);
	return true;
}

static bool space_choose(struct walk_space *w, struct target *target,
			 const struct request *request, struct err *err)
{
	/* Said only where it matters: a walk by CR3 needs no kernel. */
	if (!target->kernel && (request->by == OPT_PID || request->by == OPT_KERNEL)) {
		*err = target->no_kernel;
		return false;
	}
	switch (request->by) {
	case OPT_PID:
		return space_of_pid(w, target->kernel, request->pid, err);
	case OPT_KERNEL:
		return space_of_kernel(w, target->kernel, err);
	case OPT_VCPU:
		return space_of_vcpu(w, target, request->vcpu, err);
	default:
		return space_of_cr3(w, target, request, err);
	}
}

static bool parse_address(const struct target *target, const char *word,
			  struct walk_addresses *addresses, size_t index, struct err *err)
{
	gva_t *va = &addresses->list[index];

	if (word[0] >= '0' && word[0] <= '9') {
		if (!cli_address(word, va, err))
			return false;
	} else if (!target->kernel) {
		return err_set(err, ERR_USAGE, 0, "'%.40s': no kernel was found in the target, so "
			       "there are no symbols: use 0x...", word);
	} else if (!profile_symbol(target->profile, word, va, NULL)) {
		return err_set(err, ERR_USAGE, 0, "'%.40s' is neither an address (0x...) nor a "
			       "symbol of the guest's kernel", word);
	} else {
		addresses->symbols[index] = word;
	}
	return true;
}

static bool addresses_check(const struct pt_format *format, const gva_t *list, size_t count,
			    struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!pt_canonical(format, list[i]))
			return err_set(err, ERR_USAGE, 0, "0x%" PRIx64 " is not canonical: with "
				       "%u-level paging bits 63 to %u must be equal", list[i],
				       format->levels, format->va_bits - 1u);
	return true;
}

static bool walk_paused(struct target *target, FILE *to, const struct request *request,
			const struct walk_addresses *addresses, struct err *err)
{
	struct walk_space w = {
		.report = {
			.machine = target->machine, .kernel = target->kernel,
			.symbols = addresses->symbols,
		},
	};
	bool ok = space_choose(&w, target, request, err) &&
		  addresses_check(w.space.decode.format, addresses->list, request->count, err);

	if (ok) {
		w.report.space = &w.space;
		w.report.mode = PT_MODE_ANY;
		w.report.name = w.report.task ? NULL : w.name;
		ok = report_walk(to, &w.report, addresses->list, request->count,
				 request->format, err);
	}
	kernel_mms_free(&w.mms);
	return ok;
}

/* Into memory first: a reader that is slow to take the text must not stop the guest. */
static bool walk_into(struct target *target, FILE *memory, const struct request *request,
		      const struct walk_addresses *addresses, struct err *err)
{
	struct machine *machine = target->machine;
	bool ok;

	if (!request->live && !machine->ops->pause(machine, err))
		return false;
	ok = walk_paused(target, memory, request, addresses, err);
	if (!request->live)
		ok = machine->ops->resume(machine, ok ? err : NULL) && ok;
	return ok;
}

static bool walk_work(struct target *target, FILE *to, void *context, int *status,
		      struct err *err)
{
	const struct request *request = context;
	struct walk_addresses addresses = {
		.list = calloc(request->count, sizeof(*addresses.list)),
		.symbols = calloc(request->count, sizeof(*addresses.symbols)),
	};
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	bool ok = addresses.list && addresses.symbols && memory;

	(void)status;
	if (!ok)
		err_set(err, ERR_NO_MEMORY, 0, "out of memory for %zu addresses", request->count);
	for (size_t i = 0; ok && i < request->count; i++)
		ok = parse_address(target, request->words[i], &addresses, i, err);
	if (ok) {
		ok = walk_into(target, memory, request, &addresses, err);
		if (!ok && err->code != ERR_USAGE)
			target_explain(target, err);
	}
	if (memory && fclose(memory) && ok)
		ok = err_set(err, ERR_NO_MEMORY, 0, "out of memory for the text");
	if (ok && fwrite(text, 1, size, to) != size)
		ok = err_set(err, ERR_SYSTEM, 0, "%s", strerror(errno));
	free(text);
	free(addresses.symbols);
	free(addresses.list);
	return ok;
}

int cmd_walk(int argc, char **argv)
{
	struct request request = {
		.options = { .kernel_optional = true },
		.format = REPORT_TEXT,
	};
	struct err err = { 0 };
	int c, spaces = 0;

	optind = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		bool ok = true;

		switch (c) {
		case OPT_PID:
			ok = cli_pid(optarg, &request.pid, &err);
			break;
		case OPT_KERNEL:
			break;
		case OPT_VCPU:
			ok = cli_number(optarg, UINT32_MAX, &request.vcpu, &err);
			break;
		case OPT_CR3:
			ok = cli_address(optarg, &request.cr3, &err);
			break;
		case OPT_LEVELS:
			ok = cli_number(optarg, 5, &request.levels, &err) &&
			     (request.levels >= 4 ||
			      err_set(&err, ERR_USAGE, 0, "--levels is 4 or 5"));
			break;
		case OPT_FORMAT:
			ok = cli_format(optarg, &request.format, &err);
			break;
		case OPT_CONSISTENCY:
			ok = cli_live(optarg, &request.live, &err);
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
			return cli_bad_option("walk", c, argv);
		}
		if (!ok)
			return cli_usage("walk", "%s", err.message);
		if (c >= OPT_PID && c <= OPT_CR3) {
			request.by = c;
			spaces++;
		}
	}
	if (argc == optind)
		return cli_usage("walk", "no target");
	if (spaces != 1)
		return cli_usage("walk",
				 "say in which space: one of --pid, --kernel, --vcpu, --cr3");
	if (argc - optind < 2)
		return cli_usage("walk", "no address");
	request.target = argv[optind];
	request.words = argv + optind + 1;
	request.count = (size_t)(argc - optind - 1);
	return inspect(request.target, &request.options, request.output, walk_work, &request);
}

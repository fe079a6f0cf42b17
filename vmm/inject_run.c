// SPDX-License-Identifier: GPL-2.0-only
/* inject_run.c - one injection into a running guest, from target to outcome. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest-images/testguest/abi.h"
#include "vmm/cmd.h"
#include "vmm/inject_run.h"
#include "vmm/kvm/attach.h"
#include "walker/report/injection.h"

/*
 * The words of a memory error, as the error banks report it; Intel SDM vol. 3B,
 * 16.9: VAL, UC, EN, MISCV, ADDRV and S; SRAR has AR too. MISC: a physical
 * address, valid down to bit 12: the whole 4 KiB frame is lost.
 */
static const struct signal_words {
	const char *name;
	uint64_t status, mcg_status;
} signal_words[] = {
	[SIGNAL_SRAO] = { "srao-scrub", 0xbd000000000000c0ull, 0x5 },	/* MCIP, RIPV */
	[SIGNAL_SRAR] = { "srar-data", 0xbd80000000000134ull, 0x7 },	/* and EIPV */
};
#define MCE_MISC_FRAME 0x8cull
#define MCE_BANK 1

/* Events are taken 32 at a time; the VMM keeps 4096 of them (EVENTS_MAX). */
enum { EVENT_ROUNDS = 128 };

/* All of one run; every field that owns something is released in inject_run(). */
struct injection {
	const struct inject_request *request;
	struct target *target;
	struct census *census;
	struct inject_target hit;
	struct inject_evidence evidence;
	struct injection_report report;
	struct guest_status status;
	struct x86_regs regs[64];
	int32_t killed[256];
	size_t killed_count;
	uint64_t seen;			/* last event looked at */
	bool handled;			/* the guest said what it did */
	bool lost;			/* it rang more than could be followed */
};

static void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static bool in_user(const struct x86_regs *regs)
{
	return regs->cpl == 3;
}

static bool read_regs(struct injection *in, struct err *err)
{
	struct machine *machine = in->target->machine;

	if (machine->vcpus > sizeof(in->regs) / sizeof(in->regs[0]))
		return err_set(err, ERR_UNSUPPORTED, 0, "more vCPUs than inject can handle: %u",
			       machine->vcpus);
	for (unsigned i = 0; i < machine->vcpus; i++)
		if (!machine->ops->regs(machine, i, &in->regs[i], err))
			return false;
	return true;
}

/* No vCPU in the middle of kernel code: nothing is locked or half done. */
static bool is_quiet(const struct injection *in)
{
	for (unsigned i = 0; i < in->target->machine->vcpus; i++)
		if (!in_user(&in->regs[i]) && !in->regs[i].halted)
			return false;
	return true;
}

static bool select_table(struct injection *in, struct err *err)
{
	struct inject_spec spec = in->request->spec;
	const struct pt_format *format;

	in->census = census_take(in->target->kernel, NULL, err);
	if (!in->census)
		return false;
	if (spec.by == INJECT_VA) {
		int level;

		format = kernel_space(in->target->kernel)->decode.format;
		level = pt_level_by_name(format, in->request->level);
		if (level < 0)
			return err_set(err, ERR_USAGE, 0, "no level '%s' in a %u-level guest",
				       in->request->level, format->levels);
		spec.level = (unsigned)level;
	}
	return inject_select(in->census, in->target->kernel, &spec, &in->hit, err);
}

static bool is_the_moment(const struct injection *in)
{
	switch (in->request->moment) {
	case MOMENT_ANY:
		return true;
	case MOMENT_QUIET:
		return is_quiet(in);
	case MOMENT_LOADED:
		return in->hit.loaded && is_quiet(in);
	case MOMENT_UNLOADED:
		return !in->hit.loaded && is_quiet(in);
	}
	return false;
}

/* Stops the guest at the moment asked for, with the table found. Leaves it paused. */
static bool wait_for_moment(struct injection *in, struct err *err)
{
	struct machine *machine = in->target->machine;
	double until = target_clock() + in->request->timeout;
	unsigned step = 0;

	for (;;) {
		if (!machine->ops->pause(machine, err))
			return false;
		if (!read_regs(in, err) || !select_table(in, err))
			break;
		if (is_the_moment(in))
			return true;
		machine->ops->resume(machine, NULL);
		census_free(in->census);
		in->census = NULL;
		if (target_clock() > until)
			return err_set(err, ERR_TARGET, 0, "the moment did not come within "
				       "%.0f s: try --moment any or a longer --timeout",
				       in->request->timeout);
		/* Uneven steps: a guest with a regular beat must not always be met alike. */
		sleep_ms(1 + step++ % 7);
	}
	machine->ops->resume(machine, NULL);
	return false;
}

/* The vCPU that would meet the error: one on the owner's tables, else one in user mode. */
static unsigned choose_vcpu(const struct injection *in)
{
	const struct kernel_mms *mms = census_mms(in->census);
	unsigned vcpus = in->target->machine->vcpus;

	if (in->request->vcpu >= 0)
		return (unsigned)in->request->vcpu;
	for (unsigned i = 0; i < vcpus; i++)
		for (uint32_t o = 0; o < in->hit.owner_count && o < INJECT_OWNERS_MAX; o++)
			if (in_user(&in->regs[i]) &&
			    mm_is_loaded(&mms->mms[in->hit.owners[o]], in->regs[i].cr3))
				return i;
	for (unsigned i = 0; i < vcpus; i++)
		if (in_user(&in->regs[i]))
			return i;
	return 0;
}

static bool note_witnesses(struct injection *in, struct err *err)
{
	const struct kernel_mms *mms = census_mms(in->census);

	in->evidence.tasks = calloc(mms->task_count ? mms->task_count : 1,
				    sizeof(*in->evidence.tasks));
	if (!in->evidence.tasks)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for %u tasks",
			       mms->task_count);
	in->evidence.task_count = mms->task_count;
	for (uint32_t i = 0; i < mms->task_count; i++) {
		in->evidence.tasks[i].before = mms->tasks[i];
		in->evidence.tasks[i].owner = inject_owns(&in->hit, mms, &mms->tasks[i]);
	}
	return true;
}

/* Linux's name for it; a kernel without the word leaves the question open. */
static int read_recovers(const struct injection *in)
{
	const struct kernel *kernel = in->target->kernel;
	int32_t value;
	gva_t at;

	if (!profile_symbol(kernel_profile(kernel), "sysctl_memory_failure_recovery", &at, NULL) ||
	    !kernel_read(kernel, at, &value, sizeof(value), NULL))
		return -1;
	return value != 0;
}

/* On a paused guest: destroys the frame, raises the machine check. */
static bool hit(struct injection *in, struct err *err)
{
	struct machine *machine = in->target->machine;
	const struct signal_words *words = &signal_words[in->request->signal];
	struct injection_report *r = &in->report;
	const struct x86_regs *regs;

	r->mce = (struct machine_mce){
		.vcpu = choose_vcpu(in), .bank = MCE_BANK, .status = words->status,
		.addr = pfn_to_gpa(in->hit.pfn), .misc = MCE_MISC_FRAME,
		.mcg_status = words->mcg_status,
	};
	if (r->mce.vcpu >= machine->vcpus)
		return err_set(err, ERR_USAGE, 0, "the guest has no vCPU %u: it has %u",
			       r->mce.vcpu, machine->vcpus);
	regs = &in->regs[r->mce.vcpu];
	if (!(regs->cr4 & X86_CR4_MCE))
		return err_set(err, ERR_TARGET, 0, "the guest takes no machine checks on vCPU %u "
			       "(CR4.MCE is clear): too early in its boot?", r->mce.vcpu);
	r->moment = in_user(regs) ? "user" : regs->halted ? "idle" : "kernel";
	r->rip = regs->rip;
	r->signal = words->name;
	r->prediction = inject_predict(&in->hit, census_mms(in->census), read_recovers(in),
				       &r->prediction_why);
	return note_witnesses(in, err) &&
	       kvm_status(machine, &in->status, err) &&
	       machine->ops->poison(machine, pfn_to_gpa(in->hit.pfn), err) &&
	       machine->ops->raise_mce(machine, &r->mce, err);
}

static void note_killed(struct injection *in, int32_t pid)
{
	if (in->killed_count < sizeof(in->killed) / sizeof(in->killed[0]))
		in->killed[in->killed_count++] = pid;
	else
		in->lost = true;
}

/* Takes in what the guest rang since; true once there is nothing left to wait for. */
static bool take_events(struct injection *in, double start)
{
	struct machine *machine = in->target->machine;
	struct guest_event list[32];
	struct err ignored;
	int n;

	/* A guest may ring faster than it is listened to: the rest is for the next time. */
	for (unsigned round = 0; round < EVENT_ROUNDS &&
	     (n = kvm_events(machine, in->seen, list, 32, &ignored)) > 0; round++) {
		for (int i = 0; i < n; i++) {
			in->lost |= list[i].seq != in->seen + 1;
			in->seen = list[i].seq;
			if (list[i].event == DOORBELL_KILLED)
				note_killed(in, (int32_t)list[i].arg[0]);
			if (list[i].event == DOORBELL_PANIC)
				in->evidence.guest_panic = true;
			if (list[i].event == DOORBELL_MCE)
				in->handled = true;
		}
		if (in->report.reaction_seconds < 0)
			in->report.reaction_seconds = target_clock() - start;
	}
	if (!kvm_status(machine, &in->status, &ignored) || in->status.state == GUEST_ENDED) {
		in->evidence.guest_ended = true;
		in->evidence.guest_reset = in->status.exit_status == EXIT_TRIPLE_FAULT;
		in->evidence.guest_panic |= in->status.exit_status == EXIT_PANIC;
	}
	return in->evidence.guest_ended || in->evidence.guest_panic;
}

/* Compares the tasks of now with those at the injection. */
static bool look_at_tasks(struct injection *in)
{
	struct machine *machine = in->target->machine;
	struct kernel_mms after = { 0 };
	bool ok;

	if (!machine->ops->pause(machine, NULL))
		return false;
	ok = kernel_read_mms(in->target->kernel, &after, NULL);
	machine->ops->resume(machine, NULL);
	if (ok)
		inject_compare(&in->evidence, &after, in->killed, in->killed_count);
	kernel_mms_free(&after);
	return ok;
}

static void watch(struct injection *in, double start)
{
	struct machine *machine = in->target->machine;
	double react_until = start + in->request->timeout, until = 0;
	bool over = false;

	while (!over) {
		double t = target_clock();

		over = take_events(in, start);
		/* The watch proper begins once the guest has said what it did. */
		if (until <= 0 && in->handled)
			until = t + in->request->watch;
		if (t > (until > 0 ? until : react_until))
			break;
		if (!over)
			kvm_wait(machine, in->seen, 20, NULL);
	}
	if (!over && !look_at_tasks(in))
		take_events(in, start);
	in->report.watched_seconds = target_clock() - start;
}

static bool run(struct injection *in, struct err *err)
{
	struct machine *machine = in->target->machine;
	double start;

	if (!machine->ops->poison || !machine->ops->raise_mce)
		return err_set(err, ERR_UNSUPPORTED, 0, "errors can only be injected into a "
			       "guest of 'ptmm run'");
	if (!wait_for_moment(in, err))
		return false;
	if (!hit(in, err)) {
		machine->ops->resume(machine, NULL);
		return false;
	}
	in->seen = in->status.last_event;
	start = target_clock();
	if (!machine->ops->resume(machine, err))
		return false;
	watch(in, start);
	if (in->lost && !in->evidence.guest_ended)
		return err_set(err, ERR_TARGET, 0, "the guest was hit, but it rang faster than "
			       "could be followed: who died is not known");
	return true;
}

static void fill_report(struct injection *in)
{
	struct injection_report *r = &in->report;

	r->uri = in->target->machine->uri;
	r->cpu_vendor = in->status.cpu_vendor;
	r->format = kernel_space(in->target->kernel)->decode.format;
	r->target = &in->hit;
	r->mms = census_mms(in->census);
	r->evidence = &in->evidence;
	r->end_reason = in->evidence.guest_ended && in->status.reason[0] ? in->status.reason : NULL;
	r->outcome = inject_classify(&in->evidence);
}

/* The output is open by now: an unwritable file must not cost a process. */
bool inject_run(struct target *target, FILE *stream, void *request, int *status, struct err *err)
{
	struct injection *in = calloc(1, sizeof(*in));
	bool ok;

	if (!in)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	in->request = request;
	in->target = target;
	in->report.reaction_seconds = -1;
	ok = run(in, err);
	if (ok) {
		fill_report(in);
		ok = report_injection(stream, &in->report, in->request->format, err);
		if (in->report.outcome != in->report.prediction)
			*status = EXIT_FINDINGS;
	}
	free(in->evidence.tasks);
	census_free(in->census);
	free(in);
	return ok;
}

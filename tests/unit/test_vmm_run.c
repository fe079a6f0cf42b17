/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_run.c - guests of a few instructions on a real KVM, end to end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest-images/testguest/abi.h"
#include "tests/lib/tiny_guest.h"
#include "vmm/cmd.h"
#include "vmm/kvm/attach.h"
#include "vmm/kvm/boot.h"
#include "vmm/kvm/names.h"

#define NEEDS_KVM() do { \
	if (tiny_no_kvm()) { \
		print_message("SKIP: %s\n", tiny_no_kvm()); \
		skip(); \
	} \
} while (0)

static const char *const plain[] = { NULL };

static uint64_t counter(struct machine *m, unsigned vcpu)
{
	uint64_t value = 0;

	assert_true(machine_read_u64(m, TINY_COUNTER + 8 * vcpu, &value, NULL));
	return value;
}

/* Does the guest count on within a second? */
static bool advances(struct machine *m, unsigned vcpu)
{
	uint64_t before = counter(m, vcpu);

	for (int i = 0; i < 100; i++) {
		usleep(10000);
		if (counter(m, vcpu) != before)
			return true;
	}
	return false;
}

static const struct {
	enum tiny_kind kind;
	int status;
	const char *out;
	const char *says;	/* all of these, blank-free words between '|' */
} endings[] = {
	{ TINY_HELLO, EXIT_FINE, "hello\n", "powered off, status 7" },
	{ TINY_PANIC, EXIT_PANIC, "", "guest panic, code 0x2a" },
	{ TINY_TRIPLE, EXIT_TRIPLE_FAULT, "", "triple fault at rip 0x" },
	{ TINY_HLT, EXIT_HALTED, "", "halted with nothing pending at rip 0x100002 cr2 0x0 "
	  "cr3 0x1000" },
	{ TINY_HLT_OPEN, EXIT_HALTED, "", "halted with nothing pending at rip 0x100002" },
	{ TINY_GARBAGE, EXIT_FINE, "", "powered off, status 3" },
};

static void endings_are_named(void **state)
{
	(void)state;
	NEEDS_KVM();
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct tiny_run r;
		char out[256], err[512];
		int status;

		assert_true(tiny_start(&r, endings[i].kind, plain));
		status = tiny_finish(&r, out, sizeof(out), err, sizeof(err));
		if (status != endings[i].status || strcmp(out, endings[i].out) ||
		    !strstr(err, endings[i].says))
			fail_msg("kind %u: status %d out '%s' err '%s'", endings[i].kind, status,
				 out, err);
	}
}

/* What KVM makes of a jump out of memory differs; a named end it must be. */
static void jump_out_of_memory_ends(void **state)
{
	struct tiny_run r;
	char err[512];
	int status;

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_JUMP_OUT, plain));
	status = tiny_finish(&r, NULL, 0, err, sizeof(err));
	assert_true(status == EXIT_INTERNAL || status == EXIT_TRIPLE_FAULT);
	assert_non_null(strstr(err, "rip 0xd0000000"));
	if (status == EXIT_INTERNAL)
		assert_non_null(strstr(err, "KVM internal error 1 (cannot emulate)"));
}

static void signals_end_cleanly(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	static const char *const words[] = { "--name", "sig", NULL };

	(void)state;
	NEEDS_KVM();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct tiny_run r;
		struct machine *m;
		char err[512], expected[64];

		assert_true(tiny_start(&r, TINY_COUNT, words));
		m = tiny_attach_ready("sig");
		assert_non_null(m);
		machine_close(m);
		kill(r.pid, signals[i]);
		assert_int_equal(tiny_finish(&r, NULL, 0, err, sizeof(err)), EXIT_SIGNALLED);
		snprintf(expected, sizeof(expected), "stopped by SIG%s", sigabbrev_np(signals[i]));
		assert_non_null(strstr(err, expected));
		assert_int_not_equal(access(tiny_path("ptmm/sig.sock"), F_OK), 0);
		assert_int_not_equal(access(tiny_path("ptmm/sig.lock"), F_OK), 0);
	}
}

static void input_reaches_the_guest(void **state)
{
	struct tiny_run r;
	char out[256];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_ECHO, plain));
	assert_int_equal(write(r.in, "abc\nq", 5), 5);
	assert_int_equal(tiny_finish(&r, out, sizeof(out), NULL, 0), EXIT_FINE);
	assert_string_equal(out, "abc\n");
}

static void boot_data_is_as_promised(void **state)
{
	static const char *const words[] = { "--name", "boot", "--mem", "32M", "--cpus", "2",
					     "--append", "a=b c", NULL };
	struct boot_info info;
	struct guest_status status;
	struct x86_regs regs;
	struct tiny_run r;
	struct machine *m;
	char text[6];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_COUNT, words));
	m = tiny_attach_ready("boot");
	assert_non_null(m);
	assert_int_equal(machine_memory(m), 32u << 20);
	assert_int_equal(m->vcpus, 2);
	assert_true(machine_read(m, BOOT_INFO, &info, sizeof(info), NULL));
	assert_true(info.magic == BOOT_MAGIC);
	assert_int_equal(info.cpus, 2);
	assert_int_equal(info.region_count, 1);
	assert_int_equal(info.region[0].size, 32u << 20);
	assert_int_equal(info.reserved_end, BOOT_END);
	assert_true(machine_read(m, info.cmdline, text, sizeof(text), NULL));
	assert_string_equal(text, "a=b c");
	assert_true(m->ops->regs(m, 0, &regs, NULL));
	assert_int_equal(regs.cr3, BOOT_PML4);
	assert_int_equal(regs.cpl, 0);
	assert_true(regs.efer & X86_EFER_LMA && regs.cr0 & X86_CR0_PG && regs.cr4 & X86_CR4_PAE);
	assert_in_range(regs.maxphyaddr, 32, 52);
	assert_false(regs.halted);
	assert_true(kvm_status(m, &status, NULL));
	assert_int_equal(status.vmm_pid, r.pid);
	assert_true(kvm_stop(m, NULL));
	machine_close(m);
	assert_int_equal(tiny_finish(&r, NULL, 0, NULL, 0), EXIT_SIGNALLED);
}

static void two_vcpus_run_pause_and_resume(void **state)
{
	static const char *const words[] = { "--name", "two", "--cpus", "2", NULL };
	struct guest_event event;
	struct x86_regs regs;
	struct tiny_run r;
	struct machine *m;
	uint64_t at[2];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_TWO, words));
	m = tiny_attach_ready("two");
	assert_non_null(m);
	assert_true(advances(m, 0) && advances(m, 1));
	assert_int_equal(kvm_events(m, 1, &event, 1, NULL), 1);
	assert_int_equal(event.vcpu, 1);
	assert_int_equal(event.event, DOORBELL_READY);
	assert_int_equal(event.seq, 2);

	assert_true(m->ops->pause(m, NULL));
	assert_true(m->ops->pause(m, NULL));
	at[0] = counter(m, 0);
	at[1] = counter(m, 1);
	usleep(50000);
	assert_true(m->ops->regs(m, 1, &regs, NULL));
	assert_int_equal(regs.cr3, BOOT_PML4);
	assert_false(kvm_wait(m, 99, 1, NULL));
	assert_true(m->ops->resume(m, NULL));
	usleep(50000);
	assert_true(counter(m, 0) == at[0] && counter(m, 1) == at[1]);
	assert_true(m->ops->resume(m, NULL));
	assert_true(advances(m, 0) && advances(m, 1));
	assert_false(m->ops->resume(m, NULL));
	machine_close(m);
	kill(r.pid, SIGTERM);
	assert_int_equal(tiny_finish(&r, NULL, 0, NULL, 0), EXIT_SIGNALLED);
}

/* Whoever pauses and dies, however it dies, lets the guest run on. */
static void pause_ends_with_its_holder(void **state)
{
	static const char *const words[] = { "--name", "hold", NULL };
	struct guest_status status;
	struct tiny_run r;
	struct machine *m;
	pid_t holder;
	uint64_t at;

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_COUNT, words));
	m = tiny_attach_ready("hold");
	assert_non_null(m);
	holder = fork();
	if (!holder) {
		struct machine *mine = kvm_attach("hold", NULL);

		if (mine && mine->ops->pause(mine, NULL))
			pause();
		_exit(1);
	}
	do {
		usleep(1000);
		assert_true(kvm_status(m, &status, NULL));
	} while (!status.pausers);
	at = counter(m, 0);
	usleep(100000);
	assert_true(counter(m, 0) == at);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_true(advances(m, 0));
	assert_true(kvm_status(m, &status, NULL));
	assert_int_equal(status.pausers, 0);
	machine_close(m);
	kill(r.pid, SIGTERM);
	tiny_finish(&r, NULL, 0, NULL, 0);
}

static void sleeping_guest_with_a_timer_lives(void **state)
{
	static const char *const words[] = { "--name", "timer", NULL };
	struct guest_status status;
	struct tiny_run r;
	struct machine *m;

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_TIMER, words));
	m = tiny_attach_ready("timer");
	assert_non_null(m);
	for (int i = 0; i < 3; i++) {
		assert_true(advances(m, 0));
		usleep(400000);
	}
	assert_true(kvm_status(m, &status, NULL));
	assert_int_equal(status.state, GUEST_READY);
	machine_close(m);
	kill(r.pid, SIGTERM);
	assert_int_equal(tiny_finish(&r, NULL, 0, NULL, 0), EXIT_SIGNALLED);
}

static void machine_checks_arrive_or_are_refused(void **state)
{
	static const char *const words[] = { "--name", "mce", NULL };
	struct machine_mce mce = { .bank = 1, .status = 0xbd80000000000134, .addr = 0x5000,
				   .misc = 0x8c, .mcg_status = 5 };
	struct guest_event event;
	struct guest_status status;
	struct tiny_run r;
	struct machine *m;
	struct err e = { 0 };

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_MCE, words));
	m = tiny_attach_ready("mce");
	assert_non_null(m);
	assert_true(kvm_status(m, &status, NULL));
	mce.bank = 2;
	assert_false(m->ops->raise_mce(m, &mce, &e));
	assert_non_null(strstr(e.message, "has not enabled bank 2"));
	mce.bank = 99;
	assert_false(m->ops->raise_mce(m, &mce, &e));
	mce.bank = 1;
	mce.vcpu = 1;
	assert_false(m->ops->raise_mce(m, &mce, &e));
	mce.vcpu = 0;
	/* Nothing refused may have reached the guest. */
	assert_true(kvm_wait(m, status.last_event, 100, NULL));
	assert_int_equal(kvm_events(m, status.last_event, &event, 1, NULL), 0);
	assert_true(m->ops->pause(m, &e));
	assert_true(m->ops->raise_mce(m, &mce, &e));
	assert_false(m->ops->raise_mce(m, &mce, &e));
	assert_non_null(strstr(e.message, "still handling a machine check"));
	assert_true(m->ops->resume(m, &e));
	assert_true(kvm_wait(m, status.last_event, 5000, NULL));
	assert_int_equal(kvm_events(m, status.last_event, &event, 1, NULL), 1);
	assert_int_equal(event.event, DOORBELL_MCE);
	assert_int_equal(event.arg[0], mce.status >> 32);
	assert_int_equal(event.arg[1], mce.status & UINT32_MAX);
	assert_true(advances(m, 0));
	assert_true(kvm_stop(m, NULL));
	machine_close(m);
	tiny_finish(&r, NULL, 0, NULL, 0);
}

static void machine_check_without_a_handler_is_refused(void **state)
{
	static const char *const words[] = { "--name", "nomce", NULL };
	const struct machine_mce mce = { .status = 0xbd80000000000134, .mcg_status = 5 };
	struct tiny_run r;
	struct machine *m;
	struct err e = { 0 };

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_COUNT, words));
	m = tiny_attach_ready("nomce");
	assert_non_null(m);
	assert_false(m->ops->raise_mce(m, &mce, &e));
	assert_non_null(strstr(e.message, "CR4.MCE off"));
	assert_true(advances(m, 0));
	machine_close(m);
	kill(r.pid, SIGTERM);
	tiny_finish(&r, NULL, 0, NULL, 0);
}

/*
 * The first PD maps the guest's code: without it nothing can go on, unless KVM
 * still has what it derived from it (ring 3: where shadow paging is in use).
 */
static void destroyed_table_is_gone_for_guest_and_reader(void **state)
{
	static const char *const words[] = { "--name", "gone", NULL };
	struct x86_regs regs;
	struct guest_status status;
	struct tiny_run r;
	struct machine *m;
	struct err e = { 0 };
	char err[512];

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_USER, words));
	m = tiny_attach_ready("gone");
	assert_non_null(m);
	assert_true(advances(m, 0));
	assert_true(m->ops->pause(m, &e));
	assert_true(m->ops->regs(m, 0, &regs, &e));
	assert_int_equal(regs.cpl, 3);
	assert_false(m->ops->poison(m, MEMORY_HOLE_FIRST, &e));
	assert_true(m->ops->poison(m, BOOT_PD, &e));
	assert_int_equal(m->unreadable_count, 1);
	assert_null(machine_view(m, BOOT_PD, &e));
	assert_int_equal(e.code, ERR_UNREADABLE);
	assert_false(m->ops->write(m, BOOT_PD + 8, "x", 1, &e));
	assert_true(m->ops->resume(m, &e));
	kvm_wait(m, 99, 5000, NULL);
	assert_true(kvm_status(m, &status, &e));
	assert_int_equal(status.state, GUEST_ENDED);
	assert_int_equal(status.exit_status, EXIT_TRIPLE_FAULT);
	machine_close(m);
	assert_int_equal(tiny_finish(&r, NULL, 0, err, sizeof(err)), EXIT_TRIPLE_FAULT);
}

static void writes_are_seen_by_the_guest_and_translation(void **state)
{
	static const char *const words[] = { "--name", "write", NULL };
	/* A second root: the PML4's first two entries point to the same PDPT. */
	const uint64_t entry = BOOT_PDPT | 3, zero = 0;
	struct tiny_run r;
	struct machine *m;
	struct err e = { 0 };
	bool valid;
	gpa_t gpa;

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_COUNT, words));
	m = tiny_attach_ready("write");
	assert_non_null(m);
	assert_false(kvm_translate_on(m, 0, 0xa000, 0, &gpa, &valid, &e));
	assert_true(m->ops->pause(m, &e));
	assert_true(m->ops->write(m, 0xa008, &entry, sizeof(entry), &e));
	assert_true(kvm_translate(m, 0, 0x123456, &gpa, &valid, &e));
	assert_true(valid && gpa == 0x123456);
	assert_true(kvm_translate(m, 0, 1ull << 39, &gpa, &valid, &e));
	assert_false(valid);
	assert_true(kvm_translate_on(m, 0, 0xa000, (1ull << 39) + 0x123456, &gpa, &valid, &e));
	assert_true(valid && gpa == 0x123456);
	assert_true(kvm_translate(m, 0, 0x123456, &gpa, &valid, &e));
	assert_true(valid && gpa == 0x123456);
	assert_true(m->ops->write(m, TINY_COUNTER - 4, &zero, 8, &e));
	assert_false(m->ops->write(m, 64u << 20, &zero, 8, &e));
	assert_int_equal(e.code, ERR_NOT_RAM);
	assert_true(m->ops->resume(m, &e));
	assert_true(advances(m, 0));
	/* The inspector's mapping cannot be made writable. */
	assert_int_not_equal(mprotect((void *)(uintptr_t)m->regions[0].host, 4096,
				      PROT_READ | PROT_WRITE), 0);
	machine_close(m);
	kill(r.pid, SIGTERM);
	tiny_finish(&r, NULL, 0, NULL, 0);
}

static void end_is_told_to_inspectors(void **state)
{
	static const char *const words[] = { "--name", "last", NULL };
	struct guest_status status;
	struct guest_event events[4];
	struct x86_regs regs;
	struct tiny_run r;
	struct machine *m;
	struct err e = { 0 };

	(void)state;
	NEEDS_KVM();
	assert_true(tiny_start(&r, TINY_COUNT, words));
	m = tiny_attach_ready("last");
	assert_non_null(m);
	kill(r.pid, SIGTERM);
	assert_int_equal(tiny_finish(&r, NULL, 0, NULL, 0), EXIT_SIGNALLED);
	assert_true(kvm_status(m, &status, &e));
	assert_int_equal(status.state, GUEST_ENDED);
	assert_string_equal(status.reason, "stopped by SIGTERM");
	assert_int_equal(kvm_events(m, 0, events, 4, &e), 1);
	assert_int_equal(events[0].event, DOORBELL_READY);
	assert_true(m->ops->pause(m, &e));
	assert_true(m->ops->regs(m, 0, &regs, &e));
	assert_int_equal(regs.cr3, BOOT_PML4);
	assert_true(counter(m, 0) > 0);
	assert_true(m->ops->resume(m, &e));
	assert_false(m->ops->poison(m, 0x3000, &e));
	assert_non_null(strstr(e.message, "has ended"));
	machine_close(m);
}

static int setup(void **state)
{
	(void)state;
	return tiny_setup() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tiny_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings_are_named),
		cmocka_unit_test(jump_out_of_memory_ends),
		cmocka_unit_test(signals_end_cleanly),
		cmocka_unit_test(input_reaches_the_guest),
		cmocka_unit_test(boot_data_is_as_promised),
		cmocka_unit_test(two_vcpus_run_pause_and_resume),
		cmocka_unit_test(pause_ends_with_its_holder),
		cmocka_unit_test(sleeping_guest_with_a_timer_lives),
		cmocka_unit_test(machine_checks_arrive_or_are_refused),
		cmocka_unit_test(machine_check_without_a_handler_is_refused),
		cmocka_unit_test(destroyed_table_is_gone_for_guest_and_reader),
		cmocka_unit_test(writes_are_seen_by_the_guest_and_translation),
		cmocka_unit_test(end_is_told_to_inspectors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

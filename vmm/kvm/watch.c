/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds a guest that is dead in `hlt`: with the interrupt controllers in the
 * kernel, KVM_RUN just sleeps there. Looked at from outside, a few times a
 * second and only where the vCPUs seem idle, twice before it is believed.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/cmd.h"
#include "vmm/kvm/vm.h"

#define RFLAGS_IF (1ull << 9)
#define MSR_TSC_DEADLINE 0x6e0u

/* Local APIC registers: Intel SDM vol. 3A, table 11-1. */
#define APIC_SPURIOUS	0x0f0u
#define APIC_IRR	0x200u	/* eight words, 16 bytes apart */
#define APIC_LVT_TIMER	0x320u
#define APIC_TIMER_INIT	0x380u
#define APIC_TIMER_NOW	0x390u
#define APIC_ENABLED	(1u << 8)
#define LVT_MASKED	(1u << 16)
#define LVT_MODE(lvt)	((lvt) >> 17 & 3u)

enum { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_DEADLINE };

/* CPU time between two looks below which a vCPU is taken for idle. */
enum { IDLE_NS = 10 * 1000 * 1000 };

static bool seems_idle(struct vm *vm)
{
	bool idle = true;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = &vm->vcpu[i];
		struct timespec t;
		clockid_t clock;
		uint64_t ns;

		if (pthread_getcpuclockid(v->thread, &clock) || clock_gettime(clock, &t))
			return false;
		ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
		idle &= ns - v->cpu_ns < IDLE_NS;
		v->cpu_ns = ns;
	}
	return idle;
}

static uint32_t apic_word(const struct kvm_lapic_state *apic, unsigned reg)
{
	uint32_t word;

	memcpy(&word, apic->regs + reg, sizeof(word));
	return word;
}

static bool timer_armed(struct vcpu *v, const struct kvm_lapic_state *apic)
{
	uint32_t lvt = apic_word(apic, APIC_LVT_TIMER);
	uint64_t deadline = 0;

	if (lvt & LVT_MASKED || !(apic_word(apic, APIC_SPURIOUS) & APIC_ENABLED))
		return false;
	switch (LVT_MODE(lvt)) {
	case TIMER_ONE_SHOT:
		return apic_word(apic, APIC_TIMER_NOW) != 0;
	case TIMER_PERIODIC:
		return apic_word(apic, APIC_TIMER_INIT) != 0;
	default:
		return !vcpu_msr(v, MSR_TSC_DEADLINE, &deadline) || deadline;
	}
}

/* Could this vCPU still do anything by itself? If in doubt, yes. */
static bool may_wake(struct vcpu *v, bool input)
{
	struct kvm_vcpu_events ev;
	struct kvm_lapic_state apic;
	struct kvm_mp_state mp;
	struct kvm_regs regs;

	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) || ioctl(v->fd, KVM_GET_VCPU_EVENTS, &ev) ||
	    ioctl(v->fd, KVM_GET_REGS, &regs) || ioctl(v->fd, KVM_GET_LAPIC, &apic))
		return true;
	if (mp.mp_state != KVM_MP_STATE_HALTED || ev.exception.pending ||
	    ev.exception.injected || ev.interrupt.injected || ev.nmi.pending || ev.nmi.injected ||
	    ev.smi.pending)
		return true;
	if (!(regs.rflags & RFLAGS_IF))
		return false;
	for (unsigned i = 0; i < 8; i++) {
		if (apic_word(&apic, APIC_IRR + 16 * i))
			return true;
	}
	return input || timer_armed(v, &apic);
}

void vm_watch(struct vm *vm, bool input)
{
	bool alive = false;
	char where[128];

	if (!seems_idle(vm)) {
		vm->idle_looks = 0;
		return;
	}
	input = input && serial_listens(&vm->serial);
	vm_pause(vm);
	for (unsigned i = 0; i < vm->vcpu_count && !alive; i++) {
		struct vcpu *v = &vm->vcpu[i];

		alive = v->on && (!v->entered || may_wake(v, input));
	}
	vm->idle_looks = alive || vm_ended(vm) ? 0 : vm->idle_looks + 1;
	if (vm->idle_looks > 1)
		vm_end(vm, EXIT_HALTED, "halted with nothing pending%s",
		       exit_place(&vm->vcpu[0], where, sizeof(where)));
	vm_resume(vm);
}

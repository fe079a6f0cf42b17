// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - the other CPUs: starting them, calling them; the local APIC.
 *
 * There is one cross-CPU call at a time. A CPU takes its part when the interrupt
 * reaches it (in ring 3 or idle) or, in the kernel, where it spins for a lock.
 */
#include "guest-images/testguest/kernel/kernel.h"

#define MSR_APIC_BASE 0x1b
#define X2APIC(reg) (0x800 + ((reg) >> 4))
#define APIC_EOI 0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_ICR 0x300
#define APIC_TIMER 0x320
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_DIVIDE 0x3e0
#define TIMER_PERIODIC (1u << 17)
#define APIC_HZ 1000000000u		/* KVM's APIC bus: one tick per nanosecond */

static spinlock_t call_lock;
static uint32_t call_pending;		/* CPUs that have not run call_fn yet */
static void (*call_fn)(void *);
static void *call_arg;
static uint32_t stopping;

uint32_t cpus_online = 1;

void apic_init(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	wrmsr(X2APIC(APIC_SPURIOUS), 0x100 | 0xff);
	wrmsr(X2APIC(APIC_TIMER_DIVIDE), 0xb);	/* by 1 */
	wrmsr(X2APIC(APIC_TIMER), TIMER_PERIODIC | VECTOR_TIMER);
	wrmsr(X2APIC(APIC_TIMER_INITIAL), APIC_HZ / HZ);
}

void apic_eoi(void)
{
	wrmsr(X2APIC(APIC_EOI), 0);
}

static void ipi(unsigned cpu, unsigned vector)
{
	wrmsr(X2APIC(APIC_ICR), (uint64_t)cpu << 32 | vector);
}

void smp_kick(unsigned cpu)
{
	if (cpu != this_cpu()->id)
		ipi(cpu, VECTOR_KICK);
}

void smp_poll(void)
{
	uint32_t bit = 1u << this_cpu()->id;

	if (READ_ONCE(stopping) & bit)
		for (;;)
			__asm__ volatile("cli; hlt");
	if (!(READ_ONCE(call_pending) & bit))
		return;
	call_fn(call_arg);
	atomic_and32(&call_pending, ~bit);
}

void spin_lock_slow(spinlock_t *lock)
{
	do {
		while (spin_is_locked(lock)) {
			smp_poll();
			cpu_relax();
		}
	} while (!spin_trylock(lock));
}

void smp_call_mask(uint32_t mask, void (*fn)(void *), void *arg)
{
	uint32_t self = 1u << this_cpu()->id, others = mask & ~self & ((1u << cpus_online) - 1);

	if (others) {
		spin_lock(&call_lock);
		call_fn = fn;
		call_arg = arg;
		__atomic_store_n(&call_pending, others, __ATOMIC_SEQ_CST);
		for (unsigned i = 0; i < cpus_online; i++)
			if (others >> i & 1)
				ipi(i, VECTOR_KICK);
	}
	if (mask & self)
		fn(arg);
	if (others) {
		while (READ_ONCE(call_pending))
			cpu_relax();
		spin_unlock(&call_lock);
	}
}

void smp_stop_others(void)
{
	uint32_t others = ((1u << cpus_online) - 1) & ~(1u << this_cpu()->id);

	__atomic_store_n(&stopping, others, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < cpus_online; i++)
		if (others >> i & 1)
			ipi(i, VECTOR_KICK);
}

/* One after the other: 5-level paging is switched on through one set of variables. */
void smp_boot_cpus(unsigned count)
{
	for (unsigned i = 1; i < count && i < CPUS_MAX; i++) {
		idle_create(i);
		boot_stacks[i] = (uint64_t)cpus[i].idle + STACK_SIZE;
		doorbell(DOORBELL_CPU_ON, i, 0, 0, 0);
		while (!READ_ONCE(cpus[i].online))
			cpu_relax();
		cpus_online = i + 1;
	}
}

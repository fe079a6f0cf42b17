// SPDX-License-Identifier: GPL-2.0-only
/*
 * mce.c - machine checks: from the banks to memory_failure().
 *
 * A check that met ring 3 is acted on at once. One that met ring 0 may have
 * found any lock held, so the frame is noted and handled at the CPU's next safe
 * place (return to ring 3, idle). If the interrupted kernel instruction itself
 * wanted the lost data (action required) there is no such way: panic.
 */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

#define MSR_MCG_CAP 0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL 0x17b
#define MSR_MC_STATUS(bank) (0x401 + 4 * (bank))
#define MSR_MC_ADDR(bank) (0x402 + 4 * (bank))
#define MCG_CTL_P (1u << 8)
#define MCG_RIPV 1u
#define MCI_VAL (1ull << 63)
#define MCI_UC (1ull << 61)
#define MCI_ADDRV (1ull << 58)
#define MCI_PCC (1ull << 57)
#define MCI_S (1ull << 56)
#define MCI_AR (1ull << 55)

int sysctl_memory_failure_recovery = 1;

static uint32_t mce_banks;

void mce_init_cpu(void)
{
	uint64_t cap = rdmsr(MSR_MCG_CAP);

	mce_banks = cap & 0xff;
	/* The banks' own CTL are all ones after KVM_X86_SETUP_MCE. */
	if (cap & MCG_CTL_P)
		wrmsr(MSR_MCG_CTL, UINT64_MAX);
}

static void mce_note(struct cpu *cpu, uint64_t pfn)
{
	uint32_t n = cpu->mce_pending;

	if (n == sizeof(cpu->mce_pfn) / sizeof(cpu->mce_pfn[0]))
		panic("more machine checks than can be kept");
	cpu->mce_pfn[n] = pfn;
	cpu->mce_pending = n + 1;
}

void mce_handle(struct pt_regs *regs)
{
	struct cpu *cpu = this_cpu();
	uint64_t mcg = rdmsr(MSR_MCG_STATUS), status, address;
	bool user = regs->cs & 3, idle = !user && cpu->current_task == cpu->idle;

	for (uint32_t bank = 0; bank < mce_banks; bank++) {
		status = rdmsr(MSR_MC_STATUS(bank));
		if (!(status & MCI_VAL))
			continue;
		address = rdmsr(MSR_MC_ADDR(bank));
		if ((status & MCI_PCC) || !(mcg & MCG_RIPV) || !(status & MCI_ADDRV))
			panic("fatal machine check: bank %u status %#lx address %#lx mcg %#lx",
			      bank, status, address, mcg);
		if ((status & MCI_AR) && (status & MCI_S) && !user && !idle)
			panic("machine check in the kernel at rip %#lx: bank %u status %#lx "
			      "address %#lx", regs->rip, bank, status, address);
		wrmsr(MSR_MC_STATUS(bank), 0);
		if (status & MCI_UC)
			mce_note(cpu, gpa_to_pfn(address));
	}
	wrmsr(MSR_MCG_STATUS, 0);
}

/* Takes one note off; a #MC may come at any instruction and add another. */
static bool mce_take(struct cpu *cpu, uint64_t *pfn)
{
	uint32_t n = READ_ONCE(cpu->mce_pending);

	do {
		if (!n)
			return false;
		*pfn = READ_ONCE(cpu->mce_pfn[n - 1]);
	} while (!__atomic_compare_exchange_n(&cpu->mce_pending, &n, n - 1, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

void mce_drain(void)
{
	enum mce_outcome outcome;
	uint64_t pfn;

	while (mce_take(this_cpu(), &pfn)) {
		outcome = sysctl_memory_failure_recovery ? memory_failure(pfn) : MCE_PANIC;
		doorbell(DOORBELL_MCE, (uint32_t)pfn, (uint32_t)(pfn >> 32), outcome, 0);
		if (outcome == MCE_PANIC)
			panic("memory failure in frame %#lx: %s", pfn,
			      sysctl_memory_failure_recovery ? "the kernel's" : "recovery is off");
	}
}

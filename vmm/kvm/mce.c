/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/mce.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSR_MCG_STATUS	0x17au
#define MSR_MCG_CTL	0x17bu
#define MSR_MC0_CTL	0x400u	/* four MSRs per bank */

#define MCG_CAP_CTL_P	(1ull << 8)
#define MCG_STATUS_MCIP	(1ull << 2)
#define MCI_STATUS_VAL	(1ull << 63)
#define MCI_STATUS_UC	(1ull << 61)

bool mce_setup(struct vcpu *v, struct err *e)
{
	uint64_t caps = 0, wanted;
	int banks = ioctl(v->vm->kvm_fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_MCE);

	if (ioctl(v->vm->kvm_fd, KVM_X86_GET_MCE_CAP_SUPPORTED, &caps))
		return err_set(e, ERR_SYSTEM, 0, "KVM_X86_GET_MCE_CAP_SUPPORTED: %s",
			       strerror(errno));
	if (banks > MCE_BANKS)
		banks = MCE_BANKS;
	/* The low byte is the number of banks, the rest are flags. */
	wanted = (caps & ~0xffull) | (unsigned)banks;
	if (ioctl(v->fd, KVM_X86_SETUP_MCE, &wanted))
		return err_set(e, ERR_SYSTEM, 0, "KVM_X86_SETUP_MCE 0x%llx: %s",
			       (unsigned long long)wanted, strerror(errno));
	v->mcg_cap = wanted;
	return true;
}

/* An uncorrected error: what the guest must have set up for KVM to deliver it. */
static bool deliverable(struct vcpu *v, const struct machine_mce *mce, struct err *e)
{
	uint64_t status, ctl, bank_ctl;
	struct x86_regs regs;

	if (!vcpu_regs(v, &regs, e))
		return false;
	if (!vcpu_msr(v, MSR_MCG_STATUS, &status) ||
	    !vcpu_msr(v, MSR_MC0_CTL + 4 * mce->bank, &bank_ctl))
		return err_set(e, ERR_SYSTEM, 0, "vCPU %u: machine-check MSRs not readable", v->id);
	if (!(regs.cr4 & X86_CR4_MCE))
		return err_set(e, ERR_UNSUPPORTED, 0, "vCPU %u has CR4.MCE off: a machine check "
			       "would reset the guest", v->id);
	if (status & MCG_STATUS_MCIP)
		return err_set(e, ERR_UNSUPPORTED, 0, "vCPU %u is still handling a machine check: "
			       "another would reset the guest", v->id);
	if (v->mcg_cap & MCG_CAP_CTL_P) {
		if (!vcpu_msr(v, MSR_MCG_CTL, &ctl) || ctl != UINT64_MAX)
			return err_set(e, ERR_UNSUPPORTED, 0, "vCPU %u has not enabled MCG_CTL: "
				       "the error would be dropped", v->id);
	}
	if (bank_ctl != UINT64_MAX)
		return err_set(e, ERR_UNSUPPORTED, 0, "vCPU %u has not enabled bank %u: the error "
			       "would be dropped", v->id, mce->bank);
	return true;
}

bool mce_raise(struct vm *vm, const struct machine_mce *mce, struct err *e)
{
	struct kvm_x86_mce m = {
		.status = mce->status, .addr = mce->addr, .misc = mce->misc,
		.mcg_status = mce->mcg_status,
	};
	struct vcpu *v;

	if (mce->vcpu >= vm->vcpu_count || !vm->vcpu[mce->vcpu].entered)
		return err_set(e, ERR_USAGE, 0, "no running vCPU %u", mce->vcpu);
	v = &vm->vcpu[mce->vcpu];
	if (mce->bank >= (v->mcg_cap & 0xff))
		return err_set(e, ERR_USAGE, 0, "bank %u: there are %u", mce->bank,
			       (unsigned)(v->mcg_cap & 0xff));
	if (!(mce->status & MCI_STATUS_VAL))
		return err_set(e, ERR_USAGE, 0, "status 0x%llx is not valid (bit 63)",
			       (unsigned long long)mce->status);
	if (mce->status & MCI_STATUS_UC && !deliverable(v, mce, e))
		return false;
	m.bank = (uint8_t)mce->bank;
	if (ioctl(v->fd, KVM_X86_SET_MCE, &m))
		return err_set(e, ERR_SYSTEM, 0, "KVM_X86_SET_MCE: %s", strerror(errno));
	return true;
}

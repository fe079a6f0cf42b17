/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mce.h - a vCPU's machine-check banks. The main loop raises errors in them on
 * behalf of inspectors; facts: Intel SDM vol. 3B, 16.3 (MSRs), 16.6 (CR4.MCE).
 */
#ifndef PTMM_KVM_MCE_H
#define PTMM_KVM_MCE_H

#include "vmm/kvm/vm.h"
#include "walker/machine.h"

enum { MCE_BANKS = 32 };

/* Gives the vCPU its banks, with what this KVM supports. */
bool mce_setup(struct vcpu *, struct err *);
/*
 * Raises a machine check on a parked vCPU. Refused, with the reason, where KVM
 * would drop it, reset the guest or reject it.
 */
bool mce_raise(struct vm *, const struct machine_mce *, struct err *);

#endif

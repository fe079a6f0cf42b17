/* SPDX-License-Identifier: GPL-2.0-only */
/* One vCPU: its thread, how it enters the guest, how it is stopped and looked at. */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/kvm/mce.h"
#include "vmm/kvm/vm.h"

#define X86_CR0_ET (1ull << 4)
#define X86_CR0_NE (1ull << 5)
#define MSR_KERNEL_GS_BASE 0xc0000102u

bool vcpu_create(struct vcpu *v, struct vm *vm, unsigned id, struct err *e)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	v->vm = vm;
	v->id = id;
	v->on = id == 0;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (v->fd < 0)
		return err_set(e, ERR_SYSTEM, 0, "KVM_CREATE_VCPU %u: %s", id, strerror(errno));
	if (size < (int)sizeof(*v->run))
		return err_set(e, ERR_SYSTEM, 0, "KVM_GET_VCPU_MMAP_SIZE: %d", size);
	v->run_size = (size_t)size;
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return err_set(e, ERR_SYSTEM, 0, "vCPU %u: mmap: %s", id, strerror(errno));
	}
	return cpuid_set(vm->cpuid, v->fd, id, vm->vcpu_count, e) && mce_setup(v, e);
}

void vcpu_destroy(struct vcpu *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->fd >= 0)
		close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

/* The state that guest-images/testguest/abi.h promises at e_entry. */
static bool entry_state_set(struct vcpu *v)
{
	const struct kvm_segment code = {
		.selector = BOOT_CS, .type = 11, .s = 1, .present = 1, .l = 1, .g = 1,
		.limit = 0xffffffff,
	};
	const struct kvm_segment data = {
		.selector = BOOT_DS, .type = 3, .s = 1, .present = 1, .db = 1, .g = 1,
		.limit = 0xffffffff,
	};
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs = {
		.rip = v->vm->entry, .rflags = 2, .rdi = BOOT_INFO, .rsi = v->id,
	};
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s))
		return false;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	/* KVM wants a busy TSS in long mode; the guest loads its own. */
	s.tr = (struct kvm_segment){ .type = 11, .present = 1, .limit = 0x67 };
	s.ldt = (struct kvm_segment){ .type = 2, .unusable = 1 };
	s.gdt.base = BOOT_GDT;
	s.gdt.limit = BOOT_DS + 7;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_PG;
	s.cr3 = BOOT_PML4;
	s.cr4 = X86_CR4_PAE;
	s.efer = X86_EFER_LME | X86_EFER_LMA;
	return !ioctl(v->fd, KVM_SET_SREGS, &s) && !ioctl(v->fd, KVM_SET_REGS, &regs) &&
	       !ioctl(v->fd, KVM_SET_MP_STATE, &mp);
}

/* Parks while it should; true when KVM_RUN is to be called, false at the guest's end. */
static bool may_run(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool run = false;

	pthread_mutex_lock(&vm->lock);
	while (!vm->ending) {
		v->run->immediate_exit = 0;
		if (v->on && !vm->pausers) {
			run = true;
			break;
		}
		/* Registers are whole only after KVM has finished the last exit. */
		if (v->unfinished) {
			v->run->immediate_exit = 1;
			run = true;
			break;
		}
		v->parked = true;
		pthread_cond_broadcast(&vm->parked);
		pthread_cond_wait(&vm->go, &vm->lock);
		v->parked = false;
	}
	pthread_mutex_unlock(&vm->lock);
	return run;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;

	while (may_run(v)) {
		if (!v->entered) {
			v->entered = true;
			if (!entry_state_set(v)) {
				exit_run_failed(v, errno);
				break;
			}
		}
		if (!ioctl(v->fd, KVM_RUN, 0)) {
			v->unfinished = true;
			exit_handle(v);
		} else if (errno == EINTR || errno == EAGAIN) {
			v->unfinished = false;
		} else {
			exit_run_failed(v, errno);
			break;
		}
	}
	return NULL;
}

bool vcpu_start(struct vcpu *v, struct err *e)
{
	int error = pthread_create(&v->thread, NULL, vcpu_thread, v);

	if (error)
		return err_set(e, ERR_SYSTEM, 0, "vCPU %u: %s", v->id, strerror(error));
	v->started = true;
	return true;
}

void vcpu_kick(struct vcpu *v)
{
	if (!v->started)
		return;
	v->run->immediate_exit = 1;
	pthread_kill(v->thread, SIGUSR1);
}

bool vcpu_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} m = { .msrs.nmsrs = 1 };
	struct kvm_msr_entry *entry = m.msrs.entries;

	entry->index = index;
	if (ioctl(v->fd, KVM_GET_MSRS, &m) != 1)
		return false;
	*value = entry->data;
	return true;
}

bool vcpu_regs(struct vcpu *v, struct x86_regs *out, struct err *e)
{
	struct kvm_mp_state mp = { 0 };
	struct kvm_regs r;
	struct kvm_sregs s;

	memset(out, 0, sizeof(*out));
	if (ioctl(v->fd, KVM_GET_REGS, &r) || ioctl(v->fd, KVM_GET_SREGS, &s) ||
	    ioctl(v->fd, KVM_GET_MP_STATE, &mp))
		return err_set(e, ERR_SYSTEM, 0, "vCPU %u: %s", v->id, strerror(errno));
	*out = (struct x86_regs){
		.rip = r.rip, .rsp = r.rsp, .rflags = r.rflags,
		.cr0 = s.cr0, .cr2 = s.cr2, .cr3 = s.cr3, .cr4 = s.cr4, .efer = s.efer,
		.gs_base = s.gs.base,
		.cpl = s.cs.dpl,
		.halted = mp.mp_state == KVM_MP_STATE_HALTED,
	};
	vcpu_msr(v, MSR_KERNEL_GS_BASE, &out->kernel_gs_base);
	cpuid_paging(v->vm->cpuid, &out->maxphyaddr, &out->huge_1g);
	return true;
}

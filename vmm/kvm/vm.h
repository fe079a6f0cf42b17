/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vm.h - a running virtual machine: what the files of vmm/kvm share. Made and
 * driven by cmd_run.c; other ptmm processes see it through attach.h.
 *
 * Threads: one per vCPU, and the main loop, which owns everything else. The
 * main loop touches a vCPU's registers only while all vCPUs are parked.
 */
#ifndef PTMM_KVM_VM_H
#define PTMM_KVM_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "arch/x86/x86.h"
#include "guest-images/testguest/abi.h"
#include "vmm/kvm/boot.h"
#include "vmm/kvm/doorbell.h"
#include "vmm/kvm/memory.h"
#include "vmm/kvm/serial.h"
#include "vmm/kvm/wire.h"

enum { VCPUS_MAX = WIRE_VCPUS, POISON_MAX = WIRE_POISON };

struct image;
struct kvm_run;
struct kvm_cpuid2;

struct vcpu {
	struct vm *vm;
	unsigned id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;		/* the thread exists */
	uint64_t mcg_cap;
	/* Under vm->lock: */
	bool on;		/* the guest asked for it (vCPU 0: always) */
	bool parked;		/* out of KVM_RUN, registers may be looked at */
	/* The thread's own: */
	bool entered;		/* the entry state is set */
	bool unfinished;	/* KVM completes the last exit on the next KVM_RUN */
	uint32_t arg[DOORBELL_ARGS];
	/* The watcher's: */
	uint64_t cpu_ns;
};

struct vm {
	char name[64];
	int kvm_fd, fd;
	int wake_fd;		/* eventfd: the main loop has something to look at */
	struct memory mem;
	gpa_t entry;
	struct kvm_cpuid2 *cpuid;
	unsigned vcpu_count;
	struct vcpu vcpu[VCPUS_MAX];
	struct serial serial;
	struct events events;
	struct timespec start;
	atomic_bool ready;
	unsigned idle_looks;	/* the watcher's: looks in a row that found nothing pending */

	int image_fd;		/* a sealed copy of the kernel image; the caller's */
	uint64_t image_size;
	unsigned poison_count;
	pfn_t poison[POISON_MAX];	/* sorted */
	unsigned changed;	/* bit per region: its memory was written during this pause */

	pthread_mutex_t lock;
	pthread_cond_t parked, go;
	unsigned pausers;
	bool ending;
	int end_status;
	char end_reason[200];
};

struct vm_config {
	const char *name;
	uint64_t memory;
	unsigned vcpus;
	const char *append;
	const struct image *image;
};

/* vm.c */
struct vm *vm_create(const struct vm_config *, struct err *);
/* Ends the guest if it still runs, joins the threads, frees all. */
void vm_destroy(struct vm *);
bool vm_start(struct vm *, struct err *);
/* Says why and how the guest ends; the first reason stays. From any thread. */
void vm_end(struct vm *, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool vm_ended(struct vm *);
/* Waits until every vCPU thread is gone; after vm_end(). */
void vm_join(struct vm *);
/* Parks every vCPU; nests. */
void vm_pause(struct vm *);
void vm_resume(struct vm *);
/* Notes that a paused guest's memory at gpa was written from outside. */
void vm_memory_changed(struct vm *, gpa_t);
void vm_cpu_on(struct vm *, unsigned id);
/* Makes the main loop look. */
void vm_wake(struct vm *);
double vm_seconds(const struct vm *);

/* vcpu.c */
bool vcpu_create(struct vcpu *, struct vm *, unsigned id, struct err *);
void vcpu_destroy(struct vcpu *);
bool vcpu_start(struct vcpu *, struct err *);
/* Gets the vCPU out of KVM_RUN; vm->lock is held. */
void vcpu_kick(struct vcpu *);
/* Of a parked vCPU, or in its own thread. */
bool vcpu_regs(struct vcpu *, struct x86_regs *, struct err *);
bool vcpu_msr(struct vcpu *, uint32_t index, uint64_t *value);

/* cpuid.c */
struct kvm_cpuid2 *cpuid_supported(int kvm_fd, struct err *);
bool cpuid_set(const struct kvm_cpuid2 *, int vcpu_fd, unsigned id, unsigned count, struct err *);
/* Physical-address bits, 1 GiB pages, and the vendor's name (13 bytes). */
void cpuid_paging(const struct kvm_cpuid2 *, uint8_t *maxphyaddr, bool *huge_1g);
void cpuid_vendor(const struct kvm_cpuid2 *, char vendor[13]);

/* exits.c: acts on why KVM_RUN returned; may end the guest. */
void exit_handle(struct vcpu *);
void exit_run_failed(struct vcpu *, int error);
/* " at rip 0x... cr2 0x... cr3 0x... vCPU n", or why that is not known; returns buf. */
const char *exit_place(struct vcpu *, char *buf, size_t size);

/* watch.c: ends a guest whose vCPUs all halt with nothing that could wake them. */
void vm_watch(struct vm *, bool input);

/* poison.c: both on a paused guest. */
bool poison_frame(struct vm *, gpa_t, struct err *);
bool poison_has(const struct vm *, gpa_t);

#endif

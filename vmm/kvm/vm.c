/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine as a whole: made, started, paused, ended. */
#include "vmm/kvm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/cmd.h"
#include "vmm/kvm/image.h"

/* Three pages that Intel's real-mode emulation wants, away from RAM. */
#define TSS_ADDRESS 0xfffbd000ul

static bool kvm_open(struct vm *vm, struct err *e)
{
	int version;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		switch (errno) {
		case ENOENT:
			return err_set(e, ERR_TARGET, 0, "no /dev/kvm: load the kvm module, or "
				       "enable virtualisation in the firmware or the outer VM");
		case ENODEV:
		case ENXIO:
			return err_set(e, ERR_TARGET, 0, "/dev/kvm: this CPU has no usable "
				       "virtualisation");
		case EACCES:
		case EPERM:
			return err_set(e, ERR_TARGET, 0, "no permission to open /dev/kvm: join "
				       "the group that owns it (usually kvm)");
		default:
			return err_set(e, ERR_TARGET, 0, "/dev/kvm: %s", strerror(errno));
		}
	}
	version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_set(e, ERR_TARGET, 0, "/dev/kvm: API version %d, not %d", version,
			       KVM_API_VERSION);
	return true;
}

static bool capabilities_check(struct vm *vm, struct err *e)
{
	static const struct { long cap; const char *name; } needed[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
		{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
		{ KVM_CAP_MCE, "KVM_CAP_MCE" },
	};
	int max;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return err_set(e, ERR_TARGET, 0, "this KVM lacks %s", needed[i].name);
	}
	max = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_MAX_VCPUS);
	if (max > 0 && vm->vcpu_count > (unsigned)max)
		return err_set(e, ERR_USAGE, 0, "--cpus %u: this KVM allows %d", vm->vcpu_count,
			       max);
	return true;
}

static bool machine_make(struct vm *vm, struct err *e)
{
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0ul);
	if (vm->fd < 0)
		return err_set(e, ERR_TARGET, 0, "KVM_CREATE_VM: %s", strerror(errno));
	ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS);
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return err_set(e, ERR_TARGET, 0, "KVM_CREATE_IRQCHIP: %s", strerror(errno));
	vm->cpuid = cpuid_supported(vm->kvm_fd, e);
	return vm->cpuid != NULL;
}

static void serial_irq(void *arg, bool level)
{
	struct vm *vm = arg;
	struct kvm_irq_level irq = { .irq = SERIAL_IRQ, .level = level };

	ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

static void serial_output(void *arg)
{
	vm_wake(arg);
}

struct vm *vm_create(const struct vm_config *c, struct err *e)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	snprintf(vm->name, sizeof(vm->name), "%s", c->name);
	vm->kvm_fd = vm->fd = vm->mem.fd = -1;
	for (unsigned i = 0; i < VCPUS_MAX; i++)
		vm->vcpu[i].fd = -1;
	vm->vcpu_count = c->vcpus;
	vm->image_fd = c->image->fd;
	vm->image_size = c->image->size;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->parked, NULL);
	pthread_cond_init(&vm->go, NULL);
	serial_init(&vm->serial, serial_irq, serial_output, vm);
	events_init(&vm->events);
	vm->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->wake_fd < 0) {
		err_set(e, ERR_SYSTEM, 0, "eventfd: %s", strerror(errno));
		goto fail;
	}
	if (!kvm_open(vm, e) || !capabilities_check(vm, e) || !machine_make(vm, e) ||
	    !memory_create(&vm->mem, c->memory, e) ||
	    !memory_map_slots(&vm->mem, vm->fd, e) ||
	    !boot_load_elf(&vm->mem, c->image->bytes, c->image->size, c->image->name,
			   &vm->entry, e) ||
	    !boot_write_tables(&vm->mem, c->vcpus, c->append, e))
		goto fail;
	for (unsigned i = 0; i < c->vcpus; i++) {
		if (!vcpu_create(&vm->vcpu[i], vm, i, e))
			goto fail;
	}
	return vm;
fail:
	vm_destroy(vm);
	return NULL;
}

void vm_destroy(struct vm *vm)
{
	vm_end(vm, 0, "destroyed");
	vm_join(vm);
	for (unsigned i = 0; i < VCPUS_MAX; i++)
		vcpu_destroy(&vm->vcpu[i]);
	memory_destroy(&vm->mem);
	free(vm->cpuid);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->wake_fd >= 0)
		close(vm->wake_fd);
	events_deinit(&vm->events);
	serial_deinit(&vm->serial);
	pthread_cond_destroy(&vm->go);
	pthread_cond_destroy(&vm->parked);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

static void kick_ignore(int sig)
{
	(void)sig;
}

bool vm_start(struct vm *vm, struct err *e)
{
	/* No SA_RESTART: the signal's one purpose is to get a thread out of KVM_RUN. */
	struct sigaction sa = { .sa_handler = kick_ignore };

	sigaction(SIGUSR1, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &vm->start);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (!vcpu_start(&vm->vcpu[i], e))
			return false;
	}
	return true;
}

static void kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_kick(&vm->vcpu[i]);
}

void vm_end(struct vm *vm, int status, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&vm->lock);
	if (!vm->ending) {
		vm->ending = true;
		vm->end_status = status;
		va_start(ap, fmt);
		vsnprintf(vm->end_reason, sizeof(vm->end_reason), fmt, ap);
		va_end(ap);
		kick_all(vm);
		pthread_cond_broadcast(&vm->go);
		pthread_cond_broadcast(&vm->parked);
	}
	pthread_mutex_unlock(&vm->lock);
	vm_wake(vm);
}

bool vm_ended(struct vm *vm)
{
	bool ended;

	pthread_mutex_lock(&vm->lock);
	ended = vm->ending;
	pthread_mutex_unlock(&vm->lock);
	return ended;
}

void vm_join(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpu[i].started)
			pthread_join(vm->vcpu[i].thread, NULL);
		vm->vcpu[i].started = false;
	}
}

static bool all_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpu[i].started && !vm->vcpu[i].parked)
			return false;
	}
	return true;
}

void vm_pause(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	if (!vm->pausers++)
		kick_all(vm);
	while (!vm->ending && !all_parked(vm))
		pthread_cond_wait(&vm->parked, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
}

void vm_memory_changed(struct vm *vm, gpa_t gpa)
{
	int region = memory_region_of(&vm->mem, gpa, 1);

	if (region >= 0)
		vm->changed |= 1u << region;
}

/* Only the main loop pauses, so nobody else comes between the look and the deed. */
static void refresh_changed(struct vm *vm)
{
	struct err e;

	for (unsigned i = 0; i < vm->mem.region_count; i++) {
		if (vm->changed & 1u << i && !memory_refresh_region(&vm->mem, vm->fd, i, &e))
			vm_end(vm, EXIT_INTERNAL, "%s", e.message);
	}
	vm->changed = 0;
}

void vm_resume(struct vm *vm)
{
	if (vm->changed && vm->pausers == 1)
		refresh_changed(vm);
	pthread_mutex_lock(&vm->lock);
	if (!--vm->pausers)
		pthread_cond_broadcast(&vm->go);
	pthread_mutex_unlock(&vm->lock);
}

void vm_cpu_on(struct vm *vm, unsigned id)
{
	if (id >= vm->vcpu_count)
		return;
	pthread_mutex_lock(&vm->lock);
	vm->vcpu[id].on = true;
	pthread_cond_broadcast(&vm->go);
	pthread_mutex_unlock(&vm->lock);
}

void vm_wake(struct vm *vm)
{
	const uint64_t one = 1;

	/* A full counter means that the main loop has not yet looked: as good. */
	if (write(vm->wake_fd, &one, sizeof(one)) < 0)
		return;
}

double vm_seconds(const struct vm *vm)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - vm->start.tv_sec) +
	       (double)(now.tv_nsec - vm->start.tv_nsec) / 1e9;
}

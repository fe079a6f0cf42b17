/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/doorbell.h"

#include <string.h>

#include "guest-images/testguest/abi.h"
#include "vmm/cmd.h"
#include "vmm/kvm/vm.h"

void events_init(struct events *ev)
{
	memset(ev, 0, sizeof(*ev));
	pthread_mutex_init(&ev->lock, NULL);
}

void events_deinit(struct events *ev)
{
	pthread_mutex_destroy(&ev->lock);
}

void events_add(struct events *ev, struct guest_event *event)
{
	pthread_mutex_lock(&ev->lock);
	event->seq = ++ev->last;
	ev->ring[event->seq % EVENTS_MAX] = *event;
	pthread_mutex_unlock(&ev->lock);
}

uint64_t events_last(struct events *ev)
{
	uint64_t last;

	pthread_mutex_lock(&ev->lock);
	last = ev->last;
	pthread_mutex_unlock(&ev->lock);
	return last;
}

unsigned events_after(struct events *ev, uint64_t since, struct guest_event *out, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&ev->lock);
	if (ev->last > EVENTS_MAX && since < ev->last - EVENTS_MAX)
		since = ev->last - EVENTS_MAX;
	while (since < ev->last && n < max)
		out[n++] = ev->ring[++since % EVENTS_MAX];
	pthread_mutex_unlock(&ev->lock);
	return n;
}

bool doorbell_has(uint16_t port)
{
	return port == PORT_DOORBELL ||
	       (port >= PORT_ARG && port < PORT_ARG + 4 * DOORBELL_ARGS && port % 4 == 0);
}

void doorbell_write(struct vcpu *v, uint16_t port, uint32_t value)
{
	struct vm *vm = v->vm;
	struct guest_event event = { .vcpu = v->id, .event = value };

	if (port != PORT_DOORBELL) {
		v->arg[(port - PORT_ARG) / 4] = value;
		return;
	}
	memcpy(event.arg, v->arg, sizeof(event.arg));
	memset(v->arg, 0, sizeof(v->arg));
	event.seconds = vm_seconds(vm);
	events_add(&vm->events, &event);
	switch (value) {
	case DOORBELL_READY:
		atomic_store(&vm->ready, true);
		break;
	case DOORBELL_PANIC:
		vm_end(vm, EXIT_PANIC, "guest panic, code 0x%x (vCPU %u)", event.arg[0], v->id);
		break;
	case DOORBELL_POWEROFF:
		vm_end(vm, EXIT_FINE, "powered off, status %u", event.arg[0]);
		break;
	case DOORBELL_CPU_ON:
		vm_cpu_on(vm, event.arg[0]);
		break;
	default:
		break;
	}
	vm_wake(vm);
}

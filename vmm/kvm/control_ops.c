/* SPDX-License-Identifier: GPL-2.0-only */
/* What each request of the control socket does. Requests are copied, sizes checked. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/cmd.h"
#include "vmm/kvm/control.h"
#include "vmm/kvm/mce.h"

/* A wait is a convenience; whoever wants longer asks again. */
enum { WAIT_MAX_MS = 60 * 1000 };

void control_pause(struct control *c, struct client *cl)
{
	if (!cl->pausing)
		vm_pause(c->vm);
	cl->pausing = true;
}

void control_resume(struct control *c, struct client *cl)
{
	if (cl->pausing)
		vm_resume(c->vm);
	cl->pausing = false;
}

void control_status(const struct control *c, struct wire_status *s)
{
	struct vm *vm = c->vm;

	*s = (struct wire_status){
		.state = atomic_load(&vm->ready) ? GUEST_READY : GUEST_BOOTING,
		.exit_status = -1,
		.vmm_pid = getpid(),
		.last_event = events_last(&vm->events),
		.seconds = vm_seconds(vm),
	};
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		s->pausers += c->client[i].pausing;
	pthread_mutex_lock(&vm->lock);
	if (vm->ending) {
		s->state = GUEST_ENDED;
		s->exit_status = vm->end_status;
		snprintf(s->reason, sizeof(s->reason), "%s", vm->end_reason);
	}
	pthread_mutex_unlock(&vm->lock);
}

static void hello_fill(const struct vm *vm, struct wire_hello *h)
{
	*h = (struct wire_hello){
		.memory = vm->mem.size, .image_size = vm->image_size,
		.vcpus = vm->vcpu_count, .region_count = vm->mem.region_count,
	};
	snprintf(h->name, sizeof(h->name), "%s", vm->name);
	cpuid_vendor(vm->cpuid, h->cpu_vendor);
	for (unsigned i = 0; i < vm->mem.region_count; i++)
		h->region[i] = vm->mem.region[i];
}

static struct vcpu *vcpu_find(struct vm *vm, uint32_t id, struct err *e)
{
	if (id < vm->vcpu_count)
		return &vm->vcpu[id];
	err_set(e, ERR_USAGE, 0, "no vCPU %u: the guest has %u", id, vm->vcpu_count);
	return NULL;
}

static bool do_regs(struct control *c, struct err *e)
{
	struct vcpu *v = vcpu_find(c->vm, c->in.vcpu.vcpu, e);

	return v && vcpu_regs(v, &c->out.regs, e);
}

static bool do_write(struct control *c, struct err *e)
{
	const struct wire_write *w = &c->in.write;
	void *to;

	if (!w->size || w->size > WIRE_WRITE_MAX)
		return err_set(e, ERR_MALFORMED, w->gpa, "a write has 1 to %d bytes",
			       WIRE_WRITE_MAX);
	to = memory_at(&c->vm->mem, w->gpa, w->size);
	if (!to)
		return err_set(e, ERR_NOT_RAM, w->gpa, "0x%llx: %u bytes there are not guest RAM",
			       (unsigned long long)w->gpa, w->size);
	if (poison_has(c->vm, w->gpa) || poison_has(c->vm, w->gpa + w->size - 1))
		return err_set(e, ERR_UNREADABLE, w->gpa, "0x%llx: the frame is destroyed",
			       (unsigned long long)w->gpa);
	memcpy(to, w->bytes, w->size);
	vm_memory_changed(c->vm, w->gpa);
	return true;
}

static bool translate(struct vcpu *v, uint64_t gva, struct wire_translated *out, struct err *e)
{
	struct kvm_translation t = { .linear_address = gva };

	if (ioctl(v->fd, KVM_TRANSLATE, &t))
		return err_set(e, ERR_SYSTEM, gva, "KVM_TRANSLATE: %s", strerror(errno));
	*out = (struct wire_translated){ .gpa = t.valid ? t.physical_address : 0,
					 .valid = t.valid };
	return true;
}

static bool translate_on(struct vcpu *v, uint64_t cr3, uint64_t gva,
			 struct wire_translated *out, struct err *e)
{
	struct kvm_sregs own, other;
	bool ok;

	if (ioctl(v->fd, KVM_GET_SREGS, &own))
		return err_set(e, ERR_SYSTEM, 0, "KVM_GET_SREGS: %s", strerror(errno));
	other = own;
	other.cr3 = cr3;
	if (ioctl(v->fd, KVM_SET_SREGS, &other))
		return err_set(e, ERR_USAGE, cr3, "KVM does not take CR3 0x%llx: %s",
			       (unsigned long long)cr3, strerror(errno));
	ok = translate(v, gva, out, e);
	if (ioctl(v->fd, KVM_SET_SREGS, &own))
		return err_set(e, ERR_SYSTEM, 0, "KVM_SET_SREGS: %s", strerror(errno));
	return ok;
}

static bool do_translate(struct control *c, const struct client *cl, struct err *e)
{
	const struct wire_translate *t = &c->in.translate;
	struct vcpu *v = vcpu_find(c->vm, t->vcpu, e);

	if (!v)
		return false;
	if (!t->other_cr3)
		return translate(v, t->gva, &c->out.translated, e);
	if (!cl->pausing)
		return err_set(e, ERR_USAGE, 0, "pause the guest to translate on another CR3");
	return translate_on(v, t->cr3, t->gva, &c->out.translated, e);
}

static bool do_wait(struct control *c, struct client *cl, struct err *e)
{
	uint32_t ms = c->in.since.timeout_ms;

	if (cl->pausing)
		return err_set(e, ERR_USAGE, 0, "waiting for a guest that this connection paused");
	cl->waiting = true;
	cl->since = c->in.since.since;
	cl->deadline = vm_seconds(c->vm) + (ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS) / 1000.0;
	return true;
}

static void do_events(struct control *c)
{
	struct wire_events *out = &c->out.events;
	uint32_t max = c->in.since.max;

	memset(out, 0, sizeof(*out));
	out->count = events_after(&c->vm->events, c->in.since.since, out->event,
				  max < WIRE_EVENTS ? max : WIRE_EVENTS);
}

static void do_poisoned(struct control *c)
{
	struct wire_poisoned *out = &c->out.poisoned;

	memset(out, 0, sizeof(*out));
	out->count = c->vm->poison_count;
	memcpy(out->pfn, c->vm->poison, out->count * sizeof(out->pfn[0]));
}

/* Requests that need the vCPUs to be parked. */
static bool act_parked(struct control *c, struct client *cl, struct err *e)
{
	bool ok;

	vm_pause(c->vm);
	if (vm_ended(c->vm)) {
		vm_resume(c->vm);
		return err_set(e, ERR_TARGET, 0, "the guest has ended");
	}
	switch (c->in.head.op) {
	case WIRE_REGS:
		ok = do_regs(c, e);
		break;
	case WIRE_WRITE:
		ok = do_write(c, e);
		break;
	case WIRE_DESTROY:
		ok = poison_frame(c->vm, c->in.frame.gpa, e);
		break;
	case WIRE_MCE:
		ok = mce_raise(c->vm, &c->in.mce, e);
		break;
	default:
		ok = do_translate(c, cl, e);
	}
	vm_resume(c->vm);
	return ok;
}

bool control_act(struct control *c, struct client *cl, struct err *e)
{
	switch (c->in.head.op) {
	case WIRE_HELLO:
		hello_fill(c->vm, &c->out.hello);
		return true;
	case WIRE_STATUS:
		control_status(c, &c->out.status);
		return true;
	case WIRE_PAUSE:
		control_pause(c, cl);
		return true;
	case WIRE_RESUME:
		control_resume(c, cl);
		return true;
	case WIRE_POISONED:
		do_poisoned(c);
		return true;
	case WIRE_GET_EVENTS:
		do_events(c);
		return true;
	case WIRE_WAIT:
		return do_wait(c, cl, e);
	case WIRE_STOP:
		vm_end(c->vm, EXIT_SIGNALLED, "stopped by ptmm stop");
		return true;
	default:
		return act_parked(c, cl, e);
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest of our own VMM as a `struct machine`. */
#include "vmm/kvm/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/fault_guard.h"
#include "vmm/kvm/client.h"
#include "vmm/kvm/names.h"

struct attached {
	struct machine machine;
	struct client_link link;
	struct wire_hello hello;
	unsigned pauses;
	void *ram;
	struct fault_guard *guard;
	const void *image;
	struct mem_region regions[2];
	pfn_t unreadable[WIRE_POISON];
};

static struct attached *attached(struct machine *m)
{
	return m->impl;
}

/* Frames that were destroyed since we last looked. */
static bool unreadable_update(struct attached *a, struct err *e)
{
	struct client_link *l = &a->link;
	const struct wire_poisoned *p = &l->reply.poisoned;

	if (l->poisoned == a->machine.unreadable_count)
		return true;
	if (!client_ask(l, WIRE_POISONED, 0, e))
		return false;
	if (p->count > WIRE_POISON)
		return err_set(e, ERR_TARGET, 0, "the guest's VMM lists too many lost frames");
	memcpy(a->unreadable, p->pfn, p->count * sizeof(p->pfn[0]));
	a->machine.unreadable_count = p->count;
	return true;
}

static bool op_regs(struct machine *m, unsigned vcpu, struct x86_regs *regs, struct err *e)
{
	struct attached *a = attached(m);

	if (vcpu >= m->vcpus)
		return err_set(e, ERR_USAGE, 0, "no vCPU %u: the guest has %u", vcpu, m->vcpus);
	a->link.request.vcpu.vcpu = vcpu;
	if (client_ask(&a->link, WIRE_REGS, 0, e))
		*regs = a->link.reply.regs;
	else if (a->link.ended)
		*regs = a->link.end.regs[vcpu];
	else
		return false;
	return true;
}

static bool op_resume(struct machine *m, struct err *e)
{
	struct attached *a = attached(m);

	if (!a->pauses)
		return err_set(e, ERR_USAGE, 0, "the guest is not paused");
	if (--a->pauses || a->link.ended)
		return true;
	return client_ask(&a->link, WIRE_RESUME, 0, e) || a->link.ended;
}

static bool op_pause(struct machine *m, struct err *e)
{
	struct attached *a = attached(m);

	/* A guest that has ended stands still for ever. */
	if (!a->pauses && !a->link.ended && !client_ask(&a->link, WIRE_PAUSE, 0, e) &&
	    !a->link.ended)
		return false;
	a->pauses++;
	if (a->link.ended || unreadable_update(a, e) || a->link.ended)
		return true;
	/* Failed means not paused. */
	op_resume(m, NULL);
	return false;
}

static bool op_write(struct machine *m, gpa_t gpa, const void *bytes, size_t size, struct err *e)
{
	struct attached *a = attached(m);

	while (size) {
		struct wire_write *w = &a->link.request.write;
		size_t n = PT_FRAME_SIZE - gpa % PT_FRAME_SIZE;

		if (n > size)
			n = size;
		memset(w, 0, sizeof(*w));
		w->gpa = gpa;
		w->size = (uint32_t)n;
		memcpy(w->bytes, bytes, n);
		if (!client_ask(&a->link, WIRE_WRITE, 0, e))
			return false;
		gpa += n;
		bytes = (const uint8_t *)bytes + n;
		size -= n;
	}
	return true;
}

static bool op_poison(struct machine *m, gpa_t frame, struct err *e)
{
	struct attached *a = attached(m);

	a->link.request.frame.gpa = frame;
	return client_ask(&a->link, WIRE_DESTROY, 0, e) && unreadable_update(a, e);
}

static bool op_raise_mce(struct machine *m, const struct machine_mce *mce, struct err *e)
{
	struct attached *a = attached(m);

	a->link.request.mce = *mce;
	return client_ask(&a->link, WIRE_MCE, 0, e);
}

static void op_close(struct machine *m)
{
	struct attached *a = attached(m);

	/* The VMM lets the guest run on when the connection goes. */
	client_close(&a->link);
	fault_guard_free(a->guard);
	if (a->ram)
		munmap(a->ram, a->hello.memory);
	if (a->image)
		munmap((void *)(uintptr_t)a->image, a->hello.image_size);
	free(a);
}

static const struct machine_ops ops = {
	.regs = op_regs,
	.pause = op_pause,
	.resume = op_resume,
	.write = op_write,
	.poison = op_poison,
	.raise_mce = op_raise_mce,
	.close = op_close,
};

/* The file must be as long as promised and stay so: a mapping of it never faults. */
static bool file_check(int fd, uint64_t size, struct err *e)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) || (uint64_t)st.st_size < size || !size || seals < 0 ||
	    !(seals & F_SEAL_SHRINK))
		return err_set(e, ERR_TARGET, 0, "the guest's VMM gave memory that is too short "
			       "or could shrink");
	return true;
}

static void *map(int fd, uint64_t size, int flags, struct err *e)
{
	void *p;

	if (!file_check(fd, size, e))
		return NULL;
	p = mmap(NULL, size, PROT_READ, flags, fd, 0);
	if (p != MAP_FAILED)
		return p;
	err_set(e, ERR_NO_MEMORY, 0, "cannot map %llu MiB of guest memory: %s",
		(unsigned long long)(size >> 20), strerror(errno));
	return NULL;
}

static bool hello_check(const struct wire_hello *h, struct err *e)
{
	struct memory layout = { 0 };

	memory_layout(&layout, h->memory);
	if (h->vcpus < 1 || h->vcpus > WIRE_VCPUS || h->memory % PT_FRAME_SIZE ||
	    h->region_count != layout.region_count ||
	    memcmp(h->region, layout.region, h->region_count * sizeof(layout.region[0])))
		return err_set(e, ERR_TARGET, 0, "the guest's VMM describes an impossible machine");
	return true;
}

static bool attach_memory(struct attached *a, const char *name, struct err *e)
{
	struct machine *m = &a->machine;
	int fds[2];

	if (!client_hello(&a->link, fds, e))
		return false;
	a->hello = a->link.reply.hello;
	if (hello_check(&a->hello, e)) {
		a->ram = map(fds[0], a->hello.memory, MAP_SHARED, e);
		if (a->ram)
			a->image = map(fds[1], a->hello.image_size, MAP_PRIVATE, e);
	}
	close(fds[0]);
	close(fds[1]);
	if (!a->image)
		return false;
	for (unsigned i = 0; i < a->hello.region_count; i++) {
		const struct memory_region *r = &a->hello.region[i];

		a->regions[i] = (struct mem_region){
			.first = r->first, .last = r->first + r->size - 1,
			.host = (const uint8_t *)a->ram + r->offset,
		};
	}
	snprintf(m->uri, sizeof(m->uri), "kvm:%s", name);
	m->source = "kvm";
	m->ops = &ops;
	m->regions = a->regions;
	m->region_count = a->hello.region_count;
	m->vcpus = a->hello.vcpus;
	m->unreadable = a->unreadable;
	/* The file cannot shrink, but a page of the host's memory can be poisoned. */
	a->guard = fault_guard_new(m, 0, e);
	return a->guard && unreadable_update(a, e);
}

struct machine *kvm_attach(const char *name, struct err *e)
{
	struct attached *a;
	int fd = name_connect(name, e);

	if (fd < 0)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a) {
		close(fd);
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	a->machine.impl = a;
	client_init(&a->link, fd);
	if (attach_memory(a, name, e))
		return &a->machine;
	op_close(&a->machine);
	return NULL;
}

const void *kvm_image(const struct machine *m, size_t *size)
{
	const struct attached *a = m->impl;

	*size = a->hello.image_size;
	return a->image;
}

bool kvm_status(struct machine *m, struct guest_status *out, struct err *e)
{
	struct attached *a = attached(m);
	const struct wire_status *s = &a->link.reply.status;

	if (!client_ask(&a->link, WIRE_STATUS, 0, e)) {
		if (!a->link.ended)
			return false;
		s = &a->link.end.status;
	}
	*out = (struct guest_status){
		.state = s->state, .exit_status = s->exit_status, .last_event = s->last_event,
		.vmm_pid = s->vmm_pid, .seconds = s->seconds, .pausers = s->pausers,
	};
	snprintf(out->reason, sizeof(out->reason), "%.*s", (int)sizeof(s->reason) - 1, s->reason);
	snprintf(out->cpu_vendor, sizeof(out->cpu_vendor), "%.12s", a->hello.cpu_vendor);
	return true;
}

/* Of an ended guest, the last events that it sent along. */
static const struct wire_events *events_get(struct attached *a, uint64_t since, int max,
					    struct err *e)
{
	a->link.request.since = (struct wire_since){
		.since = since, .max = (uint32_t)(max < WIRE_EVENTS ? max : WIRE_EVENTS),
	};
	if (client_ask(&a->link, WIRE_GET_EVENTS, 0, e))
		return &a->link.reply.events;
	return a->link.ended ? &a->link.end.events : NULL;
}

int kvm_events(struct machine *m, uint64_t since, struct guest_event *out, int max, struct err *e)
{
	const struct wire_events *ev = events_get(attached(m), since, max, e);
	int n = 0;

	if (!ev)
		return -1;
	for (uint64_t i = 0; i < ev->count && i < WIRE_EVENTS && n < max; i++) {
		if (ev->event[i].seq > since)
			out[n++] = ev->event[i];
	}
	return n;
}

bool kvm_wait(struct machine *m, uint64_t since, unsigned timeout_ms, struct err *e)
{
	struct attached *a = attached(m);

	a->link.request.since = (struct wire_since){ .since = since, .timeout_ms = timeout_ms };
	return client_ask(&a->link, WIRE_WAIT, timeout_ms, e) || a->link.ended;
}

static bool translate(struct machine *m, const struct wire_translate *t, gpa_t *gpa, bool *valid,
		      struct err *e)
{
	struct attached *a = attached(m);

	a->link.request.translate = *t;
	if (!client_ask(&a->link, WIRE_TRANSLATE, 0, e))
		return false;
	*gpa = a->link.reply.translated.gpa;
	*valid = a->link.reply.translated.valid != 0;
	return true;
}

bool kvm_translate(struct machine *m, unsigned vcpu, gva_t gva, gpa_t *gpa, bool *valid,
		   struct err *e)
{
	const struct wire_translate t = { .gva = gva, .vcpu = vcpu };

	return translate(m, &t, gpa, valid, e);
}

bool kvm_translate_on(struct machine *m, unsigned vcpu, uint64_t cr3, gva_t gva, gpa_t *gpa,
		      bool *valid, struct err *e)
{
	const struct wire_translate t = { .gva = gva, .cr3 = cr3, .vcpu = vcpu, .other_cr3 = 1 };

	return translate(m, &t, gpa, valid, e);
}

bool kvm_stop(struct machine *m, struct err *e)
{
	struct attached *a = attached(m);

	return client_ask(&a->link, WIRE_STOP, 0, e) || a->link.ended;
}

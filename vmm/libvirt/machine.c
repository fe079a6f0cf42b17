/* SPDX-License-Identifier: GPL-2.0-only */
/* machine.c - a domain of libvirt's as a `struct machine`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/libvirt.h"
#include "vmm/libvirt/link.h"
#include "vmm/libvirt/memory.h"
#include "vmm/libvirt/pauser.h"
#include "vmm/libvirt/text.h"

static const char connect[] = "?connect=";

struct attached {
	struct machine machine;
	struct link link;
	struct pauser pauser;
	struct memory *memory;
	unsigned pauses;
	bool ours;			/* paused by us, so ours to resume */
	uint8_t maxphyaddr;
	bool huge_1g;
	/* One answer of QEMU's tells of all vCPUs; each of them is served from it once. */
	struct x86_regs *regs;
	bool *served;
};

static struct attached *attached(struct machine *m)
{
	return m->impl;
}

static void regs_forget(struct attached *a)
{
	free(a->regs);
	a->regs = NULL;
}

static bool regs_read(struct attached *a, unsigned *count, struct err *err)
{
	char *text = link_human(&a->link, "info registers -a", err);
	bool ok;

	regs_forget(a);
	ok = text && text_registers(text, &a->regs, count, err);
	free(text);
	for (unsigned i = 0; ok && i < *count; i++) {
		a->regs[i].maxphyaddr = a->maxphyaddr;
		a->regs[i].huge_1g = a->huge_1g;
	}
	return ok;
}

static bool op_regs(struct machine *m, unsigned vcpu, struct x86_regs *regs, struct err *err)
{
	struct attached *a = attached(m);
	unsigned count;

	if (vcpu >= m->vcpus)
		return err_set(err, ERR_USAGE, 0, "no vCPU %u: the domain has %u", vcpu, m->vcpus);
	if (!a->regs || (!a->pauses && a->served[vcpu])) {
		if (!regs_read(a, &count, err))
			return false;
		if (count != m->vcpus) {
			regs_forget(a);
			return err_set(err, ERR_TARGET, 0, "the domain's vCPUs were %u and are %u "
				       "now: try again", m->vcpus, count);
		}
		memset(a->served, 0, m->vcpus * sizeof(*a->served));
	}
	a->served[vcpu] = true;
	*regs = a->regs[vcpu];
	return true;
}

static bool op_pause(struct machine *m, struct err *err)
{
	struct attached *a = attached(m);

	if (!a->pauses && !pauser_pause(&a->pauser, &a->ours, err))
		return false;
	if (!a->pauses++) {
		regs_forget(a);
		memory_forget(a->memory, true);
	}
	return true;
}

/* Where the process that held the domain was killed itself. */
static void resume_alone(struct attached *a)
{
	if (a->pauser.socket < 0 && a->ours)
		virDomainResume(a->link.domain);
}

static bool op_resume(struct machine *m, struct err *err)
{
	struct attached *a = attached(m);
	bool ok;

	if (!a->pauses)
		return err_set(err, ERR_USAGE, 0, "the domain is not paused");
	if (--a->pauses)
		return true;
	regs_forget(a);
	memory_forget(a->memory, false);
	ok = pauser_resume(&a->pauser, err);
	if (!ok)
		resume_alone(a);
	return ok;
}

static const void *op_view(struct machine *m, gpa_t frame, struct err *err)
{
	return memory_view(attached(m)->memory, frame, err);
}

static void op_unview(struct machine *m, gpa_t frame, const void *view)
{
	(void)frame;
	memory_unview(attached(m)->memory, view);
}

static void op_close(struct machine *m)
{
	struct attached *a = attached(m);

	/* Lets the domain run on, if it is held. */
	pauser_stop(&a->pauser);
	memory_close(a->memory);
	link_close(&a->link);
	regs_forget(a);
	free(a->served);
	free(a);
}

static const struct machine_ops ops = {
	.view = op_view,
	.unview = op_unview,
	.regs = op_regs,
	.pause = op_pause,
	.resume = op_resume,
	.close = op_close,
};

static bool arch_check(struct attached *a, struct err *err)
{
	char *reply = link_qmp(&a->link, "{\"execute\":\"query-target\"}", err);
	char arch[32];
	bool known = reply && text_qmp_string(reply, "arch", arch, sizeof(arch));

	if (reply && !known)
		err_set(err, ERR_TARGET, 0, "QEMU does not tell its architecture");
	free(reply);
	if (!known)
		return false;
	return !strcmp(arch, "x86_64") ? true :
	       err_set(err, ERR_UNSUPPORTED, 0, "the domain's architecture is %s: ptmm reads "
		       "x86_64", arch);
}

/* A property of the first vCPU, as QEMU answers; NULL where it does not. */
static char *cpu_property(struct attached *a, const char *path, const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "{\"execute\":\"qom-get\",\"arguments\":"
		 "{\"path\":\"%s\",\"property\":\"%s\"}}", path, name);
	return link_qmp(&a->link, command, NULL);
}

/* What decides on the validity of an entry, beside the control registers. */
static void features_read(struct attached *a)
{
	char *cpus = link_qmp(&a->link, "{\"execute\":\"query-cpus-fast\"}", NULL);
	char path[128], *bits = NULL, *huge = NULL;
	uint64_t number = 0;

	if (cpus && text_qmp_string(cpus, "qom-path", path, sizeof(path))) {
		bits = cpu_property(a, path, "phys-bits");
		huge = cpu_property(a, path, "pdpe1gb");
	}
	a->maxphyaddr = 52;
	a->huge_1g = true;
	if (!bits || !text_qmp_number(bits, &number) || number < 32 || number > 52 || !huge ||
	    !text_qmp_bool(huge, &a->huge_1g))
		a->machine.assumed = "52 physical-address bits, 1 GiB pages";
	else
		a->maxphyaddr = (uint8_t)number;
	free(cpus);
	free(bits);
	free(huge);
}

static bool attach(struct attached *a, const char *name, const char *uri, struct err *err)
{
	struct machine *m = &a->machine;
	unsigned char uuid[VIR_UUID_BUFLEN];

	/* First of all, while we are one thread that has no connection. */
	if (!pauser_start(&a->pauser, uri, err) || !link_open(&a->link, uri, err) ||
	    !link_choose(&a->link, name, err))
		return false;
	if (virDomainGetUUID(a->link.domain, uuid))
		return link_error(err, "the domain has no UUID");
	if (!pauser_choose(&a->pauser, uuid, err) || !arch_check(a, err))
		return false;
	features_read(a);
	if (!regs_read(a, &m->vcpus, err))
		return false;
	a->served = calloc(m->vcpus, sizeof(*a->served));
	if (!a->served)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	a->memory = memory_open(m, &a->link, a->regs[0].cr3, err);
	regs_forget(a);
	return a->memory != NULL;
}

struct machine *libvirt_open(const char *domain, struct err *err)
{
	const char *query = strstr(domain, connect);
	const char *uri = query ? query + strlen(connect) : NULL;
	struct attached *a = calloc(1, sizeof(*a));
	char *name = query ? strndup(domain, (size_t)(query - domain)) : strdup(domain);
	bool ok = a && name;

	if (!ok) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	} else if (!*name || (uri && !*uri)) {
		ok = err_set(err, ERR_USAGE, 0, "write libvirt:NAME or libvirt:NAME?connect=URI");
	} else {
		a->pauser.socket = -1;
		a->machine.impl = a;
		a->machine.ops = &ops;
		a->machine.source = "libvirt";
		snprintf(a->machine.uri, sizeof(a->machine.uri), "libvirt:%s", domain);
		ok = attach(a, name, uri, err);
	}
	free(name);
	if (ok)
		return &a->machine;
	if (a && a->machine.impl)
		op_close(&a->machine);
	else
		free(a);
	return NULL;
}

bool libvirt_gone(struct machine *m, struct err *err)
{
	struct attached *a = attached(m);
	int state;

	if (!link_state(&a->link, &state, NULL))
		return !err_set(err, ERR_TARGET, 0, "the domain or its libvirt is gone meanwhile: "
				"ptmm list --libvirt shows the domains");
	if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ||
	    state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED)
		return false;
	return !err_set(err, ERR_TARGET, 0, "the domain ended meanwhile (%s)",
			link_state_name(state));
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* target.c - opens what the command line calls TARGET. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/kvm/attach.h"
#include "vmm/target.h"

double target_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* The guest's name in a target, or NULL with the reason. */
static const char *target_name(const char *uri, struct err *err)
{
	if (has_prefix(uri, "kvm:") && uri[4])
		return uri + 4;
	if (!*uri || has_prefix(uri, "kvm:")) {
		err_set(err, ERR_USAGE, 0, "'%s': the guest's name is missing: write kvm:NAME",
			uri);
		return NULL;
	}
	if (has_prefix(uri, "libvirt:")) {
		err_set(err, ERR_TARGET, 0, "%.100s: libvirt domains cannot be opened by this "
			"version: use a guest of ptmm run (kvm:NAME)", uri);
		return NULL;
	}
	if (has_prefix(uri, "core:") || has_prefix(uri, "raw:") ||
	    (!strchr(uri, ':') && (strchr(uri, '/') || !access(uri, F_OK)))) {
		err_set(err, ERR_TARGET, 0, "%.100s: memory dumps cannot be opened by this "
			"version: use a guest of ptmm run (kvm:NAME)", uri);
		return NULL;
	}
	if (strchr(uri, ':')) {
		err_set(err, ERR_USAGE, 0, "%.100s: unknown kind of target: write kvm:NAME", uri);
		return NULL;
	}
	return uri;
}

bool target_open(struct target *target, const char *uri, struct err *err)
{
	double start = target_clock();
	const char *name = target_name(uri, err);
	const void *image;
	size_t size;

	*target = (struct target){ 0 };
	if (!name)
		return false;
	target->machine = kvm_attach(name, err);
	if (!target->machine)
		return false;
	image = kvm_image(target->machine, &size);
	if (image)
		target->profile = profile_from_elf(image, size, name, err);
	else
		err_set(err, ERR_TARGET, 0, "%.100s: the guest's kernel image is not there", uri);
	if (target->profile)
		target->kernel = kernel_open(target->machine, target->profile, err);
	if (!target->kernel) {
		target_explain(target, err);
		target_close(target);
		return false;
	}
	target->open_seconds = target_clock() - start;
	return true;
}

void target_close(struct target *target)
{
	if (target->kernel)
		kernel_close(target->kernel);
	if (target->profile)
		profile_free(target->profile);
	if (target->machine)
		machine_close(target->machine);
	*target = (struct target){ 0 };
}

void target_explain(struct target *target, struct err *err)
{
	struct guest_status status;
	struct err lost = { 0 };

	if (!target->machine || strcmp(target->machine->source, "kvm"))
		return;
	if (!kvm_status(target->machine, &status, &lost))
		err_set(err, ERR_TARGET, 0, "the guest went away meanwhile: ptmm list shows "
			"those that run");
	else if (status.state == GUEST_ENDED)
		err_set(err, ERR_TARGET, 0, "the guest ended meanwhile: %s", status.reason);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* target.c - opens what the command line calls TARGET. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/core/core.h"
#include "vmm/kernel_files.h"
#include "vmm/kvm/attach.h"
#include "vmm/libvirt/libvirt.h"
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

static struct machine *open_kvm(const char *rest, const struct target_options *options,
				struct err *err)
{
	(void)options;
	return kvm_attach(rest, err);
}

static struct machine *open_core(const char *rest, const struct target_options *options,
				 struct err *err)
{
	(void)options;
	return core_open(rest, err);
}

/* FILE?map=MAP; a file's name may have a question mark of its own. */
static struct machine *open_raw(const char *rest, const struct target_options *options,
				struct err *err)
{
	static const char key[] = "?map=";
	const char *map = options->memory_map, *query = NULL;
	struct machine *machine;
	char *path = strdup(rest);

	for (const char *at = strstr(rest, key); at; at = strstr(at + 1, key))
		query = at;
	if (path && query) {
		path[query - rest] = '\0';
		map = map ? map : query + strlen(key);
	}
	machine = path ? raw_open(path, map, err) : NULL;
	if (!path)
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	free(path);
	return machine;
}

static struct machine *open_libvirt(const char *rest, const struct target_options *options,
				    struct err *err)
{
	(void)options;
	return libvirt_open(rest, err);
}

struct target_kind {
	const char *prefix;
	const char *what;	/* what stands behind it */
	bool named;		/* errors of open() name the target themselves */
	struct machine *(*open)(const char *rest, const struct target_options *, struct err *);
};

static const struct target_kind kinds[] = {
	{ "kvm:", "the guest's name is missing: write kvm:NAME", true, open_kvm },
	{ "core:", "the dump is missing: write core:FILE", false, open_core },
	{ "raw:", "the image is missing: write raw:FILE", false, open_raw },
	{ "libvirt:", "the domain is missing: write libvirt:NAME", false, open_libvirt },
};

/* A bare word: a dump of that name that is there, else a guest. */
static const struct target_kind *kind_guess(const char *uri)
{
	if (strchr(uri, '/') || (!access(uri, F_OK) && core_recognise(uri)))
		return &kinds[1];
	return &kinds[0];
}

static const struct target_kind *kind_of(const char *uri, const char **rest, struct err *err)
{
	*rest = uri;
	if (!*uri) {
		err_set(err, ERR_USAGE, 0, "'': %s", kinds[0].what);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!has_prefix(uri, kinds[i].prefix))
			continue;
		*rest = uri + strlen(kinds[i].prefix);
		if (**rest)
			return &kinds[i];
		err_set(err, ERR_USAGE, 0, "'%s': %s", uri, kinds[i].what);
		return NULL;
	}
	if (strchr(uri, ':') && access(uri, F_OK)) {
		err_set(err, ERR_USAGE, 0, "%.100s: unknown kind of target: write kvm:NAME, "
			"libvirt:NAME, core:FILE or raw:FILE", uri);
		return NULL;
	}
	return kind_guess(uri);
}

/*
 * Puts the target's name before what went wrong with it; and, since this explains
 * most that may go wrong, that a part of its memory is not there.
 */
static void name_error(const char *uri, const struct machine *machine, struct err *err)
{
	uint64_t gone = machine ? machine_unreadable(machine) : 0;
	char why[sizeof(err->message)];

	memcpy(why, err->message, sizeof(why));
	if (gone)
		snprintf(err->message, sizeof(err->message), "%.60s: %" PRIu64 " of %" PRIu64
			 " frames cannot be read: %.105s", uri, gone,
			 machine_memory(machine) / PT_FRAME_SIZE, why);
	else
		snprintf(err->message, sizeof(err->message), "%.80s: %.150s", uri, why);
}

static bool machine_open(struct target *target, const char *uri,
			 const struct target_options *options, struct err *err)
{
	const char *rest;
	const struct target_kind *kind = kind_of(uri, &rest, err);

	if (!kind)
		return false;
	if (options->memory_map && kind->open != open_raw)
		return err_set(err, ERR_USAGE, 0, "--memory-map is for raw:FILE: %.100s tells "
			       "itself what lies where", uri);
	target->machine = kind->open(rest, options, err);
	if (!target->machine && !kind->named)
		name_error(uri, NULL, err);
	return target->machine != NULL;
}

/* Our own guests have the image that they were started from; others their memory. */
static bool profile_find(struct target *target, const char *uri,
			 const struct kernel_files *files, struct err *err)
{
	struct profile_options options = {
		.vmlinux = files->vmlinux, .vmlinux_size = files->vmlinux_size,
		.system_map = files->symbols, .system_map_size = files->symbols_size,
		.btf = files->btf, .btf_size = files->btf_size,
	};
	const char *source = target->machine->source;
	const void *image;
	size_t size;

	if (!strcmp(source, "kvm") && !files->vmlinux) {
		image = kvm_image(target->machine, &size);
		if (!image)
			return err_set(err, ERR_TARGET, 0,
				       "%.100s: the guest's kernel image is not there", uri);
		if (!kernel_files_any(files)) {
			target->profile = profile_from_elf(image, size, target->machine->uri + 4,
							   err);
			return target->profile != NULL;
		}
		options.vmlinux = image;
		options.vmlinux_size = size;
	}
	if (!strcmp(source, "core"))
		options.vmcoreinfo = core_vmcoreinfo(target->machine, &options.vmcoreinfo_size);
	target->profile = profile_from_machine(target->machine, &options, err);
	return target->profile != NULL;
}

static bool profile_open(struct target *target, const char *uri,
			 const struct target_options *options, struct err *err)
{
	struct kernel_files files;
	bool found;

	if (!kernel_files_open(&files, options, err))
		return false;
	found = profile_find(target, uri, &files, err);
	kernel_files_close(&files);
	return found;
}

bool target_open(struct target *target, const char *uri, const struct target_options *options,
		 struct err *err)
{
	static const struct target_options none;
	double start = target_clock();

	*target = (struct target){ 0 };
	options = options ? options : &none;
	if (!machine_open(target, uri, options, err))
		return false;
	if (profile_open(target, uri, options, &target->no_kernel))
		target->kernel = kernel_open(target->machine, target->profile, &target->no_kernel);
	if (!target->kernel && strcmp(target->machine->source, "kvm"))
		name_error(uri, target->machine, &target->no_kernel);
	if (!target->kernel)
		target_explain(target, &target->no_kernel);
	/* A file that is not what its option wants is the user's to mend. */
	if (!target->kernel &&
	    (!options->kernel_optional || target->no_kernel.code == ERR_USAGE)) {
		*err = target->no_kernel;
		target_close(target);
		return false;
	}
	if (target->machine->hint)
		fprintf(stderr, "ptmm: %s: %s\n", uri, target->machine->hint);
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

	if (target->machine && !strcmp(target->machine->source, "libvirt"))
		libvirt_gone(target->machine, err);
	if (!target->machine || strcmp(target->machine->source, "kvm"))
		return;
	if (!kvm_status(target->machine, &status, &lost))
		err_set(err, ERR_TARGET, 0, "the guest went away meanwhile: ptmm list shows "
			"those that run");
	else if (status.state == GUEST_ENDED)
		err_set(err, ERR_TARGET, 0, "the guest ended meanwhile: %s", status.reason);
}

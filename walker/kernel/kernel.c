// SPDX-License-Identifier: GPL-2.0-only
/* kernel.c - opening a guest's kernel: everything that is found out once. */
#include <stdlib.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

/* Printable ASCII up to the first NUL; the rest of a forged name is question marks. */
static void clean_text(char *text, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	text[i] = '\0';
}

/* "6.1.0-18-amd64", from the name that uname gives or from the banner. */
static void find_release(struct kernel *k)
{
	static const char prefix[] = "Linux version ";
	struct member member;
	char text[sizeof(prefix) - 1 + sizeof(k->release)] = "";
	gva_t at;

	strcpy(k->release, "unknown");
	if (profile_symbol(k->profile, "init_uts_ns", &at, NULL) &&
	    profile_member(k->profile, "uts_namespace", "name.release", &member, NULL) &&
	    member.size >= sizeof(k->release) &&
	    kernel_read(k, at + member.offset, k->release, sizeof(k->release), NULL)) {
		clean_text(k->release, sizeof(k->release));
		return;
	}
	strcpy(k->release, "unknown");
	if (!profile_symbol(k->profile, "linux_banner", &at, NULL) ||
	    !kernel_read(k, at, text, sizeof(text), NULL) ||
	    strncmp(text, prefix, strlen(prefix)) != 0)
		return;
	memcpy(k->release, text + strlen(prefix), sizeof(k->release));
	k->release[strcspn(k->release, " ")] = '\0';
	clean_text(k->release, sizeof(k->release));
}

static uint64_t flag_mask(const struct kernel *k, const char *name)
{
	int64_t bit;

	if (!profile_enumerator(k->profile, "pageflags", name, &bit, NULL) || bit < 0 || bit > 63)
		return 0;
	return 1ull << bit;
}

static bool open_steps(struct kernel *k, struct err *err)
{
	if (!kernel_fields_find(&k->f, k->profile, err) ||
	    !profile_symbol(k->profile, "init_mm", &k->init_mm, err) ||
	    !profile_symbol(k->profile, "init_task", &k->init_task, err) ||
	    !kernel_find_space(k, err) || !kernel_find_direct_map(k, err) ||
	    !kernel_find_memmap(k, err))
		return false;
	find_release(k);
	kernel_page_types_find(&k->types, k->profile, k->release);
	k->flag_reserved = flag_mask(k, "PG_reserved");
	k->flag_hwpoison = flag_mask(k, "PG_hwpoison");
	k->pti = kernel_find_pti(k);
	return true;
}

struct kernel *kernel_open(struct machine *machine, const struct profile *profile,
			   struct err *err)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	k->machine = machine;
	k->profile = profile;
	k->frame_end = machine_frame_end(machine);
	if (!open_steps(k, err)) {
		kernel_close(k);
		return NULL;
	}
	return k;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	memmap_free(k->memmap);
	free(k);
}

struct machine *kernel_machine(const struct kernel *k)
{
	return k->machine;
}

const struct profile *kernel_profile(const struct kernel *k)
{
	return k->profile;
}

const struct pt_space *kernel_space(const struct kernel *k)
{
	return &k->space;
}

const char *kernel_release(const struct kernel *k)
{
	return k->release;
}

bool kernel_is_since(const struct kernel *k, unsigned major, unsigned minor)
{
	return release_is_since(k->release, major, minor);
}

bool kernel_pti(const struct kernel *k)
{
	return k->pti;
}

uint64_t kernel_phys_base(const struct kernel *k)
{
	return k->phys_base;
}

bool kernel_kaslr_offset(const struct kernel *k, uint64_t *offset)
{
	uint64_t phys_base;

	if (profile_kaslr_offset(k->profile, offset))
		return true;
	/* A profile from an image alone fits only a kernel that was not moved. */
	*offset = 0;
	return !profile_phys_base(k->profile, &phys_base);
}

gva_t kernel_direct_map(const struct kernel *k)
{
	return k->direct;
}

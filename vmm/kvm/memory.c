/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t host_ram(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

bool memory_size_parse(const char *text, uint64_t *size, struct err *e)
{
	char *end;
	unsigned shift = 0;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || errno)
		return err_set(e, ERR_USAGE, 0, "--mem %s: not a size (try 64M or 2G)", text);
	switch (toupper((unsigned char)*end)) {
	case 'K': shift = 10; end++; break;
	case 'M': shift = 20; end++; break;
	case 'G': shift = 30; end++; break;
	default: break;
	}
	if (*end || n > UINT64_MAX >> shift)
		return err_set(e, ERR_USAGE, 0, "--mem %s: not a size (try 64M or 2G)", text);
	*size = (uint64_t)n << shift;
	if (*size % PT_FRAME_SIZE)
		return err_set(e, ERR_USAGE, 0, "--mem %s: not a multiple of 4K", text);
	if (*size < MEMORY_MIN)
		return err_set(e, ERR_USAGE, 0, "--mem %s: at least 16M is needed", text);
	if (*size > host_ram())
		return err_set(e, ERR_USAGE, 0, "--mem %s: this host has %llu MiB", text,
			       (unsigned long long)(host_ram() >> 20));
	return true;
}

void memory_layout(struct memory *mem, uint64_t size)
{
	uint64_t low = size < MEMORY_HOLE_FIRST ? size : MEMORY_HOLE_FIRST;

	mem->size = size;
	mem->region[0] = (struct memory_region){ .first = 0, .size = low, .offset = 0 };
	mem->region[1] = (struct memory_region){ .first = MEMORY_HOLE_END, .size = size - low,
						 .offset = low };
	mem->region_count = size > low ? 2 : 1;
}

bool memory_create(struct memory *mem, uint64_t size, struct err *e)
{
	memory_layout(mem, size);
	mem->host = MAP_FAILED;
	mem->fd = memfd_create("ptmm-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem->fd < 0)
		return err_set(e, ERR_SYSTEM, 0, "memfd_create: %s", strerror(errno));
	if (ftruncate(mem->fd, (off_t)size))
		goto fail;
	/* An inspector that maps the file must never meet the end of it. */
	if (fcntl(mem->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		goto fail;
	mem->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 mem->fd, 0);
	if (mem->host == MAP_FAILED)
		goto fail;
	return true;
fail:
	err_set(e, ERR_NO_MEMORY, 0, "cannot get %llu MiB of guest RAM: %s",
		(unsigned long long)(size >> 20), strerror(errno));
	memory_destroy(mem);
	return false;
}

void memory_destroy(struct memory *mem)
{
	if (mem->host != MAP_FAILED && mem->host)
		munmap(mem->host, mem->size);
	if (mem->fd >= 0)
		close(mem->fd);
	mem->host = NULL;
	mem->fd = -1;
}

static bool slot_set(const struct memory *mem, int vm_fd, unsigned slot, uint64_t size,
		     struct err *e)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.guest_phys_addr = mem->region[slot].first,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem->host + mem->region[slot].offset,
	};

	if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &r))
		return err_set(e, errno == ENOMEM ? ERR_NO_MEMORY : ERR_SYSTEM, r.guest_phys_addr,
			       "KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
	return true;
}

bool memory_map_slots(const struct memory *mem, int vm_fd, struct err *e)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		if (!slot_set(mem, vm_fd, i, mem->region[i].size, e))
			return false;
	}
	return true;
}

int memory_region_of(const struct memory *mem, gpa_t gpa, uint64_t size)
{
	for (unsigned i = 0; i < mem->region_count; i++) {
		const struct memory_region *r = &mem->region[i];

		if (gpa >= r->first && size <= r->size && gpa - r->first <= r->size - size)
			return (int)i;
	}
	return -1;
}

bool memory_refresh_region(const struct memory *mem, int vm_fd, unsigned region, struct err *e)
{
	/* Deleting a slot is the one thing that makes KVM drop all shadow pages at once. */
	return slot_set(mem, vm_fd, region, 0, e) &&
	       slot_set(mem, vm_fd, region, mem->region[region].size, e);
}

void *memory_at(const struct memory *mem, gpa_t gpa, uint64_t size)
{
	int i = memory_region_of(mem, gpa, size);

	return i < 0 ? NULL : mem->host + mem->region[i].offset + (gpa - mem->region[i].first);
}

int memory_reopen_readonly(const struct memory *mem, struct err *e)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mem->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err_set(e, ERR_SYSTEM, 0, "cannot reopen the guest's RAM read-only: %s",
			strerror(errno));
	return fd;
}

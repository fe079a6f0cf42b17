/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest's CPUID says: what KVM supports, plus each vCPU's own number. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/kvm/vm.h"

enum { CPUID_ENTRIES = 256 };

struct kvm_cpuid2 *cpuid_supported(int kvm_fd, struct err *e)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));
	if (!c) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	c->nent = CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c)) {
		err_set(e, ERR_SYSTEM, 0, "KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
		free(c);
		return NULL;
	}
	return c;
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *c, uint32_t function)
{
	for (unsigned i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function)
			return &c->entries[i];
	}
	return NULL;
}

static void entry_personalise(struct kvm_cpuid_entry2 *en, unsigned id, unsigned count)
{
	switch (en->function) {
	case 1:
		en->ebx = (en->ebx & 0xffff) | id << 24 | count << 16;
		/* A hypervisor is there; KVM leaves the bit to us. */
		en->ecx |= 1u << 31;
		break;
	case 0xb:
	case 0x1f:
		en->edx = id;
		break;
	default:
		break;
	}
}

bool cpuid_set(const struct kvm_cpuid2 *supported, int vcpu_fd, unsigned id, unsigned count,
	       struct err *e)
{
	size_t size = sizeof(*supported) + supported->nent * sizeof(supported->entries[0]);
	struct kvm_cpuid2 *c = malloc(size);
	bool ok;

	if (!c)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory");
	memcpy(c, supported, size);
	for (unsigned i = 0; i < c->nent; i++)
		entry_personalise(&c->entries[i], id, count);
	ok = !ioctl(vcpu_fd, KVM_SET_CPUID2, c);
	if (!ok)
		err_set(e, ERR_SYSTEM, 0, "KVM_SET_CPUID2: %s", strerror(errno));
	free(c);
	return ok;
}

void cpuid_paging(const struct kvm_cpuid2 *c, uint8_t *maxphyaddr, bool *huge_1g)
{
	const struct kvm_cpuid_entry2 *sizes = leaf(c, 0x80000008);
	const struct kvm_cpuid_entry2 *features = leaf(c, 0x80000001);

	/* 36 bits where there is no leaf: Intel SDM vol. 3A, 4.1.4. */
	*maxphyaddr = sizes ? (uint8_t)sizes->eax : 36;
	*huge_1g = features && features->edx & 1u << 26;
}

void cpuid_vendor(const struct kvm_cpuid2 *c, char vendor[13])
{
	const struct kvm_cpuid_entry2 *en = leaf(c, 0);

	memset(vendor, 0, 13);
	if (!en)
		return;
	memcpy(vendor, &en->ebx, 4);
	memcpy(vendor + 4, &en->edx, 4);
	memcpy(vendor + 8, &en->ecx, 4);
}

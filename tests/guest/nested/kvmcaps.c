// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmcaps.c - what the KVM of this machine offers, one `name value` per line.
 *
 * Shares nothing with ptmm: it is the nested harness's own test, and says which
 * of the other guest tests can run. Exits 0 only if a guest ran a few
 * instructions and came out where it should.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUID_MAX = 128, RAM_SIZE = 0x10000, CODE = 0x1000, PORT = 0x10, ANSWER = 42 };

static struct kvm_cpuid2 *supported_cpuid(int kvm)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) +
					     CPUID_MAX * sizeof(cpuid->entries[0]));

	if (!cpuid)
		return NULL;
	cpuid->nent = CPUID_MAX;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		perror("KVM_GET_SUPPORTED_CPUID");
		free(cpuid);
		return NULL;
	}
	return cpuid;
}

static void print_cpuid(const struct kvm_cpuid2 *cpuid)
{
	char vendor[13] = "";
	const char *la57 = "no", *pages1g = "no";
	unsigned maxphyaddr = 36;

	for (unsigned i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 0) {
			memcpy(vendor, &e->ebx, 4);
			memcpy(vendor + 4, &e->edx, 4);
			memcpy(vendor + 8, &e->ecx, 4);
		} else if (e->function == 7 && e->index == 0 && (e->ecx & 1u << 16)) {
			la57 = "yes";
		} else if (e->function == 0x80000001 && (e->edx & 1u << 26)) {
			pages1g = "yes";
		} else if (e->function == 0x80000008) {
			maxphyaddr = e->eax & 0xff;
		}
	}
	printf("vendor %s\nla57 %s\npages1g %s\nmaxphyaddr %u\n", vendor, la57, pages1g,
	       maxphyaddr);
}

static void print_mce(int kvm)
{
	uint64_t caps = 0;
	int banks = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MCE);

	if (ioctl(kvm, KVM_X86_GET_MCE_CAP_SUPPORTED, &caps))
		caps = 0;
	printf("mce_banks %d\nmce_caps 0x%llx\n", banks, (unsigned long long)caps);
}

/* Real mode: mov al, ANSWER; out PORT, al; hlt. */
static bool guest_runs(int kvm)
{
	static const uint8_t code[] = { 0xb0, ANSWER, 0xe6, PORT, 0xf4 };
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	uint8_t *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)ram,
	};
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (vm < 0 || ram == MAP_FAILED || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return false;
	memcpy(ram + CODE, code, sizeof(code));

	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	if (vcpu < 0 || run == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs))
		return false;
	if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO || run->io.port != PORT ||
	    *((uint8_t *)run + run->io.data_offset) != ANSWER)
		return false;
	return ioctl(vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_HLT;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0) {
		perror("/dev/kvm");
		return 1;
	}
	printf("api %d\n", ioctl(kvm, KVM_GET_API_VERSION, 0));

	struct kvm_cpuid2 *cpuid = supported_cpuid(kvm);

	if (!cpuid)
		return 1;
	print_cpuid(cpuid);
	free(cpuid);
	print_mce(kvm);

	bool runs = guest_runs(kvm);

	printf("guest_runs %s\n", runs ? "yes" : "no");
	return runs ? 0 : 1;
}

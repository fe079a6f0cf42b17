/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data half of an uncorrectable error: a frame's contents are gone. Readers
 * are told by the list of such frames; the guest, which can still read, finds
 * garbage in which every word, taken as a page-table entry, is not present.
 */
#include <string.h>

#include "vmm/kvm/vm.h"

/* Bit 0 clear: not present; high bits that no table may have. */
#define GARBAGE 0xbad0bad0bad0bad0ull

static unsigned poison_index(const struct vm *vm, pfn_t pfn)
{
	unsigned i = 0;

	while (i < vm->poison_count && vm->poison[i] < pfn)
		i++;
	return i;
}

bool poison_has(const struct vm *vm, gpa_t gpa)
{
	unsigned i = poison_index(vm, gpa_to_pfn(gpa));

	return i < vm->poison_count && vm->poison[i] == gpa_to_pfn(gpa);
}

bool poison_frame(struct vm *vm, gpa_t gpa, struct err *e)
{
	pfn_t pfn = gpa_to_pfn(gpa);
	unsigned i = poison_index(vm, pfn);
	uint64_t *words = memory_at(&vm->mem, pfn_to_gpa(pfn), PT_FRAME_SIZE);

	if (!words)
		return err_set(e, ERR_NOT_RAM, gpa, "0x%llx is not guest RAM",
			       (unsigned long long)gpa);
	if (!poison_has(vm, gpa)) {
		if (vm->poison_count == POISON_MAX)
			return err_set(e, ERR_UNSUPPORTED, gpa,
				       "%d frames are destroyed already: that is the limit",
				       POISON_MAX);
		memmove(vm->poison + i + 1, vm->poison + i,
			(vm->poison_count - i) * sizeof(vm->poison[0]));
		vm->poison[i] = pfn;
		vm->poison_count++;
	}
	for (size_t w = 0; w < PT_FRAME_SIZE / sizeof(*words); w++)
		words[w] = GARBAGE;
	vm_memory_changed(vm, gpa);
	return true;
}

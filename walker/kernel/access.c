// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - reading kernel addresses.
 *
 * Addresses of the direct map are translated by subtraction, since nearly all
 * objects lie there; the bound is the end of RAM. All others go through
 * init_mm's tables, page by page.
 */
#include <inttypes.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

bool kernel_to_gpa(const struct kernel *k, gva_t va, gpa_t *gpa, struct err *err)
{
	struct pt_translation t;

	/* direct is 0 only while the kernel is being opened. */
	if (k->direct && va >= k->direct && gpa_to_pfn(va - k->direct) < k->frame_end) {
		if (!machine_has_frame(k->machine, gpa_to_pfn(va - k->direct)))
			return err_set(err, ERR_NOT_RAM, va,
				       "kernel address 0x%" PRIx64 " is not guest RAM", va);
		*gpa = va - k->direct;
		return true;
	}
	switch (pt_translate(k->machine, &k->space, va, PT_MODE_KERNEL, &t)) {
	case PT_MAPPED:
		break;
	case PT_UNREADABLE:
		return err_set(err, ERR_UNREADABLE, va,
			       "kernel address 0x%" PRIx64 ": a table cannot be read", va);
	case PT_MALFORMED:
		return err_set(err, ERR_MALFORMED, va, "kernel address 0x%" PRIx64 ": %s", va,
			       t.why);
	default:
		return err_set(err, ERR_NOT_RAM, va, "kernel address 0x%" PRIx64 " is not mapped",
			       va);
	}
	if (t.outside_ram)
		return err_set(err, ERR_NOT_RAM, va,
			       "kernel address 0x%" PRIx64 " is not guest RAM", va);
	*gpa = t.gpa;
	return true;
}

bool kernel_read(const struct kernel *k, gva_t va, void *buf, size_t size, struct err *err)
{
	uint8_t *to = buf;

	if (size && va + (size - 1) < va)
		return err_set(err, ERR_NOT_RAM, va,
			       "0x%" PRIx64 "+%zu passes the top of the address space", va, size);
	while (size) {
		size_t chunk = PT_FRAME_SIZE - (va & (PT_FRAME_SIZE - 1));
		gpa_t gpa;

		if (chunk > size)
			chunk = size;
		if (!kernel_to_gpa(k, va, &gpa, err) ||
		    !machine_read(k->machine, gpa, to, chunk, err))
			return false;
		va += chunk;
		to += chunk;
		size -= chunk;
	}
	return true;
}

bool kernel_read_u64(const struct kernel *k, gva_t va, uint64_t *value, struct err *err)
{
	gpa_t gpa;

	/* The usual case, and one load where a running guest may be writing. */
	if (!(va & 7))
		return kernel_to_gpa(k, va, &gpa, err) &&
		       machine_read_u64(k->machine, gpa, value, err);
	return kernel_read(k, va, value, sizeof(*value), err);
}

bool kernel_read_member(const struct kernel *k, gva_t object, const struct member *member,
			uint64_t *value, struct err *err)
{
	uint64_t word = 0;
	size_t size = member->size < sizeof(word) ? member->size : sizeof(word);

	if (object + member->offset < object)
		return err_set(err, ERR_NOT_RAM, object,
			       "0x%" PRIx64 " passes the top of the address space", object);
	if (size == sizeof(word)) {
		if (!kernel_read_u64(k, object + member->offset, &word, err))
			return false;
	} else if (!kernel_read(k, object + member->offset, &word, size, err)) {
		return false;
	}
	*value = word;
	return true;
}

bool kernel_read_signed(const struct kernel *k, gva_t object, const struct member *member,
			int64_t *value, struct err *err)
{
	uint64_t word = 0;

	if (!kernel_read_member(k, object, member, &word, err))
		return false;
	*value = member->size == 4 ? (int32_t)word : (int64_t)word;
	return true;
}

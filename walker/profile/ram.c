// SPDX-License-Identifier: GPL-2.0-only
/* ram.c - the parts of a profile that guest memory gives. */
#include <bpf/btf.h>
#include <inttypes.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walker/profile/kallsyms.h"
#include "walker/profile/sources.h"

enum { BTF_SIZE_MIN = 512, BTF_SIZE_MAX = 64 << 20 };

static struct kallsyms_bytes image_bytes(const struct sources *s)
{
	return (struct kallsyms_bytes){
		.bytes = s->image.bytes, .size = s->image.size, .base = s->image.first,
	};
}

/* A copy of VMCOREINFO speaks of this guest if the kernel that it names is there. */
static bool info_fits(void *ctx, const struct vmcoreinfo *info)
{
	const struct sources *s = ctx;
	gpa_t stext = info->stext.value - KERNEL_MAP + info->phys_base.value;

	if (!info->stext.given || !info->phys_base.given)
		return false;
	if (s->has_image)
		return info->stext.value >= s->image.first &&
		       info->stext.value <= s->image.last &&
		       info->phys_base.value == s->image.phys_base;
	return info->stext.value >= KERNEL_MAP &&
	       machine_has_frame(s->machine, gpa_to_pfn(stext));
}

static bool scan_for_info(struct sources *s, struct err *err)
{
	gpa_t at;

	if (!vmcoreinfo_scan(&s->info, s->machine, &at, info_fits, s, err))
		return false;
	s->has_info = true;
	snprintf(s->info_from, sizeof(s->info_from), "vmcoreinfo:0x%" PRIx64, at);
	return true;
}

bool sources_find_image(struct sources *s, struct err *err)
{
	struct err by_vcpu, by_info;

	if (s->options.vmcoreinfo) {
		if (!vmcoreinfo_parse(&s->info, s->options.vmcoreinfo, s->options.vmcoreinfo_size,
				      err))
			return false;
		s->has_info = true;
		snprintf(s->info_from, sizeof(s->info_from), "vmcoreinfo:note");
	}
	if (kernel_image_find(&s->image, s->machine, &by_vcpu)) {
		s->has_image = true;
		return true;
	}
	if (by_vcpu.code != ERR_MISSING)
		return err_set(err, by_vcpu.code, by_vcpu.address, "%s", by_vcpu.message);
	if (!s->has_info && !scan_for_info(s, &by_info))
		return err_set(err, by_info.code, 0, "%.110s; %.110s", by_vcpu.message,
			       by_info.message);
	if (!s->info.stext.given || !s->info.phys_base.given)
		return err_set(err, ERR_MISSING, 0, "%.110s; VMCOREINFO does not say where "
			       "(_stext, phys_base)", by_vcpu.message);
	s->has_image = kernel_image_guess(&s->image, s->machine, s->info.stext.value,
				   s->info.phys_base.value, err);
	return s->has_image;
}

/* The tables that VMCOREINFO names (since 6.0), as offsets into the image. */
static bool kallsyms_by_info(const struct sources *s, struct kallsyms_place *place,
			     struct err *err)
{
	const struct vmcoreinfo *info = &s->info;
	const struct kernel_image *image = &s->image;
	struct kallsyms_bytes bytes = image_bytes(s);
	size_t names, tokens, index, offsets;
	uint64_t relative_base = 0;
	uint32_t count = 0;

	if (!kernel_image_offset(image, info->names.value, 8, &names) ||
	    !kernel_image_offset(image, info->token_table.value, 8, &tokens) ||
	    !kernel_image_offset(image, info->token_index.value, 8, &index) ||
	    !kernel_image_offset(image, info->offsets.value, 8, &offsets) ||
	    !kernel_image_read(image, info->num_syms.value, &count, sizeof(count), NULL) ||
	    (info->relative_base.given && !kernel_image_read(image, info->relative_base.value,
						      &relative_base, 8, NULL)))
		return err_set(err, ERR_MALFORMED, 0,
			       "VMCOREINFO has kallsyms outside the kernel's image");
	return kallsyms_at(place, &bytes, count, names, tokens, index, offsets,
			   info->relative_base.given ? &relative_base : NULL, err);
}

static bool info_has_kallsyms(const struct vmcoreinfo *info)
{
	return info->names.given && info->num_syms.given && info->token_table.given &&
	       info->token_index.given && info->offsets.given;
}

static bool no_kallsyms(const struct err *by_shape, struct err *err)
{
	return err_set(err, by_shape->code, by_shape->address,
		       "%.160s: give --vmlinux or --symbols", by_shape->message);
}

bool sources_find_kallsyms(struct sources *s, struct err *err)
{
	struct kallsyms_bytes bytes = image_bytes(s);
	struct kallsyms_place place;
	struct err by_shape, by_info;

	if (!kallsyms_find(&place, &bytes, &by_shape)) {
		if (by_shape.code != ERR_MISSING && by_shape.code != ERR_MALFORMED)
			return err_set(err, by_shape.code, 0, "%s", by_shape.message);
		if (!s->has_info && !scan_for_info(s, NULL))
			return no_kallsyms(&by_shape, err);
		if (!info_has_kallsyms(&s->info))
			return no_kallsyms(&by_shape, err);
		if (!kallsyms_by_info(s, &place, &by_info))
			return no_kallsyms(&by_info, err);
	}
	s->symbols = kallsyms_decode(&place, &bytes, err);
	if (!s->symbols)
		return false;
	snprintf(s->symbols_from, sizeof(s->symbols_from), "kallsyms:0x%" PRIx64,
		 s->image.first + place.names);
	return true;
}

/* A pointer of the kernel's, and a copy of what it points to. */
static bool read_through(const struct sources *s, gva_t pointer, void *to, size_t size,
			 gpa_t *gpa)
{
	gva_t at;

	return kernel_image_read(&s->image, pointer, &at, sizeof(at), NULL) && at &&
	       at % PT_FRAME_SIZE == 0 && kernel_image_translate(&s->image, at, gpa) &&
	       machine_read(s->machine, *gpa, to, size, NULL);
}

bool sources_find_vmcoreinfo(struct sources *s, struct err *err)
{
	char text[VMCOREINFO_SIZE];
	struct err broken;
	gva_t at;
	gpa_t gpa;

	if (s->has_info || !symbols_find(s->symbols, "vmcoreinfo_data", &at, NULL) ||
	    !read_through(s, at, text, sizeof(text), &gpa))
		return true;
	s->has_info = vmcoreinfo_parse(&s->info, text, sizeof(text), &broken);
	/* Kernels fill the page late in boot: an empty one is no contradiction. */
	if (!s->has_info && *text)
		return err_set(err, ERR_MALFORMED, at,
			       "kallsyms and VMCOREINFO disagree: at vmcoreinfo_data: %.150s",
			       broken.message);
	snprintf(s->info_from, sizeof(s->info_from), "vmcoreinfo:0x%" PRIx64, gpa);
	return true;
}

/* Is this the header of a kernel's BTF, all of which is in `room` bytes? Its size. */
static size_t btf_size(const uint8_t *at, size_t room)
{
	struct btf_header header;
	uint64_t size;

	if (room < sizeof(header))
		return 0;
	memcpy(&header, at, sizeof(header));
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION || header.flags ||
	    header.hdr_len != sizeof(header) || header.type_off ||
	    header.str_off != header.type_len)
		return 0;
	size = sizeof(header) + (uint64_t)header.str_off + header.str_len;
	return size >= BTF_SIZE_MIN && size <= BTF_SIZE_MAX && size <= room ? (size_t)size : 0;
}

/* By its header, where the symbols do not say. The linker aligns it to a page or to 8. */
static bool btf_by_shape(const struct kernel_image *image, size_t *offset, size_t *size)
{
	for (size_t at = 0; at + sizeof(struct btf_header) < image->size; at += 8) {
		uint16_t magic;

		memcpy(&magic, image->bytes + at, sizeof(magic));
		if (magic != BTF_MAGIC)
			continue;
		*size = btf_size(image->bytes + at, image->size - at);
		if (*size) {
			*offset = at;
			return true;
		}
	}
	return false;
}

static bool btf_by_symbols(const struct sources *s, size_t *offset, size_t *size,
			   bool *known, struct err *err)
{
	gva_t first, end;

	*known = symbols_find(s->symbols, "__start_BTF", &first, NULL) &&
		 symbols_find(s->symbols, "__stop_BTF", &end, NULL);
	if (!*known)
		return true;
	if (end <= first || end - first > BTF_SIZE_MAX ||
	    !kernel_image_offset(&s->image, first, (size_t)(end - first), offset) ||
	    !(*size = btf_size(s->image.bytes + *offset, (size_t)(end - first))))
		return err_set(err, ERR_MALFORMED, first,
			       "kallsyms has BTF at 0x%" PRIx64 ", but there is none there: "
			       "give --btf or --vmlinux", first);
	return true;
}

bool sources_find_btf(struct sources *s, struct err *err)
{
	size_t offset = 0, size = 0;
	bool known;

	if (!btf_by_symbols(s, &offset, &size, &known, err))
		return false;
	if (!known && !btf_by_shape(&s->image, &offset, &size))
		return err_set(err, ERR_MISSING, 0, "the guest's kernel%s%s has no BTF "
			       "(CONFIG_DEBUG_INFO_BTF is off): give --btf or --vmlinux",
			       s->has_info ? " " : "", s->has_info ? s->info.release : "");
	/* libbpf copies before it looks. */
	s->types = types_from_btf(s->image.bytes + offset, size, err);
	if (!s->types)
		return false;
	snprintf(s->types_from, sizeof(s->types_from), "btf:0x%" PRIx64,
		 s->image.first + offset);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - see image.h.
 *
 * A vCPU's page tables say where the kernel was put, physically and virtually,
 * before any symbol is known. KASLR moves the image by 2 MiB steps; modules lie
 * above it, page by page, each with another difference, so the difference that
 * maps most is the image's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/profile/image.h"
#include "walker/table/translate.h"

/* No kernel is smaller or larger; what maps less is a stub or another system. */
enum {
	IMAGE_MIN = 1 << 20,
	IMAGE_MAX = 256 << 20,
	GUESS_BELOW = 2 << 20,
	GUESS_SIZE = 96 << 20,
	RUNS_MAX = 8,
};

/* Mapped stretches with the same difference. */
struct run {
	uint64_t phys_base;
	gva_t first, last;
	uint64_t mapped;
};

struct survey {
	struct run runs[RUNS_MAX];
	unsigned count;
};

static void survey_add(struct survey *s, gva_t va, uint64_t size, gpa_t gpa)
{
	uint64_t phys_base = gpa - (va - KERNEL_MAP);
	struct run *run = s->runs;

	while (run < s->runs + s->count && run->phys_base != phys_base)
		run++;
	if (run == s->runs + s->count) {
		if (s->count == RUNS_MAX)
			return;
		s->count++;
		*run = (struct run){ .phys_base = phys_base, .first = va };
	}
	/* What is far above the rest is no part of one image. */
	if (va + (size - 1) - run->first >= IMAGE_MAX)
		return;
	run->last = va + (size - 1);
	run->mapped += size;
}

/* Bytes from va to the end of what the entry that ended the walk speaks of. */
static uint64_t rest_of_entry(const struct pt_space *space, const struct pt_translation *t,
			      gva_t va)
{
	uint64_t span = t->depth ? pt_span(space->decode.format, t->level) : PT_FRAME_SIZE;

	return span - (va & (span - 1));
}

static struct run survey_space(struct machine *m, const struct pt_space *space)
{
	struct survey s = { .count = 0 };
	struct run best = { .mapped = 0 };
	uint64_t step;

	for (uint64_t at = 0; at < KERNEL_MAP_SIZE; at += step) {
		gva_t va = KERNEL_MAP + at;
		struct pt_translation t;
		enum pt_result result = pt_translate(m, space, va, PT_MODE_KERNEL, &t);

		step = rest_of_entry(space, &t, va);
		if (step > KERNEL_MAP_SIZE - at)
			step = KERNEL_MAP_SIZE - at;
		if (result == PT_MAPPED && !t.outside_ram)
			survey_add(&s, va, step, t.gpa);
	}
	for (unsigned i = 0; i < s.count; i++)
		if (s.runs[i].mapped > best.mapped)
			best = s.runs[i];
	return best;
}

/*
 * Under page-table isolation a CPU in user mode runs on a PGD that maps little
 * or none of the image; the kernel's is the frame before. Elsewhere that frame
 * is anything at all, so the one that maps more is taken.
 */
static bool find_by_vcpu(struct kernel_image *image, unsigned vcpu, const char **why)
{
	struct machine *m = image->machine;
	struct x86_regs regs;
	struct pt_space space;
	struct run best = { .mapped = 0 };

	if (!m->ops->regs(m, vcpu, &regs, NULL)) {
		*why = "its registers cannot be read";
		return false;
	}
	if (!x86_space(&space, &regs, &pt_soft_linux_x86, why))
		return false;
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		gpa_t pgd = space.root[0].gpa;
		struct pt_space tried;
		struct run run;

		if (attempt && !(pgd & X86_CR3_PTI_USER))
			break;
		x86_space_of_pgd(&tried, attempt ? pgd & ~X86_CR3_PTI_USER : pgd, &space);
		run = survey_space(m, &tried);
		if (run.mapped <= best.mapped)
			continue;
		best = run;
		image->space = tried;
	}
	*why = "no kernel image is mapped at 0xffffffff80000000 or above";
	if (best.mapped < IMAGE_MIN)
		return false;
	image->first = best.first;
	image->last = best.last;
	image->phys_base = best.phys_base;
	image->has_space = true;
	image->vcpu = vcpu;
	return true;
}

static gpa_t image_gpa(const struct kernel_image *image, gva_t va)
{
	return va - KERNEL_MAP + image->phys_base;
}

/* The machine's own mapping of the whole image, where it has one. */
static const uint8_t *mapped_bytes(const struct machine *m, gpa_t first, gpa_t last)
{
	if (__atomic_load_n(&m->lost_count, __ATOMIC_ACQUIRE))
		return NULL;
	for (size_t i = 0; i < m->unreadable_count; i++)
		if (m->unreadable[i] >= gpa_to_pfn(first) && m->unreadable[i] <= gpa_to_pfn(last))
			return NULL;
	for (size_t i = 0; i < m->region_count; i++) {
		const struct mem_region *r = &m->regions[i];

		if (r->host && first >= r->first && last <= r->last)
			return r->host + (first - r->first);
	}
	return NULL;
}

static bool take_bytes(struct kernel_image *image, struct err *err)
{
	gpa_t first = image_gpa(image, image->first), last = image_gpa(image, image->last);

	image->size = (size_t)(image->last - image->first) + 1;
	image->bytes = mapped_bytes(image->machine, first, last);
	if (image->bytes)
		return true;
	image->copy = calloc(1, image->size);
	if (!image->copy)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for the kernel's image");
	for (size_t at = 0; at < image->size; at += PT_FRAME_SIZE) {
		const void *view = machine_view(image->machine, first + at, NULL);

		if (!view) {
			image->unreadable++;
			continue;
		}
		memcpy(image->copy + at, view, PT_FRAME_SIZE);
		if (!machine_unview(image->machine, first + at, view)) {
			memset(image->copy + at, 0, PT_FRAME_SIZE);
			image->unreadable++;
		}
	}
	image->bytes = image->copy;
	return true;
}

bool kernel_image_find(struct kernel_image *image, struct machine *m, struct err *err)
{
	const char *why = "there is no vCPU";

	*image = (struct kernel_image){ .machine = m };
	for (unsigned vcpu = 0; vcpu < m->vcpus; vcpu++)
		if (find_by_vcpu(image, vcpu, &why))
			return take_bytes(image, err);
	return err_set(err, ERR_MISSING, 0, "no vCPU runs a Linux kernel: %s", why);
}

bool kernel_image_guess(struct kernel_image *image, struct machine *m, gva_t stext,
			uint64_t phys_base, struct err *err)
{
	gva_t first = (stext & ~(gva_t)(PT_FRAME_SIZE - 1)) - GUESS_BELOW;
	uint64_t size = 0;

	*image = (struct kernel_image){ .machine = m, .phys_base = phys_base };
	if (first < KERNEL_MAP)
		first = KERNEL_MAP;
	while (first < stext && !machine_has_frame(m, gpa_to_pfn(image_gpa(image, first))))
		first += PT_FRAME_SIZE;
	while (size < GUESS_SIZE && first + size >= KERNEL_MAP &&
	       machine_has_frame(m, gpa_to_pfn(image_gpa(image, first + size))))
		size += PT_FRAME_SIZE;
	if (phys_base % PT_FRAME_SIZE || size < IMAGE_MIN)
		return err_set(err, ERR_MALFORMED, stext,
			       "VMCOREINFO's phys_base puts the kernel outside RAM");
	image->first = first;
	image->last = first + (size - 1);
	return take_bytes(image, err);
}

void kernel_image_close(struct kernel_image *image)
{
	free(image->copy);
	*image = (struct kernel_image){ 0 };
}

bool kernel_image_offset(const struct kernel_image *image, gva_t va, size_t size,
			 size_t *offset)
{
	if (va < image->first || va > image->last || size > image->size ||
	    va - image->first > image->size - size)
		return false;
	*offset = (size_t)(va - image->first);
	return true;
}

bool kernel_image_read(const struct kernel_image *image, gva_t va, void *to, size_t size,
		       struct err *err)
{
	size_t offset;

	if (!kernel_image_offset(image, va, size, &offset))
		return err_set(err, ERR_MALFORMED, va,
			       "0x%" PRIx64 " is outside the kernel's image", va);
	memcpy(to, image->bytes + offset, size);
	return true;
}

bool kernel_image_translate(const struct kernel_image *image, gva_t va, gpa_t *gpa)
{
	struct pt_translation t;

	if (!image->has_space || pt_translate(image->machine, &image->space, va, PT_MODE_KERNEL,
					      &t) != PT_MAPPED || t.outside_ram)
		return false;
	*gpa = t.gpa;
	return true;
}

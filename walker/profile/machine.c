// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - a profile from a guest's memory: finds the parts and checks them.
 *
 * The order is from what is hardest to forge by accident to what is easiest: a
 * vCPU's page tables give the kernel's image, the image gives kallsyms, kallsyms gives
 * VMCOREINFO and BTF. Only a machine whose registers tell nothing is searched for VMCOREINFO
 * first.
 */
#include "walker/profile/sources.h"

static bool find_symbols(struct sources *s, struct err *err)
{
	bool done;

	return sources_override_symbols(s, &done, err) &&
	       (done || sources_find_kallsyms(s, err));
}

static bool find_types(struct sources *s, struct err *err)
{
	bool done;

	return sources_override_types(s, &done, err) && (done || sources_find_btf(s, err));
}

static struct profile *assemble(struct sources *s, const struct profile_place *place,
				struct err *err)
{
	struct profile *p = profile_from_parts(s->symbols, s->symbols_from, s->types,
					       s->types_from, err);

	s->symbols = NULL;
	s->types = NULL;
	if (!p)
		return NULL;
	profile_set_place(p, place);
	if (s->has_info && !profile_add_source(p, s->info_from, err)) {
		profile_free(p);
		return NULL;
	}
	return p;
}

static struct profile *profile_try(struct machine *m, const struct profile_options *options,
				   struct err *err)
{
	struct sources s = { .machine = m };
	struct profile_place place;
	struct profile *p = NULL;

	if (options)
		s.options = *options;
	if (sources_find_image(&s, err) && find_symbols(&s, err) &&
	    sources_find_vmcoreinfo(&s, err) && find_types(&s, err) &&
	    sources_agree(&s, &place, err))
		p = assemble(&s, &place, err);
	symbols_free(s.symbols);
	types_free(s.types);
	kernel_image_close(&s.image);
	return p;
}

struct profile *profile_from_machine(struct machine *m, const struct profile_options *options,
				     struct err *err)
{
	uint64_t lost = m->lost_count;
	struct profile *p = profile_try(m, options, err);

	if (m->lost_count == lost)
		return p;
	/* Frames went while they were looked at; now it is known which ones. */
	profile_free(p);
	return profile_try(m, options, err);
}

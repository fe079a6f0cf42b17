/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sources.h - the parts of a profile as they are found, until all of them agree.
 *
 * One struct goes through find, override, check; machine.c says in which order.
 * Nobody outside walker/profile includes it.
 */
#ifndef PTMM_PROFILE_SOURCES_H
#define PTMM_PROFILE_SOURCES_H

#include "walker/profile/image.h"
#include "walker/profile/profile_impl.h"
#include "walker/profile/vmcoreinfo.h"

enum { SOURCE_NAME_MAX = 64 };

struct sources {
	struct machine *machine;
	struct profile_options options;
	struct kernel_image image;
	bool has_image;
	struct vmcoreinfo info;
	bool has_info;
	struct symbols *symbols;
	struct types *types;
	uint64_t moved;		/* by how much the user's symbols were */
	char info_from[SOURCE_NAME_MAX], symbols_from[SOURCE_NAME_MAX];
	char types_from[SOURCE_NAME_MAX];
};

/* ram.c: what guest memory gives. */
bool sources_find_image(struct sources *, struct err *);
bool sources_find_kallsyms(struct sources *, struct err *);
/* Through the symbol vmcoreinfo_data. Not an error where there is none. */
bool sources_find_vmcoreinfo(struct sources *, struct err *);
bool sources_find_btf(struct sources *, struct err *);

/* override.c: what the user gave instead, moved to where the kernel runs. */
bool sources_override_symbols(struct sources *, bool *done, struct err *);
bool sources_override_types(struct sources *, bool *done, struct err *);

/* agree.c: do the parts speak of one kernel, and of this one? */
bool sources_agree(const struct sources *, struct profile_place *, struct err *);

#endif

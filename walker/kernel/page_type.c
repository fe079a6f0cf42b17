// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_type.c - what page_type says, in the three encodings that Linux had.
 *
 *   up to 6.9    all ones and one bit *cleared* for the type; the bits are
 *                constants of the version: table 0x400 up to 5.10, 0x200 since
 *                (5.11 dropped the bit of kmemcg)
 *   6.10, 6.11   the same, with the bits in BTF (enum pagetype; 6.11 moved
 *                them to the top byte, with one base bit left)
 *   since 6.12   a number in the top byte (PGTY_table 0xf2), in BTF
 *
 * Sources: include/linux/page-flags.h of these versions; values measured on 5.10,
 * 6.1, 6.12, 7.2. Slab pages are a flag until 6.9 and a type since.
 */
#include <stdio.h>

#include "walker/kernel/kernel_impl.h"

#define BASE_OLD 0xf0000000u	/* PAGE_TYPE_BASE up to 6.10 */
#define BASE_6_11 0x80000000u

static bool enumerator(const struct profile *profile, const char *name, uint32_t *value)
{
	int64_t wide;

	if (!profile_enumerator(profile, "pagetype", name, &wide, NULL))
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool release_is_since(const char *release, unsigned major, unsigned minor)
{
	unsigned have_major, have_minor;

	return sscanf(release, "%u.%u", &have_major, &have_minor) == 2 &&
	       (have_major > major || (have_major == major && have_minor >= minor));
}

void kernel_page_types_find(struct page_types *t, const struct profile *profile,
			    const char *release)
{
	int64_t slab;

	*t = (struct page_types){ .base = BASE_OLD };
	if (enumerator(profile, "PGTY_table", &t->table)) {
		t->counted = true;
		enumerator(profile, "PGTY_buddy", &t->buddy);
		enumerator(profile, "PGTY_slab", &t->slab);
		return;
	}
	if (enumerator(profile, "PG_table", &t->table)) {
		enumerator(profile, "PG_buddy", &t->buddy);
		enumerator(profile, "PG_slab", &t->slab);
		if (t->table > 0xffffff)
			t->base = BASE_6_11;
	} else {
		t->table = release_is_since(release, 0, 0) &&
			   !release_is_since(release, 5, 11) ? 0x400 : 0x200;
		t->buddy = 0x80;
	}
	if (!t->slab && profile_enumerator(profile, "pageflags", "PG_slab", &slab, NULL) &&
	    slab >= 0 && slab < 64)
		t->slab_flag = 1ull << slab;
}

static bool has_type(const struct page_types *t, uint32_t word, uint32_t type)
{
	if (!type)
		return false;
	return t->counted ? word >> 24 == type : (word & (t->base | type)) == t->base;
}

enum page_type kernel_page_type(const struct page_types *t, uint32_t word, uint64_t flags)
{
	if (has_type(t, word, t->table))
		return PAGE_TYPE_TABLE;
	if (has_type(t, word, t->buddy))
		return PAGE_TYPE_BUDDY;
	if (has_type(t, word, t->slab) || flags & t->slab_flag)
		return PAGE_TYPE_SLAB;
	/*
	 * No type: all ones or a count of mappings. Numbers begin at 0xf0; the
	 * cleared bits leave the base set.
	 */
	if (t->counted)
		return word >> 24 >= 0xf0 && word >> 24 != 0xff ? PAGE_TYPE_OTHER : PAGE_TYPE_NONE;
	return (word & t->base) == t->base && (word & 0xfffff80u) != 0xfffff80u ?
	       PAGE_TYPE_OTHER : PAGE_TYPE_NONE;
}

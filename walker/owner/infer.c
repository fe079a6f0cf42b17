// SPDX-License-Identifier: GPL-2.0-only
/*
 * infer.c - which levels this kernel records, and which it marks as tables.
 *
 * It is found out, not configured: a level is recorded if at least half of its
 * tables that one user mm owns carry the address of a live mm, right or wrong (so that a
 * bug which records a wrong mm everywhere is still seen), and typed if half are
 * typed. What agrees is counted and reported.
 */
#include "walker/owner/census_impl.h"

/* The only owner of a row, if it is a user mm and the row is no special one. */
static bool only_user(const struct census *c, const struct row *r, uint32_t *owner)
{
	if (r->origin != ROW_REACHED || r->owner == OWNER_NONE || (r->owner & OWNER_SET) ||
	    r->kernel_half)
		return false;
	*owner = r->owner;
	return mm_is_user(&c->mms.mms[r->owner]);
}

void census_infer(struct census *c, const struct census_options *options)
{
	uint32_t live[PT_LEVELS_MAX] = { 0 };
	uint32_t kernel_agree[PT_LEVELS_MAX] = { 0 }, kernel_total[PT_LEVELS_MAX] = { 0 };
	gva_t init = c->mms.mms[c->mms.init_mm].at;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct row *r = &c->rows[i];
		const struct page_facts *facts = row_facts(c, r);
		uint32_t owner;

		if (!facts)
			continue;
		if (r->owner == c->mms.init_mm && r->origin == ROW_REACHED && !facts->reserved) {
			kernel_total[r->level]++;
			kernel_agree[r->level] += facts->recorded == init;
		}
		if (!only_user(c, r, &owner))
			continue;
		c->recorded[r->level].total++;
		c->typed[r->level].total++;
		c->typed[r->level].agree += facts->type == PAGE_TYPE_TABLE;
		if (facts->recorded == c->mms.mms[owner].at) {
			c->recorded[r->level].agree++;
			live[r->level]++;
		} else if (facts->recorded && kernel_mm_find(&c->mms, facts->recorded) >= 0) {
			live[r->level]++;
		}
	}
	for (unsigned level = 0; level < c->format->levels; level++) {
		struct level_agreement *recorded = &c->recorded[level], *typed = &c->typed[level];

		recorded->level = typed->level = (uint8_t)level;
		recorded->holds = live[level] && live[level] * 2ull >= recorded->total;
		typed->holds = typed->agree && typed->agree * 2ull >= typed->total;
		if (options && options->recorded_at)
			recorded->holds = options->recorded_at >> level & 1;
		if (options && options->typed_at)
			typed->holds = options->typed_at >> level & 1;
		c->kernel_recorded[level] = kernel_agree[level] &&
			kernel_agree[level] * 2ull >= kernel_total[level];
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* judge.c - states the facts of each row, and keeps the mms' books. */
#include "walker/owner/census_impl.h"

/* Below this a word is a count (sharers, fragments), not an address. */
#define COUNT_MAX 0xffffull

/*
 * Does the guest say that a PMD table is shared by as many as link to it? Before late
 * 6.1 the page's reference count says it; since then pt_share_count, which is
 * sharers - 1 and may lie in the word of pt_mm.
 */
static bool share_legitimate(const struct census *c, const struct row *r)
{
	const struct page_facts *facts = row_facts(c, r);
	uint32_t links = r->links;

	if (r->level != 1 || !facts || links < 2)
		return false;
	return facts->share_count == links - 1 || facts->refcount == (int32_t)links;
}

static enum reach reach_of(const struct census *c, struct row *r)
{
	uint32_t count, users = 0;
	const uint32_t *owners = owners_of(c, r, &count);
	const struct row *parent = r->parent == NO_ROW ? NULL : &c->rows[r->parent];

	if (r->origin == ROW_DEPOSIT)
		return REACH_DEPOSIT;
	if (r->origin == ROW_UNREACHED)
		return REACH_NONE;
	for (uint32_t i = 0; i < count; i++)
		users += mm_is_user(&c->mms.mms[owners[i]]);
	if (r->origin == ROW_PTI_ROOT && count == 1)
		return REACH_PTI_ROOT;
	if (!users)
		return REACH_KERNEL;
	if (count == 1 && !r->twice)
		return REACH_ONE;
	/* One link from a table of several owners: what is true of that one. */
	if (r->links == 1 && parent) {
		r->why = WHY_INHERITED;
		r->cross = parent->cross;
		return r->cross ? REACH_CROSS : REACH_SHARED;
	}
	if (users == count && share_legitimate(c, r))
		return REACH_SHARED;
	if (count == 1)
		r->why = WHY_TWICE;
	r->cross = 1;
	return REACH_CROSS;
}

static enum recorded recorded_of(const struct census *c, const struct row *r, enum reach reach)
{
	const struct page_facts *facts = row_facts(c, r);
	uint32_t count;
	const uint32_t *owners = owners_of(c, r, &count);

	if (!facts)
		return RECORDED_NOT_HERE;
	if (reach == REACH_KERNEL) {
		if (facts->reserved)
			return RECORDED_RESERVED;
	} else if (!c->recorded[r->level].holds) {
		return RECORDED_NOT_HERE;
	}
	if (!facts->recorded)
		return RECORDED_NOTHING;
	for (uint32_t i = 0; i < count; i++)
		if (c->mms.mms[owners[i]].at == facts->recorded)
			return owners[i] == c->mms.init_mm ? RECORDED_INIT : RECORDED_OWN;
	if (facts->recorded == c->mms.mms[c->mms.init_mm].at)
		return RECORDED_INIT;
	if (reach == REACH_KERNEL && !c->kernel_recorded[r->level])
		return RECORDED_NOT_HERE;
	if (kernel_mm_find(&c->mms, facts->recorded) >= 0)
		return RECORDED_OTHER;
	return facts->recorded <= COUNT_MAX ? RECORDED_NUMBER : RECORDED_GARBAGE;
}

static enum typed typed_of(const struct census *c, const struct row *r)
{
	const struct page_facts *facts = row_facts(c, r);

	if (!facts || !c->typed[r->level].holds)
		return TYPED_NOT_HERE;
	return facts->type == PAGE_TYPE_TABLE ? TYPED_YES : TYPED_NO;
}

static bool mm_locked(const struct mm *mm)
{
	return mm->locked;
}

/* Is an operation on this mm under way that a stop may have caught half-way? */
static bool mm_at_work(const struct mm *mm)
{
	return mm->locked || mm->busy;
}

/*
 * Its last user is gone, and its tables may be on their way out: exit_mmap()
 * takes no lock for that before Linux 5.19.
 */
static bool mm_exiting(const struct mm *mm)
{
	return mm->users <= 0 && mm->pgtables_bytes;
}

static bool any_owner(const struct census *c, const struct row *r,
		      bool (*is)(const struct mm *))
{
	uint32_t count;
	const uint32_t *owners = owners_of(c, r, &count);

	for (uint32_t i = 0; i < count; i++)
		if (is(&c->mms.mms[owners[i]]))
			return true;
	return false;
}

/*
 * The lock of a table's entries: its own for the two bottom levels, the mm's
 * above. (On a page that has lost its type kernel_page() sees no lock.)
 */
static bool lock_held(const struct census *c, const struct row *r)
{
	const struct page_facts *facts = row_facts(c, r);

	if (r->level >= 2)
		return any_owner(c, r, mm_locked);
	return facts && facts->ptl;
}

static bool is_bad(enum verdict v)
{
	return v == VERDICT_ORPHAN || v == VERDICT_CROSS_LINKED || v == VERDICT_UNTYPED ||
	       v == VERDICT_NOT_A_POINTER || v == VERDICT_UNSET || v == VERDICT_STALE ||
	       v == VERDICT_MISMATCH;
}

/*
 * A lock that excuses a row which would be judged badly: that of the entry which leads to it (it
 * may be half-way in or out), or, if none does, that of the mm that it says it
 * was made for.
 */
static bool link_lock_held(const struct census *c, const struct row *r)
{
	const struct page_facts *facts = row_facts(c, r);
	int64_t mm;

	if (r->parent != NO_ROW)
		return c->rows[r->parent].held || any_owner(c, r, mm_at_work);
	if (r->root)
		return any_owner(c, r, mm_at_work);
	mm = facts && facts->recorded ? kernel_mm_find(&c->mms, facts->recorded) : -1;
	return mm >= 0 && mm_at_work(&c->mms.mms[mm]);
}

static enum why why_kernel(const struct census *c, const struct row *r, enum recorded recorded)
{
	const struct page_facts *facts = row_facts(c, r);

	switch (recorded) {
	case RECORDED_INIT:
		return WHY_INIT_MM;
	case RECORDED_OWN:
		return WHY_OWN_MM;
	case RECORDED_RESERVED:
		return WHY_RESERVED;
	case RECORDED_NOTHING:
		return WHY_UNSET;
	default:
		return facts ? WHY_UNRECORDED : WHY_NOTHING;
	}
}

/* An orphan's owner is not known; what it records may explain it. */
static enum why why_orphan(const struct census *c, const struct row *r)
{
	const struct page_facts *facts = row_facts(c, r);
	int64_t mm = facts && facts->recorded ? kernel_mm_find(&c->mms, facts->recorded) : -1;

	if (facts && facts->flags & c->limbo_flag)
		return WHY_LIMBO;
	if (mm >= 0 && c->book[mm].unreadable)
		return WHY_BELOW_UNREADABLE;
	if (!r->tables && !r->mapped && !r->protnone && !r->swap && !r->bad)
		return WHY_EMPTY;
	return WHY_NOTHING;
}

static void judge_row(struct census *c, struct row *r)
{
	struct verdict_facts f = { .unreadable = !r->readable };
	enum verdict v;

	r->why = WHY_NOTHING;
	f.reach = reach_of(c, r);
	f.recorded = recorded_of(c, r, f.reach);
	f.typed = typed_of(c, r);
	v = verdict_of(&f);
	r->held = lock_held(c, r);
	f.in_flight = r->held || (is_bad(v) && link_lock_held(c, r));
	if (f.in_flight) {
		v = verdict_of(&f);
		r->why = WHY_LOCK;
	} else if (v == VERDICT_KERNEL) {
		r->why = why_kernel(c, r, f.recorded) & 0xf;
	} else if (v == VERDICT_ORPHAN) {
		r->why = why_orphan(c, r) & 0xf;
	}
	r->verdict = v & 0xf;
}

/* Counts a table page into the books of its owners. */
static void book_row(struct census *c, const struct row *r)
{
	bool in_bytes = r->level <= 2;
	uint32_t count;
	const uint32_t *owners = owners_of(c, r, &count);

	for (uint32_t i = 0; i < count; i++) {
		struct mm_book *book = &c->book[owners[i]];

		if (in_bytes)
			book->counted += PT_FRAME_SIZE;
		/* Not each mm that reaches such a table has it in its book, or still has. */
		if (in_bytes && (r->cross || r->kernel_half || r->verdict == VERDICT_UNTYPED))
			book->disputed += PT_FRAME_SIZE;
		/* So is the PGD of an mm whose lock is held. */
		if (r->verdict == VERDICT_IN_FLIGHT)
			book->unsettled = true;
	}
}

void census_judge(struct census *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		uint32_t count;
		const uint32_t *owners = owners_of(c, &c->rows[i], &count);

		for (uint32_t n = 0; !c->rows[i].readable && n < count; n++)
			c->book[owners[n]].unreadable = true;
	}
	/* From the top down: a table's judgement may rest on its parent's. */
	for (uint32_t i = 0; i < c->count; i++)
		judge_row(c, &c->rows[i]);
	for (uint32_t i = 0; i < c->count; i++)
		book_row(c, &c->rows[i]);
	for (uint32_t mm = 0; mm < c->mms.mm_count; mm++)
		c->book[mm].unsettled |= c->book[mm].unreadable || mm_at_work(&c->mms.mms[mm]) ||
					 mm_exiting(&c->mms.mms[mm]);
}

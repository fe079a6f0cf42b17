// SPDX-License-Identifier: GPL-2.0-only
/* verdict.c - from three facts of a table page to its verdict. */
#include <string.h>

#include "walker/owner/census_impl.h"

/*
 * First line that fits:
 *
 *	reach           recorded                     typed   verdict
 *	(lock held, or a second look differed)               in-flight
 *	(could not be read)                                  unreadable
 *	deposit list                                         deposited
 *	no root                                              orphan
 *	kernel only     another live mm              any     mismatch
 *	kernel only     garbage                      any     stale
 *	kernel only     init_mm, its own mm, nothing,
 *	                reserved, not recorded       any     kernel
 *	PTI user root   any                          any     pti-user
 *	several, no reason                                   cross-linked
 *	several, shared                                      shared
 *	one user mm     any                          no      untyped
 *	one user mm     level not recorded                   unrecorded
 *	one user mm     a count                              not-a-pointer
 *	one user mm     nothing                              unset
 *	one user mm     no live mm                           stale
 *	one user mm     another live mm                      mismatch
 *	one user mm     that mm                              match
 */
enum verdict verdict_of(const struct verdict_facts *f)
{
	if (f->in_flight)
		return VERDICT_IN_FLIGHT;
	if (f->unreadable)
		return VERDICT_UNREADABLE;

	switch (f->reach) {
	case REACH_DEPOSIT:
		return VERDICT_DEPOSITED;
	case REACH_NONE:
	case REACHES:
		return VERDICT_ORPHAN;
	case REACH_KERNEL:
		if (f->recorded == RECORDED_OTHER)
			return VERDICT_MISMATCH;
		if (f->recorded == RECORDED_GARBAGE || f->recorded == RECORDED_NUMBER)
			return VERDICT_STALE;
		return VERDICT_KERNEL;
	case REACH_PTI_ROOT:
		return VERDICT_PTI_USER;
	case REACH_CROSS:
		return VERDICT_CROSS_LINKED;
	case REACH_SHARED:
		return VERDICT_SHARED;
	case REACH_ONE:
		break;
	}

	if (f->typed == TYPED_NO)
		return VERDICT_UNTYPED;
	switch (f->recorded) {
	case RECORDED_NOT_HERE:
	case RECORDEDS:
		return VERDICT_UNRECORDED;
	case RECORDED_NUMBER:
		return VERDICT_NOT_A_POINTER;
	/* A user's table is no boot-time table: its reserved flag excuses nothing. */
	case RECORDED_RESERVED:
	case RECORDED_NOTHING:
		return VERDICT_UNSET;
	case RECORDED_GARBAGE:
		return VERDICT_STALE;
	case RECORDED_INIT:
	case RECORDED_OTHER:
		return VERDICT_MISMATCH;
	case RECORDED_OWN:
		break;
	}
	return VERDICT_MATCH;
}

static const char *const names[VERDICTS] = {
	[VERDICT_IN_FLIGHT] = "in-flight",
	[VERDICT_UNREADABLE] = "unreadable",
	[VERDICT_DEPOSITED] = "deposited",
	[VERDICT_ORPHAN] = "orphan",
	[VERDICT_KERNEL] = "kernel",
	[VERDICT_PTI_USER] = "pti-user",
	[VERDICT_CROSS_LINKED] = "cross-linked",
	[VERDICT_SHARED] = "shared",
	[VERDICT_UNTYPED] = "untyped",
	[VERDICT_UNRECORDED] = "unrecorded",
	[VERDICT_NOT_A_POINTER] = "not-a-pointer",
	[VERDICT_UNSET] = "unset",
	[VERDICT_STALE] = "stale",
	[VERDICT_MISMATCH] = "mismatch",
	[VERDICT_MATCH] = "match",
};

static const char *const whys[WHYS] = {
	[WHY_LOCK] = "lock held",
	[WHY_SECOND_LOOK] = "a second look differed",
	[WHY_INIT_MM] = "init_mm",
	[WHY_OWN_MM] = "own mm",
	[WHY_RESERVED] = "reserved",
	[WHY_UNSET] = "nothing recorded",
	[WHY_UNRECORDED] = "level not recorded",
	[WHY_INHERITED] = "by its parent table",
	[WHY_LIMBO] = "in RCU limbo",
	[WHY_EMPTY] = "empty: leaked or in RCU limbo",
	[WHY_BELOW_UNREADABLE] = "perhaps below an unreadable table",
	[WHY_TWICE] = "linked more than once",
};

const char *verdict_name(enum verdict v)
{
	return (unsigned)v < VERDICTS ? names[v] : "?";
}

int verdict_by_name(const char *name)
{
	for (int i = 0; i < VERDICTS; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

const char *why_name(enum why w)
{
	return (unsigned)w < WHYS ? whys[w] : NULL;
}

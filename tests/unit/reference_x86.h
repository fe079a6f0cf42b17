/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reference_x86.h - x86-64 paging a second time, slowly.
 *
 * The unit tests hold arch/ and walker/table/ against this. It shares no header
 * and no constant with them: every bit of every entry is looked up in a row of
 * 64 letters copied from the manual's tables, and a tree is enumerated by plain
 * recursion. It is meant to be checked by reading, not to be fast.
 */
#ifndef PTMM_TEST_REFERENCE_X86_H
#define PTMM_TEST_REFERENCE_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ref_kind {
	REF_NONE, REF_TABLE, REF_LEAF, REF_HUGE, REF_PROTNONE, REF_SWAP, REF_BAD,
};

struct ref_cpu {
	int levels;		/* 4 or 5 */
	int maxphyaddr;
	bool nx;
	bool huge_1g;
	bool linux_rules;	/* of entries that are not present; else: any bit = swap */
};

/* Memory as the reference sees it: the 512 words of a frame. */
struct ref_memory {
	void *ctx;
	bool (*is_ram)(void *ctx, uint64_t gpa);
	const uint64_t *(*frame)(void *ctx, uint64_t gpa);	/* NULL: unreadable */
};

enum ref_kind ref_kind(const struct ref_cpu *, int level, uint64_t raw);
/* Of a table, a leaf, or the page that a PROT_NONE entry keeps. */
uint64_t ref_addr(const struct ref_cpu *, int level, uint64_t raw);
/* What the entry alone grants. */
void ref_rights(const struct ref_cpu *, uint64_t raw, bool *w, bool *u, bool *x);

enum ref_outcome { REF_MAPPED, REF_NOT_MAPPED, REF_MALFORMED, REF_UNREADABLE, REF_NOT_CANONICAL };

struct ref_translation {
	enum ref_outcome outcome;
	enum ref_kind kind;	/* of the last entry read; REF_NONE if there was none */
	int level;		/* of the table where it ended */
	int entries;		/* read */
	uint64_t entry[5], at[5];
	uint64_t gpa, size;	/* mapped or PROT_NONE */
	bool outside_ram;
	bool w, u, x;
};

void ref_translate(const struct ref_cpu *, const struct ref_memory *, uint64_t cr3, uint64_t va,
		   struct ref_translation *);

/* What a walk of a range has to say, in order. Holes are merged within a table. */
enum ref_event_type {
	REF_ENTER, REF_LEAVE, REF_ENTRY, REF_HOLE, REF_OUTSIDE_RAM, REF_NOT_READ, REF_AGAIN,
};

struct ref_event {
	enum ref_event_type type;
	int level;		/* of the table that the event is about or in */
	uint64_t gpa;		/* the table; of REF_ENTRY: the entry's place */
	uint64_t raw;
	enum ref_kind kind;
	bool w, u, x;
	uint64_t first, last;	/* none for REF_ENTER and REF_LEAVE */
};

enum { REF_EVENTS_MAX = 65536 };

struct ref_events {
	size_t count;
	struct ref_event event[REF_EVENTS_MAX];
};

/* Aborts where there are more than REF_EVENTS_MAX. */
void ref_walk(const struct ref_cpu *, const struct ref_memory *, uint64_t cr3,
	      uint64_t first, uint64_t last, struct ref_events *);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owner.h - the census of table pages, their owners, the verdicts.
 *
 * Owners are found by walking alone: nothing that the guest *recorded* (pt_mm)
 * changes an owner. The recorded word is compared afterwards.
 */
#ifndef PTMM_OWNER_H
#define PTMM_OWNER_H

#include "walker/kernel/kernel.h"

/* In the order of the table in verdict.c, first line that fits. */
enum verdict {
	VERDICT_IN_FLIGHT, VERDICT_UNREADABLE, VERDICT_DEPOSITED, VERDICT_ORPHAN,
	VERDICT_KERNEL, VERDICT_PTI_USER, VERDICT_CROSS_LINKED, VERDICT_SHARED,
	VERDICT_UNTYPED, VERDICT_UNRECORDED, VERDICT_NOT_A_POINTER, VERDICT_UNSET,
	VERDICT_STALE, VERDICT_MISMATCH, VERDICT_MATCH, VERDICTS
};

const char *verdict_name(enum verdict);	/* "in-flight", "cross-linked" ... */
int verdict_by_name(const char *);	/* -1: no such verdict */

struct census;

/* One level's inference: of `total` tables `agree` carry the word. */
struct level_agreement {
	uint8_t level;
	bool holds;		/* this kernel records/types this level */
	uint32_t agree, total;
};

struct census_options {
	uint8_t recorded_at;	/* bit per level, overrides the inference; 0: find out */
	uint8_t typed_at;
	uint64_t budget;	/* tables to read; 0: all (each frame of RAM is one at most) */
};

/* The machine should be paused; of one that runs, rows may be torn. */
struct census *census_take(const struct kernel *, const struct census_options *, struct err *);
void census_free(struct census *);

size_t census_tables(const struct census *);

/* One row, unpacked. Rows are sorted by (level descending, pfn). */
struct census_row {
	pfn_t pfn;
	uint8_t level;
	enum verdict verdict;
	const char *why;	/* what a verdict adds: "init_mm", "lock held"; or NULL */
	gva_t va;		/* of the first entry */
	int64_t parent;		/* row of the parent table, -1: a root, or none */
	uint16_t slot;		/* entry of the parent */
	uint32_t links;		/* how many entries (or, of a root, mms) point here */
	int64_t owner;		/* index into census_mms()->mms, -1: none or unknown */
	bool kernel_half;
	bool readable;
	bool limbo;		/* an orphan that waits for its grace period, known by a flag */
	bool maybe_limbo;	/* an empty orphan of a kernel without such a flag */
	bool maybe_below_unreadable;	/* an orphan whose mm has a table that cannot be read */
	uint16_t entries[PT_KINDS];
	const struct page_facts *page;	/* NULL: the memmap has none */
};

void census_row(const struct census *, size_t row, struct census_row *);
/* All owners of a row (one, or the sharers), as indices of mms; returns how many. */
size_t census_owners(const struct census *, size_t row, uint32_t *owners, size_t max);
/* Row of a frame at a level (level -1: any), or -1. */
int64_t census_find(const struct census *, pfn_t, int level);

const struct kernel_mms *census_mms(const struct census *);
const struct level_agreement *census_recorded_at(const struct census *, size_t *levels);
const struct level_agreement *census_typed_at(const struct census *, size_t *levels);
/* Bytes of PTE, PMD and PUD tables that the census counted for an mm. */
uint64_t census_pgtables_bytes(const struct census *, uint32_t mm);
/* Of these: bytes that the mm's own book may or may not hold (whose are they?). */
uint64_t census_disputed_bytes(const struct census *, uint32_t mm);
/* Is the mm at rest and wholly seen, so that its book can be judged? */
bool census_mm_settled(const struct census *, uint32_t mm);

/* What is wrong with an entry rather than with a table page. */
enum anomaly_kind {
	ANOMALY_BAD_ENTRY,	/* reserved bits are set */
	ANOMALY_BEYOND_RAM,	/* points to a table outside RAM */
	ANOMALY_SELF_MAP,	/* points to a table of another level */
	ANOMALY_KERNEL_HALF,	/* a PGD's kernel half differs from init_mm's */
};

struct anomaly {
	pfn_t pfn;		/* the table that holds the entry */
	uint64_t raw;		/* the entry */
	uint64_t other;		/* the target's frame; of KERNEL_HALF: init_mm's entry */
	uint8_t kind;		/* enum anomaly_kind */
	uint8_t level;		/* of the table that holds it */
	uint16_t slot;
};

/* In the order of the walk; those beyond a limit are only counted. */
const struct anomaly *census_anomalies(const struct census *, size_t *count, size_t *dropped);
/* A budget ran out or a structure was cut short: why, or NULL. */
const char *census_incomplete(const struct census *);

/*
 * Settles a census of a paused guest that may have been stopped half-way: rows
 * that `second`, taken after the guest ran on a little, judges otherwise become
 * in-flight in `first`.
 */
void census_settle(struct census *first, const struct census *second);

#endif

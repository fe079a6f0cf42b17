/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * census_impl.h - how a census is kept. Private to walker/owner.
 *
 * A census is made in stages, one file each, that hand on this struct:
 *	reach.c    walks down from every root, level by level     -> rows, owners
 *	pages.c    passes once over the memmap                    -> facts, orphans, deposits
 *	rows.c     sorts by (level descending, pfn)
 *	infer.c    finds out which levels are recorded and typed
 *	judge.c    states each row's facts; verdict.c judges them
 */
#ifndef PTMM_CENSUS_IMPL_H
#define PTMM_CENSUS_IMPL_H

#include "walker/owner/owner.h"

#define NO_ROW UINT32_MAX
#define NO_FACTS UINT32_MAX

/*
 * Who owns a row: an mm's index, or a set's (several owners), or, while rows of
 * its level are still being linked, the head of a list of these two.
 */
#define OWNER_NONE UINT32_MAX
#define OWNER_SET 0x80000000u
#define OWNER_LIST 0x40000000u
#define OWNER_INDEX 0x3fffffffu

#define TABLE_ALIGN 64		/* of copies of tables */
#define ROW_PFN_BITS 40
#define ROW_LINKS_MAX ((1u << 24) - 1)

enum row_origin { ROW_REACHED, ROW_PTI_ROOT, ROW_UNREACHED, ROW_DEPOSIT };

/* Packed from the start: a big guest has tens of millions of tables. */
struct row {
	uint64_t pfn : ROW_PFN_BITS;
	uint64_t level : 3;
	uint64_t verdict : 4;
	uint64_t why : 4;	/* enum why */
	uint64_t slot : 11;	/* entry of the parent */
	uint64_t kernel_half : 1;
	uint64_t readable : 1;

	/* Entries by kind. LEAF exists at level 0 and HUGE above only; NONE is the rest. */
	uint64_t tables : 12;
	uint64_t mapped : 12;
	uint64_t protnone : 12;
	uint64_t swap : 12;
	uint64_t bad : 12;

	uint32_t parent;
	uint32_t owner;
	uint32_t facts;
	uint32_t links : 24;
	uint32_t origin : 2;	/* enum row_origin */
	uint32_t root : 1;	/* an mm names it */
	uint32_t twice : 1;	/* two links by its only owner */
	uint32_t cross : 1;	/* several owners and no legitimate reason */
	uint32_t held : 1;	/* the lock of its own entries is held */
};

_Static_assert(sizeof(struct row) == 32, "a row is 32 bytes");

enum why {
	WHY_NOTHING, WHY_LOCK, WHY_SECOND_LOOK, WHY_INIT_MM, WHY_OWN_MM, WHY_RESERVED,
	WHY_UNSET, WHY_UNRECORDED, WHY_INHERITED, WHY_LIMBO, WHY_EMPTY, WHY_BELOW_UNREADABLE,
	WHY_TWICE, WHYS
};

/* Frames of RAM numbered without holes, and the row of each. */
struct frame_map {
	const struct machine *machine;
	uint64_t *base;		/* of each region: number of its first frame */
	uint64_t frames;
	uint32_t *row;		/* row + 1; 0: none. Pages of it are touched on demand. */
};

struct owner_sets {
	struct { uint32_t ref, next; } *node;
	uint32_t nodes, node_room;
	struct { uint32_t first, count; } *set;
	uint32_t sets, set_room;
	uint32_t *member;
	uint32_t members, member_room;
	uint32_t *hash;		/* set + 1 */
	uint32_t hash_room;
	uint32_t *scratch;
	size_t scratch_room;
	uint64_t work;		/* members looked at: bounded */
};

struct facts {
	struct page_facts *list;
	uint32_t count, room;
	uint32_t *hash;		/* index + 1 */
	uint32_t hash_room;
};

#define ANOMALIES_MAX 10000

struct anomalies {
	struct anomaly *list;
	size_t count, dropped;
};

struct mm_book {
	uint64_t counted, disputed;
	bool unsettled;		/* a lock is held, or a table could not be read */
	bool unreadable;
};

struct census {
	const struct kernel *kernel;
	struct machine *machine;
	const struct pt_decode *decode;
	const struct pt_format *format;
	struct kernel_mms mms;

	struct row *rows;
	uint32_t count, room;
	struct frame_map map;
	struct owner_sets owners;
	struct facts facts;
	struct anomalies anomalies;
	struct mm_book *book;			/* of each mm */

	uint64_t budget;
	bool pages_typed;			/* types could be read at all */
	uint64_t limbo_flag;			/* of page->flags; 0: this kernel has none */
	struct level_agreement recorded[PT_LEVELS_MAX], typed[PT_LEVELS_MAX];
	bool kernel_recorded[PT_LEVELS_MAX];
	char incomplete[200];
};

/* census.c: the order that a census keeps its anomalies in, for qsort() and bsearch(). */
int anomaly_by_place(const void *, const void *);

/* rows.c */
bool frame_map_init(struct frame_map *, const struct machine *, struct err *);
void frame_map_free(struct frame_map *);
/* Slot of a frame in map.row, or -1 if it is no RAM. */
int64_t frame_number(const struct frame_map *, pfn_t);
/* A new row; *row is its index. The frame must be RAM and have no row. */
bool row_new(struct census *, pfn_t, int64_t frame, unsigned level, uint32_t *row, struct err *);
uint32_t row_of_frame(const struct census *, pfn_t);
void row_set_entries(struct row *, const struct pt_scan *, unsigned level);
bool rows_sort(struct census *, struct err *);
gva_t row_va(const struct census *, const struct row *);
void census_note(struct census *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for one more; bytes is the size of an element. */
bool array_grow(void **array, uint32_t count, uint32_t *room, size_t bytes, struct err *);

/* owners.c */
bool owners_add(struct census *, struct row *, uint32_t ref, struct err *);
/* Turns the lists of rows [first, end) into sets. */
bool owners_close(struct census *, uint32_t first, uint32_t end, struct err *);
/* The owners of a row; *count of them, sorted. */
const uint32_t *owners_of(const struct census *, const struct row *, uint32_t *count);
void owners_free(struct owner_sets *);

/* reach.c */
bool census_reach(struct census *, struct err *);

/* facts.c */
bool facts_intern(struct facts *, const struct page_facts *, uint32_t *index, struct err *);
void facts_free(struct facts *);
const struct page_facts *row_facts(const struct census *, const struct row *);

/* pages.c, deposits.c, orphans.c */
bool census_pages(struct census *, struct err *);
void census_deposits(struct census *);
void census_orphan_levels(struct census *);

/* infer.c */
void census_infer(struct census *, const struct census_options *);

/* judge.c */
void census_judge(struct census *);

/* verdict.c */
enum reach {
	REACH_NONE, REACH_DEPOSIT, REACH_KERNEL, REACH_PTI_ROOT, REACH_CROSS, REACH_SHARED,
	REACH_ONE, REACHES
};
enum recorded {
	RECORDED_NOT_HERE,	/* this kernel does not record this level */
	RECORDED_RESERVED,	/* a boot-time table: predates recording */
	RECORDED_NOTHING,
	RECORDED_OWN,		/* the mm that owns it by walking */
	RECORDED_INIT,		/* init_mm */
	RECORDED_OTHER,		/* another live mm */
	RECORDED_NUMBER,	/* a count, no pointer */
	RECORDED_GARBAGE,	/* a pointer that is no live mm */
	RECORDEDS
};
enum typed { TYPED_YES, TYPED_NO, TYPED_NOT_HERE, TYPEDS };

struct verdict_facts {
	bool in_flight, unreadable;
	enum reach reach;
	enum recorded recorded;
	enum typed typed;
};

enum verdict verdict_of(const struct verdict_facts *);
const char *why_name(enum why);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * rss.c - an mm's counters of its pages, with all their parts.
 *
 * Up to 6.1 struct mm_rss_stat has one number per kind, and each thread keeps
 * what it has not added yet in task->rss_stat. Since 6.2 (commit f1a7941243c1) each
 * kind is a percpu_counter: the number in it and one more per CPU.
 */
#include <inttypes.h>

#include "walker/kernel/kernel_impl.h"

enum { KINDS_MAX = 16, CPUS_MAX = 1024 };

struct counters {
	const struct kernel *k;
	unsigned kinds;
	uint32_t stride;		/* bytes from one kind's counter to the next */
	struct member count, per_cpu;	/* within one; per_cpu.size 0: no such part */
	gva_t offsets;			/* __per_cpu_offset */
	uint32_t cpus;
};

static bool counters_find(struct counters *c, struct err *err)
{
	const struct profile *p = c->k->profile;
	const struct member *rss = &c->k->f.mm_rss;
	int64_t kinds = 4;
	uint32_t size;
	gva_t nr_cpus;

	if (!rss->size)
		return err_set(err, ERR_MISSING, 0, "type mm_struct has no member rss_stat");
	profile_enumerator(p, NULL, "NR_MM_COUNTERS", &kinds, NULL);
	if (kinds < 4 || kinds > KINDS_MAX || rss->size % kinds)
		return err_set(err, ERR_MALFORMED, 0, "rss_stat has a strange size");
	c->kinds = (unsigned)kinds;
	c->stride = rss->size / c->kinds;
	if (c->stride == 8) {
		c->count = (struct member){ .size = 8 };
		return true;
	}
	if (!profile_sizeof(p, "percpu_counter", &size, err) ||
	    !profile_member(p, "percpu_counter", "count", &c->count, err) ||
	    !profile_member(p, "percpu_counter", "counters", &c->per_cpu, err) ||
	    !profile_symbol(p, "__per_cpu_offset", &c->offsets, err))
		return false;
	if (size != c->stride)
		return err_set(err, ERR_MALFORMED, 0, "rss_stat has a strange size");
	c->cpus = 1;
	if (profile_symbol(p, "nr_cpu_ids", &nr_cpus, NULL) &&
	    !kernel_read(c->k, nr_cpus, &c->cpus, sizeof(c->cpus), err))
		return false;
	if (c->cpus > CPUS_MAX)
		return err_set(err, ERR_MALFORMED, 0, "nr_cpu_ids says %" PRIu32 " CPUs",
			       c->cpus);
	return true;
}

static bool counter_read(const struct counters *c, gva_t mm, unsigned kind, int64_t *sum,
			 struct err *err)
{
	gva_t at = mm + c->k->f.mm_rss.offset + (gva_t)kind * c->stride;
	uint64_t per_cpu, base;

	if (!kernel_read_signed(c->k, at, &c->count, sum, err))
		return false;
	if (!c->per_cpu.size)
		return true;
	if (!kernel_read_member(c->k, at, &c->per_cpu, &per_cpu, err))
		return false;
	for (uint32_t cpu = 0; cpu < c->cpus; cpu++) {
		int32_t part;

		if (!kernel_read_u64(c->k, c->offsets + 8 * (gva_t)cpu, &base, err) ||
		    !kernel_read(c->k, per_cpu + base, &part, sizeof(part), err))
			return false;
		*sum = (int64_t)((uint64_t)*sum + (uint64_t)(int64_t)part);
	}
	return true;
}

/* What the mm's threads have not added to its counters yet. */
static bool add_cached(const struct counters *c, const struct kernel_mms *mms,
		       const struct mm *mm, int64_t *sum, struct err *err)
{
	const struct member *cache = &c->k->f.task_rss;

	if (cache->size != c->kinds * 4)
		return true;
	for (uint32_t i = 0; i < mm->task_count; i++) {
		const struct task *task = &mms->tasks[mms->tasks_of[mm->first_task + i]];
		int32_t part[KINDS_MAX];

		if (!kernel_read(c->k, task->at + cache->offset, part, cache->size, err))
			return false;
		for (unsigned kind = 0; kind < c->kinds; kind++)
			sum[kind] = (int64_t)((uint64_t)sum[kind] + (uint64_t)(int64_t)part[kind]);
	}
	return true;
}

static int64_t by_name(const struct counters *c, const int64_t *sum, const char *name,
		       unsigned usual)
{
	int64_t kind = usual;

	profile_enumerator(c->k->profile, NULL, name, &kind, NULL);
	return kind >= 0 && kind < c->kinds ? sum[kind] : 0;
}

bool kernel_read_rss(const struct kernel *k, const struct kernel_mms *mms, uint32_t mm,
		     struct mm_rss *rss, struct err *err)
{
	struct counters c = { .k = k };
	int64_t sum[KINDS_MAX];

	if (!counters_find(&c, err))
		return false;
	for (unsigned kind = 0; kind < c.kinds; kind++)
		if (!counter_read(&c, mms->mms[mm].at, kind, &sum[kind], err))
			return false;
	if (!add_cached(&c, mms, &mms->mms[mm], sum, err))
		return false;
	*rss = (struct mm_rss){
		.file = by_name(&c, sum, "MM_FILEPAGES", 0),
		.anon = by_name(&c, sum, "MM_ANONPAGES", 1),
		.swap = by_name(&c, sum, "MM_SWAPENTS", 2),
		.shmem = by_name(&c, sum, "MM_SHMEMPAGES", 3),
	};
	return true;
}

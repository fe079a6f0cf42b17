// SPDX-License-Identifier: GPL-2.0-only
/* entries.c - checks of single entries: what the census met on its way. */
#include <inttypes.h>

#include "walker/check/check_impl.h"

static const struct pt_format *format_of(const struct check_run *run)
{
	return kernel_space(run->kernel)->decode.format;
}

/* Where the entry lies: its table, that table's owner, the address it serves. */
static struct finding finding_at(const struct check_run *run, const char *check,
				 const struct anomaly *a)
{
	int64_t at = census_find(run->census, a->pfn, a->level);
	struct finding f = {
		.check = check, .severity = SEVERITY_ERROR, .has_pfn = true, .pfn = a->pfn,
	};
	struct census_row row;

	if (at < 0)
		return f;
	census_row(run->census, (size_t)at, &row);
	if (row.owner >= 0) {
		f.has_mm = true;
		f.mm = census_mms(run->census)->mms[row.owner].at;
	}
	f.has_va = true;
	f.va = pt_make_canonical(format_of(run), row.va + ((gva_t)a->slot <<
							    format_of(run)->level[a->level].shift));
	return f;
}

static void for_each_anomaly(struct check_run *run, enum anomaly_kind kind,
			     void (*fn)(struct check_run *, const struct anomaly *))
{
	size_t count, dropped;
	const struct anomaly *list = census_anomalies(run->census, &count, &dropped);

	for (size_t i = 0; i < count; i++)
		if (list[i].kind == kind)
			fn(run, &list[i]);
}

static void kernel_half(struct check_run *run, const struct anomaly *a)
{
	struct finding at = finding_at(run, "kernel_half", a);

	finding_add(run, &at, "slot %u of the PGD 0x%" PRIx64 " is 0x%" PRIx64
		    ", of init_mm's 0x%" PRIx64, a->slot, a->pfn, a->raw, a->other);
}

/* All mms see one kernel: accessed and dirty bits aside, and PTI's LDT slot. */
void check_kernel_half(struct check_run *run)
{
	for_each_anomaly(run, ANOMALY_KERNEL_HALF, kernel_half);
}

static void self_map(struct check_run *run, const struct anomaly *a)
{
	struct finding at = finding_at(run, "self_map", a);
	int64_t target = census_find(run->census, a->other, -1);
	struct census_row row;

	if (a->pfn == a->other) {
		finding_add(run, &at, "entry %u of the %s table 0x%" PRIx64 " leads to itself",
			    a->slot, format_of(run)->level[a->level].name, a->pfn);
		return;
	}
	if (target < 0)
		return;
	census_row(run->census, (size_t)target, &row);
	finding_add(run, &at, "entry %u of the %s table 0x%" PRIx64 " leads to 0x%" PRIx64
		    ", a %s table", a->slot, format_of(run)->level[a->level].name, a->pfn,
		    a->other, format_of(run)->level[row.level].name);
}

/* A table has one level. One that maps itself gives its mm the keys to its tables. */
void check_self_map(struct check_run *run)
{
	for_each_anomaly(run, ANOMALY_SELF_MAP, self_map);
}

static void bad_entry(struct check_run *run, const struct anomaly *a)
{
	struct finding at = finding_at(run, "bad_entry", a);

	finding_add(run, &at, "entry %u of the %s table 0x%" PRIx64 " has reserved bits set: 0x%"
		    PRIx64, a->slot, format_of(run)->level[a->level].name, a->pfn, a->raw);
}

/* The CPU faults on an entry with reserved bits, and never on a right one. */
void check_bad_entry(struct check_run *run)
{
	size_t count, dropped;

	for_each_anomaly(run, ANOMALY_BAD_ENTRY, bad_entry);
	census_anomalies(run->census, &count, &dropped);
	/* The census keeps so many of them: the rest are counted, not listed. */
	run->findings->dropped += dropped;
}

static void beyond_ram(struct check_run *run, const struct anomaly *a)
{
	struct finding at = finding_at(run, "beyond_ram", a);

	if (a->level == format_of(run)->levels) {
		at = (struct finding){
			.check = "beyond_ram", .severity = SEVERITY_ERROR,
			.has_pfn = true, .pfn = a->other, .has_mm = true, .mm = a->raw,
		};
		finding_add(run, &at, "the PGD of mm 0x%" PRIx64 ", frame 0x%" PRIx64
			    ", is not RAM", a->raw, a->other);
		return;
	}
	finding_add(run, &at, "entry %u of the %s table 0x%" PRIx64 " leads to frame 0x%" PRIx64
		    ", which is not RAM", a->slot, format_of(run)->level[a->level].name,
		    a->pfn, a->other);
}

/* A table can only lie in RAM. */
void check_beyond_ram(struct check_run *run)
{
	for_each_anomaly(run, ANOMALY_BEYOND_RAM, beyond_ram);
}

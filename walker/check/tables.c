// SPDX-License-Identifier: GPL-2.0-only
/* tables.c - checks of table pages and of the books about them. */
#include <inttypes.h>
#include <stdio.h>

#include "walker/check/check_impl.h"

static const struct pt_format *format_of(const struct check_run *run)
{
	return kernel_space(run->kernel)->decode.format;
}

static const struct mm *mm_of(const struct check_run *run, int64_t index)
{
	return index < 0 ? NULL : &census_mms(run->census)->mms[index];
}

static struct finding finding_at(const struct check_run *run, const char *check,
				 enum severity severity, const struct census_row *row)
{
	const struct mm *mm = mm_of(run, row->owner);
	struct finding f = {
		.check = check, .severity = severity, .has_pfn = true, .pfn = row->pfn,
	};

	if (mm) {
		f.has_mm = true;
		f.mm = mm->at;
		f.has_va = true;
		f.va = row->va;
	}
	return f;
}

/* "pid 7 (sparse)", "efi_mm" or "mm 0x..." */
static const char *owner_text(const struct check_run *run, int64_t index, char *buf, size_t size)
{
	const struct kernel_mms *mms = census_mms(run->census);
	const struct mm *mm = mm_of(run, index);

	if (!mm)
		snprintf(buf, size, "nobody");
	else if (mm->name)
		snprintf(buf, size, "%s", mm->name);
	else if (mm->task_count)
		snprintf(buf, size, "pid %" PRId32 " (%s)",
			 mms->tasks[mms->tasks_of[mm->first_task]].pid,
			 mms->tasks[mms->tasks_of[mm->first_task]].comm);
	else
		snprintf(buf, size, "mm 0x%" PRIx64, mm->at);
	return buf;
}

/*
 * An empty table that nothing links to may be new, waiting to be linked by a
 * fault; or unlinked, waiting for its grace period: since Linux 6.6 (pte_free_defer())
 * tables may be typed until then, and since 6.14 all are. There can be hundreds.
 */
static bool limbo_is_usual(const struct check_run *run, const struct census_row *row)
{
	return row->maybe_limbo && kernel_is_since(run->kernel, 6, 6);
}

static void limbo_note(struct check_run *run)
{
	struct finding at = {
		.check = verdict_name(VERDICT_ORPHAN), .severity = SEVERITY_NOTE, .has_pfn = true,
	};
	size_t count = 0, tables = census_tables(run->census);
	struct census_row row;

	for (size_t i = 0; i < tables; i++) {
		census_row(run->census, i, &row);
		if (row.verdict != VERDICT_ORPHAN || !limbo_is_usual(run, &row))
			continue;
		if (!count++)
			at.pfn = row.pfn;
	}
	if (count)
		finding_add(run, &at, "%zu table%s typed and empty, and no root reaches %s: in RCU "
			    "limbo, new, or leaked (0x%" PRIx64 "%s)", count,
			    count == 1 ? " is" : "s are", count == 1 ? "it" : "them", at.pfn,
			    count == 1 ? "" : " is the first");
}

static void verdict_find(struct check_run *run, size_t index, const struct census_row *row)
{
	const char *level = format_of(run)->level[row->level].name;
	struct finding at = finding_at(run, verdict_name(row->verdict), SEVERITY_ERROR, row);
	uint64_t recorded = row->page ? row->page->recorded : 0;
	char owner[64];

	owner_text(run, row->owner, owner, sizeof(owner));
	switch (row->verdict) {
	case VERDICT_ORPHAN:
		if (row->limbo || limbo_is_usual(run, row))
			break;
		/* No proof of a leak; nor where a part of the guest was not walked. */
		if (row->maybe_below_unreadable || row->maybe_limbo ||
		    census_incomplete(run->census))
			at.severity = SEVERITY_WARNING;
		finding_add(run, &at, "%s table 0x%" PRIx64 " is typed but no root reaches it%s%s",
			    level, row->pfn, row->why ? ": " : "", row->why ? row->why : "");
		break;
	case VERDICT_UNTYPED:
		finding_add(run, &at, "%s table 0x%" PRIx64 " of %s is not typed as a table",
			    level, row->pfn, owner);
		break;
	case VERDICT_UNSET:
		finding_add(run, &at, "%s table 0x%" PRIx64 " of %s records no mm",
			    level, row->pfn, owner);
		break;
	case VERDICT_STALE:
		finding_add(run, &at, "%s table 0x%" PRIx64 " of %s records 0x%" PRIx64
			    ", no live mm", level, row->pfn, owner, recorded);
		break;
	case VERDICT_MISMATCH:
		finding_add(run, &at, "%s table 0x%" PRIx64 " of %s records another mm, 0x%" PRIx64,
			    level, row->pfn, owner, recorded);
		break;
	case VERDICT_CROSS_LINKED:
		/* Tables below a cross-linked one inherit the verdict, not the fault. */
		if (row->links < 2)
			break;
		finding_add(run, &at, "%s table 0x%" PRIx64 " is linked %" PRIu32
			    " times, by %zu owners, without a reason", level, row->pfn,
			    row->links, census_owners(run->census, index, NULL, 0));
		break;
	default:
		break;
	}
}

/*
 * Every table page is reached by its one owner, typed and recorded as such.
 * Rows in flight are not judged; what only a sharer, a kernel table or a level
 * that is not recorded explains is no fault.
 */
void check_verdicts(struct check_run *run)
{
	size_t count = census_tables(run->census);
	struct census_row row;

	for (size_t i = 0; i < count; i++) {
		census_row(run->census, i, &row);
		verdict_find(run, i, &row);
	}
	limbo_note(run);
}

/* Every table can be read: what lies below one that cannot is not seen. */
void check_unreadable(struct check_run *run)
{
	size_t count = census_tables(run->census);
	struct census_row row;
	char owner[64];

	for (size_t i = 0; i < count; i++) {
		struct finding at;

		census_row(run->census, i, &row);
		if (row.readable)
			continue;
		at = finding_at(run, "unreadable", SEVERITY_WARNING, &row);
		finding_add(run, &at, "%s table 0x%" PRIx64 " of %s cannot be read",
			    format_of(run)->level[row.level].name, row.pfn,
			    owner_text(run, row.owner, owner, sizeof(owner)));
	}
}

/*
 * mm->pgtables_bytes counts the mm's PTE, PMD and PUD tables: deposited ones
 * too, and a shared PMD table once for every sharer. A table in dispute (it is
 * cross-linked, or was freed while linked) may be in the book or not. An mm at
 * rest only.
 */
void check_pgtables_bytes(struct check_run *run)
{
	const struct kernel_mms *mms = census_mms(run->census);

	for (uint32_t i = 0; i < mms->mm_count; i++) {
		const struct mm *mm = &mms->mms[i];
		int64_t counted = (int64_t)census_pgtables_bytes(run->census, i);
		int64_t disputed = (int64_t)census_disputed_bytes(run->census, i);
		struct finding at = {
			.check = "pgtables_bytes", .severity = SEVERITY_ERROR,
			.has_mm = true, .mm = mm->at,
		};
		char owner[64];

		if (!mm_is_user(mm) || !census_mm_settled(run->census, i))
			continue;
		if (mm->pgtables_bytes <= counted && mm->pgtables_bytes >= counted - disputed)
			continue;
		finding_add(run, &at, "%s says %" PRId64 " bytes of tables and has %" PRId64,
			    owner_text(run, i, owner, sizeof(owner)), mm->pgtables_bytes,
			    counted);
	}
}

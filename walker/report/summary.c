/* SPDX-License-Identifier: GPL-2.0-only */
/* summary.c - counts a census up, and names its owners. */
#include <inttypes.h>
#include <stdlib.h>

#include "walker/report/summary.h"

bool owner_list_fill(struct owner_list *owners, const struct census *census, size_t row,
		     struct err *err)
{
	for (;;) {
		size_t room = owners->room ? owners->room * 2 : 16;
		uint32_t *list;

		if (owners->list) {
			owners->count = census_owners(census, row, owners->list, owners->room);
			if (owners->count < owners->room)
				return true;
		}
		list = realloc(owners->list, room * sizeof(*list));
		if (!list)
			return err_set(err, ERR_NO_MEMORY, 0, "out of memory for %zu owners", room);
		owners->list = list;
		owners->room = room;
	}
}

static void summary_add(struct summary *s, const struct census_row *row,
			const struct owner_list *owners)
{
	s->tables++;
	s->by_level[row->level]++;
	s->by_verdict[row->verdict]++;
	if (!owners->count)
		s->ownerless++;
	for (size_t i = 0; i < owners->count; i++) {
		struct owner_summary *owner = &s->owners[owners->list[i]];

		owner->total++;
		owner->tables[row->level]++;
		owner->by_verdict[row->verdict]++;
		if (owners->count - 1 > owner->sharers) {
			owner->sharers = owners->count - 1;
			owner->shared_with = owners->list[i ? 0 : 1];
		}
	}
}

bool summary_make(struct summary *s, const struct report *report, struct err *err)
{
	const struct kernel_mms *mms = census_mms(report->census);
	struct owner_list owners = { 0 };
	bool ok = true;

	*s = (struct summary){ .owners = calloc(mms->mm_count + 1ul, sizeof(*s->owners)) };
	if (!s->owners)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for the summary");
	for (uint32_t i = 0; i < mms->mm_count; i++) {
		s->owners[i].shared_with = -1;
		s->spaces += mm_is_user(&mms->mms[i]);
	}
	for (size_t i = 0; ok && i < census_tables(report->census); i++) {
		struct census_row row;

		census_row(report->census, i, &row);
		ok = owner_list_fill(&owners, report->census, i, err);
		if (ok)
			summary_add(s, &row, &owners);
	}
	for (size_t i = 0; i < report->findings->count; i++)
		s->by_severity[report->findings->list[i].severity]++;
	free(owners.list);
	if (!ok)
		summary_free(s);
	return ok;
}

void summary_free(struct summary *s)
{
	free(s->owners);
	s->owners = NULL;
}

char *report_mm_label(const struct kernel_mms *mms, uint32_t index, char *buf, size_t size)
{
	const struct mm *mm = &mms->mms[index];

	if (mm->name) {
		snprintf(buf, size, "%s", mm->name);
	} else if (mm->task_count) {
		const struct task *task = &mms->tasks[mms->tasks_of[mm->first_task]];

		snprintf(buf, size, "pid %d %s", task->tgid, task->comm);
	} else {
		snprintf(buf, size, "mm 0x%" PRIx64, mm->at);
	}
	return buf;
}

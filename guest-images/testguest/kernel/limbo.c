/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limbo.c - tables are freed late, as under RCU: someone may still be walking
 * them without a lock. After unlinking and flushing a table waits until every CPU
 * has been in ring 3, idle, or in the scheduler; until then it is typed and names
 * its owner. Tables come and go in order, so an mm's PGD and with it the
 * mm_struct go last.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

struct queue { struct page *first, **end; };

/* `coming` gathers; `waiting` has seen[] as its beginning. */
static struct queue coming = { NULL, &coming.first }, waiting = { NULL, &waiting.first };
static uint64_t seen[CPUS_MAX];
static spinlock_t limbo_lock;
uint64_t nr_limbo;

void limbo_add(struct page *first, struct page **end)
{
	uint64_t count = 0;

	for (struct page *page = first; page; page = page->pt_next) {
		__atomic_or_fetch(&page->flags, 1ul << PG_limbo, __ATOMIC_RELAXED);
		count++;
	}
	spin_lock(&limbo_lock);
	*coming.end = first;
	coming.end = end;
	nr_limbo += count;
	spin_unlock(&limbo_lock);
}

static bool grace_period_over(void)
{
	for (unsigned i = 0; i < cpus_online; i++)
		if (READ_ONCE(cpus[i].quiescent) == seen[i])
			return false;
	return true;
}

static void table_free(struct page *table)
{
	struct mm_struct *mm = table->pt_mm;
	bool pgd = table->pt_level == pt_top();

	if (bug_keeps_owner(table))
		return;
	book_destruct(table);
	if (bug_holds_back(table))
		return;
	if (pgd && pti_on)
		free_pair(table);
	else
		free_page(table);
	if (pgd && !bug_pins_mm(mm))
		kfree(mm);
}

void mm_tick(void)
{
	struct page *table, *next;

	spin_lock(&limbo_lock);
	if (!grace_period_over()) {
		spin_unlock(&limbo_lock);
		return;
	}
	table = waiting.first;
	waiting.first = coming.first;
	waiting.end = coming.first ? coming.end : &waiting.first;
	coming.first = NULL;
	coming.end = &coming.first;
	for (unsigned i = 0; i < cpus_online; i++)
		seen[i] = READ_ONCE(cpus[i].quiescent);
	spin_unlock(&limbo_lock);

	for (; table; table = next) {
		next = table->pt_next;
		table_free(table);
		__atomic_sub_fetch(&nr_limbo, 1, __ATOMIC_RELAXED);
	}
}

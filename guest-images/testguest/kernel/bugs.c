/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs.c - faults on purpose, for the inspector to find. bug=NAME chooses one; it
 * is planted once, when the first (cross_link: the second) victim process asks, by
 * the code that would have such a bug: constructor, destructor, unlinking,
 * accounting, the sync of the kernel half, or a wrong word written by pt_set().
 *
 * All of them lie at BUG_VA of the victim, whose second 2 MiB holds an ordinary
 * page, so that the PMD table stays. The books keep saying what should be.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

#define BUG_VA	0x200000000000ull

enum bug {
	BUG_NONE, BUG_WRONG_PT_MM, BUG_NO_CTOR, BUG_NO_CLEAR_ON_FREE, BUG_FREED_BUT_LINKED,
	BUG_CROSS_LINK, BUG_ORPHAN, BUG_SELF_MAP, BUG_BEYOND_RAM, BUG_RESERVED_BITS,
	BUG_PGTABLES_BYTES_OFF, BUG_KERNEL_HALF_DIFFERS, BUGS
};

static const char *const names[BUGS] = {
	"", "wrong_pt_mm", "no_ctor", "no_clear_on_free", "freed_but_linked", "cross_link",
	"orphan", "self_map", "beyond_ram", "reserved_bits", "pgtables_bytes_off",
	"kernel_half_differs",
};

static enum bug wanted;		/* by the command line */
static enum bug armed;		/* the hooks act for victim */
static struct mm_struct *victim;
static struct mm_struct *other;	/* wrong_pt_mm: who is named; no_clear_on_free: who dies */
static struct page *hit;	/* the table that the bug is about */
static bool freed;		/* the hit table came out of limbo */
static unsigned calls;

void bugs_init(void)
{
	char value[32];

	if (!cmdline_get("bug", value, sizeof(value)))
		return;
	for (unsigned i = 1; i < BUGS; i++)
		if (!strcmp(value, names[i]))
			wanted = i;
	if (!wanted)
		panic("bug=%s: no such bug", value);
}

static bool acts(enum bug bug, const struct mm_struct *mm)
{
	return armed == bug && mm == victim;
}

struct mm_struct *bug_owner(struct mm_struct *mm, unsigned level)
{
	return level == 0 && acts(BUG_WRONG_PT_MM, mm) ? other : mm;
}

bool bug_no_ctor(struct mm_struct *mm, unsigned level)
{
	return level == 0 && acts(BUG_NO_CTOR, mm);
}

/* A "cache of constructed tables" that forgets that they had an owner. */
struct page *bug_new_table(struct mm_struct *mm, unsigned level)
{
	return level == 0 && acts(BUG_NO_CLEAR_ON_FREE, mm) ? hit : NULL;
}

bool bug_keeps_owner(struct page *table)
{
	if (wanted != BUG_NO_CLEAR_ON_FREE || !other || table->pt_mm != other || table->pt_level)
		return false;
	book_free(table);
	table->flags = 1ul << PG_used;
	hit = table;
	freed = true;
	return true;
}

/* The dead owner's mm_struct is not used again: its address stays nobody's. */
bool bug_pins_mm(struct mm_struct *mm)
{
	return wanted == BUG_NO_CLEAR_ON_FREE && mm == other;
}

bool bug_stays_linked(struct mm_struct *mm, unsigned level)
{
	return level == 1 && acts(BUG_FREED_BUT_LINKED, mm);
}

/* Free for all to see, but not given out: nobody else's page gets under the link. */
bool bug_holds_back(struct page *table)
{
	if (wanted != BUG_FREED_BUT_LINKED || table != hit)
		return false;
	table->flags = 1ul << PG_used;
	table->_refcount.counter = 0;
	table->page_type = PAGE_TYPE_NONE_WORD & ~(uint32_t)PG_buddy;
	freed = true;
	return true;
}

int64_t bug_count_times(struct mm_struct *mm)
{
	return acts(BUG_PGTABLES_BYTES_OFF, mm) ? 2 : 1;
}

bool bug_skips_sync(struct mm_struct *mm)
{
	return acts(BUG_KERNEL_HALF_DIFFERS, mm);
}

bool bug_never_frees(struct page *table)
{
	return table->pt_level == 0 && acts(BUG_ORPHAN, table->pt_mm);
}

/* The place of BUG_VA's entry at `level` of mm, made if need be. */
static struct pt_pos place_of(struct mm_struct *mm, unsigned level)
{
	struct pt_pos pos;

	if (pt_walk_alloc(mm, BUG_VA, level, &pos))
		panic("bug: no memory");
	return pos;
}

static struct page *table_at(struct mm_struct *mm, unsigned level)
{
	return virt_to_page(place_of(mm, level).table);
}

static void set_at(struct mm_struct *mm, unsigned level, uint64_t raw)
{
	struct pt_pos pos = place_of(mm, level);
	spinlock_t *lock = pt_lock_of(mm, &pos);

	spin_lock(lock);
	pt_set(mm, &pos, raw);
	spin_unlock(lock);
}

static void wait_freed(void)
{
	while (!READ_ONCE(freed))
		sleep_until(jiffies + 2);
}

/*
 * A bystander that may die: not init (the first on the list), and of a program that
 * keeps its mm. The first one there is, if the workload has none such.
 */
static struct mm_struct *bystander(const struct mm_struct *mm)
{
	struct mm_struct *found = NULL, *at;

	spin_lock(&pgd_lock);
	list_for_each_entry(at, &init_mm.mmlist, mmlist) {
		const struct task_struct *task = at->owner;

		if (at == mm)
			continue;
		if (!found)
			found = at;
		if (task && !strcmp(task->comm, "sparse")) {
			found = at;
			break;
		}
	}
	spin_unlock(&pgd_lock);
	return found;
}

/* An mm that lives just long enough to leave a table behind. */
static void leave_stale_table(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		panic("bug: no memory");
	place_of(mm, 0);
	other = mm;
	mmput(mm);
	wait_freed();
}

/* Returns the table to name, with its level, or NULL: not yet. */
static struct page *plant(struct mm_struct *mm, unsigned *level)
{
	victim = mm;
	*level = 0;
	switch (wanted) {
	case BUG_WRONG_PT_MM:
		other = bystander(mm);
		break;
	case BUG_NO_CLEAR_ON_FREE:
		leave_stale_table();
		break;
	case BUG_FREED_BUT_LINKED:
	case BUG_ORPHAN:
		hit = table_at(mm, 0);
		armed = wanted;
		sys_munmap(mm, BUG_VA, HUGE_SIZE);
		armed = BUG_NONE;
		if (wanted == BUG_FREED_BUT_LINKED)
			wait_freed();
		return hit;
	case BUG_CROSS_LINK:
		if (calls == 1) {
			hit = table_at(mm, 0);
			return NULL;
		}
		set_at(mm, 1, page_to_gpa(hit) | PT_TABLE_USER);
		return hit;
	case BUG_SELF_MAP:
		*level = 1;
		hit = table_at(mm, 1);
		set_at(mm, 1, page_to_gpa(hit) | PT_TABLE_USER);
		return hit;
	case BUG_BEYOND_RAM:
		*level = 1;
		set_at(mm, 1, pfn_to_gpa(max_pfn + 16) | PT_TABLE_USER);
		return table_at(mm, 1);
	case BUG_RESERVED_BITS:
		/* Bit 13 of a 2 MiB leaf is reserved on every CPU. */
		*level = 1;
		set_at(mm, 1, 1ull << 13 | X86_PTE_PSE | X86_PTE_P | X86_PTE_U);
		return table_at(mm, 1);
	case BUG_KERNEL_HALF_DIFFERS:
		*level = pt_top();
		armed = wanted;
		vmalloc(PAGE_SIZE);
		armed = BUG_NONE;
		return virt_to_page(mm->pgd);
	default:
		break;
	}
	/* The hook acts while the PTE table is made. */
	armed = wanted;
	hit = table_at(mm, 0);
	armed = BUG_NONE;
	return hit;
}

void bug_plant(struct mm_struct *mm)
{
	struct page *table;
	unsigned level;

	if (!wanted || (calls && wanted != BUG_CROSS_LINK) || calls == 2)
		return;
	calls++;
	if (sys_mmap(mm, BUG_VA, HUGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) < 0 ||
	    sys_mmap(mm, BUG_VA + HUGE_SIZE, HUGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) < 0 ||
	    mm_fault(mm, BUG_VA + HUGE_SIZE, 6))
		panic("bug: no memory");
	table = plant(mm, &level);
	if (table)
		doorbell(DOORBELL_BUG, (uint32_t)page_to_pfn(table), level, 0, 0);
}

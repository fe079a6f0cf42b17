// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched.c - one run queue for all CPUs, round robin.
 *
 * sched_lock guards states, the run queue and the sleepers. It is held across
 * the switch of stacks and let go by the task switched to: so a task is never
 * picked up before it has left its stack.
 */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

static LIST_HEAD(run_queue);
static LIST_HEAD(sleepers);
static uint64_t next_wake = UINT64_MAX;	/* no sleeper wants to wake before */

spinlock_t sched_lock;
uint64_t jiffies;
bool sched_preempt = true;

void switch_stacks(uint64_t *save_sp, uint64_t load_sp);

static void kick_idle(void)
{
	unsigned self = this_cpu()->id;

	for (unsigned i = 0; i < cpus_online; i++) {
		struct cpu *cpu = &cpus[i];

		if (cpu->current_task != cpu->idle || cpu->need_resched)
			continue;
		cpu->need_resched = 1;
		if (i != self)
			smp_kick(i);
		return;
	}
}

static void wake_locked(struct task_struct *t)
{
	if (t->__state != TASK_INTERRUPTIBLE)
		return;
	if (t->wake_at)
		list_del(&t->run_node);
	t->wake_at = 0;
	t->__state = TASK_RUNNING;
	list_add_tail(&t->run_node, &run_queue);
	kick_idle();
}

void wake_task(struct task_struct *t)
{
	spin_lock(&sched_lock);
	wake_locked(t);
	spin_unlock(&sched_lock);
}

/* A task made by task_alloc() and complete: let it run. */
void sched_start(struct task_struct *t)
{
	spin_lock(&sched_lock);
	t->__state = TASK_RUNNING;
	list_add_tail(&t->run_node, &run_queue);
	kick_idle();
	spin_unlock(&sched_lock);
}

/* Loads `next` in place of `old`, which stays whole: the caller has both pinned. */
void switch_mm(struct mm_struct *old, struct mm_struct *next)
{
	struct cpu *cpu = this_cpu();

	if (old == next)
		return;
	atomic_or32(&next->cpumask, 1u << cpu->id);
	write_cr3(mm_cr3(next));
	if (old != &init_mm)
		atomic_and32(&old->cpumask, ~(1u << cpu->id));
}

/* A task without an mm borrows what is loaded; the borrowed one is pinned. */
static void switch_active_mm(struct cpu *cpu, struct task_struct *prev, struct task_struct *next)
{
	struct mm_struct *old = prev->active_mm;

	cpu->prev_mm = NULL;
	if (!next->mm) {
		next->active_mm = old;
		if (prev->mm)
			mmgrab(old);
		else
			prev->active_mm = NULL;
		return;
	}
	switch_mm(old, next->mm);
	if (!prev->mm) {
		prev->active_mm = NULL;
		cpu->prev_mm = old;
	}
}

/* sched_lock is held, and is let go on the other side. */
static void switch_task(struct cpu *cpu, struct task_struct *prev, struct task_struct *next)
{
	if (prev->__state == TASK_RUNNING)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	switch_active_mm(cpu, prev, next);
	cpu->prev_task = prev;
	cpu->current_task = next;
	next->cpu = cpu->id;
	cpu->kernel_sp = (uint64_t)next + STACK_SIZE;
	if (!entry_pti)
		cpu->tss.rsp[0] = cpu->kernel_sp;
	switch_stacks(&prev->sp, next->sp);
	switch_finish();
}

/* The first thing on a new stack. */
void switch_finish(void)
{
	struct cpu *cpu = this_cpu();
	struct mm_struct *drop = cpu->prev_mm;
	struct task_struct *prev = cpu->prev_task;
	bool dead = prev->__state == TASK_DEAD;

	cpu->prev_mm = NULL;
	spin_unlock(&sched_lock);
	if (drop && drop != &init_mm)
		mmdrop(drop);
	if (dead)
		task_release(prev);
}

/* sched_lock is held. */
static void schedule_locked(void)
{
	struct cpu *cpu = this_cpu();
	struct task_struct *prev = current, *next = cpu->idle;

	cpu->need_resched = 0;
	cpu->quiescent++;
	if (prev->__state == TASK_RUNNING && prev != cpu->idle)
		list_add_tail(&prev->run_node, &run_queue);
	if (!list_empty(&run_queue)) {
		next = list_first_entry(&run_queue, struct task_struct, run_node);
		list_del(&next->run_node);
	}
	if (next != prev)
		switch_task(cpu, prev, next);
	else
		spin_unlock(&sched_lock);
}

void schedule(void)
{
	spin_lock(&sched_lock);
	schedule_locked();
}

/* Sleeps unless `*flag` is set already; whoever sets it calls wake_task() after. */
void sleep_unless(const uint32_t *flag, uint64_t wake_at)
{
	struct task_struct *t = current;

	spin_lock(&sched_lock);
	if (t->killed || (flag && READ_ONCE(*flag))) {
		spin_unlock(&sched_lock);
		return;
	}
	t->__state = TASK_INTERRUPTIBLE;
	t->wake_at = wake_at;
	if (wake_at) {
		list_add(&t->run_node, &sleepers);
		if (wake_at < next_wake)
			next_wake = wake_at;
	}
	schedule_locked();
}

void sleep_until(uint64_t wake_at)
{
	sleep_unless(NULL, wake_at);
}

static void notify_locked(struct task_struct *parent)
{
	parent->child_event = 1;
	wake_locked(parent);
}

/* The end: EXIT_ZOMBIE tells the parent, TASK_DEAD gives the stack back. */
void sched_exit(uint32_t state)
{
	struct task_struct *t = current;

	spin_lock(&sched_lock);
	t->__state = state;
	if (state == EXIT_ZOMBIE)
		notify_locked(t->real_parent);
	schedule_locked();
	panic("a dead task ran");
}

/* The child of an exiting task gets another parent; tasklist_lock is held. */
void sched_reparent(struct task_struct *child, struct task_struct *parent)
{
	spin_lock(&sched_lock);
	child->real_parent = parent;
	notify_locked(parent);
	spin_unlock(&sched_lock);
}

/* A task that is on its last way to EXIT_ZOMBIE: returns when it has left its stack. */
void sched_wait_zombie(const struct task_struct *t)
{
	while (READ_ONCE(t->__state) != EXIT_ZOMBIE) {
		smp_poll();
		cpu_relax();
	}
	/* The zombie's switch holds sched_lock until another stack is loaded. */
	spin_lock(&sched_lock);
	spin_unlock(&sched_lock);
}

/* A child of this task ended, or may have. */
void sched_notify(struct task_struct *parent)
{
	spin_lock(&sched_lock);
	notify_locked(parent);
	spin_unlock(&sched_lock);
}

static void wake_sleepers(void)
{
	struct task_struct *t, *n;

	spin_lock(&sched_lock);
	next_wake = UINT64_MAX;
	list_for_each_entry_safe(t, n, &sleepers, run_node) {
		if (t->wake_at <= jiffies)
			wake_locked(t);
		else if (t->wake_at < next_wake)
			next_wake = t->wake_at;
	}
	spin_unlock(&sched_lock);
}

/* The timer: it interrupts ring 3 and idle, never the rest of the kernel. */
void sched_tick(bool user)
{
	struct cpu *cpu = this_cpu();

	cpu->quiescent++;
	if (cpu->id == 0 && ++jiffies >= next_wake)
		wake_sleepers();
	if (user && sched_preempt && !list_empty(&run_queue))
		cpu->need_resched = 1;
}

void idle_loop(void)
{
	struct cpu *cpu = this_cpu();

	for (;;) {
		mce_drain();
		if (cpu->need_resched || !list_empty(&run_queue))
			schedule();
		else
			__asm__ volatile("sti; hlt; cli" ::: "memory");
	}
}

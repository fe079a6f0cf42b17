// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit.c - how tasks end, and who waits for them.
 *
 * A task ends itself, always, on its own way back to ring 3: kill only marks. A
 * leader stays a zombie until all its threads are gone and its parent asked.
 */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

/* Marks one task; it dies before it executes another instruction in ring 3. */
static void kill_one(struct task_struct *t, unsigned sig)
{
	if (!t->killed)
		WRITE_ONCE(t->killed, sig);
	if (cpus[t->cpu].current_task == t)
		smp_kick(t->cpu);
	wake_task(t);
}

/* tasklist_lock is held. */
static void kill_group(struct task_struct *leader, unsigned sig)
{
	struct task_struct *t;

	if (!leader->signal->group_exit) {
		leader->signal->group_exit = true;
		leader->signal->group_exit_code = (int)(128 + sig);
	}
	for_each_thread(leader, t)
		kill_one(t, sig);
}

static void exit_mm(struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	if (!mm)
		return;
	/* From here on it borrows what it owned, like any kernel thread. */
	mmgrab(mm);
	t->mm = NULL;
	if (mm->owner == t)
		mm->owner = NULL;
	mmput(mm);
}

/* Off all lists; tasklist_lock is held. */
static void unlist(struct task_struct *leader)
{
	list_del(&leader->sibling);
	list_del(&leader->tasks);
}

/* Children of a process that ends go to init. */
static void reparent_children(struct task_struct *leader)
{
	struct task_struct *child, *n;

	list_for_each_entry_safe(child, n, &leader->children, sibling) {
		list_del(&child->sibling);
		list_add_tail(&child->sibling, &reaper->children);
		sched_reparent(child, reaper);
	}
}

/* Ends the calling task alone. */
void task_exit(int code)
{
	struct task_struct *t = current, *leader = t->group_leader;
	uint32_t pid = (uint32_t)leader->pid, status;
	bool last;

	t->flags |= PF_EXITING;
	exit_mm(t);

	spin_lock(&tasklist_lock);
	t->exit_code = leader->signal->group_exit ? leader->signal->group_exit_code : code;
	last = --leader->signal->nr_threads == 0;
	if (t != leader)
		list_del(&t->thread_node);
	if (last) {
		if (leader == reaper)
			panic("Attempted to kill init! exitcode=%#x", (unsigned)leader->exit_code);
		reparent_children(leader);
		/* The leader ended before; its parent may reap it as soon as we unlock. */
		if (t != leader)
			sched_notify(leader->real_parent);
	}
	status = (uint32_t)leader->exit_code;
	spin_unlock(&tasklist_lock);

	if (last && !(t->flags & PF_KTHREAD))
		doorbell(DOORBELL_EXIT, pid, status, 0, 0);
	sched_exit(t == leader ? EXIT_ZOMBIE : TASK_DEAD);
}

/* Ends all threads of the caller's group. */
void exit_group(int code)
{
	struct task_struct *leader = current->group_leader, *t;

	spin_lock(&tasklist_lock);
	if (!leader->signal->group_exit) {
		leader->signal->group_exit = true;
		leader->signal->group_exit_code = code;
		for_each_thread(leader, t)
			if (t != current)
				kill_one(t, SIGKILL);
	}
	spin_unlock(&tasklist_lock);
	task_exit(code);
}

/* A zombie whose threads are all gone; tasklist_lock is held. */
static bool waitable(struct task_struct *child)
{
	return READ_ONCE(child->__state) == EXIT_ZOMBIE && child->signal->nr_threads == 0;
}

static struct task_struct *find_waitable(struct task_struct *parent, int64_t pid, bool *any)
{
	struct task_struct *child;

	*any = false;
	list_for_each_entry(child, &parent->children, sibling) {
		if (pid > 0 && child->pid != pid)
			continue;
		*any = true;
		if (waitable(child)) {
			unlist(child);
			return child;
		}
	}
	return NULL;
}

/* Waits for child pid (-1: any), stores its status, returns its pid. */
long sys_wait(int64_t pid, uint64_t status, bool nohang)
{
	struct task_struct *self = current, *leader = self->group_leader, *child;
	bool any;
	int code;
	long got;

	for (;;) {
		leader->child_event = 0;
		smp_mb();
		spin_lock(&tasklist_lock);
		child = find_waitable(leader, pid, &any);
		spin_unlock(&tasklist_lock);
		if (child)
			break;
		if (!any)
			return -ECHILD;
		if (nohang)
			return 0;
		if (self->killed)
			return -EINTR;
		sleep_unless(&leader->child_event, self == leader ? 0 : jiffies + 2);
	}
	sched_wait_zombie(child);
	got = child->pid;
	code = child->exit_code;
	task_release(child);
	if (status && copy_to_user(status, &code, sizeof(code)))
		return -EFAULT;
	return got;
}

long sys_kill(int64_t pid, unsigned sig)
{
	struct task_struct *p;
	long result = -ESRCH;

	if (pid <= 1 || sig == 0 || sig > 64)
		return -EINVAL;
	spin_lock(&tasklist_lock);
	for_each_process(p) {
		if (p->pid != pid)
			continue;
		result = p->flags & PF_KTHREAD ? -EPERM : 0;
		if (!result)
			kill_group(p, sig);
		break;
	}
	spin_unlock(&tasklist_lock);
	return result;
}

static void leave_ring3(void *arg)
{
	/*
	 * This CPU is in ring 0 now, and looks at `killed` before it leaves it. What
	 * it has loaded may be the lost mm's: mm_cr3() knows better by now.
	 */
	struct mm_struct *mm = current->active_mm;

	if (mm == arg)
		write_cr3(mm_cr3(mm));
}

unsigned kill_mm_users(struct mm_struct *mm, uint64_t lost_pfn)
{
	struct task_struct *p, *t;
	unsigned met = 0;

	spin_lock(&tasklist_lock);
	for_each_task(p, t) {
		if (t->mm != mm)
			continue;
		doorbell(DOORBELL_KILLED, (uint32_t)t->pid, (uint32_t)lost_pfn, 0, 0);
		kill_group(p, SIGBUS);
		met++;
	}
	spin_unlock(&tasklist_lock);
	smp_call_mask((1u << cpus_online) - 1, leave_ring3, mm);
	return met;
}

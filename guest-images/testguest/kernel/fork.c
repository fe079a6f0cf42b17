// SPDX-License-Identifier: GPL-2.0-only
/* fork.c - new processes and new threads. */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

long sys_fork(struct pt_regs *regs)
{
	struct task_struct *parent = current->group_leader, *t = task_alloc(current->comm);
	long pid;

	if (!t)
		return -EAGAIN;
	t->mm = mm_fork(current->mm);
	if (!t->mm) {
		task_release(t);
		return -ENOMEM;
	}
	/* If a table of ours was lost meanwhile, the copy is of garbage: it must not live. */
	mce_drain();
	if (current->killed) {
		mmput(t->mm);
		task_release(t);
		return -EINTR;
	}
	t->active_mm = t->mm;
	t->mm->owner = t;
	*task_regs(t) = *regs;
	task_regs(t)->rax = 0;
	task_set_start(t, NULL);
	pid = t->pid;
	/* Once it is on the lists the child may be killed, run and be gone at any time. */
	task_publish(t, parent);
	sched_start(t);
	return pid;
}

/* One more thread of the caller's group; starts at `entry` with rdi = arg. */
long sys_thread(struct pt_regs *regs, uint64_t entry, uint64_t stack, uint64_t arg)
{
	struct task_struct *leader = current->group_leader, *t;
	long pid;

	(void)regs;
	if (entry >= USER_END || stack >= USER_END)
		return -EINVAL;
	t = task_alloc(current->comm);
	if (!t)
		return -EAGAIN;
	pid = t->pid;
	t->tgid = leader->pid;
	t->group_leader = leader;
	t->real_parent = leader->real_parent;
	t->signal = leader->signal;
	regs_start_user(task_regs(t), entry, stack, arg, 0);
	task_set_start(t, NULL);

	spin_lock(&tasklist_lock);
	if (leader->signal->group_exit || current->killed) {
		spin_unlock(&tasklist_lock);
		task_release(t);
		return -EINTR;
	}
	mmget(current->mm);
	t->mm = current->mm;
	t->active_mm = t->mm;
	leader->signal->nr_threads++;
	list_add_tail(&t->thread_node, &leader->signal->thread_head);
	spin_unlock(&tasklist_lock);
	sched_start(t);
	return pid;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * task.c - where tasks come from. Tasks and their stacks are a fixed pool in
 * .bss: memory that was never used is zero already and needs no allocator.
 */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

void task_first_run(void);

extern union task_stack init_stack;
union task_stack init_stack = { .task = {
	.flags = PF_KTHREAD | PF_IDLE,
	.tasks = LIST_HEAD_INIT(init_stack.task.tasks),
	.active_mm = &init_mm,
	.real_parent = &init_stack.task,
	.children = LIST_HEAD_INIT(init_stack.task.children),
	.sibling = LIST_HEAD_INIT(init_stack.task.sibling),
	.group_leader = &init_stack.task,
	.thread_node = LIST_HEAD_INIT(init_stack.task.thread_node),
	.signal = &init_stack.task.signal_storage,
	.signal_storage.thread_head = LIST_HEAD_INIT(init_stack.task.signal_storage.thread_head),
	.comm = "swapper/0",
} };
extern struct task_struct init_task __attribute__((alias("init_stack")));

static union task_stack idle_stacks[CPUS_MAX];	/* [0] stays unused */
static union task_stack pool[TASKS_MAX];

spinlock_t tasklist_lock;
struct task_struct *reaper;

static spinlock_t pool_lock;
static LIST_HEAD(pool_free);
static unsigned pool_used;		/* stacks from here on were never used */
static int32_t last_pid;

struct task_struct *task_alloc(const char *comm)
{
	struct task_struct *t = NULL;
	int32_t pid = 0;

	spin_lock(&pool_lock);
	if (!list_empty(&pool_free)) {
		t = list_first_entry(&pool_free, struct task_struct, run_node);
		list_del(&t->run_node);
	} else if (pool_used < TASKS_MAX) {
		t = &pool[pool_used++].task;
	}
	if (t)
		pid = ++last_pid;
	spin_unlock(&pool_lock);
	if (!t)
		return NULL;
	fill_words((uint64_t *)t, 0, (sizeof(*t) + 7) / 8);
	t->pid = pid;
	strscpy(t->comm, comm, sizeof(t->comm));
	list_init(&t->tasks);
	list_init(&t->children);
	list_init(&t->sibling);
	list_init(&t->thread_node);
	list_init(&t->run_node);
	list_init(&t->signal_storage.thread_head);
	return t;
}

void task_release(struct task_struct *t)
{
	spin_lock(&pool_lock);
	list_add_tail(&t->run_node, &pool_free);
	spin_unlock(&pool_lock);
}

struct pt_regs *task_regs(struct task_struct *t)
{
	return (struct pt_regs *)((union task_stack *)t + 1) - 1;
}

void task_set_start(struct task_struct *t, void (*fn)(void))
{
	uint64_t *sp = (uint64_t *)task_regs(t);

	*--sp = (uint64_t)task_first_run;
	*--sp = (uint64_t)fn;		/* rbx */
	sp -= 5;			/* rbp, r12 to r15: whatever */
	t->sp = (uint64_t)sp;
}

/* A group leader enters the lists. */
void task_publish(struct task_struct *t, struct task_struct *parent)
{
	t->tgid = t->pid;
	t->group_leader = t;
	t->signal = &t->signal_storage;
	t->signal->nr_threads = 1;
	spin_lock(&tasklist_lock);
	t->real_parent = parent;
	list_add_tail(&t->sibling, &parent->children);
	list_add_tail(&t->thread_node, &t->signal->thread_head);
	list_add_tail(&t->tasks, &init_task.tasks);
	spin_unlock(&tasklist_lock);
}

static void kthread_start(void)
{
	task_exit(current->thread_fn(current->thread_arg));
}

struct task_struct *kthread_run(int (*fn)(void *), void *arg, const char *comm)
{
	struct task_struct *t = task_alloc(comm);

	BUG_ON(!t);
	t->flags = PF_KTHREAD;
	t->thread_fn = fn;
	t->thread_arg = arg;
	task_set_start(t, kthread_start);
	task_publish(t, &init_task);
	sched_start(t);
	return t;
}

struct task_struct *idle_create(unsigned cpu)
{
	struct task_struct *t = cpu ? &idle_stacks[cpu].task : &init_task;

	if (cpu) {
		*t = init_task;
		list_init(&t->tasks);
		list_init(&t->children);
		list_init(&t->sibling);
		list_init(&t->thread_node);
		t->group_leader = t;
		t->signal = &t->signal_storage;
		list_init(&t->signal_storage.thread_head);
		t->cpu = cpu;
		t->comm[8] = (char)('0' + cpu);
	}
	list_add_tail(&t->thread_node, &t->signal->thread_head);
	cpus[cpu].idle = t;
	cpus[cpu].current_task = t;
	return t;
}

/* A frame that enters ring 3 afresh. */
void regs_start_user(struct pt_regs *regs, uint64_t rip, uint64_t rsp, uint64_t arg0,
		     uint64_t arg1)
{
	fill_words((uint64_t *)regs, 0, sizeof(*regs) / 8);
	regs->rip = rip;
	regs->rsp = rsp;
	regs->rdi = arg0;
	regs->rsi = arg1;
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->rflags = 0x202;
}

void init_create(void)
{
	struct task_struct *t = task_alloc("init");
	struct mm_struct *mm = mm_alloc();
	struct pt_regs *regs;
	long entry;

	BUG_ON(!t || !mm);
	entry = exec_load(mm, "init");
	if (entry < 0)
		panic("no program init: error %ld", -entry);
	t->mm = mm;
	t->active_mm = mm;
	mm->owner = t;
	regs = task_regs(t);
	regs_start_user(regs, (uint64_t)entry, USER_STACK_TOP, 0, 0);
	task_set_start(t, NULL);
	task_publish(t, &init_task);
	reaper = t;
	sched_start(t);
}

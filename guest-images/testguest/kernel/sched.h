/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched.h - tasks, CPUs, and who runs where.
 *
 * Names and meanings of the members are Linux's, since the same reader serves
 * both. A task lives at the bottom of its own kernel stack, so that `current`
 * and this_cpu() are found from RSP: there is no swapgs, which makes a machine
 * check safe at any instruction.
 *
 * Locks: tasklist_lock (task lists, parents, children), then sched_lock (states,
 * run queue, sleepers). MM's locks are taken before neither and after neither:
 * none of mm.h's functions is called with one of the two held, but for mmgrab().
 */
#ifndef TG_SCHED_H
#define TG_SCHED_H

#include "guest-images/testguest/kernel/atomic.h"
#include "guest-images/testguest/kernel/list.h"

enum { CPUS_MAX = 4, TASKS_MAX = 160, STACK_SIZE = 8192, TASK_COMM_LEN = 16 };

enum {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1,
	EXIT_ZOMBIE = 0x20,	/* waits for its parent */
	TASK_DEAD = 0x80,	/* its stack is to be given back after the switch away */
};

/* Interrupt vectors: exceptions, then these. */
enum { VECTOR_TIMER = 32, VECTOR_KICK, VECTOR_UNUSED, VECTOR_SPURIOUS, VECTORS };

enum { PF_IDLE = 0x2, PF_EXITING = 0x4, PF_KTHREAD = 0x200000 };

struct mm_struct;
struct task_struct;

struct signal_struct {
	struct list_head thread_head;
	int nr_threads;
	int group_exit_code;
	bool group_exit;	/* all threads are to end with group_exit_code */
};

/* What is saved on entry to ring 0, lowest address first. */
struct pt_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector;	/* -1: system call */
	uint64_t error_code;	/* of a system call: its number */
	uint64_t rip, cs, rflags, rsp, ss;
};

struct task_struct {
	uint32_t __state;
	uint32_t flags;			/* PF_* */
	uint32_t cpu;			/* where it runs or ran last */
	uint32_t killed;		/* signal that ends it at its next return to ring 3 */
	uint64_t sp;			/* kernel stack pointer while it does not run */

	struct list_head tasks;		/* group leaders, from init_task */
	struct mm_struct *mm;		/* NULL: kernel thread, or exited */
	struct mm_struct *active_mm;	/* whose tables are loaded; borrowed if mm is NULL */

	int32_t pid;
	int32_t tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct list_head sibling;
	struct task_struct *group_leader;
	struct list_head thread_node;	/* on signal->thread_head */
	struct signal_struct *signal;
	struct signal_struct signal_storage;	/* a leader's own */

	uint64_t nvcsw, nivcsw;		/* switches, voluntary and not */
	char comm[TASK_COMM_LEN];

	int exit_code;
	uint32_t child_event;		/* a child ended since this was cleared */
	uint64_t wake_at;		/* jiffies; not 0: on the sleepers' list */
	struct list_head run_node;	/* run queue, sleepers, or the free list */
	int (*thread_fn)(void *);	/* of a kernel thread */
	void *thread_arg;
};

union task_stack {
	struct task_struct task;
	uint8_t bytes[STACK_SIZE];
} __attribute__((aligned(8192)));

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

struct cpu {
	/* Places of the first two, and the size, are known to entry.S. */
	uint64_t kernel_sp;		/* top of the current task's stack */
	uint64_t user_sp;		/* scratch of the system-call entry */
	struct task_struct *current_task;
	struct task_struct *idle;
	struct mm_struct *prev_mm;	/* borrowed one to drop after the switch */
	struct task_struct *prev_task;	/* switched away from */
	uint64_t quiescent;		/* counts switches and ticks that met ring 3 or idle */
	uint32_t id;
	uint32_t online;
	uint32_t need_resched;
	uint32_t mce_pending;		/* frames in mce_pfn that wait for a safe place */
	uint64_t mce_pfn[4];
	uint64_t gdt[9];
	struct tss tss;
} __attribute__((aligned(512)));

extern struct cpu cpus[CPUS_MAX];
extern uint32_t cpus_online;		/* how many: CPUs 0 to this - 1 */
extern uint64_t jiffies;
#define HZ 50u

/* Is init_stack.task; the symbol is made by the linker. */
extern struct task_struct init_task;	/* the idle task of CPU 0, head of `tasks` */
extern spinlock_t tasklist_lock, sched_lock;

static inline struct task_struct *stack_owner(void)
{
	uint64_t sp;

	__asm__("movq %%rsp, %0" : "=r"(sp));
	return (struct task_struct *)(sp & ~(uint64_t)(STACK_SIZE - 1));
}

/* On a machine-check or double-fault stack this is a stand-in that knows its CPU. */
#define current stack_owner()

static inline struct cpu *this_cpu(void)
{
	return &cpus[stack_owner()->cpu];
}

/* Group leaders but init_task; hold tasklist_lock. */
#define for_each_process(p) \
	for (p = list_entry(init_task.tasks.next, struct task_struct, tasks); p != &init_task; \
	     p = list_entry(p->tasks.next, struct task_struct, tasks))

/* The threads of a leader, itself included. */
#define for_each_thread(leader, t) \
	list_for_each_entry(t, &(leader)->signal->thread_head, thread_node)

/* Every task but the idle ones; hold tasklist_lock. Leave it by goto or return, not break. */
#define for_each_task(p, t) for_each_process(p) for_each_thread(p, t)

/* sched.c */
void switch_mm(struct mm_struct *old, struct mm_struct *next);
void schedule(void);			/* switches away; returns when picked again */
void wake_task(struct task_struct *);
void sched_start(struct task_struct *);
void sleep_until(uint64_t wake_at);	/* jiffies, 0: till woken; may return early */
void sleep_unless(const uint32_t *flag, uint64_t wake_at);
void sched_exit(uint32_t state) __attribute__((noreturn));
void sched_notify(struct task_struct *parent);
void sched_reparent(struct task_struct *child, struct task_struct *parent);
void sched_wait_zombie(const struct task_struct *);
void sched_tick(bool user);
extern bool sched_preempt;		/* false: timer=off */
void idle_loop(void) __attribute__((noreturn));
void switch_finish(void);		/* the first thing that a new task does */

/* task.c */
/* NULL: too many. Has a pid, a comm, an empty stack; is on no list. */
struct task_struct *task_alloc(const char *comm);
void task_release(struct task_struct *);
/* The frame that a task's return to ring 3 takes. */
struct pt_regs *task_regs(struct task_struct *);
/* First switched to, it runs fn, or returns to ring 3 with task_regs() if fn is NULL. */
void task_set_start(struct task_struct *, void (*fn)(void));
struct task_struct *kthread_run(int (*fn)(void *), void *arg, const char *comm);
struct task_struct *idle_create(unsigned cpu);
/* A group leader enters the lists. */
void task_publish(struct task_struct *, struct task_struct *parent);
/* A frame that enters ring 3 afresh. */
void regs_start_user(struct pt_regs *, uint64_t rip, uint64_t rsp, uint64_t arg0, uint64_t arg1);
void init_create(void);			/* pid 1: program `init` */
extern struct task_struct *reaper;	/* pid 1: whoever has no parent is its child */

/* fork.c, exit.c */
long sys_fork(struct pt_regs *);
long sys_thread(struct pt_regs *, uint64_t entry, uint64_t stack, uint64_t arg);
long sys_wait(int64_t pid, uint64_t status, bool nohang);
long sys_kill(int64_t pid, unsigned sig);
void task_exit(int code) __attribute__((noreturn));
void exit_group(int code) __attribute__((noreturn));

/*
 * Ends every user of an mm whose table lost_pfn was lost: marks them, rings
 * DOORBELL_KILLED for each, and returns when no CPU is in ring 3 with it any
 * more nor will be. They free what they have on their own way out. Call it
 * without locks. Returns how many tasks it met.
 */
unsigned kill_mm_users(struct mm_struct *, uint64_t lost_pfn);

/* smp.c */
void smp_boot_cpus(unsigned count);
void smp_poll(void);
/*
 * Runs fn on every CPU of mask (this one included, if it is there) and waits.
 * fn runs with interrupts off, may not take locks. May be called with locks
 * held, but not from within fn.
 */
void smp_call_mask(uint32_t mask, void (*fn)(void *), void *arg);
void smp_kick(unsigned cpu);		/* makes it look at need_resched */
void smp_stop_others(void);		/* for panic */
void apic_init(void);
void apic_eoi(void);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * tasks.c - every task of the guest.
 *
 * Group leaders hang on init_task.tasks, the threads of each on its
 * signal->thread_head. A dead leader has no mm while its threads have one, so
 * threads are always followed. Idle tasks of the CPUs but the first are on no
 * list: Linux keeps them in the per-CPU runqueues.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

enum { CPUS_MAX = 1024 };

static void clean_comm(char comm[17], const char *raw, size_t size)
{
	size_t i;

	for (i = 0; i < 16 && i < size && raw[i]; i++)
		comm[i] = raw[i] >= ' ' && raw[i] <= '~' ? raw[i] : '?';
	comm[i] = '\0';
}

/* False: some of it cannot be read, so it is no task. */
static bool read_task(const struct kernel *k, gva_t at, struct task *task)
{
	const struct kernel_fields *f = &k->f;
	int64_t pid, tgid;
	uint64_t switches = 0, more = 0;
	char comm[16] = "";
	size_t comm_size = f->task_comm.size < sizeof(comm) ? f->task_comm.size : sizeof(comm);

	*task = (struct task){ .at = at };
	if (!kernel_read_signed(k, at, &f->task_pid, &pid, NULL) ||
	    !kernel_read_signed(k, at, &f->task_tgid, &tgid, NULL) ||
	    !kernel_read_member(k, at, &f->task_mm, &task->mm, NULL) ||
	    !kernel_read_member(k, at, &f->task_active_mm, &task->active_mm, NULL) ||
	    !kernel_read_member(k, at, &f->task_nvcsw, &switches, NULL) ||
	    !kernel_read_member(k, at, &f->task_nivcsw, &more, NULL) ||
	    !kernel_read(k, at + f->task_comm.offset, comm, comm_size, NULL))
		return false;
	task->pid = (int32_t)pid;
	task->tgid = (int32_t)tgid;
	task->progress = switches + more;
	clean_comm(task->comm, comm, comm_size);
	return true;
}

static bool task_append(struct mms_build *b, const struct task *task)
{
	if (b->out->task_count == b->task_room) {
		size_t room = b->task_room ? b->task_room * 2 : 64;
		struct task *grown = realloc(b->out->tasks, room * sizeof(*grown));

		if (!grown)
			return false;
		b->out->tasks = grown;
		b->task_room = room;
	}
	b->out->tasks[b->out->task_count++] = *task;
	return true;
}

/* False: no memory, or no room for more. */
static bool add_task(struct mms_build *b, gva_t at, bool thread)
{
	struct task task;
	bool fresh;

	if (!gva_set_add(&b->tasks, at, &fresh)) {
		b->no_memory = true;
		return false;
	}
	if (!fresh)
		return true;
	if (b->out->task_count >= b->budget) {
		mms_note(b, "more than %" PRIu64 " tasks", b->budget);
		return false;
	}
	if (!read_task(b->k, at, &task)) {
		mms_note(b, "the task at 0x%" PRIx64 " cannot be read", at);
		return true;
	}
	task.thread = thread;
	if (!task_append(b, &task)) {
		b->no_memory = true;
		return false;
	}
	return true;
}

static bool visit_thread(void *ctx, gva_t node)
{
	struct mms_build *b = ctx;

	return add_task(b, node - b->k->f.task_thread_node.offset, true);
}

static void add_threads(struct mms_build *b, gva_t leader)
{
	const struct kernel_fields *f = &b->k->f;
	enum list_end end;
	uint64_t signal;

	/* Kernels without thread lists have only leaders. */
	if (!f->task_signal.size || !f->signal_thread_head.size || !f->task_thread_node.size)
		return;
	if (!kernel_read_member(b->k, leader, &f->task_signal, &signal, NULL) || !signal)
		return;
	end = kernel_list(b->k, signal + f->signal_thread_head.offset, b->budget, visit_thread, b);
	if (end != LIST_WHOLE)
		mms_note(b, "the thread list of the task at 0x%" PRIx64 " %s", leader,
			 kernel_list_problem(end));
}

static bool visit_leader(void *ctx, gva_t node)
{
	struct mms_build *b = ctx;
	gva_t at = node - b->k->f.task_tasks.offset;

	if (!add_task(b, at, false))
		return false;
	add_threads(b, at);
	return !b->no_memory;
}

static void add_idle_tasks(struct mms_build *b)
{
	const struct profile *p = b->k->profile;
	gva_t runqueues, offsets, nr_cpus;
	uint32_t cpus = CPUS_MAX;

	if (!b->k->f.rq_idle.size || !profile_symbol(p, "runqueues", &runqueues, NULL) ||
	    !profile_symbol(p, "__per_cpu_offset", &offsets, NULL))
		return;
	if (profile_symbol(p, "nr_cpu_ids", &nr_cpus, NULL) &&
	    kernel_read(b->k, nr_cpus, &cpus, sizeof(cpus), NULL) && cpus > CPUS_MAX)
		cpus = CPUS_MAX;
	if (cpus > b->k->machine->vcpus && b->k->machine->vcpus)
		cpus = b->k->machine->vcpus;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		uint64_t base, idle;

		if (!kernel_read_u64(b->k, offsets + 8 * (gva_t)cpu, &base, NULL) ||
		    !kernel_read_member(b->k, runqueues + base, &b->k->f.rq_idle, &idle, NULL))
			return;
		/* A CPU that never came up has none. */
		if (idle && !add_task(b, idle, false))
			return;
	}
}

void mms_read_tasks(struct mms_build *b)
{
	enum list_end end;

	if (!add_task(b, b->k->init_task, false))
		return;
	add_threads(b, b->k->init_task);
	end = kernel_list(b->k, b->k->init_task + b->k->f.task_tasks.offset, b->budget,
			  visit_leader, b);
	if (end != LIST_WHOLE)
		mms_note(b, "the task list %s", kernel_list_problem(end));
	add_idle_tasks(b);
}

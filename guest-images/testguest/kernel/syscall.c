// SPDX-License-Identifier: GPL-2.0-only
/* syscall.c - system calls: the dispatch, and those that are too small for a file. */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"
#include "guest-images/testguest/kernel/syscalls.h"

#define COM1 0x3f8
#define LSR_DATA 1u

static long sys_write(uint64_t buf, uint64_t size)
{
	char chunk[128];
	uint64_t done = 0;

	while (done < size) {
		size_t n = size - done < sizeof(chunk) ? size - done : sizeof(chunk);

		if (copy_from_user(chunk, buf + done, n))
			return -EFAULT;
		console_write(chunk, n);
		done += n;
	}
	return (long)done;
}

static uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port));
	return v;
}

static long sys_read(uint64_t buf, uint64_t size)
{
	uint64_t n = 0;

	for (; n < size && (in8(COM1 + 5) & LSR_DATA); n++) {
		uint8_t c = in8(COM1);

		if (copy_to_user(buf + n, &c, 1))
			return -EFAULT;
	}
	return (long)n;
}

static long sys_sleep(uint64_t ms)
{
	uint64_t ticks = ms > 1000000 ? 1000000 : ms * HZ / 1000;

	sleep_until(READ_ONCE(jiffies) + ticks + 1);
	return current->killed ? -EINTR : 0;
}

static long sys_option(uint64_t name, uint64_t buf, uint64_t size)
{
	char n[32], value[64];

	for (size_t i = 0; i < sizeof(n); i++) {
		if (copy_from_user(&n[i], name + i, 1))
			return -EFAULT;
		if (!n[i])
			break;
	}
	n[sizeof(n) - 1] = '\0';
	if (!cmdline_get(n, value, sizeof(value)))
		return -ENOENT;
	if (strlen(value) + 1 > size)
		return -EINVAL;
	return copy_to_user(buf, value, strlen(value) + 1);
}

static long sys_meminfo(uint64_t to)
{
	struct meminfo info;

	mm_meminfo(current->mm, &info);
	return copy_to_user(to, &info, sizeof(info));
}

static long dispatch(struct pt_regs *regs)
{
	uint64_t a = regs->rdi, b = regs->rsi, c = regs->rdx;
	struct mm_struct *mm = current->mm;

	switch (regs->error_code) {
	case SYS_READ:
		return sys_read(b, c);
	case SYS_WRITE:
		return sys_write(b, c);
	case SYS_MMAP:
		return sys_mmap(mm, a, b, (unsigned)c, (unsigned)regs->r10, (long)regs->r8,
				regs->r9);
	case SYS_MPROTECT:
		return sys_mprotect(mm, a, b, (unsigned)c);
	case SYS_MUNMAP:
		return sys_munmap(mm, a, b);
	case SYS_PAGEOUT:
		return sys_pageout(mm, a, b);
	case SYS_SHM_OPEN:
		return sys_shm_open((unsigned)a, b, (unsigned)c);
	case SYS_SCHED_YIELD:
		schedule();
		return 0;
	case SYS_SLEEP_MS:
		return sys_sleep(a);
	case SYS_GETPID:
		return current->tgid;
	case SYS_GETTID:
		return current->pid;
	case SYS_UPTIME_MS:
		return (long)(jiffies * (1000 / HZ));
	case SYS_FORK:
		return sys_fork(regs);
	case SYS_THREAD:
		return sys_thread(regs, a, b, c);
	case SYS_EXEC:
		return sys_exec(regs, a, b, c);
	case SYS_EXIT:
		task_exit((int)a);
	case SYS_EXIT_GROUP:
		exit_group((int)a);
	case SYS_WAIT:
		return sys_wait((int64_t)a, b, c & 1);
	case SYS_KILL:
		return sys_kill((int64_t)a, (unsigned)b);
	case SYS_MEMINFO:
		return sys_meminfo(a);
	case SYS_OPTION:
		return sys_option(a, b, c);
	case SYS_PLANT_BUG:
		bug_plant(mm);
		return 0;
	case SYS_READY:
		doorbell(DOORBELL_READY, 0, 0, 0, 0);
		return 0;
	case SYS_POWEROFF:
		poweroff((uint32_t)a);
	default:
		return -ENOSYS;
	}
}

void syscall_handler(struct pt_regs *regs)
{
	regs->rax = (uint64_t)dispatch(regs);
	user_return_work(regs);
}

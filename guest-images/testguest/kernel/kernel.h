/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - what every file of the test guest's kernel uses.
 *
 * CORE (boot, traps, tasks, SMP, console) is declared here and in sched.h; the
 * memory manager in mm.h. Rules of this kernel: it is compiled for a ring 0 that
 * may be emulated instruction by instruction, so paths are short and nothing is
 * cleared or scanned in C loops; interrupts are off in ring 0; kernel code is
 * not preempted; nothing sleeps with a lock held.
 */
#ifndef TG_KERNEL_H
#define TG_KERNEL_H

#include "arch/x86/x86.h"
#include "guest-images/testguest/abi.h"
#include "guest-images/testguest/kernel/sched.h"

#define KERNEL_MAP	0xffffffff80000000ull	/* kernel image: virtual = this + physical */
#define USER_END	0x00007ffffffff000ull	/* user addresses lie below, with 5 levels too */
#define EARLY_MAP_SIZE	0x1000000ull		/* static tables map it, as image and direct */

/* Set before mm_init() by the number of levels; read by inspectors. */
extern uint64_t page_offset_base, vmemmap_base, phys_base;
extern uint32_t __pgtable_l5_enabled;

extern uint64_t boot_stacks[CPUS_MAX];		/* where a starting CPU's RSP begins */

/* Static tables (boot.S), made by the assembler; PG_reserved, no constructor ran. */
extern uint64_t init_top_pgt[512];
#define swapper_pg_dir init_top_pgt

extern char _text[], _etext[], _end[];		/* virtual; the image ends at _end */

struct boot_table {
	const void *table;	/* NULL ends the list */
	gva_t va;		/* of its first entry */
	uint16_t level;
	bool pti;		/* in use only with pti=on, below user PGDs */
};

/* The static tables that stay in use, by the number of levels that we run with. */
extern const struct boot_table *boot_tables;
/* With pti=on: the kernel half of every user PGD is a copy of this one's. */
extern uint64_t pti_top_pgt[512];

static inline void *phys_to_virt(gpa_t gpa)
{
	return (void *)(gpa + page_offset_base);
}

/* Of a direct-map or image address. */
static inline gpa_t virt_to_phys(const void *va)
{
	uint64_t a = (uint64_t)va;

	return a >= KERNEL_MAP ? a - KERNEL_MAP + phys_base : a - page_offset_base;
}

/* console.c */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int snprintk(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void console_write(const char *bytes, size_t len);
/* Says why on the console, rings DOORBELL_PANIC, halts all CPUs. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void doorbell(enum doorbell_event, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3);
void poweroff(uint32_t status) __attribute__((noreturn));

#define BUG_ON(cond) \
	do { \
		if (__builtin_expect(!!(cond), 0)) \
			panic("%s:%d: " #cond, __FILE_NAME__, __LINE__); \
	} while (0)
#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

/* main.c: the command line, words of `name` or `name=value`. */
bool cmdline_has(const char *name);
/* Copies the value ("" if none); false if the name is not there. */
bool cmdline_get(const char *name, char *buf, size_t size);
extern char *saved_command_line;
extern struct boot_info boot_info;		/* a copy */

/* trap.c */
void trap_handler(struct pt_regs *);
/* Before every return to ring 3: errors, kills, switches. */
void user_return_work(struct pt_regs *);
/* 0, or -EFAULT with nothing promised about the rest. */
int copy_from_user(void *to, uint64_t from, size_t size);
int copy_to_user(uint64_t to, const void *from, size_t size);

/* syscall.c, entry.S */
extern const uint64_t syscall_entries[CPUS_MAX];	/* LSTAR of each CPU */
void syscall_handler(struct pt_regs *);

/* exec.c: replaces the caller's mm; returns only on failure. */
long sys_exec(struct pt_regs *, uint64_t name, uint64_t arg0, uint64_t arg1);
/* Loads program `name` into a fresh mm; its entry point or a negative error. */
long exec_load(struct mm_struct *, const char *name);
#define USER_STACK_TOP 0x7ffffffff000ull
#define USER_STACK_SIZE 0x10000ull

/* mce.c */
void mce_init_cpu(void);
void mce_handle(struct pt_regs *);
void mce_drain(void);	/* hands on what #MC left for a place where locks may be taken */
extern int sysctl_memory_failure_recovery;	/* 0: recover=off */

/* cpu.c */
void cpu_init(unsigned id);
void traps_init(void);
extern uint32_t entry_pti;	/* 1: ring 3 runs on the user PGD; set before any user */

/* string.c; the compiler may call the mem ones too */
void *memset(void *, int, size_t);
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
int strcmp(const char *, const char *);
void strscpy(char *to, const char *from, size_t size);

/* Errors are negative, numbers are Linux's. */
enum {
	EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EAGAIN = 11, ENOMEM = 12, EFAULT = 14,
	EEXIST = 17, EINVAL = 22, ECHILD = 10, ENOSYS = 38,
};
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGSEGV = 11 };

static inline uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("movq %%cr3, %0" : "=r"(v));
	return v;
}

static inline void write_cr3(uint64_t v)
{
	__asm__ volatile("movq %0, %%cr3" :: "r"(v) : "memory");
}

static inline void invlpg(gva_t va)
{
	__asm__ volatile("invlpg (%0)" :: "r"(va) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(sub));
}

#endif

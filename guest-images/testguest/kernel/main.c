// SPDX-License-Identifier: GPL-2.0-only
/* main.c - from boot.S to the first program; the command line. */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

#define CPUID_7_ECX_LA57 (1u << 16)
#define TABLE_BITS (X86_PTE_P | X86_PTE_W | X86_PTE_A | X86_PTE_D)

extern uint64_t early_top_pgt[512], early_top_pgt5[512], level4_kernel_pgt[512],
	level4_direct_pgt[512], level3_kernel_pgt[512], level2_kernel_pgt[512],
	level3_direct_pgt[512], level2_direct_pgt[512], pti_level4_pgt[512],
	pti_level3_pgt[512], pti_level2_pgt[512], pti_text_pgt[512], pti_data_pgt[512];
void enable_la57(void);
void kernel_start(const struct boot_info *boot) __attribute__((noreturn));
void kernel_start_ap(unsigned id) __attribute__((noreturn));

struct new_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct uts_namespace {
	struct new_utsname name;
};

extern struct uts_namespace init_uts_ns;
struct uts_namespace init_uts_ns = { .name = {
	.sysname = "ptmm-testguest",
	.nodename = "testguest",
	.release = "testguest-1.0",
	.version = "#1 SMP",
	.machine = "x86_64",
} };

extern const char linux_banner[];
const char linux_banner[] = "ptmm testguest version testguest-1.0 #1 SMP\n";

unsigned long page_offset_base = 0xffff888000000000;
unsigned long vmemmap_base = 0xffffea0000000000;
unsigned long vmalloc_base = 0xffffc90000000000;
uint64_t phys_base;
uint32_t __pgtable_l5_enabled;
struct boot_info boot_info;
char *saved_command_line;
extern union task_stack init_stack;
uint64_t boot_stacks[CPUS_MAX] = { (uint64_t)(&init_stack + 1) };

static char command_line[512];

static const struct boot_table tables_4level[] = {
	{ init_top_pgt, 0, 3, false },
	{ level3_direct_pgt, 0xffff888000000000, 2, false },
	{ level2_direct_pgt, 0xffff888000000000, 1, false },
	{ level3_kernel_pgt, 0xffffff8000000000, 2, false },
	{ level2_kernel_pgt, 0xffffffff80000000, 1, false },
	{ pti_level3_pgt, 0xffffff8000000000, 2, true },
	{ pti_level2_pgt, 0xffffffff80000000, 1, true },
	{ pti_text_pgt, 0xffffffff80000000, 0, true },
	{ pti_data_pgt, 0xffffffff80200000, 0, true },
	{ NULL, 0, 0, false },
};

static const struct boot_table tables_5level[] = {
	{ init_top_pgt, 0, 4, false },
	{ level4_direct_pgt, 0xff11000000000000, 3, false },
	{ level3_direct_pgt, 0xff11000000000000, 2, false },
	{ level2_direct_pgt, 0xff11000000000000, 1, false },
	{ level4_kernel_pgt, 0xffff000000000000, 3, false },
	{ level3_kernel_pgt, 0xffffff8000000000, 2, false },
	{ level2_kernel_pgt, 0xffffffff80000000, 1, false },
	{ pti_level4_pgt, 0xffff000000000000, 3, true },
	{ pti_level3_pgt, 0xffffff8000000000, 2, true },
	{ pti_level2_pgt, 0xffffffff80000000, 1, true },
	{ pti_text_pgt, 0xffffffff80000000, 0, true },
	{ pti_data_pgt, 0xffffffff80200000, 0, true },
	{ NULL, 0, 0, false },
};

const struct boot_table *boot_tables = tables_4level;

bool cmdline_get(const char *name, char *buf, size_t size)
{
	size_t len = strlen(name), n = 0;

	for (const char *p = command_line; *p; p++) {
		if ((p != command_line && p[-1] != ' ') || *p != *name || memcmp(p, name, len))
			continue;
		p += len;
		if (*p && *p != ' ' && *p != '=')
			continue;
		if (*p == '=')
			p++;
		for (; *p && *p != ' ' && n + 1 < size; p++)
			buf[n++] = *p;
		if (size)
			buf[n] = '\0';
		return true;
	}
	return false;
}

bool cmdline_has(const char *name)
{
	return cmdline_get(name, NULL, 0);
}

static bool have_la57(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[0] < 7)
		return false;
	cpuid(7, 0, r);
	return r[2] & CPUID_7_ECX_LA57;
}

/* The identity map is still there (early_top_pgt): physical addresses are pointers. */
static void take_boot_info(const struct boot_info *boot)
{
	char levels[8];

	memcpy(&boot_info, boot, sizeof(boot_info));
	if (boot_info.cmdline)
		strscpy(command_line, (const char *)boot_info.cmdline, sizeof(command_line));
	saved_command_line = command_line;

	if (!cmdline_get("levels", levels, sizeof(levels)) || strcmp(levels, "5"))
		return;
	if (!have_la57()) {
		printk("levels=5: this CPU has no 5-level paging, staying with 4\n");
		return;
	}
	__pgtable_l5_enabled = 1;
	page_offset_base = 0xff11000000000000;
	vmemmap_base = 0xffd4000000000000;
	vmalloc_base = 0xffa0000000000000;
	boot_tables = tables_5level;
	init_top_pgt[273] = ((uint64_t)level4_direct_pgt - KERNEL_MAP) | TABLE_BITS;
	init_top_pgt[511] = ((uint64_t)level4_kernel_pgt - KERNEL_MAP) | TABLE_BITS;
	pti_top_pgt[511] = ((uint64_t)pti_level4_pgt - KERNEL_MAP) | TABLE_BITS;
}

static void cpu_start(unsigned id)
{
	if (__pgtable_l5_enabled)
		enable_la57();
	write_cr3((uint64_t)init_top_pgt - KERNEL_MAP);
	cpu_init(id);
}

static bool option_is(const char *name, const char *value)
{
	char buf[16];

	return cmdline_get(name, buf, sizeof(buf)) && !strcmp(buf, value);
}

static int rcu_gp(void *unused)
{
	(void)unused;
	for (;;) {
		sleep_until(jiffies + HZ / 10);
		mm_tick();
	}
	return 0;
}

/* Nothing to do but to be: a kernel thread that borrows whatever mm it meets. */
static int kworker(void *unused)
{
	(void)unused;
	for (;;)
		sleep_until(jiffies + HZ / 5);
	return 0;
}

void kernel_start(const struct boot_info *boot)
{
	idle_create(0);
	if (boot->magic != BOOT_MAGIC)
		panic("not started by a ptmm VMM");
	take_boot_info(boot);
	traps_init();
	cpu_start(0);
	printk("%s", linux_banner);
	sysctl_memory_failure_recovery = !option_is("recover", "off");
	entry_pti = option_is("pti", "on");
	sched_preempt = !option_is("timer", "off");
	mm_init(&boot_info);
	smp_boot_cpus(boot_info.cpus);
	init_create();			/* first: it is pid 1 */
	kthread_run(rcu_gp, NULL, "rcu_gp");
	kthread_run(kworker, NULL, "kworker/0");
	idle_loop();
}

void kernel_start_ap(unsigned id)
{
	cpu_start(id);
	WRITE_ONCE(cpus[id].online, 1);
	idle_loop();
}

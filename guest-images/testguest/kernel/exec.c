// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - the programs of ring 3 are ELF files inside the kernel's image, laid
 * out so (user/user.ld) that their segments are whole pages: exec maps those
 * frames, copies nothing, and the first write to one copies it.
 */
#include "guest-images/testguest/kernel/kernel.h"
#include "guest-images/testguest/kernel/mm.h"

#include <elf.h>

struct program {
	const char *name;
	const uint8_t *start, *end;
};

extern const struct program programs[];		/* programs.S; a NULL name ends it */

static int map_segment(struct mm_struct *mm, const struct program *prog, const Elf64_Phdr *ph)
{
	unsigned prot = (ph->p_flags & PF_R ? PROT_READ : 0) |
			(ph->p_flags & PF_W ? PROT_WRITE : 0) |
			(ph->p_flags & PF_X ? PROT_EXEC : 0);
	uint64_t file = (ph->p_filesz + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	uint64_t memory = (ph->p_memsz + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	int error = 0;

	if (ph->p_vaddr % PAGE_SIZE || ph->p_offset % PAGE_SIZE)
		return -EINVAL;
	if (file)
		error = mm_map_frames(mm, ph->p_vaddr, virt_to_phys(prog->start + ph->p_offset),
				      file, prot);
	if (!error && memory > file)
		error = mm_map_anon(mm, ph->p_vaddr + file, memory - file, prot);
	return error;
}

long exec_load(struct mm_struct *mm, const char *name)
{
	const struct program *prog = programs;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	int error;

	while (prog->name && strcmp(prog->name, name))
		prog++;
	if (!prog->name)
		return -ENOENT;
	eh = (const Elf64_Ehdr *)prog->start;
	ph = (const Elf64_Phdr *)(prog->start + eh->e_phoff);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		error = map_segment(mm, prog, &ph[i]);
		if (error)
			return error;
	}
	error = mm_map_anon(mm, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE,
			    PROT_READ | PROT_WRITE);
	return error ? error : (long)eh->e_entry;
}

long sys_exec(struct pt_regs *regs, uint64_t name, uint64_t arg0, uint64_t arg1)
{
	struct task_struct *t = current;
	struct mm_struct *old = t->mm, *mm;
	char comm[TASK_COMM_LEN];
	long entry;

	for (size_t i = 0; i < sizeof(comm); i++) {
		if (copy_from_user(&comm[i], name + i, 1))
			return -EFAULT;
		if (!comm[i])
			break;
	}
	comm[sizeof(comm) - 1] = '\0';
	/* Other threads would go on in the old mm: not needed here, so not allowed. */
	if (t->signal->nr_threads != 1)
		return -EINVAL;
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	entry = exec_load(mm, comm);
	if (entry < 0) {
		mmput(mm);
		return entry;
	}
	spin_lock(&tasklist_lock);
	memcpy(t->comm, comm, sizeof(comm));
	mm->owner = t;
	if (old->owner == t)
		old->owner = NULL;
	t->mm = mm;
	t->active_mm = mm;
	switch_mm(old, mm);
	spin_unlock(&tasklist_lock);
	mmput(old);
	regs_start_user(regs, (uint64_t)entry, USER_STACK_TOP, arg0, arg1);
	return (long)regs->rax;
}

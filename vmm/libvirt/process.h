/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - the QEMU process of a domain, from outside.
 *
 * libvirt does not tell its pid: it is the process that was started with the
 * domain's UUID. Used by memory.c.
 */
#ifndef PTMM_LIBVIRT_PROCESS_H
#define PTMM_LIBVIRT_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "walker/err.h"

struct process {
	pid_t pid;
	int mem;			/* /proc/PID/mem, which outlives the pid safely */
};

/* A file that a process shares with its mapping. */
struct process_file {
	int fd;
	uint64_t offset;		/* of the address asked for */
	size_t page_size;		/* of the mapping */
};

/* uuid: as QEMU's command line has it. Fails where the process is not ours to see. */
bool process_open(struct process *, const char *uuid, struct err *);
void process_close(struct process *);

/* What [address, address + size) maps, if it is one file and shared. */
bool process_file(const struct process *, uint64_t address, uint64_t size,
		  struct process_file *, struct err *);
bool process_read(const struct process *, uint64_t address, void *, size_t, struct err *);

#endif

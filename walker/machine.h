/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - what a guest machine offers to the library.
 *
 * Who makes one: vmm/kvm (our own guests), vmm/libvirt, vmm/core, and the tests
 * (a buffer). Everything in walker/ reads a guest through this and nothing else.
 */
#ifndef PTMM_MACHINE_H
#define PTMM_MACHINE_H

#include "arch/arch.h"
#include "arch/x86/x86.h"
#include "walker/err.h"

struct machine;

/* A stretch of guest RAM. Regions are sorted and do not overlap. */
struct mem_region {
	gpa_t first, last;	/* inclusive; whole frames */
	/* Mapped read-only, aligned to 8 bytes; or NULL: only by ops->view. */
	const uint8_t *host;
	/*
	 * A bit per frame whose memory went away while it was mapped (a dump that
	 * shrinks, a poisoned host page), or NULL. A signal handler sets them.
	 */
	uint64_t *lost;
};

/* A machine check to be raised; see Intel SDM vol. 3B, 16.3. */
struct machine_mce {
	unsigned vcpu;
	unsigned bank;
	uint64_t status, addr, misc, mcg_status;
};

struct machine_ops {
	/*
	 * A readable view of one frame, valid until unview. NULL where the
	 * machine cannot give it (ERR_NOT_RAM, ERR_UNREADABLE). Never SIGBUS.
	 * Called only for regions without a host mapping.
	 */
	const void *(*view)(struct machine *, gpa_t frame, struct err *);
	void (*unview)(struct machine *, gpa_t frame, const void *);
	bool (*regs)(struct machine *, unsigned vcpu, struct x86_regs *, struct err *);
	/* Stops and lets go all vCPUs; calls nest. */
	bool (*pause)(struct machine *, struct err *);
	bool (*resume)(struct machine *, struct err *);
	/* Writing half; NULL where the target is read-only. */
	bool (*write)(struct machine *, gpa_t, const void *, size_t, struct err *);
	/* Destroys the frame's contents: readers get ERR_UNREADABLE from now on. */
	bool (*poison)(struct machine *, gpa_t frame, struct err *);
	bool (*raise_mce)(struct machine *, const struct machine_mce *, struct err *);
	/*
	 * Marks as lost what went away without a fault: the end of a page that a
	 * shrunk file ends in reads as zeros. NULL where that cannot be.
	 */
	void (*verify)(struct machine *);
	void (*close)(struct machine *);
};

struct machine {
	const struct machine_ops *ops;
	void *impl;
	const char *source;	/* "kvm", "libvirt", "core", "raw" */
	char uri[256];		/* as the user would name it: "kvm:demo" */
	struct mem_region *regions;
	size_t region_count;
	unsigned vcpus;
	/* Frames that are RAM but cannot be read, sorted; may grow while open. */
	pfn_t *unreadable;
	size_t unreadable_count;
	/* Counts the bits of regions[].lost: 0 as long as all is well. */
	uint64_t lost_count;
	/* Frames of RAM that the source never had: a dump that was cut short. */
	uint64_t missing_frames;
	bool frozen;		/* it stands still for ever: a dump */
	const char *assumed;	/* of the CPUs, since the source does not tell; or NULL */
	const char *access;	/* how its memory is read, where there are several ways */
	const char *hint;	/* one line on how to have it read faster; or NULL */
};

/* Frames of RAM that are known not to be readable. */
uint64_t machine_unreadable(const struct machine *);
/* Bytes of RAM, holes not counted. */
uint64_t machine_memory(const struct machine *);
/* Is the whole frame RAM (readable or not)? */
bool machine_has_frame(const struct machine *, pfn_t);
/* Was this frame's memory lost since the machine was opened? */
bool machine_frame_lost(const struct machine *, gpa_t);
/* The same, quick where nothing was lost; for those who read many words of a view. */
static inline bool machine_lost(const struct machine *m, gpa_t gpa)
{
	return __atomic_load_n(&m->lost_count, __ATOMIC_ACQUIRE) && machine_frame_lost(m, gpa);
}
/* One past the highest frame of RAM. */
pfn_t machine_frame_end(const struct machine *);

/*
 * A view of the frame that holds gpa, starting at the frame's first byte and
 * aligned to 8 bytes; NULL with ERR_NOT_RAM or ERR_UNREADABLE. Give it back with
 * machine_unview(), which is false where the memory was lost meanwhile: what
 * was read through the view is then not to be believed.
 */
const void *machine_view(struct machine *, gpa_t, struct err *);
bool machine_unview(struct machine *, gpa_t, const void *view);

/* Copies guest-physical memory, over frame boundaries; all or nothing. */
bool machine_read(struct machine *, gpa_t, void *buf, size_t size, struct err *);
bool machine_read_u64(struct machine *, gpa_t, uint64_t *value, struct err *);

/* After reading much: was anything lost on the way? See ops->verify. */
void machine_verify(struct machine *);

void machine_close(struct machine *);

#endif

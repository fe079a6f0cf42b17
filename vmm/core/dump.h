/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dump.h - how an open dump is kept. Private to vmm/core.
 *
 *	open.c      which kind of file is it; the machine's operations
 *	elf.c       program headers -> pieces of memory
 *	notes.c     notes -> registers, VMCOREINFO
 *	raw.c       a memory map -> pieces
 *	kdump.c     kdump-compressed files through libkdumpfile
 *	flat.c      makedumpfile's flattened stream -> a file
 *	pieces.c    pieces -> regions; frames that lie oddly are put together
 *	frames.c    a small cache of such frames
 */
#ifndef PTMM_CORE_DUMP_H
#define PTMM_CORE_DUMP_H

#include "vmm/core/core.h"
#include "vmm/fault_guard.h"

enum piece_kind {
	PIECE_FILE,	/* lies in the file at offset */
	PIECE_ZERO,	/* zeros, not in the file */
	PIECE_MISSING,	/* RAM, but the file ends before it */
};

/* A stretch of guest-physical bytes that are kept in one way. */
struct piece {
	gpa_t first, last;	/* inclusive */
	uint64_t offset;
	enum piece_kind kind;
};

struct pieces {
	struct piece *list;
	size_t count, room;
	size_t overlaps;	/* stretches that the file has twice: the first was taken */
};

struct frame_cache;
struct kdump;

struct dump {
	struct machine machine;
	int fd;
	uint64_t size;			/* of the file, when it was opened */
	uint8_t *map;
	struct pieces pieces;
	struct frame_cache *cache;
	struct fault_guard *guard;
	struct x86_regs *regs;		/* machine.vcpus of them */
	unsigned status_notes;		/* NT_PRSTATUS: CPUs, but no control registers */
	bool status_32;			/* they have the 32-bit layout */
	bool process;			/* notes that only a process's core has */
	char *vmcoreinfo;
	size_t vmcoreinfo_size;
	struct kdump *kdump;
};

static inline struct dump *dump_of(const struct machine *m)
{
	return m->impl;
}

/* frames.c. Fills one frame; the error is of that frame. */
typedef bool frame_fill(struct dump *, gpa_t frame, uint8_t *to, struct err *);
struct frame_cache *frame_cache_new(struct dump *, frame_fill *, struct err *);
void frame_cache_free(struct frame_cache *);
const void *frame_cache_view(struct frame_cache *, gpa_t frame, struct err *);
void frame_cache_unview(struct frame_cache *, const void *view);

/* pieces.c */
/* Takes a stretch in; what lies beyond the file's end is missing. */
bool pieces_add(struct dump *, gpa_t first, uint64_t size, uint64_t offset, uint64_t in_file,
		struct err *);
/* Makes regions of all pieces, in place where they are aligned for it. */
bool pieces_close(struct dump *, struct err *);
const void *pieces_view(struct machine *, gpa_t frame, struct err *);
void pieces_unview(struct machine *, gpa_t frame, const void *);

/* elf.c, notes.c, raw.c */
bool elf_read(struct dump *, struct err *);
/* A segment of notes. */
bool notes_read(struct dump *, uint64_t offset, uint64_t size, struct err *);
/* After all notes: what the registers leave open, decided for all vCPUs. */
void notes_close(struct dump *);
bool raw_read(struct dump *, const char *map, struct err *);

/* kdump.c */
bool compressed_read(struct dump *, bool flattened, struct err *);
void compressed_close(struct dump *);

/* flat.c. A descriptor of a nameless file with what the stream stands for, or -1. */
int flat_unfold(int fd, uint64_t size, struct err *);

/* All of size at offset; false at the file's end too. */
bool dump_pread(int fd, void *to, size_t size, uint64_t offset);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tiny_guest.h - guests of a few instructions, as ELF64 images made in memory,
 * and `ptmm run` as a child process. Used by tests/unit/test_vmm_*.c.
 */
#ifndef PTMM_TEST_TINY_GUEST_H
#define PTMM_TEST_TINY_GUEST_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TINY_LOAD	0x100000u	/* where the code lies, and the entry */
#define TINY_COUNTER	0x300000u	/* guests that count, count here: 64 bits per vCPU */
enum { TINY_IMAGE_MAX = 8192 };


enum tiny_kind {
	TINY_HELLO,	/* prints "hello", READY, powers off with status 7 */
	TINY_COUNT,	/* READY, then counts for ever */
	TINY_SILENT,	/* counts for ever and never says READY */
	TINY_PANIC,	/* rings DOORBELL_PANIC with code 0x2a */
	TINY_TRIPLE,	/* READY, then ud2 without an IDT */
	TINY_HLT,	/* hlt with interrupts off */
	TINY_HLT_OPEN,	/* hlt with interrupts on and no source of them */
	TINY_JUMP_OUT,	/* jumps to where there is no memory */
	TINY_GARBAGE,	/* odd port and memory writes, then powers off with status 3 */
	TINY_ECHO,	/* echoes the serial line until 'q', then powers off */
	TINY_TWO,	/* vCPU 0 starts 1; each counts in its own word; 1 says READY */
	TINY_TIMER,	/* READY, then sleeps in hlt between periodic timer interrupts */
	TINY_MCE,	/* enables machine checks, READY; reports each by DOORBELL_MCE */
	TINY_USER,	/* READY, then counts for ever in ring 3, which KVMs run natively */
	TINY_KINDS
};

/* An image that boots; returns its size. It has one segment, the Phdr follows the Ehdr. */
size_t tiny_image(enum tiny_kind, uint8_t image[TINY_IMAGE_MAX]);
/* Writes it to a file; false with errno. */
bool tiny_write(enum tiny_kind, const char *path);

/* NULL, or why there is no KVM to test with. */
const char *tiny_no_kvm(void);

/* A private XDG_RUNTIME_DIR for this process, removed by tiny_cleanup(). */
bool tiny_setup(void);
void tiny_cleanup(void);
/* PATH of a file in it; a static buffer. */
const char *tiny_path(const char *name);

struct tiny_run {
	pid_t pid;
	int in, out, err;	/* our ends of its stdio */
};

/*
 * Starts `ptmm run` in a child, words ending with NULL; the image of this kind
 * is added as the last word.
 */
bool tiny_start(struct tiny_run *, enum tiny_kind, const char *const *words);
/* Waits for its end; returns the exit status, -1 if a signal killed it. */
int tiny_finish(struct tiny_run *, char *out, size_t out_size, char *err, size_t err_size);
/* Waits until a guest of this name is ready, at most 10 s. */
struct machine *tiny_attach_ready(const char *name);

#endif

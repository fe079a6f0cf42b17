/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lib.h - what a ring-3 program of the test guest has: system calls, a little
 * output, and self-checks. Each program fills its memory with words that follow
 * from their address, and goes on verifying them for as long as it lives.
 */
#ifndef TESTGUEST_LIB_H
#define TESTGUEST_LIB_H

#include "guest-images/testguest/kernel/mman.h"
#include "guest-images/testguest/kernel/syscalls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ul
#define MIB (1024ul * 1024)
#define GIB (1024 * MIB)

int main(uint64_t arg0, uint64_t arg1);

long sys_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
	      uint64_t f);

#define call0(n) sys_call(n, 0, 0, 0, 0, 0, 0)
#define call1(n, a) sys_call(n, (uint64_t)(a), 0, 0, 0, 0, 0)
#define call2(n, a, b) sys_call(n, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define call3(n, a, b, c) sys_call(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)

/* Ends the process with status 1 and a line on the console if it fails. */
void *map(uint64_t address, size_t size, unsigned prot, unsigned flags, long shm);
/* The same, anonymous and private, where the kernel likes. */
void *map_anywhere(size_t size, unsigned extra_flags);
void unmap(void *p, size_t size);
void protect(void *p, size_t size, unsigned prot);
void sleep_ms(unsigned ms);
int fork(void);
/* Returns the pid of a child that runs program `name`. */
int spawn(const char *name, uint64_t arg0, uint64_t arg1);
void exit(int status) __attribute__((noreturn));
/* A number option of the kernel's command line. */
uint64_t option(const char *name, uint64_t fallback);
bool option_given(const char *name);

/* One line on the console: "[tid] text number more second". */
void say(const char *text, uint64_t number);
void say_two(const char *text, uint64_t number, const char *more, uint64_t second);
/* A failed self-check. */
void fail(const char *text, uint64_t number) __attribute__((noreturn));

/*
 * What all programs share: one page, in the range of addresses where their data
 * lies anyway, so that it costs no table.
 */
struct board {
	uint32_t up;		/* programs that have built what they are for */
	uint32_t failures;	/* failed self-checks */
	uint64_t rounds;	/* of verifying, all programs' together */
};

extern struct board *board;
void board_open(void);		/* first thing in main() */
void board_up(void);		/* built: init counts these before it says READY */
/* For ever: verify what `check` verifies, sleep. */
void settle(void (*check)(void), unsigned ms) __attribute__((noreturn));

enum { SHM_BOARD = 1, SHM_SHARED = 2, SHM_HUGE_SHARED = 3 };

/* The word that belongs at an address, different for each `salt`. */
static inline uint64_t word_for(uint64_t address, uint64_t salt)
{
	return (address ^ salt << 56) * 0x9e3779b97f4a7c15ull + salt;
}

/* Writes and verifies one word in every `step` bytes of [start, start + size). */
void fill(void *start, size_t size, size_t step, uint64_t salt);
void verify(const void *start, size_t size, size_t step, uint64_t salt);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* lib_sys.c - see lib.h. */
#include "guest-images/testguest/user/lib.h"

#define BOARD_ADDRESS 0x7f0000ul

struct board *board;

static char *put_number(char *p, uint64_t n, unsigned base)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (count)
		*p++ = digits[--count];
	return p;
}

static char *put_text(char *p, const char *end, const char *text)
{
	while (*text && p < end)
		*p++ = *text++;
	return p;
}

/* Large numbers are addresses and words. */
static char *put_value(char *p, uint64_t n)
{
	*p++ = ' ';
	if (n < 100000)
		return put_number(p, n, 10);
	*p++ = '0';
	*p++ = 'x';
	return put_number(p, n, 16);
}

static void line(const char *text, uint64_t number, const char *more, uint64_t second)
{
	char buf[200], *p = buf;

	*p++ = '[';
	p = put_number(p, (uint64_t)call0(SYS_GETTID), 10);
	*p++ = ']';
	*p++ = ' ';
	p = put_value(put_text(p, buf + 80, text), number);
	if (more)
		p = put_value(put_text(p, buf + 150, more), second);
	*p++ = '\n';
	call3(SYS_WRITE, 1, buf, p - buf);
}

void say(const char *text, uint64_t number)
{
	line(text, number, NULL, 0);
}

void say_two(const char *text, uint64_t number, const char *more, uint64_t second)
{
	line(text, number, more, second);
}

void exit(int status)
{
	call1(SYS_EXIT_GROUP, status);
	__builtin_unreachable();
}

void fail(const char *text, uint64_t number)
{
	if (board)
		__atomic_add_fetch(&board->failures, 1, __ATOMIC_RELAXED);
	say_two("SELF-CHECK FAILED, failures:", board ? board->failures : 1, text, number);
	exit(1);
}

void *map(uint64_t address, size_t size, unsigned prot, unsigned flags, long shm)
{
	long got = sys_call(SYS_MMAP, address, size, prot, flags, (uint64_t)shm, 0);

	if (got < 0)
		fail("mmap: error", (uint64_t)-got);
	return (void *)got;
}

void *map_anywhere(size_t size, unsigned extra_flags)
{
	return map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1);
}

void unmap(void *p, size_t size)
{
	long error = call2(SYS_MUNMAP, p, size);

	if (error)
		fail("munmap: error", (uint64_t)-error);
}

void protect(void *p, size_t size, unsigned prot)
{
	long error = call3(SYS_MPROTECT, p, size, prot);

	if (error)
		fail("mprotect: error", (uint64_t)-error);
}

void sleep_ms(unsigned ms)
{
	call1(SYS_SLEEP_MS, ms);
}

int fork(void)
{
	long pid = call0(SYS_FORK);

	if (pid < 0)
		fail("fork: error", (uint64_t)-pid);
	return (int)pid;
}

int spawn(const char *name, uint64_t arg0, uint64_t arg1)
{
	int pid = fork();

	if (pid)
		return pid;
	fail("exec: error", (uint64_t)-call3(SYS_EXEC, name, arg0, arg1));
}

bool option_given(const char *name)
{
	char value[64];

	return call3(SYS_OPTION, name, value, sizeof(value)) == 0;
}

uint64_t option(const char *name, uint64_t fallback)
{
	char value[64];
	uint64_t n = 0;

	if (call3(SYS_OPTION, name, value, sizeof(value)))
		return fallback;
	for (const char *p = value; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return n;
}

void fill(void *start, size_t size, size_t step, uint64_t salt)
{
	for (uint64_t a = (uint64_t)start; a < (uint64_t)start + size; a += step)
		*(volatile uint64_t *)a = word_for(a, salt);
}

void verify(const void *start, size_t size, size_t step, uint64_t salt)
{
	for (uint64_t a = (uint64_t)start; a < (uint64_t)start + size; a += step)
		if (*(const volatile uint64_t *)a != word_for(a, salt))
			fail("wrong word at", a);
}

void board_open(void)
{
	long shm = call3(SYS_SHM_OPEN, SHM_BOARD, PAGE, 0);

	if (shm < 0)
		fail("shm_open: error", (uint64_t)-shm);
	board = map(BOARD_ADDRESS, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shm);
}

void board_up(void)
{
	__atomic_add_fetch(&board->up, 1, __ATOMIC_SEQ_CST);
}

void settle(void (*check)(void), unsigned ms)
{
	for (;;) {
		check();
		__atomic_add_fetch(&board->rounds, 1, __ATOMIC_RELAXED);
		sleep_ms(ms);
	}
}

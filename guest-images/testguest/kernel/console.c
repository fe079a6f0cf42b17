// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - COM1 and the doorbell. A message is formatted first and leaves by
 * one `rep outsb`: every exit to the VMM costs.
 */
#include "guest-images/testguest/kernel/kernel.h"

#include <stdarg.h>

#define COM1 0x3f8

static spinlock_t console_lock;

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_number(struct out *o, uint64_t n, unsigned base, unsigned width, char pad)
{
	char digits[24];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	for (unsigned i = count; i < width; i++)
		put(o, pad);
	while (count)
		put(o, digits[--count]);
}

/* %d %u %x %s %c %p and %%, with l or ll, a width, zero padding, and # for 0x. */
static size_t format(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };

	for (; *fmt; fmt++) {
		unsigned width = 0, longs = 0;
		char pad = ' ';
		uint64_t n;
		int64_t s;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt++;
		if (*fmt == '#') {
			put(&o, '0');
			put(&o, 'x');
			fmt++;
		}
		if (*fmt == '0')
			pad = '0';
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (unsigned)(*fmt - '0');
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			longs++;
		switch (*fmt) {
		case 'd':
			s = longs ? va_arg(args, int64_t) : va_arg(args, int);
			if (s < 0)
				put(&o, '-');
			put_number(&o, s < 0 ? 0 - (uint64_t)s : (uint64_t)s, 10, width, pad);
			break;
		case 'u':
		case 'x':
			n = longs ? va_arg(args, uint64_t) : va_arg(args, unsigned);
			put_number(&o, n, *fmt == 'u' ? 10 : 16, width, pad);
			break;
		case 'p':
			put_number(&o, (uint64_t)va_arg(args, void *), 16, 16, '0');
			break;
		case 'c':
			put(&o, (char)va_arg(args, int));
			break;
		case 's':
			for (const char *p = va_arg(args, const char *); *p; p++)
				put(&o, *p);
			break;
		case '\0':
			fmt--;
			break;
		default:
			put(&o, *fmt);
		}
	}
	if (size)
		buf[o.len] = '\0';
	return o.len;
}

int snprintk(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = format(buf, size, fmt, args);
	va_end(args);
	return (int)len;
}

static void uart_write(const char *bytes, size_t len)
{
	__asm__ volatile("rep outsb" : "+S"(bytes), "+c"(len) : "d"(COM1) : "memory");
}

void console_write(const char *bytes, size_t len)
{
	spin_lock(&console_lock);
	uart_write(bytes, len);
	spin_unlock(&console_lock);
}

void printk(const char *fmt, ...)
{
	char line[256];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = format(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, len);
}

void doorbell(enum doorbell_event event, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3)
{
	const uint32_t arg[DOORBELL_ARGS] = { a0, a1, a2, a3 };

	for (unsigned i = 0; i < DOORBELL_ARGS; i++)
		if (arg[i])
			__asm__ volatile("outl %0, %1" :: "a"(arg[i]),
					 "d"((uint16_t)(PORT_ARG + 4 * i)));
	__asm__ volatile("outl %0, %1" :: "a"((uint32_t)event), "d"((uint16_t)PORT_DOORBELL)
			 : "memory");
}

static void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

void panic(const char *fmt, ...)
{
	static uint32_t panicking;
	char why[200], line[256];
	va_list args;
	size_t len;

	/* One CPU speaks; it may have died with the console's lock, so takes none. */
	if (__atomic_exchange_n(&panicking, 1u, __ATOMIC_SEQ_CST))
		halt();
	va_start(args, fmt);
	format(why, sizeof(why), fmt, args);
	va_end(args);
	len = (size_t)snprintk(line, sizeof(line),
			       "Kernel panic - not syncing: %s\nCPU: %u PID: %d Comm: %s\n", why,
			       this_cpu()->id, this_cpu()->current_task->pid,
			       this_cpu()->current_task->comm);
	uart_write(line, len);
	doorbell(DOORBELL_PANIC, 1, 0, 0, 0);
	smp_stop_others();
	halt();
	__builtin_unreachable();
}

void poweroff(uint32_t status)
{
	doorbell(DOORBELL_POWEROFF, status, 0, 0, 0);
	smp_stop_others();
	halt();
	__builtin_unreachable();
}

// SPDX-License-Identifier: GPL-2.0-only
/* string.c - memory and strings, by string instructions where it pays. */
#include "guest-images/testguest/kernel/kernel.h"

void *memset(void *to, int byte, size_t size)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(size) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *p = to;
	size_t words = size / 8, rest = size % 8;

	__asm__ volatile("rep movsq" : "+D"(p), "+S"(from), "+c"(words) :: "memory");
	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(rest) :: "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if (t <= f || t >= f + size)
		return memcpy(to, from, size);
	while (size--) {
		t[size] = f[size];
		barrier();	/* keeps the compiler from calling memmove */
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < size; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
		barrier();
	}
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

void strscpy(char *to, const char *from, size_t size)
{
	size_t n = 0;

	for (; n + 1 < size && from[n]; n++)
		to[n] = from[n];
	to[n] = '\0';
}

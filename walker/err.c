// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "walker/err.h"

bool err_set(struct err *e, enum err_code code, uint64_t address, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return false;
	e->code = code;
	e->address = address;
	va_start(args, fmt);
	if (vsnprintf(e->message, sizeof(e->message), fmt, args) < 0)
		e->message[0] = '\0';
	va_end(args);

	/* Names from the guest end up in messages: they must not steer a terminal. */
	for (unsigned char *c = (unsigned char *)e->message; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
	return false;
}

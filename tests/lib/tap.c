// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/tap.h"

static unsigned tap_passed, tap_failed;

bool tap(bool ok, const char *name, const char *reason, ...)
{
	const char *prefix = getenv("TAP_PREFIX");

	printf("%s %s%s%s", ok ? "ok" : "not ok", prefix ? prefix : "", prefix ? " " : "", name);
	if (ok) {
		tap_passed++;
	} else {
		va_list args;

		tap_failed++;
		printf(" - ");
		va_start(args, reason);
		vprintf(reason, args);
		va_end(args);
	}
	printf("\n");
	fflush(stdout);
	return ok;
}

void tap_note(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

int tap_status(void)
{
	return tap_failed > 0 || tap_passed == 0;
}

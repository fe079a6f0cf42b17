/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detach.h - `ptmm run --detach`: a child that outlives the terminal, and a
 * parent that waits until the guest is ready or ended.
 */
#ifndef PTMM_KVM_DETACH_H
#define PTMM_KVM_DETACH_H

#include <stdbool.h>

/* From child to parent, once. */
struct detach_notice {
	bool ready;
	int status;		/* of the guest, if not ready */
	char text[240];		/* why it is not */
};

/*
 * Closes what was inherited beyond stdio, before anything is opened: a pipe of
 * whoever started us must not stay open for as long as a guest lives.
 */
void detach_prepare(void);
/*
 * Forks. In the child: returns true with the descriptor for detach_tell(); its
 * session is its own, its stdio is /dev/null. In the parent: waits, returns false
 * with the notice; after timeout seconds, or on SIGINT or SIGTERM, the child is
 * ended first.
 */
bool detach(unsigned timeout, int *tell_fd, struct detach_notice *);
/* Only the first notice is heard; the descriptor is closed and set to -1. */
void detach_tell(int *tell_fd, bool ready, int status, const char *text);

#endif

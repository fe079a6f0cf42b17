/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - how guests are found by name: a private folder with, per guest,
 * NAME.lock (held with flock as long as its VMM lives), NAME.sock and, for a
 * detached guest, NAME.log. Used by both ends of the control socket.
 *
 * The folder is $XDG_RUNTIME_DIR/ptmm, or /tmp/ptmm-UID where that is not set.
 * A killed VMM leaves files behind but no lock: whoever meets them next, under
 * the lock, removes them.
 */
#ifndef PTMM_KVM_NAMES_H
#define PTMM_KVM_NAMES_H

#include <limits.h>
#include <stddef.h>

#include "walker/err.h"

enum { NAME_SIZE = 64 };	/* with the terminating zero */

struct name_claim {
	int lock_fd;
	char lock[PATH_MAX], sock[PATH_MAX], log[PATH_MAX];
};

/* Letters, digits, '.', '_', '-'; starts with a letter or a digit. ERR_USAGE. */
bool name_check(const char *name, struct err *);
/* Takes a name until release or the process's end; ERR_USAGE if a guest has it. */
bool name_claim(struct name_claim *, const char *name, struct err *);
/* Removes the socket and the lock; the log stays. */
void name_release(struct name_claim *);
/* A listening SOCK_SEQPACKET socket at the claimed name, mode 0600; -1 on error. */
int name_listen(const struct name_claim *, struct err *);
/* Connects to a running guest; -1 with ERR_TARGET, naming the guests that run. */
int name_connect(const char *name, struct err *);

/* FOLDER/NAME.SUFFIX, for others who keep a file there. The suffix is their own. */
bool names_path(char out[PATH_MAX], const char *name, const char *suffix, struct err *);

/* Does a VMM hold the name? */
bool name_running(const char *name);

struct name_list {
	size_t count;
	char (*name)[NAME_SIZE];	/* sorted */
};

/* The guests that run; cleans up behind killed ones. */
bool names_read(struct name_list *, struct err *);
void names_free(struct name_list *);

#endif

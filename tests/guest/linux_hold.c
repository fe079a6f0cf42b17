// SPDX-License-Identifier: GPL-2.0-only
/*
 * linux_hold.c - holds a libvirt domain as ptmm does, and does as it is told, so that
 * a test can kill it, or its domain, at a moment of its choice.
 *
 *	linux_hold DOMAIN[?connect=URI]
 *
 * Says "open" or "error MESSAGE"; then reads commands, a line each, and answers "ok" or
 * "error MESSAGE": pause, resume, regs, close, and loop, which pauses and resumes without
 * end and answers only an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/libvirt/libvirt.h"

static bool pause_and_resume(struct machine *m, struct err *e)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	if (!m->ops->pause(m, e))
		return false;
	nanosleep(&nap, NULL);
	if (!m->ops->resume(m, e))
		return false;
	return !nanosleep(&nap, NULL);
}

static bool obey(struct machine *m, const char *command, struct err *e)
{
	struct x86_regs regs;

	if (!strcmp(command, "pause"))
		return m->ops->pause(m, e);
	if (!strcmp(command, "resume"))
		return m->ops->resume(m, e);
	if (!strcmp(command, "regs"))
		return m->ops->regs(m, 0, &regs, e);
	while (!strcmp(command, "loop"))
		if (!pause_and_resume(m, e))
			return false;
	return err_set(e, ERR_USAGE, 0, "what is '%s'?", command);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct machine *m = argc == 2 ? libvirt_open(argv[1], &e) : NULL;
	char line[80];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!m) {
		printf("error %s\n", e.message);
		return 3;
	}
	printf("open\n");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "close"))
			break;
		e = (struct err){ 0 };
		if (obey(m, line, &e)) {
			printf("ok\n");
			continue;
		}
		libvirt_gone(m, &e);
		printf("error %s\n", e.message);
	}
	machine_close(m);
	printf("closed\n");
	return 0;
}

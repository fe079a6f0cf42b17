// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of a Linux guest: starts one process for each way of using memory, lets
 * them come to rest, prints the kernel's own word on them (truth.h), says READY on the
 * console, and keeps them alive.
 *
 *	workload TRUTH-FILE
 *
 * Words of the kernel's command line: ptmm.churn (some processes keep changing, so the
 * truth holds for the others only), ptmm.procs=N (N plain processes more),
 * ptmm.doorbell (READY is told to our VMM too, by its port).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/testguest/abi.h"
#include "scenes.h"
#include "truth.h"

static char cmdline[4096];

/* The number behind WORD= on the kernel's command line; 1 for the bare word, else 0. */
static int option(const char *word)
{
	const char *at = strstr(cmdline, word);

	if (!at)
		return 0;
	at += strlen(word);
	return *at == '=' ? atoi(at + 1) : 1;
}

static void read_cmdline(void)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, cmdline, sizeof(cmdline) - 1);

	cmdline[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* A process that is gone, but whose mm we hold by its open /proc/PID/mem. */
static void pin_dead_mm(void)
{
	char path[64];
	pid_t pid = scene_start(&(struct scene){ "w-pinned", scene_anon, 1 });

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if (pid < 0 || open(path, O_RDONLY | O_CLOEXEC) < 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	truth_note("pinned 1");
}

static int open_truth(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? STDOUT_FILENO : fd;
}

int main(int argc, char **argv)
{
	static const char ready[] = "READY\n";
	int procs, failed;

	read_cmdline();
	prctl(PR_SET_NAME, "w-init");
	failed = scene_start_all();
	for (procs = option("ptmm.procs"); procs > 0; procs--)
		failed += scene_start(&(struct scene){ "w-plain", scene_plain, procs }) < 0;
	pin_dead_mm();
	truth_note("failed %d", failed);
	if (option("ptmm.churn"))
		scene_start_churn();
	usleep(200000);
	truth_write(open_truth(argc > 1 ? argv[1] : "/dev/console"));
	if (write(STDOUT_FILENO, ready, sizeof(ready) - 1) < 0)
		return 1;
	if (option("ptmm.doorbell") && !ioperm(PORT_DOORBELL, 4, 1))
		outl(DOORBELL_READY, PORT_DOORBELL);
	scene_rest();
}

/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/lib/tiny_guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tiny_code.h"
#include "vmm/cmd.h"
#include "vmm/kvm/attach.h"

static char folder[64];

size_t tiny_image(enum tiny_kind kind, uint8_t image[TINY_IMAGE_MAX])
{
	size_t code_size, head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	const void *code = tiny_code(kind, &code_size);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)image;
	Elf64_Phdr *ph = (Elf64_Phdr *)(eh + 1);

	memset(image, 0, TINY_IMAGE_MAX);
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
	eh->e_type = ET_EXEC;
	eh->e_machine = EM_X86_64;
	eh->e_version = EV_CURRENT;
	eh->e_entry = TINY_LOAD;
	eh->e_phoff = sizeof(*eh);
	eh->e_ehsize = sizeof(*eh);
	eh->e_phentsize = sizeof(*ph);
	eh->e_phnum = 1;
	ph->p_type = PT_LOAD;
	ph->p_flags = PF_R | PF_X;
	ph->p_offset = head;
	ph->p_vaddr = ph->p_paddr = TINY_LOAD;
	ph->p_filesz = code_size;
	ph->p_memsz = code_size + 4096;
	memcpy(image + head, code, code_size);
	return head + code_size;
}

bool tiny_write(enum tiny_kind kind, const char *path)
{
	uint8_t image[TINY_IMAGE_MAX];
	size_t size = tiny_image(kind, image);
	FILE *f = fopen(path, "w");
	bool ok = f && fwrite(image, size, 1, f) == 1;

	if (f && fclose(f))
		ok = false;
	return ok;
}

const char *tiny_no_kvm(void)
{
	static char why[96];
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(errno));
	return why;
}

bool tiny_setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ptmm-tiny-XXXXXX");
	return mkdtemp(folder) && !setenv("XDG_RUNTIME_DIR", folder, 1);
}

static void remove_in(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;

	if (!d)
		return;
	while ((de = readdir(d)))
		unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
	rmdir(path);
}

void tiny_cleanup(void)
{
	remove_in(tiny_path("ptmm"));
	remove_in(folder);
}

const char *tiny_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void child(const struct tiny_run *r, char **argv, int argc)
{
	dup2(r->in, STDIN_FILENO);
	dup2(r->out, STDOUT_FILENO);
	dup2(r->err, STDERR_FILENO);
	close_range(3, ~0u, 0);
	fflush(NULL);
	argc = cmd_run(argc, argv);
	fflush(NULL);
	_exit(argc);
}

bool tiny_start(struct tiny_run *r, enum tiny_kind kind, const char *const *words)
{
	char *argv[24] = { (char *)(uintptr_t)"run" };
	char image[PATH_MAX];
	struct tiny_run its;
	int argc = 1, in[2], out[2], err[2];

	snprintf(image, sizeof(image), "%s", tiny_path("image"));
	while (words && *words && argc < 22)
		argv[argc++] = (char *)(uintptr_t)*words++;
	argv[argc++] = image;
	if (!tiny_write(kind, image) || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		return false;
	its = (struct tiny_run){ .in = in[0], .out = out[1], .err = err[1] };
	*r = (struct tiny_run){ .in = in[1], .out = out[0], .err = err[0] };
	fflush(NULL);
	r->pid = fork();
	if (!r->pid)
		child(&its, argv, argc);
	close(its.in);
	close(its.out);
	close(its.err);
	return r->pid > 0;
}

static void slurp(int fd, char *text, size_t size)
{
	size_t used = 0;
	char ignored[256];
	ssize_t n;

	while ((n = read(fd, text && used + 1 < size ? text + used : ignored,
			 text && used + 1 < size ? size - 1 - used : sizeof(ignored))) > 0) {
		if (text && used + 1 < size)
			used += (size_t)n;
	}
	if (text)
		text[used] = '\0';
	close(fd);
}

int tiny_finish(struct tiny_run *r, char *out, size_t out_size, char *err, size_t err_size)
{
	int status;

	if (r->in >= 0)
		close(r->in);
	slurp(r->out, out, out_size);
	slurp(r->err, err, err_size);
	if (waitpid(r->pid, &status, 0) != r->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct machine *tiny_attach_ready(const char *name)
{
	for (int i = 0; i < 1000; i++) {
		struct machine *m = kvm_attach(name, NULL);
		struct guest_status s;

		if (m && kvm_status(m, &s, NULL) && s.state == GUEST_READY)
			return m;
		if (m)
			machine_close(m);
		usleep(10000);
	}
	return NULL;
}

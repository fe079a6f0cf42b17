/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>

#include "vmm/cmd.h"
#include "vmm/kvm/loop.h"

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "mem", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "append", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 }
	};
	struct vm_config config = { .name = "guest", .memory = 64ull << 20, .vcpus = 1, .append = "" };
	struct loop_config lc = { .in_fd = 0, .out_fd = 1, .ready_fd = -1, .listen_fd = -1 };
	struct err e = { 0 };
	struct stat st;
	struct vm *vm;
	int o, status;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'n': config.name = optarg; break;
		case 'm':
			if (!memory_size_parse(optarg, &config.memory, &e)) {
				fprintf(stderr, "ptmm run: %s\n", e.message);
				return EXIT_USAGE;
			}
			break;
		case 'c': config.vcpus = (unsigned)atoi(optarg); break;
		case 'a': config.append = optarg; break;
		default: return EXIT_USAGE;
		}
	}
	config.image_name = optind < argc ? argv[optind] : "build/guest-images/testguest/testguest.elf";
	int fd = open(config.image_name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		fprintf(stderr, "ptmm run: %s: %s\n", config.image_name, strerror(errno));
		return EXIT_TARGET;
	}
	config.image_size = (size_t)st.st_size;
	config.image = mmap(NULL, config.image_size, PROT_READ, MAP_PRIVATE, fd, 0);
	vm = vm_create(&config, &e);
	if (!vm || !loop_run(vm, &lc, &e)) {
		fprintf(stderr, "ptmm run: %s\n", e.message);
		return EXIT_TARGET;
	}
	fprintf(stderr, "ptmm run: %s\n", vm->end_reason);
	status = vm->end_status;
	vm_destroy(vm);
	return status;
}

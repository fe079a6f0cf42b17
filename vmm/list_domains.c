/* SPDX-License-Identifier: GPL-2.0-only */
/* list_domains.c - libvirt's domains as text and JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "vmm/libvirt/libvirt.h"
#include "vmm/list_domains.h"

/* A domain's name may hold anything but a slash and a newline. */
static void text_row(const struct libvirt_domain *d)
{
	int width = 0;

	for (const char *c = d->name; *c; c++, width++)
		putchar((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
	printf("%*s ", width < 24 ? 24 - width : 0, "");
	if (d->id < 0)
		printf("%5s", "-");
	else
		printf("%5d", d->id);
	printf(" %-13s %8" PRIu64 " MiB %4u\n", d->state, d->memory >> 20, d->vcpus);
}

static void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void json_row(const struct libvirt_domain *d, bool first)
{
	printf("%s\n    { \"cpus\": %u, \"id\": ", first ? "" : ",", d->vcpus);
	if (d->id < 0)
		printf("null");
	else
		printf("%d", d->id);
	printf(", \"memory_bytes\": %" PRIu64 ", \"name\": ", d->memory);
	json_string(d->name);
	printf(", \"state\": \"%s\" }", d->state);
}

bool list_domains(const char *uri, bool json, struct err *err)
{
	struct libvirt_domains domains;
	bool ok = libvirt_list(&domains, uri, err);

	if (ok && json)
		printf("{ \"domains\": [");
	else if (ok)
		printf("%-24s %5s %-13s %12s %4s\n", "NAME", "ID", "STATE", "MEMORY", "CPUS");
	for (size_t i = 0; ok && i < domains.count; i++) {
		if (json)
			json_row(&domains.list[i], !i);
		else
			text_row(&domains.list[i]);
	}
	if (ok && json)
		printf("%s],\n  \"schema\": \"ptmm.list/1\" }\n", domains.count ? "\n  " : "");
	libvirt_domains_free(&domains);
	return ok;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* list.c - the domains that libvirt has. */
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/libvirt.h"
#include "vmm/libvirt/link.h"

static int by_name(const void *a, const void *b)
{
	const struct libvirt_domain *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* False: it vanished while we looked. */
static bool fill(struct libvirt_domain *d, virDomainPtr domain)
{
	const char *name = virDomainGetName(domain);
	virDomainInfo info;
	unsigned id = virDomainGetID(domain);

	if (!name || virDomainGetInfo(domain, &info))
		return false;
	*d = (struct libvirt_domain){
		.name = strdup(name), .id = id == (unsigned)-1 ? -1 : (int)id,
		.state = link_state_name(info.state),
		.memory = (uint64_t)info.memory << 10, .vcpus = info.nrVirtCpu,
	};
	return d->name != NULL;
}

bool libvirt_list(struct libvirt_domains *domains, const char *uri, struct err *err)
{
	virDomainPtr *all = NULL;
	struct link link;
	bool ok;
	int n = 0;

	*domains = (struct libvirt_domains){ 0 };
	ok = link_open(&link, uri, err);
	if (ok) {
		n = virConnectListAllDomains(link.connection, &all, 0);
		ok = n >= 0 || link_error(err, "cannot list the domains");
	}
	if (ok && n > 0) {
		domains->list = calloc((size_t)n, sizeof(*domains->list));
		ok = domains->list || err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	}
	for (int i = 0; i < n; i++) {
		if (ok && fill(&domains->list[domains->count], all[i]))
			domains->count++;
		virDomainFree(all[i]);
	}
	free(all);
	link_close(&link);
	if (domains->count)
		qsort(domains->list, domains->count, sizeof(*domains->list), by_name);
	return ok;
}

void libvirt_domains_free(struct libvirt_domains *domains)
{
	for (size_t i = 0; i < domains->count; i++)
		free(domains->list[i].name);
	free(domains->list);
	*domains = (struct libvirt_domains){ 0 };
}

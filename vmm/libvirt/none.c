/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * none.c - what stands in where ptmm was linked without libvirt, which cannot be
 * linked in whole: the others of this folder, when linked, take precedence.
 */
#include "vmm/libvirt/libvirt.h"

#define STAND_IN __attribute__((weak))

static bool none(struct err *err)
{
	return err_set(err, ERR_TARGET, 0, "this ptmm was built without libvirt (ptmm-static is)");
}

STAND_IN struct machine *libvirt_open(const char *domain, struct err *err)
{
	(void)domain;
	none(err);
	return NULL;
}

STAND_IN bool libvirt_gone(struct machine *machine, struct err *err)
{
	(void)machine;
	(void)err;
	return false;
}

STAND_IN bool libvirt_list(struct libvirt_domains *domains, const char *uri, struct err *err)
{
	(void)uri;
	*domains = (struct libvirt_domains){ 0 };
	return none(err);
}

STAND_IN void libvirt_domains_free(struct libvirt_domains *domains)
{
	(void)domains;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* link.c - libvirt's calls with errors of one line. */
#include <ctype.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/libvirt/link.h"

/* In place of libvirt's own, which prints to stderr. */
static void keep_quiet(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

bool link_error(struct err *err, const char *what)
{
	const virError *last = virGetLastError();
	char why[160];

	snprintf(why, sizeof(why), "%s", last && last->message ? last->message : "no reason given");
	/* Remote text: it stays on its line and off the terminal's controls. */
	for (char *c = why; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return err_set(err, ERR_TARGET, 0, "%s: %s", what, why);
}

static bool connect_error(struct err *err, const char *uri)
{
	char what[120];

	if (uri)
		snprintf(what, sizeof(what), "cannot connect to libvirt at %.80s", uri);
	else
		snprintf(what, sizeof(what), "cannot connect to libvirt");
	return link_error(err, what);
}

bool link_open(struct link *link, const char *uri, struct err *err)
{
	*link = (struct link){ 0 };
	virSetErrorFunc(NULL, keep_quiet);
	link->connection = virConnectOpen(uri);
	return link->connection ? true : connect_error(err, uri);
}

void link_close(struct link *link)
{
	if (link->domain)
		virDomainFree(link->domain);
	if (link->connection)
		virConnectClose(link->connection);
	*link = (struct link){ 0 };
}

/* "a, b, c": the domains that could have been meant. */
static void names_join(struct link *link, char *out, size_t size)
{
	virDomainPtr *all = NULL;
	int count = virConnectListAllDomains(link->connection, &all,
					     VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *name = virDomainGetName(all[i]);

		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%.40s",
						 used ? ", " : "", name ? name : "?");
		virDomainFree(all[i]);
	}
	free(all);
}

static bool no_domain(struct link *link, const char *name, struct err *err)
{
	virErrorPtr last = virGetLastError();
	char names[120];

	if (last && last->code != VIR_ERR_NO_DOMAIN && last->code != VIR_ERR_INVALID_ARG)
		return link_error(err, "cannot look the domain up");
	names_join(link, names, sizeof(names));
	if (!names[0])
		return err_set(err, ERR_TARGET, 0, "there is no domain '%.60s' and none runs",
			       name);
	return err_set(err, ERR_TARGET, 0, "there is no domain '%.60s': %s run%s", name, names,
		       strchr(names, ',') ? "" : "s");
}

static virDomainPtr by_id(virConnectPtr connection, const char *text)
{
	char *end;
	long id = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || id > INT32_MAX)
		return NULL;
	return virDomainLookupByID(connection, (int)id);
}

/* ptmm speaks to QEMU's monitor; other drivers of libvirt's have none. */
static bool check_driver(struct link *link, struct err *err)
{
	const char *type = virConnectGetType(link->connection);

	if (type && !strcmp(type, "QEMU"))
		return true;
	return err_set(err, ERR_TARGET, 0, "ptmm reads domains of QEMU; this connection is to "
		       "libvirt's driver '%.40s'", type ? type : "?");
}

static bool check_state(struct link *link, struct err *err)
{
	int state;

	if (!link_state(link, &state, err))
		return false;
	if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ||
	    state == VIR_DOMAIN_PAUSED || state == VIR_DOMAIN_PMSUSPENDED)
		return true;
	return err_set(err, ERR_TARGET, 0, "the domain '%.60s' is not running (%s): start it, or "
		       "use a dump of it (core:FILE)", virDomainGetName(link->domain),
		       link_state_name(state));
}

bool link_choose(struct link *link, const char *name, struct err *err)
{
	if (!check_driver(link, err))
		return false;
	link->domain = virDomainLookupByName(link->connection, name);
	if (!link->domain)
		link->domain = virDomainLookupByUUIDString(link->connection, name);
	if (!link->domain)
		link->domain = by_id(link->connection, name);
	if (!link->domain)
		return no_domain(link, name, err);
	return check_state(link, err);
}

bool link_choose_uuid(struct link *link, const unsigned char uuid[VIR_UUID_BUFLEN],
		      struct err *err)
{
	link->domain = virDomainLookupByUUID(link->connection, uuid);
	return link->domain ? true : link_error(err, "the domain is gone");
}

bool link_state(struct link *link, int *state, struct err *err)
{
	if (!virDomainGetState(link->domain, state, NULL, 0))
		return true;
	return link_error(err, "cannot read the domain's state");
}

const char *link_state_name(int state)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
		return "running";
	case VIR_DOMAIN_BLOCKED:
		return "idle";
	case VIR_DOMAIN_PAUSED:
		return "paused";
	case VIR_DOMAIN_SHUTDOWN:
		return "shutting down";
	case VIR_DOMAIN_SHUTOFF:
		return "shut off";
	case VIR_DOMAIN_CRASHED:
		return "crashed";
	case VIR_DOMAIN_PMSUSPENDED:
		return "suspended";
	default:
		return "?";
	}
}

static char *monitor(struct link *link, const char *command, unsigned flags, struct err *err)
{
	char *reply = NULL;

	if (!virDomainQemuMonitorCommand(link->domain, command, &reply, flags) && reply)
		return reply;
	free(reply);
	link_error(err, "QEMU's monitor does not answer");
	return NULL;
}

char *link_human(struct link *link, const char *command, struct err *err)
{
	return monitor(link, command, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, err);
}

char *link_qmp(struct link *link, const char *command, struct err *err)
{
	return monitor(link, command, VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT, err);
}

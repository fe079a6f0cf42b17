// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - the catalogue of checks, and the findings they make.
 *
 * A check is one function with its rule above it and a line in the table. A
 * right guest gives no finding.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "walker/check/check_impl.h"

#define FINDINGS_MAX 10000

static const struct check checks[] = {
	{ "verdict", check_verdicts,
	  "every table page is reached by its one owner, typed and recorded as such" },
	{ "pgtables_bytes", check_pgtables_bytes,
	  "an mm's book of table bytes equals the tables that it has" },
	{ "kernel_half", check_kernel_half,
	  "the kernel half of every PGD equals init_mm's" },
	{ "self_map", check_self_map,
	  "no entry leads to a table of another level than the one below" },
	{ "bad_entry", check_bad_entry,
	  "no entry has a reserved bit set" },
	{ "beyond_ram", check_beyond_ram,
	  "every table lies in RAM" },
	{ "unreadable", check_unreadable,
	  "every table can be read" },
};

const struct check *check_list(size_t *count)
{
	*count = sizeof(checks) / sizeof(checks[0]);
	return checks;
}

void finding_add(struct check_run *run, const struct finding *at, const char *fmt, ...)
{
	struct findings *f = run->findings;
	struct finding *to;
	va_list args;

	if (f->count == FINDINGS_MAX) {
		f->dropped++;
		return;
	}
	if (f->count == run->room) {
		size_t room = run->room ? run->room * 2 : 64;

		to = reallocarray(f->list, room, sizeof(*to));
		if (!to) {
			run->no_memory = true;
			f->dropped++;
			return;
		}
		f->list = to;
		run->room = room;
	}
	to = &f->list[f->count++];
	*to = *at;
	va_start(args, fmt);
	vsnprintf(to->message, sizeof(to->message), fmt, args);
	va_end(args);
}

bool check_run(const struct census *census, const struct kernel *kernel,
	       struct findings *findings, struct err *e)
{
	struct check_run run = { .census = census, .kernel = kernel, .findings = findings };

	*findings = (struct findings){ 0 };
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i].run(&run);
	if (run.no_memory) {
		findings_free(findings);
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for findings");
	}
	return true;
}

void findings_free(struct findings *f)
{
	free(f->list);
	*f = (struct findings){ 0 };
}

const char *severity_name(enum severity s)
{
	switch (s) {
	case SEVERITY_NOTE:
		return "note";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	}
	return "?";
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* inspect.c - opens, works, closes, reports what went wrong. */
#include "vmm/cli.h"
#include "vmm/cmd.h"
#include "vmm/inspect.h"
#include "vmm/output.h"

static int work_failed(const char *uri, struct output *output, const struct err *err)
{
	bool unwritten = ferror(output->stream);
	int status;

	if (unwritten)
		status = cli_fail(output->name, err);
	else
		status = cli_fail(err->code == ERR_USAGE ? NULL : uri, err);
	output_close(output, false, NULL);
	return unwritten ? EXIT_OUTPUT : status;
}

int inspect(const char *uri, const struct target_options *options, const char *path,
	    inspect_fn *work, void *request)
{
	struct err err = { 0 };
	struct target target;
	struct output output;
	int status = EXIT_FINE;

	if (!target_open(&target, uri, options, &err))
		return cli_fail(NULL, &err);
	/* Before the work: a file that cannot be written must not cost the guest a pause. */
	if (!output_open(&output, path, &err)) {
		target_close(&target);
		cli_fail(NULL, &err);
		return EXIT_OUTPUT;
	}
	if (!work(&target, output.stream, request, &status, &err)) {
		status = work_failed(uri, &output, &err);
	} else if (!output_close(&output, true, &err)) {
		cli_fail(NULL, &err);
		status = EXIT_OUTPUT;
	}
	target_close(&target);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
/* injection.c - one injection as text and as JSON. */
#include <inttypes.h>
#include <json-c/json.h>

#include "walker/report/injection.h"

static unsigned count_fate(const struct inject_evidence *e, enum task_fate fate)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < e->task_count; i++)
		n += e->tasks[i].fate == fate;
	return n;
}

static unsigned count_others(const struct inject_evidence *e)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < e->task_count; i++)
		n += !e->tasks[i].owner;
	return n;
}

static unsigned count_others_left(const struct inject_evidence *e)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < e->task_count; i++)
		n += !e->tasks[i].owner && e->tasks[i].fate != FATE_KILLED;
	return n;
}

static void print_tasks(FILE *out, const char *label, const struct inject_evidence *e,
			enum task_fate fate)
{
	const char *sep = " ";

	if (!count_fate(e, fate))
		return;
	fprintf(out, "%-8s", label);
	for (uint32_t i = 0; i < e->task_count; i++) {
		const struct task_witness *w = &e->tasks[i];

		if (w->fate != fate)
			continue;
		fprintf(out, "%spid %d %s%s", sep, w->before.pid, w->before.comm,
			fate == FATE_KILLED ? (w->owner ? " (owner)" : " (bystander)") : "");
		sep = ", ";
	}
	fputc('\n', out);
}

static void print_owners(FILE *out, const struct injection_report *r)
{
	const struct inject_target *t = r->target;
	const struct kernel_mms *mms = r->mms;

	if (t->kernel) {
		fputs(" of the kernel", out);
		return;
	}
	if (!t->owner_count)
		fputs(" of nobody", out);
	for (uint32_t i = 0; i < t->owner_count && i < INJECT_OWNERS_MAX; i++) {
		const struct mm *mm = &mms->mms[t->owners[i]];

		fputs(i ? "," : " of", out);
		if (mm->task_count) {
			const struct task *task = &mms->tasks[mms->tasks_of[mm->first_task]];

			fprintf(out, " pid %d %s", task->pid, task->comm);
		} else {
			fprintf(out, " mm 0x%" PRIx64, mm->at);
		}
	}
}

/* Where nothing leads to a table, nothing says which addresses it is for. */
static bool has_place(const struct inject_target *t)
{
	return t->verdict != VERDICT_ORPHAN && t->verdict != VERDICT_DEPOSITED;
}

/* Owners that were not killed: they live on with a table that is lost. */
static void print_spared(FILE *out, const struct inject_evidence *e)
{
	for (uint32_t i = 0; i < e->task_count; i++) {
		const struct task_witness *w = &e->tasks[i];

		if (w->owner && (w->fate == FATE_LIVES || w->fate == FATE_QUIET))
			fprintf(out, "spared   pid %d %s (owner)\n", w->before.pid,
				w->before.comm);
	}
}

static void print_text(FILE *out, const struct injection_report *r)
{
	const struct inject_target *t = r->target;
	const struct inject_evidence *e = r->evidence;
	bool over = e->guest_panic || e->guest_reset || e->guest_ended;

	fprintf(out, "hit      %s table, pfn 0x%" PRIx64, r->format->level[t->level].name, t->pfn);
	if (has_place(t))
		fprintf(out, ", 0x%" PRIx64 "-0x%" PRIx64, t->first, t->last);
	print_owners(out, r);
	fprintf(out, " (%s)%s\n", verdict_name(t->verdict), t->loaded ? ", loaded in a CR3" : "");
	fprintf(out, "signal   %s, bank %u, vCPU %u in %s mode at rip 0x%" PRIx64 "\n",
		r->signal, r->mce.bank, r->mce.vcpu, r->moment, r->rip);
	if (r->reaction_seconds >= 0)
		fprintf(out, "reacted  after %.1f ms\n", r->reaction_seconds * 1e3);
	if (over) {
		fprintf(out, "ended    %s\n", r->end_reason ? r->end_reason : "the guest is gone");
	} else {
		print_tasks(out, "died", e, FATE_KILLED);
		if (!count_fate(e, FATE_KILLED))
			fputs("died     nobody\n", out);
		print_spared(out, e);
		print_tasks(out, "exited", e, FATE_EXITED);
		fprintf(out, "lived    %u of %u others (%u tasks seen running since); guest %s\n",
			count_others_left(e), count_others(e), count_fate(e, FATE_LIVES),
			e->guest_moves ? "alive" : "hangs");
	}
	if (r->outcome == r->prediction)
		fprintf(out, "outcome  %s, as predicted: %s\n", outcome_name(r->outcome),
			r->prediction_why);
	else
		fprintf(out, "outcome  %s, predicted was %s: %s\n", outcome_name(r->outcome),
			outcome_name(r->prediction), r->prediction_why);
}

static void add_hex(struct json_object *o, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_text(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *json_tasks(const struct inject_evidence *e)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < e->task_count; i++) {
		const struct task_witness *w = &e->tasks[i];
		struct json_object *o = json_object_new_object();

		add_text(o, "comm", w->before.comm);
		add_text(o, "fate", task_fate_name(w->fate));
		json_object_object_add(o, "owner", json_object_new_boolean(w->owner));
		json_object_object_add(o, "pid", json_object_new_int(w->before.pid));
		json_object_object_add(o, "progress_after",
				       json_object_new_int64((int64_t)w->progress_after));
		json_object_object_add(o, "progress_before",
				       json_object_new_int64((int64_t)w->before.progress));
		json_object_object_add(o, "tgid", json_object_new_int(w->before.tgid));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_target(const struct injection_report *r)
{
	const struct inject_target *t = r->target;
	struct json_object *o = json_object_new_object();
	struct json_object *owners = json_object_new_array();

	for (uint32_t i = 0; i < t->owner_count && i < INJECT_OWNERS_MAX; i++) {
		char text[24];

		snprintf(text, sizeof(text), "0x%" PRIx64, r->mms->mms[t->owners[i]].at);
		json_object_array_add(owners, json_object_new_string(text));
	}
	if (has_place(t))
		add_hex(o, "first", t->first);
	else
		add_text(o, "first", NULL);
	json_object_object_add(o, "kernel", json_object_new_boolean(t->kernel));
	if (has_place(t))
		add_hex(o, "last", t->last);
	else
		add_text(o, "last", NULL);
	add_text(o, "level", r->format->level[t->level].name);
	json_object_object_add(o, "loaded", json_object_new_boolean(t->loaded));
	json_object_object_add(o, "owners", owners);
	add_hex(o, "pfn", t->pfn);
	add_hex(o, "recorded", t->recorded);
	add_text(o, "verdict", verdict_name(t->verdict));
	return o;
}

static struct json_object *json_signal(const struct injection_report *r)
{
	struct json_object *o = json_object_new_object();

	add_hex(o, "addr", r->mce.addr);
	json_object_object_add(o, "bank", json_object_new_int((int)r->mce.bank));
	add_text(o, "cpu_vendor", r->cpu_vendor);
	add_text(o, "kind", r->signal);
	add_hex(o, "mcg_status", r->mce.mcg_status);
	add_hex(o, "misc", r->mce.misc);
	add_text(o, "moment", r->moment);
	add_hex(o, "rip", r->rip);
	add_hex(o, "status", r->mce.status);
	json_object_object_add(o, "vcpu", json_object_new_int((int)r->mce.vcpu));
	return o;
}

static bool print_json(FILE *out, const struct injection_report *r, struct err *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *prediction = json_object_new_object();
	struct json_object *timing = json_object_new_object();
	const char *text;

	add_text(o, "ended", r->end_reason);
	add_text(o, "outcome", outcome_name(r->outcome));
	json_object_object_add(prediction, "came_true",
			       json_object_new_boolean(r->outcome == r->prediction));
	add_text(prediction, "outcome", outcome_name(r->prediction));
	add_text(prediction, "why", r->prediction_why);
	json_object_object_add(o, "prediction", prediction);
	add_text(o, "schema", "ptmm.injection/1");
	json_object_object_add(o, "signal", json_signal(r));
	json_object_object_add(o, "table", json_target(r));
	add_text(o, "target", r->uri);
	json_object_object_add(o, "tasks", json_tasks(r->evidence));
	json_object_object_add(timing, "reaction", r->reaction_seconds < 0 ? NULL :
			       json_object_new_double(r->reaction_seconds));
	json_object_object_add(timing, "watched", json_object_new_double(r->watched_seconds));
	json_object_object_add(o, "timing", timing);

	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		fprintf(out, "%s\n", text);
	json_object_put(o);
	return text || err_set(err, ERR_NO_MEMORY, 0, "out of memory while writing JSON");
}

bool report_injection(FILE *out, const struct injection_report *r, enum report_format format,
		      struct err *err)
{
	if (format == REPORT_TEXT)
		print_text(out, r);
	else if (!print_json(out, r, err))
		return false;
	return !ferror(out) || err_set(err, ERR_SYSTEM, 0, "cannot write the report");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* emit.c - JSON values and checked writes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "walker/report/emit.h"

static struct json_object *emit_made(struct emit *emit, struct json_object *value)
{
	if (!value)
		emit->no_memory = true;
	return value;
}

struct json_object *emit_object(struct emit *emit)
{
	return emit_made(emit, json_object_new_object());
}

struct json_object *emit_array(struct emit *emit)
{
	return emit_made(emit, json_object_new_array());
}

void emit_put(struct emit *emit, struct json_object *object, const char *key,
	      struct json_object *value)
{
	/* Keys are literals, each put once: no copy, no look for an older one. */
	unsigned flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

	if (!object || json_object_object_add_ex(object, key, value, flags)) {
		emit->no_memory = true;
		json_object_put(value);
	}
}

void emit_append(struct emit *emit, struct json_object *array, struct json_object *value)
{
	if (!array || json_object_array_add(array, value)) {
		emit->no_memory = true;
		json_object_put(value);
	}
}

struct json_object *emit_hex(struct emit *emit, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return emit_string(emit, text);
}

struct json_object *emit_count(struct emit *emit, uint64_t value)
{
	return emit_made(emit, json_object_new_uint64(value));
}

struct json_object *emit_int(struct emit *emit, int64_t value)
{
	return emit_made(emit, json_object_new_int64(value));
}

struct json_object *emit_bool(struct emit *emit, bool value)
{
	return emit_made(emit, json_object_new_boolean(value));
}

struct json_object *emit_string(struct emit *emit, const char *text)
{
	return emit_made(emit, json_object_new_string(text));
}

struct json_object *emit_seconds(struct emit *emit, double seconds)
{
	char text[40];

	snprintf(text, sizeof(text), "%.6f", seconds);
	return emit_made(emit, json_object_new_double_s(seconds, text));
}

struct json_object *emit_words(struct emit *emit, const char *words)
{
	struct json_object *array = emit_array(emit);

	while (*words) {
		size_t length = strcspn(words, " ");

		if (length)
			emit_append(emit, array,
				    emit_made(emit, json_object_new_string_len(words,
									       (int)length)));
		words += length;
		words += strspn(words, " ");
	}
	return array;
}

bool emit_stream_error(FILE *to, struct err *err)
{
	int why = errno;

	if (!ferror(to))
		return true;
	return err_set(err, ERR_SYSTEM, 0, "%s", why ? strerror(why) : "write error");
}

bool emit_write(struct emit *emit, struct json_object *value, const char *tail,
		struct err *err)
{
	const char *text = NULL;

	if (value && !emit->no_memory)
		text = json_object_to_json_string_ext(value, emit->style);
	if (text) {
		fputs(text, emit->to);
		fputs(tail, emit->to);
	}
	json_object_put(value);
	if (!text)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for JSON");
	return emit_stream_error(emit->to, err);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * emit.h - small steps towards JSON: objects with sorted keys, checked writes.
 *
 * json-c returns NULL both for "null" and for "no memory". A `struct emit`
 * keeps them apart: any failed allocation makes the whole document fail.
 */
#ifndef PTMM_REPORT_EMIT_H
#define PTMM_REPORT_EMIT_H

#include <json-c/json.h>
#include <stdio.h>

#include "walker/err.h"

struct emit {
	FILE *to;
	int style;		/* json-c's flags */
	bool no_memory;
};

struct json_object *emit_object(struct emit *);
struct json_object *emit_array(struct emit *);

/* Adds a member, taking it over. Callers add keys in ASCII order. */
void emit_put(struct emit *, struct json_object *, const char *key, struct json_object *);
void emit_append(struct emit *, struct json_object *array, struct json_object *);

/* Values. Addresses are strings: a number above 2^53 does not survive most readers. */
struct json_object *emit_hex(struct emit *, uint64_t);
struct json_object *emit_count(struct emit *, uint64_t);
struct json_object *emit_int(struct emit *, int64_t);
struct json_object *emit_bool(struct emit *, bool);
struct json_object *emit_string(struct emit *, const char *);
struct json_object *emit_seconds(struct emit *, double);

static inline void emit_null(struct emit *emit, struct json_object *object, const char *key)
{
	emit_put(emit, object, key, NULL);
}

/* Blank-separated words as an array of strings. */
struct json_object *emit_words(struct emit *, const char *words);

/* Writes a value and what follows it, and lets the value go. */
bool emit_write(struct emit *, struct json_object *, const char *tail, struct err *);

/* The error of a stream that could not be written. */
bool emit_stream_error(FILE *, struct err *);

#endif

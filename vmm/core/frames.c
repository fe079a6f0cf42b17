/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frames.c - a bounded cache of frames that cannot be looked at in place.
 *
 * Sets of a few slots, the longest unused one goes. A frame that is in view
 * stays; where a whole set is in view, a frame gets memory of its own.
 */
#include <pthread.h>
#include <stdlib.h>

#include "vmm/core/dump.h"

enum { SETS = 256, WAYS = 4, SLOTS = SETS * WAYS };
#define NO_FRAME UINT64_MAX

struct slot {
	gpa_t frame;
	uint64_t used;		/* the cache's clock at its last view */
	unsigned views;
};

struct frame_cache {
	struct dump *dump;
	frame_fill *fill;
	pthread_mutex_t lock;
	uint64_t clock;
	struct slot slot[SLOTS];
	uint8_t *bytes;		/* PT_FRAME_SIZE for each slot */
};

struct frame_cache *frame_cache_new(struct dump *dump, frame_fill *fill, struct err *e)
{
	struct frame_cache *c = calloc(1, sizeof(*c));

	if (c)
		c->bytes = aligned_alloc(PT_FRAME_SIZE, (size_t)SLOTS * PT_FRAME_SIZE);
	if (!c || !c->bytes) {
		free(c);
		err_set(e, ERR_NO_MEMORY, 0, "out of memory for a cache of frames");
		return NULL;
	}
	c->dump = dump;
	c->fill = fill;
	pthread_mutex_init(&c->lock, NULL);
	for (unsigned i = 0; i < SLOTS; i++)
		c->slot[i].frame = NO_FRAME;
	return c;
}

void frame_cache_free(struct frame_cache *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->bytes);
	free(c);
}

/* The slot of a frame, or the one that it may have; NULL where all are in view. */
static struct slot *slot_of(struct frame_cache *c, gpa_t frame)
{
	struct slot *set = &c->slot[(frame / PT_FRAME_SIZE) % SETS * WAYS], *oldest = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].frame == frame)
			return &set[i];
		if (!set[i].views && (!oldest || set[i].used < oldest->used))
			oldest = &set[i];
	}
	return oldest;
}

static const void *view_own(struct frame_cache *c, gpa_t frame, struct err *e)
{
	uint8_t *bytes = aligned_alloc(PT_FRAME_SIZE, PT_FRAME_SIZE);

	if (!bytes)
		err_set(e, ERR_NO_MEMORY, frame, "out of memory for a frame");
	else if (c->fill(c->dump, frame, bytes, e))
		return bytes;
	free(bytes);
	return NULL;
}

const void *frame_cache_view(struct frame_cache *c, gpa_t frame, struct err *e)
{
	const void *view = NULL;
	struct slot *s;

	pthread_mutex_lock(&c->lock);
	s = slot_of(c, frame);
	if (!s) {
		view = view_own(c, frame, e);
	} else {
		uint8_t *bytes = c->bytes + (size_t)(s - c->slot) * PT_FRAME_SIZE;

		if (s->frame != frame) {
			s->frame = NO_FRAME;
			if (c->fill(c->dump, frame, bytes, e))
				s->frame = frame;
		}
		if (s->frame == frame) {
			s->used = ++c->clock;
			s->views++;
			view = bytes;
		}
	}
	pthread_mutex_unlock(&c->lock);
	return view;
}

void frame_cache_unview(struct frame_cache *c, const void *view)
{
	uintptr_t at = (uintptr_t)view - (uintptr_t)c->bytes;

	if (at >= (uintptr_t)SLOTS * PT_FRAME_SIZE) {
		free((void *)(uintptr_t)view);
		return;
	}
	pthread_mutex_lock(&c->lock);
	c->slot[at / PT_FRAME_SIZE].views--;
	pthread_mutex_unlock(&c->lock);
}

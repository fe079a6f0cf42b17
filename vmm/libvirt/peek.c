/* SPDX-License-Identifier: GPL-2.0-only */
/* peek.c - a small cache in front of virDomainMemoryPeek(). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/libvirt/peek.h"

/* Older servers give 64 KiB at once. In a running guest they are soon stale. */
enum { STRETCH = 64 * 1024, KEPT = 256, FRESH_MS = 50 };

struct stretch {
	gpa_t at;
	size_t size;			/* 0: nothing is kept here */
	int64_t taken_ms;
	uint8_t *bytes;
};

struct peek {
	struct link *link;
	bool paused;
	struct stretch kept[KEPT];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct peek *peek_new(struct link *link)
{
	struct peek *p = calloc(1, sizeof(*p));

	if (p)
		p->link = link;
	return p;
}

void peek_free(struct peek *p)
{
	for (size_t i = 0; p && i < KEPT; i++)
		free(p->kept[i].bytes);
	free(p);
}

void peek_forget(struct peek *p, bool paused)
{
	for (size_t i = 0; i < KEPT; i++)
		p->kept[i].size = 0;
	p->paused = paused;
}

bool peek_now(struct link *link, gpa_t at, void *to, size_t size, struct err *err)
{
	if (!virDomainMemoryPeek(link->domain, at, size, to, VIR_MEMORY_PHYSICAL))
		return true;
	link_error(err, "QEMU's monitor does not give guest memory");
	if (err) {
		err->code = ERR_UNREADABLE;
		err->address = at;
	}
	return false;
}

static bool fresh(const struct peek *p, const struct stretch *s, gpa_t frame)
{
	return s->size && frame >= s->at && frame - s->at + PT_FRAME_SIZE <= s->size &&
	       (p->paused || now_ms() - s->taken_ms < FRESH_MS);
}

bool peek_frame(struct peek *p, gpa_t first, gpa_t last, gpa_t frame, void *to, struct err *err)
{
	gpa_t at = frame & ~(gpa_t)(STRETCH - 1);
	struct stretch *s = &p->kept[frame / STRETCH % KEPT];
	gpa_t end = at + (STRETCH - 1);

	if (!fresh(p, s, frame)) {
		if (!s->bytes && !(s->bytes = malloc(STRETCH)))
			return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		s->size = 0;
		s->at = at < first ? first : at;
		s->taken_ms = now_ms();
		end = end > last ? last : end;
		if (!peek_now(p->link, s->at, s->bytes, (size_t)(end - s->at) + 1, err))
			return false;
		s->size = (size_t)(end - s->at) + 1;
	}
	memcpy(to, s->bytes + (frame - s->at), PT_FRAME_SIZE);
	return true;
}

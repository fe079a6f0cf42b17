// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/private_machine.h"

struct private {
	struct machine machine;
	struct machine *of;
	uint8_t **bytes;	/* of each region */
};

static bool private_regs(struct machine *m, unsigned vcpu, struct x86_regs *regs, struct err *e)
{
	struct private *p = m->impl;

	return p->of->ops->regs(p->of, vcpu, regs, e);
}

static bool private_stand_still(struct machine *m, struct err *e)
{
	(void)m;
	(void)e;
	return true;
}

static void private_close(struct machine *m)
{
	struct private *p = m->impl;

	for (size_t i = 0; p->bytes && i < m->region_count; i++)
		free(p->bytes[i]);
	free(p->bytes);
	free(m->regions);
	free(m->unreadable);
	free(p);
}

static const struct machine_ops private_ops = {
	.regs = private_regs,
	.pause = private_stand_still,
	.resume = private_stand_still,
	.write = private_write,
	.close = private_close,
};

bool private_write(struct machine *m, gpa_t gpa, const void *bytes, size_t size, struct err *e)
{
	struct private *p = m->impl;

	for (size_t i = 0; i < m->region_count; i++) {
		const struct mem_region *r = &m->regions[i];

		if (gpa < r->first || gpa > r->last || size > r->last - gpa + 1)
			continue;
		memcpy(p->bytes[i] + (gpa - r->first), bytes, size);
		return true;
	}
	return err_set(e, ERR_NOT_RAM, gpa, "no RAM there");
}

static bool copy_regions(struct private *p, struct err *e)
{
	struct machine *m = &p->machine;

	for (size_t i = 0; i < p->of->region_count; i++) {
		struct mem_region *r = &m->regions[i];
		size_t size;

		*r = p->of->regions[i];
		size = r->last - r->first + 1;
		/* Views start at frame boundaries, as in any machine. */
		p->bytes[i] = aligned_alloc(PT_FRAME_SIZE, size);
		m->region_count++;
		if (!p->bytes[i])
			return err_set(e, ERR_NO_MEMORY, 0, "no memory for a copy of the guest");
		if (!machine_read(p->of, r->first, p->bytes[i], size, e))
			return false;
		r->host = p->bytes[i];
	}
	return true;
}

struct machine *private_machine(struct machine *of, struct err *e)
{
	struct private *p = calloc(1, sizeof(*p));
	struct machine *m;

	if (!p) {
		err_set(e, ERR_NO_MEMORY, 0, "no memory for a copy of the guest");
		return NULL;
	}
	m = &p->machine;
	p->of = of;
	m->impl = p;
	m->ops = &private_ops;
	m->source = of->source;
	m->vcpus = of->vcpus;
	memcpy(m->uri, of->uri, sizeof(m->uri));
	m->regions = calloc(of->region_count, sizeof(*m->regions));
	p->bytes = calloc(of->region_count, sizeof(*p->bytes));
	if (!m->regions || !p->bytes || !copy_regions(p, e)) {
		if (!m->regions || !p->bytes)
			err_set(e, ERR_NO_MEMORY, 0, "no memory for a copy of the guest");
		private_close(m);
		return NULL;
	}
	return m;
}

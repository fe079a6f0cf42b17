// SPDX-License-Identifier: GPL-2.0-only
/*
 * list.c - walking a circular list (struct list_head) in a guest's memory.
 *
 * A sound list comes back to its head. Any other circle is found by Brent's
 * method: remember one node, and move the mark on at each power of two; a node
 * that equals the mark was met before. No memory, a constant factor of steps.
 */
#include "walker/kernel/kernel_impl.h"

enum list_end kernel_list(const struct kernel *k, gva_t head, uint64_t budget,
			  bool (*visit)(void *ctx, gva_t node), void *ctx)
{
	gva_t node, mark = head;
	uint64_t steps = 0, next_mark = 1;

	if (!kernel_read_u64(k, head, &node, NULL))
		return LIST_BROKEN;
	while (node != head) {
		gva_t next;

		if (node == mark)
			return LIST_CYCLE;
		if (steps == budget)
			return LIST_BUDGET;
		if (++steps == next_mark) {
			mark = node;
			next_mark *= 2;
		}
		/* Follow the link before the visit: a broken node is no object. */
		if (!kernel_read_u64(k, node, &next, NULL))
			return LIST_BROKEN;
		if (!visit(ctx, node))
			return LIST_WHOLE;
		node = next;
	}
	return LIST_WHOLE;
}

const char *kernel_list_problem(enum list_end end)
{
	switch (end) {
	case LIST_CYCLE:
		return "runs in a circle without its head";
	case LIST_BROKEN:
		return "leads to memory that cannot be read";
	case LIST_BUDGET:
		return "is longer than there is room for";
	default:
		return NULL;
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * maple.c - walking a maple tree in a guest's memory.
 *
 * A B-tree over ranges of numbers (Linux lib/maple_tree.c, since 6.1). Nodes are
 * aligned to 256 bytes; a pointer to one carries its type in bits 3 to 6, and
 * bit 1 where it is the root's (bit 2 in others, where it says nothing to us).
 * Slot i holds what is at or below pivot i and above pivot i - 1; the last slot
 * in use ends where the node's own range ends, and a pivot of 0 behind the
 * first says that there are no more.
 */
#include <inttypes.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

enum { NODE_SIZE = 256, SLOTS_MAX = 31, DEPTH_MAX = 16 };
#define NODE_MASK ((uint64_t)NODE_SIZE - 1)
#define NOT_A_NODE_MAX 4096	/* what is below is a value that looks like one */

/* Where a node of one type has its parts; all in bytes. */
struct node_shape {
	uint32_t pivots, slots;
	unsigned slot_count;
};

struct maple {
	const struct kernel *k;
	struct node_shape range, arange;
	int64_t leaf_type, range_type, arange_type;
	struct gva_set met;
	bool (*visit)(void *ctx, uint64_t first, uint64_t last, gva_t entry);
	void *ctx;
	bool stopped;
	struct err *err;
};

static bool shape_find(const struct profile *p, const char *type, struct node_shape *shape,
		       struct err *err)
{
	struct member pivot, slot;

	if (!profile_member(p, type, "pivot", &pivot, err) ||
	    !profile_member(p, type, "slot", &slot, err))
		return false;
	*shape = (struct node_shape){ pivot.offset, slot.offset, slot.size / 8 };
	if (shape->slot_count > SLOTS_MAX || shape->slot_count < 2 ||
	    pivot.size / 8 < shape->slot_count - 1 ||
	    pivot.offset + pivot.size > NODE_SIZE || slot.offset + slot.size > NODE_SIZE)
		return err_set(err, ERR_MALFORMED, 0, "type %s is no maple node", type);
	return true;
}

static bool maple_find(struct maple *m)
{
	const struct profile *p = m->k->profile;

	return shape_find(p, "maple_range_64", &m->range, m->err) &&
	       shape_find(p, "maple_arange_64", &m->arange, m->err) &&
	       profile_enumerator(p, "maple_type", "maple_leaf_64", &m->leaf_type, m->err) &&
	       profile_enumerator(p, "maple_type", "maple_range_64", &m->range_type, m->err) &&
	       profile_enumerator(p, "maple_type", "maple_arange_64", &m->arange_type, m->err);
}

static bool is_root(uint64_t entry)
{
	return (entry & 3) == 2 && entry > NOT_A_NODE_MAX;
}

static bool is_inner(uint64_t entry)
{
	return !(entry & 3) && entry > NOT_A_NODE_MAX;
}

static bool malformed(const struct maple *m, uint64_t node, const char *why)
{
	return err_set(m->err, ERR_MALFORMED, node & ~NODE_MASK,
		       "the maple node at 0x%" PRIx64 " %s", node & ~NODE_MASK, why);
}

static uint64_t word_at(const uint8_t *node, uint32_t offset, unsigned index)
{
	uint64_t word;

	memcpy(&word, node + offset + 8 * (size_t)index, sizeof(word));
	return word;
}

static bool node_walk(struct maple *m, uint64_t node, uint64_t first, uint64_t last,
		      unsigned depth)
{
	int64_t type = node >> 3 & 0xf;
	bool leaf = type == m->leaf_type, fresh;
	const struct node_shape *shape = type == m->arange_type ? &m->arange : &m->range;
	uint8_t bytes[NODE_SIZE];

	if (!leaf && type != m->range_type && type != m->arange_type)
		return malformed(m, node, "has an unknown type");
	if (!gva_set_add(&m->met, node & ~NODE_MASK, &fresh))
		return err_set(m->err, ERR_NO_MEMORY, 0, "out of memory for a maple tree");
	/* A node has one parent; this alone bounds the walk by the guest's memory. */
	if (!fresh)
		return malformed(m, node, "is met twice");
	if (depth == DEPTH_MAX)
		return malformed(m, node, "lies too deep");
	if (!kernel_read(m->k, node & ~NODE_MASK, bytes, sizeof(bytes), m->err))
		return false;

	for (unsigned i = 0; i < shape->slot_count && !m->stopped; i++) {
		uint64_t entry = word_at(bytes, shape->slots, i), end = last;

		if (i + 1 < shape->slot_count)
			end = word_at(bytes, shape->pivots, i);
		if ((i && !end) || end > last)
			end = last;
		if (end < first)
			return malformed(m, node, "has pivots out of order");
		if (!leaf) {
			if (!is_inner(entry))
				return malformed(m, node, "leads to no node");
			if (!node_walk(m, entry, first, end, depth + 1))
				return false;
		} else if (entry && !m->visit(m->ctx, first, end, entry)) {
			m->stopped = true;
		}
		if (end == last)
			break;
		first = end + 1;
	}
	return true;
}

bool kernel_maple(const struct kernel *k, uint64_t root,
		  bool (*visit)(void *ctx, uint64_t first, uint64_t last, gva_t entry),
		  void *ctx, struct err *err)
{
	struct maple m = { .k = k, .visit = visit, .ctx = ctx, .err = err };
	bool ok;

	if (!root)
		return true;
	/* One entry for 0 alone, which is no range that an mm can have. */
	if (!is_root(root))
		return err_set(err, ERR_MALFORMED, root, "0x%" PRIx64 " is no maple node", root);
	if (!maple_find(&m))
		return false;
	ok = node_walk(&m, root, 0, UINT64_MAX, 0);
	gva_set_free(&m.met);
	return ok;
}

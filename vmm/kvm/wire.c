/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmm/kvm/wire.h"

static const struct {
	long request, reply;
} sizes[WIRE_OPS] = {
	[WIRE_HELLO] = { 0, sizeof(struct wire_hello) },
	[WIRE_STATUS] = { 0, sizeof(struct wire_status) },
	[WIRE_PAUSE] = { 0, 0 },
	[WIRE_RESUME] = { 0, 0 },
	[WIRE_REGS] = { sizeof(struct wire_vcpu), sizeof(struct x86_regs) },
	[WIRE_WRITE] = { sizeof(struct wire_write), 0 },
	[WIRE_DESTROY] = { sizeof(struct wire_frame), 0 },
	[WIRE_POISONED] = { 0, sizeof(struct wire_poisoned) },
	[WIRE_MCE] = { sizeof(struct machine_mce), 0 },
	[WIRE_GET_EVENTS] = { sizeof(struct wire_since), sizeof(struct wire_events) },
	[WIRE_WAIT] = { sizeof(struct wire_since), 0 },
	[WIRE_TRANSLATE] = { sizeof(struct wire_translate), sizeof(struct wire_translated) },
	[WIRE_STOP] = { 0, 0 },
};

long wire_request_size(unsigned op)
{
	return op >= WIRE_HELLO && op < WIRE_OPS ? sizes[op].request : -1;
}

long wire_reply_size(unsigned op)
{
	return op >= WIRE_HELLO && op < WIRE_OPS ? sizes[op].reply : -1;
}

bool wire_check(const struct wire_message *m, size_t size, struct err *e)
{
	if (size < sizeof(m->head))
		return err_set(e, ERR_MALFORMED, 0, "message of %zu bytes is too short", size);
	if (m->head.magic != WIRE_MAGIC)
		return err_set(e, ERR_MALFORMED, 0, "not a message of ptmm's control socket");
	if (m->head.version != WIRE_VERSION)
		return err_set(e, ERR_MALFORMED, 0, "control protocol %u, this ptmm speaks %u",
			       m->head.version, WIRE_VERSION);
	if (m->head.size != size - sizeof(m->head))
		return err_set(e, ERR_MALFORMED, 0, "message of %zu bytes announces %zu", size,
			       sizeof(m->head) + m->head.size);
	return true;
}

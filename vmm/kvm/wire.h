/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - the control socket's protocol: one SOCK_SEQPACKET message per request
 * and per reply, a fixed header and a fixed struct for each. Both ends (control.c
 * and attach.c) treat the other as hostile: sizes, magic and version are checked.
 *
 * A reply carries the request's op, or WIRE_ERROR. The one message that nobody
 * asked for is WIRE_ENDED, the last one of a guest that ends: with its status,
 * registers and newest events, so that an inspector can still tell the story.
 */
#ifndef PTMM_KVM_WIRE_H
#define PTMM_KVM_WIRE_H

#include "vmm/kvm/attach.h"
#include "vmm/kvm/memory.h"

#define WIRE_MAGIC	0x77737470u	/* "ptsw" */
#define WIRE_VERSION	1u

enum {
	WIRE_VCPUS = 4,
	WIRE_EVENTS = 128,
	WIRE_POISON = 1024,
	WIRE_WRITE_MAX = 4096,
};

enum wire_op {
	WIRE_HELLO = 1,		/* -> wire_hello, with the descriptors of RAM and image */
	WIRE_STATUS,		/* -> wire_status */
	WIRE_PAUSE,		/* -> nothing; lasts until WIRE_RESUME or disconnection */
	WIRE_RESUME,		/* -> nothing */
	WIRE_REGS,		/* wire_vcpu -> struct x86_regs */
	WIRE_WRITE,		/* wire_write -> nothing */
	WIRE_DESTROY,		/* wire_frame -> nothing */
	WIRE_POISONED,		/* -> wire_poisoned */
	WIRE_MCE,		/* struct machine_mce -> nothing */
	WIRE_GET_EVENTS,	/* wire_since -> wire_events */
	WIRE_WAIT,		/* wire_since -> nothing, once there is a newer event */
	WIRE_TRANSLATE,		/* wire_translate -> wire_translated */
	WIRE_STOP,		/* -> nothing */
	WIRE_OPS,
	WIRE_ERROR = 100,	/* wire_error */
	WIRE_ENDED,		/* wire_ended */
};

struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint32_t size;		/* of what follows */
	uint32_t poisoned;	/* replies: frames destroyed so far */
};

struct wire_hello {
	char name[64];
	char cpu_vendor[16];
	uint64_t memory;
	uint64_t image_size;
	uint32_t vcpus;
	uint32_t region_count;
	struct memory_region region[2];
};

struct wire_status {
	uint32_t state;		/* enum guest_state */
	int32_t exit_status;
	int32_t vmm_pid;
	uint32_t pausers;
	uint64_t last_event;
	double seconds;		/* since the start */
	char reason[200];
};

struct wire_vcpu {
	uint32_t vcpu;
};

struct wire_write {
	uint64_t gpa;
	uint32_t size;
	uint32_t reserved;
	uint8_t bytes[WIRE_WRITE_MAX];
};

struct wire_frame {
	uint64_t gpa;
};

struct wire_poisoned {
	uint64_t count;
	uint64_t pfn[WIRE_POISON];
};

struct wire_since {
	uint64_t since;
	uint32_t max;		/* events */
	uint32_t timeout_ms;	/* WIRE_WAIT */
};

struct wire_events {
	uint64_t count;
	struct guest_event event[WIRE_EVENTS];
};

struct wire_translate {
	uint64_t gva;
	uint64_t cr3;
	uint32_t vcpu;
	uint32_t other_cr3;	/* 1: use cr3 instead of the vCPU's own */
};

struct wire_translated {
	uint64_t gpa;
	uint64_t valid;
};

struct wire_error {
	uint32_t code;		/* enum err_code */
	uint32_t reserved;
	uint64_t address;
	char message[240];
};

struct wire_ended {
	struct wire_status status;
	uint32_t vcpus;
	uint32_t reserved;
	struct x86_regs regs[WIRE_VCPUS];
	struct wire_events events;
};

struct wire_message {
	struct wire_header head;
	union {
		struct wire_hello hello;
		struct wire_status status;
		struct wire_vcpu vcpu;
		struct x86_regs regs;
		struct wire_write write;
		struct wire_frame frame;
		struct wire_poisoned poisoned;
		struct machine_mce mce;
		struct wire_since since;
		struct wire_events events;
		struct wire_translate translate;
		struct wire_translated translated;
		struct wire_error error;
		struct wire_ended ended;
	};
};

/* Bytes that a request of this op carries; -1: no such op. */
long wire_request_size(unsigned op);
/* Bytes that its reply carries. */
long wire_reply_size(unsigned op);
/* Is a received message of `size` bytes whole and of our version? */
bool wire_check(const struct wire_message *, size_t size, struct err *);

#endif

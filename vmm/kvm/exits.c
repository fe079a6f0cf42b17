/* SPDX-License-Identifier: GPL-2.0-only */
/* Why KVM_RUN returned: port I/O, MMIO, and the exits that end a guest. */
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/cmd.h"
#include "vmm/kvm/vm.h"

static uint32_t port_read(struct vcpu *v, uint16_t port, unsigned size)
{
	if (size == 1 && port >= SERIAL_PORT && port < SERIAL_PORT + SERIAL_PORTS)
		return serial_read(&v->vm->serial, port - SERIAL_PORT);
	return UINT32_MAX;
}

static void port_write(struct vcpu *v, uint16_t port, unsigned size, uint32_t value)
{
	if (size == 1 && port >= SERIAL_PORT && port < SERIAL_PORT + SERIAL_PORTS)
		serial_write(&v->vm->serial, port - SERIAL_PORT, (uint8_t)value);
	else if (size == 4 && doorbell_has(port))
		doorbell_write(v, port, value);
}

static void port_io(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	unsigned size = run->io.size;
	uint64_t offset = run->io.data_offset;

	/* The numbers are the kernel's, not the guest's; still, stay in the mapping. */
	if ((size != 1 && size != 2 && size != 4) || offset > v->run_size ||
	    run->io.count > (v->run_size - offset) / size)
		return;
	for (uint32_t i = 0; i < run->io.count; i++) {
		uint8_t *data = (uint8_t *)v->run + offset + (size_t)i * size;
		uint32_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			port_write(v, run->io.port, size, value);
		} else {
			value = port_read(v, run->io.port, size);
			memcpy(data, &value, size);
		}
	}
}

const char *exit_place(struct vcpu *v, char *buf, size_t size)
{
	struct x86_regs r;

	if (!vcpu_regs(v, &r, NULL))
		snprintf(buf, size, " on vCPU %u (registers not readable)", v->id);
	else
		snprintf(buf, size, " at rip 0x%llx cr2 0x%llx cr3 0x%llx vCPU %u%s",
			 (unsigned long long)r.rip, (unsigned long long)r.cr2,
			 (unsigned long long)r.cr3, v->id,
			 r.cr0 & X86_CR0_PE ? "" : " (as reset by KVM)");
	return buf;
}

/* The bytes of the instruction that KVM could not emulate, in hex. */
static const char *instruction(struct vcpu *v, char *buf, size_t size)
{
	const struct kvm_run *run = v->run;
	uint8_t bytes[15];
	unsigned count = 0;
	struct kvm_regs r;

	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && run->internal.ndata >= 1 &&
	    run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
		count = run->emulation_failure.insn_size;
		if (count > sizeof(bytes))
			count = sizeof(bytes);
		memcpy(bytes, run->emulation_failure.insn_bytes, count);
	} else if (!ioctl(v->fd, KVM_GET_REGS, &r)) {
		while (count < sizeof(bytes)) {
			struct kvm_translation t = { .linear_address = r.rip + count };
			const uint8_t *p;

			if (ioctl(v->fd, KVM_TRANSLATE, &t) || !t.valid)
				break;
			p = memory_at(&v->vm->mem, t.physical_address, 1);
			if (!p)
				break;
			bytes[count++] = *p;
		}
	}
	buf[0] = '\0';
	for (unsigned i = 0; i < count && 3 * i + 4 <= size; i++)
		snprintf(buf + 3 * i, size - 3 * i, " %02x", bytes[i]);
	return buf;
}

static const char *suberror_name(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION: return "cannot emulate";
	case KVM_INTERNAL_ERROR_SIMUL_EX: return "exceptions at the same time";
	case KVM_INTERNAL_ERROR_DELIVERY_EV: return "exit while delivering an event";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON: return "unexpected exit";
	default: return "unknown";
	}
}

static void internal_error(struct vcpu *v)
{
	uint32_t suberror = v->run->internal.suberror;
	char where[128], bytes[64];

	vm_end(v->vm, EXIT_INTERNAL, "KVM internal error %u (%s)%s, instruction%s", suberror,
	       suberror_name(suberror), exit_place(v, where, sizeof(where)),
	       instruction(v, bytes, sizeof(bytes)));
}

void exit_handle(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	char where[128];

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_io(v);
		break;
	case KVM_EXIT_MMIO:
		/* Nothing lives there: reads give all ones, writes go nowhere. */
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		vm_end(v->vm, EXIT_TRIPLE_FAULT, "triple fault%s",
		       exit_place(v, where, sizeof(where)));
		break;
	case KVM_EXIT_HLT:
		vm_end(v->vm, EXIT_HALTED, "halted%s", exit_place(v, where, sizeof(where)));
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		internal_error(v);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		vm_end(v->vm, EXIT_INTERNAL, "KVM entry failed, hardware reason 0x%llx%s",
		       (unsigned long long)run->fail_entry.hardware_entry_failure_reason,
		       exit_place(v, where, sizeof(where)));
		break;
	default:
		vm_end(v->vm, EXIT_INTERNAL, "unexpected KVM exit %u%s", run->exit_reason,
		       exit_place(v, where, sizeof(where)));
	}
}

void exit_run_failed(struct vcpu *v, int error)
{
	char where[128];

	vm_end(v->vm, EXIT_INTERNAL, "KVM_RUN: %s%s", strerror(error),
	       exit_place(v, where, sizeof(where)));
}

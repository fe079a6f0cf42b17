/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers and interrupts as in the National PC16550D data sheet, section 8. */
#include "vmm/kvm/serial.h"

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

#define IER_DATA	0x01u
#define IER_EMPTY	0x02u
#define IIR_NONE	0x01u
#define IIR_EMPTY	0x02u
#define IIR_DATA	0x04u
#define IIR_FIFO	0xc0u
#define FCR_ENABLE	0x01u
#define FCR_CLEAR_IN	0x02u
#define LCR_DLAB	0x80u
#define MCR_OUT2	0x08u	/* on a PC, gates the interrupt */
#define MCR_LOOP	0x10u
#define LSR_DATA	0x01u
#define LSR_EMPTY	0x60u	/* holding register and shifter */
#define MSR_UP		0xb0u	/* carrier, data set ready, clear to send */

void serial_init(struct serial *s, void (*irq)(void *, bool), void (*output)(void *), void *arg)
{
	*s = (struct serial){ .irq = irq, .output = output, .arg = arg, .dll = 1 };
	pthread_mutex_init(&s->lock, NULL);
}

void serial_deinit(struct serial *s)
{
	pthread_mutex_destroy(&s->lock);
}

static bool out_has_room(const struct serial *s)
{
	return s->out_count < SERIAL_OUT_SIZE;
}

static uint8_t interrupt_id(const struct serial *s)
{
	if (s->ier & IER_DATA && s->in_count)
		return IIR_DATA;
	if (s->ier & IER_EMPTY && s->thre_pending)
		return IIR_EMPTY;
	return IIR_NONE;
}

static void line_update(struct serial *s)
{
	bool level = interrupt_id(s) != IIR_NONE && s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP);

	if (level == s->line)
		return;
	s->line = level;
	s->irq(s->arg, level);
}

static void in_push(struct serial *s, uint8_t byte)
{
	if (s->in_count < SERIAL_IN_SIZE)
		s->in[(s->in_first + s->in_count++) % SERIAL_IN_SIZE] = byte;
}

static uint8_t in_pop(struct serial *s)
{
	uint8_t byte;

	if (!s->in_count)
		return 0;
	byte = s->in[s->in_first];
	s->in_first = (s->in_first + 1) % SERIAL_IN_SIZE;
	s->in_count--;
	return byte;
}

static void data_write(struct serial *s, uint8_t byte)
{
	if (s->mcr & MCR_LOOP) {
		in_push(s, byte);
		return;
	}
	/* A guest that writes into a full transmitter loses the byte, as on hardware. */
	if (out_has_room(s)) {
		s->out[(s->out_first + s->out_count) % SERIAL_OUT_SIZE] = byte;
		if (!s->out_count++)
			s->output(s->arg);
	}
	s->thre_pending = out_has_room(s);
}

/* In loop mode the modem outputs appear as the modem inputs. */
static uint8_t modem_status(const struct serial *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_UP;
	return (uint8_t)((s->mcr & 0x0c) << 4 | (s->mcr & 0x02) << 3 | (s->mcr & 0x01) << 5);
}

uint8_t serial_read(struct serial *s, unsigned reg)
{
	uint8_t value = 0xff;

	pthread_mutex_lock(&s->lock);
	switch (reg) {
	case REG_DATA:
		value = s->lcr & LCR_DLAB ? s->dll : in_pop(s);
		break;
	case REG_IER:
		value = s->lcr & LCR_DLAB ? s->dlm : s->ier;
		break;
	case REG_IIR_FCR:
		value = interrupt_id(s);
		if (value == IIR_EMPTY)
			s->thre_pending = false;
		if (s->fcr & FCR_ENABLE)
			value |= IIR_FIFO;
		break;
	case REG_LCR:
		value = s->lcr;
		break;
	case REG_MCR:
		value = s->mcr;
		break;
	case REG_LSR:
		value = (uint8_t)((s->in_count ? LSR_DATA : 0) |
				  (out_has_room(s) ? LSR_EMPTY : 0));
		break;
	case REG_MSR:
		value = modem_status(s);
		break;
	case REG_SCR:
		value = s->scr;
		break;
	default:
		break;
	}
	line_update(s);
	pthread_mutex_unlock(&s->lock);
	return value;
}

void serial_write(struct serial *s, unsigned reg, uint8_t value)
{
	pthread_mutex_lock(&s->lock);
	switch (reg) {
	case REG_DATA:
		if (s->lcr & LCR_DLAB)
			s->dll = value;
		else
			data_write(s, value);
		break;
	case REG_IER:
		if (s->lcr & LCR_DLAB) {
			s->dlm = value;
			break;
		}
		/* Enabling the interrupt on an empty transmitter raises it at once. */
		if (value & IER_EMPTY && !(s->ier & IER_EMPTY))
			s->thre_pending = out_has_room(s);
		s->ier = value & 0x0f;
		break;
	case REG_IIR_FCR:
		s->fcr = value;
		if (value & FCR_CLEAR_IN)
			s->in_count = 0;
		break;
	case REG_LCR:
		s->lcr = value;
		break;
	case REG_MCR:
		s->mcr = value & 0x1f;
		break;
	case REG_SCR:
		s->scr = value;
		break;
	default:
		break;
	}
	line_update(s);
	pthread_mutex_unlock(&s->lock);
}

size_t serial_room(struct serial *s)
{
	size_t room;

	pthread_mutex_lock(&s->lock);
	room = SERIAL_IN_SIZE - s->in_count;
	pthread_mutex_unlock(&s->lock);
	return room;
}

void serial_feed(struct serial *s, const void *bytes, size_t count)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count; i++)
		in_push(s, ((const uint8_t *)bytes)[i]);
	line_update(s);
	pthread_mutex_unlock(&s->lock);
}

size_t serial_drain(struct serial *s, void *bytes, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	if (n < max && !out_has_room(s))
		s->thre_pending = true;
	while (n < max && s->out_count) {
		((uint8_t *)bytes)[n++] = s->out[s->out_first];
		s->out_first = (s->out_first + 1) % SERIAL_OUT_SIZE;
		s->out_count--;
	}
	line_update(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

bool serial_listens(struct serial *s)
{
	bool listens;

	pthread_mutex_lock(&s->lock);
	listens = s->ier & IER_DATA && s->mcr & MCR_OUT2;
	pthread_mutex_unlock(&s->lock);
	return listens;
}

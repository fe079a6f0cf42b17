/* SPDX-License-Identifier: GPL-2.0-only */
/* test_vmm_serial.c - the 16550 as a driver sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/kvm/serial.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

struct host {
	struct serial serial;
	bool level;
	unsigned edges, outputs;
};

static void irq(void *arg, bool level)
{
	struct host *h = arg;

	h->edges++;
	h->level = level;
}

static void output(void *arg)
{
	((struct host *)arg)->outputs++;
}

static int setup(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	*state = h;
	if (h)
		serial_init(&h->serial, irq, output, h);
	return h ? 0 : -1;
}

static int teardown(void **state)
{
	serial_deinit(&((struct host *)*state)->serial);
	free(*state);
	return 0;
}

static void output_comes_out_in_order(void **state)
{
	struct host *h = *state;
	char text[16];

	for (const char *p = "hello"; *p; p++)
		serial_write(&h->serial, DATA, (uint8_t)*p);
	/* The host is woken once, not per byte. */
	assert_int_equal(h->outputs, 1);
	assert_int_equal(serial_drain(&h->serial, text, 3), 3);
	assert_memory_equal(text, "hel", 3);
	assert_int_equal(serial_drain(&h->serial, text, sizeof(text)), 2);
	assert_memory_equal(text, "lo", 2);
	assert_int_equal(serial_drain(&h->serial, text, sizeof(text)), 0);
}

static void full_transmitter_is_not_empty(void **state)
{
	struct host *h = *state;
	char byte;

	serial_write(&h->serial, MCR, 8);
	serial_write(&h->serial, IER, 2);
	for (unsigned i = 0; i < SERIAL_OUT_SIZE; i++) {
		assert_int_equal(serial_read(&h->serial, LSR) & 0x60, 0x60);
		serial_write(&h->serial, DATA, (uint8_t)i);
	}
	assert_int_equal(serial_read(&h->serial, LSR) & 0x60, 0);
	assert_false(h->level);
	serial_write(&h->serial, DATA, 'x');
	assert_int_equal(serial_drain(&h->serial, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(serial_read(&h->serial, LSR) & 0x60, 0x60);
	/* There is room again: the guest that waits for the interrupt gets it. */
	assert_true(h->level);
}

static void transmit_interrupt(void **state)
{
	struct host *h = *state;

	assert_int_equal(serial_read(&h->serial, IIR), 1);
	serial_write(&h->serial, MCR, 8);
	serial_write(&h->serial, IER, 2);
	assert_true(h->level);
	/* Reading the cause takes it back; enabling it again does not repeat it... */
	assert_int_equal(serial_read(&h->serial, IIR), 2);
	assert_false(h->level);
	serial_write(&h->serial, IER, 2);
	assert_false(h->level);
	/* ...but off and on does, and so does every byte sent. */
	serial_write(&h->serial, IER, 0);
	serial_write(&h->serial, IER, 2);
	assert_true(h->level);
	assert_int_equal(serial_read(&h->serial, IIR), 2);
	serial_write(&h->serial, DATA, 'x');
	assert_true(h->level);
	serial_write(&h->serial, IER, 0);
	assert_false(h->level);
	assert_int_equal(serial_read(&h->serial, IIR), 1);
}

static void receive_interrupt_comes_first(void **state)
{
	struct host *h = *state;

	serial_write(&h->serial, IER, 3);
	serial_feed(&h->serial, "ab", 2);
	/* Without OUT2 the line stays low. */
	assert_false(h->level);
	assert_false(serial_listens(&h->serial));
	serial_write(&h->serial, MCR, 8);
	assert_true(serial_listens(&h->serial));
	assert_true(h->level);
	assert_int_equal(serial_read(&h->serial, IIR), 4);
	assert_int_equal(serial_read(&h->serial, LSR) & 1, 1);
	assert_int_equal(serial_read(&h->serial, DATA), 'a');
	assert_int_equal(serial_read(&h->serial, IIR), 4);
	assert_int_equal(serial_read(&h->serial, DATA), 'b');
	assert_int_equal(serial_read(&h->serial, LSR) & 1, 0);
	assert_int_equal(serial_read(&h->serial, DATA), 0);
	assert_int_equal(serial_read(&h->serial, IIR), 2);
	assert_int_equal(serial_read(&h->serial, IIR), 1);
	assert_false(h->level);
}

static void divisor_and_scratch(void **state)
{
	struct host *h = *state;

	serial_write(&h->serial, LCR, 0x83);
	serial_write(&h->serial, DATA, 12);
	serial_write(&h->serial, IER, 1);
	assert_int_equal(serial_read(&h->serial, DATA), 12);
	assert_int_equal(serial_read(&h->serial, IER), 1);
	serial_write(&h->serial, LCR, 3);
	assert_int_equal(serial_read(&h->serial, IER), 0);
	assert_int_equal(serial_drain(&h->serial, (char[1]){ 0 }, 1), 0);
	serial_write(&h->serial, SCR, 0xa5);
	assert_int_equal(serial_read(&h->serial, SCR), 0xa5);
	serial_write(&h->serial, IIR, 1);
	assert_int_equal(serial_read(&h->serial, IIR), 0xc1);
}

static void loop_mode(void **state)
{
	struct host *h = *state;

	/* What drivers probe a 16550 with: OUT2 and RTS come back as DCD and CTS. */
	serial_write(&h->serial, MCR, 0x1a);
	assert_int_equal(serial_read(&h->serial, MSR) & 0xf0, 0x90);
	serial_write(&h->serial, DATA, 'z');
	assert_int_equal(serial_drain(&h->serial, (char[1]){ 0 }, 1), 0);
	assert_int_equal(serial_read(&h->serial, DATA), 'z');
	serial_write(&h->serial, MCR, 0);
	assert_int_equal(serial_read(&h->serial, MSR), 0xb0);
}

static void input_is_bounded(void **state)
{
	struct host *h = *state;
	char many[SERIAL_IN_SIZE + 10];

	memset(many, 'm', sizeof(many));
	assert_int_equal(serial_room(&h->serial), SERIAL_IN_SIZE);
	serial_feed(&h->serial, many, sizeof(many));
	assert_int_equal(serial_room(&h->serial), 0);
	for (unsigned i = 0; i < SERIAL_IN_SIZE; i++)
		assert_int_equal(serial_read(&h->serial, DATA), 'm');
	assert_int_equal(serial_read(&h->serial, DATA), 0);
	serial_feed(&h->serial, many, 3);
	serial_write(&h->serial, IIR, 2);
	assert_int_equal(serial_room(&h->serial), SERIAL_IN_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(output_comes_out_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(full_transmitter_is_not_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(transmit_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(receive_interrupt_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(divisor_and_scratch, setup, teardown),
		cmocka_unit_test_setup_teardown(loop_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(input_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

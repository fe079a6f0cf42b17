// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten thousand forged guests: each gives an error or a profile that is right in
 * what can be checked, in bounded time and without a crash (run it with SAN=1).
 *
 * PTMM_SEED in the environment starts elsewhere; a failure prints what to set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_ram.h"
#include "walker/profile/symbols.h"

enum { FORGERIES = 10000, SECONDS_MAX = 5, BLOCK_MAX = 5000 };

struct random {
	uint64_t state;
};

static uint32_t random_below(struct random *r, uint32_t limit)
{
	r->state = r->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((r->state >> 33) % limit);
}

/* Stretches of guest memory that a profile is made from. */
struct stretch {
	gpa_t at;
	size_t size;
};

enum { STRETCHES = 13 };

static void list_stretches(const struct synth_ram *r, struct stretch *list)
{
	const struct encode_place *p = &r->place;
	const struct stretch all[STRETCHES] = {
		{ SYNTH_RAM_BANNER, 128 },
		{ SYNTH_RAM_INIT_TASK, 64 },
		{ SYNTH_RAM_PHYS_BASE, 32 },
		{ SYNTH_RAM_PGD, 4096 },
		{ 0x10000, 0xd000 },	/* the tables below it */
		{ p->offsets, 4 * (size_t)r->symbol_count + 16 },
		{ p->num_syms, 8 },
		{ p->names, p->names_end - p->names },
		{ p->markers, r->symbol_count / 256 * 4 },
		{ p->token_table, p->token_index - p->token_table },
		{ p->token_index, 512 },
		{ SYNTH_RAM_BTF, 64 },
		{ SYNTH_RAM_BTF, r->btf_size },
	};

	memcpy(list, all, sizeof(all));
	for (unsigned i = 0; i < STRETCHES; i++)
		list[i].at += SYNTH_RAM_IMAGE;
}

/* What was there before, to be put back. */
struct forgery {
	gpa_t at;
	size_t size;
	uint8_t before[BLOCK_MAX];
};

static void forge(struct synth_ram *r, struct random *random, struct forgery *f)
{
	struct stretch list[STRETCHES + 2];
	const struct stretch *s;
	uint8_t *bytes;
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };

	list_stretches(r, list);
	list[STRETCHES] = (struct stretch){ SYNTH_RAM_INFO, 1024 };
	list[STRETCHES + 1] = (struct stretch){ SYNTH_RAM_NOTE, 1024 };
	s = &list[random_below(random, STRETCHES + 2)];
	f->at = s->at + random_below(random, (uint32_t)s->size);
	f->size = random_below(random, 3) ? 1 + random_below(random, 8) :
		  1 + random_below(random, BLOCK_MAX);
	bytes = buffer_machine_at(r->machine, f->at);
	memcpy(f->before, bytes, f->size);
	switch (random_below(random, 5)) {
	case 0:
		bytes[0] ^= (uint8_t)(1u << random_below(random, 8));
		break;
	case 1:
		memset(bytes, odd[random_below(random, sizeof(odd))], f->size);
		break;
	case 2:
		for (size_t i = 0; i < f->size; i++)
			bytes[i] = (uint8_t)random_below(random, 256);
		break;
	case 3:
		bytes[0] = odd[random_below(random, sizeof(odd))];
		break;
	default:
		/* Old contents of another place: each word is plausible. */
		memmove(bytes, (uint8_t *)buffer_machine_at(r->machine, s->at) +
		       random_below(random, (uint32_t)s->size), f->size);
		break;
	}
}

/* These are checked against something else, so that they are right or refused. */
static void expect_right(const struct synth_ram *r, const struct profile *p)
{
	static const char *const names[] = { "_stext", "linux_banner", "init_task" };
	uint64_t phys_base;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		gva_t at;

		if (!profile_symbol(p, names[i], &at, NULL))
			continue;
		for (uint32_t j = 0; j < r->symbol_count; j++)
			if (strcmp(r->symbols[j].name, names[i]) == 0 && r->symbols[j].at != at)
				fail_msg("%s is 0x%lx, not 0x%lx", names[i], at, r->symbols[j].at);
	}
	assert_true(profile_phys_base(p, &phys_base));
	assert_int_equal(phys_base, r->phys_base);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void test_forgeries(void **state)
{
	const char *seed = getenv("PTMM_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 0) : 1;
	struct synth_ram *guests[SYNTH_RAM_KERNELS];
	unsigned refused = 0;

	(void)state;
	for (unsigned k = 0; k < SYNTH_RAM_KERNELS; k++)
		guests[k] = synth_ram_new(&(struct synth_ram_options){
			.kernel = k, .five_level = k % 2, .not_mapped = k == 3 });
	for (uint64_t i = first; i < first + FORGERIES; i++) {
		struct random random = { i * 0x9e3779b97f4a7c15ull };
		struct synth_ram *r = guests[i % SYNTH_RAM_KERNELS];
		struct err err = { 0 };
		struct forgery forgery;
		struct profile *p;
		double start = seconds();

		forge(r, &random, &forgery);
		p = profile_from_machine(r->machine, NULL, &err);
		if (seconds() - start > SECONDS_MAX)
			fail_msg("PTMM_SEED=%lu takes too long", i);
		if (p)
			expect_right(r, p);
		else if (!err.code || !*err.message)
			fail_msg("PTMM_SEED=%lu: an error that says nothing", i);
		refused += !p;
		profile_free(p);
		assert_int_equal(buffer_machine_views(r->machine), 0);
		memcpy(buffer_machine_at(r->machine, forgery.at), forgery.before, forgery.size);
	}
	/* Forgeries that nothing notices change nothing that is looked at. */
	print_message("%u of %u refused\n", refused, FORGERIES);
	assert_true(refused > FORGERIES / 4);
	for (unsigned k = 0; k < SYNTH_RAM_KERNELS; k++)
		synth_ram_free(guests[k]);
}

/* FNV-1a as the reader has it: names that all want the same bucket. */
static uint32_t low_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash & 0x3fff;
}

static void test_collisions(void **state)
{
	struct symbols *symbols = symbols_new(NULL);
	struct err err = { 0 };
	char name[32];

	(void)state;
	for (unsigned i = 0, made = 0; made < 3000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		if (low_hash(name))
			continue;
		assert_true(symbols_add(symbols, name, strlen(name), i, 0, SYMBOL_LOCAL, &err));
		made++;
	}
	assert_false(symbols_seal(symbols, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_non_null(strstr(err.message, "made to collide"));
	symbols_free(symbols);
}

/* Every page of RAM claims to be VMCOREINFO, of a kernel that is not there. */
static void test_many_claims(void **state)
{
	struct synth_ram *r = synth_ram_new(&(struct synth_ram_options){ .no_vcpu = true });
	struct err err = { 0 };

	(void)state;
	for (gpa_t at = 0; at < SYNTH_RAM_SIZE; at += PT_FRAME_SIZE)
		strcpy(buffer_machine_at(r->machine, at), "OSRELEASE=6.1.0-forged\n"
		       "SYMBOL(_stext)=ffffffff81000000\nNUMBER(phys_base)=1099511627776\n");
	assert_null(profile_from_machine(r->machine, NULL, &err));
	assert_non_null(strstr(err.message, "too many copies of VMCOREINFO"));
	synth_ram_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgeries),
		cmocka_unit_test(test_collisions),
		cmocka_unit_test(test_many_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

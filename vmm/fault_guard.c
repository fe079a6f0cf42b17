/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_guard.c - the SIGBUS handler, and which memory it answers for.
 *
 * The handler is the process's own, so the table of guards is too. It is read
 * without a lock: the handler may run in any thread, in the middle of anything.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/fault_guard.h"

/*
 * Each hole splits a mapping, and a process has only so many of these. Many holes
 * are not bad blocks but a file that was cut: then all behind a fault is given up.
 */
enum { GUARDS_MAX = 64, HOLES_MAX = 256 };

struct fault_guard {
	struct machine *machine;
	uintptr_t page_size;
	unsigned holes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_guard *guards[GUARDS_MAX];
static struct sigaction before;

/* Host addresses, one past the end. */
struct span {
	uintptr_t first, end;
};

static struct span span_of(const struct mem_region *r)
{
	uintptr_t first = (uintptr_t)r->host;

	return (struct span){ first, first + (uintptr_t)(r->last - r->first + 1) };
}

static bool spans_meet(struct span a, struct span b)
{
	return a.first < b.end && b.first < a.end;
}

/* A page of the host may hold the end of one frame and the start of the next. */
static void frames_lose(struct machine *m, struct mem_region *r, struct span gone)
{
	struct span s = span_of(r);
	uint64_t frame = gone.first > s.first ? (gone.first - s.first) / PT_FRAME_SIZE : 0;
	uint64_t last = ((gone.end < s.end ? gone.end : s.end) - 1 - s.first) / PT_FRAME_SIZE;

	for (; frame <= last; frame++) {
		uint64_t bit = 1ull << (frame % 64);

		if (!(__atomic_fetch_or(&r->lost[frame / 64], bit, __ATOMIC_ACQ_REL) & bit))
			__atomic_add_fetch(&m->lost_count, 1, __ATOMIC_ACQ_REL);
	}
}

static void frames_lose_all(struct machine *m, struct span gone)
{
	for (size_t i = 0; i < m->region_count; i++)
		if (m->regions[i].host && spans_meet(span_of(&m->regions[i]), gone))
			frames_lose(m, &m->regions[i], gone);
}

/* Marked first, so that no reader of the zeros can miss the mark. */
static bool replace(struct machine *m, struct span gone)
{
	frames_lose_all(m, gone);
	/* By number: the C library's wrapper is not promised to be safe here. */
	return syscall(SYS_mmap, gone.first, gone.end - gone.first, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != -1;
}

static bool guard_answers(struct fault_guard *g, uintptr_t address)
{
	struct machine *m = g->machine;
	struct span page = { address & ~(g->page_size - 1), 0 };

	page.end = page.first + g->page_size;
	for (size_t i = 0; i < m->region_count; i++) {
		struct span s;

		if (!m->regions[i].host)
			continue;
		s = span_of(&m->regions[i]);
		if (!spans_meet(s, page))
			continue;
		if (__atomic_add_fetch(&g->holes, 1, __ATOMIC_RELAXED) > HOLES_MAX)
			page.end = (s.end + g->page_size - 1) & ~(g->page_size - 1);
		return replace(m, page);
	}
	return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	/* Sent by a process, not raised by an access: si_addr means nothing. */
	for (unsigned i = 0; info->si_code > 0 && i < GUARDS_MAX; i++) {
		struct fault_guard *g = __atomic_load_n(&guards[i], __ATOMIC_ACQUIRE);

		if (g && guard_answers(g, (uintptr_t)info->si_addr)) {
			errno = saved;
			return;
		}
	}
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else {
		signal(SIGBUS, SIG_DFL);
		raise(SIGBUS);
	}
	errno = saved;
}

static bool handler_is_ours(void)
{
	struct sigaction now;

	return !sigaction(SIGBUS, NULL, &now) && now.sa_flags & SA_SIGINFO &&
	       now.sa_sigaction == on_sigbus;
}

static bool handler_install(struct err *e)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

	/* Others may have set theirs since the last guard. */
	if (handler_is_ours())
		return true;
	action.sa_sigaction = on_sigbus;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &before))
		return err_set(e, ERR_SYSTEM, 0, "cannot guard against SIGBUS");
	return true;
}

void fault_guard_lose(struct fault_guard *g, const void *first, const void *end)
{
	frames_lose_all(g->machine, (struct span){ (uintptr_t)first, (uintptr_t)end });
}

static bool guard_enter(struct fault_guard *g, struct err *e)
{
	unsigned i = 0;
	bool ok;

	pthread_mutex_lock(&lock);
	while (i < GUARDS_MAX && guards[i])
		i++;
	ok = i < GUARDS_MAX ? handler_install(e) :
	     err_set(e, ERR_UNSUPPORTED, 0, "more than %d machines at once", GUARDS_MAX);
	if (ok)
		__atomic_store_n(&guards[i], g, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	return ok;
}

static void guard_leave(const struct fault_guard *g)
{
	bool last = true;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < GUARDS_MAX; i++) {
		if (guards[i] == g)
			__atomic_store_n(&guards[i], NULL, __ATOMIC_RELEASE);
		last &= !guards[i];
	}
	if (last && handler_is_ours())
		sigaction(SIGBUS, &before, NULL);
	pthread_mutex_unlock(&lock);
}

static void bitmaps_free(struct machine *m)
{
	for (size_t i = 0; i < m->region_count; i++) {
		free(m->regions[i].lost);
		m->regions[i].lost = NULL;
	}
}

struct fault_guard *fault_guard_new(struct machine *m, size_t page_size, struct err *e)
{
	struct fault_guard *g = calloc(1, sizeof(*g));
	bool ok = g != NULL;

	for (size_t i = 0; ok && i < m->region_count; i++) {
		struct mem_region *r = &m->regions[i];
		uint64_t frames = (r->last - r->first) / PT_FRAME_SIZE + 1;

		/* Untouched until something is lost: address space, no memory. */
		if (r->host)
			r->lost = calloc(frames / 64 + 1, sizeof(*r->lost));
		ok = !r->host || r->lost;
	}
	if (!ok) {
		err_set(e, ERR_NO_MEMORY, 0, "out of memory to guard the guest's memory");
	} else {
		g->machine = m;
		g->page_size = page_size ? page_size : (size_t)sysconf(_SC_PAGESIZE);
		if (guard_enter(g, e))
			return g;
	}
	bitmaps_free(m);
	free(g);
	return NULL;
}

void fault_guard_free(struct fault_guard *g)
{
	if (!g)
		return;
	guard_leave(g);
	bitmaps_free(g->machine);
	free(g);
}

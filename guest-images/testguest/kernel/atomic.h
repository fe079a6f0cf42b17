/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * atomic.h - atomics, spinlocks, and the string helpers that ring 0 does fast.
 *
 * The kernel runs with interrupts off, always (only idle opens them), so a lock
 * needs no irqsave form. A CPU that spins must still serve the other CPUs'
 * calls, or a lock's holder that waits for a TLB flush would wait for ever:
 * the slow path calls smp_poll().
 */
#ifndef TG_ATOMIC_H
#define TG_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { int32_t counter; } atomic_t;
typedef struct { int64_t counter; } atomic64_t;
typedef atomic64_t atomic_long_t;

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* x86 orders all but store-load; mfence is not emulated everywhere, a locked add is. */
#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() __asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc")
#define cpu_relax() __asm__ volatile("pause" ::: "memory")

static inline int32_t atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic_set(atomic_t *v, int32_t to)
{
	WRITE_ONCE(v->counter, to);
}

/* Returns the new value. */
static inline int32_t atomic_add(atomic_t *v, int32_t n)
{
	return __atomic_add_fetch(&v->counter, n, __ATOMIC_SEQ_CST);
}

static inline void atomic_inc(atomic_t *v)
{
	(void)atomic_add(v, 1);
}

static inline bool atomic_dec_and_test(atomic_t *v)
{
	return atomic_add(v, -1) == 0;
}

static inline int64_t atomic64_read(const atomic64_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic64_add(atomic64_t *v, int64_t n)
{
	(void)__atomic_add_fetch(&v->counter, n, __ATOMIC_SEQ_CST);
}

#define atomic_long_read atomic64_read
#define atomic_long_add atomic64_add

static inline void atomic_or32(uint32_t *p, uint32_t bits)
{
	__asm__ volatile("lock; orl %1, %0" : "+m"(*p) : "r"(bits) : "memory", "cc");
}

static inline void atomic_and32(uint32_t *p, uint32_t bits)
{
	__asm__ volatile("lock; andl %1, %0" : "+m"(*p) : "r"(bits) : "memory", "cc");
}

static inline void set_bit(unsigned bit, unsigned long *p)
{
	__asm__ volatile("lock; orq %1, %0" : "+m"(*p) : "r"(1ul << bit) : "memory", "cc");
}

static inline void clear_bit(unsigned bit, unsigned long *p)
{
	__asm__ volatile("lock; andq %1, %0" : "+m"(*p) : "r"(~(1ul << bit)) : "memory", "cc");
}

/* 0: free, 1: held. Plain 32 bits, so that an inspector sees at once which it is. */
typedef struct spinlock { uint32_t slock; } spinlock_t;

void spin_lock_slow(spinlock_t *);

static inline bool spin_trylock(spinlock_t *lock)
{
	return __atomic_exchange_n(&lock->slock, 1u, __ATOMIC_ACQUIRE) == 0;
}

static inline void spin_lock(spinlock_t *lock)
{
	if (!spin_trylock(lock))
		spin_lock_slow(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->slock, 0u, __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return READ_ONCE(lock->slock) != 0;
}

/*
 * Where ring 0 is emulated, one string iteration costs a fifth of an
 * instruction, and a C loop several: clear, copy and scan by these.
 */
static inline void fill_words(uint64_t *to, uint64_t value, size_t words)
{
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(value) : "memory");
}

static inline void copy_words(uint64_t *to, const uint64_t *from, size_t words)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) :: "memory");
}

/* Index of the first word at or after `start` that is not 0, or `words`. */
static inline size_t find_word(const uint64_t *table, size_t start, size_t words)
{
	const uint64_t *p = table + start;
	size_t left = words - start;
	bool found;

	if (start >= words)
		return words;
	__asm__ volatile("repe scasq" : "+D"(p), "+c"(left), "=@ccnz"(found) : "a"(0ul) : "memory");
	return found ? (size_t)(p - table) - 1 : words;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads that share a range of work. The caller is one of them; the others are started at the first job that is worth it, and sleep
 * between jobs. A job of another thread that comes meanwhile is done by its caller alone.
 */
#ifndef ASSAY_DEVICE_CPU_THREADS_H
#define ASSAY_DEVICE_CPU_THREADS_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_threads assay_threads;
typedef void (*assay_threads_fn)(void *context, size_t begin, size_t end);

/* `count` with the caller, at least 1. The threads stay on the CPUs of the list (count 0: anywhere). NULL: out of memory. */
assay_threads *assay_threads_create(unsigned count, const unsigned *cpus, size_t cpu_count);
void assay_threads_destroy(assay_threads *threads);
unsigned assay_threads_count(const assay_threads *threads);

/* Calls `fn` for parts of [0, total) until all are done. Small jobs stay with the caller: it begins alone, and calls the others when what
 * is left would take longer than to wake them. */
void assay_threads_run(assay_threads *threads, size_t total, assay_threads_fn fn, void *context);

/* How many to have: ASSAY_THREADS, else the CPUs that this process may use and its quota can keep busy. */
assay_status assay_threads_wanted(assay_error *err, unsigned *count);

#endif

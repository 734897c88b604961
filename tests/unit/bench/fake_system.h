/* SPDX-License-Identifier: MIT */
/*
 * Goes before every file of test_bench_engine: the engine's clock and what it asks the system are then the test's. Time passes only when
 * the benchmark says so, or somebody reads the clock, so what is measured is known exactly and no machine is too slow.
 */
#ifndef TEST_FAKE_SYSTEM_H
#define TEST_FAKE_SYSTEM_H

#include <pthread.h>
#include <stdint.h>

#define ASSAY_OS_TICKS_H /* instead of os/ticks.h */
#define assay_ticks fake_ticks
#define assay_ticks_per_ns fake_ticks_per_ns
#define assay_os_get_usage fake_get_usage
#define assay_os_thread_cpu_ns fake_thread_cpu_ns
#define assay_os_current_cpu fake_current_cpu
#define assay_os_noise_open fake_noise_open
#define assay_os_counter_open fake_counter_open
#define pthread_create fake_thread_create

uint64_t fake_ticks(void); /* a tick is 1 ns */
double fake_ticks_per_ns(void);
int fake_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

#endif

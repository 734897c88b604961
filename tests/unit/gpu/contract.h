/* SPDX-License-Identifier: MIT */
/* What every device backend promises (device/backend.h), as tests that take any of them. */
#ifndef ASSAY_TEST_CONTRACT_H
#define ASSAY_TEST_CONTRACT_H

#include "device/backend.h"
#include "test.h"

/* Opens the first device of `backend` for the tests below; when there is none, the test program ends as skipped with the cause. */
void contract_open(const assay_backend *backend);
/* Goes on with the next device; false after the last one, and then none is open. */
bool contract_next(void);
void contract_close(void);

/* cmocka tests over the open device. */
void contract_describes_itself(void **state);
void contract_round_trips(void **state);
void contract_copies_and_fills(void **state);
void contract_keeps_order(void **state);
void contract_orders_queues(void **state);
void contract_times_events(void **state);
void contract_runs_queues_at_once(void **state);
void contract_gives_same_bits(void **state);
void contract_gives_results_directly(void **state);
void contract_refuses_unknown_kernels(void **state);
void contract_says_when_memory_is_out(void **state);
void contract_reopens(void **state);

#endif

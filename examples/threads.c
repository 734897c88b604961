/* SPDX-License-Identifier: MIT */
/* The parameter "threads" runs the function in that many threads at once; "cpus" in a sweep is how many CPUs this process may use. */
#include <assay/bench.h>

#include <stdatomic.h>

static atomic_ulong shared;

ASSAY_BENCH(count_shared, .params = {{"threads", "1..cpus*2"}}) {
  ASSAY_LOOP(b) atomic_fetch_add(&shared, 1);
  assay_bench_items(b, 1);
}

ASSAY_BENCH(count_alone, .params = {{"threads", "1..cpus*2"}}) {
  _Alignas(64) atomic_ulong mine = 0;
  ASSAY_LOOP(b) atomic_fetch_add(&mine, 1);
  assay_bench_items(b, 1);
}

ASSAY_MAIN()

/* SPDX-License-Identifier: MIT */
/* The body of a fresh process's report; the frame around it is made here, or no mutation would get past its hash. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/process.h"
#include "bench/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_bench_process process = {0};
  assay_buf frame = {0};
  assay_wire_put_report(&frame, &process); /* for its magic */
  uint64_t header[3] = {0, size, assay_hash(ASSAY_HASH_START, data, size)};
  memcpy(header, frame.data, sizeof *header);
  assay_buf_clear(&frame);
  assay_buf_append(&frame, (const char *)header, sizeof header);
  assay_buf_append(&frame, (const char *)data, size);
  if (assay_wire_get_report(frame.data, frame.length, NULL, &process) == ASSAY_OK) {
    if (process.outcome > ASSAY_OUTCOME_FAILED || process.figure_count > ASSAY_BENCH_MAX_METRICS + ASSAY_BENCH_OWN_METRICS) abort();
    for (size_t i = 0; i < process.sample_count; i++) {
      if (!isfinite(process.samples[i].ns) || process.samples[i].ns < 0) abort();
    }
    if (process.latency != NULL) (void)assay_histogram_quantile(process.latency, 0.5);
  }
  assay_bench_process_deinit(&process);
  assay_buf_deinit(&frame);
  return 0;
}

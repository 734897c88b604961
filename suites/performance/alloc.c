/* SPDX-License-Identifier: MIT */
/* Allocation: a gigabyte at once, and the small blocks that programs are made of. */
#include <assay/bench.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ASSAY_BENCH(alloc_1g, .suite = "performance", .summary = "malloc of 1 GiB, pages touched or not", .params = {{"touch", "no,yes"}}) {
  const size_t bytes = (size_t)1 << 30;
  bool touch = strcmp(assay_bench_text(b, "touch"), "yes") == 0;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  bool refused = false;
  assay_bench_ceiling(b, touch ? "os.alloc_1g.touched" : "os.alloc_1g.untouched");
  ASSAY_LOOP(b) {
    volatile char *block = malloc(bytes);
    if (block == NULL) refused = true;
    for (size_t i = 0; touch && !refused && i < bytes; i += page) block[i] = 1;
    assay_keep(block);
    assay_bench_pause(b);
    free((void *)(uintptr_t)block);
    assay_bench_resume(b);
  }
  if (refused) assay_bench_unsupported(b, "1 GiB does not fit in memory");
  assay_bench_bytes(b, 0, touch ? (double)bytes : 0);
}

ASSAY_BENCH(alloc_small, .suite = "performance", .summary = "malloc and free of one block", .params = {{"bytes", "16,256,4Ki,64Ki,1Mi"}}) {
  size_t bytes = assay_bench_u64(b, "bytes");
  ASSAY_LOOP(b) {
    void *block = malloc(bytes);
    assay_keep(block);
    free(block);
  }
  assay_bench_items(b, 1);
}

ASSAY_BENCH(alloc_churn, .suite = "performance", .summary = "a random one of 1,024 live blocks replaced by one of another size",
            .params = {{"threads", "1..cpus*2"}}) {
  enum { LIVE = 1024 };
  void *blocks[LIVE];
  uint64_t x = assay_bench_seed(b) + assay_bench_thread(b);
  for (int i = 0; i < LIVE; i++) blocks[i] = malloc(64);
  ASSAY_LOOP(b) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    size_t slot = (size_t)(x >> 54), bytes = 16 + (size_t)(x >> 40 & 0x3FF);
    free(blocks[slot]);
    blocks[slot] = malloc(bytes);
    assay_keep(blocks[slot]);
  }
  for (int i = 0; i < LIVE; i++) free(blocks[i]);
  assay_bench_items(b, 1);
}

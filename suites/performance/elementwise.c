/* SPDX-License-Identifier: MIT */
/* z = x op y: four types, in L1 and in memory, contiguous and with every fourth element. */
#include <assay/bench.h>
#include <assay/elementwise.h>

#include <stdlib.h>
#include <string.h>

/* Small numbers whose sums and products are exact in every type. */
static void fill(void *array, size_t n, assay_dtype type) {
  for (size_t i = 0; i < n; i++) {
    float value = (float)(1 + i % 7);
    switch (type) {
      case ASSAY_F64: ((double *)array)[i] = value; break;
      case ASSAY_F32: ((float *)array)[i] = value; break;
      case ASSAY_F16: ((uint16_t *)array)[i] = assay_f16_from_f32(value); break;
      default: ((uint16_t *)array)[i] = assay_bf16_from_f32(value); break;
    }
  }
}

ASSAY_BENCH(elementwise, .suite = "performance", .summary = "z = x op y over arrays in L1 (4 KiB) and in memory (64 MiB)",
            .params = {{"op", "add,mul"}, {"type", "f64,f32,f16,bf16"}, {"layout", "contiguous,strided"}, {"bytes", "4Ki,64Mi"}}) {
  assay_dtype type;
  if (!assay_dtype_parse(assay_bench_text(b, "type"), &type)) return assay_bench_fail(b, "no such type");
  assay_elementwise_op op = strcmp(assay_bench_text(b, "op"), "add") == 0 ? ASSAY_ADD : ASSAY_MUL;
  bool strided = strcmp(assay_bench_text(b, "layout"), "strided") == 0;
  size_t bytes = assay_bench_u64(b, "bytes"), size = assay_dtype_size(type), count = bytes / size, stride = strided ? 4 : 1;
  char *block = aligned_alloc(4096, 3 * (bytes + 4096));
  if (block == NULL) {
    assay_bench_unsupported(b, "three arrays of %zu bytes do not fit in memory", bytes);
  } else {
    /* A third of a page apart: at equal offsets in their pages, loads wait for stores to the other array (4K aliasing), which is half the
     * speed. */
    void *x = block, *y = block + bytes + 1344, *z = block + 2 * bytes + 2688;
    fill(x, count, type);
    fill(y, count, type);
    memset(z, 1, bytes); /* pages exist before the clock starts */
    assay_elementwise_fn apply = assay_elementwise(op, type, NULL);
    size_t n = count / stride;
    ASSAY_LOOP(b) {
      apply(z, x, y, n, stride, stride, stride);
      assay_keep_memory();
    }
    assay_bench_items(b, (double)n);
    /* A stride of four elements still moves every cache line where an element has 16 bits, and a half or a quarter of what it moves is
     * used. */
    assay_bench_bytes(b, 2.0 * (double)(n * size), (double)(n * size));
    assay_bench_flops(b, (double)n, type == ASSAY_F64 ? "f64" : "f32");
    assay_bench_working_set(b, 3.0 * (double)bytes);
  }
  free(block);
}

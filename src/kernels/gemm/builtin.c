/* SPDX-License-Identifier: MIT */
/*
 * The built-in product: panels of A and B are packed in the order in which the micro kernel reads them, in blocks that stay in the caches
 * (a panel of B in L1, a block of A in L2, a block of B in L3).
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/gemm/gemm.h"
#include "os/isa.h"

enum { BLOCK_BYTES_B = 4 << 20, ALIGN = 64 };

static const struct {
  const char *isa;
  uint32_t needs;
  const assay_gemm_kernel *kernels;
} variants[] = {
    {"c", 0, assay_gemm_kernels_c},
#if defined(__x86_64__)
    {"avx2", ASSAY_ISA_X86_64_V3, assay_gemm_kernels_avx2},
    {"avx512", ASSAY_ISA_X86_64_V4, assay_gemm_kernels_avx512},
#elif defined(__aarch64__)
    {"neon", ASSAY_ISA_NEON, assay_gemm_kernels_neon},
#endif
};

const assay_gemm_kernel *assay_gemm_kernel_variant(size_t index, const char **isa) {
  uint32_t have = assay_isa_usable();
  for (size_t i = 0, usable = 0; i < sizeof variants / sizeof *variants; i++) {
    if ((variants[i].needs & ~have) != 0 || usable++ != index) continue;
    if (isa != NULL) *isa = variants[i].isa;
    return variants[i].kernels;
  }
  return NULL;
}

/* A matrix as packing sees it: transposed or not, element (i, j) lies at i * row + j * column. */
typedef struct view {
  const char *data;
  size_t row, column; /* in bytes */
} view;

static view view_of(const void *data, size_t stride, bool transposed, size_t size) {
  return transposed ? (view){data, size, stride * size} : (view){data, stride * size, size};
}

static view part(view whole, size_t i, size_t j) { return (view){whole.data + i * whole.row + j * whole.column, whole.row, whole.column}; }

/* Packs `count` lines (rows of A, columns of B) of `depth` elements into panels of `width` lines. */
static void pack(assay_gemm_pack panel, char *out, view from, size_t count, size_t depth, size_t width, size_t line, size_t step,
                 size_t size, double by) {
  for (size_t first = 0; first < count; first += width, out += width * depth * size)
    panel(out, from.data + first * line, count - first < width ? count - first : width, depth, line, step, by);
}

/* beta * C, before the first products are added. A beta of 0 does not read C. */
#define DEFINE_SCALE(name, real)                                                     \
  static void name(real *c, size_t stride, size_t rows, size_t columns, real beta) { \
    for (size_t i = 0; i < rows && beta != 1; i++, c += stride) {                    \
      if (beta == 0) memset(c, 0, columns * sizeof *c);                              \
      for (size_t j = 0; j < columns && beta != 0; j++) c[j] *= beta;                \
    }                                                                                \
  }
DEFINE_SCALE(scale_f64, double)
DEFINE_SCALE(scale_f32, float)

void assay_gemm_scale(assay_dtype type, void *c, size_t stride, size_t rows, size_t columns, double beta) {
  if (type == ASSAY_F32)
    scale_f32(c, stride, rows, columns, (float)beta);
  else
    scale_f64(c, stride, rows, columns, beta);
}

/* A tile that hangs over the edge of C is computed in a whole one beside it. */
static void edge_tile(const assay_gemm_kernel *kernel, size_t size, size_t depth, const void *a, const void *b, char *c, size_t stride,
                      size_t rows, size_t columns) {
  _Alignas(ALIGN) char tile[ASSAY_GEMM_MOST_TILE * sizeof(double)];
  size_t tile_row = kernel->columns * size;
  memset(tile, 0, kernel->rows * tile_row);
  for (size_t i = 0; i < rows; i++) memcpy(tile + i * tile_row, c + i * stride * size, columns * size);
  kernel->micro(depth, a, b, tile, kernel->columns);
  for (size_t i = 0; i < rows; i++) memcpy(c + i * stride * size, tile + i * tile_row, columns * size);
}

/* One packed block of A times one of B. */
static void block(const assay_gemm_kernel *kernel, size_t size, size_t rows, size_t columns, size_t depth, const char *a, const char *b,
                  char *c, size_t stride) {
  for (size_t j = 0; j < columns; j += kernel->columns) {
    size_t wide = columns - j < kernel->columns ? columns - j : kernel->columns;
    for (size_t i = 0; i < rows; i += kernel->rows) {
      size_t high = rows - i < kernel->rows ? rows - i : kernel->rows;
      const char *panel_a = a + i * depth * size, *panel_b = b + j * depth * size;
      char *tile = c + (i * stride + j) * size;
      if (high == kernel->rows && wide == kernel->columns)
        kernel->micro(depth, panel_a, panel_b, tile, stride);
      else
        edge_tile(kernel, size, depth, panel_a, panel_b, tile, stride, high, wide);
    }
  }
}

static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }
static size_t round_up(size_t value, size_t to) { return (value + to - 1) / to * to; }
static char *aligned(char *p) { return p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN; }

assay_status assay_gemm_builtin(const assay_gemm_kernel *kernels, const assay_gemm_args *args, assay_error *err) {
  const assay_gemm_kernel *kernel = &kernels[args->type == ASSAY_F32 ? 1 : 0];
  size_t size = assay_dtype_size(args->type), depth = at_most(args->k, kernel->depth);
  size_t most_high = kernel->block_bytes / (kernel->depth * size), most_wide = BLOCK_BYTES_B / (kernel->depth * size);
  size_t high = at_most(round_up(args->m, kernel->rows), most_high / kernel->rows * kernel->rows);
  size_t wide = at_most(round_up(args->n, kernel->columns), most_wide / kernel->columns * kernel->columns);
  char *memory = assay_alloc(ASSAY_TAG_KERNELS, (high + wide) * depth * size + 2 * ALIGN);
  if (memory == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "a matrix product needs %zu bytes for its blocks", (high + wide) * depth * size);
  char *packed_b = aligned(memory), *packed_a = aligned(packed_b + wide * depth * size);
  view a = view_of(args->a, args->stride_a, args->transpose_a, size), b = view_of(args->b, args->stride_b, args->transpose_b, size);
  for (size_t j = 0; j < args->n; j += wide) {
    size_t columns = at_most(args->n - j, wide);
    for (size_t p = 0; p < args->k; p += depth) {
      size_t deep = at_most(args->k - p, depth);
      pack(kernel->pack_columns, packed_b, part(b, p, j), columns, deep, kernel->columns, b.column, b.row, size, 1);
      for (size_t i = 0; i < args->m; i += high) {
        size_t rows = at_most(args->m - i, high);
        pack(kernel->pack_rows, packed_a, part(a, i, p), rows, deep, kernel->rows, a.row, a.column, size, args->alpha);
        char *c = (char *)args->c + (i * args->stride_c + j) * size;
        if (p == 0) assay_gemm_scale(args->type, c, args->stride_c, rows, columns, args->beta);
        block(kernel, size, rows, columns, deep, packed_a, packed_b, c, args->stride_c);
      }
    }
  }
  assay_free(memory);
  return ASSAY_OK;
}

static const assay_gemm_kernel *best;

static assay_status multiply(const assay_gemm_args *args, assay_error *err) { return assay_gemm_builtin(best, args, err); }

void assay_gemm_open_builtin(assay_gemm_backend *backend) {
  const char *isa = "c";
  const assay_gemm_kernel *found;
  for (size_t i = 0; (found = assay_gemm_kernel_variant(i, &isa)) != NULL; i++) best = found;
  snprintf(backend->name, sizeof backend->name, "built in (%s)", isa);
  backend->multiply = multiply;
  backend->has[ASSAY_F64] = backend->has[ASSAY_F32] = true;
  backend->here = true;
}

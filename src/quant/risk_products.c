/* SPDX-License-Identifier: MIT */
#include "quant/risk_products.h"

#include <string.h>

#include "base/alloc.h"
#include "kernels/kernel.h"
#include "kernels/risk/products.h"
#include "quant/launch.h"
#include "quant/portfolio_vector.h"

/* Where the work is done: on the calling thread itself, or through a device. */
typedef struct job {
  const assay_risk_products *products;
  size_t panels, stride, groups, width;
  double *shifts, *roots, *packed, *wide, *sums; /* wide: sums of products, stride x stride */
} job;

static risk_pack_params pack_params(const job *j, size_t begin) {
  size_t left = j->products->periods - begin;
  return (risk_pack_params){.assets = (u32)j->products->assets,
                            .panels = (u32)j->panels,
                            .begin = (u32)begin,
                            .periods = (u32)(left < RISK_BLOCK ? left : RISK_BLOCK),
                            .width = (u32)j->width,
                            .first = begin == 0};
}

static risk_products_params products_params(const risk_pack_params *pack) {
  return (risk_products_params){
      .assets = pack->assets, .panels = pack->panels, .periods = pack->periods, .width = pack->width, .first = pack->first};
}

/* Three vectors of this processor's: what its kernels read in one stream. */
static size_t strip_width(void) {
#if defined(__x86_64__)
  return assay_kernel_variant_best() == ASSAY_KERNEL_VARIANT_avx512 ? 24 : 12;
#else
  return 12;
#endif
}

/* Block by block, while what was packed is still in the cache. */
static void work_here(job *j) {
  const assay_kernel *pack = assay_kernel_find("risk_pack_f64"), *multiply = assay_kernel_find("risk_products_f64");
  assay_kernel_fn pack_fn = assay_kernel_function(pack, NULL), multiply_fn = assay_kernel_function(multiply, NULL);
  void *const pack_buffers[] = {(void *)(uintptr_t)j->products->returns, j->shifts, j->roots, j->packed, j->sums};
  void *const buffers[] = {j->packed, j->wide};
  for (size_t begin = 0; begin < j->products->periods; begin += RISK_BLOCK) {
    risk_pack_params p = pack_params(j, begin);
    risk_products_params q = products_params(&p);
    pack_fn(&p, pack_buffers, 0, j->panels);
    multiply_fn(&q, buffers, 0, j->groups);
  }
}

static assay_status work_on_device(assay_quant_session *session, void *context, assay_error *err) {
  job *j = context;
  assay_quant_buffer *pack[5], *multiply[2];
  size_t assets = j->products->assets, periods = j->products->periods;
  assay_status status = assay_quant_in(session, j->products->returns, periods * assets * sizeof(double), "returns", err, &pack[0]);
  if (status == ASSAY_OK) status = assay_quant_in(session, j->shifts, assets * sizeof(double), "shifts", err, &pack[1]);
  if (status == ASSAY_OK) status = assay_quant_in(session, j->roots, periods * sizeof(double), "weights", err, &pack[2]);
  if (status == ASSAY_OK) status = assay_quant_scratch(session, RISK_BLOCK * j->stride * sizeof(double), "deviations", err, &pack[3]);
  if (status == ASSAY_OK) status = assay_quant_out(session, j->sums, assets * sizeof(double), "sums", err, &pack[4]);
  if (status == ASSAY_OK) status = assay_quant_out(session, j->wide, j->stride * j->stride * sizeof(double), "products", err, &multiply[1]);
  multiply[0] = pack[3];
  for (size_t begin = 0; begin < periods && status == ASSAY_OK; begin += RISK_BLOCK) {
    risk_pack_params p = pack_params(j, begin);
    risk_products_params q = products_params(&p);
    status = assay_quant_launch(session, "risk_pack", 64, j->panels, &p, sizeof p, pack, 5, err);
    if (status == ASSAY_OK) status = assay_quant_launch(session, "risk_products", 64, j->groups, &q, sizeof q, multiply, 2, err);
  }
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

static void make_shifts(const assay_risk_products *products, double *shifts) {
  size_t first = products->periods < RISK_BLOCK ? products->periods : RISK_BLOCK;
  memset(shifts, 0, products->assets * sizeof *shifts);
  if (!products->shift) return;
  for (size_t t = 0; t < first; t++) assay_axpy(shifts, 1, products->returns + t * products->assets, products->assets);
  for (size_t i = 0; i < products->assets; i++) shifts[i] /= (double)first;
}

assay_status assay_risk_get_products(const assay_risk_products *products, assay_error *err, double *matrix, double *sums, double *shifts,
                                     assay_quant_where *where) {
  size_t n = products->assets;
  job j = {.products = products, .shifts = shifts, .sums = sums, .panels = (n + RISK_PANEL - 1) / RISK_PANEL};
  j.stride = j.panels * RISK_PANEL;
  j.groups = j.panels * (j.panels + 1) / 2;
  j.width = products->device != NULL ? RISK_PANEL : strip_width();
  double *block = assay_alloc(ASSAY_TAG_QUANT, (j.stride * (j.stride + RISK_BLOCK) + products->periods + 8) * sizeof *block);
  if (block == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for products of %zu assets", n);
  j.wide = block + (64 - (uintptr_t)block % 64) / sizeof *block % 8;
  j.packed = j.wide + j.stride * j.stride;
  j.roots = j.packed + j.stride * RISK_BLOCK;
  for (size_t t = 0; t < products->periods; t++) j.roots[t] = products->roots == NULL ? 1 : products->roots[t];
  make_shifts(products, shifts);
  assay_status status = ASSAY_OK;
  if (products->device == NULL) {
    work_here(&j);
    assay_quant_here(where);
  } else {
    status = assay_quant_run(products->device, work_on_device, &j, err, where);
  }
  for (size_t i = 0; i < n && status == ASSAY_OK; i++) memcpy(matrix + i * n + i, j.wide + i * j.stride + i, (n - i) * sizeof *matrix);
  assay_free(block);
  return status;
}

/* SPDX-License-Identifier: MIT */
/* Paths for those who want to see them. */
#include <math.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/montecarlo.h"

typedef struct paths_work {
  const char *kernel;
  unsigned bits;
  mc_path_params params;
  size_t groups, bytes;
  void *rows;
} paths_work;

static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
  const paths_work *w = context;
  assay_quant_buffer *rows;
  assay_status status = assay_quant_out(session, w->rows, w->bytes, "paths", err, &rows);
  if (status == ASSAY_OK) {
    status = assay_quant_launch(session, w->kernel, w->bits, w->groups, &w->params, sizeof w->params, &rows, 1, err);
  }
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

static double at(const paths_work *w, size_t row, size_t column) {
  size_t place = row * w->params.stride + column;
  return w->bits == 32 ? (double)((const float *)w->rows)[place] : ((const double *)w->rows)[place];
}

/* Where path `first` + i is: in draws of several paths side by side, or in pairs. */
static void copy(const paths_work *w, bool ends, uint32_t per_sample, uint64_t first, uint64_t count, double spot, double unit,
                 double *values) {
  size_t steps = w->params.steps;
  for (uint64_t i = 0; i < count; i++) {
    size_t column = (size_t)((first + i) / per_sample - w->params.first), which = (size_t)((first + i) % per_sample);
    if (ends) values[i] = spot;
    for (size_t s = ends; s <= steps; s++) values[s * count + i] = unit * at(w, ends ? which : which * (steps + 1) + s, column);
  }
}

assay_status assay_mc_store_paths(const assay_mc_job *job, uint64_t batch, uint64_t first, uint64_t count, u32 what, assay_error *err,
                                  double *values, assay_quant_where *where) {
  paths_work w = {.kernel = "mc_paths", .bits = 64, .params = job->params, .groups = (size_t)(count / ASSAY_MC_GROUP), .rows = values};
  w.params.first = first;
  w.params.antithetic = w.params.given = 0;
  w.params.kind = what;
  w.params.scale = job->option.spot;
  w.params.stride = count;
  w.params.key = assay_mc_key(job->option.seed, batch);
  w.bytes = (job->option.steps + (size_t)1) * count * sizeof *values;
  return assay_mc_run(job, work, &w, err, where);
}

assay_status assay_mc_paths(const assay_mc_params *params, uint64_t first, uint64_t count, assay_error *err, double *values) {
  ASSAY_FLOAT_USUAL;
  if (params == NULL || (values == NULL && count > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_mc_paths needs %s (NULL)", params == NULL ? "parameters" : "a place for the paths");
  assay_mc_job job = {.option = *params, .only_paths = true};
  const assay_mc_params *o = &job.option;
  assay_mc_defaults(&job.option);
  if (o->payoff == ASSAY_MC_BASKET || o->sampling == ASSAY_MC_SOBOL) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "paths are returned of one asset and pseudo-random numbers");
  }
  assay_status status = assay_mc_check(o, err);
  if (status == ASSAY_OK) status = assay_mc_job_init(&job, err);
  assay_mc_job_deinit(&job); /* only its numbers are needed here */
  if (status != ASSAY_OK) return status;
  if (params->steps > 1 && o->steps == 1) {
    return ASSAY_FAIL(
        err, ASSAY_ERR_INVALID,
        "%u steps: a European or digital option under geometric Brownian motion is simulated in one; ask for the paths of an Asian "
        "option, or for 1 step",
        params->steps);
  }
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "0 paths were asked for: ask for at least 1");
  if (first > ASSAY_MC_MAX_PATHS || count > ASSAY_MC_MAX_PATHS || (double)count * (o->steps + 1.0) > 1e10) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%g paths of %u steps: at most 1e10 values are returned", (double)count, o->steps);
  }
  bool ends = job.simulate != assay_mc_path_simulate; /* that of plain Europeans */
  paths_work w = {.kernel = ends ? "mc_ends" : "mc_paths", .bits = o->precision == ASSAY_MC_F32 ? 32 : 64, .params = job.params};
  uint32_t per_sample = ends ? 4 /* normals of a draw */ : (uint32_t)job.paths_per_sample;
  w.params.first = first / per_sample / ASSAY_MC_GROUP * ASSAY_MC_GROUP;
  uint64_t samples = (first + count - 1) / per_sample - w.params.first + 1;
  assay_mc_grid(assay_mc_batch_paths(o, 0), (uint64_t)per_sample * ASSAY_MC_GROUP, 1, &w.params.groups, &w.params.draws);
  /* In units of a power of two, as single precision has no price above 3e38. */
  double unit = ldexp(1, ilogb(o->spot));
  w.params.scale = o->spot / unit;
  w.groups = (size_t)((samples + ASSAY_MC_GROUP - 1) / ASSAY_MC_GROUP);
  w.params.stride = w.groups * ASSAY_MC_GROUP;
  w.params.key = assay_mc_key(o->seed, 0);
  size_t rows = ends ? per_sample : per_sample * (o->steps + (size_t)1);
  w.bytes = rows * w.params.stride * (w.bits / 8);
  w.rows = assay_alloc(ASSAY_TAG_QUANT, w.bytes);
  if (w.rows == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu bytes of paths: ask for fewer at a time", w.bytes);
  assay_quant_where where = {0};
  status = assay_quant_run(o->device, work, &w, err, &where);
  if (status == ASSAY_OK) copy(&w, ends, per_sample, first, count, o->spot, unit, values);
  assay_free(w.rows);
  return status;
}

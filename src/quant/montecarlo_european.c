/* SPDX-License-Identifier: MIT */
/* European options under geometric Brownian motion without anything special: one draw a path, no control, the fastest kernel there is. */
#include <math.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

#include "kernels/montecarlo/european.h"

typedef struct european_work {
  const char *kernel;
  unsigned bits;
  mc_european_params params;
  size_t sums;
  double *out;
} european_work;

static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
  const european_work *w = context;
  assay_quant_buffer *sums;
  assay_status status = assay_quant_out(session, w->out, w->params.groups * w->sums * sizeof *w->out, "sums of paths", err, &sums);
  if (status == ASSAY_OK)
    status = assay_quant_launch(session, w->kernel, w->bits, w->params.groups, &w->params, sizeof w->params, &sums, 1, err);
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

/* The kernel's sums over paths that pay, as the sums of path.h. */
static void translate(const assay_mc_job *job, const double *in, double out[ASSAY_MC_SUMS]) {
  out[MC_SUM_PAYOFF] = in[MC_EUROPEAN_PAYOFF];
  out[MC_SUM_SQUARE] = in[MC_EUROPEAN_SQUARE];
  if (job->option.greeks) {
    out[MC_SUM_DELTA] = out[MC_SUM_MEAN] = job->params.scale * in[MC_EUROPEAN_SPOT];
    out[MC_SUM_DEVIATION] = job->params.scale * in[MC_EUROPEAN_SPOT_Z];
    out[MC_SUM_GAMMA] = -job->params.shift / job->params.deviation * in[MC_EUROPEAN_Z];
  }
}

static assay_status simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                             assay_quant_where *where) {
  bool greeks = job->option.greeks;
  const uint64_t size = 4 * ASSAY_MC_GROUP; /* paths of a group's draw: four words make four normals */
  european_work w = {.kernel = greeks ? "mc_european_greeks" : "mc_european",
                     .bits = job->option.precision == ASSAY_MC_F32 ? 32 : 64,
                     .sums = greeks ? MC_EUROPEAN_GREEKS_SUMS : MC_EUROPEAN_SUMS,
                     .params = {.paths = samples,
                                .drift = job->params.drift,
                                .width = job->params.width,
                                .scale = job->params.scale,
                                .shift = job->params.shift}};
  assay_mc_grid(samples, size, 1, &w.params.groups, &w.params.draws);
  w.params.key = assay_mc_key(job->option.seed, batch);
  w.params.full = (u32)(samples / (size * w.params.groups));
  w.out = assay_calloc(ASSAY_TAG_QUANT, w.params.groups * w.sums, sizeof *w.out);
  if (w.out == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the sums of %u groups of paths", w.params.groups);
  assay_status status = assay_mc_run(job, work, &w, err, where);
  if (status == ASSAY_OK && job->total)
    status = assay_mc_groups_total(groups, w.out, w.sums, w.params.groups, (double)samples, err);
  else if (status == ASSAY_OK)
    status = assay_mc_groups_init(groups, w.params.groups, err);
  for (u32 g = 0; status == ASSAY_OK && !job->total && g < w.params.groups; g++) {
    translate(job, &w.out[g * w.sums], groups->sums[g]);
    groups->samples[g] = assay_mc_group_samples(samples, size, w.params.groups, g);
  }
  assay_free(w.out);
  return status;
}

void assay_mc_european_job(assay_mc_job *job) { job->simulate = simulate; }

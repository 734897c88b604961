/* SPDX-License-Identifier: MIT */
/* A comparison as CSV, a row a benchmark and metric. The header is stable: columns are only ever added at its end. */
#include <math.h>

#include "report/render.h"

static const char header[] =
    "suite,benchmark,metric,unit,kind,better,is_main,verdict,before,after,change_ratio,ci_low,ci_high,p_value,q_value,threshold_warning,"
    "threshold_critical,noise_floor,detectable,before_count,after_count,reason\r\n";

void assay_changes_csv(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  (void)context;
  assay_buf_puts(out, header);
  for (size_t i = 0; i < view->count; i++) {
    const assay_change *c = view->rows[i];
    assay_csv_text(out, c->suite);
    assay_csv_next_text(out, c->benchmark);
    assay_csv_next_text(out, c->metric);
    assay_csv_next_text(out, c->unit);
    assay_csv_next_text(out, assay_metric_kind_text(c->kind));
    assay_csv_next_text(out, c->better == ASSAY_HIGHER ? "higher" : "lower");
    assay_csv_next_text(out, c->is_main ? "true" : "false");
    assay_csv_next_text(out, assay_verdict_text(c->verdict));
    const double figures[] = {c->before,
                              c->after,
                              c->change_ratio,
                              c->ci_low,
                              c->ci_high,
                              c->p_value,
                              c->q_value,
                              c->threshold.warning,
                              c->threshold.critical,
                              assay_change_noise(c),
                              c->detectable};
    for (size_t k = 0; k < sizeof figures / sizeof *figures; k++) assay_csv_next_number(out, figures[k]);
    assay_buf_printf(out, ",%zu,%zu", c->before_count, c->after_count);
    assay_csv_next_text(out, c->reason);
    assay_buf_puts(out, "\r\n");
  }
}

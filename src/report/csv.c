/* SPDX-License-Identifier: MIT */
/* One row a benchmark and metric (RFC 4180), and one without a metric for each benchmark that has no figure. The header is stable: columns
 * are only ever added at its end. */
#include <math.h>
#include <string.h>

#include "report/render.h"

static const char header[] =
    "run_id,started_at_s,machine_id,suite,benchmark,base_name,params,status,reason,metric,unit,kind,better,value,ci_low,ci_high,mean,"
    "stddev,min,max,"
    "p50,p90,p95,p99,p999,processes,samples,set_aside,ceiling,ceiling_value,ceiling_share,steady\r\n";

void assay_csv_text(assay_buf *out, const char *text) {
  if (text == NULL) return;
  const char *first = text + strspn(text, " ");
  bool formula = *first != '\0' && strchr("=+-@\t\r", *first) != NULL;
  bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;
  if (quoted) assay_buf_putc(out, '"');
  if (formula) assay_buf_putc(out, '\'');
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '"') assay_buf_putc(out, '"');
    assay_buf_putc(out, *p);
  }
  if (quoted) assay_buf_putc(out, '"');
}

void assay_csv_next_text(assay_buf *out, const char *text) {
  assay_buf_putc(out, ',');
  assay_csv_text(out, text);
}

void assay_csv_next_number(assay_buf *out, double value) {
  assay_buf_putc(out, ',');
  if (isfinite(value)) assay_buf_double(out, value);
}

static void write_benchmark(const assay_render *r, const assay_benchmark_result *b) {
  assay_buf params = {0};
  for (size_t i = 0; i < b->param_count; i++) assay_buf_printf(&params, "%s%s=%s", i > 0 ? ";" : "", b->params[i].name, b->params[i].value);
  assay_csv_text(r->out, r->result->run.id);
  assay_buf_printf(r->out, ",%lld", (long long)r->result->run.started_at_s);
  assay_csv_next_text(r->out, r->result->machine_id);
  assay_csv_next_text(r->out, b->suite);
  assay_csv_next_text(r->out, b->name);
  assay_csv_next_text(r->out, b->base_name);
  assay_csv_next_text(r->out, params.data);
  assay_csv_next_text(r->out, assay_outcome_text(b->status));
  assay_csv_next_text(r->out, b->reason);
  if (params.failed) r->out->failed = true;
  assay_buf_deinit(&params);
}

static void write_metric(assay_buf *out, const assay_metric_result *m, assay_steady steady) {
  const assay_summary *s = &m->stats;
  assay_csv_next_text(out, m->name);
  assay_csv_next_text(out, m->unit);
  assay_csv_next_text(out, assay_metric_kind_text(m->kind));
  assay_csv_next_text(out, m->better == ASSAY_HIGHER ? "higher" : "lower");
  const double figures[] = {m->value, m->ci_low, m->ci_high, s->mean, s->stddev, s->min, s->max, s->p50, s->p90, s->p95, s->p99, s->p999};
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) assay_csv_next_number(out, figures[i]);
  assay_buf_printf(out, ",%zu,%zu,%zu", m->process_count, s->samples, s->set_aside);
  assay_csv_next_text(out, m->ceiling);
  assay_csv_next_number(out, m->ceiling != NULL ? m->ceiling_value : NAN);
  assay_csv_next_number(out, m->ceiling != NULL ? m->ceiling_share : NAN);
  assay_buf_puts(out, steady == ASSAY_STEADY_UNTESTED ? ",\r\n" : steady == ASSAY_STEADY_YES ? ",true\r\n" : ",false\r\n");
}

void assay_report_csv(const assay_render *r) {
  assay_buf_puts(r->out, header);
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    for (size_t k = 0; k < b->metric_count; k++) {
      write_benchmark(r, b);
      write_metric(r->out, &b->metrics[k], b->steady);
    }
    if (b->metric_count > 0) continue;
    write_benchmark(r, b);
    assay_buf_puts(r->out, ",,,,,,,,,,,,,,,,,,,,,,,\r\n");
  }
}

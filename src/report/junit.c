/* SPDX-License-Identifier: MIT */
/*
 * JUnit XML as CI systems read it (the schema of the Jenkins xUnit plug-in): benchmarks, checks and limits are test cases. The time of a
 * case is the median of one operation, so that a CI system's own trend shows it; every figure is in its output.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "report/render.h"

void assay_junit_attribute(assay_buf *out, const char *name, const char *value) {
  assay_buf_printf(out, " %s=\"", name);
  /* A line end inside an attribute would be read as a space. */
  for (const char *p = value; *p != '\0';) {
    size_t run = strcspn(p, "\r\n\t");
    assay_buf part = {0};
    assay_buf_append(&part, p, run);
    if (part.failed) out->failed = true;
    if (part.data != NULL) assay_buf_xml(out, part.data);
    assay_buf_deinit(&part);
    p += run;
    if (*p != '\0') assay_buf_printf(out, "&#%d;", *p++);
  }
  assay_buf_putc(out, '"');
}

void assay_junit_begin_suite(assay_buf *out, const assay_result *result, const char *name, size_t tests, size_t failures, size_t skipped,
                             double seconds) {
  char when[32] = "1970-01-01T00:00:00";
  time_t at = result != NULL ? (time_t)result->run.started_at_s : 0;
  struct tm parts;
  if (gmtime_r(&at, &parts) != NULL) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
  assay_buf_puts(out, "  <testsuite");
  assay_junit_attribute(out, "name", name);
  assay_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.9f\" timestamp=\"%s\"", tests, failures,
                   skipped, seconds, when);
  assay_junit_attribute(out, "hostname", result != NULL && result->machine_label != NULL ? result->machine_label : "unknown");
  assay_buf_puts(out, ">\n");
}

void assay_junit_begin_case(assay_buf *out, const char *class_name, const char *name, double seconds) {
  assay_buf_puts(out, "    <testcase");
  assay_junit_attribute(out, "classname", class_name);
  assay_junit_attribute(out, "name", name);
  assay_buf_printf(out, " time=\"%.9f\">", isfinite(seconds) ? seconds : 0);
}

void assay_junit_verdict(assay_buf *out, const char *element, const char *message) {
  assay_buf_printf(out, "<%s", element);
  assay_junit_attribute(out, "message", message);
  if (strcmp(element, "failure") == 0) assay_buf_puts(out, " type=\"assay\"");
  assay_buf_puts(out, "/>");
}

void assay_junit_end_case(assay_buf *out, const char *output) {
  if (output != NULL && output[0] != '\0') {
    assay_buf_puts(out, "<system-out>");
    assay_buf_xml(out, output);
    assay_buf_puts(out, "</system-out>");
  }
  assay_buf_puts(out, "</testcase>\n");
}

static void figures(const assay_benchmark_result *b, assay_buf *out) {
  char value[ASSAY_REPORT_TEXT], half[ASSAY_REPORT_TEXT], share[ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < b->metric_count; i++) {
    const assay_metric_result *m = &b->metrics[i];
    assay_buf_printf(out, "%s%s: %s", i > 0 ? "\n" : "", m->name, assay_report_value(m->value, m->unit, value));
    if (isfinite(assay_report_half_ratio(m))) assay_buf_printf(out, " \u00B1 %s", assay_report_percent(assay_report_half_ratio(m), half));
    if (m->ceiling != NULL && isfinite(m->ceiling_share))
      assay_buf_printf(out, ", %s of %s", assay_report_percent(m->ceiling_share, share), m->ceiling);
  }
}

static double seconds_of(const assay_benchmark_result *b) {
  const assay_metric_result *m = assay_report_main_metric(b);
  return m != NULL && strcmp(m->unit, "ns") == 0 ? m->value / 1e9 : NAN;
}

static void benchmarks(const assay_render *r, const assay_digest_suite *s) {
  size_t failed = s->outcomes[ASSAY_OUTCOME_FAILED];
  double seconds = 0;
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    double one = strcmp(r->result->benchmarks[i].suite, s->name) == 0 ? seconds_of(&r->result->benchmarks[i]) : NAN;
    if (isfinite(one)) seconds += one;
  }
  assay_junit_begin_suite(r->out, r->result, s->name, s->benchmarks, failed,
                          s->outcomes[ASSAY_OUTCOME_SKIPPED] + s->outcomes[ASSAY_OUTCOME_UNSUPPORTED], seconds);
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    if (strcmp(b->suite, s->name) != 0) continue;
    assay_junit_begin_case(r->out, b->suite, b->name, seconds_of(b));
    assay_buf text = {0};
    if (b->status != ASSAY_OUTCOME_OK) {
      assay_buf_printf(&text, "%s%s%s", assay_outcome_text(b->status), b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
      assay_junit_verdict(r->out, b->status == ASSAY_OUTCOME_FAILED ? "failure" : "skipped", text.data != NULL ? text.data : "");
      assay_buf_clear(&text);
    }
    figures(b, &text);
    assay_junit_end_case(r->out, text.data);
    assay_buf_deinit(&text);
  }
  assay_buf_puts(r->out, "  </testsuite>\n");
}

/* A suite that could not run at all is one skipped (or failed) case, so that it does not vanish. */
static void absent_suite(const assay_render *r, const assay_digest_suite *s) {
  bool failed = s->status == ASSAY_OUTCOME_FAILED;
  assay_junit_begin_suite(r->out, r->result, s->name, 1, failed, !failed, 0);
  assay_junit_begin_case(r->out, s->name, s->name, NAN);
  assay_buf text = {0};
  assay_buf_printf(&text, "%s%s%s", assay_outcome_text(s->status), s->reason != NULL ? ": " : "", s->reason != NULL ? s->reason : "");
  assay_junit_verdict(r->out, failed ? "failure" : "skipped", text.data != NULL ? text.data : "");
  assay_buf_deinit(&text);
  assay_junit_end_case(r->out, NULL);
  assay_buf_puts(r->out, "  </testsuite>\n");
}

static void checks(const assay_render *r) {
  const size_t *counts = r->digest->checks;
  if (r->result->check_count == 0) return;
  assay_junit_begin_suite(r->out, r->result, "checks", r->result->check_count, counts[ASSAY_CHECK_FAIL], counts[ASSAY_CHECK_UNAVAILABLE],
                          0);
  for (size_t i = 0; i < r->result->check_count; i++) {
    const assay_check *c = &r->result->checks[i];
    assay_junit_begin_case(r->out, c->suite, c->name, NAN);
    assay_buf text = {0};
    if (c->status == ASSAY_CHECK_UNAVAILABLE) {
      assay_junit_verdict(r->out, "skipped", c->cause != NULL ? c->cause : "unavailable");
    } else if (c->status == ASSAY_CHECK_FAIL) {
      assay_buf_printf(&text, "%s%s%s", c->measured != NULL ? c->measured : "fail", c->expected != NULL ? ", expected " : "",
                       c->expected != NULL ? c->expected : "");
      assay_junit_verdict(r->out, "failure", text.data != NULL ? text.data : "");
      assay_buf_clear(&text);
    }
    if (c->measured != NULL) assay_buf_puts(&text, c->measured);
    if (c->status == ASSAY_CHECK_FAIL && c->recommendation != NULL) assay_buf_printf(&text, "\n%s", c->recommendation);
    assay_junit_end_case(r->out, text.data);
    assay_buf_deinit(&text);
  }
  assay_buf_puts(r->out, "  </testsuite>\n");
}

/* JUnit has no word for it: neither passed nor failed is skipped. */
static void undecided(assay_buf *out, const char *figures_of_it) {
  assay_buf text = {0};
  assay_buf_printf(&text, "inconclusive: %s", figures_of_it);
  assay_junit_verdict(out, "skipped", text.data != NULL ? text.data : "inconclusive");
  assay_buf_deinit(&text);
}

static void slas(const assay_render *r) {
  const size_t *counts = r->digest->slas;
  if (r->result->sla_count == 0) return;
  assay_junit_begin_suite(r->out, r->result, "limits", r->result->sla_count, counts[ASSAY_SLA_MISSED],
                          counts[ASSAY_SLA_NOT_APPLICABLE] + counts[ASSAY_SLA_INCONCLUSIVE], 0);
  for (size_t i = 0; i < r->result->sla_count; i++) {
    const assay_sla_result *s = &r->result->slas[i];
    char value[ASSAY_REPORT_TEXT], limit[ASSAY_REPORT_TEXT];
    assay_buf text = {0};
    assay_junit_begin_case(r->out, "limits", s->name, NAN);
    if (s->status == ASSAY_SLA_NOT_APPLICABLE) {
      assay_junit_verdict(r->out, "skipped", s->reason != NULL ? s->reason : "not applicable");
    } else {
      assay_buf_printf(&text, "%s, %s %s is asked", assay_report_value(s->value, s->unit, value), s->is_max ? "at most" : "at least",
                       assay_report_value(s->limit, s->unit, limit));
      if (s->reason != NULL) assay_buf_printf(&text, "; %s", s->reason);
      if (s->status == ASSAY_SLA_MISSED) assay_junit_verdict(r->out, "failure", text.data != NULL ? text.data : "");
      if (s->status == ASSAY_SLA_INCONCLUSIVE) undecided(r->out, text.data != NULL ? text.data : "");
    }
    assay_junit_end_case(r->out, text.data);
    assay_buf_deinit(&text);
  }
  assay_buf_puts(r->out, "  </testsuite>\n");
}

void assay_report_junit(const assay_render *r) {
  const assay_digest *d = r->digest;
  size_t tests = r->result->benchmark_count + r->result->check_count + r->result->sla_count;
  size_t failures = d->outcomes[ASSAY_OUTCOME_FAILED] + d->checks[ASSAY_CHECK_FAIL] + d->slas[ASSAY_SLA_MISSED];
  size_t skipped = d->outcomes[ASSAY_OUTCOME_SKIPPED] + d->outcomes[ASSAY_OUTCOME_UNSUPPORTED] + d->checks[ASSAY_CHECK_UNAVAILABLE] +
                   d->slas[ASSAY_SLA_NOT_APPLICABLE] + d->slas[ASSAY_SLA_INCONCLUSIVE];
  for (size_t i = 0; i < d->suite_count; i++) {
    if (d->suites[i].benchmarks > 0 || d->suites[i].status == ASSAY_OUTCOME_OK) continue;
    tests++;
    d->suites[i].status == ASSAY_OUTCOME_FAILED ? failures++ : skipped++;
  }
  assay_buf_printf(r->out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                   "skipped=\"%zu\" time=\"%.3f\">\n",
                   tests, failures, skipped, r->result->run.duration_s);
  for (size_t i = 0; i < d->suite_count; i++) {
    if (d->suites[i].benchmarks > 0)
      benchmarks(r, &d->suites[i]);
    else if (d->suites[i].status != ASSAY_OUTCOME_OK)
      absent_suite(r, &d->suites[i]);
  }
  checks(r);
  slas(r);
  assay_buf_puts(r->out, "</testsuites>\n");
}

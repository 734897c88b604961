/* SPDX-License-Identifier: MIT */
/* A comparison as JUnit XML: a test case a benchmark and metric, which fails where that became worse. */
#include <math.h>

#include "report/render.h"

static bool is_failure(assay_verdict v) { return v == ASSAY_VERDICT_WORSE || v == ASSAY_VERDICT_CRITICAL; }
/* JUnit has no word for them: neither passed nor failed is skipped. */
static bool is_skipped(assay_verdict v) { return v == ASSAY_VERDICT_INCONCLUSIVE || v == ASSAY_VERDICT_MISSING; }

static void test_case(const assay_changes_view *view, const assay_change *c, assay_buf *out) {
  assay_buf name = {0}, text = {0}, message = {0};
  assay_report_change_name(c, &name);
  assay_change_sentence(view, c, &text);
  assay_buf_printf(&message, "%s: %s", assay_verdict_text(c->verdict), text.data != NULL ? text.data : "");
  assay_junit_begin_case(out, c->suite, name.data != NULL ? name.data : "", NAN);
  if (is_failure(c->verdict)) assay_junit_verdict(out, "failure", message.data != NULL ? message.data : "");
  if (is_skipped(c->verdict)) assay_junit_verdict(out, "skipped", message.data != NULL ? message.data : "");
  assay_junit_end_case(out, message.data);
  if (name.failed || text.failed || message.failed) out->failed = true;
  assay_buf_deinit(&name);
  assay_buf_deinit(&text);
  assay_buf_deinit(&message);
}

static void property(const char *name, const assay_buf *value, assay_buf *out) {
  assay_buf_puts(out, "      <property");
  assay_junit_attribute(out, "name", name);
  assay_junit_attribute(out, "value", value->data != NULL ? value->data : "");
  assay_buf_puts(out, "/>\n");
  if (value->failed) out->failed = true;
}

static void properties(const assay_changes_view *view, assay_buf *out) {
  assay_buf text = {0};
  assay_buf_puts(out, "    <properties>\n");
  assay_buf_puts(&text, assay_regress_status_text(view->changes->status));
  property("status", &text, out);
  assay_buf_clear(&text);
  assay_changes_headline(view, &text);
  property("verdict", &text, out);
  for (int after = 0; after < 2; after++) {
    assay_buf_clear(&text);
    assay_changes_side(view, after, &text);
    property(after ? "after" : "before", &text, out);
  }
  for (size_t i = 0;; i++) {
    assay_buf_clear(&text);
    if (!assay_changes_note(view, i, &text)) break;
    property("note", &text, out);
  }
  assay_buf_deinit(&text);
  assay_buf_puts(out, "    </properties>\n");
}

void assay_changes_junit(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  size_t failures = 0, skipped = 0;
  (void)context;
  for (size_t i = 0; i < view->count; i++) {
    failures += is_failure(view->rows[i]->verdict);
    skipped += is_skipped(view->rows[i]->verdict);
  }
  assay_buf_printf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                   "skipped=\"%zu\" time=\"0\">\n",
                   view->count, failures, skipped);
  assay_junit_begin_suite(out, view->after, "changes", view->count, failures, skipped, 0);
  properties(view, out);
  for (size_t i = 0; i < view->count; i++) test_case(view, view->rows[i], out);
  assay_buf_puts(out, "  </testsuite>\n</testsuites>\n");
}

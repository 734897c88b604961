/* SPDX-License-Identifier: MIT */
/* A comparison as GitHub-flavoured Markdown: for job summaries, and short for the comment on a pull request. */
#include <math.h>
#include <string.h>

#include "report/render.h"

/* GitHub refuses comments over 65,536 characters, so no row begins beyond MOST. */
enum { MAX_CHANGES = 60, MAX_FOLDED = 300, MOST = 56000 };

static const char head[] =
    "| | Benchmark | Before | After | Change | 95 % interval | q | Noise floor | Detectable "
    "|\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

static void row(const assay_changes_view *view, const assay_change *c, assay_buf *out) {
  char text[ASSAY_CHANGE_TEXT];
  double before, after;
  assay_change_values(view, c, &before, &after);
  assay_buf_printf(out, "| %s%s | ", assay_verdict_look_of(c->verdict)->mark, assay_verdict_text(c->verdict));
  assay_markdown_code(out, c->benchmark);
  if (!c->is_main) assay_buf_puts(out, " "), assay_markdown_text(out, c->metric);
  if (c->reason != NULL) assay_buf_puts(out, "<br>"), assay_markdown_text(out, c->reason);
  assay_buf_puts(out, " | ");
  assay_markdown_text(out, assay_report_value(before, c->unit, text));
  assay_buf_puts(out, " | ");
  assay_markdown_text(out, assay_report_value(after, c->unit, text));
  assay_buf_printf(out, " | %s", assay_change_by(c, c->change_ratio, text));
  assay_buf_printf(out, " | %s | ", assay_change_interval(c, text));
  assay_markdown_text(out, assay_change_q(c, text)); /* it may begin with "<" */
  assay_buf_puts(out, " | ");
  assay_markdown_text(out, assay_change_size(c, assay_change_noise(c), text));
  assay_buf_puts(out, " | ");
  assay_markdown_text(out, assay_change_size(c, c->detectable, text));
  assay_buf_puts(out, " |\n");
}

/* Writes at most `most` rows, and says how many are left. */
static void table(const assay_changes_view *view, size_t from, size_t to, size_t most, assay_buf *out) {
  size_t told = 0;
  assay_buf_puts(out, head);
  for (size_t i = from; i < to && told < most && out->length < MOST; i++, told++) row(view, view->rows[i], out);
  if (from + told < to) assay_buf_printf(out, "\n%zu more are in the HTML report.\n", to - from - told);
}

static size_t first_unsure(const assay_changes_view *view) {
  size_t at = 0;
  while (at < view->open && view->rows[at]->verdict != ASSAY_VERDICT_INCONCLUSIVE) at++;
  return at;
}

static void rule(const assay_changes_view *view, assay_buf *out) {
  assay_buf text = {0};
  if (view->tally[ASSAY_VERDICT_INCONCLUSIVE] == 0) return;
  assay_changes_rule(view, &text);
  assay_buf_putc(out, '\n');
  if (text.data != NULL) assay_markdown_text(out, text.data);
  assay_buf_putc(out, '\n');
  if (text.failed) out->failed = true;
  assay_buf_deinit(&text);
}

void assay_markdown_changes(const assay_changes_view *view, assay_buf *out) {
  size_t sure = first_unsure(view), unsure = view->open - sure;
  if (view->open == 0) return;
  assay_buf_putc(out, '\n');
  table(view, 0, sure + (unsure < ASSAY_REPORT_INCONCLUSIVE ? unsure : ASSAY_REPORT_INCONCLUSIVE), MAX_CHANGES, out);
  if (unsure > ASSAY_REPORT_INCONCLUSIVE)
    assay_buf_printf(out, "\n%zu more inconclusive ones are in the HTML report.\n", unsure - ASSAY_REPORT_INCONCLUSIVE);
  rule(view, out);
}

/* ---- A comparison for itself ---------------------------------------------------------------------------------------------------- */

static void item(const char *title, const assay_buf *text, assay_buf *out) {
  assay_buf_printf(out, "- %s: ", title);
  if (text->failed) out->failed = true;
  if (text->data != NULL) assay_markdown_text(out, text->data);
  assay_buf_putc(out, '\n');
}

static void sides(const assay_changes_view *view, assay_buf *out) {
  assay_buf text = {0};
  assay_changes_side(view, false, &text);
  item("Before", &text, out);
  assay_buf_clear(&text);
  assay_changes_side(view, true, &text);
  item("After", &text, out);
  assay_buf_clear(&text);
  assay_buf_puts(&text, assay_regress_status_text(view->changes->status));
  item("Status", &text, out);
  assay_buf_deinit(&text);
}

static void notes(const assay_changes_view *view, assay_buf *out) {
  assay_buf text = {0};
  for (size_t i = 0;; i++) {
    assay_buf_clear(&text);
    if (!assay_changes_note(view, i, &text)) break;
    assay_buf_puts(out, "> ");
    if (text.data != NULL) assay_markdown_text(out, text.data);
    assay_buf_puts(out, "\n\n");
  }
  if (text.failed) out->failed = true;
  assay_buf_deinit(&text);
}

static void count_rows(const assay_changes_view *view, size_t from, assay_buf *out) {
  size_t counts[ASSAY_VERDICT_COUNT] = {0}, told = 0;
  for (size_t i = from; i < view->count; i++) counts[view->rows[i]->verdict]++;
  for (size_t i = from; i < view->count; i++) {
    assay_verdict v = view->rows[i]->verdict;
    if (counts[v] > 0)
      assay_buf_printf(out, "%s%zu %s", told++ > 0 ? ", " : "", counts[v], v == ASSAY_VERDICT_SAME ? "the same" : assay_verdict_text(v));
    counts[v] = 0;
  }
}

static void folded(const assay_changes_view *view, size_t from, const assay_changes_context *context, assay_buf *out) {
  if (from == view->count && !context->pull_request) return;
  assay_buf_puts(out, "\n<details><summary>");
  if (from < view->count)
    count_rows(view, from, out);
  else
    assay_buf_puts(out, "What was compared");
  assay_buf_puts(out, "</summary>\n\n");
  if (context->pull_request) sides(view, out), assay_buf_putc(out, '\n');
  if (from < view->count) table(view, from, view->count, MAX_FOLDED, out);
  rule(view, out);
  assay_buf_puts(out, "\n</details>\n");
}

/* Names and reasons may be of any length, so what the counts of rows let through is cut behind its last whole line. */
static void keep_to_limit(assay_buf *out) {
  static const char fold[] = "<details>", unfold[] = "</details>";
  enum { ROOM = 200 };
  if (out->failed || out->length <= ASSAY_REPORT_COMMENT_MAX) return;
  size_t end = ASSAY_REPORT_COMMENT_MAX - ROOM;
  while (end > 0 && out->data[end] != '\n') end--;
  if (end < ROOM) /* the first sentence is that long: it is the verdict, so its beginning stays */
    for (end = ASSAY_REPORT_COMMENT_MAX - ROOM; (out->data[end] & 0xC0) == 0x80;) end--;
  out->length = end;
  out->data[end] = '\0';
  long open = 0;
  for (const char *at = out->data; (at = strstr(at, fold)) != NULL; at++) open++;
  for (const char *at = out->data; (at = strstr(at, unfold)) != NULL; at++) open--;
  assay_buf_puts(out, "\n\nCut here, since GitHub takes at most 65,536 characters; the HTML report has the rest.\n");
  if (open > 0) assay_buf_puts(out, "\n</details>\n");
}

void assay_changes_markdown(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  static const char *const marks[] = {"\u2705", "\u274C", "\u274C", "\u2754"};
  assay_buf text = {0};
  size_t sure = first_unsure(view);
  if (context->pull_request) assay_buf_puts(out, ASSAY_REPORT_COMMENT_MARK "\n");
  assay_buf_printf(out, "%s %s ", context->pull_request ? "###" : "##", marks[view->changes->status]);
  assay_changes_headline(view, &text);
  if (text.failed) out->failed = true;
  if (text.data != NULL) assay_markdown_text(out, text.data);
  assay_buf_deinit(&text);
  assay_buf_puts(out, "\n\n");
  if (!context->pull_request) sides(view, out), assay_buf_putc(out, '\n');
  notes(view, out);
  if (context->pull_request) {
    if (sure > 0) table(view, 0, sure, MAX_CHANGES, out);
    folded(view, sure, context, out);
    keep_to_limit(out);
  } else {
    if (view->open > 0) table(view, 0, view->open, MAX_CHANGES, out);
    folded(view, view->open, context, out);
  }
}

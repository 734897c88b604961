/* SPDX-License-Identifier: MIT */
/* GitHub-flavoured Markdown for pull-request comments and job summaries. What needs a decision stands open; the figures are folded. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "report/render.h"

/* GitHub refuses comments over 65,536 characters; this many rows stay under it. */
enum { MAX_ROWS = 300, MAX_PROBLEMS = 20 };

void assay_markdown_text(assay_buf *out, const char *from) {
  for (const char *p = from; *p != '\0';) {
    size_t length = assay_utf8_length(p);
    switch (*p) {
      case '&': assay_buf_puts(out, "&amp;"); break;
      case '<': assay_buf_puts(out, "&lt;"); break;
      case '>': assay_buf_puts(out, "&gt;"); break;
      case '@': assay_buf_puts(out, "@<!-- -->"); break;
      case '\n':
      case '\r':
      case '\t': assay_buf_putc(out, ' '); break;
      default:
        if (assay_utf8_shown(p) == 0) {
          assay_buf_puts(out, "\uFFFD");
          break;
        }
        if (strchr("\\`*_[]|#~", *p) != NULL) assay_buf_putc(out, '\\');
        assay_buf_append(out, p, length);
    }
    p += length > 0 ? length : 1;
  }
}

void assay_markdown_code(assay_buf *out, const char *from) {
  assay_buf_putc(out, '`');
  for (const char *p = from; *p != '\0';) {
    size_t length = assay_utf8_length(p);
    if (assay_utf8_shown(p) == 0)
      assay_buf_puts(out, "\uFFFD");
    else if (*p == '`')
      assay_buf_putc(out, '\'');
    else {
      if (*p == '|') assay_buf_putc(out, '\\');
      assay_buf_append(out, p, length);
    }
    p += length > 0 ? length : 1;
  }
  assay_buf_putc(out, '`');
}

static const char *const outcome_marks[] = {"\u2705", "\u2796", "\u2796", "\u274C"};

static void sentence(const char *words, assay_tone tone, void *user) {
  (void)tone;
  assay_buf *out = user;
  assay_buf_puts(out, "- ");
  assay_markdown_text(out, words);
  assay_buf_putc(out, '\n');
}

static void masthead(const assay_render *r) {
  const assay_run_info *run = &r->result->run;
  char when[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT];
  assay_buf headline = {0};
  assay_digest_headline(r->digest, r->result, &headline);
  assay_buf_puts(r->out, "## Assay: ");
  assay_markdown_text(r->out, headline.data != NULL ? headline.data : "");
  assay_buf_deinit(&headline);
  assay_buf_puts(r->out, "\n\n");
  if (r->result->machine_label != NULL) assay_markdown_text(r->out, r->result->machine_label), assay_buf_puts(r->out, "  \n");
  assay_buf_printf(r->out, "%s, %s, ", assay_report_when(run->started_at_s, when), assay_report_took(run, took));
  assay_report_behind(r->result, r->out);
  if (run->quick) assay_buf_puts(r->out, ", quick");
  if (run->commit != NULL) assay_buf_puts(r->out, ", commit "), assay_markdown_code(r->out, run->commit);
  assay_buf_puts(r->out, "\n\n");
  assay_digest_sentences(r->digest, r->result, r->context, sentence, r->out);
}

/* What went wrong, before every table: benchmarks and checks that failed. Missed limits are the first rows of theirs. */
static void problems(const assay_render *r) {
  size_t told = 0, all = r->digest->outcomes[ASSAY_OUTCOME_FAILED] + r->digest->checks[ASSAY_CHECK_FAIL];
  if (all == 0) return;
  assay_buf_puts(r->out, "\n### Failed\n\n");
  for (size_t i = 0; i < r->result->benchmark_count && told < MAX_PROBLEMS; i++) {
    const assay_benchmark_result *b = r->digest->order[i];
    if (b->status != ASSAY_OUTCOME_FAILED) continue;
    told++;
    assay_buf_puts(r->out, "- \u274C "), assay_markdown_code(r->out, b->name), assay_buf_puts(r->out, ": ");
    assay_markdown_text(r->out, b->reason != NULL ? b->reason : "no reason given");
    assay_buf_putc(r->out, '\n');
  }
  for (size_t i = 0; i < r->result->check_count && told < MAX_PROBLEMS; i++) {
    const assay_check *c = &r->result->checks[i];
    if (c->status != ASSAY_CHECK_FAIL) continue;
    told++;
    assay_buf_puts(r->out, "- \u274C "), assay_markdown_text(r->out, c->name), assay_buf_puts(r->out, ": ");
    assay_markdown_text(r->out, c->measured != NULL ? c->measured : "failed");
    if (c->expected != NULL) assay_buf_puts(r->out, ", expected "), assay_markdown_text(r->out, c->expected);
    assay_buf_putc(r->out, '\n');
  }
  if (told < all) assay_buf_printf(r->out, "\n%zu more are below.\n", all - told);
}

static void sla_row(const assay_render *r, const assay_sla_result *s) {
  static const char *const marks[] = {"\u2705 met", "\u274C missed", "\u2796 n/a", "\u2754 inconclusive"};
  char value[ASSAY_REPORT_TEXT], limit[ASSAY_REPORT_TEXT];
  assay_buf_printf(r->out, "| %s | ", marks[s->status]);
  assay_markdown_text(r->out, s->name);
  assay_buf_puts(r->out, " | ");
  assay_markdown_text(r->out, assay_report_value(s->value, s->unit, value));
  assay_buf_puts(r->out, s->is_max ? " | \u2264 " : " | \u2265 ");
  assay_markdown_text(r->out, assay_report_value(s->limit, s->unit, limit));
  assay_buf_puts(r->out, " | ");
  const char *note = s->reason != NULL ? s->reason : s->description;
  assay_markdown_text(r->out, note != NULL ? note : "");
  assay_buf_puts(r->out, " |\n");
}

/* Missed ones first; those that do not apply are one sentence. */
static void slas(const assay_render *r) {
  static const assay_sla_status shown[] = {ASSAY_SLA_MISSED, ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_MET};
  const size_t *counts = r->digest->slas, count = r->result->sla_count;
  if (counts[ASSAY_SLA_NOT_APPLICABLE] == count) return;
  assay_buf_puts(r->out, "\n### Limits\n\n| | Limit | Measured | Asked | |\n|---|---|---:|---:|---|\n");
  for (size_t k = 0; k < sizeof shown / sizeof *shown * count; k++) {
    if (r->result->slas[k % count].status == shown[k / count]) sla_row(r, &r->result->slas[k % count]);
  }
}

static void other_slas(const assay_render *r) {
  assay_buf rest = {0};
  assay_report_not_applicable(r->result, &rest);
  if (rest.length > 0) assay_buf_putc(r->out, '\n'), assay_markdown_text(r->out, rest.data), assay_buf_putc(r->out, '\n');
  if (rest.failed) r->out->failed = true;
  assay_buf_deinit(&rest);
}

static void changes(const assay_render *r) {
  const assay_changes_view *view = &r->digest->changes;
  if (view->count == 0) return;
  assay_buf_puts(r->out, "\n### Since the previous run\n\n");
  assay_changes_tally(view, r->out);
  assay_buf_putc(r->out, '\n');
  assay_markdown_changes(view, r->out);
}

/* Beneath the name, in its cell. */
static void own_metrics(const assay_render *r, const assay_benchmark_result *b) {
  assay_buf own = {0};
  if (assay_report_measured(b)) assay_report_own_metrics(b, &own);
  if (own.length > 0) assay_buf_puts(r->out, "<br>"), assay_markdown_text(r->out, own.data);
  if (own.failed) r->out->failed = true;
  assay_buf_deinit(&own);
}

static void row(const assay_render *r, const assay_benchmark_result *b) {
  char value[ASSAY_REPORT_TEXT], half[ASSAY_REPORT_TEXT], rate[ASSAY_REPORT_TEXT], share[ASSAY_REPORT_TEXT];
  assay_buf_printf(r->out, "| %s ", outcome_marks[b->status]);
  assay_markdown_code(r->out, b->name);
  own_metrics(r, b);
  if (!assay_report_measured(b)) {
    assay_buf_printf(r->out, " | %s | | | ", assay_outcome_text(b->status));
    assay_markdown_text(r->out, b->reason != NULL ? b->reason : "");
    assay_buf_puts(r->out, " |\n");
    return;
  }
  const assay_metric_result *m = assay_report_main_metric(b), *bound = assay_report_bound_metric(b), *rated = assay_report_rate_metric(b);
  assay_buf_puts(r->out, " | ");
  assay_markdown_text(r->out, assay_report_value(m->value, m->unit, value));
  assay_buf_printf(r->out, " | %s | ", assay_report_percent(assay_report_half_ratio(m), half));
  if (rated != NULL && rated != m) assay_markdown_text(r->out, assay_report_value(rated->value, rated->unit, rate));
  assay_buf_puts(r->out, " | ");
  if (bound != NULL)
    assay_buf_printf(r->out, "%s of ", assay_report_percent(bound->ceiling_share, share)), assay_markdown_code(r->out, bound->ceiling);
  if (b->steady == ASSAY_STEADY_NO) assay_buf_puts(r->out, " (never got steady)");
  assay_buf partial = {0};
  assay_report_partial(r->result, b, &partial);
  if (partial.length > 0) assay_buf_printf(r->out, " (%s)", partial.data);
  assay_buf_deinit(&partial);
  assay_buf_puts(r->out, " |\n");
}

static void suites(const assay_render *r) {
  size_t rows = 0;
  for (size_t k = 0; k < r->digest->suite_count; k++) {
    const assay_digest_suite *s = &r->digest->suites[k];
    if (s->benchmarks == 0 && s->status == ASSAY_OUTCOME_OK) continue;
    assay_buf_puts(r->out, "\n<details><summary><b>");
    assay_report_xml(r->out, s->name);
    assay_buf_puts(r->out, "</b>: ");
    if (s->status != ASSAY_OUTCOME_OK) {
      assay_buf_puts(r->out, assay_outcome_text(s->status));
      if (s->reason != NULL) assay_buf_puts(r->out, ", "), assay_report_xml(r->out, s->reason);
    } else {
      for (unsigned i = 0, told = 0; i < 4; i++) {
        if (s->outcomes[i] > 0)
          assay_buf_printf(r->out, "%s%zu %s", told++ > 0 ? ", " : "", s->outcomes[i], assay_outcome_text((assay_outcome)i));
      }
    }
    assay_buf_puts(r->out, "</summary>\n");
    if (s->benchmarks > 0)
      assay_buf_puts(r->out, "\n| Benchmark | Median | \u00B1 95 % | Rate | Share of ceiling |\n|---|---:|---:|---:|---|\n");
    size_t left = 0;
    for (size_t i = 0; i < r->result->benchmark_count; i++) {
      const assay_benchmark_result *b = r->digest->order[i];
      if (strcmp(b->suite, s->name) != 0) continue;
      if (rows++ < MAX_ROWS)
        row(r, b);
      else
        left++;
    }
    if (left > 0) assay_buf_printf(r->out, "\n%zu more are in the CSV and HTML reports.\n", left);
    assay_buf_puts(r->out, "\n</details>\n");
  }
}

static void checks(const assay_render *r) {
  if (r->result->check_count == 0) return;
  static const char *const marks[] = {"\u2705", "\u274C", "\u2796"};
  const size_t *counts = r->digest->checks;
  assay_buf_printf(r->out, "\n<details%s><summary><b>Checks</b>: %zu pass, %zu fail, %zu unavailable</summary>\n\n",
                   counts[ASSAY_CHECK_FAIL] > 0 ? " open" : "", counts[0], counts[1], counts[2]);
  assay_buf_puts(r->out, "| Check | Measured | Expected | |\n|---|---|---|---|\n");
  for (size_t i = 0; i < r->result->check_count; i++) {
    const assay_check *c = &r->result->checks[i];
    assay_buf_printf(r->out, "| %s ", marks[c->status]);
    assay_markdown_text(r->out, c->name);
    assay_buf_puts(r->out, " | ");
    assay_markdown_text(r->out, c->measured != NULL ? c->measured : "unavailable");
    assay_buf_puts(r->out, " | ");
    assay_markdown_text(r->out, c->expected != NULL ? c->expected : "");
    assay_buf_puts(r->out, " | ");
    const char *note = c->status == ASSAY_CHECK_FAIL && c->recommendation != NULL ? c->recommendation : c->cause;
    assay_markdown_text(r->out, note != NULL ? note : "");
    assay_buf_puts(r->out, " |\n");
  }
  assay_buf_puts(r->out, "\n</details>\n");
}

static void recommendations(const assay_render *r) {
  if (r->result->recommendation_count == 0) return;
  assay_buf_puts(r->out, "\n### Recommendations\n\n");
  for (size_t i = 0; i < r->result->recommendation_count; i++) {
    const assay_recommendation *a = &r->result->recommendations[i];
    assay_buf_puts(r->out, "- **");
    assay_markdown_text(r->out, a->title);
    assay_buf_puts(r->out, "**: ");
    assay_markdown_text(r->out, a->because);
    if (a->command != NULL) assay_buf_puts(r->out, " "), assay_markdown_code(r->out, a->command);
    assay_buf_putc(r->out, '\n');
  }
}

void assay_report_markdown(const assay_render *r) {
  masthead(r);
  problems(r);
  slas(r);
  changes(r);
  recommendations(r);
  suites(r);
  checks(r);
  other_slas(r);
}

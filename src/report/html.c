/* SPDX-License-Identifier: MIT */
/* The HTML report's frame: one file that asks nothing of any network, whole without JavaScript. */
#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Small parts -------------------------------------------------------------------------------------------------------------------- */

void assay_html_text(assay_buf *out, const char *text) { assay_report_xml(out, text); }

void assay_html_name(assay_buf *out, const char *name) {
  for (const char *p = name; p != NULL && *p != '\0';) {
    size_t length = strcspn(p, "/");
    length += p[length] == '/';
    assay_buf part = {0};
    assay_buf_append(&part, p, length);
    if (part.failed) out->failed = true;
    assay_html_text(out, part.data);
    assay_buf_deinit(&part);
    p += length;
    if (*p != '\0') assay_buf_puts(out, "<wbr/>");
  }
}

static void put_lead(assay_buf *out, const char *lead) {
  if (lead == NULL) return;
  assay_buf_puts(out, "<p class=\"lead\">");
  assay_html_text(out, lead);
  assay_buf_puts(out, "</p>\n");
}

void assay_html_begin(assay_buf *out, const char *id, const char *title, const char *lead) {
  assay_buf_printf(out, "<section id=\"%s\" aria-labelledby=\"%s-h\"><h2 id=\"%s-h\">", id, id, id);
  assay_html_text(out, title);
  assay_buf_puts(out, "</h2>\n");
  put_lead(out, lead);
}

void assay_html_end(assay_buf *out) { assay_buf_puts(out, "</section>\n"); }

void assay_html_plot_begin(assay_buf *out, double width, double height, const char *title) {
  assay_buf_puts(out, "<figure><div class=\"scroll\">");
  assay_svg_begin(out, "plot broad", width, height, title);
}

void assay_html_plot_end(assay_buf *out, const char *caption) {
  assay_svg_end(out);
  assay_buf_puts(out, "</div><p class=\"swipe soft\">The plot is wider than this screen: swipe it sideways.</p>");
  if (caption != NULL) assay_buf_printf(out, "<figcaption>%s</figcaption>", caption);
  assay_buf_puts(out, "</figure>\n");
}

void assay_html_mark(assay_buf *out, assay_tone tone, const char *glyph, const char *word) {
  static const char *const classes[] = {"plain", "good", "bad", "unsure"};
  assay_buf_printf(out, "<span class=\"mk %s\"><b aria-hidden=\"true\">%s</b>%s</span>", classes[tone], glyph, word);
}

void assay_html_value(assay_buf *out, double value, const char *unit) {
  char text[ASSAY_REPORT_TEXT];
  assay_report_value(value, unit, text);
  char *space = strchr(text, ' ');
  if (space == NULL) {
    assay_html_text(out, text);
    return;
  }
  *space = '\0';
  assay_html_text(out, text);
  assay_buf_puts(out, "&#160;<span class=\"u\">");
  assay_html_text(out, space + 1);
  assay_buf_puts(out, "</span>");
}

size_t assay_html_suite_index(const assay_render *r, const char *suite) {
  size_t i = 0;
  while (i < r->digest->suite_count && strcmp(r->digest->suites[i].name, suite) != 0) i++;
  return i;
}

/* ---- The frame ---------------------------------------------------------------------------------------------------------------------- */

static void write_pieces(assay_buf *out, const char *const *pieces) {
  for (; *pieces != NULL; pieces++) assay_buf_puts(out, *pieces);
}

void assay_html_page_begin(assay_buf *out, const char *kind, const char *title) {
  assay_buf_puts(out,
                 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                 "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n");
  /* Nothing may be loaded, and no script runs but ours: a name that slipped through the escaping would still be text. */
  assay_buf_printf(out,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src '%s'; "
                   "base-uri 'none'; form-action 'none'\"/>\n",
                   assay_html_script_hash);
  assay_buf_puts(out, "<title>Assay: ");
  assay_html_text(out, title);
  assay_buf_puts(out, "</title>\n<style>\n");
  write_pieces(out, assay_html_style);
  assay_buf_puts(out, "</style>\n<script>");
  write_pieces(out, assay_html_script);
  assay_buf_printf(out,
                   "</script>\n</head>\n<body>\n<header class=\"mast\"><span class=\"brand\">Assay</span><span class=\"soft\">%s</span>"
                   "<button id=\"theme\" type=\"button\">Light / dark</button></header>\n",
                   kind);
}

void assay_html_main_begin(assay_buf *out, const char *title, const char *lead) {
  assay_buf_puts(out, "<main>\n<section id=\"summary\" class=\"first\"><h1>");
  assay_html_text(out, title);
  assay_buf_puts(out, "</h1>\n");
  put_lead(out, lead);
}

void assay_html_page_end(assay_buf *out) { assay_buf_puts(out, "</main>\n</body>\n</html>\n"); }

static void begin_page(const assay_render *r) {
  char when[ASSAY_REPORT_TEXT];
  assay_buf title = {0};
  assay_buf_printf(&title, "%s, %s", r->result->machine_label != NULL ? r->result->machine_label : "performance report",
                   assay_report_when(r->result->run.started_at_s, when));
  if (title.failed) r->out->failed = true;
  assay_html_page_begin(r->out, "Performance report", title.data);
  assay_buf_deinit(&title);
}

static void nav_item(assay_buf *out, bool there, const char *id, const char *title) {
  if (!there) return;
  assay_buf_printf(out, "<li><a href=\"#%s\">", id);
  assay_html_text(out, title);
  assay_buf_puts(out, "</a></li>");
}

void assay_html_contents(assay_buf *out, const assay_html_section *sections, size_t count) {
  assay_buf_puts(out, "<nav aria-label=\"Sections\"><ul>");
  for (size_t i = 0; i < count; i++) nav_item(out, sections[i].there, sections[i].id, sections[i].title);
  assay_buf_puts(out, "</ul></nav>\n");
}

static void contents(const assay_render *r) {
  const assay_result *result = r->result;
  assay_buf_puts(r->out, "<nav aria-label=\"Sections\"><ul>");
  nav_item(r->out, true, "summary", "Summary");
  nav_item(r->out, result->sla_count > 0, "limits", "Limits");
  nav_item(r->out, true, "changes", "Changes");
  nav_item(r->out, result->recommendation_count > 0, "recommendations", "Recommendations");
  for (size_t i = 0; i < r->digest->suite_count; i++) {
    char id[32];
    snprintf(id, sizeof id, "suite-%zu", i);
    nav_item(r->out, r->digest->suites[i].benchmarks > 0, id, r->digest->suites[i].name);
  }
  nav_item(r->out, assay_html_has_absent_suites(r), "not-run", "Not run");
  nav_item(r->out, assay_html_has_latency(r), "latency", "Latency");
  nav_item(r->out, assay_html_has_roofline(r), "roofline", "Roofline");
  nav_item(r->out, result->complexity_count > 0, "scaling", "Scaling");
  nav_item(r->out, assay_html_has_trends(r), "trends", "Trends");
  nav_item(r->out, result->check_count > 0, "checks", "Checks");
  nav_item(r->out, true, "machine", "Machine");
  nav_item(r->out, true, "method", "Method");
  assay_buf_puts(r->out, "</ul></nav>\n");
}

static void foot(const assay_render *r) {
  const assay_run_info *run = &r->result->run;
  char when[ASSAY_REPORT_TEXT];
  assay_buf_puts(r->out, "<footer>Assay ");
  assay_html_text(r->out, run->version);
  assay_buf_puts(r->out, ", run <code>");
  assay_html_text(r->out, run->id);
  assay_buf_printf(r->out, "</code>, %s, seed %llu", assay_report_when(run->started_at_s, when), (unsigned long long)run->seed);
  if (run->command != NULL) {
    assay_buf_puts(r->out, ". Made by <code>");
    assay_html_text(r->out, run->command);
    assay_buf_puts(r->out, "</code>");
  }
  assay_buf_puts(r->out, ".</footer>\n</body>\n</html>\n");
}

void assay_report_html(const assay_render *r) {
  begin_page(r);
  contents(r);
  assay_buf_puts(r->out, "<main>\n");
  assay_html_summary(r);
  assay_html_limits(r);
  assay_html_changes(r);
  assay_html_recommendations(r);
  assay_html_suites(r);
  assay_html_latency(r);
  assay_html_roofline(r);
  assay_html_scaling(r);
  assay_html_trends(r);
  assay_html_checks(r);
  assay_html_machine(r);
  assay_html_method(r);
  assay_buf_puts(r->out, "</main>\n");
  foot(r);
}

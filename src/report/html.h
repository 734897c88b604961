/* SPDX-License-Identifier: MIT */
/* The sections of the HTML report, a file each. What they write is HTML and well-formed XML at once, so that any parser can check it. */
#ifndef ASSAY_REPORT_HTML_H
#define ASSAY_REPORT_HTML_H

#include "report/render.h"
#include "report/svg.h"

/* Beyond so many benchmarks the page leaves the longest tables to the CSV file, to stay under 2 MB at 1,000. */
enum { ASSAY_HTML_MANY = 300 };

/* The style and the script (theme, filter, sort; the page is complete without it) as NULL-terminated pieces: web/report.css and
 * web/report.js. */
extern const char *const assay_html_style[];
extern const char *const assay_html_script[];
extern const char *const assay_html_script_hash; /* CSP source of exactly that script */

/* Whether the section has anything to show; the contents list asks the same. */
bool assay_html_has_absent_suites(const assay_render *r);
bool assay_html_has_latency(const assay_render *r);
bool assay_html_has_roofline(const assay_render *r);
bool assay_html_has_trends(const assay_render *r);

void assay_html_summary(const assay_render *r);
void assay_html_limits(const assay_render *r);
void assay_html_changes(const assay_render *r);
void assay_html_recommendations(const assay_render *r);
void assay_html_suites(const assay_render *r);
void assay_html_latency(const assay_render *r);
void assay_html_roofline(const assay_render *r);
void assay_html_trends(const assay_render *r);
void assay_html_scaling(const assay_render *r);
void assay_html_checks(const assay_render *r);
void assay_html_machine(const assay_render *r);
void assay_html_method(const assay_render *r);

/* From the doctype to the masthead; `kind` says what the page is (trusted text), `title` (untrusted) stands in the browser's tab. */
void assay_html_page_begin(assay_buf *out, const char *kind, const char *title);
/* The list of sections; those that are not there are left out. */
typedef struct assay_html_section {
  bool there;
  const char *id, *title;
} assay_html_section;
void assay_html_contents(assay_buf *out, const assay_html_section *sections, size_t count);
/* <main> and its first section, closed by assay_html_end: the page's title, and a sentence under it (may be NULL). */
void assay_html_main_begin(assay_buf *out, const char *title, const char *lead);
/* The end of <main> and of a page without a foot. */
void assay_html_page_end(assay_buf *out);
/* Escaped text; NULL writes nothing. */
void assay_html_text(assay_buf *out, const char *text);
/* The same for a name: a line may break after its slashes and nowhere else, if that will do. */
void assay_html_name(assay_buf *out, const char *name);
/* <section id><h2>title</h2>, closed by assay_html_end; `lead` (may be NULL) is a sentence under the heading. */
void assay_html_begin(assay_buf *out, const char *id, const char *title, const char *lead);
void assay_html_end(assay_buf *out);
/* A plot with small text, which a narrow screen shows in part and moves sideways. `caption` (may be NULL) is HTML. */
void assay_html_plot_begin(assay_buf *out, double width, double height, const char *title);
void assay_html_plot_end(assay_buf *out, const char *caption);
/* "✓ met" as a coloured mark with its word; the tone picks the colour. */
void assay_html_mark(assay_buf *out, assay_tone tone, const char *glyph, const char *word);
/* A value with its unit in a lighter span. */
void assay_html_value(assay_buf *out, double value, const char *unit);
/* An anchor name that is safe whatever the suite is called: suite-0, suite-1 ... */
size_t assay_html_suite_index(const assay_render *r, const char *suite);

#endif

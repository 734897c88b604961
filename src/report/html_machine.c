/* SPDX-License-Identifier: MIT */
/* What the machine is, what it can do at most, what was checked on it, and how to read the page. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"

/* ---- Checks ------------------------------------------------------------------------------------------------------------------------- */

void assay_html_checks(const assay_render *r) {
  if (r->result->check_count == 0) return;
  assay_html_begin(r->out, "checks", "Checks", "What the machine is expected to be, and what was found.");
  assay_buf_puts(r->out,
                 "<div class=\"scroll\"><table "
                 "class=\"checks\"><thead><tr><th>Verdict</th><th>Check</th><th>Found</th><th>Expected</th><th>Why, and what to do</th>"
                 "</tr></thead><tbody>\n");
  static const assay_check_status order[] = {ASSAY_CHECK_FAIL, ASSAY_CHECK_UNAVAILABLE, ASSAY_CHECK_PASS}; /* what needs a look first */
  for (size_t k = 0; k < 3 * r->result->check_count; k++) {
    const assay_check *c = &r->result->checks[k % r->result->check_count];
    if (c->status != order[k / r->result->check_count]) continue;
    assay_buf_puts(r->out, "<tr><td class=\"w\">");
    switch (c->status) {
      case ASSAY_CHECK_PASS: assay_html_mark(r->out, ASSAY_TONE_GOOD, "\u2713", "pass"); break;
      case ASSAY_CHECK_FAIL: assay_html_mark(r->out, ASSAY_TONE_BAD, "\u2717", "fail"); break;
      case ASSAY_CHECK_UNAVAILABLE: assay_html_mark(r->out, ASSAY_TONE_PLAIN, "\u2013", "unavailable"); break;
    }
    assay_buf_puts(r->out, "</td><th scope=\"row\">");
    assay_html_text(r->out, c->name);
    assay_buf_puts(r->out, "</th><td>");
    assay_html_text(r->out, c->measured != NULL ? c->measured : "\u2013");
    assay_buf_puts(r->out, "</td><td>");
    assay_html_text(r->out, c->expected != NULL ? c->expected : "\u2013");
    assay_buf_puts(r->out, "</td><td class=\"soft\">");
    assay_html_text(r->out, c->cause);
    if (c->recommendation != NULL) {
      assay_buf_puts(r->out, c->cause != NULL ? ". <b>" : "<b>");
      assay_html_text(r->out, c->recommendation);
      assay_buf_puts(r->out, "</b>");
    }
    assay_buf_puts(r->out, "</td></tr>\n");
  }
  assay_buf_puts(r->out, "</tbody></table></div>\n");
  assay_html_end(r->out);
}

/* ---- Facts -------------------------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* The unit is the end of the name; times and rates come out with a prefix. */
static void fact_value(assay_buf *out, const assay_fact *f) {
  static const struct {
    const char *end, *unit;
  } units[] = {{"_bytes", "B"}, {"_hz", "Hz"}, {"_ns", "ns"}, {"_ratio", "ratio"}, {"bytes_per_second", "B/s"}};
  if (ends_with(f->key, "_bits") && f->type == ASSAY_FACT_INTEGER) {
    assay_buf_printf(out, "%lld&#160;<span class=\"u\">bit</span>", (long long)f->integer);
    return;
  }
  switch (f->type) {
    case ASSAY_FACT_TEXT: assay_html_text(out, f->text); return;
    case ASSAY_FACT_BOOL: assay_buf_puts(out, f->integer ? "yes" : "no"); return;
    case ASSAY_FACT_UNAVAILABLE: assay_buf_puts(out, "unavailable"); return;
    case ASSAY_FACT_INTEGER:
    case ASSAY_FACT_REAL: break;
  }
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (ends_with(f->key, units[i].end)) {
      assay_html_value(out, f->real, units[i].unit);
      return;
    }
  }
  if (f->type == ASSAY_FACT_INTEGER)
    assay_buf_printf(out, "%lld", (long long)f->integer);
  else
    assay_buf_printf(out, "%.4g", f->real);
}

static const assay_fact *fact(const assay_result *result, const char *key) {
  for (size_t i = 0; i < result->fact_count; i++) {
    if (strcmp(result->facts[i].key, key) == 0) return &result->facts[i];
  }
  return NULL;
}

/* "L1 32 KiB, L2 1 MiB": data and unified caches, in the order of detection. */
static void glance_caches(const assay_render *r) {
  size_t told = 0;
  for (unsigned i = 0; i < 64; i++) {
    char key[64], text[ASSAY_REPORT_TEXT];
    snprintf(key, sizeof key, "caches.%u.level", i);
    const assay_fact *level = fact(r->result, key);
    snprintf(key, sizeof key, "caches.%u.size_bytes", i);
    const assay_fact *size = fact(r->result, key);
    snprintf(key, sizeof key, "caches.%u.type", i);
    const assay_fact *type = fact(r->result, key);
    if (level == NULL) break;
    bool instructions = type != NULL && type->type == ASSAY_FACT_TEXT && strcmp(type->text, "instruction") == 0;
    if (instructions || size == NULL || size->type != ASSAY_FACT_INTEGER || level->type != ASSAY_FACT_INTEGER) continue;
    assay_buf_puts(r->out, told++ == 0 ? "<div><dt>Caches</dt><dd>" : ", ");
    assay_buf_printf(r->out, "L%lld %s", (long long)level->integer, assay_report_tick(size->real, "B", text));
  }
  if (told > 0) assay_buf_puts(r->out, "</dd></div>");
}

/* The facts that most readers look for, where they are known. */
static void glance(const assay_render *r) {
  static const struct {
    const char *key, *title;
  } wanted[] = {{"cpu.model", "Processor"},
                {"cpu.cores", "Cores"},
                {"cpu.threads", "Hardware threads"},
                {"cpu.frequency_max_hz", "Top frequency"},
                {"isa.level", "Instructions"},
                {"isa.vector_bits", "Widest vectors"},
                {"memory.total_bytes", "Memory"},
                {"numa.count", "NUMA nodes"},
                {"os.name", "System"},
                {"kernel.release", "Kernel"},
                {"virtualisation.hypervisor", "Hypervisor"},
                {"virtualisation.container", "Container"},
                {"build.compiler", "Compiler"}};
  assay_buf_puts(r->out, "<dl class=\"glance\">");
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const assay_fact *f = fact(r->result, wanted[i].key);
    if (f == NULL || f->type == ASSAY_FACT_UNAVAILABLE) continue;
    assay_buf_printf(r->out, "<div><dt>%s</dt><dd>", wanted[i].title);
    fact_value(r->out, f);
    assay_buf_puts(r->out, "</dd></div>");
  }
  glance_caches(r);
  assay_buf_puts(r->out, "</dl>\n");
}

static size_t group_length(const char *key) { return strcspn(key, "."); }

static bool same_group(const char *a, const char *b) { return group_length(a) == group_length(b) && strncmp(a, b, group_length(a)) == 0; }

/* Every fact that has a value, under the first part of its key; groups in the order of detection. */
static void fact_groups(const assay_render *r) {
  const assay_result *result = r->result;
  enum { MAX_FACTS = 200 }; /* a group; a machine of hundreds of CPUs has thousands, and the JSON report has all */
  for (size_t i = 0; i < result->fact_count; i++) {
    size_t k = 0, count = 0, written = 0;
    while (k < i && !same_group(result->facts[k].key, result->facts[i].key)) k++;
    if (k < i) continue; /* this group was written already */
    for (k = i; k < result->fact_count; k++)
      count += same_group(result->facts[k].key, result->facts[i].key) && result->facts[k].type != ASSAY_FACT_UNAVAILABLE;
    if (count == 0) continue;
    assay_buf_puts(r->out, "<details><summary>");
    assay_buf head = {0};
    assay_buf_append(&head, result->facts[i].key, group_length(result->facts[i].key));
    assay_html_text(r->out, head.data);
    assay_buf_deinit(&head);
    assay_buf_printf(r->out, ", %zu fact%s</summary><dl class=\"facts\">", count, count == 1 ? "" : "s");
    for (k = i; k < result->fact_count && written < MAX_FACTS; k++) {
      const assay_fact *f = &result->facts[k];
      if (!same_group(f->key, result->facts[i].key) || f->type == ASSAY_FACT_UNAVAILABLE) continue;
      const char *rest = f->key + group_length(f->key);
      written++;
      assay_buf_puts(r->out, "<div><dt class=\"n\">");
      assay_html_text(r->out, *rest == '.' ? rest + 1 : f->key);
      assay_buf_puts(r->out, "</dt><dd>");
      fact_value(r->out, f);
      assay_buf_puts(r->out, "</dd></div>");
    }
    assay_buf_puts(r->out, "</dl>");
    if (written < count) assay_buf_printf(r->out, "<p class=\"soft\">%zu more are in the JSON report.</p>", count - written);
    assay_buf_puts(r->out, "</details>\n");
  }
}

static void unavailable(const assay_render *r) {
  const assay_result *result = r->result;
  size_t count = 0;
  for (size_t i = 0; i < result->fact_count; i++) count += result->facts[i].type == ASSAY_FACT_UNAVAILABLE;
  for (size_t i = 0; i < result->ceiling_count; i++) count += !result->ceilings[i].available;
  if (count == 0) return;
  assay_buf_printf(r->out, "<details><summary>%zu thing%s that could not be found out, and why</summary><ul class=\"causes\">\n", count,
                   count == 1 ? "" : "s");
  for (size_t i = 0; i < result->fact_count; i++) {
    const assay_fact *f = &result->facts[i];
    if (f->type != ASSAY_FACT_UNAVAILABLE) continue;
    assay_buf_puts(r->out, "<li><code>");
    assay_html_text(r->out, f->key);
    assay_buf_puts(r->out, "</code>: ");
    assay_html_text(r->out, f->text);
    assay_buf_puts(r->out, "</li>\n");
  }
  for (size_t i = 0; i < result->ceiling_count; i++) {
    const assay_ceiling *c = &result->ceilings[i];
    if (c->available) continue;
    assay_buf_puts(r->out, "<li>ceiling <code>");
    assay_html_text(r->out, c->name);
    assay_buf_puts(r->out, "</code>: ");
    assay_html_text(r->out, c->cause);
    assay_buf_puts(r->out, "</li>\n");
  }
  assay_buf_puts(r->out, "</ul></details>\n");
}

/* ---- Ceilings ----------------------------------------------------------------------------------------------------------------------- */

static const assay_ceiling *ceiling(const assay_result *result, const char *name) {
  for (size_t i = 0; i < result->ceiling_count; i++) {
    if (strcmp(result->ceilings[i].name, name) == 0) return &result->ceilings[i];
  }
  return NULL;
}

static void matrix_cell(const assay_render *r, const char *level, const char *kind, const char *threads) {
  char name[80];
  snprintf(name, sizeof name, "%s.%s%s%s", level, kind, threads[0] != '\0' ? "." : "", threads);
  const assay_ceiling *c = ceiling(r->result, name);
  assay_buf_puts(r->out, "<td class=\"r\">");
  if (c != NULL && c->available)
    assay_html_value(r->out, c->value, c->unit);
  else
    assay_buf_puts(r->out, "\u2013");
  assay_buf_puts(r->out, "</td>");
}

/* "2t" of "memory.read.2t" for the n-th distinct thread count, in the order of the ceilings; NULL after the last. */
static const char *thread_counts(const assay_result *result, size_t n) {
  const char *last = "";
  for (size_t i = 0; i < result->ceiling_count; i++) {
    const char *name = result->ceilings[i].name;
    if (strncmp(name, "memory.read.", 12) != 0 || strcmp(name + 12, last) == 0) continue;
    last = name + 12;
    if (n-- == 0) return last;
  }
  return NULL;
}

static void bandwidth_row(const assay_render *r, const char *title, const char *level, const char *suffix, const char *threads) {
  static const char *const kinds[] = {"read", "write", "copy", "triad"};
  assay_buf_puts(r->out, "<tr><th scope=\"row\">");
  assay_html_text(r->out, title);
  assay_buf_puts(r->out, "</th>");
  for (size_t i = 0; i < 4; i++) {
    char kind[24];
    snprintf(kind, sizeof kind, "%s%s", kinds[i], suffix);
    matrix_cell(r, level, kind, threads);
  }
  assay_buf_puts(r->out, "</tr>\n");
}

static void bandwidth(const assay_render *r) {
  assay_buf_puts(r->out,
                 "<figure><h3>Bandwidth</h3><div class=\"scroll\"><table class=\"tight\"><thead><tr><th></th><th class=\"r\">read</th><th "
                 "class=\"r\">write</th>"
                 "<th class=\"r\">copy</th><th class=\"r\">triad</th></tr></thead><tbody>\n");
  if (ceiling(r->result, "l1.read") != NULL) bandwidth_row(r, "L1", "l1", "", "");
  if (ceiling(r->result, "l2.read") != NULL) bandwidth_row(r, "L2", "l2", "", "");
  if (ceiling(r->result, "l3.read") != NULL) bandwidth_row(r, "L3", "l3", "", "");
  const char *threads;
  for (size_t i = 0; i < 8 && (threads = thread_counts(r->result, i)) != NULL; i++) {
    char title[48];
    if (strcmp(threads, "Nt") == 0)
      snprintf(title, sizeof title, "memory, all threads");
    else
      snprintf(title, sizeof title, "memory, %.*s thread%s", (int)(strlen(threads) - 1), threads, strcmp(threads, "1t") == 0 ? "" : "s");
    bandwidth_row(r, title, "memory", "", threads);
  }
  bandwidth_row(r, "non-temporal, 1 thread", "memory", "_nt", "1t");
  if (ceiling(r->result, "memory.copy_nt.Nt") != NULL) bandwidth_row(r, "non-temporal, all threads", "memory", "_nt", "Nt");
  assay_buf_puts(r->out, "</tbody></table></div></figure>\n");
}

static bool has_prefix(const char *name, const char *const *prefixes) {
  for (; *prefixes != NULL; prefixes++) {
    if (strncmp(name, *prefixes, strlen(*prefixes)) == 0) return true;
  }
  return false;
}

static void ceiling_list(const assay_render *r, const char *title, const char *const *prefixes) {
  size_t count = 0;
  for (size_t i = 0; i < r->result->ceiling_count; i++)
    count += r->result->ceilings[i].available && has_prefix(r->result->ceilings[i].name, prefixes);
  if (count == 0) return;
  assay_buf_printf(r->out,
                   "<figure><h3>%s</h3><div class=\"scroll\"><table class=\"cards how\"><thead><tr><th>Ceiling</th><th "
                   "class=\"r\">Best</th><th class=\"r\">Typical</th>"
                   "<th>How</th></tr></thead><tbody>\n",
                   title);
  for (size_t i = 0; i < r->result->ceiling_count; i++) {
    const assay_ceiling *c = &r->result->ceilings[i];
    if (!c->available || !has_prefix(c->name, prefixes)) continue;
    assay_buf_puts(r->out, "<tr><th scope=\"row\" class=\"n w\">");
    assay_html_text(r->out, c->name);
    assay_buf_puts(r->out, "</th><td class=\"r\" data-l=\"best\">");
    assay_html_value(r->out, c->value, c->unit);
    assay_buf_puts(r->out, "</td><td class=\"r\" data-l=\"typical\">");
    assay_html_value(r->out, c->typical, c->unit);
    assay_buf_puts(r->out, "</td><td class=\"soft\">");
    assay_html_text(r->out, c->detail);
    assay_buf_puts(r->out, "</td></tr>\n");
  }
  assay_buf_puts(r->out, "</tbody></table></div></figure>\n");
}

void assay_html_machine(const assay_render *r) {
  static const char *const compute[] = {"flops.", "ops.", NULL}, *const latency[] = {"latency.", "clock.", NULL},
                           *const system_costs[] = {"os.", NULL};
  assay_html_begin(r->out, "machine", "The machine", r->result->machine_label);
  glance(r);
  if (r->result->ceiling_count > 0) {
    assay_buf_printf(r->out,
                     "<p class=\"lead\">Its ceilings are measured, not read from a data sheet%s: the best that a plain loop reached.</p>\n",
                     r->result->ceilings_quick ? " (here in quick form)" : "");
    assay_buf_puts(r->out, "<div class=\"grid two\">\n");
    bandwidth(r);
    ceiling_list(r, "Arithmetic", compute);
    ceiling_list(r, "Latency", latency);
    ceiling_list(r, "System", system_costs);
    assay_buf_puts(r->out, "</div>\n");
  }
  fact_groups(r);
  unavailable(r);
  assay_html_end(r->out);
}

void assay_html_method(const assay_render *r) {
  assay_html_begin(r->out, "method", "How to read this", NULL);
  assay_buf_puts(r->out,
                 "<dl class=\"why\"><dt>The process is the unit</dt><dd>Samples of one process are not independent evidence, so each "
                 "benchmark runs in several "
                 "fresh processes, in random interleaved order. The median is the median of the process medians; the interval and every "
                 "verdict rest on the "
                 "differences between processes. Each dot in a row is one process.</dd>"
                 "<dt>Share of the ceiling</dt><dd>The machine\u2019s own limits are measured by Assay: bandwidth per cache level, "
                 "arithmetic per type, system costs. A "
                 "benchmark that says what one operation reads, writes and computes is shown beside the limit that binds it. The whisker "
                 "is its 95\u00A0% interval.</dd>"
                 "<dt>Set aside</dt><dd>A sample is set aside only for what happened around it: preemption, migration, stolen time, "
                 "faults, throttling. Never because "
                 "it was slow.</dd>"
                 "<dt>Absent is said</dt><dd>A dash means that there is no figure; the cause is beside it. Nothing unknown is shown as "
                 "0.</dd></dl>\n");
  assay_html_end(r->out);
}

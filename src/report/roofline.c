/* SPDX-License-Identifier: MIT */
/*
 * The roofline (Williams, Waterman and Patterson, "Roofline: an insightful visual performance model", CACM 2009): what can be reached at
 * most at an arithmetic intensity. Sloped roofs are bandwidths per memory level, flat ones arithmetic; a benchmark stands at its FLOP/s
 * over FLOP per byte.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/html.h"

enum { WIDTH = 930, HEIGHT = 480, LEFT = 86, RIGHT = 216, TOP = 24, BOTTOM = 46, MAX_ROOFS = 12, MAX_LABELS = 160, MAX_POINTS = 400 };

typedef struct roof {
  char label[40];
  double value; /* B/s or FLOP/s */
  bool dashed;  /* more than one thread */
} roof;

typedef struct box {
  double left, right, top, bottom;
} box;

typedef struct plot {
  const assay_render *r;
  assay_buf *out;
  assay_axis x, y;
  roof slopes[MAX_ROOFS], flats[MAX_ROOFS];
  size_t slope_count, flat_count;
  box taken[MAX_LABELS]; /* where labels and dots stand */
  size_t taken_count;
} plot;

/* ---- What is drawn ------------------------------------------------------------------------------------------------------------------ */

static bool is_arithmetic(const assay_ceiling *c) { return c->available && strcmp(c->unit, "FLOP/s") == 0 && c->value > 0; }

/* "2t" at the end of the name means threads; one thread is the ordinary case. */
static bool is_threaded(const char *name) {
  const char *dot = strrchr(name, '.');
  size_t length = dot != NULL ? strlen(dot) : 0;
  return length > 2 && dot[length - 1] == 't' && ((dot[1] >= '0' && dot[1] <= '9') || dot[1] == 'N') && strcmp(dot, ".1t") != 0;
}

static void add_roof(roof *roofs, size_t *count, const char *label, double value, bool dashed) {
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(roofs[i].label, label) != 0) continue;
    roofs[i].value = fmax(roofs[i].value, value); /* the best of read, copy, triad: what the level can give */
    return;
  }
  if (*count == MAX_ROOFS) return;
  roof *added = &roofs[(*count)++];
  *added = (roof){.value = value, .dashed = dashed};
  snprintf(added->label, sizeof added->label, "%s", label);
}

/* "f32 vector 2t" becomes "f32 vector, 2 threads". */
static void name_threads(char *label, size_t size) {
  char *space = strrchr(label, ' '), count[12];
  if (space == NULL) return;
  snprintf(count, sizeof count, "%.*s", (int)strcspn(space + 1, "t"), space + 1);
  snprintf(space, size - (size_t)(space - label), ", %s threads", strcmp(count, "N") == 0 ? "all" : count);
}

static void find_roofs(plot *p) {
  const assay_result *result = p->r->result;
  for (size_t i = 0; i < result->ceiling_count; i++) {
    const assay_ceiling *c = &result->ceilings[i];
    char label[40];
    bool threaded = is_threaded(c->name);
    if (is_arithmetic(c)) {
      snprintf(label, sizeof label, "%.30s", c->name + (strncmp(c->name, "flops.", 6) == 0 ? 6 : 0));
      for (char *dot = label; (dot = strchr(dot, '.')) != NULL;) *dot = ' ';
      if (threaded) name_threads(label, sizeof label);
      add_roof(p->flats, &p->flat_count, label, c->value, threaded);
      continue;
    }
    if (!c->available || strcmp(c->unit, "B/s") != 0 || !(c->value > 0) || strstr(c->name, ".write") != NULL) continue;
    if (strncmp(c->name, "memory.", 7) == 0)
      snprintf(label, sizeof label, threaded ? "memory %.8s" : "memory", strrchr(c->name, '.') + 1);
    else
      snprintf(label, sizeof label, "%c%.1s", c->name[0] - 'a' + 'A', c->name + 1);
    if (threaded) name_threads(label, sizeof label);
    add_roof(p->slopes, &p->slope_count, label, c->value, threaded);
  }
}

/* Where a benchmark stands; false when it does not say both what it computes and what it moves. */
static bool point_of(const assay_benchmark_result *b, double *intensity, double *rate) {
  double flops = NAN, bytes = NAN;
  for (size_t i = 0; assay_report_measured(b) && i < b->metric_count; i++) {
    const assay_metric_result *m = &b->metrics[i];
    if (m->kind != ASSAY_KIND_THROUGHPUT) continue;
    if (strcmp(m->unit, "FLOP/s") == 0) flops = m->value;
    if (strcmp(m->unit, "B/s") == 0) bytes = m->value;
  }
  if (!(flops > 0) || !(bytes > 0) || !isfinite(flops / bytes)) return false;
  *intensity = flops / bytes;
  *rate = flops;
  return true;
}

static double highest(const roof *roofs, size_t count) {
  double most = 0;
  for (size_t i = 0; i < count; i++) most = fmax(most, roofs[i].value);
  return most;
}

static double lowest(const roof *roofs, size_t count) {
  double least = INFINITY;
  for (size_t i = 0; i < count; i++) least = fmin(least, roofs[i].value);
  return least;
}

/* Every ridge (where a slope meets a flat roof) and every point is inside. */
static void find_axes(plot *p) {
  double left = 1.0 / 32, right = 8, bottom = INFINITY, top = highest(p->flats, p->flat_count) * 1.5;
  right = fmax(right, highest(p->flats, p->flat_count) / lowest(p->slopes, p->slope_count) * 4);
  left = fmin(left, lowest(p->flats, p->flat_count) / highest(p->slopes, p->slope_count) / 2);
  for (size_t i = 0; i < p->r->result->benchmark_count; i++) {
    double intensity, rate;
    if (!point_of(&p->r->result->benchmarks[i], &intensity, &rate)) continue;
    left = fmin(left, intensity / 1.5);
    right = fmax(right, intensity * 1.5);
    bottom = fmin(bottom, rate / 2);
    top = fmax(top, rate * 1.5);
  }
  bottom = fmin(bottom, fmin(lowest(p->flats, p->flat_count) / 4, lowest(p->slopes, p->slope_count) * left));
  p->x = (assay_axis){left, right, true, LEFT, WIDTH - RIGHT};
  p->y = (assay_axis){bottom, top, true, HEIGHT - BOTTOM, TOP};
}

/* ---- Labels ------------------------------------------------------------------------------------------------------------------------- */

static bool is_free(const plot *p, box wanted) {
  for (size_t i = 0; i < p->taken_count; i++) {
    const box *b = &p->taken[i];
    if (wanted.left < b->right && wanted.right > b->left && wanted.top < b->bottom && wanted.bottom > b->top) return false;
  }
  return wanted.left > LEFT && wanted.right < WIDTH && wanted.top > 0 && wanted.bottom < HEIGHT - BOTTOM;
}

static void take(plot *p, box b) {
  if (p->taken_count < MAX_LABELS) p->taken[p->taken_count++] = b;
}

static double text_width(const char *text) { return (double)assay_report_columns(text) * 6.5; }

static void frame(plot *p) {
  double ticks[ASSAY_AXIS_TICKS];
  char text[ASSAY_REPORT_TEXT];
  assay_svg_rows(p->out, &p->y, 8, LEFT, WIDTH - RIGHT, assay_tick_of_unit, "FLOP/s");
  size_t count = assay_axis_ticks(&p->x, 8, ticks);
  for (size_t i = 0; i < count; i++) {
    double at = assay_axis_at(&p->x, ticks[i]);
    assay_snprintf(text, sizeof text, "%g", ticks[i]);
    assay_svg_line(p->out, "gr", at, TOP, at, HEIGHT - BOTTOM);
    assay_svg_text(p->out, "tk", at, HEIGHT - BOTTOM + 17, "middle", text);
  }
  assay_svg_line(p->out, "ax", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
  assay_svg_text(p->out, "lb", WIDTH - RIGHT, HEIGHT - 8, "end", "arithmetic intensity, FLOP per byte");
}

/* A flat roof begins where the steepest slope reaches it; its label stands right of the plot, pushed down where two would overlap. */
static void draw_flats(plot *p) {
  double last = -100, steepest = highest(p->slopes, p->slope_count);
  bool drawn[MAX_ROOFS] = {false};
  for (size_t n = 0; n < p->flat_count; n++) {
    size_t top = MAX_ROOFS;
    for (size_t i = 0; i < p->flat_count; i++) {
      if (!drawn[i] && (top == MAX_ROOFS || p->flats[i].value > p->flats[top].value)) top = i;
    }
    drawn[top] = true;
    const roof *f = &p->flats[top];
    double y = assay_axis_at(&p->y, f->value), from = assay_axis_at(&p->x, f->value / steepest);
    char value[ASSAY_REPORT_TEXT];
    assay_svg_line(p->out, f->dashed ? "roof3" : "roof", from, y, WIDTH - RIGHT, y);
    double label_y = fmax(y + 4, last + 14);
    last = label_y;
    assay_buf_printf(p->out, "<text x=\"%d\" y=\"%.1f\" class=\"em\">", WIDTH - RIGHT + 8, label_y);
    assay_report_xml(p->out, f->label);
    assay_buf_printf(p->out, "<tspan class=\"tk\" dx=\"6\">%s</tspan></text>", assay_report_value(f->value, "FLOP/s", value));
    take(p, (box){from, WIDTH - RIGHT, y - 2, y + 2});
    take(p, (box){WIDTH - RIGHT, WIDTH, label_y - 11, label_y + 3});
  }
}

/* Where a label stands beside its slope: how far beneath its upper place, in pixels. */
enum { ABOVE = 0, ON = 9 };

/* A label along a slope takes the room of small boxes in a row. */
static bool along(plot *p, double x, double y, double half, double slant, int shift, bool taking) {
  for (int k = -4; k <= 4; k++) {
    double bx = x + half * k / 4.0, by = y + half * k / 4.0 * slant + shift;
    box b = {bx - half / 5, bx + half / 5, by - 15, by - 2};
    if (taking)
      take(p, b);
    else if (!is_free(p, b))
      return false;
  }
  return true;
}

typedef struct slope {
  double x1, y1, x2, y2, angle, slant; /* angle in degrees, as SVG turns */
} slope;

static slope place_slope(const plot *p, const roof *s) {
  double decade_x = (p->x.to - p->x.from) / log10(p->x.high / p->x.low), decade_y = (p->y.from - p->y.to) / log10(p->y.high / p->y.low);
  double left = fmax(p->x.low, p->y.low / s->value), right = fmin(p->x.high, highest(p->flats, p->flat_count) / s->value);
  return (slope){assay_axis_at(&p->x, left),
                 assay_axis_at(&p->y, left * s->value),
                 assay_axis_at(&p->x, right),
                 assay_axis_at(&p->y, right * s->value),
                 -atan2(decade_y, decade_x) * 180 / 3.14159265358979323846,
                 -decade_y / decade_x};
}

/* On its line, the label stands on a patch of paper, as on the contours of a map, so that no neighbouring line strikes it through. */
static void label_slope(plot *p, const slope *s, const char *label, int place, size_t index) {
  double half = text_width(label) / 2 * cos(s->angle * 3.14159265358979323846 / 180);
  for (int k = 0; k < 12; k++) { /* from the lower left upwards, until a place is free */
    /* Where none is free, crowded labels at least stand apart from each other. */
    double part = k == 11 && place == ON ? 0.2 + 0.3 * (double)(index % 3) : 0.16 + 0.06 * k;
    double x = s->x1 + (s->x2 - s->x1) * part, y = s->y1 + (s->y2 - s->y1) * part;
    if (k < 11 && !along(p, x, y, half, s->slant, place, false)) continue;
    assay_buf_printf(p->out, "<g transform=\"translate(%.1f %.1f) rotate(%.1f)\">", x, y, s->angle);
    double width = text_width(label) + 6;
    if (place == ON) assay_svg_rect(p->out, "paper", -width / 2, -7, width, 14);
    assay_svg_text(p->out, "lb halo", 0, place == ON ? 4 : -5, "middle", label);
    assay_buf_puts(p->out, "</g>");
    along(p, x, y, half, s->slant, place, true);
    return;
  }
}

static int by_falling_value(const void *a, const void *b) {
  double x = ((const roof *)a)->value, y = ((const roof *)b)->value;
  return (x < y) - (x > y);
}

/*
 * A slope runs from the left edge to the highest flat roof; its label lies along it. Of slopes that are too close for a label between them
 * (L3 and memory often are) the first is labelled above and each of the others on its own line.
 */
static void draw_slopes(plot *p) {
  enum { ROOM = 18 };
  double decade_y = (p->y.from - p->y.to) / log10(p->y.high / p->y.low);
  qsort(p->slopes, p->slope_count, sizeof *p->slopes, by_falling_value);
  for (size_t i = 0; i < p->slope_count; i++) {
    slope s = place_slope(p, &p->slopes[i]);
    assay_svg_line(p->out, p->slopes[i].dashed ? "roof3" : "roof", s.x1, s.y1, s.x2, s.y2);
  }
  for (size_t i = 0; i < p->slope_count; i++) {
    char label[96], value[ASSAY_REPORT_TEXT];
    slope s = place_slope(p, &p->slopes[i]);
    double away = cos(s.angle * 3.14159265358979323846 / 180);
    double gap = i == 0 ? ROOM : decade_y * log10(p->slopes[i - 1].value / p->slopes[i].value) * away;
    snprintf(label, sizeof label, "%s %s", p->slopes[i].label, assay_report_value(p->slopes[i].value, "B/s", value));
    label_slope(p, &s, label, gap >= ROOM ? ABOVE : ON, i);
  }
}

/* Labels of the roofs keep clear of the benchmarks, which are drawn over the roofs later. */
static void take_points(plot *p) {
  for (size_t i = 0; i < p->r->result->benchmark_count; i++) {
    double intensity, rate;
    if (!point_of(&p->r->result->benchmarks[i], &intensity, &rate)) continue;
    double x = assay_axis_at(&p->x, intensity), y = assay_axis_at(&p->y, rate);
    take(p, (box){x - 5, x + 5, y - 5, y + 5});
  }
}

static void draw_points(plot *p) {
  const assay_result *result = p->r->result;
  for (size_t i = 0, drawn = 0; i < result->benchmark_count && drawn < MAX_POINTS; i++) {
    double intensity, rate;
    if (!point_of(&result->benchmarks[i], &intensity, &rate)) continue;
    double x = assay_axis_at(&p->x, intensity), y = assay_axis_at(&p->y, rate);
    drawn++;
    assay_buf_puts(p->out, "<g><title>");
    assay_report_xml(p->out, result->benchmarks[i].name);
    assay_buf_puts(p->out, "</title>");
    assay_svg_dot(p->out, "pt", x, y, 5);
    assay_buf_puts(p->out, "</g>");
  }
}

/* One label a group of benchmarks, at its highest point, at the first place around it that is free. */
static void label_groups(plot *p) {
  const assay_digest *d = p->r->digest;
  for (size_t g = 0; g < d->group_count; g++) {
    double best_x = NAN, best_y = 0;
    for (size_t i = 0; i < d->groups[g].count; i++) {
      double intensity, rate;
      if (!point_of(d->order[d->groups[g].first + i], &intensity, &rate) || rate <= best_y) continue;
      best_x = intensity;
      best_y = rate;
    }
    if (isnan(best_x)) continue;
    assay_buf fitted = {0};
    size_t columns = assay_report_columns(d->groups[g].base_name);
    assay_report_fit(&fitted, d->groups[g].base_name, columns < 24 ? columns : 24, false);
    if (fitted.data == NULL) {
      p->out->failed = true;
      continue;
    }
    double x = assay_axis_at(&p->x, best_x), y = assay_axis_at(&p->y, best_y), width = text_width(fitted.data);
    const box places[] = {{x + 9, x + 9 + width, y - 6, y + 7},          {x - 9 - width, x - 9, y - 6, y + 7},
                          {x + 7, x + 7 + width, y + 6, y + 19},         {x + 7, x + 7 + width, y - 19, y - 6},
                          {x - 7 - width, x - 7, y + 6, y + 19},         {x - width / 2, x + width / 2, y + 8, y + 21},
                          {x - width / 2, x + width / 2, y + 20, y + 33}};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
      if (!is_free(p, places[k])) continue;
      assay_svg_text(p->out, "em halo", places[k].left, places[k].bottom - 3, "start", fitted.data);
      take(p, places[k]);
      break;
    }
    assay_buf_deinit(&fitted);
  }
}

/* ---- The plot ----------------------------------------------------------------------------------------------------------------------- */

static bool has_roofs(const assay_result *result) {
  bool arithmetic = false, bandwidth = false;
  for (size_t i = 0; i < result->ceiling_count; i++) {
    const assay_ceiling *c = &result->ceilings[i];
    arithmetic |= is_arithmetic(c);
    bandwidth |= c->available && strcmp(c->unit, "B/s") == 0 && c->value > 0 && strstr(c->name, ".write") == NULL;
  }
  return arithmetic && bandwidth;
}

bool assay_html_has_roofline(const assay_render *r) { return has_roofs(r->result); }

static void draw(const assay_render *r, assay_buf *out) {
  plot p = {.r = r, .out = out};
  find_roofs(&p);
  find_axes(&p);
  frame(&p);
  draw_flats(&p);
  take_points(&p);
  draw_slopes(&p);
  draw_points(&p);
  label_groups(&p);
}

void assay_html_roofline(const assay_render *r) {
  if (!has_roofs(r->result)) return;
  size_t points = 0;
  double intensity, rate;
  for (size_t i = 0; i < r->result->benchmark_count; i++) points += point_of(&r->result->benchmarks[i], &intensity, &rate);
  assay_html_begin(
      r->out, "roofline", "Roofline",
      "What this machine can reach at most at an arithmetic intensity: sloped roofs are memory levels, flat ones arithmetic. One core; "
      "dashed: more threads.");
  assay_buf_puts(r->out, "<figure><div class=\"scroll\">");
  assay_svg_begin(r->out, "plot broad", WIDTH, HEIGHT, "Roofline of this machine with its benchmarks, on logarithmic axes");
  draw(r, r->out);
  assay_svg_end(r->out);
  assay_buf_puts(r->out, "</div><p class=\"swipe soft\">The plot is wider than this screen: swipe it sideways.</p><figcaption>");
  if (points == 0)
    assay_buf_puts(r->out, "No benchmark of this run says both what it computes and what it moves.");
  else
    assay_report_plural(r->out, points, "benchmark"),
        assay_buf_puts(r->out, " that say both what they compute and what they move; the name is at the best of a sweep.");
  assay_buf_puts(r->out, "</figcaption></figure>\n");
  assay_html_end(r->out);
}

assay_status assay_report_roofline_svg(const assay_result *result, assay_error *err, char **svg) {
  static const assay_report_context nothing;
  enum { MARGIN = 16, HEAD = 34 };
  if (!has_roofs(result))
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "roofline: the result has no measured bandwidth or no measured arithmetic ceiling");
  assay_digest digest;
  assay_status status = assay_digest_make(result, &nothing, err, &digest);
  if (status != ASSAY_OK) return status;
  assay_buf out = {0};
  assay_svg_document(&out, WIDTH + 2 * MARGIN, HEIGHT + HEAD + MARGIN, "Roofline");
  assay_svg_text(&out, "ti", MARGIN, 26, "start", result->machine_label != NULL ? result->machine_label : "Roofline");
  assay_buf_printf(&out, "<g transform=\"translate(%d %d)\">\n", MARGIN, HEAD);
  draw(&(assay_render){.result = result, .context = &nothing, .digest = &digest, .out = &out}, &out);
  assay_buf_puts(&out, "</g>\n</svg>\n");
  assay_digest_deinit(&digest);
  char *text = assay_buf_take(&out);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the roofline");
  *svg = text;
  return ASSAY_OK;
}

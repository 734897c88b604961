/* SPDX-License-Identifier: MIT */
/* The configurations of a sweep: what its best is worth, a map of all, a table of the first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "report/backtest.h"

enum { WIDTH = ASSAY_BACKTEST_WIDTH, LEFT = ASSAY_BACKTEST_LEFT, LEGEND = 96, SHOWN = 200, MOST_ACROSS = 64, MOST_DOWN = 48 };
enum { MOST_HINTS = 1600, MOST_TEXTS = 160, SHADES = 10, LINE_HEIGHT = 220, LINE_MOST = 2 * WIDTH, MOST_DOTS = 120 };

/* What people read: a drawdown is one, not the lack of it. */
static double shown_score(const assay_backtest_choice *c, const assay_backtest_row *row) {
  if (row->outcome != ASSAY_BACKTEST_DONE) return NAN;
  double score = assay_backtest_score(&row->metrics, c->objective);
  return c->objective == ASSAY_BACKTEST_DRAWDOWN ? -score : score;
}

static const char *score_name(const assay_backtest_choice *c) {
  static const char *const names[] = {"Sharpe ratio", "Sortino ratio", "Calmar ratio", "Total return", "Deepest drawdown"};
  return names[c->objective];
}

static assay_figure_kind score_kind(const assay_backtest_choice *c) {
  return c->objective == ASSAY_BACKTEST_RETURN || c->objective == ASSAY_BACKTEST_DRAWDOWN ? ASSAY_FIGURE_PERCENT : ASSAY_FIGURE_RATIO;
}

static void score_text(const assay_backtest_choice *c, double value, char text[48]) {
  assay_backtest_figure_text(value, score_kind(c), text);
}

static const char *name_of(const assay_backtest_choice *c, size_t range) {
  return c->strategy->parameters[c->ranges[range].parameter].name;
}

/* ---- What the best is worth ---------------------------------------------------------------------------------------------------------- */

static void put_luck(assay_buf *out, const assay_backtest_choice *c) {
  char spread[48], expected[48], best[48];
  assay_buf_puts(out, "<p class=\"lead\">The best of many looks good on the bars that it was chosen on, whatever it is worth. ");
  const assay_backtest_luck *l = c->luck;
  if (l != NULL && l->trials > 1 && isfinite(l->expected_best) && isfinite(l->probability)) {
    char sure[48], count[80] = "";
    if (l->correlation > 0) assay_snprintf(count, sizeof count, " (as much alike as %.0f that have nothing in common)", l->independent);
    assay_backtest_figure_text(l->spread, ASSAY_FIGURE_RATIO, spread);
    assay_backtest_figure_text(l->expected_best, ASSAY_FIGURE_RATIO, expected);
    assay_backtest_figure_text(l->best, ASSAY_FIGURE_RATIO, best);
    assay_backtest_figure_text(l->probability, ASSAY_FIGURE_PERCENT, sure);
    assay_buf_printf(
        out,
        "If none of these %zu%s could do anything and their Sharpe ratios spread as they do (by %s), the best of them would still "
        "show %s on average. This one shows %s: ",
        l->trials, count, spread, expected, best);
    bool stands = l->probability >= 0.95;
    assay_html_mark(out, stands ? ASSAY_TONE_GOOD : ASSAY_TONE_UNSURE, stands ? "✓" : "?", "deflated Sharpe ratio ");
    assay_buf_printf(out, "<b>%s</b>, how sure it is that the true ratio lies above that of luck (95 %% is a usual bar). ", sure);
  }
  assay_buf_puts(out, "<code>--walk-forward</code> says what choosing in this way is worth on bars that came later.</p>\n");
}

/* ---- A map of two parameters --------------------------------------------------------------------------------------------------------- */

typedef struct map {
  const assay_backtest_choice *choice;
  size_t values[2], cells[2]; /* down (the first range), across (the second) */
  size_t best[2];             /* the cell of the best */
  double low, high;
  double sums[MOST_DOWN][MOST_ACROSS];
  size_t counts[MOST_DOWN][MOST_ACROSS];
  double left, top, width, height; /* of a cell: width, height */
} map;

static size_t cell_of(const map *m, int axis, size_t value) { return value * m->cells[axis] / m->values[axis]; }

/* A cell is the mean of what falls into it: neighbouring values where there are more than pixels for, and all values of further ranges. */
static void fill_map(map *m) {
  const assay_backtest_choice *c = m->choice;
  size_t rest = c->row_count / (m->values[0] * m->values[1]);
  for (size_t i = 0; i < c->row_count; i++) {
    double score = shown_score(c, &c->rows[i]);
    size_t pair = i / rest, y = cell_of(m, 0, pair / m->values[1]), x = cell_of(m, 1, pair % m->values[1]);
    if (i == c->best) m->best[0] = y, m->best[1] = x;
    if (!isfinite(score)) continue;
    m->sums[y][x] += score;
    m->counts[y][x]++;
  }
  m->low = INFINITY, m->high = -INFINITY;
  for (size_t y = 0; y < m->cells[0]; y++)
    for (size_t x = 0; x < m->cells[1]; x++) {
      if (m->counts[y][x] == 0) continue;
      m->sums[y][x] /= (double)m->counts[y][x];
      m->low = fmin(m->low, m->sums[y][x]);
      m->high = fmax(m->high, m->sums[y][x]);
    }
}

/* Above 0 in one colour, below in the other; where all have one sign the scale begins at the least. A drawdown is a loss. */
static double shade_of(const map *m, double value, const char **css) {
  bool loss = m->choice->objective == ASSAY_BACKTEST_DRAWDOWN, mixed = m->low < 0 && m->high > 0;
  double span = mixed ? fmax(-m->low, m->high) : m->high - m->low;
  double part = span <= 0 ? 0.5 : mixed ? fabs(value) / span : value < 0 ? (m->high - value) / span : (value - m->low) / span;
  *css = loss || value < 0 ? "hn" : "hp";
  return (round(part * (SHADES - 1)) + 0.5) / (SHADES + 0.5);
}

static void put_shaded(assay_buf *out, const char *css, double shade, double x, double y, double width, double height) {
  assay_buf_printf(out, "<rect class=\"%s\" fill-opacity=\".%02d\" x=\"", css, (int)lround(100 * shade));
  const double numbers[] = {x, y, width, height};
  static const char *const names[] = {"\" y=\"", "\" width=\"", "\" height=\"", "\">"};
  for (int i = 0; i < 4; i++) {
    assay_svg_number(out, numbers[i]);
    assay_buf_puts(out, names[i]);
  }
}

static void put_range(assay_buf *out, const map *m, int axis, size_t cell) {
  const assay_backtest_range *r = &m->choice->ranges[axis];
  size_t cells = m->cells[axis], values = m->values[axis];
  size_t from = (cell * values + cells - 1) / cells, to = ((cell + 1) * values + cells - 1) / cells;
  assay_html_text(out, name_of(m->choice, (size_t)axis));
  assay_buf_putc(out, ' ');
  assay_buf_double(out, assay_backtest_range_value(r, from));
  if (to > from + 1) assay_buf_puts(out, " to ");
  if (to > from + 1) assay_buf_double(out, assay_backtest_range_value(r, to - 1));
}

static void put_hint(assay_buf *out, const map *m, size_t y, size_t x) {
  char text[48];
  assay_buf_puts(out, "<title>");
  put_range(out, m, 0, y);
  assay_buf_puts(out, ", ");
  put_range(out, m, 1, x);
  score_text(m->choice, m->counts[y][x] > 0 ? m->sums[y][x] : NAN, text);
  assay_buf_printf(out, ": %s</title>", text);
}

static void draw_cells(assay_buf *out, const map *m) {
  bool hints = m->cells[0] * m->cells[1] <= MOST_HINTS,
       texts = m->cells[0] * m->cells[1] <= MOST_TEXTS && m->width >= 38 && m->height >= 17;
  for (size_t y = 0; y < m->cells[0]; y++)
    for (size_t x = 0; x < m->cells[1]; x++) {
      const char *css = "hx";
      bool there = m->counts[y][x] > 0;
      double shade = there ? shade_of(m, m->sums[y][x], &css) : 0.9, left = m->left + (double)x * m->width,
             top = m->top + (double)(m->cells[0] - 1 - y) * m->height;
      if (!there && !hints) continue;
      put_shaded(out, css, shade, left, top, m->width - 1, m->height - 1);
      if (hints) put_hint(out, m, y, x);
      assay_buf_puts(out, "</rect>");
      if (!texts || !there) continue;
      char text[48];
      score_text(m->choice, m->sums[y][x], text);
      assay_svg_text(out, "halo", left + (m->width - 1) / 2, top + m->height / 2 + 4, "middle", text);
    }
  assay_svg_rect(out, "best", m->left + (double)m->best[1] * m->width - 0.5,
                 m->top + (double)(m->cells[0] - 1 - m->best[0]) * m->height - 0.5, m->width, m->height);
}

/* As many values as stand beside each other without touching. */
static void draw_labels(assay_buf *out, const map *m) {
  char text[48];
  double bottom = m->top + (double)m->cells[0] * m->height, right = m->left + (double)m->cells[1] * m->width;
  for (int axis = 0; axis < 2; axis++) {
    const assay_backtest_range *r = &m->choice->ranges[axis];
    double size = axis == 0 ? m->height : m->width, apart = axis == 0 ? 16 : 46;
    size_t every = (size_t)ceil(apart / size);
    for (size_t i = 0; i < m->cells[axis]; i += every) {
      double middle = ((double)i + 0.5) * size;
      assay_snprintf(text, sizeof text, "%.6g", assay_backtest_range_value(r, (i * m->values[axis] + m->cells[axis] - 1) / m->cells[axis]));
      if (axis == 0)
        assay_svg_text(out, "tk", m->left - 6, bottom - middle + 4, "end", text);
      else
        assay_svg_text(out, "tk", m->left + middle, bottom + 15, "middle", text);
    }
  }
  assay_svg_text(out, "em", m->left, m->top - 10, "start", name_of(m->choice, 0));
  assay_svg_text(out, "em", right, bottom + 32, "end", name_of(m->choice, 1));
}

static void draw_legend(assay_buf *out, const map *m) {
  enum { STEPS = 9, STEP = 15 };
  double left = m->left + (double)m->cells[1] * m->width + 22;
  bool loss = m->choice->objective == ASSAY_BACKTEST_DRAWDOWN;
  for (int i = 0; i < (m->high > m->low ? STEPS : 1); i++) {
    double value = m->high - (m->high - m->low) * i / (STEPS - 1);
    const char *css;
    char text[48];
    double shade = shade_of(m, loss ? m->low + m->high - value : value, &css), top = m->top + i * STEP;
    put_shaded(out, css, shade, left, top, 16, STEP - 1);
    assay_buf_puts(out, "</rect>");
    score_text(m->choice, loss ? m->low + m->high - value : value, text);
    if (i % 2 == 0) assay_svg_text(out, "tk", left + 22, top + 11, "start", text);
  }
}

static assay_status put_map(assay_buf *out, const assay_backtest_choice *c, assay_error *err) {
  map *m = assay_calloc(ASSAY_TAG_REPORT, 1, sizeof *m);
  if (m == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the map of a sweep");
  m->choice = c;
  for (int axis = 0; axis < 2; axis++) {
    size_t most = axis == 0 ? MOST_DOWN : MOST_ACROSS;
    m->values[axis] = assay_backtest_range_values(&c->ranges[axis]);
    m->cells[axis] = m->values[axis] < most ? m->values[axis] : most;
  }
  fill_map(m);
  m->left = LEFT, m->top = 26;
  m->width = fmin(56, floor((WIDTH - LEFT - LEGEND) / (double)m->cells[1]));
  m->height = fmax(fmin(28, floor(420 / (double)m->cells[0])), 7);
  double height = m->top + fmax((double)m->cells[0] * m->height, 140) + 40;
  bool means = m->values[0] > m->cells[0] || m->values[1] > m->cells[1] || c->range_count > 2;
  assay_html_plot_begin(out, WIDTH, height, "A map of all configurations");
  if (m->low <= m->high) {
    draw_cells(out, m);
    draw_legend(out, m);
  }
  draw_labels(out, m);
  char caption[160];
  snprintf(caption, sizeof caption, "%s%s. Framed: the best. A plateau around it speaks for it, a peak alone for luck.", score_name(c),
           means ? ", the mean of the configurations in a cell" : "");
  assay_html_plot_end(out, caption);
  assay_free(m);
  return ASSAY_OK;
}

/* ---- A line of one parameter --------------------------------------------------------------------------------------------------------- */

static void tick_of_score(const void *user, double value, char text[ASSAY_TICK_TEXT]) { score_text(user, value, text); }

static void draw_scales(assay_buf *out, const assay_backtest_choice *c, const assay_axis *x, const assay_axis *y) {
  double ticks[ASSAY_AXIS_TICKS];
  char text[48];
  assay_svg_rows(out, y, 5, x->from, x->to, tick_of_score, c);
  for (size_t i = 0, count = assay_axis_ticks(x, 8, ticks); i < count; i++) {
    assay_snprintf(text, sizeof text, "%.6g", ticks[i]);
    assay_svg_text(out, "tk", assay_axis_at(x, ticks[i]), LINE_HEIGHT - 12, "middle", text);
  }
  assay_svg_text(out, "em", x->from, 14, "start", score_name(c));
  assay_svg_text(out, "em", x->to, LINE_HEIGHT + 2, "end", name_of(c, 0));
}

typedef struct line {
  double x[LINE_MOST], y[LINE_MOST];
} line;

/* Of more values than pixels every so many is drawn, and the best. */
static void draw_line(assay_buf *out, const assay_backtest_choice *c, const assay_axis *x, const assay_axis *y, line *made) {
  size_t every = c->row_count / LINE_MOST + 1, count = 0;
  for (size_t i = 0; i < c->row_count; i += every, count++) {
    double score = shown_score(c, &c->rows[i]);
    made->x[count] = assay_axis_at(x, assay_backtest_range_value(c->ranges, i));
    made->y[count] = isfinite(score) ? assay_axis_at(y, score) : NAN;
  }
  assay_svg_polyline(out, "ln", made->x, made->y, count);
  for (size_t i = 0; i < count && count <= MOST_DOTS; i++)
    if (isfinite(made->y[i])) assay_svg_dot(out, "pt", made->x[i], made->y[i], 2.6);
  assay_svg_dot(out, "best", assay_axis_at(x, assay_backtest_range_value(c->ranges, c->best)),
                assay_axis_at(y, shown_score(c, &c->rows[c->best])), 6);
}

static assay_status put_line(assay_buf *out, const assay_backtest_choice *c, assay_error *err) {
  line *made = assay_alloc(ASSAY_TAG_REPORT, sizeof *made);
  double low = INFINITY, high = -INFINITY;
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the line of a sweep");
  for (size_t i = 0; i < c->row_count; i++) {
    double score = shown_score(c, &c->rows[i]);
    if (isfinite(score)) low = fmin(low, score), high = fmax(high, score);
  }
  if (!(low <= high)) low = 0, high = 1;
  double first = assay_backtest_range_value(c->ranges, 0), last = assay_backtest_range_value(c->ranges, c->row_count - 1);
  assay_axis x = {first, last > first ? last : first + 1, false, LEFT, WIDTH - ASSAY_BACKTEST_RIGHT};
  assay_axis y = assay_axis_nice(low, high, false, LINE_HEIGHT - 30, 26);
  assay_html_plot_begin(out, WIDTH, LINE_HEIGHT, "All configurations");
  draw_scales(out, c, &x, &y);
  draw_line(out, c, &x, &y, made);
  assay_html_plot_end(out, "Ringed: the best. A plateau around it speaks for it, a peak alone for luck.");
  assay_free(made);
  return ASSAY_OK;
}

/* ---- The table ----------------------------------------------------------------------------------------------------------------------- */

assay_ranked assay_ranked_of(assay_backtest_outcome outcome, const assay_backtest_metrics *metrics, assay_backtest_objective objective,
                             size_t row) {
  const bool is_done = outcome == ASSAY_BACKTEST_DONE;
  return (assay_ranked){is_done ? assay_backtest_score(metrics, objective) : NAN, row, !is_done};
}

static int best_first(const void *a, const void *b) {
  const assay_ranked *x = a, *y = b;
  if (x->is_lost != y->is_lost) return x->is_lost ? 1 : -1;
  if (isnan(x->score) != isnan(y->score)) return isnan(x->score) ? 1 : -1;
  if (x->score != y->score && !isnan(x->score)) return x->score > y->score ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

void assay_rank(assay_ranked *rows, size_t count) { qsort(rows, count, sizeof *rows, best_first); }

static void put_row(assay_buf *out, const assay_backtest_choice *c, size_t index) {
  const assay_backtest_row *row = &c->rows[index];
  const assay_backtest_metrics *m = &row->metrics;
  assay_buf_puts(out, index == c->best ? "<tr class=\"top\">" : "<tr>");
  for (size_t r = 0; r < c->range_count; r++) {
    double value = row->parameters[c->ranges[r].parameter];
    assay_buf_puts(out, "<td class=\"r\" data-v=\"");
    assay_buf_double(out, value);
    assay_buf_puts(out, "\">");
    assay_buf_double(out, value);
    assay_buf_puts(out, "</td>");
  }
  if (row->outcome != ASSAY_BACKTEST_DONE) {
    assay_buf_printf(out, "<td colspan=\"8\" class=\"soft\">%s: ", assay_backtest_outcome_text(row->outcome));
    assay_html_text(out, row->why);
    assay_buf_puts(out, "</td></tr>\n");
    return;
  }
  const struct {
    double value;
    assay_figure_kind kind;
  } cells[] = {{m->total_return, ASSAY_FIGURE_PERCENT}, {m->annual_return, ASSAY_FIGURE_PERCENT}, {m->sharpe, ASSAY_FIGURE_RATIO},
               {m->sortino, ASSAY_FIGURE_RATIO},        {m->calmar, ASSAY_FIGURE_RATIO},          {m->max_drawdown, ASSAY_FIGURE_PERCENT},
               {m->exposure, ASSAY_FIGURE_PERCENT},     {(double)m->trades, ASSAY_FIGURE_COUNT}};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) assay_backtest_html_figure(out, cells[i].value, cells[i].kind);
  assay_buf_puts(out, "</tr>\n");
}

static void put_heads(assay_buf *out, const assay_backtest_choice *c) {
  static const char *const heads[] = {"return", "a year", "Sharpe", "Sortino", "Calmar", "drawdown", "exposure", "trades"};
  static const int columns[] = {2, 3, 4, 0, 5}; /* that an objective ranks by */
  assay_buf_puts(out, "<div class=\"scroll tall\"><table class=\"sorts tight\"><thead><tr>");
  for (size_t r = 0; r < c->range_count; r++) {
    assay_buf_puts(out, "<th class=\"r\" scope=\"col\"><button type=\"button\">");
    assay_html_text(out, name_of(c, r));
    assay_buf_puts(out, "</button></th>");
  }
  for (int i = 0; i < 8; i++)
    assay_buf_printf(out, "<th class=\"r\" scope=\"col\"%s><button type=\"button\">%s</button></th>",
                     columns[c->objective] != i                ? ""
                     : c->objective == ASSAY_BACKTEST_DRAWDOWN ? " aria-sort=\"ascending\""
                                                               : " aria-sort=\"descending\"",
                     heads[i]);
  assay_buf_puts(out, "</tr></thead><tbody>\n");
}

/* The best first; what is not done comes last, and of it no more than a few. */
static assay_status put_table(assay_buf *out, const assay_backtest_choice *c, assay_error *err) {
  assay_ranked *order = assay_alloc(ASSAY_TAG_REPORT, c->row_count * sizeof *order);
  if (order == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a table of %zu rows", c->row_count);
  size_t shown = c->most_rows == 0 ? SHOWN : c->most_rows, outcomes[ASSAY_BACKTEST_OUTCOMES] = {0};
  for (size_t i = 0; i < c->row_count; i++) {
    const assay_backtest_row *row = &c->rows[i];
    outcomes[row->outcome]++;
    order[i] = assay_ranked_of(row->outcome, &row->metrics, c->objective, i);
  }
  if (shown > c->row_count) shown = c->row_count;
  assay_rank(order, c->row_count);
  put_heads(out, c);
  for (size_t i = 0; i < shown; i++) put_row(out, c, order[i].row);
  assay_buf_printf(out, "</tbody></table></div>\n<p class=\"soft\">%zu of ", shown);
  assay_report_plural(out, c->row_count, "configuration");
  for (int i = 1; i < ASSAY_BACKTEST_OUTCOMES; i++)
    if (outcomes[i] > 0) assay_buf_printf(out, ", %zu %s", outcomes[i], assay_backtest_outcome_text((assay_backtest_outcome)i));
  assay_buf_puts(out, ".</p>\n");
  assay_free(order);
  return ASSAY_OK;
}

assay_status assay_backtest_html_tried(assay_buf *out, const assay_backtest_view *view, assay_error *err) {
  const assay_backtest_choice *c = view->choice;
  if (c == NULL || c->rows == NULL || c->range_count == 0) return ASSAY_OK;
  assay_html_begin(out, "configurations", "Configurations", NULL);
  put_luck(out, c);
  assay_status status = c->range_count == 1 ? put_line(out, c, err) : put_map(out, c, err);
  if (status == ASSAY_OK) status = put_table(out, c, err);
  assay_html_end(out);
  return status;
}

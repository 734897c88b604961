/* SPDX-License-Identifier: MIT */
/* assay backtest --each: every asset by itself, read and run in processes of its own. */
#include "cli/backtest.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "cli/backtest_report.h"
#include "cli/grid.h"
#include "cli/table.h"
#include "report/backtest.h"
#include "report/render.h"

/* What the processes have in common; `own` belongs to the asset that one of them is at. */
typedef struct each {
  assay_cli_backtest_job *job;
  const char **names, **sources;
  size_t count;
  assay_cli_bars all; /* with --by */
  assay_cli own_cli;
  const char *own_files[2];
  assay_cli_backtest_settings own_settings;
  assay_cli_backtest_job own;
} each;

/* ---- An asset ------------------------------------------------------------------------------------------------------------------------ */

static assay_status read_own(each *e, size_t index, assay_error *err) {
  assay_cli_backtest_job *own = &e->own;
  e->own_settings = *e->job->settings;
  e->own_files[0] = e->sources[index];
  e->own_settings.from.files = (assay_cli_words){.items = e->own_files, .count = 1};
  *own = (assay_cli_backtest_job){.cli = &e->own_cli, .settings = &e->own_settings, .err = err, .strategy = e->job->strategy};
  assay_status status = e->all.data.bars != NULL ? assay_cli_bars_take(own->cli, &e->all, index, err, &own->bars)
                                                 : assay_cli_bars_read(own->cli, &e->own_settings.from, err, &own->bars);
  own->bars.is_part = true;
  if (status == ASSAY_OK && e->own_settings.actions != NULL)
    status = assay_cli_bars_actions(own->cli, e->own_settings.actions, err, &own->bars);
  return status == ASSAY_OK ? assay_cli_backtest_read_options(own) : status;
}

static void unload(void *user, const assay_backtest_loaded *loaded) {
  each *e = user;
  (void)loaded;
  assay_arena_deinit(&e->own_cli.arena);
}

static assay_status load(void *user, size_t index, assay_error *err, assay_backtest_loaded *loaded) {
  each *e = user;
  e->own_cli = *e->job->cli;
  assay_arena_init(&e->own_cli.arena, ASSAY_TAG_CLI);
  assay_status status = read_own(e, index, err);
  if (status == ASSAY_OK) {
    loaded->data = e->own.bars.data;
    loaded->options = e->own.options;
    assay_snprintf(loaded->note, sizeof loaded->note, "%s", e->own.bars.note != NULL ? e->own.bars.note : "");
  } else {
    unload(e, loaded);
  }
  return status;
}

/* A file is an asset; with --by each that a column names is one, and the files are read here, once. */
static assay_status find_assets(each *e) {
  const assay_cli_backtest_settings *s = e->job->settings;
  assay_cli *cli = e->job->cli;
  if (s->from.by != NULL) {
    assay_status status = assay_cli_bars_read(cli, &s->from, e->job->err, &e->all);
    if (status != ASSAY_OK) return status;
  }
  e->count = s->from.by != NULL ? e->all.data.assets : s->from.files.count;
  e->names = assay_arena_alloc(&cli->arena, e->count, sizeof *e->names);
  e->sources = assay_arena_alloc(&cli->arena, e->count, sizeof *e->sources);
  for (size_t i = 0; i < e->count && e->names != NULL && e->sources != NULL; i++) {
    e->sources[i] = s->from.by == NULL ? s->from.files.items[i] : s->from.files.count == 1 ? s->from.files.items[0] : "";
    e->names[i] = s->from.by != NULL ? e->all.data.names[i] : assay_cli_bars_name(&cli->arena, e->sources[i]);
  }
  return cli->arena.failed ? ASSAY_FAIL(e->job->err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu assets", e->count) : ASSAY_OK;
}

/* ---- As text ------------------------------------------------------------------------------------------------------------------------- */

static const assay_ranked *sorted(const each *e, const assay_backtest_symbol *symbols) {
  assay_ranked *order = assay_arena_alloc(&e->job->cli->arena, e->count, sizeof *order);
  for (size_t i = 0; order != NULL && i < e->count; i++)
    order[i] = assay_ranked_of(symbols[i].outcome, &symbols[i].metrics, e->job->objective, i);
  if (order != NULL) assay_rank(order, e->count);
  return order;
}

static void put_percent(assay_buf *out, double ratio, int width) {
  char text[32];
  assay_snprintf(text, sizeof text, "%.2f %%", 100 * ratio);
  assay_buf_printf(out, "%*s", width, isfinite(ratio) ? text : "-");
}

static void put_number(assay_buf *out, double value, int width) {
  char text[32];
  assay_snprintf(text, sizeof text, "%.2f", value);
  assay_buf_printf(out, "%*s", width, isfinite(value) ? text : "-");
}

/* Of the return a year in training, what was left in the tests. */
static void put_share(assay_buf *out, double ratio) {
  char text[32];
  assay_snprintf(text, sizeof text, "%.0f %%", 100 * ratio);
  assay_buf_printf(out, "%8s", isfinite(ratio) ? text : "-");
}

enum { NAME_WIDTH = 16 };

/* Days are short; times of a day are not. */
static int width_of_times(const each *e, const assay_backtest_symbol *symbols) {
  enum { DAY = 10 };
  int width = DAY;
  char text[2][ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < e->count; i++) {
    if (symbols[i].outcome != ASSAY_BACKTEST_DONE || !symbols[i].has_times) continue;
    assay_report_moment(symbols[i].first_ns, text[0]);
    assay_report_moment(symbols[i].last_ns, text[1]);
    for (int k = 0; k < 2; k++) width = (int)strlen(text[k]) > width ? (int)strlen(text[k]) : width;
  }
  return width;
}

/* Of a walk-forward in which no window had a choice, there is none. */
static void put_chosen(const assay_cli_backtest_job *j, const assay_backtest_symbol *s, assay_buf *out) {
  if (j->range_count == 0) return;
  assay_buf_puts(out, j->settings->windows > 0 && s->windows == 0 ? "  -" : " ");
  for (size_t r = 0; r < j->range_count && (j->settings->windows == 0 || s->windows > 0); r++) {
    const unsigned p = j->ranges[r].parameter;
    assay_buf_printf(out, " %s=", j->strategy->parameters[p].name);
    assay_buf_double(out, s->parameters[p]);
  }
}

static void put_symbol(const each *e, const assay_backtest_symbol *s, size_t index, int width, assay_buf *out) {
  char from[ASSAY_REPORT_TEXT] = "-", to[ASSAY_REPORT_TEXT] = "-";
  const assay_backtest_metrics *m = &s->metrics;
  assay_buf name = {0};
  assay_buf_plain(&name, e->names[index]);
  assay_cli_pad(out, name.data != NULL ? name.data : "", NAME_WIDTH);
  assay_buf_deinit(&name);
  if (s->has_times) assay_report_moment(s->first_ns, from), assay_report_moment(s->last_ns, to);
  assay_buf_printf(out, "%8zu  %-*s  %-*s", m->bars, width, from, width, to);
  put_percent(out, m->total_return, 12);
  put_percent(out, m->annual_return, 11);
  put_number(out, m->sharpe, 8);
  put_percent(out, m->max_drawdown, 11);
  assay_buf_printf(out, "%8zu", m->trades);
  put_percent(out, s->hold.total_return, 12);
  if (e->job->settings->windows > 0) put_share(out, s->efficiency);
  put_chosen(e->job, s, out);
  assay_buf_putc(out, '\n');
}

static void put_spread(assay_buf *out, const char *name, const assay_backtest_spread *s, void (*put)(assay_buf *, double, int)) {
  const double values[] = {s->mean, s->median, s->least, s->most};
  assay_buf_printf(out, "%-20s", name);
  for (int i = 0; i < 4; i++) put(out, values[i], 12);
  assay_buf_putc(out, '\n');
}

static void put_summary(const assay_backtest_summary *s, assay_buf *out) {
  assay_buf_printf(out, "\n%-20s%12s%12s%12s%12s\n", "", "mean", "median", "least", "most");
  put_spread(out, "total return", &s->total_return, put_percent);
  put_spread(out, "return a year", &s->annual_return, put_percent);
  put_spread(out, "Sharpe ratio", &s->sharpe, put_number);
  put_spread(out, "deepest drawdown", &s->max_drawdown, put_percent);
  put_spread(out, "hold: total return", &s->hold_return, put_percent);
  assay_buf_printf(out, "\n%zu of %zu gained, %zu did better than buying and holding", s->gained, s->done, s->beat_hold);
  if (s->ruined > 0) assay_buf_printf(out, ", %zu lost everything", s->ruined);
  assay_buf_puts(out, ".\n");
}

/* Both may hold what a terminal obeys. */
static void put_note(const char *name, const char *note, assay_buf *out) {
  assay_buf_plain(out, name);
  assay_buf_puts(out, ": ");
  assay_buf_plain(out, note);
  assay_buf_putc(out, '\n');
}

/* What was taken for granted, and why nothing was chosen. */
static void put_notes(const char *name, const assay_backtest_symbol *s, assay_buf *out) {
  if (s->note[0] != '\0') put_note(name, s->note, out);
  if (s->why[0] != '\0') put_note(name, s->why, out);
}

static void put_text(const each *e, const assay_backtest_symbol *symbols, const assay_ranked *order, const assay_backtest_summary *summary,
                     assay_buf *out) {
  const assay_cli_backtest_job *j = e->job;
  assay_buf_printf(out, "%s", j->strategy->title);
  if (j->strategy->parameter_count > 0) assay_buf_puts(out, ": ");
  assay_cli_backtest_put_parameters(out, j->strategy, j->parameters);
  assay_buf_putc(out, '\n');
  assay_report_plural(out, e->count, "asset");
  if (summary->done < e->count) assay_buf_printf(out, ", %zu of them not run", e->count - summary->done);
  assay_buf_printf(out, "; best %s first\n", assay_backtest_objective_text(j->objective));
  if (j->settings->windows > 0)
    assay_buf_printf(out, "Each chosen on the past and tried on what came next, %llu times; shown are the tests.\n",
                     (unsigned long long)j->settings->windows);
  else if (j->range_count > 0)
    assay_buf_puts(out, "Each with the best of its own sweep, on the bars that it was chosen on.\n");
  const int width = width_of_times(e, symbols);
  const size_t most = j->settings->top < summary->done ? (size_t)j->settings->top : summary->done;
  if (most > 0) {
    assay_buf_putc(out, '\n');
    assay_cli_pad(out, "asset", NAME_WIDTH);
    assay_buf_printf(out, "%8s  %-*s  %-*s%12s%11s%8s%11s%8s%12s%s\n", "bars", width, "from", width, "to", "return", "a year", "Sharpe",
                     "drawdown", "trades", "hold",
                     j->settings->windows > 0 ? "    kept  chosen last"
                     : j->range_count > 0     ? "  chosen"
                                              : "");
  }
  for (size_t i = 0, shown = 0; i < e->count && shown < most; i++) {
    if (symbols[order[i].row].outcome != ASSAY_BACKTEST_DONE) continue;
    put_symbol(e, &symbols[order[i].row], order[i].row, width, out);
    shown++;
  }
  if (most < summary->done) assay_buf_printf(out, "... and %zu more (--top, --json or --report FILE.csv)\n", summary->done - most);
  if (summary->done > 0) put_summary(summary, out);
  for (size_t i = 0; i < e->count; i++)
    if (symbols[i].outcome == ASSAY_BACKTEST_DONE) put_notes(e->names[i], &symbols[i], out);
}

/* ---- For programs -------------------------------------------------------------------------------------------------------------------- */

static void json_times(assay_json *json, const assay_backtest_symbol *s) {
  char text[ASSAY_REPORT_TEXT];
  assay_json_put_string(json, "from", s->has_times ? assay_cli_moment_iso(s->first_ns, text) : NULL);
  assay_json_put_string(json, "to", s->has_times ? assay_cli_moment_iso(s->last_ns, text) : NULL);
}

static void json_symbol(const each *e, const assay_backtest_symbol *s, size_t index, assay_json *json) {
  assay_json_object(json);
  assay_json_put_string(json, "asset", e->names[index]);
  assay_json_put_string(json, "source", e->sources[index]);
  assay_json_put_string(json, "outcome", assay_backtest_outcome_text(s->outcome));
  if (s->outcome == ASSAY_BACKTEST_DONE) {
    json_times(json, s);
    assay_json_put_string(json, "note", s->note[0] != '\0' ? s->note : NULL);
    assay_cli_backtest_json_parameters(json, e->job->strategy, s->parameters);
    if (e->job->settings->windows > 0) {
      assay_json_put_uint(json, "windows", s->windows);
      if (s->windows == 0) assay_json_put_string(json, "why", s->why);
      assay_json_put_double(json, "efficiency", s->efficiency);
    } else if (e->job->range_count > 0) {
      assay_json_put_uint(json, "configurations", s->configurations);
    }
    assay_cli_backtest_json_metrics(json, "metrics", &s->metrics);
    assay_cli_backtest_json_metrics(json, "hold", &s->hold);
  } else {
    assay_json_put_string(json, "why", s->why);
  }
  assay_json_end(json);
}

static void json_spread(assay_json *json, const char *key, const assay_backtest_spread *s) {
  assay_json_key(json, key);
  assay_json_object_inline(json);
  assay_json_put_uint(json, "count", s->count);
  assay_json_put_double(json, "mean", s->mean);
  assay_json_put_double(json, "median", s->median);
  assay_json_put_double(json, "least", s->least);
  assay_json_put_double(json, "most", s->most);
  assay_json_end(json);
}

/* Those that were stopped before they were done. */
static size_t count_not_run(const each *e, const assay_backtest_symbol *symbols) {
  size_t count = 0;
  for (size_t i = 0; i < e->count; i++) count += symbols[i].outcome == ASSAY_BACKTEST_NOT_RUN;
  return count;
}

static void put_json(const each *e, const assay_backtest_symbol *symbols, const assay_backtest_summary *s, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_cli_backtest_json_begin(e->job, &json, "each");
  assay_json_put_string(&json, "objective", assay_backtest_objective_text(e->job->objective));
  assay_json_key(&json, "partial");
  assay_json_bool(&json, count_not_run(e, symbols) > 0);
  if (e->job->settings->windows > 0) assay_json_put_uint(&json, "walk_forward", e->job->settings->windows);
  assay_json_key(&json, "rows");
  assay_json_array(&json);
  for (size_t i = 0; i < e->count; i++) json_symbol(e, &symbols[i], i, &json);
  assay_json_end(&json);
  assay_json_key(&json, "summary");
  assay_json_object(&json);
  assay_json_put_uint(&json, "assets", s->symbols);
  assay_json_put_uint(&json, "done", s->done);
  assay_json_put_uint(&json, "gained", s->gained);
  assay_json_put_uint(&json, "beat_hold", s->beat_hold);
  assay_json_put_uint(&json, "ruined", s->ruined);
  json_spread(&json, "total_return", &s->total_return);
  json_spread(&json, "annual_return", &s->annual_return);
  json_spread(&json, "sharpe", &s->sharpe);
  json_spread(&json, "max_drawdown", &s->max_drawdown);
  json_spread(&json, "hold_return", &s->hold_return);
  assay_json_end(&json);
  assay_json_end(&json);
}

static void put_walked_cells(const assay_backtest_symbol *s, assay_buf *out) {
  if (s == NULL) {
    assay_buf_puts(out, ",,");
    return;
  }
  assay_buf_printf(out, ",%zu,", s->windows);
  assay_cli_put_number_cell(out, s->efficiency);
}

static void put_table(const each *e, const assay_backtest_symbol *symbols, assay_buf *out) {
  const assay_strategy *strategy = e->job->strategy;
  const bool is_walked = e->job->settings->windows > 0;
  assay_buf_puts(out, "asset,source,outcome,why,from,to");
  for (unsigned p = 0; p < strategy->parameter_count; p++) assay_buf_printf(out, ",%s", strategy->parameters[p].name);
  assay_cli_backtest_csv_names(out, "");
  assay_cli_backtest_csv_names(out, "hold_");
  if (is_walked) assay_buf_puts(out, ",windows,efficiency");
  assay_buf_putc(out, '\n');
  for (size_t i = 0; i < e->count; i++) {
    const assay_backtest_symbol *s = &symbols[i];
    const bool is_done = s->outcome == ASSAY_BACKTEST_DONE;
    char from[ASSAY_REPORT_TEXT] = "", to[ASSAY_REPORT_TEXT] = "";
    if (is_done && s->has_times) assay_cli_moment_iso(s->first_ns, from), assay_cli_moment_iso(s->last_ns, to);
    assay_csv_text(out, e->names[i]);
    assay_buf_putc(out, ',');
    assay_csv_text(out, e->sources[i]);
    assay_buf_printf(out, ",%s,", assay_backtest_outcome_text(s->outcome));
    assay_csv_text(out, s->why);
    assay_buf_printf(out, ",%s,%s", from, to);
    for (unsigned p = 0; p < strategy->parameter_count; p++) {
      assay_buf_putc(out, ',');
      if (is_done) assay_cli_put_number_cell(out, s->parameters[p]);
    }
    assay_cli_backtest_csv_metrics(out, is_done ? &s->metrics : NULL);
    assay_cli_backtest_csv_metrics(out, is_done ? &s->hold : NULL);
    if (is_walked) put_walked_cells(is_done ? s : NULL, out);
    assay_buf_putc(out, '\n');
  }
}

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

static void put_title(const assay_cli_backtest_job *j, assay_buf *title, assay_buf *subtitle, size_t assets) {
  assay_buf_printf(title, "%s ", j->strategy->name);
  if (j->settings->windows > 0)
    assay_buf_puts(title, "walk-forward");
  else if (j->range_count > 0)
    assay_buf_puts(title, "sweeps");
  else
    assay_cli_backtest_put_parameters(title, j->strategy, j->parameters);
  assay_report_plural(subtitle, assets, "asset");
  assay_buf_printf(subtitle, ", each by itself with all the cash; best %s first.", assay_backtest_objective_text(j->objective));
}

static assay_status write_reports(const each *e, const assay_backtest_symbol *symbols) {
  const assay_cli_backtest_job *j = e->job;
  assay_buf table = {0}, title = {0}, subtitle = {0};
  put_table(e, symbols, &table);
  put_title(j, &title, &subtitle, e->count);
  if (count_not_run(e, symbols) > 0) assay_buf_puts(&subtitle, " It was stopped before all were run.");
  const assay_backtest_each_view view = {.title = title.data,
                                         .subtitle = subtitle.data,
                                         .strategy = j->strategy,
                                         .symbols = symbols,
                                         .names = e->names,
                                         .count = e->count,
                                         .ranges = j->ranges,
                                         .range_count = j->range_count,
                                         .is_walked = j->settings->windows > 0,
                                         .objective = j->objective,
                                         .most_rows = j->settings->top > 500 ? (size_t)j->settings->top : 500};
  assay_status status = title.failed || subtitle.failed ? ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the report")
                                                        : assay_cli_write_each_reports(&view, &table, &j->settings->reports, j->err);
  assay_buf_deinit(&table);
  assay_buf_deinit(&title);
  assay_buf_deinit(&subtitle);
  return status;
}

static assay_status answer(const each *e, const assay_backtest_symbol *symbols, assay_buf *out, size_t *lost) {
  assay_backtest_summary summary;
  const assay_ranked *order = sorted(e, symbols);
  assay_status status = order != NULL ? assay_backtest_summarise(symbols, e->count, e->job->err, &summary)
                                      : ASSAY_FAIL(e->job->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  if (status == ASSAY_OK) status = write_reports(e, symbols);
  if (status != ASSAY_OK) return status;
  if (e->job->settings->json)
    put_json(e, symbols, &summary, out);
  else
    put_text(e, symbols, order, &summary, out);
  *lost = e->count - summary.done;
  return out->failed ? ASSAY_FAIL(e->job->err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer") : ASSAY_OK;
}

/* Each that was lost, by its cause; of very many the first. */
static void tell_lost(const each *e, const assay_backtest_symbol *symbols, size_t lost) {
  enum { TOLD = 20 };
  for (size_t i = 0, told = 0; i < e->count && told < TOLD; i++) {
    if (symbols[i].outcome == ASSAY_BACKTEST_DONE || symbols[i].outcome == ASSAY_BACKTEST_NOT_RUN) continue;
    assay_buf why = {0};
    assay_buf_plain(&why, e->names[i]);
    assay_buf_printf(&why, " %s: ", assay_backtest_outcome_text(symbols[i].outcome));
    assay_buf_plain(&why, symbols[i].why);
    assay_cli_note(e->job->cli, "%s", why.data != NULL ? why.data : "");
    assay_buf_deinit(&why);
    told++;
  }
  if (lost > TOLD) assay_cli_note(e->job->cli, "... and %zu more", lost - TOLD);
}

/* What became of those that have no figures. */
static int tell_missing(const each *e, const assay_backtest_symbol *symbols, size_t lost, int code) {
  const size_t not_run = count_not_run(e, symbols);
  if (lost > not_run) {
    tell_lost(e, symbols, lost - not_run);
    code = assay_cli_gravest(code, ASSAY_EXIT_CANNOT_RUN);
  }
  if (not_run == 0) return code;
  assay_cli_note(e->job->cli, "stopped: %zu of %zu assets are not run, and the answer is of the others", not_run, e->count);
  return assay_cli_gravest(code, 130);
}

int assay_cli_backtest_each(assay_cli_backtest_job *j) {
  each e = {.job = j};
  assay_backtest_symbol *symbols = NULL;
  assay_buf out = {0};
  size_t lost = 0;
  assay_status status = assay_cli_backtest_no_pictures(&j->settings->reports, j->err);
  while (strcmp(assay_cli_backtest_objectives[j->objective], j->settings->rank) != 0) j->objective++;
  if (status == ASSAY_OK) status = find_assets(&e);
  assay_backtest_sweep sweep = assay_cli_backtest_sweep_of(j);
  const assay_backtest_source source = {.count = e.count, .load = load, .unload = unload, .user = &e};
  const assay_backtest_walk_forward walk = assay_cli_backtest_walk_of(j);
  const assay_backtest_options keeping = {.keep_equity = assay_cli_backtest_has_page(&j->settings->reports)}; /* for its curves */
  sweep.stop = assay_cli_stop_on_signal();
  if (status == ASSAY_OK)
    status = assay_backtest_run_each(&sweep, j->objective, walk.windows > 0 ? &walk : NULL, &source, &keeping, j->err, &symbols);
  if (status == ASSAY_OK) status = answer(&e, symbols, &out, &lost);
  int code = status == ASSAY_OK ? assay_cli_print(j->cli, out.data) : assay_cli_fail(j->cli, j->err);
  if (status == ASSAY_OK) code = tell_missing(&e, symbols, lost, code);
  assay_buf_deinit(&out);
  assay_backtest_symbols_free(symbols);
  return code;
}

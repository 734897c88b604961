/* SPDX-License-Identifier: MIT */
/* assay risk: what can be lost, and what moves together, out of a table of prices or returns. */
#include <assay/risk.h>

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/grid.h"
#include "cli/returns.h"

typedef struct risk_settings {
  assay_returns_settings from;
  assay_cli_words levels, weights, positions, shocks;
  const char *method, *estimator, *market, *format, *device;
  uint64_t scenarios, seed, degrees;
  double decay, periods_per_year, risk_free, target;
  bool zero_mean, follow, json;
} risk_settings;

#define AT(field) .at = offsetof(risk_settings, field)

typedef struct job {
  assay_cli *cli;
  const risk_settings *settings;
  assay_returns from;
  assay_cli_grid grid;
  assay_risk_where where; /* what answered, of simulations */
} job;

/* ---- What they share ----------------------------------------------------------------------------------------------------------------- */

/* Reads the table, does the work, shows the grid. `together`: the work needs the same periods of all assets. */
static int with_returns(assay_cli *cli, const void *settings, bool together, const char *schema, const char *rows,
                        assay_status (*work)(job *j, assay_error *err)) {
  job j = {.cli = cli, .settings = settings, .grid = {.cli = cli}};
  assay_error err = {0};
  assay_status status = together ? assay_returns_read(cli, cli->operands[0], &j.settings->from, &err, &j.from)
                                 : assay_returns_read_apart(cli, cli->operands[0], &j.settings->from, &err, &j.from);
  if (status == ASSAY_OK) {
    assay_cli_grid_fact(&j.grid, "source", j.from.source, NAN);
    if (together) assay_cli_grid_fact(&j.grid, "periods", NULL, (double)j.from.periods);
    status = work(&j, &err);
  }
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_returns_say_left_out(cli, &j.from);
  return assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, schema, rows);
}

static double *room(const job *j, size_t count, assay_error *err) {
  double *values = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *values);
  if (values == NULL) ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
  for (size_t i = 0; values != NULL && i < count; i++) values[i] = 0;
  return values;
}

static assay_risk_covariance_options estimator_of(const risk_settings *s) {
  return assay_returns_estimator(s->estimator, s->decay, s->zero_mean);
}

/* ---- var ----------------------------------------------------------------------------------------------------------------------------- */

static assay_status read_levels(const job *j, assay_error *err, double *levels) {
  for (size_t i = 0; i < j->settings->levels.count; i++) {
    const char *word = j->settings->levels.items[i];
    if (!assay_parse_f64(word, &levels[i]) || !(levels[i] > 0 && levels[i] < 1))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--level needs numbers between 0 and 1, such as 0.99, not '%s'", word);
  }
  return ASSAY_OK;
}

static assay_status find_tails(const job *j, const double *pnl, size_t periods, const double *levels, size_t count, assay_error *err,
                               assay_risk_tail *tails) {
  assay_risk_moments moments;
  if (strcmp(j->settings->method, "historical") == 0) return assay_risk_historical(pnl, periods, levels, count, err, tails);
  assay_status status = assay_risk_get_moments(pnl, periods, err, &moments);
  if (status != ASSAY_OK) return status;
  return strcmp(j->settings->method, "normal") == 0 ? assay_risk_normal(&moments, levels, count, err, tails)
                                                    : assay_risk_cornish_fisher(&moments, levels, count, err, tails);
}

static assay_status add_tails(job *j, const char *name, const double *pnl, size_t periods, const double *levels, size_t count,
                              assay_error *err) {
  assay_risk_tail *tails = assay_arena_alloc(&j->cli->arena, count, sizeof *tails);
  if (tails == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
  assay_error problem = {0};
  assay_status status = find_tails(j, pnl, periods, levels, count, &problem, tails);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s: %s", name, problem.message);
  for (size_t i = 0; i < count; i++) {
    assay_cli_grid_text(&j->grid, name);
    assay_cli_grid_number(&j->grid, (double)periods);
    assay_cli_grid_number(&j->grid, tails[i].level);
    assay_cli_grid_number(&j->grid, tails[i].var);
    assay_cli_grid_number(&j->grid, tails[i].var_linear);
    assay_cli_grid_number(&j->grid, tails[i].es);
  }
  return ASSAY_OK;
}

/* Of simulated scenarios, whose returns have the mean and the covariance of the periods: a portfolio, or one asset alone. */
static assay_status simulate(job *j, const char *name, const assay_returns *from, const double *positions, const double *levels,
                             size_t count, assay_error *err) {
  size_t assets = from->assets;
  assay_risk_covariance_options options = estimator_of(j->settings);
  double *covariance = room(j, assets * assets, err), *mean = room(j, assets, err);
  assay_risk_simulated *tails = assay_arena_alloc(&j->cli->arena, count, sizeof *tails);
  if (covariance == NULL || mean == NULL || tails == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", from->source);
  for (size_t i = 0; i < from->periods; i++)
    for (size_t a = 0; a < assets; a++) mean[a] += from->returns[i * assets + a] / (double)from->periods;
  assay_error problem = {0};
  assay_risk_simulation simulation = {.assets = assets,
                                      .positions = positions,
                                      .mean = mean,
                                      .covariance = covariance,
                                      .degrees = (unsigned)j->settings->degrees,
                                      .scenarios = j->settings->scenarios,
                                      .seed = j->settings->seed,
                                      .device = j->settings->device,
                                      .where = &j->where};
  assay_status status = assay_risk_covariance(from->returns, from->periods, assets, &options, &problem, covariance, NULL);
  if (status == ASSAY_OK) status = assay_risk_monte_carlo(&simulation, levels, count, &problem, NULL, tails);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s: %s", name, problem.message);
  for (size_t i = 0; i < count; i++) {
    assay_cli_grid_text(&j->grid, name);
    assay_cli_grid_number(&j->grid, (double)from->periods);
    assay_cli_grid_number(&j->grid, tails[i].tail.level);
    assay_cli_grid_number(&j->grid, tails[i].tail.var);
    assay_cli_grid_number(&j->grid, tails[i].tail.var_linear);
    assay_cli_grid_number(&j->grid, tails[i].tail.es);
    assay_cli_grid_number(&j->grid, tails[i].var_low);
    assay_cli_grid_number(&j->grid, tails[i].var_high);
    assay_cli_grid_number(&j->grid, tails[i].es_error);
  }
  return ASSAY_OK;
}

static assay_status simulated_var(job *j, const double *weights, const double *levels, size_t count, assay_error *err) {
  static const char *const names[] = {"asset", "periods", "level", "var", "var_linear", "es", "var_low", "var_high", "es_error"};
  static const double alone_position[] = {1};
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  assay_cli_grid_count(&j->grid, "scenarios", j->settings->scenarios);
  assay_cli_grid_count(&j->grid, "seed", j->settings->seed);
  assay_status status = ASSAY_OK;
  if (j->settings->weights.count > 0) status = simulate(j, "portfolio", &j->from, weights, levels, count, err);
  for (size_t a = 0; a < j->from.assets && j->settings->weights.count == 0 && status == ASSAY_OK; a++) {
    assay_returns alone;
    status = assay_returns_apart(j->cli, &j->from, &j->settings->from, a, err, &alone);
    if (status == ASSAY_OK) status = simulate(j, j->from.names[a], &alone, alone_position, levels, count, err);
  }
  assay_cli_grid_fact(&j->grid, "device", j->where.device, NAN);
  assay_cli_grid_fact(&j->grid, "device_reason", j->where.reason, NAN);
  return status;
}

static assay_status var(job *j, assay_error *err) {
  static const char *const names[] = {"asset", "periods", "level", "var", "var_linear", "es"};
  size_t count = j->settings->levels.count, assets = j->from.assets;
  double *levels = room(j, count, err), *weights = room(j, assets, err), *pnl = room(j, j->from.rows, err);
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  if (levels == NULL || weights == NULL || pnl == NULL) return ASSAY_ERR_NO_MEMORY;
  assay_status status = read_levels(j, err, levels);
  if (status == ASSAY_OK) status = assay_returns_pairs(j->cli, &j->from, &j->settings->weights, "weights", err, weights, NULL);
  if (status != ASSAY_OK) return status;
  static const char *const of_simulations[] = {"scenarios", "seed", "degrees", "device", "estimator", "decay", "zero-mean"};
  for (size_t i = 0; i < sizeof of_simulations / sizeof *of_simulations && strcmp(j->settings->method, "montecarlo") != 0; i++)
    if (assay_cli_was_typed(j->cli, of_simulations[i]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is of simulations: add --method montecarlo", of_simulations[i]);
  assay_cli_grid_fact(&j->grid, "method", j->settings->method, NAN);
  if (strcmp(j->settings->method, "montecarlo") == 0) return simulated_var(j, weights, levels, count, err);
  if (j->settings->weights.count > 0) {
    for (size_t i = 0; i < j->from.periods; i++)
      for (size_t a = 0; a < assets; a++) pnl[i] += weights[a] * j->from.returns[i * assets + a];
    return add_tails(j, "portfolio", pnl, j->from.periods, levels, count, err);
  }
  for (size_t a = 0; a < assets && status == ASSAY_OK; a++) {
    assay_returns alone;
    status = assay_returns_apart(j->cli, &j->from, &j->settings->from, a, err, &alone);
    if (status == ASSAY_OK) status = add_tails(j, j->from.names[a], alone.returns, alone.periods, levels, count, err);
  }
  return status;
}

/* ---- covariance, correlation --------------------------------------------------------------------------------------------------------- */

/* The library counts assets; people know them by name. */
static assay_status matrix_of(job *j, bool correlation, assay_error *err) {
  size_t assets = j->from.assets;
  double *matrix = room(j, assets * assets, err);
  const char **names = assay_arena_alloc(&j->cli->arena, assets + 1, sizeof *names);
  assay_risk_covariance_options options = estimator_of(j->settings);
  assay_risk_covariance_info info;
  if (matrix == NULL || names == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
  for (size_t a = 0; a < assets && correlation; a++) {
    bool varies = false;
    for (size_t i = 1; i < j->from.periods; i++) varies = varies || j->from.returns[i * assets + a] != j->from.returns[a];
    if (!varies && j->from.periods > 1)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s does not vary: it has no correlation with others", j->from.source,
                        j->from.names[a]);
  }
  assay_status status = correlation ? assay_risk_correlation(j->from.returns, j->from.periods, assets, &options, err, matrix, &info)
                                    : assay_risk_covariance(j->from.returns, j->from.periods, assets, &options, err, matrix, &info);
  if (status != ASSAY_OK) return status;
  names[0] = "asset";
  for (size_t a = 0; a < assets; a++) names[a + 1] = j->from.names[a];
  j->grid.names = names;
  j->grid.columns = assets + 1;
  j->grid.given = "with", j->grid.given_from = 1;
  for (size_t a = 0; a < assets; a++) {
    assay_cli_grid_text(&j->grid, j->from.names[a]);
    for (size_t b = 0; b < assets; b++) assay_cli_grid_number(&j->grid, matrix[a * assets + b]);
  }
  assay_cli_grid_fact(&j->grid, "estimator", j->settings->estimator, NAN);
  if (strncmp(j->settings->estimator, "ledoit", 6) == 0) assay_cli_grid_fact(&j->grid, "shrinkage", NULL, info.shrinkage);
  return ASSAY_OK;
}

static assay_status covariance(job *j, assay_error *err) { return matrix_of(j, false, err); }
static assay_status correlation(job *j, assay_error *err) { return matrix_of(j, true, err); }

/* ---- drawdown, performance, beta ----------------------------------------------------------------------------------------------------- */

static assay_status drawdown(job *j, assay_error *err) {
  static const char *const names[] = {"asset",   "deepest", "peak_row", "trough_row", "recovery_row",
                                      "longest", "current", "average",  "ulcer"};
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  if (strcmp(j->settings->from.of, "prices") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a drawdown is of prices, or of an account: `risk performance` has that of returns");
  for (size_t a = 0; a < j->from.assets; a++) {
    assay_risk_drawdown d;
    assay_error problem = {0};
    assay_returns alone;
    assay_status status = assay_returns_apart(j->cli, &j->from, &j->settings->from, a, err, &alone);
    if (status != ASSAY_OK) return status;
    status = assay_risk_get_drawdown(alone.values, alone.rows, &problem, NULL, &d);
    if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s: %s", j->from.names[a], problem.message);
    assay_cli_grid_text(&j->grid, j->from.names[a]);
    assay_cli_grid_number(&j->grid, d.deepest);
    assay_cli_grid_number(&j->grid, (double)d.peak + 1);
    assay_cli_grid_number(&j->grid, (double)d.trough + 1);
    assay_cli_grid_number(&j->grid, d.recovery == SIZE_MAX ? NAN : (double)d.recovery + 1);
    assay_cli_grid_number(&j->grid, (double)d.longest);
    assay_cli_grid_number(&j->grid, d.current);
    assay_cli_grid_number(&j->grid, d.average);
    assay_cli_grid_number(&j->grid, d.ulcer);
  }
  return ASSAY_OK;
}

static assay_status performance(job *j, assay_error *err) {
  static const char *const names[] = {"asset",        "total",   "annual_return", "volatility",       "downside", "sharpe",
                                      "sharpe_error", "sortino", "calmar",        "deepest_drawdown", "undefined"};
  assay_risk_performance_options options = {
      .periods_per_year = j->settings->periods_per_year, .risk_free = j->settings->risk_free, .target = j->settings->target};
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  for (size_t a = 0; a < j->from.assets; a++) {
    assay_risk_performance p;
    assay_error problem = {0};
    assay_returns alone;
    assay_status status = assay_returns_apart(j->cli, &j->from, &j->settings->from, a, err, &alone);
    if (status != ASSAY_OK) return status;
    status = assay_risk_get_performance(alone.returns, alone.periods, &options, &problem, &p);
    if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s: %s", j->from.names[a], problem.message);
    const double figures[] = {p.total,        p.annual_return, p.volatility, p.downside,        p.sharpe,
                              p.sharpe_error, p.sortino,       p.calmar,     p.drawdown.deepest};
    assay_cli_grid_text(&j->grid, j->from.names[a]);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) assay_cli_grid_number(&j->grid, figures[i]);
    assay_cli_grid_text(&j->grid, p.undefined);
  }
  return ASSAY_OK;
}

static assay_status beta(job *j, assay_error *err) {
  static const char *const names[] = {"asset", "beta", "beta_error", "alpha", "alpha_error", "correlation", "residual"};
  size_t market = 0;
  assay_status status = assay_returns_find(&j->from, j->settings->market, err, &market);
  if (status != ASSAY_OK) return status;
  double *of_market = assay_returns_of(j->cli, &j->from, market);
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  if (j->from.assets == 1)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has the market '%s' alone, and no asset beside it", j->from.source, j->settings->market);
  assay_cli_grid_fact(&j->grid, "market", j->from.names[market], NAN);
  for (size_t a = 0; a < j->from.assets; a++) {
    assay_risk_beta b;
    assay_error problem = {0};
    if (a == market) continue;
    double *asset = assay_returns_of(j->cli, &j->from, a);
    if (asset == NULL || of_market == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
    status = assay_risk_get_beta(asset, of_market, j->from.periods, &problem, &b);
    if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "%s against %s: %s", j->from.names[a], j->from.names[market], problem.message);
    assay_cli_grid_text(&j->grid, j->from.names[a]);
    assay_cli_grid_number(&j->grid, b.beta);
    assay_cli_grid_number(&j->grid, b.beta_error);
    assay_cli_grid_number(&j->grid, b.alpha);
    assay_cli_grid_number(&j->grid, b.alpha_error);
    assay_cli_grid_number(&j->grid, b.correlation);
    assay_cli_grid_number(&j->grid, b.residual);
  }
  return ASSAY_OK;
}

/* ---- stress -------------------------------------------------------------------------------------------------------------------------- */

static assay_status stress(job *j, assay_error *err) {
  static const char *const names[] = {"scenario", "pnl", "worst", "worst_pnl", "best", "best_pnl", "distance"};
  size_t assets = j->from.assets, shocked_count = 0;
  double *positions = room(j, assets, err), *values = room(j, assets, err), *shocks = room(j, assets, err),
         *matrix = room(j, assets * assets, err);
  bool *seen = assay_arena_alloc(&j->cli->arena, assets, sizeof *seen);
  size_t *shocked = assay_arena_alloc(&j->cli->arena, assets, sizeof *shocked);
  if (positions == NULL || values == NULL || shocks == NULL || matrix == NULL || seen == NULL || shocked == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
  memset(seen, 0, assets * sizeof *seen);
  if (j->settings->positions.count == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--position ASSET=MONEY is missing: nothing is held, so nothing can be lost");
  if (j->settings->shocks.count == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--shock ASSET=RETURN is missing: nothing happens (-0.2 is a fall by 20 %%)");
  assay_status status = assay_returns_pairs(j->cli, &j->from, &j->settings->positions, "position", err, positions, NULL);
  if (status == ASSAY_OK) status = assay_returns_pairs(j->cli, &j->from, &j->settings->shocks, "shock", err, values, seen);
  for (size_t a = 0; a < assets; a++) {
    if (!seen[a]) continue;
    if (status == ASSAY_OK && values[a] < -1)
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--shock %s=%g: a price falls by everything at most, which is -1", j->from.names[a],
                          values[a]);
    shocked[shocked_count] = a;
    shocks[shocked_count++] = values[a];
  }
  assay_risk_covariance_options options = estimator_of(j->settings);
  if (status == ASSAY_OK && j->settings->follow)
    status = assay_risk_covariance(j->from.returns, j->from.periods, assets, &options, err, matrix, NULL);
  assay_risk_scenario scenario = {.name = "shock", .count = shocked_count, .shocked = shocked, .shocks = shocks};
  assay_risk_stress result;
  if (status == ASSAY_OK)
    status = assay_risk_get_stress(positions, assets, j->settings->follow ? matrix : NULL, &scenario, 1, err, &result);
  if (status != ASSAY_OK) return status;
  j->grid.names = names;
  j->grid.columns = sizeof names / sizeof *names;
  assay_cli_grid_text(&j->grid, scenario.name);
  assay_cli_grid_number(&j->grid, result.pnl);
  assay_cli_grid_text(&j->grid, j->from.names[result.worst]);
  assay_cli_grid_number(&j->grid, result.worst_pnl);
  assay_cli_grid_text(&j->grid, j->from.names[result.best]);
  assay_cli_grid_number(&j->grid, result.best_pnl);
  assay_cli_grid_number(&j->grid, result.distance);
  return ASSAY_OK;
}

/* ---- The verbs ----------------------------------------------------------------------------------------------------------------------- */

static int run_var(assay_cli *cli, const void *s) {
  return with_returns(cli, s, ((const risk_settings *)s)->weights.count > 0, "assay-risk-var/1", "tails", var);
}
static int run_covariance(assay_cli *cli, const void *s) {
  return with_returns(cli, s, true, "assay-risk-covariance/1", "matrix", covariance);
}
static int run_correlation(assay_cli *cli, const void *s) {
  return with_returns(cli, s, true, "assay-risk-correlation/1", "matrix", correlation);
}
static int run_drawdown(assay_cli *cli, const void *s) {
  return with_returns(cli, s, false, "assay-risk-drawdown/1", "drawdowns", drawdown);
}
static int run_performance(assay_cli *cli, const void *s) {
  return with_returns(cli, s, false, "assay-risk-performance/1", "performance", performance);
}
static int run_beta(assay_cli *cli, const void *s) { return with_returns(cli, s, true, "assay-risk-beta/1", "betas", beta); }
static int run_stress(assay_cli *cli, const void *s) { return with_returns(cli, s, true, "assay-risk-stress/1", "scenarios", stress); }

static const char *const var_methods[] = {"historical", "normal", "cornish-fisher", "montecarlo", NULL};

#define FROM ASSAY_RETURNS_OPTIONS(risk_settings)
#define OUT ASSAY_CLI_GRID_OPTIONS(risk_settings)
#define ESTIMATOR                                                                                                                         \
  {"estimator", 'e', ASSAY_CLI_TEXT, "NAME", "sample", .choices = assay_returns_estimators, AT(estimator), .help = "Of the covariance."}, \
      {"decay",                                                                                                                           \
       0,                                                                                                                                 \
       ASSAY_CLI_REAL,                                                                                                                    \
       "D",                                                                                                                               \
       "0.94",                                                                                                                            \
       .low = 0.01,                                                                                                                       \
       .high = 0.9999,                                                                                                                    \
       AT(decay),                                                                                                                         \
       .help = "Weight of a period against the next one: ewma."},                                                                         \
  {                                                                                                                                       \
    "zero-mean", 0, ASSAY_CLI_FLAG, AT(zero_mean), .help = "Deviations from 0 instead of from the mean."                                  \
  }

static const assay_cli_option var_options[] = {
    FROM,
    {"level", 'l', ASSAY_CLI_WORDS, "P", "0.95,0.99", AT(levels), .help = "Confidence: 0.99 is one loss in a hundred."},
    {"method", 'm', ASSAY_CLI_TEXT, "METHOD", "historical", .choices = var_methods, AT(method),
     .help = "From the periods as they were, from their moments, or from scenarios with their mean and covariance."},
    {"weights", 'w', ASSAY_CLI_WORDS, "ASSET=W", AT(weights), .help = "Of a portfolio of the assets; without, each by itself."},
    ESTIMATOR,
    {"scenarios", 'n', ASSAY_CLI_UNSIGNED, "N", "1000000", .low = 100, .high = 67108864, AT(scenarios), .help = "To simulate: montecarlo."},
    {"seed", 0, ASSAY_CLI_UNSIGNED, "N", "0", AT(seed), .help = "Of the simulation: the same seed, the same bits."},
    {"degrees", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 64, AT(degrees),
     .help = "Of freedom of a Student t to simulate with heavier tails, 3 to 64; 0: normal."},
    {"device", 'd', ASSAY_CLI_TEXT, "DEVICE", AT(device),
     .help = "Of the simulation: cpu, opencl[:n] or cuda[:n]; one thread when not given."},
    OUT,
    ASSAY_CLI_END};
static const assay_cli_option matrix_options[] = {FROM, ESTIMATOR, OUT, ASSAY_CLI_END};
static const assay_cli_option drawdown_options[] = {FROM, OUT, ASSAY_CLI_END};
static const assay_cli_option performance_options[] = {
    FROM,
    {"periods-per-year", 0, ASSAY_CLI_REAL, "N", "252", .low = 0.001, .high = 1e9, AT(periods_per_year),
     .help = "252 for days, 12 for months; 1: nothing is annualised."},
    {"risk-free", 0, ASSAY_CLI_REAL, "R", "0", AT(risk_free), .help = "Return per period that Sharpe's ratio is over."},
    {"target", 0, ASSAY_CLI_REAL, "R", "0", AT(target), .help = "Return per period below which Sortino's ratio sees risk."},
    OUT,
    ASSAY_CLI_END};
static const assay_cli_option beta_options[] = {
    FROM,
    {"market", 'm', ASSAY_CLI_TEXT, "ASSET", .needed = true, AT(market), .help = "The asset that stands for the market."},
    OUT,
    ASSAY_CLI_END};
static const assay_cli_option stress_options[] = {
    FROM,
    {"position", 'p', ASSAY_CLI_WORDS, "ASSET=MONEY", AT(positions), .help = "Money in each asset; those that are not named have none."},
    {"shock", 's', ASSAY_CLI_WORDS, "ASSET=RETURN", AT(shocks), .help = "What happens: -0.2 is a fall by 20 %."},
    {"follow", 0, ASSAY_CLI_FLAG, AT(follow), .help = "Assets without a shock move as the covariance makes expect, instead of not at all."},
    ESTIMATOR,
    OUT,
    ASSAY_CLI_END};

static const assay_cli_example var_examples[] = {
    {"of an index, from its daily closes", "risk var sp500.csv --column close --level 0.95,0.99"},
    {"of a portfolio, corrected for skewness, out of a table with a row an asset and date",
     "risk var stocks.csv --by symbol --weights MSFT=0.5,IBM=0.5 --method cornish-fisher --json"},
    {0}};
static const assay_cli_example covariance_examples[] = {
    {"shrunk, as CSV", "risk covariance stocks.csv --by symbol --estimator ledoit-wolf --format csv"}, {0}};
static const assay_cli_example correlation_examples[] = {{"with weights that fade", "risk correlation stocks.csv --by symbol -e ewma"},
                                                         {0}};
static const assay_cli_example drawdown_examples[] = {{"of an index", "risk drawdown sp500.csv --column close"}, {0}};
static const assay_cli_example performance_examples[] = {
    {"of monthly prices", "risk performance stocks.csv --by symbol --periods-per-year 12"}, {0}};
static const assay_cli_example beta_examples[] = {{"against one of the columns", "risk beta stocks.csv --by symbol --market MSFT"}, {0}};
static const assay_cli_example stress_examples[] = {
    {"one falls by a fifth, the others follow", "risk stress stocks.csv --by symbol -p MSFT=1000,IBM=1000 --shock MSFT=-0.2 --follow"},
    {0}};

#define TABLE                                                                                                                       \
  "FILE is CSV with a line of names: a column an asset, rows one way in time; or with --by a row for each asset and date. Rows in " \
  "which an asset has no number are left out, and how many is said. "

#define RISK(word, does, more)                                                          \
  const assay_cli_verb assay_cli_risk_##word = {.name = "risk " #word,                  \
                                                .summary = does,                        \
                                                .details = TABLE more,                  \
                                                .operands = "FILE|-",                   \
                                                .operands_least = 1,                    \
                                                .operands_most = 1,                     \
                                                .operand_hint = ASSAY_CLI_FILE,         \
                                                .options = word##_options,              \
                                                .examples = word##_examples,            \
                                                .settings_size = sizeof(risk_settings), \
                                                .run = run_##word}
#define covariance_options matrix_options
#define correlation_options matrix_options

const assay_cli_verb assay_cli_risk = {
    .name = "risk",
    .summary = "What can be lost, and what moves together.",
    ASSAY_CLI_FAMILY,
};
RISK(var, "Value at risk and expected shortfall.", "Losses are positive.");
RISK(covariance, "The covariance of returns.", "");
RISK(correlation, "The correlation of returns.", "");
RISK(drawdown, "How far and how long it was below its peak.", "Rows count from 1, as in the table without the line of names.");
RISK(performance, "Return, volatility and the ratios of Sharpe, Sortino and Calmar.", "");
RISK(beta, "How much of a market's moves an asset makes.", "");
RISK(stress, "What a shock would do to positions.", "");

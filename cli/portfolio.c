/* SPDX-License-Identifier: MIT */
/* assay portfolio: weights of least risk, out of a table of prices or returns. */
#include <assay/portfolio.h>

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/grid.h"
#include "cli/returns.h"

typedef struct portfolio_settings {
  assay_returns_settings from;
  assay_cli_words bounds, groups, current;
  const char *estimator, *format;
  double decay, risk_free, target, tolerance, low, high, turnover;
  uint64_t points;
  bool zero_mean, json;
} portfolio_settings;

#define AT(field) .at = offsetof(portfolio_settings, field)

typedef struct job {
  assay_cli *cli;
  const portfolio_settings *settings;
  assay_returns from;
  assay_portfolio_problem problem;
  double *weights;
  assay_cli_grid grid;
} job;

/* ---- The problem --------------------------------------------------------------------------------------------------------------------- */

static double *room(const job *j, size_t count, double value, assay_error *err) {
  double *values = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *values);
  if (values == NULL) ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->from.source);
  for (size_t i = 0; values != NULL && i < count; i++) values[i] = value;
  return values;
}

/* "0.1:0.4", "0.1:" or ":0.4"; what is missing stays. */
static bool read_range(assay_cli *cli, const char *text, double *low, double *high) {
  const char *colon = strchr(text, ':');
  if (colon == NULL) return false;
  const char *from = assay_arena_strndup(&cli->arena, text, (size_t)(colon - text));
  if (from == NULL || (from[0] != '\0' && !assay_parse_f64(from, low))) return false;
  return colon[1] == '\0' || assay_parse_f64(colon + 1, high);
}

/* ASSET=LOW:HIGH */
static assay_status read_bounds(const job *j, assay_error *err, double *low, double *high) {
  for (size_t i = 0; i < j->settings->bounds.count; i++) {
    const char *word = j->settings->bounds.items[i], *equals = strrchr(word, '=');
    size_t asset = 0;
    const char *name = equals != NULL ? assay_arena_strndup(&j->cli->arena, word, (size_t)(equals - word)) : NULL;
    assay_status status = name != NULL ? assay_returns_find(&j->from, name, err, &asset) : ASSAY_ERR_INVALID;
    if (name != NULL && status != ASSAY_OK) return status;
    if (name == NULL || !read_range(j->cli, equals + 1, &low[asset], &high[asset]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--bound needs ASSET=LOW:HIGH, such as %s=0.05:0.4, not '%s'", j->from.names[0], word);
  }
  return ASSAY_OK;
}

static assay_status read_members(const job *j, char *text, assay_error *err, assay_portfolio_group *group) {
  size_t *members = assay_arena_alloc(&j->cli->arena, strlen(text) + 1, sizeof *members);
  if (members == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --group");
  group->members = members;
  for (char *rest = text; rest != NULL && *rest != '\0';) {
    char *plus = strchr(rest, '+');
    if (plus != NULL) *plus = '\0';
    assay_status status = assay_returns_find(&j->from, rest, err, &members[group->count]);
    if (status != ASSAY_OK) return status;
    group->count++;
    rest = plus != NULL ? plus + 1 : NULL;
  }
  return ASSAY_OK;
}

/* NAME=A+B+C=LOW:HIGH */
static assay_status read_groups(job *j, assay_error *err) {
  size_t count = j->settings->groups.count;
  assay_portfolio_group *groups = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *groups);
  if (groups == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --group");
  for (size_t i = 0; i < count; i++) {
    const char *word = j->settings->groups.items[i], *first = strchr(word, '='), *last = strrchr(word, '=');
    groups[i] = (assay_portfolio_group){.low = -INFINITY, .high = INFINITY};
    if (first == NULL || last == first || !read_range(j->cli, last + 1, &groups[i].low, &groups[i].high))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--group needs NAME=ASSET+ASSET=LOW:HIGH, such as tech=%s=:0.5, not '%s'", j->from.names[0],
                        word);
    groups[i].name = assay_arena_strndup(&j->cli->arena, word, (size_t)(first - word));
    char *members = assay_arena_strndup(&j->cli->arena, first + 1, (size_t)(last - first - 1));
    if (groups[i].name == NULL || members == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --group");
    assay_status status = read_members(j, members, err, &groups[i]);
    if (status != ASSAY_OK) return status;
  }
  j->problem.groups = groups;
  j->problem.group_count = count;
  return ASSAY_OK;
}

static assay_status find_moments(const job *j, assay_error *err, double *covariance, double *expected) {
  size_t assets = j->from.assets;
  const portfolio_settings *s = j->settings;
  assay_risk_covariance_options options = assay_returns_estimator(s->estimator, s->decay, s->zero_mean);
  for (size_t i = 0; i < j->from.periods; i++)
    for (size_t a = 0; a < assets; a++) expected[a] += j->from.returns[i * assets + a] / (double)j->from.periods;
  return assay_risk_covariance(j->from.returns, j->from.periods, assets, &options, err, covariance, NULL);
}

static assay_status make_problem(job *j, assay_error *err) {
  size_t assets = j->from.assets;
  const portfolio_settings *s = j->settings;
  double *covariance = room(j, assets * assets, 0, err), *expected = room(j, assets, 0, err), *low = room(j, assets, s->low, err),
         *high = room(j, assets, s->high, err), *current = room(j, assets, 0, err);
  if (covariance == NULL || expected == NULL || low == NULL || high == NULL || current == NULL) return ASSAY_ERR_NO_MEMORY;
  if (assay_cli_was_given(j->cli, "turnover") != (s->current.count > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--turnover and --current go together: the one is how far the weights may be from the other");
  j->problem = (assay_portfolio_problem){
      .assets = assets, .covariance = covariance, .expected = expected, .names = j->from.names, .low = low, .high = high};
  assay_status status = find_moments(j, err, covariance, expected);
  if (status == ASSAY_OK) status = read_bounds(j, err, low, high);
  if (status == ASSAY_OK) status = read_groups(j, err);
  if (status == ASSAY_OK) status = assay_returns_pairs(j->cli, &j->from, &s->current, "current", err, current, NULL);
  if (s->current.count > 0) {
    j->problem.current = current;
    j->problem.turnover = s->turnover;
  }
  return status;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------------------------- */

static assay_status with_problem(job *j, assay_error *err) {
  assay_status status = assay_returns_read(j->cli, j->cli->operands[0], &j->settings->from, err, &j->from);
  if (status == ASSAY_OK) status = make_problem(j, err);
  assay_cli_grid_fact(&j->grid, "source", j->from.source, NAN);
  assay_cli_grid_fact(&j->grid, "periods", NULL, (double)j->from.periods);
  assay_cli_grid_fact(&j->grid, "estimator", j->settings->estimator, NAN);
  return status;
}

typedef assay_status (*solver)(const job *j, assay_error *err, double *weights, assay_portfolio_result *result);

static int solve(assay_cli *cli, const void *settings, const char *objective, solver solve_it) {
  static const char *const names[] = {"asset", "weight", "expected_return", "volatility"};
  job j = {.cli = cli, .settings = settings, .grid = {.cli = cli, .names = names, .columns = 4}};
  assay_error err = {0};
  assay_portfolio_result r;
  assay_status status = with_problem(&j, &err);
  double *weights = status == ASSAY_OK ? room(&j, j.from.assets, 0, &err) : NULL;
  if (status == ASSAY_OK) status = weights != NULL ? solve_it(&j, &err, weights, &r) : ASSAY_ERR_NO_MEMORY;
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  for (size_t a = 0; a < j.from.assets; a++) {
    assay_cli_grid_text(&j.grid, j.from.names[a]);
    assay_cli_grid_number(&j.grid, weights[a]);
    assay_cli_grid_number(&j.grid, j.problem.expected[a]);
    assay_cli_grid_number(&j.grid, sqrt(j.problem.covariance[a * (j.from.assets + 1)]));
  }
  assay_cli_grid_fact(&j.grid, "objective", objective, NAN);
  assay_cli_grid_fact(&j.grid, "expected_return", NULL, r.expected_return);
  assay_cli_grid_fact(&j.grid, "volatility", NULL, r.volatility);
  assay_cli_grid_fact(&j.grid, "sharpe", NULL, r.sharpe);
  assay_cli_grid_fact(&j.grid, "held", NULL, (double)r.held);
  assay_cli_grid_fact(&j.grid, "kkt", NULL, r.kkt);
  assay_returns_say_left_out(cli, &j.from);
  return assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, "assay-portfolio/1", "weights");
}

static assay_status minimum_variance(const job *j, assay_error *err, double *weights, assay_portfolio_result *result) {
  return assay_portfolio_minimum_variance(&j->problem, err, weights, result);
}
static assay_status maximum_sharpe(const job *j, assay_error *err, double *weights, assay_portfolio_result *result) {
  return assay_portfolio_maximum_sharpe(&j->problem, j->settings->risk_free, err, weights, result);
}
static assay_status risk_parity(const job *j, assay_error *err, double *weights, assay_portfolio_result *result) {
  return assay_portfolio_risk_parity(&j->problem, NULL, err, weights, result);
}
static assay_status target_return(const job *j, assay_error *err, double *weights, assay_portfolio_result *result) {
  return assay_portfolio_target_return(&j->problem, j->settings->target, err, weights, result);
}

static assay_status mean_variance(const job *j, assay_error *err, double *weights, assay_portfolio_result *result) {
  return assay_portfolio_mean_variance(&j->problem, j->settings->tolerance, err, weights, result);
}

static int run_minimum_variance(assay_cli *cli, const void *s) { return solve(cli, s, "minimum-variance", minimum_variance); }
static int run_maximum_sharpe(assay_cli *cli, const void *s) { return solve(cli, s, "maximum-sharpe", maximum_sharpe); }
static int run_risk_parity(assay_cli *cli, const void *s) { return solve(cli, s, "risk-parity", risk_parity); }
static int run_mean_variance(assay_cli *cli, const void *s) { return solve(cli, s, "mean-variance", mean_variance); }
static int run_target_return(assay_cli *cli, const void *s) { return solve(cli, s, "target-return", target_return); }

/* A row a portfolio, from the one of least variance to that of the largest return. */
static int run_frontier(assay_cli *cli, const void *settings) {
  enum { FIGURES = 3 };
  job j = {.cli = cli, .settings = settings, .grid = {.cli = cli}};
  assay_error err = {0};
  size_t points = (size_t)j.settings->points;
  assay_status status = with_problem(&j, &err);
  double *weights = status == ASSAY_OK ? room(&j, points * j.from.assets, 0, &err) : NULL;
  const char **names = assay_arena_alloc(&cli->arena, j.from.assets + FIGURES, sizeof *names);
  assay_portfolio_result *results = assay_arena_alloc(&cli->arena, points, sizeof *results);
  if (status == ASSAY_OK && (weights == NULL || names == NULL || results == NULL))
    status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the frontier");
  if (status == ASSAY_OK) status = assay_portfolio_frontier(&j.problem, points, &err, weights, results);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  names[0] = "expected_return", names[1] = "volatility", names[2] = "sharpe";
  for (size_t a = 0; a < j.from.assets; a++) names[FIGURES + a] = j.from.names[a];
  j.grid.names = names;
  j.grid.columns = FIGURES + j.from.assets;
  j.grid.given = "weights", j.grid.given_from = FIGURES;
  for (size_t i = 0; i < points; i++) {
    assay_cli_grid_number(&j.grid, results[i].expected_return);
    assay_cli_grid_number(&j.grid, results[i].volatility);
    assay_cli_grid_number(&j.grid, results[i].sharpe);
    for (size_t a = 0; a < j.from.assets; a++) assay_cli_grid_number(&j.grid, weights[i * j.from.assets + a]);
  }
  assay_returns_say_left_out(cli, &j.from);
  return assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, "assay-frontier/1", "portfolios");
}

/* ---- The verbs ----------------------------------------------------------------------------------------------------------------------- */

#define PROBLEM                                                                                                              \
  ASSAY_RETURNS_OPTIONS(portfolio_settings), {"estimator",    'e',                                                           \
                                              ASSAY_CLI_TEXT, "NAME",                                                        \
                                              "sample",       .choices = assay_returns_estimators,                           \
                                              AT(estimator),  .help = "Of the covariance."},                                 \
      {"decay",                                                                                                              \
       0,                                                                                                                    \
       ASSAY_CLI_REAL,                                                                                                       \
       "D",                                                                                                                  \
       "0.94",                                                                                                               \
       .low = 0.01,                                                                                                          \
       .high = 0.9999,                                                                                                       \
       AT(decay),                                                                                                            \
       .help = "Weight of a period against the next one: ewma."},                                                            \
      {"zero-mean", 0, ASSAY_CLI_FLAG, AT(zero_mean), .help = "Deviations from 0 instead of from the mean."},                \
      {"low", 0, ASSAY_CLI_REAL, "W", "0", AT(low), .help = "Least weight of every asset; below 0 allows short positions."}, \
      {"high", 0, ASSAY_CLI_REAL, "W", "1", AT(high), .help = "Largest weight of every asset."},                             \
      {"bound", 'b', ASSAY_CLI_REPEAT, "ASSET=LOW:HIGH", AT(bounds), .help = "Of one asset; either may be left out."},       \
      {"group", 'g', ASSAY_CLI_REPEAT, "NAME=A+B=LOW:HIGH", AT(groups), .help = "Of the sum of some assets' weights."},      \
      {"current", 0, ASSAY_CLI_WORDS, "ASSET=W", AT(current), .help = "Weights now, with --turnover."}, {                    \
    "turnover", 0, ASSAY_CLI_REAL, "T", .low = 0, .high = 1e9, AT(turnover),                                                 \
                                        .help = "Most that all weights may change, added up; any when not given."            \
  }
#define OUT ASSAY_CLI_GRID_OPTIONS(portfolio_settings)

static const assay_cli_option minimum_variance_options[] = {PROBLEM, OUT, ASSAY_CLI_END};
static const assay_cli_option risk_parity_options[] = {PROBLEM, OUT, ASSAY_CLI_END};
static const assay_cli_option maximum_sharpe_options[] = {
    PROBLEM, {"risk-free", 0, ASSAY_CLI_REAL, "R", "0", AT(risk_free), .help = "Return per period without risk."}, OUT, ASSAY_CLI_END};
static const assay_cli_option target_return_options[] = {
    PROBLEM,
    {"return", 0, ASSAY_CLI_REAL, "R", .needed = true, AT(target), .help = "Expected return per period, at least."},
    OUT,
    ASSAY_CLI_END};
static const assay_cli_option mean_variance_options[] = {
    PROBLEM,
    {"tolerance", 't', ASSAY_CLI_REAL, "T", "1", .low = 0, .high = 1e12, AT(tolerance),
     .help = "What a unit of return is worth against half a unit of variance; 0: least variance."},
    OUT,
    ASSAY_CLI_END};
static const assay_cli_option frontier_options[] = {
    PROBLEM,
    {"points", 'n', ASSAY_CLI_UNSIGNED, "N", "20", .low = 2, .high = 10000, AT(points), .help = "How many portfolios."},
    OUT,
    ASSAY_CLI_END};

static const assay_cli_example minimum_variance_examples[] = {
    {"none above 40 %, two of them together at most half",
     "portfolio minimum-variance stocks.csv --by symbol --high 0.4 --group tech=MSFT+AAPL=:0.5"},
    {0}};
static const assay_cli_example maximum_sharpe_examples[] = {
    {"with a shrunk covariance, for another program",
     "portfolio maximum-sharpe stocks.csv --by symbol -e ledoit-wolf --risk-free 0.002 --json"},
    {0}};
static const assay_cli_example risk_parity_examples[] = {{"equal shares of the risk", "portfolio risk-parity stocks.csv --by symbol"}, {0}};
static const assay_cli_example target_return_examples[] = {{"2 % a period", "portfolio target-return stocks.csv --by symbol --return 0.02"},
                                                           {0}};
static const assay_cli_example mean_variance_examples[] = {{"cautious", "portfolio mean-variance stocks.csv --by symbol --tolerance 0.1"},
                                                           {0}};
static const assay_cli_example frontier_examples[] = {{"as CSV", "portfolio frontier stocks.csv --by symbol --points 50 --format csv"},
                                                      {0}};

#define TABLE                                                                                                                             \
  "FILE is CSV with a line of names: a column an asset, rows one way in time; or with --by a row for each asset and date. Rows in "       \
  "which an asset has no number are left out, and how many is said. Weights add up to 1; returns and volatilities are per period of the " \
  "table. Constraints that contradict each other are named."
#define PORTFOLIO(word, words, does)                                                              \
  const assay_cli_verb assay_cli_portfolio_##word = {.name = "portfolio " words,                  \
                                                     .summary = does,                             \
                                                     .details = TABLE,                            \
                                                     .operands = "FILE|-",                        \
                                                     .operands_least = 1,                         \
                                                     .operands_most = 1,                          \
                                                     .operand_hint = ASSAY_CLI_FILE,              \
                                                     .options = word##_options,                   \
                                                     .examples = word##_examples,                 \
                                                     .settings_size = sizeof(portfolio_settings), \
                                                     .run = run_##word}

const assay_cli_verb assay_cli_portfolio = {
    .name = "portfolio",
    .summary = "Weights of least risk, under constraints.",
    ASSAY_CLI_FAMILY,
};
PORTFOLIO(minimum_variance, "minimum-variance", "Least variance.");
PORTFOLIO(maximum_sharpe, "maximum-sharpe", "The largest return for its risk.");
PORTFOLIO(risk_parity, "risk-parity", "Every asset carries the same share of the risk.");
PORTFOLIO(target_return, "target-return", "Least variance with at least some return.");
PORTFOLIO(mean_variance, "mean-variance", "The most return for the variance that one tolerates.");
PORTFOLIO(frontier, "frontier", "All efficient portfolios, from the calmest to the one that earns most.");

/* SPDX-License-Identifier: MIT */
/* assay price, by Monte Carlo: the payoffs that depend on the path, and all others when asked. */
#include <assay/montecarlo.h>
#include <assay/risk.h>

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/price.h"

const char *const assay_price_models[] = {"gbm", "merton", "heston", NULL};
const char *const assay_price_precisions[] = {"f64", "f32", NULL};
const char *const assay_price_samplings[] = {"pseudo", "sobol", NULL};
static const char *const averages[] = {"arithmetic", "geometric", NULL};
static const char *const barrier_kinds[] = {"down-out", "up-out", "down-in", "up-in", NULL};
static const char *const watches[] = {"continuous", "steps", NULL};
static const char *const styles[] = {"fixed", "floating", NULL};
static const char *const simulated_only[] = {"montecarlo", NULL};

/* Place of a word in a list of choices that it was checked against; 0 where a verb has no such option. */
static int place_of(const char *const *choices, const char *word) {
  for (int i = 0; word != NULL && choices[i] != NULL; i++)
    if (strcmp(choices[i], word) == 0) return i;
  return 0;
}

static assay_mc_payoff payoff_of(const assay_price_settings *s, const char *payoff) {
  static const struct {
    const char *name;
    assay_mc_payoff payoff;
  } names[] = {{"european", ASSAY_MC_EUROPEAN}, {"digital", ASSAY_MC_DIGITAL}, {"barrier", ASSAY_MC_BARRIER},
               {"american", ASSAY_MC_AMERICAN}, {"basket", ASSAY_MC_BASKET},   {"spread", ASSAY_MC_BASKET}};
  if (strcmp(payoff, "asian") == 0) return place_of(averages, s->average) == 1 ? ASSAY_MC_ASIAN_GEOMETRIC : ASSAY_MC_ASIAN_ARITHMETIC;
  if (strcmp(payoff, "lookback") == 0) return place_of(styles, s->style) == 1 ? ASSAY_MC_LOOKBACK_FLOATING : ASSAY_MC_LOOKBACK_FIXED;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].name, payoff) == 0) return names[i].payoff;
  return ASSAY_MC_EUROPEAN;
}

/* ---- Several assets ------------------------------------------------------------------------------------------------------------------ */

static assay_status read_numbers(assay_cli *cli, const assay_cli_words *words, const char *option, size_t count, assay_error *err,
                                 const double **numbers) {
  double *made = assay_arena_alloc(&cli->arena, count + 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --%s", option);
  if (words->count != count)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s has %zu number%s and --spot's assets need %zu", option, words->count,
                      words->count == 1 ? "" : "s", count);
  for (size_t i = 0; i < count; i++)
    if (!assay_parse_f64(words->items[i], &made[i]) || !isfinite(made[i]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs numbers with commas between, not '%s'", option, words->items[i]);
  *numbers = made;
  return ASSAY_OK;
}

/* The whole matrix, row by row, or one number for every pair. */
static assay_status read_correlations(assay_cli *cli, const assay_price_settings *s, size_t assets, assay_error *err,
                                      const double **correlations) {
  double *made = assay_arena_alloc(&cli->arena, assets * assets, sizeof *made), one = 0;
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --correlation");
  if (assets > 1 && s->correlations.count == assets * assets)
    return read_numbers(cli, &s->correlations, "correlation", assets * assets, err, correlations);
  if (s->correlations.count != 1 || !assay_parse_f64(s->correlations.items[0], &one) || !(one >= -1 && one <= 1))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "--correlation needs one number from -1 to 1 for all pairs, or the whole matrix of %zu, row by row", assets * assets);
  for (size_t i = 0; i < assets * assets; i++) made[i] = i % (assets + 1) == 0 ? 1 : one;
  *correlations = made;
  return ASSAY_OK;
}

/* Correlations that contradict each other become the nearest ones that do not; `distance`, in the Frobenius norm, says how far that is. */
static assay_status take_nearest(assay_cli *cli, size_t assets, assay_error *err, const double **correlations, double *distance) {
  double *made = assay_arena_alloc(&cli->arena, assets * assets, sizeof *made);
  assay_risk_nearest_info info;
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --nearest");
  assay_status status = assay_risk_nearest_correlation(*correlations, assets, NULL, err, made, &info);
  if (status != ASSAY_OK) return status;
  *correlations = made;
  *distance = info.distance;
  return ASSAY_OK;
}

static assay_status take_assets(assay_cli *cli, const assay_price_settings *s, const char *payoff, assay_error *err,
                                assay_mc_params *params, double *distance) {
  static const double spread[] = {1, -1};
  size_t assets = s->spots.count;
  bool is_spread = strcmp(payoff, "spread") == 0;
  if (assets == 0 || assets > ASSAY_MC_MAX_ASSETS || (is_spread && assets != 2))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      is_spread ? "a spread is between two assets: --spot S1,S2" : "--spot needs 1 to %d prices with commas between",
                      ASSAY_MC_MAX_ASSETS);
  params->assets = (uint32_t)assets;
  assay_status status = read_numbers(cli, &s->spots, "spot", assets, err, &params->spots);
  if (status == ASSAY_OK) status = read_numbers(cli, &s->volatilities, "volatility", assets, err, &params->volatilities);
  if (status == ASSAY_OK && s->dividends.count > 0) status = read_numbers(cli, &s->dividends, "dividend", assets, err, &params->dividends);
  if (status == ASSAY_OK && s->weights.count > 0) status = read_numbers(cli, &s->weights, "weights", assets, err, &params->weights);
  if (is_spread) params->weights = spread;
  if (status == ASSAY_OK) status = read_correlations(cli, s, assets, err, &params->correlations);
  if (status == ASSAY_OK && s->nearest) status = take_nearest(cli, assets, err, &params->correlations, distance);
  return status;
}

/* ---- The simulation ------------------------------------------------------------------------------------------------------------------ */

static assay_mc_params params_of(const assay_price_settings *s, const char *payoff) {
  return (assay_mc_params){.model = (assay_mc_model)place_of(assay_price_models, s->model),
                           .payoff = payoff_of(s, payoff),
                           .put = strcmp(s->type, "put") == 0,
                           .spot = s->spot,
                           .strike = s->strike,
                           .time = s->time,
                           .rate = s->rate,
                           .dividend = s->dividend,
                           .volatility = s->volatility,
                           .steps = (uint32_t)s->steps,
                           .payout = s->payout,
                           .barrier = s->barrier,
                           .barrier_kind = (assay_mc_barrier)place_of(barrier_kinds, s->barrier_kind),
                           .watch = (assay_mc_watch)place_of(watches, s->watch),
                           .jump_rate = s->jump_rate,
                           .jump_mean = s->jump_mean,
                           .jump_volatility = s->jump_volatility,
                           .variance = s->variance,
                           .long_variance = s->long_variance,
                           .reversion = s->reversion,
                           .variance_volatility = s->variance_volatility,
                           .correlation = s->correlation,
                           .paths = s->paths,
                           .seed = s->seed,
                           .precision = (assay_mc_precision)place_of(assay_price_precisions, s->precision),
                           .sampling = (assay_mc_sampling)place_of(assay_price_samplings, s->sampling),
                           .antithetic = s->antithetic,
                           .control = s->control,
                           .greeks = !s->no_greeks,
                           .upper_bound = s->upper_bound,
                           .exercise_loss = payoff_of(s, payoff) == ASSAY_MC_AMERICAN,
                           .target_error = s->target_error,
                           .level = s->level,
                           .device = s->device};
}

static void add_greek(assay_price_answer *a, const char *name, const assay_mc_greek *greek) {
  if (greek->method != ASSAY_MC_NO_METHOD)
    assay_price_add_greek(a, name, greek->value, greek->standard_error, assay_mc_method_text(greek->method));
}

static assay_price_greek greek_of(const char *name, const assay_mc_greek *greek) {
  return (assay_price_greek){name, greek->value, greek->standard_error, assay_mc_method_text(greek->method)};
}

int assay_price_simulate(assay_cli *cli, const assay_price_settings *s, const char *payoff) {
  assay_error err = {0};
  assay_mc_params params = params_of(s, payoff);
  assay_mc_result r;
  double distance = NAN; /* that --nearest has moved the correlations */
  assay_status status =
      params.payoff == ASSAY_MC_BASKET ? take_assets(cli, s, payoff, &err, &params, &distance) : assay_price_check(cli, s, &err);
  if (params.greeks && params.paths > 0 && params.paths < ASSAY_MC_GREEKS_MIN_PATHS) {
    params.greeks = false;
    if (status == ASSAY_OK)
      assay_cli_note(cli, "no Greeks: their errors need %d paths, and --paths is %llu", ASSAY_MC_GREEKS_MIN_PATHS,
                     (unsigned long long)params.paths);
  }
  if (status == ASSAY_OK) status = assay_mc_price(&params, &err, &r);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_price_answer a = {.payoff = payoff,
                          .method = "montecarlo",
                          .how = "Monte Carlo",
                          .price = r.price,
                          .standard_error = r.standard_error,
                          .low = r.low,
                          .high = r.high,
                          .level = r.level,
                          .device = r.device,
                          .reason = r.reason[0] != '\0' ? r.reason : NULL};
  add_greek(&a, "delta", &r.greeks.delta);
  add_greek(&a, "gamma", &r.greeks.gamma);
  add_greek(&a, "vega", &r.greeks.vega);
  add_greek(&a, "theta", &r.greeks.theta);
  add_greek(&a, "rho", &r.greeks.rho);
  assay_price_asset assets[ASSAY_MC_MAX_ASSETS];
  for (size_t j = 0; j < r.assets; j++) {
    assets[j] = (assay_price_asset){greek_of("delta", &r.by_asset[j].delta), greek_of("gamma", &r.by_asset[j].gamma),
                                    greek_of("vega", &r.by_asset[j].vega)};
  }
  a.assets = assets, a.asset_count = r.assets;
  if (r.assets > 1) add_greek(&a, "correlation", &r.correlation);
  if (isfinite(distance)) assay_price_add_fact(&a, "correlation_distance", distance, NULL);
  if (isfinite(r.exercise_loss)) assay_price_add_fact(&a, "exercise_loss", r.exercise_loss, NULL);
  if (isfinite(r.upper_bound)) assay_price_add_fact(&a, "upper_bound", r.upper_bound, NULL);
  if (isfinite(r.upper_bound)) assay_price_add_fact(&a, "upper_bound_error", r.upper_bound_error, NULL);
  assay_price_add_count(&a, "paths", r.paths);
  if (r.greeks_paths > 0 && r.greeks_paths < r.paths) assay_price_add_count(&a, "greeks_paths", r.greeks_paths);
  assay_price_add_count(&a, "steps", r.steps);
  assay_price_add_count(&a, "seed", s->seed);
  if (r.replicates > 0) assay_price_add_fact(&a, "replicates", r.replicates, NULL);
  if (isfinite(r.control_coefficient)) assay_price_add_fact(&a, "control_coefficient", r.control_coefficient, NULL);
  if (isfinite(r.variance_ratio)) assay_price_add_fact(&a, "variance_ratio", r.variance_ratio, NULL);
  if (s->target_error > 0) assay_price_add_fact(&a, "target_reached", 0, r.reached ? "yes" : "no");
  if (s->target_error > 0 && !r.reached)
    assay_cli_note(cli, "the standard error is %g, not the %g that was aimed at: --paths allows no more", r.standard_error,
                   s->target_error);
  if (r.isa[0] != '\0') assay_price_add_fact(&a, "isa", 0, r.isa);
  assay_price_add_fact(&a, "seconds", r.seconds, NULL);
  return assay_price_show(cli, s, &a);
}

/* ---- The verbs ----------------------------------------------------------------------------------------------------------------------- */

static int run_asian(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "asian"); }
static int run_barrier(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "barrier"); }
static int run_digital(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "digital"); }
static int run_lookback(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "lookback"); }
static int run_basket(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "basket"); }
static int run_spread(assay_cli *cli, const void *s) { return assay_price_simulate(cli, s, "spread"); }

/* Of one asset; what is paid comes between. */
#define ONE_ASSET ASSAY_PRICE_TYPE, ASSAY_PRICE_SPOT, ASSAY_PRICE_STRIKE, ASSAY_PRICE_TIME, ASSAY_PRICE_RATES, ASSAY_PRICE_VOLATILITY
#define METHOD \
  { "method", 'm', ASSAY_CLI_TEXT, "METHOD", "montecarlo", .choices = simulated_only, ASSAY_PRICE_AT(method), .help = "How." }
#define PATH_STEPS                                                                                                         \
  {                                                                                                                        \
    "steps", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = ASSAY_MC_MAX_STEPS, ASSAY_PRICE_AT(steps),                 \
                                              .help = "Of each path; 0: as many as the payoff needs (252 for an average)." \
  }
#define REST METHOD, PATH_STEPS, ASSAY_PRICE_MODEL, ASSAY_PRICE_SIMULATION, ASSAY_PRICE_JSON, ASSAY_CLI_END
#define WATCH                                                                                             \
  {                                                                                                       \
    "watch", 0, ASSAY_CLI_TEXT, "WHEN", "continuous",                                                     \
        .choices = watches, ASSAY_PRICE_AT(watch),                                                        \
        .help = "Always (what happens between steps is drawn without error), or at the end of each step." \
  }

static const assay_cli_option asian_options[] = {ONE_ASSET,
                                                 {"average", 0, ASSAY_CLI_TEXT, "MEAN", "arithmetic", .choices = averages,
                                                  ASSAY_PRICE_AT(average), .help = "Of the prices after each step."},
                                                 REST};
static const assay_cli_option barrier_options[] = {
    ONE_ASSET,
    {"barrier", 'b', ASSAY_CLI_REAL, "PRICE", .needed = true, ASSAY_PRICE_AT(barrier), .help = "The price that ends or begins the option."},
    {"barrier-kind", 0, ASSAY_CLI_TEXT, "KIND", "down-out", .choices = barrier_kinds, ASSAY_PRICE_AT(barrier_kind),
     .help = "From which side it is touched, and whether the option ends (out) or begins (in) then."},
    WATCH,
    REST};
static const assay_cli_option digital_options[] = {
    ONE_ASSET, {"payout", 0, ASSAY_CLI_REAL, "MONEY", "1", ASSAY_PRICE_AT(payout), .help = "Paid beyond the strike."}, REST};
static const assay_cli_option lookback_options[] = {
    ASSAY_PRICE_TYPE,
    ASSAY_PRICE_SPOT,
    {"strike", 'k', ASSAY_CLI_REAL, "PRICE", ASSAY_PRICE_AT(strike), .help = "With --style fixed: the price of exercise."},
    ASSAY_PRICE_TIME,
    ASSAY_PRICE_RATES,
    ASSAY_PRICE_VOLATILITY,
    {"style", 0, ASSAY_CLI_TEXT, "STYLE", "fixed", .choices = styles, ASSAY_PRICE_AT(style),
     .help = "The extreme against the strike, or the end against the extreme."},
    WATCH,
    REST};

#define SEVERAL                                                                                                                \
  ASSAY_PRICE_TYPE,                                                                                                            \
      {"spot", 's', ASSAY_CLI_WORDS, "PRICES", .needed = true, ASSAY_PRICE_AT(spots), .help = "The underlyings' prices now."}, \
      ASSAY_PRICE_STRIKE, ASSAY_PRICE_TIME, ASSAY_PRICE_RATE,                                                                  \
      {"volatility",                                                                                                           \
       'v',                                                                                                                    \
       ASSAY_CLI_WORDS,                                                                                                        \
       "VOLATILITIES",                                                                                                         \
       .needed = true,                                                                                                         \
       ASSAY_PRICE_AT(volatilities),                                                                                           \
       .help = "One an asset, a year, as fractions."},                                                                         \
      {"dividend", 0, ASSAY_CLI_WORDS, "RATES", ASSAY_PRICE_AT(dividends), .help = "One an asset; 0 when not given."},         \
      {"nearest", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(nearest),                                                                  \
       .help = "Correlations that contradict each other: take the nearest ones that do not."},                                 \
  {                                                                                                                            \
    "correlation", 0, ASSAY_CLI_WORDS, "R", "0", ASSAY_PRICE_AT(correlations),                                                 \
        .help = "One number for all pairs, or the matrix row by row."                                                          \
  }
#define SEVERAL_REST METHOD, PATH_STEPS, ASSAY_PRICE_SIMULATION, ASSAY_PRICE_JSON, ASSAY_CLI_END
static const assay_cli_option basket_options[] = {
    SEVERAL,
    {"weights", 'w', ASSAY_CLI_WORDS, "W", ASSAY_PRICE_AT(weights), .help = "One an asset; equal shares when not given."},
    SEVERAL_REST};
static const assay_cli_option spread_options[] = {SEVERAL, SEVERAL_REST};

#define MARKET "--spot 100 --strike 110 --time 0.25 --rate 0.05 --volatility 0.2"
static const assay_cli_example asian_examples[] = {{"on the mean of the daily closes of a year, with the geometric mean as control",
                                                    "price asian --spot 100 --strike 100 --time 1 --rate 0.05 --volatility 0.2 --control"},
                                                   {0}};
static const assay_cli_example barrier_examples[] = {
    {"a put that ends when the price falls to 80", "price barrier --type put " MARKET " --barrier 80"}, {0}};
static const assay_cli_example digital_examples[] = {{"10 beyond the strike", "price digital " MARKET " --payout 10"}, {0}};
static const assay_cli_example lookback_examples[] = {
    {"the right to buy at the lowest price", "price lookback --style floating --spot 100 --time 1 --rate 0.05 --volatility 0.2"}, {0}};
static const assay_cli_example basket_examples[] = {
    {"on the mean of three",
     "price basket --spot 100,90,110 --volatility 0.2,0.3,0.25 --correlation 0.5 --strike 100 --time 1 --rate 0.05"},
    {0}};
static const assay_cli_example spread_examples[] = {
    {"on the difference of two", "price spread --spot 100,96 --volatility 0.2,0.3 --correlation 0.8 --strike 4 --time 1 --rate 0.05"}, {0}};

#define SIMULATED                                                                                                                       \
  "Simulated: the price comes with its standard error and Greeks from the same paths, the same to the last bit on every device. Rates " \
  "and volatilities are a year, as fractions."
#define SIMULATED_VERB(word, does)                                                              \
  const assay_cli_verb assay_cli_price_##word = {.name = "price " #word,                        \
                                                 .summary = does,                               \
                                                 .details = SIMULATED,                          \
                                                 .options = word##_options,                     \
                                                 .examples = word##_examples,                   \
                                                 .settings_size = sizeof(assay_price_settings), \
                                                 .run = run_##word}

SIMULATED_VERB(asian, "An option on the mean of the prices on its way.");
SIMULATED_VERB(barrier, "An option that ends or begins at a barrier.");
SIMULATED_VERB(digital, "A fixed sum beyond the strike.");
SIMULATED_VERB(lookback, "An option on the highest or lowest price.");
SIMULATED_VERB(basket, "An option on the weighted sum of several assets.");
SIMULATED_VERB(spread, "An option on the difference of two assets.");

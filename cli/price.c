/* SPDX-License-Identifier: MIT */
/* assay price european, american and implied: one option, by a formula or a tree. */
#include "cli/price.h"

#include <math.h>
#include <string.h>

const char *const assay_price_types[] = {"call", "put", NULL};

/* ---- One option ---------------------------------------------------------------------------------------------------------------------- */

assay_option assay_price_option(const assay_price_settings *s) {
  return (assay_option){.kind = strcmp(s->type, "put") == 0 ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL,
                        .spot = s->spot,
                        .strike = s->strike,
                        .time = s->time,
                        .rate = s->rate,
                        .dividend = s->dividend,
                        .volatility = s->volatility};
}

static assay_price_answer answer_of(const char *payoff, const char *method, const char *how) {
  return (assay_price_answer){
      .payoff = payoff, .method = method, .how = how, .standard_error = NAN, .low = NAN, .high = NAN, .level = NAN, .device = "cpu"};
}

static void add_all_greeks(assay_price_answer *a, const assay_option_greeks *g) {
  const struct {
    const char *name;
    double value;
  } rows[] = {{"delta", g->delta}, {"gamma", g->gamma}, {"vega", g->vega},   {"theta", g->theta},
              {"rho", g->rho},     {"vanna", g->vanna}, {"volga", g->volga}, {"charm", g->charm}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assay_price_add_greek(a, rows[i].name, rows[i].value, NAN, NULL);
}

static int price_closed(assay_cli *cli, const assay_price_settings *s) {
  assay_error err = {0};
  assay_option option = assay_price_option(s);
  assay_option_greeks greeks;
  assay_price_answer a = answer_of("european", "closed-form", "the closed form of Black, Scholes and Merton");
  if (assay_option_price(&option, &err, &a.price, &greeks) != ASSAY_OK) return assay_cli_fail(cli, &err);
  add_all_greeks(&a, &greeks);
  return assay_price_show(cli, s, &a);
}

enum { USUAL_STEPS = 1001 };

static int price_tree(assay_cli *cli, const assay_price_settings *s, const char *payoff, assay_exercise exercise) {
  assay_error err = {0};
  assay_option option = assay_price_option(s);
  bool crr = strcmp(s->tree, "crr") == 0;
  assay_tree tree = {.method = crr ? ASSAY_TREE_CRR : ASSAY_TREE_LEISEN_REIMER,
                     .exercise = exercise,
                     .steps = s->steps != 0 ? (uint32_t)s->steps : USUAL_STEPS};
  assay_tree_greeks g;
  assay_price_answer a = answer_of(payoff, "tree", crr ? "a tree of Cox, Ross and Rubinstein" : "a binomial tree of Leisen and Reimer");
  if (assay_tree_price(&option, &tree, &err, &a.price, &g) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_price_add_greek(&a, "delta", g.delta, NAN, NULL);
  assay_price_add_greek(&a, "gamma", g.gamma, NAN, NULL);
  assay_price_add_greek(&a, "vega", g.vega, NAN, NULL);
  assay_price_add_greek(&a, "theta", g.theta, NAN, NULL);
  assay_price_add_greek(&a, "rho", g.rho, NAN, NULL);
  assay_price_add_count(&a, "steps", crr ? tree.steps : tree.steps | 1); /* Leisen and Reimer's are odd */
  return assay_price_show(cli, s, &a);
}

/* ---- What the verbs share ------------------------------------------------------------------------------------------------------------ */

static const char *const trees[] = {"leisen-reimer", "crr", NULL};
#define STEPS                                                                                                                   \
  {                                                                                                                             \
    "steps", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = ASSAY_TREE_MAX_STEPS, ASSAY_PRICE_AT(steps),                    \
                                              .help = "Of the tree (0: 1001) or of each path (0: as many as the payoff needs)." \
  }
#define TREE \
  { "tree", 0, ASSAY_CLI_TEXT, "KIND", "leisen-reimer", .choices = trees, ASSAY_PRICE_AT(tree), .help = "How the tree is built." }

#define MARKET "--spot 100 --strike 110 --time 0.25 --rate 0.05"
#define UNITS "Rates and volatilities are a year, as fractions; Greeks are by a whole unit, theta by a year of passing time. "
#define TABLE                                                                                                                          \
  "FILE is CSV with a line of names; its columns type (call, put), spot, strike, time, rate, dividend, volatility and price take the " \
  "place of the options of these names, and its rows come back with the answers behind them; `problem` says why a row has none."

const assay_cli_verb assay_cli_price = {
    .name = "price",
    .summary = "Price options, with their Greeks.",
    ASSAY_CLI_FAMILY,
};

/* ---- european ------------------------------------------------------------------------------------------------------------------------ */

static int run_european(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  bool closed = strcmp(s->method, "closed-form") == 0 && strcmp(s->model, "gbm") == 0;
  if (cli->operand_count > 0 && !closed) {
    assay_error err = {0};
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "a table of options is priced in closed form: leave --method %s out", s->method);
    return assay_cli_fail(cli, &err);
  }
  if (cli->operand_count > 0) return assay_price_table(cli, s, false);
  assay_error err = {0};
  if (assay_price_check(cli, s, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (strcmp(s->method, "montecarlo") == 0 || strcmp(s->model, "gbm") != 0) return assay_price_simulate(cli, s, "european");
  return closed ? price_closed(cli, s) : price_tree(cli, s, "european", ASSAY_EXERCISE_EUROPEAN);
}

static const char *const european_methods[] = {"closed-form", "tree", "montecarlo", NULL};
static const assay_cli_option european_options[] = {ASSAY_PRICE_TYPE,
                                                    ASSAY_PRICE_SPOT,
                                                    ASSAY_PRICE_STRIKE,
                                                    ASSAY_PRICE_TIME,
                                                    ASSAY_PRICE_RATES,
                                                    ASSAY_PRICE_VOLATILITY,
                                                    {"method", 'm', ASSAY_CLI_TEXT, "METHOD", "closed-form", .choices = european_methods,
                                                     ASSAY_PRICE_AT(method), .help = "How; a model other than gbm is simulated."},
                                                    TREE,
                                                    STEPS,
                                                    ASSAY_PRICE_MODEL,
                                                    ASSAY_PRICE_SIMULATION,
                                                    ASSAY_PRICE_JSON,
                                                    ASSAY_CLI_END};
static const assay_cli_example european_examples[] = {
    {"the price and all its Greeks", "price european " MARKET " --volatility 0.2"},
    {"a put, by a tree, for another program", "price european --type put " MARKET " --volatility 0.2 --method tree --json"},
    {"every row of a table with the columns spot, strike, time, ...", "price european options.csv --rate 0.05 > priced.csv"},
    {0}};
const assay_cli_verb assay_cli_price_european = {
    .name = "price european",
    .summary = "An option that is exercised at its end only.",
    .details = UNITS TABLE,
    .operands = "[FILE]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = european_options,
    .examples = european_examples,
    .settings_size = sizeof(assay_price_settings),
    .run = run_european,
};

/* ---- american ------------------------------------------------------------------------------------------------------------------------ */

static int run_american(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  assay_error err = {0};
  if (assay_price_check(cli, s, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (strcmp(s->method, "montecarlo") == 0 || strcmp(s->model, "gbm") != 0) return assay_price_simulate(cli, s, "american");
  return price_tree(cli, s, "american", ASSAY_EXERCISE_AMERICAN);
}

static const char *const american_methods[] = {"tree", "montecarlo", NULL};
static const assay_cli_option american_options[] = {
    ASSAY_PRICE_TYPE,
    ASSAY_PRICE_SPOT,
    ASSAY_PRICE_STRIKE,
    ASSAY_PRICE_TIME,
    ASSAY_PRICE_RATES,
    ASSAY_PRICE_VOLATILITY,
    {"method", 'm', ASSAY_CLI_TEXT, "METHOD", "tree", .choices = american_methods, ASSAY_PRICE_AT(method),
     .help = "How; a model other than gbm is simulated."},
    TREE,
    STEPS,
    ASSAY_PRICE_MODEL,
    {"upper-bound", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(upper_bound),
     .help = "With --method montecarlo, whose price is a lower bound: an upper one beside it."},
    ASSAY_PRICE_SIMULATION,
    ASSAY_PRICE_JSON,
    ASSAY_CLI_END};
static const assay_cli_example american_examples[] = {
    {"a put that may be exercised early", "price american --type put " MARKET " --volatility 0.2"},
    {"with jumps", "price american --type put " MARKET " --volatility 0.2 --model merton --jump-rate 1 --jump-volatility 0.1"},
    {0}};
const assay_cli_verb assay_cli_price_american = {
    .name = "price american",
    .summary = "An option that may be exercised at any time.",
    .details = UNITS,
    .options = american_options,
    .examples = american_examples,
    .settings_size = sizeof(assay_price_settings),
    .run = run_american,
};

/* ---- implied ------------------------------------------------------------------------------------------------------------------------- */

static int run_implied(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  assay_error err = {0};
  if (cli->operand_count > 0) return assay_price_table(cli, s, true);
  assay_option option = assay_price_option(s);
  double volatility = 0;
  if (assay_option_implied_volatility(&option, s->price, &err, &volatility) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_buf out = {0};
  if (s->json) {
    assay_json json = {.out = &out, .indent = 2};
    assay_json_object(&json);
    assay_json_put_string(&json, "schema", "assay-implied-volatility/1");
    assay_json_put_string(&json, "type", s->type);
    assay_json_put_double(&json, "price", s->price);
    assay_json_put_double(&json, "volatility", volatility);
    assay_json_end(&json);
  } else {
    assay_buf_double(&out, volatility);
    assay_buf_putc(&out, '\n');
  }
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

static const assay_cli_option implied_options[] = {
    {"price", 'p', ASSAY_CLI_REAL, "PRICE", .needed = true, ASSAY_PRICE_AT(price), .help = "What the option costs."},
    ASSAY_PRICE_TYPE,
    ASSAY_PRICE_SPOT,
    ASSAY_PRICE_STRIKE,
    ASSAY_PRICE_TIME,
    ASSAY_PRICE_RATES,
    ASSAY_PRICE_JSON,
    ASSAY_CLI_END};
static const assay_cli_example implied_examples[] = {{"of one price", "price implied --price 1.19 " MARKET},
                                                     {"of a table with a column price", "price implied quotes.csv --rate 0.05"},
                                                     {0}};
const assay_cli_verb assay_cli_price_implied = {
    .name = "price implied",
    .summary = "The volatility that a price implies.",
    .details = "A price outside what arbitrage allows has none, and the message says the bound. " TABLE,
    .operands = "[FILE]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = implied_options,
    .examples = implied_examples,
    .settings_size = sizeof(assay_price_settings),
    .run = run_implied,
};

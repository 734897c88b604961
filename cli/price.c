/* SPDX-License-Identifier: MIT */
/* assay price: one option, or a table of them. */
#include "cli/price.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cli/table.h"

const char *const assay_price_types[] = {"call", "put", NULL};
static const char *const european_methods[] = {"closed-form", "tree", "montecarlo", NULL}, *const american_methods[] = {"tree",
                                                                                                                        "montecarlo", NULL};
static const char *const trees[] = {"leisen-reimer", "crr", NULL};

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

void assay_price_add_greek(assay_price_answer *a, const char *name, double value, double error, const char *method) {
  if (a->greek_count < ASSAY_PRICE_MOST_GREEKS) a->greeks[a->greek_count++] = (assay_price_greek){name, value, error, method};
}

void assay_price_add_fact(assay_price_answer *a, const char *name, double number, const char *text) {
  if (a->fact_count == ASSAY_PRICE_MOST_FACTS) return;
  a->facts[a->fact_count].name = name;
  a->facts[a->fact_count].number = number;
  a->facts[a->fact_count++].text = text;
}

void assay_price_add_count(assay_price_answer *a, const char *name, uint64_t count) {
  if (a->fact_count == ASSAY_PRICE_MOST_FACTS) return;
  a->facts[a->fact_count].name = name;
  a->facts[a->fact_count].whole = true;
  a->facts[a->fact_count++].count = count;
}

static void put_number(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text);
}

/* Words that were read as numbers before. */
static void put_numbers(assay_json *json, const char *key, const assay_cli_words *words) {
  assay_json_key(json, key);
  assay_json_array_inline(json);
  for (size_t i = 0; i < words->count; i++) {
    double value = NAN;
    assay_parse_f64(words->items[i], &value);
    assay_json_double(json, value);
  }
  assay_json_end(json);
}

static void put_assets(assay_json *json, const assay_price_settings *s) {
  put_numbers(json, "spot", &s->spots);
  put_number(json, "strike", s->strike);
  put_number(json, "time", s->time);
  put_number(json, "rate", s->rate);
  if (s->dividends.count > 0) put_numbers(json, "dividend", &s->dividends);
  put_numbers(json, "volatility", &s->volatilities);
  put_numbers(json, "correlation", &s->correlations);
  if (s->weights.count > 0) put_numbers(json, "weights", &s->weights);
}

static void put_model(assay_json *json, const assay_price_settings *s) {
  put_text(json, "model", s->model);
  if (strcmp(s->model, "heston") == 0) {
    put_number(json, "variance", s->variance);
    put_number(json, "long_variance", s->long_variance);
    put_number(json, "reversion", s->reversion);
    put_number(json, "variance_volatility", s->variance_volatility);
    put_number(json, "correlation", s->correlation);
  }
  if (strcmp(s->model, "merton") == 0) {
    put_number(json, "jump_rate", s->jump_rate);
    put_number(json, "jump_mean", s->jump_mean);
    put_number(json, "jump_volatility", s->jump_volatility);
  }
}

/* What the price is a function of, as far as the verb and the model look at it. */
static void put_inputs(assay_json *json, const assay_price_settings *s, const assay_price_answer *a) {
  assay_json_key(json, "inputs");
  assay_json_object_inline(json);
  if (s->spots.count > 0) {
    put_assets(json, s);
  } else {
    put_number(json, "spot", s->spot);
    if (s->style == NULL || strcmp(s->style, "fixed") == 0) put_number(json, "strike", s->strike);
    put_number(json, "time", s->time);
    put_number(json, "rate", s->rate);
    put_number(json, "dividend", s->dividend);
    if (s->model == NULL || strcmp(s->model, "heston") != 0) put_number(json, "volatility", s->volatility);
    if (s->model != NULL) put_model(json, s);
  }
  if (s->average != NULL) put_text(json, "average", s->average);
  if (s->style != NULL) put_text(json, "style", s->style);
  if (s->barrier_kind != NULL) put_number(json, "barrier", s->barrier);
  if (s->barrier_kind != NULL) put_text(json, "barrier_kind", s->barrier_kind);
  if (s->watch != NULL) put_text(json, "watch", s->watch);
  if (strcmp(a->payoff, "digital") == 0) put_number(json, "payout", s->payout);
  assay_json_end(json);
}

static void put_greeks(assay_json *json, const assay_price_answer *a) {
  bool errors = false, methods = false;
  assay_json_key(json, "greeks");
  assay_json_object_inline(json);
  for (size_t i = 0; i < a->greek_count; i++) {
    put_number(json, a->greeks[i].name, a->greeks[i].value);
    errors = errors || isfinite(a->greeks[i].error);
    methods = methods || a->greeks[i].method != NULL;
  }
  assay_json_end(json);
  if (errors) {
    assay_json_key(json, "greek_errors");
    assay_json_object_inline(json);
    for (size_t i = 0; i < a->greek_count; i++) put_number(json, a->greeks[i].name, a->greeks[i].error);
    assay_json_end(json);
  }
  if (methods) {
    assay_json_key(json, "greek_methods");
    assay_json_object_inline(json);
    for (size_t i = 0; i < a->greek_count; i++) put_text(json, a->greeks[i].name, a->greeks[i].method);
    assay_json_end(json);
  }
}

static void put_asset_greek(assay_json *json, const assay_price_greek *greek) {
  char name[32];
  put_number(json, greek->name, greek->value);
  snprintf(name, sizeof name, "%s_error", greek->name);
  put_number(json, name, greek->error);
}

static void put_asset_greeks(assay_json *json, const assay_price_answer *a) {
  assay_json_key(json, "assets");
  assay_json_array(json);
  for (size_t j = 0; j < a->asset_count; j++) {
    assay_json_object_inline(json);
    put_asset_greek(json, &a->assets[j].delta);
    put_asset_greek(json, &a->assets[j].gamma);
    put_asset_greek(json, &a->assets[j].vega);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_json(assay_buf *out, const assay_price_settings *s, const assay_price_answer *a) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_text(&json, "schema", "assay-price/1");
  put_text(&json, "payoff", a->payoff);
  put_text(&json, "type", s->type);
  put_text(&json, "method", a->method);
  put_number(&json, "price", a->price);
  put_number(&json, "standard_error", a->standard_error);
  if (isfinite(a->level)) {
    put_number(&json, "low", a->low);
    put_number(&json, "high", a->high);
    put_number(&json, "level", a->level);
  }
  put_greeks(&json, a);
  if (a->asset_count > 0) put_asset_greeks(&json, a);
  put_text(&json, "device", a->device);
  if (a->reason != NULL) put_text(&json, "device_reason", a->reason);
  for (size_t i = 0; i < a->fact_count; i++) {
    if (a->facts[i].text != NULL) {
      put_text(&json, a->facts[i].name, a->facts[i].text);
    } else if (a->facts[i].whole) {
      assay_json_key(&json, a->facts[i].name);
      assay_json_uint(&json, a->facts[i].count);
    } else
      put_number(&json, a->facts[i].name, a->facts[i].number);
  }
  put_inputs(&json, s, a);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static void put_line(assay_buf *out, const char *name, double value, double error) {
  assay_cli_pad(out, name, 18);
  assay_buf_printf(out, "%14.8g", value);
  if (isfinite(error)) assay_buf_printf(out, "  \u00B1 %.2g", error);
  assay_buf_putc(out, '\n');
}

static void put_assets_plain(assay_buf *out, const assay_price_answer *a) {
  for (size_t j = 0; j < a->asset_count; j++) {
    const assay_price_greek *const greeks[] = {&a->assets[j].delta, &a->assets[j].gamma, &a->assets[j].vega};
    for (size_t g = 0; g < 3; g++) {
      char name[40];
      snprintf(name, sizeof name, "%s, asset %zu", greeks[g]->name, j + 1);
      if (isfinite(greeks[g]->value)) put_line(out, name, greeks[g]->value, greeks[g]->error);
    }
  }
}

/* Counts as they are. */
static void put_fact_number(assay_buf *out, double value) {
  bool whole = floor(value) == value && fabs(value) < 1e15;
  assay_buf_printf(out, whole ? "%14.0f\n" : "%14.6g\n", value);
}

static void put_plain(assay_buf *out, const assay_price_settings *s, const assay_price_answer *a) {
  put_line(out, "Price", a->price, a->standard_error);
  if (isfinite(a->level)) {
    char name[40];
    snprintf(name, sizeof name, "%d %% interval", (int)(100 * a->level + 0.5));
    assay_cli_pad(out, name, 18);
    assay_buf_printf(out, "%14.8g to %.8g\n", a->low, a->high);
  }
  for (size_t i = 0; i < a->greek_count; i++) put_line(out, a->greeks[i].name, a->greeks[i].value, a->greeks[i].error);
  put_assets_plain(out, a);
  for (size_t i = 0; i < a->fact_count; i++) {
    assay_cli_pad(out, a->facts[i].name, 18);
    if (a->facts[i].text != NULL)
      assay_buf_printf(out, "%14s\n", a->facts[i].text);
    else if (a->facts[i].whole)
      assay_buf_printf(out, "%14llu\n", (unsigned long long)a->facts[i].count);
    else
      put_fact_number(out, a->facts[i].number);
  }
  assay_buf_printf(out, "\n%s %s by %s, on %s.\n", a->payoff, s->type, a->how, a->device);
}

int assay_price_show(assay_cli *cli, const assay_price_settings *settings, const assay_price_answer *answer) {
  assay_buf out = {0};
  if (settings->json)
    put_json(&out, settings, answer);
  else
    put_plain(&out, settings, answer);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

/* An option that says how to simulate, or what a model is made of, and would do nothing here. */
static const char *idle_option(const assay_cli *cli, const char *const *options) {
  for (; *options != NULL; options++)
    if (assay_cli_was_typed(cli, *options)) return *options;
  return NULL;
}

static const char *const of_simulations[] = {"paths",      "seed",    "target-error", "level",       "precision", "sampling",
                                             "antithetic", "control", "no-greeks",    "upper-bound", NULL};
static const char *const of_merton[] = {"jump-rate", "jump-mean", "jump-volatility", NULL};
static const char *const of_heston[] = {"variance", "long-variance", "reversion", "variance-volatility", NULL};

static assay_status check_model(const assay_cli *cli, const assay_price_settings *s, assay_error *err) {
  bool merton = strcmp(s->model, "merton") == 0, heston = strcmp(s->model, "heston") == 0;
  const char *idle = merton ? NULL : idle_option(cli, of_merton);
  if (idle != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is of Merton's model: add --model merton", idle);
  idle = heston ? NULL : idle_option(cli, of_heston);
  if (idle == NULL && !heston && assay_cli_was_typed(cli, "correlation")) idle = "correlation";
  if (idle != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is of Heston's model: add --model heston", idle);
  if (merton && !assay_cli_was_given(cli, "jump-rate"))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--jump-rate N is missing: how many jumps a year Merton's model has");
  if (heston && assay_cli_was_typed(cli, "volatility"))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "Heston's model has no --volatility: its variance begins at --variance (a volatility of 0.2 is a variance of 0.04)");
  return ASSAY_OK;
}

/* What needs no simulation runs on this processor, and takes nothing that says how to simulate. */
static assay_status check_exact(const assay_cli *cli, const assay_price_settings *s, assay_error *err) {
  const char *idle = idle_option(cli, of_simulations);
  bool tree = strcmp(s->method, "tree") == 0;
  if (idle != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is of simulations: add --method montecarlo", idle);
  if (assay_cli_was_typed(cli, "device") && strcmp(s->device, "auto") != 0 && strcmp(s->device, "cpu") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "--device %s is for simulations: a %s is worked out on this processor; add --method montecarlo", s->device,
                      tree ? "tree" : "closed form");
  if (!tree && (assay_cli_was_typed(cli, "steps") || assay_cli_was_typed(cli, "tree")))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s is of trees: add --method tree", assay_cli_was_typed(cli, "steps") ? "steps" : "tree");
  return ASSAY_OK;
}

assay_status assay_price_check(const assay_cli *cli, const assay_price_settings *s, assay_error *err) {
  bool simulated = strcmp(s->method, "montecarlo") == 0, gbm = s->model == NULL || strcmp(s->model, "gbm") == 0;
  if (!gbm && !simulated && assay_cli_was_typed(cli, "method"))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "--method %s knows geometric Brownian motion only: --model %s is simulated (--method montecarlo)", s->method,
                      s->model);
  assay_status status = s->model != NULL ? check_model(cli, s, err) : ASSAY_OK;
  if (status == ASSAY_OK && gbm && !simulated) status = check_exact(cli, s, err);
  if (status == ASSAY_OK && simulated && assay_cli_was_typed(cli, "tree"))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--tree is of trees: add --method tree");
  if (status != ASSAY_OK || assay_cli_was_given(cli, "volatility") || (s->model != NULL && strcmp(s->model, "heston") == 0)) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--volatility VOLATILITY is missing: of the underlying a year, as a fraction (0.2 is 20 %%)");
}

/* ---- One option ---------------------------------------------------------------------------------------------------------------------- */

static assay_option option_of(const assay_price_settings *s) {
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
  assay_option option = option_of(s);
  assay_option_greeks greeks;
  assay_price_answer a = answer_of("european", "closed-form", "the closed form of Black, Scholes and Merton");
  if (assay_option_price(&option, &err, &a.price, &greeks) != ASSAY_OK) return assay_cli_fail(cli, &err);
  add_all_greeks(&a, &greeks);
  return assay_price_show(cli, s, &a);
}

enum { USUAL_STEPS = 1001 };

static int price_tree(assay_cli *cli, const assay_price_settings *s, const char *payoff, assay_exercise exercise) {
  assay_error err = {0};
  assay_option option = option_of(s);
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

/* ---- A table of options -------------------------------------------------------------------------------------------------------------- */

static const char *const quantity_names[] = {"spot", "strike", "time", "rate", "dividend", "volatility", "price"};
enum { SPOT, STRIKE, TIME, RATE, DIVIDEND, VOLATILITY, PRICE, QUANTITIES };
static const char *const output_names[] = {"price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm"};
enum { OUTPUTS = sizeof output_names / sizeof *output_names };

typedef struct batch {
  assay_cli *cli;
  const assay_price_settings *settings;
  assay_cli_table table;
  assay_options options;
  assay_option_input price;
  double *outputs[OUTPUTS];
  size_t output_count;
  uint8_t *states;
  size_t bad;
} batch;

/* A column of that name, else what the options of the command line say for all. */
static assay_status take_quantity(batch *b, size_t which, bool needed, assay_error *err, assay_option_input *input) {
  const assay_price_settings *s = b->settings;
  const double given[] = {s->spot, s->strike, s->time, s->rate, s->dividend, s->volatility, s->price};
  const char *const names[] = {quantity_names[which], NULL};
  size_t column = 0;
  double *values = NULL;
  if (assay_cli_table_has(&b->table, names, &column)) {
    assay_status status = assay_cli_table_numbers(b->cli, &b->table, column, true, err, &values);
    if (status == ASSAY_OK) *input = assay_option_each(values);
    return status;
  }
  if (needed && !assay_cli_was_given(b->cli, quantity_names[which]))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no column '%s', and --%s does not say it for all rows", b->table.source,
                      quantity_names[which], quantity_names[which]);
  *input = assay_option_all(given[which]);
  return ASSAY_OK;
}

static assay_status take_kinds(batch *b, assay_error *err) {
  static const char *const names[] = {"type", "kind", "option_type", NULL};
  size_t column = 0;
  b->options.kind = option_of(b->settings).kind;
  if (!assay_cli_table_has(&b->table, names, &column)) return ASSAY_OK;
  uint8_t *kinds = assay_arena_alloc(&b->cli->arena, b->table.rows, 1);
  if (kinds == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", b->table.source);
  for (size_t i = 0; i < b->table.rows; i++) {
    const char *cell = b->table.cells[i * b->table.columns + column];
    char first = (char)(cell[0] | 0x20);
    if ((first != 'c' && first != 'p') || (cell[1] != '\0' && strcasecmp(cell, first == 'c' ? "call" : "put") != 0))
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.20s' is neither call nor put", b->table.source, b->table.lines[i],
                        b->table.names[column], cell);
    kinds[i] = first == 'c' ? ASSAY_OPTION_CALL : ASSAY_OPTION_PUT;
  }
  b->options.kinds = kinds;
  return ASSAY_OK;
}

static assay_status read_batch(batch *b, bool implied, assay_error *err) {
  assay_status status = assay_cli_table_read(b->cli, b->cli->operands[0], err, &b->table);
  b->options.count = b->table.rows;
  if (status == ASSAY_OK) status = take_kinds(b, err);
  if (status == ASSAY_OK) status = take_quantity(b, SPOT, true, err, &b->options.spot);
  if (status == ASSAY_OK) status = take_quantity(b, STRIKE, true, err, &b->options.strike);
  if (status == ASSAY_OK) status = take_quantity(b, TIME, true, err, &b->options.time);
  if (status == ASSAY_OK) status = take_quantity(b, RATE, true, err, &b->options.rate);
  if (status == ASSAY_OK) status = take_quantity(b, DIVIDEND, false, err, &b->options.dividend);
  if (status == ASSAY_OK && !implied) status = take_quantity(b, VOLATILITY, true, err, &b->options.volatility);
  if (status == ASSAY_OK && implied) status = take_quantity(b, PRICE, true, err, &b->price);
  b->output_count = implied ? 1 : OUTPUTS;
  b->states = status == ASSAY_OK ? assay_arena_alloc(&b->cli->arena, b->table.rows + 1, 1) : NULL;
  for (size_t k = 0; k < b->output_count && status == ASSAY_OK; k++) {
    b->outputs[k] = assay_arena_alloc(&b->cli->arena, b->table.rows + 1, sizeof **b->outputs);
    if (b->outputs[k] == NULL || b->states == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", b->table.source);
  }
  return status;
}

static const char *output_name(const batch *b, size_t k) { return b->output_count == 1 ? "implied_volatility" : output_names[k]; }

/* What the table says, then what was worked out; a row that has no price says why in the last column. */
static void put_batch_csv(const batch *b, assay_buf *out) {
  const assay_cli_table *t = &b->table;
  for (size_t c = 0; c < t->columns; c++) {
    assay_cli_put_cell(out, t->names[c], t->separator);
    assay_buf_putc(out, t->separator);
  }
  for (size_t k = 0; k < b->output_count; k++) assay_buf_printf(out, "%s%c", output_name(b, k), t->separator);
  assay_buf_puts(out, "problem\n");
  for (size_t i = 0; i < t->rows; i++) {
    for (size_t c = 0; c < t->columns; c++) {
      assay_cli_put_cell(out, t->cells[i * t->columns + c], t->separator);
      assay_buf_putc(out, t->separator);
    }
    for (size_t k = 0; k < b->output_count; k++) {
      assay_cli_put_number_cell(out, b->outputs[k][i]);
      assay_buf_putc(out, t->separator);
    }
    if (b->states[i] != ASSAY_OPTION_FINE) assay_cli_put_cell(out, assay_option_state_text((assay_option_state)b->states[i]), t->separator);
    assay_buf_putc(out, '\n');
  }
}

static void put_batch_json(const batch *b, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_text(&json, "schema", "assay-prices/1");
  put_text(&json, "payoff", "european");
  put_text(&json, "method", "closed-form");
  put_text(&json, "device", "cpu");
  assay_json_key(&json, "options");
  assay_json_array(&json);
  for (size_t i = 0; i < b->table.rows; i++) {
    assay_json_object_inline(&json);
    assay_json_key(&json, "line");
    assay_json_uint(&json, b->table.lines[i]);
    for (size_t k = 0; k < b->output_count; k++) put_number(&json, output_name(b, k), b->outputs[k][i]);
    put_text(&json, "problem", b->states[i] != ASSAY_OPTION_FINE ? assay_option_state_text((assay_option_state)b->states[i]) : NULL);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static assay_status compute_batch(batch *b, bool implied, assay_error *err) {
  assay_options_out out = {.price = b->outputs[0],
                           .delta = b->outputs[1],
                           .gamma = b->outputs[2],
                           .vega = b->outputs[3],
                           .theta = b->outputs[4],
                           .rho = b->outputs[5],
                           .vanna = b->outputs[6],
                           .volga = b->outputs[7],
                           .charm = b->outputs[8],
                           .status = b->states};
  return implied ? assay_options_implied_volatility(&b->options, b->price, b->outputs[0], b->states, err, &b->bad)
                 : assay_options_price(&b->options, &out, err, &b->bad);
}

/* All rows are printed; when some could not be priced, standard error says which was the first, and the code is that of bad input. */
static int run_batch(assay_cli *cli, const assay_price_settings *settings, bool implied) {
  assay_error err = {0};
  assay_buf out = {0};
  batch b = {.cli = cli, .settings = settings};
  assay_status status = read_batch(&b, implied, &err);
  if (status == ASSAY_OK) status = compute_batch(&b, implied, &err);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (settings->json)
    put_batch_json(&b, &out);
  else
    put_batch_csv(&b, &out);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  for (size_t i = 0; i < b.table.rows && b.bad > 0; i++) {
    if (b.states[i] == ASSAY_OPTION_FINE) continue;
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "%zu of %zu rows have no answer, the first is %s:%zu: %s", b.bad, b.table.rows, b.table.source,
               b.table.lines[i], assay_option_state_text((assay_option_state)b.states[i]));
    return assay_cli_fail(cli, &err);
  }
  return code;
}

/* ---- The verbs ----------------------------------------------------------------------------------------------------------------------- */

static int run_european(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  bool closed = strcmp(s->method, "closed-form") == 0 && strcmp(s->model, "gbm") == 0;
  if (cli->operand_count > 0 && !closed) {
    assay_error err = {0};
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "a table of options is priced in closed form: leave --method %s out", s->method);
    return assay_cli_fail(cli, &err);
  }
  if (cli->operand_count > 0) return run_batch(cli, s, false);
  assay_error err = {0};
  if (assay_price_check(cli, s, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (strcmp(s->method, "montecarlo") == 0 || strcmp(s->model, "gbm") != 0) return assay_price_simulate(cli, s, "european");
  return closed ? price_closed(cli, s) : price_tree(cli, s, "european", ASSAY_EXERCISE_EUROPEAN);
}

static int run_american(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  assay_error err = {0};
  if (strcmp(s->method, "montecarlo") == 0) return assay_price_simulate(cli, s, "american");
  if (assay_price_check(cli, s, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  return price_tree(cli, s, "american", ASSAY_EXERCISE_AMERICAN);
}

static int run_implied(assay_cli *cli, const void *raw) {
  const assay_price_settings *s = raw;
  assay_error err = {0};
  if (cli->operand_count > 0) return run_batch(cli, s, true);
  assay_option option = option_of(s);
  double volatility = 0;
  if (assay_option_implied_volatility(&option, s->price, &err, &volatility) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_buf out = {0};
  if (s->json) {
    assay_json json = {.out = &out, .indent = 2};
    assay_json_object(&json);
    put_text(&json, "schema", "assay-implied-volatility/1");
    put_text(&json, "type", s->type);
    put_number(&json, "price", s->price);
    put_number(&json, "volatility", volatility);
    assay_json_end(&json);
    assay_buf_putc(&out, '\n');
  } else {
    assay_buf_double(&out, volatility);
    assay_buf_putc(&out, '\n');
  }
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

#define STEPS                                                                                                                   \
  {                                                                                                                             \
    "steps", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = ASSAY_TREE_MAX_STEPS, ASSAY_PRICE_AT(steps),                    \
                                              .help = "Of the tree (0: 1001) or of each path (0: as many as the payoff needs)." \
  }
#define TREE \
  { "tree", 0, ASSAY_CLI_TEXT, "KIND", "leisen-reimer", .choices = trees, ASSAY_PRICE_AT(tree), .help = "How the tree is built." }

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
static const assay_cli_option american_options[] = {
    ASSAY_PRICE_TYPE,
    ASSAY_PRICE_SPOT,
    ASSAY_PRICE_STRIKE,
    ASSAY_PRICE_TIME,
    ASSAY_PRICE_RATES,
    ASSAY_PRICE_VOLATILITY,
    {"method", 'm', ASSAY_CLI_TEXT, "METHOD", "tree", .choices = american_methods, ASSAY_PRICE_AT(method), .help = "How."},
    TREE,
    STEPS,
    {"upper-bound", 0, ASSAY_CLI_FLAG, ASSAY_PRICE_AT(upper_bound),
     .help = "With --method montecarlo, whose price is a lower bound: an upper one beside it."},
    ASSAY_PRICE_SIMULATION,
    ASSAY_PRICE_JSON,
    ASSAY_CLI_END};
static const assay_cli_option implied_options[] = {
    {"price", 'p', ASSAY_CLI_REAL, "PRICE", .needed = true, ASSAY_PRICE_AT(price), .help = "What the option costs."},
    ASSAY_PRICE_TYPE,
    ASSAY_PRICE_SPOT,
    ASSAY_PRICE_STRIKE,
    ASSAY_PRICE_TIME,
    ASSAY_PRICE_RATES,
    ASSAY_PRICE_JSON,
    ASSAY_CLI_END};

#define MARKET "--spot 100 --strike 110 --time 0.25 --rate 0.05"
static const assay_cli_example european_examples[] = {
    {"the price and all its Greeks", "price european " MARKET " --volatility 0.2"},
    {"a put, by a tree, for another program", "price european --type put " MARKET " --volatility 0.2 --method tree --json"},
    {"every row of a table with the columns spot, strike, time, ...", "price european options.csv --rate 0.05 > priced.csv"},
    {0}};
static const assay_cli_example american_examples[] = {
    {"a put that may be exercised early", "price american --type put " MARKET " --volatility 0.2"}, {0}};
static const assay_cli_example implied_examples[] = {{"of one price", "price implied --price 1.19 " MARKET},
                                                     {"of a table with a column price", "price implied quotes.csv --rate 0.05"},
                                                     {0}};

#define UNITS "Rates and volatilities are a year, as fractions; Greeks are by a whole unit, theta by a year of passing time. "
#define TABLE                                                                                                                          \
  "FILE is CSV with a line of names; its columns type (call, put), spot, strike, time, rate, dividend, volatility and price take the " \
  "place of the options of these names, and its rows come back with the answers behind them; `problem` says why a row has none."

const assay_cli_verb assay_cli_price = {
    .name = "price",
    .summary = "Price options, with their Greeks.",
    .options = assay_cli_no_options,
    .operands_most = 1,
    .settings_size = 1,
    .family = true,
    .run = assay_cli_run_family,
};
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
const assay_cli_verb assay_cli_price_american = {
    .name = "price american",
    .summary = "An option that may be exercised at any time.",
    .details = UNITS,
    .options = american_options,
    .examples = american_examples,
    .settings_size = sizeof(assay_price_settings),
    .run = run_american,
};
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

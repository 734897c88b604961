/* SPDX-License-Identifier: MIT */
/* assay price: the answer, as text and as JSON. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "cli/price.h"

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
  assay_json_put_double(json, "strike", s->strike);
  assay_json_put_double(json, "time", s->time);
  assay_json_put_double(json, "rate", s->rate);
  if (s->dividends.count > 0) put_numbers(json, "dividend", &s->dividends);
  put_numbers(json, "volatility", &s->volatilities);
  put_numbers(json, "correlation", &s->correlations);
  if (s->weights.count > 0) put_numbers(json, "weights", &s->weights);
}

static void put_model(assay_json *json, const assay_price_settings *s) {
  assay_json_put_string(json, "model", s->model);
  if (strcmp(s->model, "heston") == 0) {
    assay_json_put_double(json, "variance", s->variance);
    assay_json_put_double(json, "long_variance", s->long_variance);
    assay_json_put_double(json, "reversion", s->reversion);
    assay_json_put_double(json, "variance_volatility", s->variance_volatility);
    assay_json_put_double(json, "correlation", s->correlation);
  }
  if (strcmp(s->model, "merton") == 0) {
    assay_json_put_double(json, "jump_rate", s->jump_rate);
    assay_json_put_double(json, "jump_mean", s->jump_mean);
    assay_json_put_double(json, "jump_volatility", s->jump_volatility);
  }
}

/* What the price is a function of, as far as the verb and the model look at it. */
static void put_inputs(assay_json *json, const assay_price_settings *s, const assay_price_answer *a) {
  assay_json_key(json, "inputs");
  assay_json_object_inline(json);
  if (s->spots.count > 0) {
    put_assets(json, s);
  } else {
    assay_json_put_double(json, "spot", s->spot);
    if (s->style == NULL || strcmp(s->style, "fixed") == 0) assay_json_put_double(json, "strike", s->strike);
    assay_json_put_double(json, "time", s->time);
    assay_json_put_double(json, "rate", s->rate);
    assay_json_put_double(json, "dividend", s->dividend);
    if (s->model == NULL || strcmp(s->model, "heston") != 0) assay_json_put_double(json, "volatility", s->volatility);
    if (s->model != NULL) put_model(json, s);
  }
  if (s->average != NULL) assay_json_put_string(json, "average", s->average);
  if (s->style != NULL) assay_json_put_string(json, "style", s->style);
  if (s->barrier_kind != NULL) assay_json_put_double(json, "barrier", s->barrier);
  if (s->barrier_kind != NULL) assay_json_put_string(json, "barrier_kind", s->barrier_kind);
  if (s->watch != NULL) assay_json_put_string(json, "watch", s->watch);
  if (strcmp(a->payoff, "digital") == 0) assay_json_put_double(json, "payout", s->payout);
  assay_json_end(json);
}

static void put_greeks(assay_json *json, const assay_price_answer *a) {
  bool errors = false, methods = false;
  assay_json_key(json, "greeks");
  assay_json_object_inline(json);
  for (size_t i = 0; i < a->greek_count; i++) {
    assay_json_put_double(json, a->greeks[i].name, a->greeks[i].value);
    errors = errors || isfinite(a->greeks[i].error);
    methods = methods || a->greeks[i].method != NULL;
  }
  assay_json_end(json);
  if (errors) {
    assay_json_key(json, "greek_errors");
    assay_json_object_inline(json);
    for (size_t i = 0; i < a->greek_count; i++) assay_json_put_double(json, a->greeks[i].name, a->greeks[i].error);
    assay_json_end(json);
  }
  if (methods) {
    assay_json_key(json, "greek_methods");
    assay_json_object_inline(json);
    for (size_t i = 0; i < a->greek_count; i++) assay_json_put_string(json, a->greeks[i].name, a->greeks[i].method);
    assay_json_end(json);
  }
}

static void put_asset_greek(assay_json *json, const assay_price_greek *greek) {
  char name[32];
  assay_json_put_double(json, greek->name, greek->value);
  snprintf(name, sizeof name, "%s_error", greek->name);
  assay_json_put_double(json, name, greek->error);
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
  assay_json_put_string(&json, "schema", "assay-price/1");
  assay_json_put_string(&json, "payoff", a->payoff);
  assay_json_put_string(&json, "type", s->type);
  assay_json_put_string(&json, "method", a->method);
  assay_json_put_double(&json, "price", a->price);
  assay_json_put_double(&json, "standard_error", a->standard_error);
  if (isfinite(a->level)) {
    assay_json_put_double(&json, "low", a->low);
    assay_json_put_double(&json, "high", a->high);
    assay_json_put_double(&json, "level", a->level);
  }
  put_greeks(&json, a);
  if (a->asset_count > 0) put_asset_greeks(&json, a);
  assay_json_put_string(&json, "device", a->device);
  if (a->reason != NULL) assay_json_put_string(&json, "device_reason", a->reason);
  for (size_t i = 0; i < a->fact_count; i++) {
    if (a->facts[i].text != NULL)
      assay_json_put_string(&json, a->facts[i].name, a->facts[i].text);
    else if (a->facts[i].whole)
      assay_json_put_uint(&json, a->facts[i].name, a->facts[i].count);
    else
      assay_json_put_double(&json, a->facts[i].name, a->facts[i].number);
  }
  put_inputs(&json, s, a);
  assay_json_end(&json);
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
    assay_snprintf(name, sizeof name, "%.6g %% interval", 100 * a->level);
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

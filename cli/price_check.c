/* SPDX-License-Identifier: MIT */
/* assay price: options that would do nothing beside others are refused, as is an option without a volatility. */
#include <string.h>

#include "cli/price.h"

/* An option that says how to simulate, or what a model is made of, and would do nothing here. */
static const char *idle_option(const assay_cli *cli, const char *const *options) {
  for (; *options != NULL; options++)
    if (assay_cli_was_typed(cli, *options)) return *options;
  return NULL;
}

static const char *const of_simulations[] = {"target-error", "level",     "precision",   "sampling", "antithetic",
                                             "control",      "no-greeks", "upper-bound", NULL};
static const char *const of_every_method[] = {"paths", "seed", NULL};
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
  bool tree = strcmp(s->method, "tree") == 0;
  const char *idle = idle_option(cli, of_simulations), *common = idle_option(cli, of_every_method);
  /* Who names the method compares methods with the same words. */
  if (idle == NULL && common != NULL && assay_cli_was_typed(cli, "method"))
    assay_cli_note(cli, "--%s does nothing here: a %s simulates nothing", common, tree ? "tree" : "closed form");
  else if (idle == NULL)
    idle = common;
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
  if (status == ASSAY_OK && s->payout == 0 && assay_cli_was_typed(cli, "payout"))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--payout 0 is worth nothing: how much is paid beyond the strike, such as --payout 10");
  if (status == ASSAY_OK && gbm && !simulated) status = check_exact(cli, s, err);
  if (status == ASSAY_OK && (simulated || !gbm) && assay_cli_was_typed(cli, "tree"))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--tree is of trees: add --method tree");
  if (status != ASSAY_OK || assay_cli_was_given(cli, "volatility") || (s->model != NULL && strcmp(s->model, "heston") == 0)) return status;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--volatility VOLATILITY is missing: of the underlying a year, as a fraction (0.2 is 20 %%)");
}

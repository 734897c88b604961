/* SPDX-License-Identifier: MIT */
/* The table of ready strategies, and what every strategy's parameters go through. */
#include <math.h>
#include <strings.h>

#include "base/text.h"
#include "market/backtest/strategies.h"

static const assay_strategy *const ready[] = {&assay_strategy_hold,  &assay_strategy_sma,  &assay_strategy_rsi, &assay_strategy_bollinger,
                                              &assay_strategy_pairs, &assay_strategy_twap, &assay_strategy_vwap};
enum { READY = sizeof ready / sizeof *ready };

const assay_strategy *assay_strategy_at(size_t index) { return index < READY ? ready[index] : NULL; }

const assay_strategy *assay_strategy_find(const char *name) {
  for (size_t i = 0; i < READY; i++)
    if (strcasecmp(ready[i]->name, name) == 0) return ready[i];
  return NULL;
}

const char *assay_strategy_suggest(const char *name) {
  const char *names[READY + 1] = {NULL};
  for (size_t i = 0; i < READY; i++) names[i] = ready[i]->name;
  return assay_nearest_word(name, names);
}

int assay_strategy_parameter_at(const assay_strategy *strategy, const char *name) {
  for (unsigned i = 0; i < strategy->parameter_count; i++)
    if (strcasecmp(strategy->parameters[i].name, name) == 0) return (int)i;
  return -1;
}

void assay_strategy_defaults(const assay_strategy *strategy, double *parameters) {
  for (unsigned i = 0; i < strategy->parameter_count && i < ASSAY_STRATEGY_MOST_PARAMETERS; i++)
    parameters[i] = strategy->parameters[i].usual;
}

assay_status assay_strategy_check(const assay_strategy *strategy, const double *parameters, assay_error *err) {
  if (strategy->name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a strategy needs a name");
  if (strategy->parameter_count > ASSAY_STRATEGY_MOST_PARAMETERS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has %u parameters; %d is the limit", strategy->name, strategy->parameter_count,
                      ASSAY_STRATEGY_MOST_PARAMETERS);
  if (strategy->on_bar == NULL && strategy->targets == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has neither a callback nor targets", strategy->name);
  for (unsigned i = 0; i < strategy->parameter_count; i++) {
    const assay_strategy_parameter *p = &strategy->parameters[i];
    double value = parameters[i];
    if (!(value >= p->least && value <= p->most))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is from %g to %g, not %g", strategy->name, p->name, p->least, p->most, value);
    if (p->whole && value != floor(value))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s is a whole number, not %g", strategy->name, p->name, value);
  }
  return strategy->check != NULL ? strategy->check(parameters, err) : ASSAY_OK;
}

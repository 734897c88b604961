/* SPDX-License-Identifier: MIT */
/* The result as JSON. docs/result-schema.md describes every key; their order here is the order in the file. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "result/storage.h"

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text);
}

/* Negative zero would come back as an integer 0 and so not as the same text. */
static void put_value(assay_json *json, double value) { assay_json_double(json, value == 0 ? 0 : value); }

static void put_double(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  put_value(json, value);
}

static void put_uint(assay_json *json, const char *key, uint64_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}

static void put_bool(assay_json *json, const char *key, bool value) {
  assay_json_key(json, key);
  assay_json_bool(json, value);
}

static void put_doubles(assay_json *json, const char *key, const double *values, size_t count) {
  assay_json_key(json, key);
  assay_json_array_inline(json);
  for (size_t i = 0; i < count; i++) put_value(json, values[i]);
  assay_json_end(json);
}

static void put_run(assay_json *json, const assay_run_info *run) {
  char seed[17];
  snprintf(seed, sizeof seed, "%016llx", (unsigned long long)run->seed); /* a JSON number holds 53 bits in most readers */
  assay_json_key(json, "run");
  assay_json_object(json);
  put_text(json, "id", run->id);
  put_text(json, "name", run->name);
  put_text(json, "version", run->version);
  put_text(json, "command", run->command);
  put_text(json, "commit", run->commit);
  if (run->source != NULL) put_text(json, "source", run->source);
  put_text(json, "host", run->host);
  assay_json_key(json, "started_at_s");
  assay_json_int(json, run->started_at_s);
  put_double(json, "duration_s", run->duration_s);
  put_bool(json, "quick", run->quick);
  put_bool(json, "interrupted", run->interrupted);
  put_uint(json, "processes", run->processes);
  put_text(json, "seed", seed);
  assay_json_key(json, "suites");
  assay_json_array(json);
  for (size_t i = 0; i < run->suite_count; i++) {
    assay_json_object_inline(json);
    put_text(json, "name", run->suites[i].name);
    put_text(json, "status", assay_outcome_text(run->suites[i].status));
    put_text(json, "reason", run->suites[i].reason);
    assay_json_end(json);
  }
  assay_json_end(json);
  assay_json_end(json);
}

/* `type` stands beside the value because 2 may be a whole number or a real one. */
static void put_fact(assay_json *json, const assay_fact *fact) {
  static const char *const types[] = {"text", "integer", "real", "bool", "unavailable"};
  assay_json_object_inline(json);
  put_text(json, "key", fact->key);
  put_text(json, "component", fact->component);
  put_text(json, "type", types[fact->type]);
  assay_json_key(json, "value");
  switch (fact->type) {
    case ASSAY_FACT_TEXT: assay_json_string(json, fact->text); break;
    case ASSAY_FACT_INTEGER: assay_json_int(json, fact->integer); break;
    case ASSAY_FACT_REAL: put_value(json, fact->real); break;
    case ASSAY_FACT_BOOL: assay_json_bool(json, fact->integer != 0); break;
    case ASSAY_FACT_UNAVAILABLE: assay_json_null(json); break;
  }
  if (fact->type == ASSAY_FACT_UNAVAILABLE) put_text(json, "cause", fact->text);
  assay_json_end(json);
}

static void put_machine(assay_json *json, const assay_result *result) {
  assay_json_key(json, "machine");
  assay_json_object(json);
  put_text(json, "id", result->machine_id);
  put_text(json, "label", result->machine_label);
  assay_json_key(json, "facts");
  assay_json_array(json);
  for (size_t i = 0; i < result->fact_count; i++) put_fact(json, &result->facts[i]);
  assay_json_end(json);
  assay_json_end(json);
}

static void put_ceilings(assay_json *json, const assay_result *result) {
  put_bool(json, "ceilings_quick", result->ceilings_quick);
  assay_json_key(json, "ceilings");
  assay_json_array(json);
  for (size_t i = 0; i < result->ceiling_count; i++) {
    const assay_ceiling *c = &result->ceilings[i];
    assay_json_object_inline(json);
    put_text(json, "name", c->name);
    put_text(json, "unit", c->unit);
    put_text(json, "better", assay_better_text(c->better));
    put_bool(json, "available", c->available);
    put_double(json, "value", c->available ? c->value : NAN);
    put_double(json, "typical", c->available ? c->typical : NAN);
    put_double(json, "spread_ratio", c->available ? c->spread_ratio : NAN);
    put_text(json, "detail", c->detail);
    put_text(json, "cause", c->cause);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_stats(assay_json *json, const assay_summary *s) {
  assay_json_key(json, "stats");
  assay_json_object_inline(json);
  put_uint(json, "processes", s->processes);
  put_uint(json, "samples", s->samples);
  put_uint(json, "set_aside", s->set_aside);
  put_double(json, "median", s->median);
  put_double(json, "mean", s->mean);
  put_double(json, "stddev", s->stddev);
  put_double(json, "min", s->min);
  put_double(json, "max", s->max);
  put_double(json, "p50", s->p50);
  put_double(json, "p90", s->p90);
  put_double(json, "p95", s->p95);
  put_double(json, "p99", s->p99);
  put_double(json, "p999", s->p999);
  put_double(json, "ci_low", s->ci_low);
  put_double(json, "ci_high", s->ci_high);
  assay_json_end(json);
}

/* What only other tools' results have stands there only for them, so that our own stay as they were. */
static void put_replicates(assay_json *json, const assay_metric_result *m) {
  if (m->replicate != ASSAY_REPLICATE_PROCESS) put_text(json, "replicate", assay_replicate_text(m->replicate));
  if (m->sample_counts == NULL || m->samples == NULL) return;
  size_t at = 0;
  assay_json_key(json, "samples");
  assay_json_array(json);
  for (size_t p = 0; p < m->process_count; at += m->sample_counts[p++]) {
    assay_json_array_inline(json);
    for (size_t i = 0; i < m->sample_counts[p]; i++) put_value(json, m->samples[at + i]);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_recheck(assay_json *json, const assay_recheck *recheck) {
  if (recheck->against == NULL) return;
  assay_json_key(json, "recheck");
  assay_json_object_inline(json);
  put_text(json, "against", recheck->against);
  assay_json_key(json, "confirmed");
  assay_json_bool(json, recheck->confirmed);
  put_text(json, "reason", recheck->reason);
  assay_json_end(json);
}

static void put_metric(assay_json *json, const assay_metric_result *m) {
  assay_json_object(json);
  put_text(json, "name", m->name);
  put_text(json, "unit", m->unit);
  put_text(json, "kind", assay_metric_kind_text(m->kind));
  put_text(json, "better", assay_better_text(m->better));
  put_double(json, "value", m->value);
  put_double(json, "ci_low", m->ci_low);
  put_double(json, "ci_high", m->ci_high);
  put_stats(json, &m->stats);
  put_doubles(json, "processes", m->processes, m->process_count);
  put_replicates(json, m);
  put_recheck(json, &m->recheck);
  assay_json_key(json, "ceiling");
  if (m->ceiling == NULL) {
    assay_json_null(json);
  } else {
    assay_json_object_inline(json);
    put_text(json, "name", m->ceiling);
    put_double(json, "value", m->ceiling_value);
    put_double(json, "share", m->ceiling_share);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_covariates(assay_json *json, const assay_covariates *c) {
  assay_json_key(json, "covariates");
  assay_json_object_inline(json);
  put_double(json, "steal_ms", c->steal_ms);
  put_double(json, "voluntary_switches", c->voluntary_switches);
  put_double(json, "involuntary_switches", c->involuntary_switches);
  put_double(json, "migrations", c->migrations);
  put_double(json, "minor_faults", c->minor_faults);
  put_double(json, "major_faults", c->major_faults);
  put_double(json, "pressure_us", c->pressure_us);
  put_double(json, "throttled_us", c->throttled_us);
  put_double(json, "spin_ratio", c->spin_ratio);
  put_double(json, "others_cpus", c->others_cpus);
  put_double(json, "own_cpus", c->own_cpus);
  put_double(json, "stolen_cpus", c->stolen_cpus);
  assay_json_end(json);
}

static void put_curve(assay_json *json, const char *key, const assay_latency_curve *curve) {
  assay_json_key(json, key);
  if (curve->count == 0) {
    assay_json_null(json);
    return;
  }
  assay_json_object(json);
  put_doubles(json, "quantiles", curve->quantiles, curve->count);
  put_doubles(json, "values_ns", curve->values_ns, curve->count);
  assay_json_end(json);
}

static void put_benchmark(assay_json *json, const assay_benchmark_result *b) {
  assay_json_object(json);
  put_text(json, "name", b->name);
  put_text(json, "suite", b->suite);
  put_text(json, "base_name", b->base_name);
  assay_json_key(json, "params");
  assay_json_object_inline(json);
  for (size_t i = 0; i < b->param_count; i++) put_text(json, b->params[i].name, b->params[i].value);
  assay_json_end(json);
  put_text(json, "status", assay_outcome_text(b->status));
  put_text(json, "reason", b->reason);
  assay_json_key(json, "metrics");
  assay_json_array(json);
  for (size_t i = 0; i < b->metric_count; i++) put_metric(json, &b->metrics[i]);
  assay_json_end(json);
  put_text(json, "complexity", b->complexity);
  assay_json_key(json, "steady");
  if (b->steady == ASSAY_STEADY_UNTESTED)
    assay_json_null(json);
  else
    assay_json_bool(json, b->steady == ASSAY_STEADY_YES);
  put_double(json, "set_aside_ratio", b->set_aside_ratio);
  put_double(json, "disturbed_ratio", b->disturbed_ratio);
  put_text(json, "set_aside_why", b->set_aside_why);
  put_double(json, "clock_resolution_ns", b->clock_resolution_ns);
  put_double(json, "clock_cost_ns", b->clock_cost_ns);
  put_covariates(json, &b->covariates);
  put_text(json, "counters_cause", b->counters_cause);
  put_text(json, "allocations_cause", b->allocations_cause);
  put_curve(json, "latency", &b->latency);
  put_curve(json, "service", &b->service);
  put_double(json, "rate_hz", b->rate_hz > 0 ? b->rate_hz : NAN);
  put_double(json, "rate_achieved_hz", b->rate_hz > 0 ? b->rate_achieved_hz : NAN);
  assay_json_end(json);
}

static void put_complexity(assay_json *json, const assay_complexity_result *c) {
  assay_json_object_inline(json);
  put_text(json, "suite", c->suite);
  put_text(json, "base_name", c->base_name);
  put_text(json, "param", c->param);
  put_text(json, "name", c->name);
  put_text(json, "order", assay_big_o_text(c->fit.order));
  put_double(json, "coefficient", c->fit.coefficient);
  put_double(json, "rms_ratio", c->fit.rms_ratio);
  assay_json_end(json);
}

static void put_check(assay_json *json, const assay_check *c) {
  assay_json_object(json);
  put_text(json, "suite", c->suite);
  put_text(json, "name", c->name);
  put_text(json, "status", assay_check_status_text(c->status));
  put_text(json, "expected", c->expected);
  put_text(json, "measured", c->measured);
  put_text(json, "cause", c->cause);
  put_text(json, "recommendation", c->recommendation);
  assay_json_end(json);
}

static void put_sla(assay_json *json, const assay_sla_result *s) {
  assay_json_object(json);
  put_text(json, "name", s->name);
  put_text(json, "description", s->description);
  put_text(json, "benchmark", s->benchmark);
  put_text(json, "metric", s->metric);
  put_text(json, "unit", s->unit);
  put_text(json, "bound", s->is_max ? "max" : "min");
  put_double(json, "limit", s->limit);
  put_double(json, "value", s->value);
  put_text(json, "status", assay_sla_status_text(s->status));
  put_text(json, "reason", s->reason);
  assay_json_end(json);
}

static void put_recommendation(assay_json *json, const assay_recommendation *r) {
  assay_json_object(json);
  put_text(json, "title", r->title);
  put_text(json, "because", r->because);
  put_text(json, "command", r->command);
  assay_json_key(json, "priority");
  assay_json_int(json, r->priority);
  assay_json_end(json);
}

#define PUT_ARRAY(json, result, plural, singular)                                                         \
  do {                                                                                                    \
    assay_json_key((json), #plural);                                                                      \
    assay_json_array(json);                                                                               \
    for (size_t i = 0; i < (result)->singular##_count; i++) put_##singular((json), &(result)->plural[i]); \
    assay_json_end(json);                                                                                 \
  } while (0)

static assay_status finish(assay_buf *buf, assay_error *err, char **json) {
  char *text = assay_buf_take(buf);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the JSON of a result");
  *json = text;
  return ASSAY_OK;
}

assay_status assay_result_to_json(const assay_result *result, assay_error *err, char **json) {
  assay_buf buf = {0};
  assay_json out = {.out = &buf, .indent = 2};
  assay_json_object(&out);
  put_text(&out, "schema", ASSAY_RESULT_SCHEMA);
  put_run(&out, &result->run);
  put_machine(&out, result);
  PUT_ARRAY(&out, result, benchmarks, benchmark);
  PUT_ARRAY(&out, result, complexities, complexity);
  PUT_ARRAY(&out, result, checks, check);
  PUT_ARRAY(&out, result, slas, sla);
  PUT_ARRAY(&out, result, recommendations, recommendation);
  put_ceilings(&out, result);
  assay_json_end(&out);
  return finish(&buf, err, json);
}

assay_status assay_benchmark_result_to_json(const assay_benchmark_result *benchmark, assay_error *err, char **json) {
  assay_buf buf = {0};
  assay_json out = {.out = &buf};
  put_benchmark(&out, benchmark);
  return finish(&buf, err, json);
}

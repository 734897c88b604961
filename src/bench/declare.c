/* SPDX-License-Identifier: MIT */
/* What a benchmark function asks and tells: parameters, work done, outcome, pauses. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "bench/engine_parts.h"

uint64_t assay_bench_next(assay_bench *b) {
  uint64_t now = assay_ticks(); /* before anything else: this ends the batch */
  return b->step(b, now);
}

uint64_t assay_bench_broken(assay_bench *b) {
  assay_bench_fail(
      b, "`break` left the loop in the middle of a batch, so what was done is not known; call assay_bench_fail or _skip before the loop");
  return 0;
}

static void end_with(assay_bench *b, assay_outcome outcome, const char *format, va_list args) {
  if (b->outcome != ASSAY_OUTCOME_OK) return; /* the first cause is the one that explains */
  b->outcome = outcome;
  assay_vsnprintf(b->reason, sizeof b->reason, format, args);
}

#define END_WITH(b, outcome, format)    \
  do {                                  \
    va_list args;                       \
    va_start(args, format);             \
    end_with(b, outcome, format, args); \
    va_end(args);                       \
  } while (0)

void assay_bench_skip(assay_bench *b, const char *format, ...) { END_WITH(b, ASSAY_OUTCOME_SKIPPED, format); }
void assay_bench_unsupported(assay_bench *b, const char *format, ...) { END_WITH(b, ASSAY_OUTCOME_UNSUPPORTED, format); }
void assay_bench_fail(assay_bench *b, const char *format, ...) { END_WITH(b, ASSAY_OUTCOME_FAILED, format); }

/* A benchmark that cannot get its parameter has nothing sensible to go on with: it would divide by zero or allocate nothing, and then the
 * crash would hide the cause. */
static void give_up(const assay_bench *b) {
  assay_engine *e = b->engine;
  e->out->outcome = b->outcome;
  memcpy(e->out->reason, b->reason, sizeof b->reason);
  if (e->options->give_up != NULL) e->options->give_up(e->out, e->options->user);
}

static const char *find_param(const assay_bench *b, const char *param) {
  const assay_bench_case *bench = b->engine->bench;
  for (size_t i = 0; i < bench->param_count; i++) {
    if (strcmp(bench->params[i].name, param) == 0) return bench->params[i].value;
  }
  assay_bench *member = &b->engine->members[b->thread];
  assay_bench_fail(member, "the benchmark asks for parameter \"%s\", which it does not have", param);
  give_up(member);
  return NULL;
}

static void wrong_type(const assay_bench *b, const char *param, const char *value, const char *wanted) {
  assay_bench *member = &b->engine->members[b->thread];
  assay_bench_fail(member, "parameter %s is \"%s\", not %s", param, value, wanted);
  give_up(member);
}

uint64_t assay_bench_u64(const assay_bench *b, const char *param) {
  const char *text = find_param(b, param);
  uint64_t value = 0;
  if (text != NULL && !assay_parse_u64(text, &value)) wrong_type(b, param, text, "a whole number");
  return value;
}

double assay_bench_f64(const assay_bench *b, const char *param) {
  const char *text = find_param(b, param);
  double value = NAN;
  if (text != NULL && !assay_parse_f64(text, &value)) wrong_type(b, param, text, "a number");
  return value;
}

const char *assay_bench_text(const assay_bench *b, const char *param) {
  const char *text = find_param(b, param);
  return text != NULL ? text : "";
}

unsigned assay_bench_thread(const assay_bench *b) { return b->thread; }
unsigned assay_bench_threads(const assay_bench *b) { return b->engine->threads; }

uint64_t assay_bench_seed(const assay_bench *b) {
  /* Threads get streams of their own; SplitMix's constant keeps them apart. */
  return b->engine->options->seed + b->thread * UINT64_C(0x9E3779B97F4A7C15);
}

/* Work that no operation can do would come out as a rate that no machine has. */
static bool is_work(assay_bench *b, const char *what, double amount) {
  if (isfinite(amount) && amount >= 0) return true;
  assay_bench_fail(b, "an operation cannot do %g %s", amount, what);
  return false;
}

void assay_bench_items(assay_bench *b, double items) {
  if (is_work(b, "items", items)) b->declared.items = items;
}

void assay_bench_bytes(assay_bench *b, double bytes_read, double bytes_written) {
  if (!is_work(b, "bytes read", bytes_read) || !is_work(b, "bytes written", bytes_written)) return;
  b->declared.bytes_read = bytes_read;
  b->declared.bytes_written = bytes_written;
}

void assay_bench_flops(assay_bench *b, double flops, const char *type) {
  if (!is_work(b, "floating-point operations", flops)) return;
  b->declared.flops = flops;
  snprintf(b->declared.flop_type, sizeof b->declared.flop_type, "%s", type);
}

void assay_bench_working_set(assay_bench *b, double bytes) {
  if (is_work(b, "bytes of working set", bytes)) b->declared.working_set_bytes = bytes;
}

void assay_bench_ceiling(assay_bench *b, const char *name) {
  b->declared.ceiling_set = true;
  snprintf(b->declared.ceiling, sizeof b->declared.ceiling, "%s", name);
}

/* These the engine, the command timer or the result make themselves; under one of them a figure would replace the measured one. */
static bool is_reserved(const char *name) {
  static const char *const names[] = {"time",         "cpu_time",        "user_time",        "system_time",      "peak_rss", "allocations",
                                      "cycles",       "instructions",    "cache_misses",     "branch_misses",    "latency",  "latency_p99",
                                      "latency_p999", "allocated_bytes", "items_per_second", "bytes_per_second", "flops"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

void assay_bench_metric(assay_bench *b, const char *name, double value, const char *unit, assay_metric_kind kind, assay_better better) {
  if (is_reserved(name))
    assay_bench_fail(b, "a metric of the benchmark is called \"%s\", which is the engine's own name; choose another", name);
  else if (!isfinite(value))
    assay_bench_fail(b, "the metric \"%.60s\" is %g, which is no figure", name, value);
  else if (name[0] == '\0' || strlen(name) >= sizeof b->declared.figures[0].name || strlen(unit) >= sizeof b->declared.figures[0].unit)
    assay_bench_fail(b, "the metric \"%.60s\" has no name, or its name or unit is too long (47 and 23 bytes)", name);
  else if ((b->declared.figure_count == ASSAY_BENCH_MAX_METRICS && assay_bench_process_find(&b->declared, name) == NULL) ||
           !assay_bench_process_add(&b->declared, name, value, unit, kind, better))
    assay_bench_fail(b, "more than %d metrics; \"%s\" has no place", ASSAY_BENCH_MAX_METRICS, name);
}

void assay_bench_pause(assay_bench *b) {
  if (b->pause_at != 0) assay_bench_fail(b, "paused twice without assay_bench_resume between");
  b->pause_at = assay_ticks();
  b->pause_cpu_at = assay_os_thread_cpu_ns();
  if (b->engine->witness.has_allocations) b->pause_allocations = assay_allocations_read();
}

void assay_bench_resume(assay_bench *b) {
  if (b->pause_at == 0) {
    assay_bench_fail(b, "assay_bench_resume without assay_bench_pause before it");
    return;
  }
  if (b->engine->witness.has_allocations) {
    assay_allocations now = assay_allocations_read();
    b->paused_allocations.count += now.count - b->pause_allocations.count;
    b->paused_allocations.bytes += now.bytes - b->pause_allocations.bytes;
  }
  b->pauses++;
  b->paused_cpu_ns += assay_os_thread_cpu_ns() - b->pause_cpu_at;
  b->paused += assay_ticks() - b->pause_at;
  b->pause_at = 0;
}

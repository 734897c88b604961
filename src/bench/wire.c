/* SPDX-License-Identifier: MIT */
#include "bench/wire.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "bench/engine_parts.h"

/* A message: magic, bytes of the body, hash of the body, body. The engine of another build (assay ab) is known by the magic: its top byte
 * goes up with every change of what a body holds, and samples go as they lie in memory, so their size is in it. */
static const uint64_t request_magic = UINT64_C(0x3151455259415341) ^ sizeof(assay_bench_sample) << 40,
                      report_magic = UINT64_C(0x3150455259415341) ^ sizeof(assay_bench_sample) << 40;
enum { HEADER = 24, TEXT_LIMIT = 1 << 20 };

/* ---- Writing ---- */

static void put(assay_buf *out, const void *bytes, size_t count) { assay_buf_append(out, bytes, count); }
static void put_u64(assay_buf *out, uint64_t value) { put(out, &value, sizeof value); }
static void put_f64(assay_buf *out, double value) { put(out, &value, sizeof value); }

static void put_text(assay_buf *out, const char *text) {
  size_t length = text != NULL ? strlen(text) : 0;
  put_u64(out, text != NULL ? length : UINT64_MAX);
  put(out, text, length);
}

static void put_message(assay_buf *out, uint64_t magic, assay_buf *body) {
  if (body->failed) out->failed = true;
  put_u64(out, magic);
  put_u64(out, body->length);
  put_u64(out, assay_hash(ASSAY_HASH_START, body->data, body->length));
  put(out, body->data, body->length);
  assay_buf_deinit(body);
}

void assay_wire_put_request(assay_buf *out, const assay_request *r) {
  assay_buf body = {0};
  put_f64(&body, r->time_s);
  put_f64(&body, r->warmup_s);
  put_f64(&body, r->timeout_s);
  put_f64(&body, r->ticks_per_ns);
  put_u64(&body, r->seed);
  put_text(&body, r->suite);
  put_text(&body, r->name);
  put_u64(&body, r->param_count);
  for (size_t i = 0; i < r->param_count; i++) {
    put_text(&body, r->params[i].name);
    put_text(&body, r->params[i].value);
  }
  put_text(&body, r->command);
  put_text(&body, r->shell);
  put_text(&body, r->prepare);
  put_u64(&body, r->warmups);
  put_u64(&body, r->preloaded);
  put_u64(&body, r->ignore_failure);
  put_message(out, request_magic, &body);
}

/* Only the buckets in use: a histogram is 70 KiB and mostly zeros. */
static void put_histogram(assay_buf *out, const assay_histogram *h) {
  put_u64(out, h != NULL);
  if (h == NULL) return;
  put_u64(out, h->over_range);
  put_u64(out, h->min);
  put_u64(out, h->max);
  put_f64(out, h->sum);
  uint64_t used = 0;
  for (size_t i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) used += h->buckets[i] != 0;
  put_u64(out, used);
  for (size_t i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
    if (h->buckets[i] == 0) continue;
    put_u64(out, i);
    put_u64(out, h->buckets[i]);
  }
}

void assay_wire_put_report(assay_buf *out, const assay_bench_process *p) {
  assay_buf body = {0};
  put_u64(&body, p->outcome);
  put_text(&body, p->reason);
  put_u64(&body, p->steady);
  put_f64(&body, p->warmup_s);
  put_f64(&body, p->clock_cost_ns);
  put_f64(&body, p->clock_resolution_ns);
  put_u64(&body, p->sample_count);
  for (size_t i = 0; i < p->sample_count; i++) put(&body, &p->samples[i], sizeof p->samples[i]);
  put_u64(&body, p->figure_count);
  for (size_t i = 0; i < p->figure_count; i++) {
    const assay_bench_figure *f = &p->figures[i];
    put_text(&body, f->name);
    put_text(&body, f->unit);
    put_u64(&body, f->kind);
    put_u64(&body, f->better);
    put_f64(&body, f->value);
  }
  put_histogram(&body, p->latency);
  put_histogram(&body, p->service);
  put_f64(&body, p->rate_achieved_hz);
  put_f64(&body, p->items);
  put_f64(&body, p->bytes_read);
  put_f64(&body, p->bytes_written);
  put_f64(&body, p->flops);
  put_f64(&body, p->working_set_bytes);
  put_text(&body, p->flop_type);
  put_u64(&body, p->ceiling_set);
  put_text(&body, p->ceiling);
  put_u64(&body, p->threads);
  put_text(&body, p->counters_cause);
  put_text(&body, p->allocations_cause);
  put_message(out, report_magic, &body);
}

/* ---- Reading ---- */

/* What is left of a body; `bad` is sticky, so that a reader may check once at the end. After it, all numbers are 0 and all texts NULL. */
typedef struct cursor {
  const unsigned char *at;
  size_t left;
  bool bad;
} cursor;

static bool get(cursor *c, void *bytes, size_t count) {
  if (c->bad || c->left < count) {
    c->bad = true;
    memset(bytes, 0, count);
    return false;
  }
  memcpy(bytes, c->at, count);
  c->at += count;
  c->left -= count;
  return true;
}

static uint64_t get_u64(cursor *c) {
  uint64_t value;
  get(c, &value, sizeof value);
  return value;
}

static uint64_t get_below(cursor *c, uint64_t bound) {
  uint64_t value = get_u64(c);
  if (value < bound) return value;
  c->bad = true;
  return 0;
}

static double get_f64(cursor *c) {
  double value;
  get(c, &value, sizeof value);
  return value;
}

/* A number that may not be NaN or infinite. */
static double get_finite(cursor *c) {
  double value = get_f64(c);
  if (isfinite(value)) return value;
  c->bad = true;
  return 0;
}

static void get_field(cursor *c, char *field, size_t size) {
  uint64_t length = get_below(c, size);
  get(c, field, (size_t)length);
  field[c->bad ? 0 : length] = '\0';
}

static const char *get_text(cursor *c, assay_arena *arena) {
  uint64_t length = get_u64(c);
  if (length == UINT64_MAX) return NULL;
  if (length > c->left || length > TEXT_LIMIT) c->bad = true;
  if (c->bad) return NULL;
  const char *copy = assay_arena_strndup(arena, (const char *)c->at, (size_t)length);
  c->at += length;
  c->left -= (size_t)length;
  if (copy == NULL) c->bad = true;
  return copy;
}

static assay_status open_message(const void *data, size_t length, uint64_t magic, assay_error *err, cursor *body) {
  cursor c = {.at = data, .left = length};
  uint64_t found = get_u64(&c), bytes = get_u64(&c), hash = get_u64(&c);
  if (c.bad || found != magic || bytes != c.left || hash != assay_hash(ASSAY_HASH_START, c.at, c.left))
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "what came over the engine's channel is not a whole message (%zu bytes)", length);
  *body = c;
  return ASSAY_OK;
}

assay_status assay_wire_get_request(const void *data, size_t length, assay_arena *arena, assay_error *err, assay_request *request) {
  cursor c = {0};
  assay_status status = open_message(data, length, request_magic, err, &c);
  if (status != ASSAY_OK) return status;
  assay_request r = {0};
  r.time_s = get_finite(&c);
  r.warmup_s = get_finite(&c);
  r.timeout_s = get_finite(&c);
  r.ticks_per_ns = get_finite(&c);
  r.seed = get_u64(&c);
  r.suite = get_text(&c, arena);
  r.name = get_text(&c, arena);
  r.param_count = (size_t)get_below(&c, ASSAY_BENCH_MAX_PARAMS + 1);
  for (size_t i = 0; i < r.param_count; i++) {
    r.params[i].name = get_text(&c, arena);
    r.params[i].value = get_text(&c, arena);
    if (r.params[i].name == NULL || r.params[i].value == NULL) c.bad = true;
  }
  r.command = get_text(&c, arena);
  r.shell = get_text(&c, arena);
  r.prepare = get_text(&c, arena);
  r.warmups = (unsigned)get_below(&c, UINT32_MAX);
  r.preloaded = get_below(&c, 2) != 0;
  r.ignore_failure = get_below(&c, 2) != 0;
  if (c.bad || c.left != 0 || (r.name == NULL) == (r.command == NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the request to a fresh process is malformed");
  *request = r;
  return ASSAY_OK;
}

static void get_samples(cursor *c, assay_bench_process *p) {
  size_t count = (size_t)get_below(c, ASSAY_SAMPLES_MAX + 1);
  if (c->bad || count * sizeof *p->samples > c->left) {
    c->bad = true;
    return;
  }
  if (count == 0) return;
  p->samples = assay_calloc(ASSAY_TAG_BENCH, count, sizeof *p->samples);
  if (p->samples == NULL) {
    c->bad = true;
    return;
  }
  p->sample_count = count;
  for (size_t i = 0; i < count; i++) {
    get(c, &p->samples[i], sizeof p->samples[i]);
    if (!(p->samples[i].ns >= 0) || !isfinite(p->samples[i].ns) || p->samples[i].operations == 0) c->bad = true;
  }
}

static void get_figures(cursor *c, assay_bench_process *p) {
  p->figure_count = (size_t)get_below(c, sizeof p->figures / sizeof *p->figures + 1);
  for (size_t i = 0; i < p->figure_count; i++) {
    assay_bench_figure *f = &p->figures[i];
    get_field(c, f->name, sizeof f->name);
    get_field(c, f->unit, sizeof f->unit);
    f->kind = (assay_metric_kind)get_below(c, ASSAY_KIND_COUNT + 1);
    f->better = (assay_better)get_below(c, ASSAY_HIGHER + 1);
    f->value = get_f64(c);
  }
}

/* The extremes lie in the outermost buckets in use, and the sum between as many of either. */
static bool is_consistent(const assay_histogram *h, uint64_t first, uint64_t last) {
  if (h->count == 0) return h->sum == 0 && h->over_range == 0;
  double count = (double)h->count, slack = 1e-9 * (double)h->max * count;
  return h->min <= h->max && assay_histogram_index(h->min) == first && assay_histogram_index(h->max) == last &&
         h->over_range <= h->buckets[last] && h->sum >= (double)h->min * count - slack && h->sum <= (double)h->max * count + slack;
}

static assay_histogram *get_histogram(cursor *c) {
  if (get_below(c, 2) == 0) return NULL;
  assay_histogram *h = assay_alloc(ASSAY_TAG_BENCH, sizeof *h);
  if (h == NULL) {
    c->bad = true;
    return NULL;
  }
  assay_histogram_init(h);
  h->over_range = get_u64(c);
  h->min = get_u64(c);
  h->max = get_u64(c);
  h->sum = get_finite(c);
  uint64_t used = get_below(c, ASSAY_HISTOGRAM_BUCKETS + 1), first = 0, next = 0;
  for (uint64_t i = 0; i < used && !c->bad; i++) {
    uint64_t index = get_below(c, ASSAY_HISTOGRAM_BUCKETS), count = get_u64(c);
    if (index < next || count == 0 || __builtin_add_overflow(h->count, count, &h->count)) c->bad = true;
    if (i == 0) first = index;
    next = index + 1;
    h->buckets[index] = count;
  }
  if (!c->bad && !is_consistent(h, first, next - 1)) c->bad = true;
  return h;
}

assay_status assay_wire_get_report(const void *data, size_t length, assay_error *err, assay_bench_process *process) {
  cursor c = {0};
  assay_status status = open_message(data, length, report_magic, err, &c);
  if (status != ASSAY_OK) return status;
  assay_bench_process p = *process;
  p.samples = NULL;
  p.sample_count = 0;
  p.latency = p.service = NULL;
  p.outcome = (assay_outcome)get_below(&c, ASSAY_OUTCOME_FAILED + 1);
  get_field(&c, p.reason, sizeof p.reason);
  p.steady = (assay_steady)get_below(&c, ASSAY_STEADY_UNTESTED + 1);
  p.warmup_s = get_finite(&c);
  p.clock_cost_ns = get_finite(&c);
  p.clock_resolution_ns = get_finite(&c);
  get_samples(&c, &p);
  get_figures(&c, &p);
  p.latency = get_histogram(&c);
  p.service = get_histogram(&c);
  p.rate_achieved_hz = get_finite(&c);
  p.items = get_f64(&c);
  p.bytes_read = get_f64(&c);
  p.bytes_written = get_f64(&c);
  p.flops = get_f64(&c);
  p.working_set_bytes = get_f64(&c);
  get_field(&c, p.flop_type, sizeof p.flop_type);
  p.ceiling_set = get_below(&c, 2) != 0;
  get_field(&c, p.ceiling, sizeof p.ceiling);
  p.threads = (unsigned)get_below(&c, UINT32_MAX);
  get_field(&c, p.counters_cause, sizeof p.counters_cause);
  get_field(&c, p.allocations_cause, sizeof p.allocations_cause);
  if (c.bad || c.left != 0 || (p.outcome == ASSAY_OUTCOME_OK && p.sample_count == 0)) {
    assay_bench_process_deinit(&p);
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the report of a fresh process is malformed (%zu bytes)", length);
  }
  *process = p;
  return ASSAY_OK;
}

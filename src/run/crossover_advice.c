/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "run/crossover.h"

static bool has_points(const assay_crossover_curve *c) { return c->cause == NULL && c->count > 0; }

static bool same_operation(const assay_crossover_curve *a, const assay_crossover_curve *b) {
  return strcmp(a->operation, b->operation) == 0 && strcmp(a->type, b->type) == 0;
}

static const assay_crossover_point *point_at(const assay_crossover_curve *c, double size) {
  for (size_t i = 0; i < c->count; i++)
    if (c->points[i].size == size) return &c->points[i];
  return NULL;
}

/* Is `a` faster than `b`, beyond what calls differ among themselves? Each one's median lies outside of the other's times. */
static bool clearly_faster(const assay_crossover_point *a, const assay_crossover_point *b) {
  return a->seconds < b->low && b->seconds > a->high;
}

/* The fastest device at a size; NULL when none has it. */
static const assay_crossover_curve *fastest_at(const assay_crossover_curve *curves, size_t count, double size,
                                               const assay_crossover_curve *except) {
  const assay_crossover_curve *best = NULL;
  for (size_t i = 0; i < count; i++) {
    if (&curves[i] == except || !same_operation(&curves[i], curves) || !has_points(&curves[i])) continue;
    const assay_crossover_point *p = point_at(&curves[i], size);
    if (p != NULL && (best == NULL || p->seconds < point_at(best, size)->seconds)) best = &curves[i];
  }
  return best;
}

static double largest_size(const assay_crossover_curve *curves, size_t count, bool of_all) {
  double largest = of_all ? INFINITY : 0;
  for (size_t i = 0; i < count; i++) {
    if (!same_operation(&curves[i], curves) || !has_points(&curves[i])) continue;
    double own = curves[i].points[curves[i].count - 1].size;
    largest = of_all ? fmin(largest, own) : fmax(largest, own);
  }
  return isinf(largest) ? 0 : largest;
}

/* Where `large` overtakes `small` for good: in the logarithms of size and time between the last size at which it does not clearly lead and
 * the next; 0 when it always leads, infinite when it does not at the end. */
static double overtakes_from(const assay_crossover_curve *small, const assay_crossover_curve *large) {
  double previous_size = 0, previous_gap = 0, from = 0;
  for (size_t i = 0; i < small->count; i++) {
    const assay_crossover_point *other = point_at(large, small->points[i].size);
    if (other == NULL) continue;
    double gap = log(small->points[i].seconds / other->seconds), size = small->points[i].size;
    if (!clearly_faster(other, &small->points[i])) gap = fmin(gap, 0);
    if (gap <= 0)
      from = INFINITY;
    else if (isinf(from))
      from = exp(log(previous_size) + log(size / previous_size) * -previous_gap / (gap - previous_gap));
    previous_size = size;
    previous_gap = gap;
  }
  return from;
}

static bool answers_agree(const assay_crossover_curve *curves, size_t count) {
  for (size_t i = 1; i < count; i++) {
    if (!same_operation(&curves[i], curves) || !has_points(&curves[i]) || !has_points(&curves[0])) continue;
    for (size_t k = 0; k < curves[i].count; k++) {
      const assay_crossover_point *first = point_at(&curves[0], curves[i].points[k].size);
      if (first == NULL || isnan(first->answer) || isnan(curves[i].points[k].answer)) continue;
      if (memcmp(&first->answer, &curves[i].points[k].answer, sizeof first->answer) != 0) return false;
    }
  }
  return true;
}

static void put_size(assay_buf *out, double size, const char *unit) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T"};
  size_t step = 0;
  bool bytes = strcmp(unit, "bytes") == 0;
  double base = bytes ? 1024 : 1000;
  while (size >= base && step < 4) size /= base, step++;
  assay_buf_printf(out, "%.3g %s%s%s", size, prefixes[step], bytes && step > 0 ? "iB" : step > 0 ? " " : "", bytes && step > 0 ? "" : unit);
}

/* The two that a sentence compares: `ahead` is the faster one at `size`, the largest of `sizes` that both have. */
typedef struct contest {
  const assay_crossover_curve *ahead, *behind; /* NULL: there is no other */
  double size;
  size_t sizes;
} contest;

/* "cpu at every size" takes more than a point or two. */
enum { FEW_SIZES = 3 };

/* Sizes at which another device clearly leads the one that does at both ends. */
typedef struct lapse {
  const char *device; /* the fastest of the first of them; NULL: there are none */
  double from, to;
} lapse;

static lapse find_lapse(const assay_crossover_curve *curves, size_t count, const assay_crossover_curve *leader) {
  lapse found = {0};
  for (size_t i = 0; i < leader->count; i++) {
    const double size = leader->points[i].size;
    const assay_crossover_curve *other = fastest_at(curves, count, size, leader);
    if (other == NULL || !clearly_faster(point_at(other, size), &leader->points[i])) continue;
    if (found.device == NULL) found = (lapse){other->device, size, size};
    found.to = size;
  }
  return found;
}

static void put_lapse(assay_buf *out, const lapse *between, const char *unit) {
  assay_buf_printf(out, ", but %s ", between->device);
  assay_buf_puts(out, between->from < between->to ? "from " : "at ");
  put_size(out, between->from, unit);
  if (between->from == between->to) return;
  assay_buf_puts(out, " to ");
  put_size(out, between->to, unit);
}

static void put_lead(assay_buf *out, const assay_crossover_advice *a, const contest *of, const lapse *between, const char *unit) {
  const char *behind = of->behind->device;
  if (between->device != NULL) {
    assay_buf_puts(out, a->large);
    put_lapse(out, between, unit);
    assay_buf_printf(out, " (%s is %.3g times as fast as %s at ", a->large, a->most, behind);
  } else if (of->sizes >= FEW_SIZES)
    assay_buf_printf(out, "%s at every size (%.3g times as fast as %s at ", a->large, a->most, behind);
  else
    assay_buf_printf(out, "%s, as far as it was measured (%.3g times as fast as %s at ", a->large, a->most, behind);
  put_size(out, of->size, unit);
  assay_buf_puts(out, of->sizes == 1 ? ", the only size of both)" : of->sizes == 2 ? ", the larger of two sizes)" : ")");
}

static const char *sentence_of(const assay_crossover_advice *a, const assay_crossover_curve *curve, const contest *of, const lapse *between,
                               assay_arena *storage) {
  assay_buf text = {0};
  assay_buf_printf(&text, "%s, %s: ", curve->what, curve->type);
  if (a->small == NULL) {
    assay_buf_puts(&text, "no device here can do it");
  } else if (!isnan(a->from)) {
    assay_buf_printf(&text, "%s up to about ", a->small);
    put_size(&text, a->from, curve->unit);
    assay_buf_printf(&text, ", then %s (%.3g times as fast at ", a->large, a->most);
    put_size(&text, of->size, curve->unit);
    assay_buf_puts(&text, ")");
  } else if (of->behind == NULL) {
    assay_buf_printf(&text, "%s; there is no other device for it here", a->large);
  } else if (!a->clear) {
    assay_buf_printf(&text, "%s or %s: their times overlap at ", of->ahead->device, of->behind->device);
    put_size(&text, of->size, curve->unit);
    assay_buf_printf(&text, " (%.3g times as fast, within what calls differ among themselves)", a->most);
    if (strcmp(a->small, of->ahead->device) != 0) assay_buf_printf(&text, "; %s at small sizes", a->small);
  } else {
    put_lead(&text, a, of, between, curve->unit);
  }
  if (!a->same_bits) assay_buf_puts(&text, "; WARNING: the devices do not give the same answers");
  const char *kept = assay_arena_strdup(storage, text.data != NULL ? text.data : "");
  assay_buf_deinit(&text);
  return kept;
}

static contest hold(const assay_crossover_curve *a, const assay_crossover_curve *b, double size) {
  contest of = {.ahead = a, .size = size};
  if (b == NULL || point_at(a, size) == NULL || point_at(b, size) == NULL) return of;
  bool turned = point_at(b, size)->seconds < point_at(a, size)->seconds;
  of.ahead = turned ? b : a;
  of.behind = turned ? a : b;
  for (size_t i = 0; i < a->count; i++) of.sizes += point_at(b, a->points[i].size) != NULL;
  return of;
}

/* `curves` begins with the first curve of the operation. */
static assay_crossover_advice advise(const assay_crossover_curve *curves, size_t count, assay_arena *storage) {
  assay_crossover_advice a = {
      .operation = curves->operation, .type = curves->type, .from = NAN, .most = NAN, .same_bits = answers_agree(curves, count)};
  const assay_crossover_curve *first = NULL, *last = NULL, *next = NULL;
  double smallest = INFINITY, common = largest_size(curves, count, true);
  for (size_t i = 0; i < count; i++)
    if (same_operation(&curves[i], curves) && has_points(&curves[i])) smallest = fmin(smallest, curves[i].points[0].size);
  if (!isinf(smallest)) {
    first = fastest_at(curves, count, smallest, NULL);
    last = fastest_at(curves, count, common, NULL);
    if (last == NULL) last = fastest_at(curves, count, largest_size(curves, count, false), NULL);
  }
  /* A lead that the next run may turn round is none: where it is not clear, one device does for all sizes. */
  if (first != NULL && last != NULL && first != last) {
    const assay_crossover_point *other = point_at(last, smallest), *end = point_at(first, common);
    if (other != NULL && !clearly_faster(point_at(first, smallest), other))
      first = last;
    else if (end != NULL && point_at(last, common) != NULL && !clearly_faster(point_at(last, common), end))
      last = first;
  }
  contest of = {.size = common};
  lapse between = {0};
  if (first != NULL && last != NULL) {
    next = first != last ? first : fastest_at(curves, count, common, last);
    double from = first != last ? overtakes_from(first, last) : 0;
    if (from > 0 && !isinf(from)) a.from = from;
    of = hold(last, next, common);
    if (first == last) between = find_lapse(curves, count, last);
    if (of.behind != NULL) {
      a.most = point_at(of.behind, common)->seconds / point_at(of.ahead, common)->seconds;
      a.clear = clearly_faster(point_at(of.ahead, common), point_at(of.behind, common));
    }
    a.small = first->device;
    a.large = last->device;
  }
  a.sentence = sentence_of(&a, curves, &of, &between, storage);
  return a;
}

assay_status assay_crossover_advise(const assay_crossover_curve *curves, size_t count, assay_arena *storage,
                                    const assay_crossover_advice **advice, size_t *advice_count) {
  assay_crossover_advice *made = assay_arena_alloc(storage, count + 1, sizeof *made);
  size_t filled = 0;
  for (size_t i = 0; made != NULL && i < count; i++) {
    bool seen = false;
    for (size_t k = 0; k < i; k++) seen |= same_operation(&curves[k], &curves[i]);
    if (!seen) made[filled++] = advise(&curves[i], count - i, storage);
  }
  if (storage->failed) return ASSAY_ERR_NO_MEMORY;
  *advice = made;
  *advice_count = filled;
  return ASSAY_OK;
}

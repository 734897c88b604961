/* SPDX-License-Identifier: MIT */
#include "machine/ceilings/confirm.h"

#include <string.h>

#include "os/prim.h"

enum { TRIES = 3, ROUNDS = 2 };

/* `suspect` is at least `ratio` times as good as `than`. */
typedef struct order {
  const char *suspect, *than;
  double ratio;
} order;

/*
 * Half of what a copy moves is read and half is written, in the same time; of a triad two thirds and one. So reading alone is never slower
 * than those halves, at any level. In the L1 reading is as fast as copying too, since no core stores more than it loads in a cycle;
 * further out the two ways have wires of their own. An inner level is as fast as the next one, a vector as a number, all as one.
 */
#define MIXES(level, end)                                                                        \
  {level ".read" end, level ".copy" end, 0.48}, {level ".read" end, level ".triad" end, 0.64}, { \
    level ".write" end, level ".copy" end, 0.48                                                  \
  }

static const order orders[] = {
    MIXES("memory", ".1t"),
    MIXES("memory", ".Nt"),
    MIXES("l3", ""),
    MIXES("l2", ""),
    MIXES("l1", ""),
    {"l3.read", "memory.read.1t", 0.95},
    {"l2.read", "l3.read", 0.95},
    {"l1.read", "l2.read", 0.95},
    {"l1.read", "l1.copy", 0.95},
    {"l1.write", "l2.write", 0.95},
    {"memory.read.Nt", "memory.read.1t", 0.9},
    {"latency.l3", "latency.memory", 0.98},
    {"latency.l2", "latency.l3", 0.98},
    {"latency.l1", "latency.l2", 0.98},
    {"flops.f64.vector", "flops.f64.scalar", 0.95},
    {"flops.f32.vector", "flops.f32.scalar", 0.95},
    {"flops.f32.vector", "flops.f64.vector", 0.95},
    {"flops.f64.vector.Nt", "flops.f64.vector", 0.95},
    {"flops.f32.vector.Nt", "flops.f32.vector", 0.95},
    {"os.alloc_1g.untouched", "os.alloc_1g.touched", 1},
};

enum { ORDERS = sizeof orders / sizeof *orders };

void assay_confirm_init(assay_confirm *confirm, assay_ceilings_run *run, uint64_t start_ns) {
  *confirm = (assay_confirm){.run = run,
                             .left_ns = UINT64_C(1000000000) * (run->quick ? 4 : 12),
                             .deadline_ns = start_ns + UINT64_C(1000000000) * (run->quick ? 20 : 75)};
}

static bool may_repeat(const assay_confirm *confirm) { return confirm->left_ns > 0 && assay_os_now_ns() < confirm->deadline_ns; }

static void spend(assay_confirm *confirm, uint64_t since) {
  uint64_t spent = assay_os_now_ns() - since;
  confirm->left_ns -= spent < confirm->left_ns ? spent : confirm->left_ns;
}

/* How far the best repetitions of a healthy row are apart at most. What the system does has more ways to go than arithmetic has. */
static double tolerance(const assay_ceiling *row) { return strncmp(row->name, "os.", 3) == 0 ? 0.25 : 0.05; }

/* How many times as good `a` is as `b`. */
static double ratio_of(const assay_ceiling *a, const assay_ceiling *b) {
  return a->better == ASSAY_HIGHER ? a->value / b->value : b->value / a->value;
}

static bool is_better(const assay_ceiling *a, const assay_ceiling *b) { return a->available && (!b->available || ratio_of(a, b) > 1); }

static void doubt(assay_confirm *confirm, assay_ceiling *row, const char *why, double percent, const char *than) {
  const char *detail = row->detail != NULL ? row->detail : "";
  if (than != NULL)
    assay_probe_detail(confirm->run, row, "%s; doubtful: %s %s", detail, why, than);
  else
    assay_probe_detail(confirm->run, row, "%s; doubtful: %s %.0f %%", detail, why, percent);
}

void assay_confirm_measure(assay_confirm *confirm, assay_probe probe, const assay_probe_args *args, assay_ceiling *row) {
  const assay_ceiling blank = *row;
  double *gap = &confirm->run->set->gap_ratio, best_gap = 0;
  for (unsigned try = 0; try < TRIES && (try == 0 || may_repeat(confirm)); try++) {
    assay_ceiling again = blank;
    uint64_t start = assay_os_now_ns();
    *gap = 0;
    probe(confirm->run, args, &again);
    if (try > 0) spend(confirm, start);
    if (try == 0 || is_better(&again, row)) {
      best_gap = *gap;
      /* Two tries that agree confirm each other, whatever the repetitions inside did. */
      if (try > 0 && row->available && ratio_of(&again, row) - 1 <= tolerance(row)) best_gap = 0;
      *row = again;
    } else if (again.available && ratio_of(row, &again) - 1 <= tolerance(row)) {
      best_gap = 0;
    }
    if (!row->available || best_gap <= tolerance(row)) return;
  }
  doubt(confirm, row, "its best repetitions differ by", best_gap * 100, NULL);
}

static assay_ceiling *find(const assay_ceilings *set, const char *name) {
  for (size_t i = 0; i < set->count; i++) {
    if (strcmp(set->items[i].name, name) == 0) return set->items[i].available ? &set->items[i] : NULL;
  }
  return NULL;
}

static assay_ceiling *violated(const assay_ceilings *set, const order *o) {
  assay_ceiling *suspect = find(set, o->suspect), *than = find(set, o->than);
  return suspect != NULL && than != NULL && ratio_of(suspect, than) < o->ratio ? suspect : NULL;
}

void assay_confirm_orders(assay_confirm *confirm, assay_confirm_again again, void *user) {
  const assay_ceilings *set = confirm->run->set;
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (size_t i = 0; i < ORDERS && may_repeat(confirm); i++) {
      assay_ceiling *row = violated(set, &orders[i]);
      if (row == NULL) continue;
      assay_ceiling repeated = {.name = row->name, .unit = row->unit, .better = row->better};
      uint64_t start = assay_os_now_ns();
      again(user, &repeated);
      spend(confirm, start);
      if (is_better(&repeated, row)) *row = repeated;
    }
  }
  for (size_t i = 0; i < ORDERS; i++) {
    assay_ceiling *row = violated(set, &orders[i]);
    if (row != NULL) doubt(confirm, row, "it cannot be that much worse than", 0, orders[i].than);
  }
}

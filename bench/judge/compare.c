/* SPDX-License-Identifier: MIT */
/*
 * How honest and how sharp the comparison is, on simulated processes whose truth is known; the tables of docs/compare.md.
 *
 *     build/bench/judge_compare [REPETITIONS]      of each figure (default 20000)
 *
 * The same random numbers everywhere. Exit code 1 when a bar is missed.
 */
#include <assay/compare.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { MOST = 20, SAMPLES = 15, SUITE = 40 };
static const double SPREAD = 0.02; /* between processes, of the plain kinds */

static assay_random dice;
static double unit(void) { return assay_random_unit(&dice); }
static double normal(void) { return assay_random_normal(&dice); }

/* ---- What processes do --------------------------------------------------------------------------------------------------------------- */

typedef enum family { NORMAL, STUDENT, CAUCHY, CONTAMINATED, SLOW_TAIL, TWO_MODES, RARE_MODE, SKEWED, COARSE, DRIFT, FAMILIES } family;

static const char *const names[FAMILIES] = {
    "normal, 2 %",
    "Student t, 3 degrees",
    "Cauchy",
    "one in ten 10 times as far off",
    "one in seven slower by 15 %",
    "two modes, 10 % apart",
    "one in five 10 % slower",
    "exponential",
    "clock of one sigma",
    "random walk, in turns",
};

static double draw(family kind) {
  double chi = 0;
  switch (kind) {
    case NORMAL:
    case DRIFT: return SPREAD * normal();
    case STUDENT:
      for (int i = 0; i < 3; i++) chi += pow(normal(), 2);
      return SPREAD * normal() / sqrt(chi / 3);
    case CAUCHY: return SPREAD * normal() / fabs(normal());
    case CONTAMINATED: return (unit() < 0.1 ? 10 : 1) * SPREAD * normal();
    case SLOW_TAIL: return SPREAD / 2 * normal() + (unit() < 1.0 / 7 ? -0.15 * log1p(-unit()) : 0);
    case TWO_MODES: return SPREAD / 4 * normal() + (unit() < 0.5 ? 0.1 : 0);
    case RARE_MODE: return SPREAD / 4 * normal() + (unit() < 0.2 ? 0.1 : 0);
    case SKEWED: return -SPREAD * log1p(-unit());
    case COARSE: return SPREAD * round(normal());
    case FAMILIES: break;
  }
  return 0;
}

/* Logarithms of process times of both sides, in turns over the same drift. */
static void draw_both(family kind, int count, double effect, double *a, double *b) {
  double drift = 0;
  for (int i = 0; i < count; i++) {
    bool a_first = unit() < 0.5; /* ABBA at random: neither side is always the later one */
    double first = draw(kind) + drift;
    if (kind == DRIFT) drift += SPREAD * normal();
    double second = draw(kind) + drift;
    if (kind == DRIFT) drift += SPREAD * normal();
    a[i] = a_first ? first : second;
    b[i] = (a_first ? second : first) + effect;
  }
}

/* ---- Tests --------------------------------------------------------------------------------------------------------------------------- */

static double ours(const double *a, const double *b, int count) {
  assay_difference d;
  return assay_stats_difference(a, (size_t)count, b, (size_t)count, 0.95, 0.25, &d) == ASSAY_OK ? d.p_value : NAN;
}

/* The best test there is for normal values of equal, unknown spread (Student; uniformly most powerful among unbiased ones). */
static double student(const double *a, const double *b, int count) {
  double sa = assay_stats_stddev(a, (size_t)count), sb = assay_stats_stddev(b, (size_t)count), n = count;
  double error = sqrt((sa * sa + sb * sb) / n);
  return error > 0 ? assay_stats_t_pvalue((assay_stats_mean(b, (size_t)count) - assay_stats_mean(a, (size_t)count)) / error, 2 * n - 2) : 1;
}

/* Mann and Whitney, normal approximation with the correction for ties: what tools use. */
static double mann_whitney(const double *a, const double *b, int na, int nb) {
  double u = 0, ties = 0, n = na + nb;
  for (int i = 0; i < na; i++)
    for (int k = 0; k < nb; k++) u += b[k] > a[i] ? 1 : b[k] == a[i] ? 0.5 : 0;
  double all[2 * MOST * SAMPLES];
  memcpy(all, a, (size_t)na * sizeof *all);
  memcpy(all + na, b, (size_t)nb * sizeof *all);
  assay_stats_sort(all, (size_t)(na + nb));
  for (int i = 0, run = 1; i < na + nb; i += run) {
    for (run = 1; i + run < na + nb && all[i + run] == all[i]; run++) continue;
    ties += pow(run, 3) - run;
  }
  double sigma = sqrt((double)na * nb / 12 * (n + 1 - ties / (n * (n - 1))));
  return sigma > 0 ? assay_stats_t_pvalue(fmax(0, fabs(u - (double)na * nb / 2) - 0.5) / sigma, INFINITY) : 1;
}

/* The samples of all processes in one heap, as harnesses that never start a second process do. */
static double pooled(const double *a, const double *b, int count) {
  double x[MOST * SAMPLES], y[MOST * SAMPLES];
  for (int i = 0; i < count * SAMPLES; i++) {
    x[i] = a[i / SAMPLES] + SPREAD / 2 * normal();
    y[i] = b[i / SAMPLES] + SPREAD / 2 * normal();
  }
  return mann_whitney(x, y, count * SAMPLES, count * SAMPLES);
}

/* ---- Rates --------------------------------------------------------------------------------------------------------------------------- */

typedef struct rates {
  double ours_5, ours_1, student_5, mann_5, pooled_5;
} rates;

static rates rates_of(family kind, int count, double effect, int repetitions) {
  rates r = {0};
  int few = repetitions / 20; /* the pooled test is slow, and far off */
  for (int i = 0; i < repetitions; i++) {
    double a[MOST], b[MOST];
    draw_both(kind, count, effect, a, b);
    double p = ours(a, b, count);
    r.ours_5 += p <= 0.05;
    r.ours_1 += p <= 0.01;
    r.student_5 += student(a, b, count) <= 0.05;
    r.mann_5 += mann_whitney(a, b, count, count) <= 0.05;
    if (i < few) r.pooled_5 += pooled(a, b, count) <= 0.05;
  }
  double scale = 100.0 / repetitions;
  return (rates){r.ours_5 * scale, r.ours_1 * scale, r.student_5 * scale, r.mann_5 * scale, r.pooled_5 * 100 / few};
}

static bool bar(const char *what, const char *limit, double figure, const char *format, bool met, const char *beside) {
  char text[32];
  snprintf(text, sizeof text, format, figure);
  printf("%s  %-58s %14s %16s  %s\n", met ? "met   " : "MISSED", what, limit, text, beside);
  return met;
}

static bool same_code(int repetitions) {
  static const int counts[] = {3, 5, 10, 20};
  bool all_met = true;
  double worst_5 = 0, worst_1 = 0, error_5 = 100 * sqrt(0.05 * 0.95 / repetitions), error_1 = 100 * sqrt(0.01 * 0.99 / repetitions);
  puts("The same code twice: per cent that are called different.");
  printf("%-32s %4s %10s %10s %12s %14s %16s\n", "processes", "n", "ours 5 %", "ours 1 %", "Student 5 %", "Mann-W. 5 %", "M-W. pooled 5 %");
  for (int kind = 0; kind < FAMILIES; kind++) {
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
      rates r = rates_of((family)kind, counts[k], 0, repetitions);
      printf("%-32s %4d %10.2f %10.2f %12.2f %14.2f %16.1f\n", names[kind], counts[k], r.ours_5, r.ours_1, r.student_5, r.mann_5,
             r.pooled_5);
      worst_5 = fmax(worst_5, r.ours_5);
      worst_1 = fmax(worst_1, r.ours_1);
    }
  }
  char beside[96];
  snprintf(beside, sizeof beside, "worst of %d; simulation error +-%.2f", FAMILIES * 4, 2 * error_5);
  all_met &= bar("simulated A/A at nominal 5 %: false alarms", "<= 5 %", worst_5, "%.2f %%", worst_5 <= 5 + 2 * error_5, beside);
  snprintf(beside, sizeof beside, "worst of %d; simulation error +-%.2f", FAMILIES * 4, 2 * error_1);
  all_met &= bar("simulated A/A at nominal 1 %: false alarms", "<= 1 %", worst_1, "%.2f %%", worst_1 <= 1 + 2 * error_1, beside);
  return all_met;
}

static bool power(int repetitions) {
  static const double effects[] = {0.02, 0.05, 0.1};
  bool all_met = true;
  for (size_t i = 0; i < 3; i++) {
    rates r = rates_of(NORMAL, 5, log1p(effects[i]), repetitions);
    char what[80], beside[96];
    snprintf(what, sizeof what, "5 against 5 processes, spread 2 %%, effect %.0f %%: power", 100 * effects[i]);
    snprintf(beside, sizeof beside, "best possible (Student) %.1f %%, Mann-Whitney %.1f %%", r.student_5, r.mann_5);
    all_met &= bar(what, "best - 5", r.ours_5, "%.1f %%", r.ours_5 >= r.student_5 - 5, beside);
  }
  return all_met;
}

/* ---- Whole suites, run one after the other ------------------------------------------------------------------------------------------- */

/* Each run moves every benchmark by a bit of its own, and all of them together; processes agree within a run. */
typedef struct circumstances {
  const char *name;
  double together, alone, process;
  int processes; /* 0: 5 */
  int moody;     /* so many of the benchmarks have two modes 10 % apart, whatever the others do */
} circumstances;

static assay_result *make_run(const circumstances *s, family kind, int changed, double effect) {
  assay_result *r = NULL;
  if (assay_result_create(NULL, &r) != ASSAY_OK) exit(2);
  double together = s->together * normal();
  int processes = s->processes > 0 ? s->processes : 5;
  for (int i = 0; i < SUITE; i++) {
    double values[5], alone = s->alone * normal() + together + (i < changed ? log1p(effect) : 0);
    for (int p = 0; p < processes; p++) values[p] = 1000 * exp(alone + (i < s->moody ? draw(TWO_MODES) : s->process / SPREAD * draw(kind)));
    char name[16];
    snprintf(name, sizeof name, "b%02d", i);
    assay_metric_result m = {.name = "time",
                             .unit = "ns",
                             .kind = ASSAY_KIND_TIME,
                             .value = assay_stats_median(values, (size_t)processes),
                             .ci_low = NAN,
                             .ci_high = NAN,
                             .process_count = (size_t)processes,
                             .processes = values};
    assay_benchmark_result b = {.name = name, .suite = "s", .base_name = name, .metric_count = 1, .metrics = &m};
    b.covariates.others_cpus = NAN;
    if (assay_result_add_benchmark(r, &b, NULL) != ASSAY_OK) exit(2);
  }
  return r;
}

typedef struct verdicts {
  double suites_with_alarm, found;
} verdicts;

static verdicts compare_suites(const circumstances *s, family kind, int changed, double effect, int repetitions) {
  verdicts v = {0};
  for (int k = 0; k < repetitions; k++) {
    assay_result *before = make_run(s, kind, 0, 0), *after = make_run(s, kind, changed, effect);
    assay_changes *changes = NULL;
    if (assay_compare(before, after, NULL, NULL, &changes) != ASSAY_OK) exit(2);
    bool alarm = false;
    for (size_t i = 0; i < changes->count; i++) {
      assay_verdict verdict = changes->items[i].verdict;
      bool worse = verdict == ASSAY_VERDICT_WORSE || verdict == ASSAY_VERDICT_CRITICAL;
      bool is_changed = (int)i < changed;
      v.found += is_changed && worse;
      alarm |= !is_changed && (worse || verdict == ASSAY_VERDICT_BETTER);
    }
    v.suites_with_alarm += alarm;
    assay_changes_destroy(changes);
    assay_result_destroy(before);
    assay_result_destroy(after);
  }
  v.suites_with_alarm *= 100.0 / repetitions;
  if (changed > 0) v.found *= 100.0 / repetitions / changed;
  return v;
}

static bool suites(int repetitions) {
  static const circumstances all[] = {
      {"processes 2 %, runs alike", 0, 0, 0.02},     {"processes 2 %, runs 1 %", 0, 0.01, 0.02},
      {"processes 1 %, runs 3 %", 0, 0.03, 0.01},    {"processes 1 %, machine 4 %", 0.04, 0.005, 0.01},
      {"processes 5 %, runs 2 %", 0.01, 0.02, 0.05},
  };
  static const family kinds[] = {NORMAL, STUDENT, CONTAMINATED, TWO_MODES};
  double worst = 0;
  printf("\nSuites of %d benchmarks, 5 processes, run one after the other, default thresholds:\n%-30s %-32s %18s %20s %20s\n", SUITE,
         "noise between", "processes", "A/A suites alarmed", "4 worse by 10 %", "16 worse by 20 %");
  for (size_t s = 0; s < sizeof all / sizeof *all; s++) {
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
      verdicts none = compare_suites(&all[s], kinds[k], 0, 0, repetitions);
      verdicts few = compare_suites(&all[s], kinds[k], 4, 0.1, repetitions / 4),
               many = compare_suites(&all[s], kinds[k], 16, 0.2, repetitions / 4);
      printf("%-30s %-32s %16.1f %% %14.0f %% found %14.0f %% found\n", all[s].name, names[kinds[k]], none.suites_with_alarm, few.found,
             many.found);
      worst = fmax(worst, none.suites_with_alarm);
    }
  }
  puts("\nThe same where ten of the forty have two modes 10 % apart and the others differ by 0.3 %, by processes a side:");
  for (int processes = 2; processes <= 6; processes++) {
    circumstances mixed = {.process = 0.003, .processes = processes, .moody = 10};
    verdicts none = compare_suites(&mixed, NORMAL, 0, 0, repetitions);
    printf("%4d %16.1f %%\n", processes, none.suites_with_alarm);
    worst = fmax(worst, none.suites_with_alarm);
  }
  char beside[80];
  snprintf(beside, sizeof beside, "worst kind of noise; %d suites each, none measured again", repetitions);
  return bar("simulated A/A suites with any false alarm", "<= 5 %", worst, "%.1f %%", worst <= 5, beside);
}

int main(int argc, char **argv) {
  int repetitions = argc > 1 ? atoi(argv[1]) : 20000;
  if (repetitions < 200) repetitions = 200;
  assay_random_init(&dice, 1);
  bool met = same_code(repetitions);
  met &= power(repetitions);
  met &= suites(repetitions / 40 < 20 ? 20 : repetitions / 40);
  return met ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * The whole sequential procedure of `assay ab` (blocks, looks, stopping, verdict) on simulated times whose truth is known: how often it
 * alarms where nothing changed, and how often it finds what was planted.
 *
 *     ab_rates [REPETITIONS]        prints a row for each model of noise, and what the bars say
 *
 * "this machine" is fitted to what 10,000 processes of planted_0 showed on the build machine while other programs kept it busy: a
 * fixed speed with a spread of 0.1 % between processes, and spells, seconds long, in which a neighbour makes a part of the processes 3 to
 * 60 % slower.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "run/ab_rule.h"

enum { MOST_BLOCKS = 170 /* of four processes of 14 ms: ten seconds */ };

typedef struct noise {
  assay_random random;
  double time; /* processes so far */
  bool busy;   /* a neighbour is there */
} noise;

static double between(noise *n, double low, double high) { return low + (high - low) * assay_random_unit(&n->random); }
static double heavy(noise *n) { /* Student's t with 2 degrees of freedom */
  double z = assay_random_normal(&n->random);
  return z / sqrt(-log(1 - assay_random_unit(&n->random)));
}
static void spell(noise *n, double begin, double end) { n->busy = assay_random_unit(&n->random) < (n->busy ? 1 - end : begin); }

/* Each gives the log of one process's time, without the effect. */
static double normal(noise *n) { return 0.01 * assay_random_normal(&n->random); }
static double tails(noise *n) { return 0.01 * heavy(n); }
static double drift(noise *n) { return 0.0005 * n->time + 0.01 * assay_random_normal(&n->random); }
static double waves(noise *n) { return 0.05 * sin(n->time / 5) + 0.005 * assay_random_normal(&n->random); }
/* Rhythms that go with the blocks: the steps are all of one size, and the lot alone has made their signs. */
static double rhythm(noise *n, double processes, double size) {
  return size * sin(2 * 3.141592653589793 * (n->time + 0.5) / processes + (processes < 8 ? 1.5707963267948966 : 0)) +
         0.0005 * assay_random_normal(&n->random);
}
static double rhythm4(noise *n) { return rhythm(n, 4, 0.05); }
static double rhythm8(noise *n) { return rhythm(n, 8, 0.05); }
static double rhythm16(noise *n) { return rhythm(n, 16, 0.05); }
static double middles(noise *n) { /* the middle of one block, both ends of the next */
  return (0x96 >> (int)n->time % 8 & 1 ? 0.005 : 0) + 0.0005 * assay_random_normal(&n->random);
}
static double bimodal(noise *n) { return (assay_random_unit(&n->random) < 0.3 ? 0.08 : 0) + 0.003 * assay_random_normal(&n->random); }
static double bursts(noise *n) {
  spell(n, 0.02, 0.1);
  return (n->busy ? between(n, 0, 0.6) : 0) + 0.005 * assay_random_normal(&n->random);
}
static double first_slow(noise *n) { return ((int)n->time % 4 == 0 ? 0.02 : 0) + 0.005 * assay_random_normal(&n->random); }
static double machine(noise *n) {
  spell(n, 0.005, 0.01);
  bool hit = assay_random_unit(&n->random) < (n->busy ? 0.5 : 0.05);
  return (hit ? between(n, 0.03, 0.6) : 0) + 0.001 * assay_random_normal(&n->random);
}

static const struct {
  const char *name;
  double (*draw)(noise *n);
} models[] = {{"normal, 1 %", normal},
              {"heavy tails (t, 2 df), 1 %", tails},
              {"drift of 0.05 % a process", drift},
              {"waves of 5 %, 31 processes long", waves},
              {"waves of 5 %, 16 processes long", rhythm16},
              {"waves of 5 %, 8 processes long", rhythm8},
              {"waves of 5 %, 4 processes long", rhythm4},
              {"middles and ends 0.5 % slower in turns", middles},
              {"bimodal, 8 % apart", bimodal},
              {"bursts of a neighbour, up to 60 %", bursts},
              {"first process of a block 2 % slower", first_slow},
              {"this machine", machine}};

typedef struct counts {
  double different, same, blocks, covered;
} counts;

static void once(double (*draw)(noise *n), double effect, double alpha, uint64_t seed, counts *c) {
  assay_ab_rule rule = {.detect = 0.02, .alpha = alpha};
  assay_ab_stage stage = {0};
  assay_ab_view view = {0};
  double steps[MOST_BLOCKS];
  noise n = {.time = 0};
  assay_random_init(&n.random, seed);
  for (int i = 0; i < 50; i++) draw(&n);
  bool mirrored = false;
  for (size_t count = 0; count < MOST_BLOCKS && !stage.finished;) {
    mirrored = count == 1 ? !mirrored : assay_random_below(&n.random, 2) == 1;
    double step = 0;
    for (int k = 0; k < 4; k++, n.time++) {
      bool is_b = (k == 1 || k == 2) != mirrored;
      step += (is_b ? 0.5 : -0.5) * (draw(&n) + (is_b ? effect : 0));
    }
    steps[count++] = step;
    if (assay_ab_look(steps, count, &view) != ASSAY_OK) abort();
    assay_ab_advance(&rule, &view, &stage);
  }
  bool different = assay_ab_paid_p(&view, &stage) <= alpha, same = assay_ab_is_same(&rule, &view, different);
  c->same += same;
  c->different += different && !same;
  c->blocks += (double)view.blocks;
  c->covered += view.ci.low <= effect && effect <= view.ci.high;
}

static counts rates(double (*draw)(noise *n), double effect, double alpha, int repetitions) {
  counts c = {0};
  for (int i = 0; i < repetitions; i++) once(draw, effect, alpha, (uint64_t)i * 7919 + 17, &c);
  double n = repetitions;
  return (counts){c.different / n, c.same / n, c.blocks / n, c.covered / n};
}

static int bar(bool met, const char *what, const char *limit, double figure, const char *beside) {
  printf("%s  %-58s %14s %15.2f%%  %s\n", met ? "met   " : "MISSED", what, limit, 100 * figure, beside);
  return !met;
}

int main(int argc, char **argv) {
  int repetitions = argc > 1 ? atoi(argv[1]) : 2000, missed = 0;
  double worst5 = 0, worst1 = 0;
  if (repetitions < 1) repetitions = 1;
  printf("%d repetitions; at most %d blocks; --detect 2%%\n", repetitions, MOST_BLOCKS);
  printf("%-38s %22s %22s %16s %26s %26s\n", "", "nothing, alpha 5 %", "nothing, alpha 1 %", "", "planted 1 %", "planted 2 %");
  printf("%-38s %10s %11s %10s %11s %8s %7s %8s %8s %8s %8s %8s %8s\n", "noise", "alarms", "same", "alarms", "same", "blocks", "covers",
         "found", "same", "blocks", "found", "same", "blocks");
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    counts a5 = rates(models[i].draw, 0, 0.05, repetitions), a1 = rates(models[i].draw, 0, 0.01, repetitions);
    counts one = rates(models[i].draw, log(1.01), 0.01, repetitions), two = rates(models[i].draw, log(1.02), 0.01, repetitions);
    printf("%-38s %9.2f%% %10.1f%% %9.2f%% %10.1f%% %8.1f %6.1f%% %7.1f%% %7.2f%% %8.1f %7.1f%% %7.2f%% %8.1f\n", models[i].name,
           100 * a5.different, 100 * a5.same, 100 * a1.different, 100 * a1.same, a1.blocks, 100 * a1.covered, 100 * one.different,
           100 * one.same, one.blocks, 100 * two.different, 100 * two.same, two.blocks);
    worst5 = fmax(worst5, a5.different);
    worst1 = fmax(worst1, a1.different);
  }
  double error5 = 3 * sqrt(0.05 * 0.95 / repetitions), error1 = 3 * sqrt(0.01 * 0.99 / repetitions);
  missed += bar(worst5 <= 0.05 + error5, "ab, simulated A/A at nominal 5 %, worst model", "<= 5 %", worst5, "whole sequential procedure");
  missed += bar(worst1 <= 0.01 + error1, "ab, simulated A/A at nominal 1 %, worst model", "<= 1 %", worst1, "whole sequential procedure");
  static const struct {
    double effect, least;
    const char *what, *limit;
  } planted[] = {{0.01, 0.60, "ab, simulated on this machine, planted 1 %", ">= 60 %"},
                 {0.02, 0.95, "ab, simulated on this machine, planted 2 %", ">= 95 %"},
                 {0.05, 0.99, "ab, simulated on this machine, planted 5 %", ">= 99 %"},
                 {0.10, 0.99, "ab, simulated on this machine, planted 10 %", ">= 99 %"}};
  for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
    counts c = rates(machine, log1p(planted[i].effect), 0.01, repetitions);
    char beside[64];
    snprintf(beside, sizeof beside, "%.1f blocks, \"same\" %.2f %%", c.blocks, 100 * c.same);
    missed += bar(c.different >= planted[i].least, planted[i].what, planted[i].limit, c.different, beside);
  }
  return missed > 0;
}

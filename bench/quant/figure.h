/* SPDX-License-Identifier: MIT */
/*
 * How a bench program says a figure: one line each, for people or (--json) for bars.py. See bench/README.md.
 *
 *     figure_begin(argc, argv);
 *     double ns = FIGURE_BEST_NS(20, price_batch(options, 1000));
 *     figure("closed_form_greeks", ns / 1000, "ns/option", "avx2");
 *     return figure_end();
 */
#ifndef ASSAY_BENCH_FIGURE_H
#define ASSAY_BENCH_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Reads --json. */
void figure_begin(int argc, char **argv);
/* `note` (may be NULL) is shown beside the figure. A value that is not a number ends the program with exit code 1. */
void figure(const char *what, double value, const char *unit, const char *note);
/* The same with the most that this machine could do, in the same unit. */
void figure_beside(const char *what, double value, const char *unit, double ceiling, const char *note);
/* The price that the next figure's work found, and its standard error (0: none), for comparison with the peers'. */
void figure_price(double price, double standard_error);
void figure_absent(const char *what, const char *why);
/* Exit code of the program. */
int figure_end(void);

/* Nanoseconds that this process has worked, in all its threads: on a busy machine, what others take does not count. Work that is measured
 * with several threads needs figure_wall_ns, and a machine of its own. */
uint64_t figure_now_ns(void);
uint64_t figure_wall_ns(void);
/* Multiply-adds of independent chains in registers that this core reaches with the best of its instruction sets, GFLOP/s in "f32" or
 * "f64"; `isa` (may be NULL) receives whose. The best of many short runs, since nothing can make it faster than it is. */
double figure_fma_gflops(const char *type, const char **isa);
/* Middle of `count` values, which it sorts. */
double figure_median(double *values, size_t count);

/* Time of one run of `work` in ns: the best, or the middle, of `rounds`, after one that is not counted. The best where the work is always
 * the same (a busy neighbour can only make it slower). */
#define FIGURE_NS(rounds, work, choose)                               \
  __extension__({                                                     \
    double figure_times[rounds];                                      \
    { work; }                                                         \
    for (int figure_i = 0; figure_i < (rounds); figure_i++) {         \
      uint64_t figure_at = figure_now_ns();                           \
      { work; }                                                       \
      figure_times[figure_i] = (double)(figure_now_ns() - figure_at); \
    }                                                                 \
    double figure_middle = figure_median(figure_times, rounds);       \
    (choose) ? figure_times[0] : figure_middle;                       \
  })
#define FIGURE_BEST_NS(rounds, work) FIGURE_NS(rounds, work, true)
#define FIGURE_MEDIAN_NS(rounds, work) FIGURE_NS(rounds, work, false)

#endif

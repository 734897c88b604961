/* SPDX-License-Identifier: MIT */
#include "figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "assay_config.h"
#include "machine/ceilings/kernels.h"

static bool json, failed;
static double next_price, next_error;

/* Names, units and notes are our own texts: no character in them needs more than this. */
static void print_text(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') putchar('\\');
    putchar(*text);
  }
  putchar('"');
}

static void print_json(const char *what, double value, const char *unit, double ceiling, const char *note) {
  printf("{\"peer\": \"assay\", \"version\": \"" ASSAY_VERSION "\", \"what\": ");
  print_text(what);
  printf(", \"value\": %.9g, \"unit\": ", value);
  print_text(unit);
  if (ceiling > 0) printf(", \"ceiling\": %.9g", ceiling);
  if (next_price > 0) printf(", \"price\": %.12g", next_price);
  if (next_error > 0) printf(", \"standard_error\": %.6g", next_error);
  if (note != NULL) {
    printf(", \"note\": ");
    print_text(note);
  }
  puts("}");
}

void figure_price(double price, double standard_error) {
  next_price = price;
  next_error = standard_error;
}

void figure_begin(int argc, char **argv) {
  for (int i = 1; i < argc; i++) json |= strcmp(argv[i], "--json") == 0;
}

void figure_beside(const char *what, double value, const char *unit, double ceiling, const char *note) {
  if (!isfinite(value)) {
    fprintf(stderr, "%s is no number\n", what);
    failed = true;
    return;
  }
  if (json) {
    print_json(what, value, unit, ceiling, note);
  } else {
    printf("%-26s %12.4g %-10s", what, value, unit);
    size_t length = strlen(unit);
    bool is_rate = length >= 2 && strcmp(unit + length - 2, "/s") == 0; /* and not ns/sample */
    if (ceiling > 0) printf("  %.0f %% of %.4g", 100 * (is_rate ? value / ceiling : ceiling / value), ceiling);
    printf("  %s\n", note != NULL ? note : "");
  }
  figure_price(0, 0);
  fflush(stdout);
}

void figure(const char *what, double value, const char *unit, const char *note) { figure_beside(what, value, unit, 0, note); }

void figure_absent(const char *what, const char *why) {
  if (!json) {
    printf("%-26s absent: %s\n", what, why);
    return;
  }
  printf("{\"peer\": \"assay\", \"version\": \"" ASSAY_VERSION "\", \"what\": ");
  print_text(what);
  printf(", \"absent\": ");
  print_text(why);
  puts("}");
}

int figure_end(void) { return failed ? EXIT_FAILURE : EXIT_SUCCESS; }

static uint64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t figure_now_ns(void) { return now(CLOCK_PROCESS_CPUTIME_ID); }
uint64_t figure_wall_ns(void) { return now(CLOCK_MONOTONIC); }

double figure_fma_gflops(const char *type, const char **isa) {
  enum { ITERATIONS = 20000 };
  double best = 0;
  for (const assay_flops_variant *v = assay_flops_variants; v->type != NULL; v++) {
    if (strcmp(v->type, type) != 0 || strcmp(v->shape, "vector") != 0 || (v->isa & ~assay_isa_usable()) != 0) continue;
    double sum = 0;
    double gflops = ITERATIONS * v->operations / FIGURE_BEST_NS(50, sum += v->kernel(ITERATIONS));
    __asm__ volatile("" : : "m"(sum));
    if (gflops > best && isa != NULL) *isa = v->name;
    best = fmax(best, gflops);
  }
  return best;
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

double figure_median(double *values, size_t count) {
  qsort(values, count, sizeof *values, ascending);
  return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* SPDX-License-Identifier: MIT */
/* What the page of `assay device compare` shows: that its plots are lines one can see, and not only that there is a page. */
#include <assay/crossover.h>

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "test.h"

enum { SIZES = 5 };

static void fill(assay_crossover_point *points, size_t count, double smallest, double latency) {
  for (size_t i = 0; i < count; i++) {
    double size = smallest * pow(4, (double)i), seconds = latency + size / 1e9;
    points[i] = (assay_crossover_point){.size = size, .seconds = seconds, .low = seconds, .high = seconds, .calls = 3, .answer = NAN};
  }
}

/* Copies on two devices whose times end together, and paths on two, of which one has a single point. */
static char *make_page(void) {
  static assay_crossover_point points[4][SIZES];
  fill(points[0], SIZES, 5000, 1e-7);
  fill(points[1], SIZES, 5000, 1e-7);
  fill(points[2], SIZES, 1024, 1e-6);
  fill(points[3], 1, 1024, 1e-3);
  const assay_crossover_curve curves[] = {
      {"copy", "memory", "copy within a device", "bytes", "cpu", NULL, points[0], SIZES},
      {"copy", "memory", "copy within a device", "bytes", "opencl:0", NULL, points[1], SIZES},
      {"european", "f32", "an option", "paths", "cpu", NULL, points[2], SIZES},
      {"european", "f32", "an option", "paths", "opencl:0", NULL, points[3], 1},
  };
  const assay_crossover_advice advice[] = {
      {.operation = "copy", .type = "memory", .small = "cpu", .large = "cpu", .from = NAN, .sentence = "a sentence on copies"},
      {.operation = "european", .type = "f32", .small = "cpu", .large = "opencl:0", .from = 3e4, .sentence = "a sentence on paths"},
  };
  const assay_crossover found = {.curves = curves, .curve_count = 4, .advice = advice, .advice_count = 2, .machine = "a machine"};
  assay_error err = {0};
  char *page = NULL;
  assert_ok(assay_crossover_render(&found, ASSAY_CROSSOVER_HTML, &err, &page), err);
  return page;
}

/* Whether the page's style has a rule for the class, and one with `property` if that is not NULL. */
static bool has_rule(const char *page, const char *css_class, size_t length, const char *property) {
  const char *end = strstr(page, "</style>");
  for (const char *at = page; (at = strchr(at, '.')) != NULL && at < end; at++) {
    if (strncmp(at + 1, css_class, length) != 0 || strchr(" ,{:", at[1 + length]) == NULL) continue;
    const char *open = strchr(at, '{'), *close = strchr(at, '}');
    if (property == NULL) return true;
    const char *found = strstr(open, property);
    if (found != NULL && found < close) return true;
  }
  return false;
}

/* SVG fills what no rule speaks of with black. */
static void what_is_drawn_has_a_style(void **state) {
  (void)state;
  char *page = make_page();
  size_t marks = 0;
  static const char *const elements[] = {"<path class=\"", "<circle class=\"", "<text class=\""};
  for (size_t e = 0; e < 3; e++) {
    for (const char *at = page; (at = strstr(at, elements[e])) != NULL; marks++) {
      at += strlen(elements[e]);
      for (size_t length; *at != '"'; at += length + (at[length] == ' ')) {
        length = strcspn(at, " \"");
        if (!has_rule(page, at, length, e == 0 ? "fill: none" : NULL)) fail_msg("no rule for class '%.*s'", (int)length, at);
        if (e == 0 && !has_rule(page, at, length, "stroke: ")) fail_msg("class '%.*s' has no colour", (int)length, at);
      }
    }
  }
  assert_true(marks > 20);
  assay_string_free(page);
}

static size_t count_of(const char *page, const char *what) {
  size_t count = 0;
  for (const char *at = page; (at = strstr(at, what)) != NULL; at++) count++;
  return count;
}

static void every_measured_point_is_seen(void **state) {
  (void)state;
  char *page = make_page();
  assert_int_equal(count_of(page, "<circle"), 3 * SIZES + 1);
  assert_int_equal(count_of(page, "<path class=\"l"), 3); /* the fourth is its dot */
  assay_string_free(page);
}

static double label_height(const char *page, const char *label) {
  assay_buf end = {0};
  assay_buf_printf(&end, ">%s</text>", label);
  const char *at = strstr(page, end.data);
  assert_non_null(at);
  while (strncmp(at, " y=\"", 4) != 0) at--;
  assay_buf_deinit(&end);
  return strtod(at + 4, NULL);
}

static void names_do_not_lie_over_each_other(void **state) {
  (void)state;
  char *page = make_page();
  assert_true(fabs(label_height(page, "cpu") - label_height(page, "opencl:0")) >= 12);
  assay_string_free(page);
}

/* The slower device's line ends above, and so does its name; copies end inside the plot, whose ends are powers of two. */
static void names_stand_as_their_lines_end(void **state) {
  (void)state;
  char *page = make_page();
  const char *paths = strstr(page, "id=\"operation-1\"");
  assert_non_null(paths);
  assert_true(label_height(paths, "opencl:0") + 20 < label_height(paths, "cpu"));
  double last = 0;
  for (const char *at = page; (at = strstr(at, "cx=\"")) != NULL && at < paths; at += 4) last = fmax(last, strtod(at + 4, NULL));
  assert_true(last > 600 && last < 720);
  assay_string_free(page);
}

static void ticks_are_round_in_their_unit(void **state) {
  (void)state;
  char *page = make_page();
  const char *const round[] = {">4 KiB<", ">16 KiB<", ">1 MiB<", ">1k<", ">100k<", ">1 ms<"};
  for (size_t i = 0; i < sizeof round / sizeof *round; i++)
    if (strstr(page, round[i]) == NULL) fail_msg("no tick %s", round[i]);
  const char *const odd[] = {">9.766 KiB<", ">97.7 KiB<", "000 <"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    if (strstr(page, odd[i]) != NULL) fail_msg("a tick %s", odd[i]);
  assay_string_free(page);
}

static void a_sentence_is_shown_once(void **state) {
  (void)state;
  char *page = make_page();
  assert_int_equal(count_of(page, ">a sentence on paths<"), 1);
  assert_int_equal(count_of(page, "aria-label=\"a sentence on paths\""), 1);
  assert_int_equal(count_of(page, "href=\"#operation-1\""), 1);
  assert_int_equal(count_of(page, "id=\"operation-1\""), 1);
  assay_string_free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_drawn_has_a_style),        cmocka_unit_test(every_measured_point_is_seen),
      cmocka_unit_test(names_do_not_lie_over_each_other), cmocka_unit_test(ticks_are_round_in_their_unit),
      cmocka_unit_test(a_sentence_is_shown_once),         cmocka_unit_test(names_stand_as_their_lines_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Writes the sample result in every format: render_sample DIRECTORY [full|one|empty|failed|single|hostile|COUNT]. For tests in other
 * languages, and for looking at. */
#include <assay/report.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_result.h"

static void shape(test_sample *s, const char *name) {
  if (strcmp(name, "one") == 0) test_sample_keep(s, 1);
  if (strcmp(name, "empty") == 0) test_sample_keep(s, 0);
  if (strcmp(name, "failed") == 0) test_sample_fail_all(s);
  if (strcmp(name, "single") == 0) test_sample_single_process(s);
  if (strcmp(name, "hostile") == 0) test_sample_make_hostile(s);
  if (atoi(name) > 0) test_sample_grow(s, (size_t)atoi(name));
}

int main(int argc, char **argv) {
  test_sample s;
  test_sample_init(&s);
  const char *name = argc > 2 ? argv[2] : "full";
  shape(&s, name);
  assay_report_context context = test_sample_context(&s);
  assay_error err = {0};
  for (int f = ASSAY_FORMAT_HTML; f < ASSAY_FORMAT_COUNT; f++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", argc > 1 ? argv[1] : ".", name, assay_format_extension((assay_format)f));
    if (assay_report_write(s.result, &context, (assay_format)f, path, &err) != ASSAY_OK) break;
  }
  char *svg = NULL, path[4096];
  snprintf(path, sizeof path, "%s/%s.svg", argc > 1 ? argv[1] : ".", name);
  if (err.status == ASSAY_OK && assay_report_roofline_svg(s.result, &err, &svg) == ASSAY_OK) {
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(svg, file) < 0 || fclose(file) != 0) err.status = ASSAY_ERR_IO;
  }
  assay_string_free(svg);
  test_sample_deinit(&s);
  if (err.status != ASSAY_OK) fprintf(stderr, "%s\n", err.message);
  return err.status == ASSAY_OK ? 0 : 1;
}

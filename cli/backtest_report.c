/* SPDX-License-Identifier: MIT */
#include "cli/backtest_report.h"

#include <string.h>

#include "os/prim.h"

typedef assay_status renderer(const assay_backtest_view *view, assay_error *err, char **text);

/* NULL: neither a page nor a picture. */
static renderer *renderer_of(const char *path) {
  const char *dot = strrchr(path, '.');
  if (dot == NULL) return NULL;
  if (strcmp(dot, ".svg") == 0) return assay_backtest_render_svg;
  return strcmp(dot, ".html") == 0 || strcmp(dot, ".htm") == 0 ? assay_backtest_render_html : NULL;
}

assay_status assay_cli_check_backtest_report(const char *path, assay_error *err) {
  if (path == NULL || renderer_of(path) != NULL) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--report %s: a report is a page or a picture, so the name ends in .html or .svg", path);
}

assay_status assay_cli_write_backtest_report(const assay_backtest_view *view, const char *path, assay_error *err) {
  char *text = NULL;
  assay_status status = assay_cli_check_backtest_report(path, err);
  if (status == ASSAY_OK) status = renderer_of(path)(view, err, &text);
  if (status == ASSAY_OK) status = assay_os_write_file(path, text, strlen(text), err);
  assay_string_free(text);
  return status;
}

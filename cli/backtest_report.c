/* SPDX-License-Identifier: MIT */
#include "cli/backtest_report.h"

#include <string.h>

#include "os/prim.h"

typedef enum kind { NEITHER, PAGE, PICTURE, TABLE } kind;

static kind kind_of(const char *path) {
  static const struct {
    const char *ending;
    kind kind;
  } endings[] = {{".html", PAGE}, {".htm", PAGE}, {".svg", PICTURE}, {".csv", TABLE}};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++)
    if (strcmp(dot, endings[i].ending) == 0) return endings[i].kind;
  return NEITHER;
}

assay_status assay_cli_check_backtest_reports(const assay_cli_words *paths, assay_error *err) {
  for (size_t i = 0; i < paths->count; i++)
    if (kind_of(paths->items[i]) == NEITHER)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "--report %s: a report is a page, a picture or a table, so the name ends in .html, .svg or .csv", paths->items[i]);
  return ASSAY_OK;
}

assay_status assay_cli_backtest_only_tables(const assay_cli_words *paths, assay_error *err) {
  for (size_t i = 0; i < paths->count; i++)
    if (kind_of(paths->items[i]) != TABLE)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--report %s: of --each there is a table, so the name ends in .csv", paths->items[i]);
  return ASSAY_OK;
}

static assay_status write_drawn(const assay_backtest_view *view, kind what, const char *path, assay_error *err) {
  char *text = NULL;
  assay_status status = what == PAGE ? assay_backtest_render_html(view, err, &text) : assay_backtest_render_svg(view, err, &text);
  if (status == ASSAY_OK) status = assay_os_write_file(path, text, strlen(text), err);
  assay_string_free(text);
  return status;
}

assay_status assay_cli_write_backtest_reports(const assay_backtest_view *view, const assay_buf *table, const assay_cli_words *paths,
                                              assay_error *err) {
  assay_status status = assay_cli_check_backtest_reports(paths, err);
  for (size_t i = 0; i < paths->count && status == ASSAY_OK; i++) {
    kind what = kind_of(paths->items[i]);
    if (what != TABLE)
      status = write_drawn(view, what, paths->items[i], err);
    else if (table->failed || table->data == NULL)
      status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", paths->items[i]);
    else
      status = assay_os_write_file(paths->items[i], table->data, table->length, err);
  }
  return status;
}

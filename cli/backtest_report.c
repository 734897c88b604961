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

assay_status assay_cli_backtest_no_pictures(const assay_cli_words *paths, assay_error *err) {
  for (size_t i = 0; i < paths->count; i++)
    if (kind_of(paths->items[i]) == PICTURE)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--report %s: of --each there is a page and a table, so the name ends in .html or .csv",
                        paths->items[i]);
  return ASSAY_OK;
}

bool assay_cli_backtest_has_page(const assay_cli_words *paths) {
  bool found = false;
  for (size_t i = 0; i < paths->count; i++) found = found || kind_of(paths->items[i]) == PAGE;
  return found;
}

/* What a page shows: one of these. */
typedef struct shown {
  const assay_backtest_view *view;
  const assay_backtest_each_view *each;
} shown;

static assay_status write_drawn(const shown *s, kind what, const char *path, assay_error *err) {
  char *text = NULL;
  assay_status status = s->each != NULL ? assay_backtest_render_each_html(s->each, err, &text)
                        : what == PAGE  ? assay_backtest_render_html(s->view, err, &text)
                                        : assay_backtest_render_svg(s->view, err, &text);
  if (status == ASSAY_OK) status = assay_os_write_file(path, text, strlen(text), err);
  assay_string_free(text);
  return status;
}

static assay_status write_all(const shown *s, const assay_buf *table, const assay_cli_words *paths, assay_error *err) {
  assay_status status = assay_cli_check_backtest_reports(paths, err);
  for (size_t i = 0; i < paths->count && status == ASSAY_OK; i++) {
    kind what = kind_of(paths->items[i]);
    if (what != TABLE)
      status = write_drawn(s, what, paths->items[i], err);
    else if (table->failed || table->data == NULL)
      status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", paths->items[i]);
    else
      status = assay_os_write_file(paths->items[i], table->data, table->length, err);
  }
  return status;
}

assay_status assay_cli_write_backtest_reports(const assay_backtest_view *view, const assay_buf *table, const assay_cli_words *paths,
                                              assay_error *err) {
  return write_all(&(shown){.view = view}, table, paths, err);
}

assay_status assay_cli_write_each_reports(const assay_backtest_each_view *view, const assay_buf *table, const assay_cli_words *paths,
                                          assay_error *err) {
  return write_all(&(shown){.each = view}, table, paths, err);
}

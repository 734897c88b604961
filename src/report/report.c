/* SPDX-License-Identifier: MIT */
#include <assay/report.h>

#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"
#include "report/export.h"

/* One row a format. JSON has no renderer here: the result writes its own. */
static const struct {
  const char *text, *extension;
  void (*render)(const assay_render *r);
} formats[ASSAY_FORMAT_COUNT] = {
    [ASSAY_FORMAT_JSON] = {"json", "json", NULL},
    [ASSAY_FORMAT_HTML] = {"html", "html", assay_report_html},
    [ASSAY_FORMAT_CSV] = {"csv", "csv", assay_report_csv},
    [ASSAY_FORMAT_MARKDOWN] = {"markdown", "md", assay_report_markdown},
    [ASSAY_FORMAT_JUNIT] = {"junit", "junit.xml", assay_report_junit},
    [ASSAY_FORMAT_TERMINAL] = {"terminal", "txt", assay_report_terminal},
    [ASSAY_FORMAT_OPENMETRICS] = {"openmetrics", "openmetrics.txt", assay_export_openmetrics},
    [ASSAY_FORMAT_GOOGLE_BENCHMARK] = {"google-benchmark", "google-benchmark.json", assay_export_google},
    [ASSAY_FORMAT_PYTEST_BENCHMARK] = {"pytest-benchmark", "pytest-benchmark.json", assay_export_pytest},
    [ASSAY_FORMAT_HYPERFINE] = {"hyperfine", "hyperfine.json", assay_export_hyperfine},
};

const char *assay_format_text(assay_format format) { return (unsigned)format < ASSAY_FORMAT_COUNT ? formats[format].text : "unknown"; }

const char *assay_format_extension(assay_format format) {
  return (unsigned)format < ASSAY_FORMAT_COUNT ? formats[format].extension : "txt";
}

bool assay_format_parse(const char *text, assay_format *format) {
  for (unsigned i = 0; i < ASSAY_FORMAT_COUNT; i++) {
    if (strcmp(text, formats[i].text) == 0 || strcmp(text, formats[i].extension) == 0) {
      *format = (assay_format)i;
      return true;
    }
  }
  return false;
}

assay_status assay_report_render(const assay_result *result, const assay_report_context *context, assay_format format, assay_error *err,
                                 char **text) {
  static const assay_report_context nothing;
  if (result == NULL || (unsigned)format >= ASSAY_FORMAT_COUNT)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "report: no result, or no such format");
  if (format == ASSAY_FORMAT_JSON) return assay_result_to_json(result, err, text);
  if (context == NULL) context = &nothing;
  assay_digest digest;
  assay_status status = assay_digest_make(result, context, err, &digest);
  if (status != ASSAY_OK) return status;
  assay_buf out = {0};
  formats[format].render(&(assay_render){.result = result, .context = context, .digest = &digest, .out = &out});
  assay_digest_deinit(&digest);
  char *rendered = assay_buf_take(&out);
  if (rendered == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the %s report", formats[format].text);
  *text = rendered;
  return ASSAY_OK;
}

assay_status assay_report_write(const assay_result *result, const assay_report_context *context, assay_format format, const char *path,
                                assay_error *err) {
  char *text = NULL;
  assay_status status = assay_report_render(result, context, format, err, &text);
  if (status != ASSAY_OK) return status;
  status = assay_os_write_file(path, text, strlen(text), err);
  assay_string_free(text);
  return status;
}

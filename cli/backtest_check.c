/* SPDX-License-Identifier: MIT */
/* assay backtest --check-lookahead. */
#include "cli/backtest.h"

int assay_cli_backtest_check(assay_cli_backtest_job *j) {
  assay_backtest_peek peek;
  assay_buf out = {0};
  assay_status status =
      assay_backtest_check_lookahead(j->strategy, j->parameters, &j->bars.data, &j->options, (size_t)j->settings->cuts, j->err, &peek);
  if (status != ASSAY_OK) return assay_cli_fail(j->cli, j->err);
  if (j->settings->json) {
    assay_json json = {.out = &out, .indent = 2};
    assay_cli_backtest_json_head(j, &json, "lookahead");
    assay_cli_backtest_json_parameters(&json, j->strategy, j->parameters);
    assay_json_key(&json, "found");
    assay_json_bool(&json, peek.found);
    assay_json_put_uint(&json, "cuts", peek.cuts);
    assay_json_put_string(&json, "why", peek.found ? peek.what : NULL);
    assay_json_end(&json);
  } else if (peek.found) {
    assay_buf_printf(&out, "%s looks ahead: %s\n", j->strategy->name, peek.what);
  } else {
    assay_buf_printf(&out, "%s decides the same whatever comes after: %zu cuts, three futures each\n", j->strategy->name, peek.cuts);
  }
  int code = assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  return assay_cli_gravest(code, peek.found ? ASSAY_EXIT_MISSED : ASSAY_EXIT_FINE);
}

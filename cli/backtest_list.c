/* SPDX-License-Identifier: MIT */
/* assay backtest --list. */
#include "cli/backtest.h"

#include "base/number.h"

static void list_one(const char *const words[3], const assay_strategy_parameter *parameters, unsigned count, assay_json *json,
                     assay_buf *out) {
  if (json != NULL) {
    assay_json_object(json);
    assay_json_put_string(json, "name", words[0]);
    assay_json_put_string(json, "title", words[1]);
    assay_json_put_string(json, "summary", words[2]);
    assay_json_key(json, "parameters");
    assay_json_array(json);
  } else {
    assay_buf_printf(out, "%s: %s. %s\n", words[0], words[1], words[2]);
  }
  for (unsigned k = 0; k < count; k++) {
    const assay_strategy_parameter *p = &parameters[k];
    if (json != NULL) {
      assay_json_object_inline(json);
      assay_json_put_string(json, "name", p->name);
      assay_json_put_double(json, "usual", p->usual);
      assay_json_put_double(json, "least", p->least);
      assay_json_put_double(json, "most", p->most);
      assay_json_put_string(json, "help", p->help);
      assay_json_end(json);
      continue;
    }
    char range[80];
    assay_snprintf(range, sizeof range, "%.6g (%.6g to %.6g)", p->usual, p->least, p->most);
    assay_buf_printf(out, "    %-12s %-28s %s\n", p->name, range, p->help);
  }
  if (json == NULL) return;
  assay_json_end(json);
  assay_json_end(json);
}

int assay_cli_backtest_list(assay_cli_backtest_job *j) {
  assay_buf out = {0};
  assay_json document = {.out = &out, .indent = 2}, *json = j->settings->json ? &document : NULL;
  if (json != NULL) assay_json_array(json);
  for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
    const assay_strategy *s = assay_strategy_at(i);
    list_one((const char *[]){s->name, s->title, s->summary}, s->parameters, s->parameter_count, json, &out);
  }
  const assay_book_strategy *maker = &assay_book_strategy_maker;
  list_one((const char *[]){maker->name, maker->title, maker->summary}, maker->parameters, maker->parameter_count, json, &out);
  if (json != NULL) assay_json_end(json);
  int code = assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

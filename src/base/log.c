/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdio.h>

#include "base/number.h"

static assay_log_sink current_sink;
static void *current_user;

void assay_log_set_sink(assay_log_sink sink, void *user) {
  current_sink = sink;
  current_user = user;
}

void assay_log(assay_log_level level, const char *format, ...) {
  if (current_sink == NULL) return;
  char line[1024];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(line, sizeof line, format, args);
  va_end(args);
  current_sink(level, line, current_user);
}

/* SPDX-License-Identifier: MIT */
/* Points in time and lengths of it, as people write them on a command line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/moment.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/prim.h"

static const struct {
  const char *unit;
  double seconds;
} units[] = {{"s", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};

assay_status assay_cli_parse_duration(const char *text, const char *option, assay_error *err, double *seconds) {
  char number[32];
  size_t length = strspn(text, "0123456789.");
  double value = 0;
  snprintf(number, sizeof number, "%.*s", (int)length, text);
  const char *unit = text + length + strspn(text + length, " ");
  bool is_number = length > 0 && length < sizeof number && assay_parse_f64(number, &value);
  for (size_t i = 0; is_number && i < sizeof units / sizeof *units; i++) {
    if (strcmp(unit, units[i].unit) != 0) continue;
    value *= units[i].seconds;
    if (!(value > 0) || value > 100 * 366 * 86400.0) break;
    *seconds = value;
    return ASSAY_OK;
  }
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs a length of time such as 30s, 15m, 1h or 7d, not '%.40s'", option, text);
}

/* In local time, unless it names its zone. */
static bool parse_date(const char *text, int64_t *at_s) {
  assay_moment m;
  int64_t ns = 0;
  if (!assay_moment_read(text, strlen(text), &m) || !assay_moment_ns(&m, &ns)) return false;
  if (m.has_zone) {
    *at_s = ns / 1000000000;
    return true;
  }
  int seconds = (int)(m.clock_ns / 1000000000);
  struct tm when = {.tm_year = m.year - 1900,
                    .tm_mon = (int)m.month - 1,
                    .tm_mday = (int)m.day,
                    .tm_hour = seconds / 3600,
                    .tm_min = seconds / 60 % 60,
                    .tm_sec = seconds % 60,
                    .tm_isdst = -1};
  time_t at = mktime(&when);
  if (at == (time_t)-1) return false;
  *at_s = (int64_t)at;
  return true;
}

assay_status assay_cli_parse_end(const char *until, const char *length, int64_t now_s, assay_error *err, int64_t *at_s) {
  if (until != NULL && length != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--until and --for say the same; give one of them");
  if (length != NULL) {
    double seconds = 0;
    assay_status status = assay_cli_parse_duration(length, "for", err, &seconds);
    if (status == ASSAY_OK) *at_s = now_s + (int64_t)ceil(seconds);
    return status;
  }
  if (until == NULL) return ASSAY_OK;
  int64_t at = 0;
  if (!parse_date(until, &at))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--until needs a date such as 2026-12-24 or 2026-12-24T18:30, not '%.40s'", until);
  if (at <= now_s) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--until %s is over already", until);
  *at_s = at;
  return ASSAY_OK;
}

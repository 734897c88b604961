/* SPDX-License-Identifier: MIT */
/* Units as other tools write them, what a bare number's name says, and times of day. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "result/import.h"
#include "result/storage.h"

typedef struct unit {
  const char *text, *base;
  double factor;
} unit;

/* Decimal prefixes of bytes are decimal ("100 MB" is 1e8 B in our own limits, too). */
static const unit amounts[] = {
    {"ns", "ns", 1},
    {"nsec", "ns", 1},
    {"nanosecond", "ns", 1},
    {"nanoseconds", "ns", 1},
    {"us", "ns", 1e3},
    {"\xc2\xb5s", "ns", 1e3},
    {"\xce\xbcs", "ns", 1e3},
    {"usec", "ns", 1e3},
    {"microsecond", "ns", 1e3},
    {"microseconds", "ns", 1e3},
    {"ms", "ns", 1e6},
    {"msec", "ns", 1e6},
    {"millisecond", "ns", 1e6},
    {"milliseconds", "ns", 1e6},
    {"s", "ns", 1e9},
    {"sec", "ns", 1e9},
    {"secs", "ns", 1e9},
    {"second", "ns", 1e9},
    {"seconds", "ns", 1e9},
    {"min", "ns", 60e9},
    {"minute", "ns", 60e9},
    {"minutes", "ns", 60e9},
    {"h", "ns", 3600e9},
    {"hour", "ns", 3600e9},
    {"hr", "ns", 3600e9},
    {"day", "ns", 86400e9},
    {"B", "B", 1},
    {"byte", "B", 1},
    {"bytes", "B", 1},
    {"kB", "B", 1e3},
    {"KB", "B", 1e3},
    {"kb", "B", 1e3},
    {"MB", "B", 1e6},
    {"mb", "B", 1e6},
    {"GB", "B", 1e9},
    {"gb", "B", 1e9},
    {"TB", "B", 1e12},
    {"KiB", "B", 1024},
    {"MiB", "B", 1048576},
    {"GiB", "B", 1073741824},
    {"kib", "B", 1024},
    {"mib", "B", 1048576},
    {"gib", "B", 1073741824},
    {"%", "ratio", 0.01},
    {"percent", "ratio", 0.01},
    {"pct", "ratio", 0.01},
    {"ratio", "ratio", 1},
    {"J", "J", 1},
    {"mJ", "J", 1e-3},
    {"uJ", "J", 1e-6},
    {"nJ", "J", 1e-9},
    {"pJ", "J", 1e-12},
    {"Hz", "Hz", 1},
    {"kHz", "Hz", 1e3},
    {"MHz", "Hz", 1e6},
    {"GHz", "Hz", 1e9},
    {"FLOP", "FLOP", 1},
    {"FLOPs", "FLOP", 1},
    {"GFLOP", "FLOP", 1e9},
};

static const unit *find_amount(const char *text, size_t length) {
  for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
    if (strlen(amounts[i].text) == length && memcmp(amounts[i].text, text, length) == 0) return &amounts[i];
  return NULL;
}

static bool is_one(const char *text, size_t length) {
  static const char *const ones[] = {"op", "ops", "iter", "iteration", "call", "item"};
  for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
    if (strlen(ones[i]) == length && memcmp(ones[i], text, length) == 0) return true;
  return false;
}

bool assay_import_unit(const char *text, const char **base, double *factor) {
  const char *slash = strchr(text, '/');
  if (slash == NULL) {
    const unit *whole = find_amount(text, strlen(text));
    if (whole == NULL) return false;
    *base = whole->base;
    *factor = whole->factor;
    return true;
  }
  const unit *over = find_amount(text, (size_t)(slash - text)), *under = find_amount(slash + 1, strlen(slash + 1));
  if (over != NULL && is_one(slash + 1, strlen(slash + 1))) { /* "us/op" */
    *base = over->base;
    *factor = over->factor;
    return true;
  }
  if (under == NULL || strcmp(under->base, "ns") != 0) return false;
  double per_second = 1e9 / under->factor;
  if (over != NULL && strcmp(over->base, "B") == 0) {
    *base = "B/s";
    *factor = over->factor * per_second;
    return true;
  }
  if (over != NULL && strcmp(over->base, "FLOP") == 0) {
    *base = "FLOP/s";
    *factor = over->factor * per_second;
    return true;
  }
  if (over != NULL || slash == text) return false;
  *base = "items/s"; /* "ops/ms", "req/s", "rows/sec" */
  *factor = per_second;
  return true;
}

void assay_import_describe(const char *base, assay_import_metric *what) {
  size_t length = strlen(base);
  what->unit = base;
  what->better = ASSAY_LOWER;
  if (strcmp(base, "ns") == 0) {
    what->kind = ASSAY_KIND_TIME;
  } else if (strcmp(base, "B") == 0) {
    what->kind = ASSAY_KIND_MEMORY;
  } else if (strcmp(base, "J") == 0) {
    what->kind = ASSAY_KIND_ENERGY;
  } else if (length > 2 && strcmp(base + length - 2, "/s") == 0) {
    what->kind = ASSAY_KIND_THROUGHPUT;
    what->better = ASSAY_HIGHER;
  } else {
    what->kind = ASSAY_KIND_COUNT;
  }
}

/* ---- Names of bare numbers --------------------------------------------------------------------------------------------------------- */

/* Longest first, since "_per_sec" also ends in "_sec". */
static const unit suffixes[] = {
    {"_bytes_per_second", "B/s", 1},
    {"_bytes_per_sec", "B/s", 1},
    {"_mb_per_sec", "B/s", 1e6},
    {"_gb_per_sec", "B/s", 1e9},
    {"_mb_per_s", "B/s", 1e6},
    {"_gb_per_s", "B/s", 1e9},
    {"_per_second", "items/s", 1},
    {"_per_sec", "items/s", 1},
    {"_per_s", "items/s", 1},
    {"_pj_per_mac", "J", 1e-12},
    {"_pj_per_op", "J", 1e-12},
    {"_nj_per_op", "J", 1e-9},
    {"_gflops", "FLOP/s", 1e9},
    {"_tflops", "FLOP/s", 1e12},
    {"_seconds", "ns", 1e9},
    {"_percent", "ratio", 0.01},
    {"_joules", "J", 1},
    {"_deg_c",
     "\xc2\xb0"
     "C",
     1},
    {"_bytes", "B", 1},
    {"_secs", "ns", 1e9},
    {"_kib", "B", 1024},
    {"_mib", "B", 1048576},
    {"_gib", "B", 1073741824},
    {"_sec", "ns", 1e9},
    {"_pct", "ratio", 0.01},
    {"_min", "ns", 60e9},
    {"_ns", "ns", 1},
    {"_us", "ns", 1e3},
    {"_ms", "ns", 1e6},
    {"_kb", "B", 1e3},
    {"_mb", "B", 1e6},
    {"_gb", "B", 1e9},
    {"_pj", "J", 1e-12},
    {"_mj", "J", 1e-3},
    {"_hz", "Hz", 1},
    {"_s", "ns", 1e9},
};

static bool has_word(const char *name, const char *const *words) {
  for (size_t i = 0; words[i] != NULL; i++)
    if (strcasestr(name, words[i]) != NULL) return true;
  return false;
}

static void guess_direction(const char *name, assay_import_metric *what) {
  static const char *const good[] = {"throughput", "accuracy", "precision", "recall", "hit", "rate",  "speedup", "efficiency",
                                     "bandwidth",  "score",    "fps",       "qps",    "ops", "gflop", "utili",   NULL};
  static const char *const bad[] = {"error", "fail", "miss", "loss", "drop", "overhead", "reject", NULL};
  static const char *const exact[] = {"accuracy", "precision", "recall", NULL};
  bool is_ratio = strcmp(what->unit, "ratio") == 0;
  if (has_word(name, bad)) {
    what->better = ASSAY_LOWER;
    if (is_ratio || strcasestr(name, "rate") != NULL) what->kind = ASSAY_KIND_ERROR_RATE, what->unit = "ratio";
  } else if (has_word(name, good)) {
    what->better = ASSAY_HIGHER;
    if (has_word(name, exact)) what->kind = ASSAY_KIND_ACCURACY, what->unit = "ratio";
  }
}

const char *assay_import_own_name(assay_importer *in, const char *name) {
  return assay_metric_is_amount(name) ? assay_import_printf(in, "counter.%s", name) : name;
}

void assay_import_guess(assay_importer *in, const char *name, assay_import_metric *what, double *factor) {
  size_t length = strlen(name);
  *factor = 1;
  what->name = name;
  if (strcmp(name, "flops") == 0) {
    assay_import_describe("FLOP/s", what);
    return;
  }
  what->name = assay_import_own_name(in, name);
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    size_t n = strlen(suffixes[i].text);
    if (length <= n || strcasecmp(name + length - n, suffixes[i].text) != 0) continue;
    const char *stem = assay_arena_strndup(in->arena, name, length - n);
    if (stem != NULL && !assay_metric_is_amount(stem)) what->name = stem;
    *factor = suffixes[i].factor;
    assay_import_describe(suffixes[i].base, what);
    if (what->kind == ASSAY_KIND_COUNT && strcmp(what->unit, "ratio") == 0) guess_direction(name, what);
    return;
  }
  assay_import_describe("1", what);
  guess_direction(name, what);
}

/* ---- Times ------------------------------------------------------------------------------------------------------------------------- */

/* Takes `digits` digits. */
static bool take(const char **at, int digits, int *value) {
  *value = 0;
  for (int i = 0; i < digits; i++, (*at)++) {
    if (!isdigit((unsigned char)**at)) return false;
    *value = *value * 10 + (**at - '0');
  }
  return true;
}

static void skip(const char **at, char c) {
  if (**at == c) (*at)++;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar: years are counted from March, so that the leap day is the last. */
static int64_t days_of(int year, int month, int day) {
  int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool assay_import_parse_time(const char *text, int64_t *at_s) {
  int year, month, day, hour = 0, minute = 0, second = 0, offset_hour = 0, offset_minute = 0, sign = 0;
  const char *at = text;
  if (!take(&at, 4, &year)) return false;
  skip(&at, '-');
  if (!take(&at, 2, &month)) return false;
  skip(&at, '-');
  if (!take(&at, 2, &day) || month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (*at == 'T' || *at == 't' || *at == ' ' || *at == '_') {
    at++;
    if (!take(&at, 2, &hour)) return false;
    skip(&at, ':');
    if (!take(&at, 2, &minute)) return false;
    skip(&at, ':');
    if (isdigit((unsigned char)*at) && !take(&at, 2, &second)) return false;
    if (*at == '.' || *at == ',') {
      at++;
      while (isdigit((unsigned char)*at)) at++;
    }
    if (*at == ' ') at++;
    if (*at == '+' || *at == '-') {
      sign = *at++ == '+' ? 1 : -1;
      if (!take(&at, 2, &offset_hour)) return false;
      skip(&at, ':');
      if (isdigit((unsigned char)*at) && !take(&at, 2, &offset_minute)) return false;
    } else if (*at == 'Z' || *at == 'z') {
      at++;
    }
  }
  if (*at != '\0' || hour > 24 || minute > 59 || second > 60) return false;
  *at_s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - sign * (offset_hour * 3600 + offset_minute * 60);
  return true;
}

/* SPDX-License-Identifier: MIT */
#include "cli/cells.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/moment.h"
#include "base/text.h"

bool assay_cell_is_gap(const char *cell) {
  static const char *const words[] = {"",  "nan",  "na",  "n/a",      "n.a.", "null", "none", "nil",    "-",     "--",
                                      ".", "#n/a", "#na", "#n/a n/a", "<na>", "nat",  "\\n",  "\u2013", "\u2014"};
  if (*cell >= '0' && *cell <= '9') return false; /* what nearly all cells begin with */
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(cell, words[i]) == 0) return true;
  return false;
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Bytes of one of these at the beginning of the text; 0: none. */
static size_t starts_with(const char *text, const char *const *words) {
  for (; *words != NULL; words++)
    if (strncmp(text, *words, strlen(*words)) == 0) return strlen(*words);
  return 0;
}
static size_t currency(const char *p) {
  static const char *const signs[] = {"US$", "$", "\u20ac", "\u00a3", "\u00a5", NULL};
  return starts_with(p, signs);
}
static size_t blank(const char *p) {
  static const char *const blanks[] = {" ", "\u00a0", "\u202f", "\u2009", NULL};
  return starts_with(p, blanks);
}
static const char *pass_blanks(const char *p) {
  while (blank(p) > 0) p += blank(p);
  return p;
}

/* What parts thousands in a style. */
static size_t group_mark(const char *p, assay_cell_style style) {
  static const char *const quotes[] = {"'", "\u2019", NULL};
  if (*p == (style == ASSAY_CELL_COMMA ? '.' : ',')) return style == ASSAY_CELL_UNKNOWN ? 0 : 1;
  return blank(p) > 0 ? blank(p) : starts_with(p, quotes);
}

typedef struct plain {
  char text[80];
  size_t length;
} plain;

static bool put(plain *to, char c) {
  if (to->length + 1 >= sizeof to->text) return false;
  to->text[to->length++] = c;
  to->text[to->length] = '\0';
  return true;
}

/* Digits, with groups of three behind one to three that do not begin with 0; or, as in India behind commas, of two, and three at last. */
static bool put_whole(plain *to, const char **text, assay_cell_style style) {
  const char *p = *text, *first = p;
  while (is_digit(*p))
    if (!put(to, *p++)) return false;
  size_t leading = (size_t)(p - first), mark, last = 3;
  bool has_twos = false;
  while ((mark = group_mark(p, style)) > 0 && is_digit(p[mark])) {
    const char *group = p + mark;
    size_t digits = 0;
    if (leading < 1 || leading > 3 || *first == '0') return false;
    for (; is_digit(group[digits]); digits++)
      if (digits == 3 || !put(to, group[digits])) return false;
    if (digits < 2 || (digits == 2 && (*p != ',' || leading > 2 || (p > first + leading && !has_twos)))) return false;
    if (has_twos && last == 3) return false; /* three digits end it */
    has_twos = has_twos || digits == 2;
    last = digits;
    p = group + digits;
  }
  *text = p;
  return last == 3;
}

/* The number without what people put around it, for assay_parse_f64. */
static bool make_plain(const char *cell, assay_cell_style style, plain *to) {
  static const char *const minus[] = {"-", "\u2212", NULL};
  const char *p = pass_blanks(cell);
  bool in_brackets = *p == '(', has_exponent = false, negative = in_brackets;
  if (in_brackets) p++;
  for (int i = 0; i < 2; i++) { /* -$5 and $-5 */
    if (starts_with(p, minus) > 0 && !negative) {
      p += starts_with(p, minus);
      negative = true;
    } else if (*p == '+') {
      p++;
    }
    p = pass_blanks(p + currency(p));
  }
  if (negative && !put(to, '-')) return false;
  const char *digits = p;
  if (!put_whole(to, &p, style)) return false;
  if (*p == (style == ASSAY_CELL_COMMA ? ',' : '.')) {
    if (!put(to, '.')) return false;
    for (p++; is_digit(*p); p++)
      if (!put(to, *p)) return false;
  }
  if (!is_digit(*digits) && !(p > digits + 1)) return false;
  if ((*p == 'e' || *p == 'E') && (is_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && is_digit(p[2])))) {
    has_exponent = true;
    if (!put(to, *p++) || !put(to, *p++)) return false;
    for (; is_digit(*p); p++)
      if (!put(to, *p)) return false;
  }
  static const struct {
    char sign;
    const char *exponent;
  } units[] = {{'%', "e-2"}, {'K', "e3"}, {'M', "e6"}, {'B', "e9"}, {'T', "e12"}};
  p = *p == ' ' && p[1] == '%' ? p + 1 : p;
  for (size_t i = 0; i < sizeof units / sizeof *units && !has_exponent; i++) {
    if (*p != units[i].sign) continue;
    for (const char *e = units[i].exponent; *e != '\0'; e++)
      if (!put(to, *e)) return false;
    p++;
    break;
  }
  p = pass_blanks(p);
  p = pass_blanks(p + currency(p));
  if (in_brackets && *p++ != ')') return false;
  return *p == '\0';
}

bool assay_cell_number(const char *cell, assay_cell_style style, double *value) {
  plain made = {.text = ""};
  if (style != ASSAY_CELL_COMMA || strpbrk(cell, ".,") == NULL) {
    if (assay_parse_f64(cell, value)) return true;
  }
  return make_plain(cell, style, &made) && assay_parse_f64(made.text, value);
}

bool assay_cell_is_number(const char *cell, assay_cell_style style) {
  double value;
  return assay_cell_number(cell, style, &value) && !isnan(value);
}

void assay_cell_look_at(const char *cell, assay_cell_evidence *e) {
  const char *mark = strpbrk(cell, ".,");
  plain a = {.text = ""}, b = {.text = ""};
  double value;
  if ((mark == NULL || (*mark == '.' && e->point > 0)) && assay_parse_f64(cell, &value)) { /* nothing new, as most cells */
    e->numbers += !isnan(value);
    return;
  }
  bool is_point = make_plain(cell, ASSAY_CELL_POINT, &a), is_comma = make_plain(cell, ASSAY_CELL_COMMA, &b);
  e->numbers += is_point || is_comma;
  e->others += !is_point && !is_comma && !assay_cell_is_gap(cell);
  if (mark == NULL) return;
  e->point += is_point && !is_comma;
  e->comma += is_comma && !is_point;
  e->comma_surely += is_comma && !is_point && strpbrk(mark + 1, ".,") != NULL;
  e->open_points += is_point && is_comma && *mark == '.';
  e->open_commas += is_point && is_comma && *mark == ',';
}

/* "151.234" among "1,5" is a hundred and fifty to one and a half, or a thousand times that: where commas part the cells it stays open. */
static bool is_mixed(const assay_cell_evidence *e, char separator) {
  return e->comma > 0 && (e->point > 0 || (e->open_points > 0 && e->comma_surely == 0 && separator == ','));
}

assay_cell_style assay_cell_style_of(const assay_cell_evidence *e, const assay_cell_evidence *all, char separator) {
  if (is_mixed(e, separator)) return ASSAY_CELL_UNKNOWN;
  if (e->comma > 0) return ASSAY_CELL_COMMA;
  if (e->point > 0) return ASSAY_CELL_POINT;
  bool commas = all->comma > 0 && all->point == 0;
  if (e->open_commas == 0) return commas && separator != ',' ? ASSAY_CELL_COMMA : ASSAY_CELL_POINT;
  if (e->open_points > 0) return separator == ',' ? ASSAY_CELL_POINT : ASSAY_CELL_UNKNOWN;
  if (all->comma > 0) return commas && separator != ',' ? ASSAY_CELL_COMMA : ASSAY_CELL_UNKNOWN;
  /* Where commas part the cells nobody writes decimals with them; where something else does, that may be the reason. */
  return all->point == 0 && separator != ',' ? ASSAY_CELL_UNKNOWN : ASSAY_CELL_POINT;
}

/* ---- Dates --------------------------------------------------------------------------------------------------------------------------- */

static const char *read_part(const char *p, int *value, int *digits, bool *is_month) {
  static const char names[12][4] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
  *value = *digits = 0;
  *is_month = false;
  for (; is_digit(*p) && *digits < 4; p++, ++*digits) *value = *value * 10 + (*p - '0');
  if (*digits > 0) return p;
  for (int m = 0; m < 12; m++) {
    if (strncasecmp(p, names[m], 3) != 0) continue;
    *value = m + 1;
    *is_month = true;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) p++;
    return p;
  }
  return NULL;
}

/* h:mm, h:mm:ss, with AM or PM behind; h-PM; nothing is midnight. */
static bool read_clock(const char *p, int64_t *seconds) {
  int parts[3] = {0}, count = 0;
  *seconds = 0;
  while (*p == ' ' || *p == 'T') p++;
  if (*p == '\0') return true;
  for (; count < 3; count++) {
    int digits = 0;
    for (; is_digit(*p) && digits < 2; p++, digits++) parts[count] = parts[count] * 10 + (*p - '0');
    if (digits == 0) return false;
    if (*p != ':') break;
    p++;
  }
  const bool is_hour = count == 0 && *p == '-' && (strcasecmp(p + 1, "am") == 0 || strcasecmp(p + 1, "pm") == 0);
  if (is_hour) p++;
  if (count == 2 && *p == '.') /* of a second: left out */
    for (p++; is_digit(*p);) p++;
  if ((count < 1 && !is_hour) || count > 2) return false;
  while (*p == ' ') p++;
  bool pm = strcasecmp(p, "pm") == 0, am = strcasecmp(p, "am") == 0;
  if ((*p != '\0' && !pm && !am) || parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return false;
  if (pm && parts[0] < 12) parts[0] += 12;
  if (am && parts[0] == 12) parts[0] = 0;
  *seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  return true;
}

bool assay_cell_date(const char *cell, bool day_first, int64_t *seconds) {
  int value[3], digits[3], named = -1;
  const char *p = cell;
  for (int i = 0; i < 3; i++) {
    bool is_month;
    p = read_part(p, &value[i], &digits[i], &is_month);
    if (p == NULL || (is_month && named >= 0)) return false;
    if (is_month) named = i;
    if (i == 2) break;
    if (strchr("/.- ,", *p) == NULL || *p == '\0') return false;
    if (*p == '.') day_first = true; /* nobody writes months first with points */
    while (*p != '\0' && strchr("/.- ,", *p) != NULL) p++;
  }
  /* The year is last, or first where it has four digits; a month by its name leaves one place for the day. */
  int year = digits[0] == 4 ? 0 : 2, month, day;
  if (named >= 0) {
    month = named, day = 3 - named - year;
    if (named == year) return false;
  } else {
    month = year == 0 ? 1 : day_first ? 1 : 0, day = 3 - month - year;
  }
  int y = value[year] + (digits[year] == 2 ? (value[year] < 70 ? 2000 : 1900) : 0);
  if (digits[year] != 2 && digits[year] != 4) return false;
  int64_t clock = 0, days = 0;
  if (y < 0 || value[month] < 0 || value[day] < 0) return false;
  if (!assay_moment_day((unsigned)y, (unsigned)value[month], (unsigned)value[day], &days) || !read_clock(p, &clock)) return false;
  *seconds = days * 86400 + clock;
  return true;
}

/* SPDX-License-Identifier: MIT */
#include "market/table/numbers.h"

#include <math.h>
#include <string.h>
#include <strings.h>

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

typedef struct plain_text {
  char *text;
  size_t length;
} plain_text;

static bool put(plain_text *to, char c) {
  if (to->length + 1 >= ASSAY_CELL_PLAIN) return false;
  to->text[to->length++] = c;
  to->text[to->length] = '\0';
  return true;
}

/* Digits, with groups of three behind one to three that do not begin with 0; or, as in India behind commas, of two, and three at last. */
static bool put_whole(plain_text *to, const char **text, assay_cell_style style) {
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

bool assay_cell_plain(const char *cell, assay_cell_style style, char text[ASSAY_CELL_PLAIN]) {
  static const char *const minus[] = {"-", "\u2212", NULL};
  plain_text made = {.text = text}, *const to = &made;
  const char *p = pass_blanks(cell);
  text[0] = '\0';
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
  char plain[ASSAY_CELL_PLAIN];
  if (style != ASSAY_CELL_COMMA || strpbrk(cell, ".,") == NULL) {
    if (assay_parse_f64(cell, value)) return true;
  }
  return assay_cell_plain(cell, style, plain) && assay_parse_f64(plain, value);
}

bool assay_cell_is_number(const char *cell, assay_cell_style style) {
  double value;
  return assay_cell_number(cell, style, &value) && !isnan(value);
}

void assay_cell_look_at(const char *cell, assay_cell_evidence *e) {
  const char *mark = strpbrk(cell, ".,");
  char plain[ASSAY_CELL_PLAIN];
  double value;
  if ((mark == NULL || (*mark == '.' && e->point > 0)) && assay_parse_f64(cell, &value)) { /* nothing new, as most cells */
    e->numbers += !isnan(value);
    return;
  }
  bool is_point = assay_cell_plain(cell, ASSAY_CELL_POINT, plain), is_comma = assay_cell_plain(cell, ASSAY_CELL_COMMA, plain);
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

/* SPDX-License-Identifier: MIT */
/*
 * The reader of Binance-style JSON, compiled once for any processor and once for AVX2 (READ_NEXT is what it is called then).
 *
 * One pass: each value that may matter is turned into a number (or text, or levels) where it is met, with the kind of value that it was,
 * since the kind of message ("e") may stand behind it; what the message needed is looked at when its object is over.
 *
 * The general way takes a byte at a time wherever it has to. The fast way (json_fast.h) tries each member and each level first, and answers
 * that it is not for it where anything is out of the ordinary.
 */

/* ---- What a message may hold --------------------------------------------------------------------------------------------------------- */

typedef enum key {
  KEY_NONE,
  KEY_EVENT,
  KEY_TIME,
  KEY_TRADE_TIME,
  KEY_SYMBOL,
  KEY_TRADE,
  KEY_A, /* of an aggregated trade its id, of a depth the asks */
  KEY_FIRST,
  KEY_LAST,
  KEY_PRICE,
  KEY_QUANTITY,
  KEY_MAKER,
  KEY_FIRST_UPDATE,
  KEY_LAST_UPDATE,
  KEY_PREVIOUS_UPDATE,
  KEY_B,
  KEY_SNAPSHOT,
  KEY_BIDS,
  KEY_ASKS,
  KEY_BID_QUANTITY,
  KEY_ASK_QUANTITY,
  KEY_REST_ID, /* from here on: of a trade that was asked for */
  KEY_REST_PRICE,
  KEY_REST_QUANTITY,
  KEY_REST_TIME,
  KEY_REST_MAKER,
  KEYS
} key;
static const char *const key_texts[KEYS] = {
    "",     "e",    "E", "T", "s",  "t",     "a",   "f",    "l",           "p", "q", "m", "U", "u", "pu", "b", "lastUpdateId",
    "bids", "asks", "B", "A", "id", "price", "qty", "time", "isBuyerMaker"};

typedef enum form { ABSENT, WHOLE, DECIMAL, TEXT, LEVELS, TRUTH, OTHER } form;

typedef struct field {
  form form;
  const uint8_t *at; /* where the value begins */
  union {
    uint64_t whole;
    int64_t decimal;
    assay_feed_text text;
    struct {
      size_t first, count;
    } levels;
    bool truth;
  } is;
} field;

typedef struct scan {
  assay_binance_reader *reader;
  const uint8_t *at, *end;
  const uint8_t *wrong; /* where the first fault is; NULL: none */
  const char *wrong_field, *problem, *mend;
  bool is_short;    /* the window ended */
  bool has_escapes; /* in some text */
  size_t levels_used;
  uint32_t seen; /* keys, one bit each */
  field fields[KEYS];
} scan;

/* All of these answer false when they could not go on: `is_short` or `wrong`. */
static bool fail(scan *s, const uint8_t *at, const char *name, const char *problem, const char *mend) {
  if (s->wrong == NULL) s->wrong = at, s->wrong_field = name, s->problem = problem, s->mend = mend;
  return false;
}
static bool not_json(scan *s, const char *problem) { return fail(s, s->at, "JSON", problem, "drop the document"); }
static bool too_short(scan *s) {
  s->is_short = true;
  return false;
}

static inline bool blanks(scan *s) {
  while (true) {
    if (s->at >= s->end) return too_short(s);
    uint8_t c = *s->at;
    if (c > ' ') return true;
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return not_json(s, "a control character");
    s->at++;
  }
}

static inline bool expect(scan *s, uint8_t c, const char *problem) {
  if (!blanks(s)) return false;
  if (*s->at != c) return not_json(s, problem);
  s->at++;
  return true;
}

/* ---- Values that do not matter ------------------------------------------------------------------------------------------------------- */

static bool hex_digit(uint8_t c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

static bool escape(scan *s) {
  s->has_escapes = true;
  if (s->end - s->at < 2) return too_short(s);
  uint8_t c = s->at[1];
  if (c != 'u') {
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) return not_json(s, "an escape that there is not");
    s->at += 2;
    return true;
  }
  if (s->end - s->at < 6) return too_short(s);
  for (int i = 2; i < 6; i++)
    if (!hex_digit(s->at[i])) return not_json(s, "\\u without four hexadecimal digits");
  s->at += 6;
  return true;
}

/* Behind the opening quote; ends behind the closing one. */
static bool string(scan *s, assay_feed_text *text) {
  const uint8_t *begin = s->at;
  while (true) {
    while (s->end - s->at >= ASSAY_FEED_AHEAD) {
      unsigned plain = assay_feed_plain16((const char *)s->at);
      s->at += plain;
      if (plain < 16) break;
    }
    if (s->at >= s->end) return too_short(s);
    uint8_t c = *s->at;
    if (c == '"') break;
    if (c < ' ') return not_json(s, "a control character inside a string");
    if (c == '\\') {
      if (!escape(s)) return false;
    } else {
      s->at++;
    }
  }
  *text = (assay_feed_text){.at = (const char *)begin, .length = (size_t)(s->at - begin)};
  s->at++;
  return true;
}

static bool word(scan *s, const char *text) {
  for (; *text != '\0'; text++, s->at++) {
    if (s->at >= s->end) return too_short(s);
    if (*s->at != (uint8_t)*text) return not_json(s, "no JSON value");
  }
  return true;
}

static bool digits(scan *s) {
  const uint8_t *begin = s->at;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
  if (s->at >= s->end) return too_short(s);
  return s->at > begin || not_json(s, "a number without digits");
}

static bool number(scan *s) {
  if (*s->at == '-') s->at++;
  if (s->at < s->end && *s->at == '0') {
    s->at++;
    if (s->at < s->end && *s->at >= '0' && *s->at <= '9') return not_json(s, "a number that begins with 0");
  } else if (!digits(s)) {
    return false;
  }
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (!digits(s)) return false;
  }
  if (s->at < s->end && (*s->at | 0x20) == 'e') {
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
    if (!digits(s)) return false;
  }
  return s->at < s->end || too_short(s);
}

static bool value(scan *s, unsigned depth);

static bool elements(scan *s, unsigned depth, uint8_t close) {
  assay_feed_text name;
  s->at++;
  if (!blanks(s)) return false;
  if (*s->at == close) {
    s->at++;
    return true;
  }
  while (true) {
    if (close == '}' &&
        !(expect(s, '"', "a key has to begin with a quote") && string(s, &name) && expect(s, ':', "a colon has to follow a key")))
      return false;
    if (!blanks(s) || !value(s, depth + 1) || !blanks(s)) return false;
    uint8_t c = *s->at++;
    if (c == close) return true;
    if (c != ',') return s->at--, not_json(s, "a comma or the end of the list has to follow a value");
    if (!blanks(s)) return false;
  }
}

/* At its first character. */
static bool value(scan *s, unsigned depth) {
  enum { DEEPEST = 64 };
  assay_feed_text text;
  if (depth > DEEPEST) return not_json(s, "lists inside lists, more than 64 deep");
  switch (*s->at) {
    case '{': return elements(s, depth, '}');
    case '[': return elements(s, depth, ']');
    case '"': s->at++; return string(s, &text);
    case 't': return word(s, "true");
    case 'f': return word(s, "false");
    case 'n': return word(s, "null");
    default: return (*s->at == '-' || (*s->at >= '0' && *s->at <= '9')) ? number(s) : not_json(s, "no JSON value");
  }
}

/* ---- Text with escapes --------------------------------------------------------------------------------------------------------------- */

enum { LONGEST = 40, MOST_OF_CHARACTER = 4, UNESCAPED = LONGEST + 1 + MOST_OF_CHARACTER };

static uint32_t four_digits(const char *at) {
  uint32_t code = 0;
  for (int d = 0; d < 4; d++) {
    uint8_t h = (uint8_t)at[d];
    code = code * 16 + (uint32_t)(h <= '9' ? h - '0' : (h | 0x20) - 'a' + 10);
  }
  return code;
}

/* The character of the escape at `at`, and its length. What is none (half of a pair), and the one that ends names in C, are U+FFFD. */
static uint32_t escaped_character(const char *at, const char *end, size_t *length) {
  static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
  enum { HIGH = 0xd800, LOW = 0xdc00, BEHIND = 0xe000, UNKNOWN = 0xfffd };
  *length = 2;
  if (at[1] != 'u') {
    const char *letter = strchr(letters, at[1]);
    return (uint8_t)(letter != NULL ? meant[letter - letters] : at[1]);
  }
  const uint32_t first = four_digits(at + 2);
  const bool is_high = first >= HIGH && first < LOW;
  const uint32_t second = is_high && end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? four_digits(at + 8) : 0;
  const bool is_pair = second >= LOW && second < BEHIND;
  *length = is_pair ? 12 : 6;
  if (is_pair) return 0x10000 + ((first - HIGH) << 10) + (second - LOW);
  return first == 0 || (first >= HIGH && first < BEHIND) ? UNKNOWN : first;
}

/* Any text may be written with escapes: what it says then, in UTF-8. More than `most` bytes: it is cut, with room for one character behind
 * them. */
static size_t unescape(const assay_feed_text *text, char *out, size_t most) {
  size_t count = 0, length = 1;
  for (size_t i = 0; i < text->length && count <= most; i += length, length = 1) {
    if (text->at[i] == '\\')
      count += assay_utf8_encode(escaped_character(text->at + i, text->at + text->length, &length), out + count);
    else
      out[count++] = text->at[i];
  }
  return count;
}

static bool has_escape(const assay_feed_text *text) { return memchr(text->at, '\\', text->length) != NULL; }

static bool says(const char *name, size_t length, const char *what) { return strlen(what) == length && memcmp(name, what, length) == 0; }

static bool text_says(const assay_feed_text *text, const char *what) {
  char plain[UNESCAPED];
  if (!has_escape(text)) return says(text->at, text->length, what);
  return says(plain, unescape(text, plain, LONGEST), what);
}

/* What a message says, where it is not as it is written: in the reader. False: it is too long for that, and stays as it is written. */
static bool plain_text(char room[ASSAY_BINANCE_TEXT], assay_feed_text *text) {
  const size_t most = ASSAY_BINANCE_TEXT - MOST_OF_CHARACTER - 1;
  if (text->at == NULL || !has_escape(text)) return true;
  const size_t length = unescape(text, room, most);
  if (length > most) return false;
  *text = (assay_feed_text){.at = room, .length = length};
  return true;
}

/* ---- Values that do ------------------------------------------------------------------------------------------------------------------ */

/* A number in quotes, written with escapes. */
static bool escaped_decimal(scan *s, unsigned decimals, int64_t *number_, bool *is_number) {
  const uint8_t *begin = s->at;
  char plain[UNESCAPED];
  assay_feed_text text;
  s->at++;
  if (!string(s, &text)) return false;
  *is_number = has_escape(&text) && assay_feed_decimal(plain, unescape(&text, plain, LONGEST), decimals, number_);
  if (!*is_number) s->at = begin;
  return true;
}

/* What JSON calls a number, of what assay_feed_decimal_slow took for one: no 01, no .5 and no 5. */
static bool is_plain_number(const uint8_t *text, size_t length) {
  const uint8_t *end = text + length;
  if (*text == '-') text++;
  if (text == end || *text < '0' || *text > '9' || end[-1] == '.') return false;
  return *text != '0' || text + 1 == end || text[1] == '.';
}

/* A decimal number, in quotes or not; *is_number says whether it is one, and then the scan stands behind it. */
static inline bool decimal(scan *s, unsigned decimals, int64_t *number_, bool *is_number) {
  const uint8_t *begin = s->at;
  bool quoted = *begin == '"';
  *is_number = false;
  if (quoted && s->end - begin > ASSAY_FEED_AHEAD && decimals <= 10) {
    size_t length = assay_feed_decimal_quoted((const char *)begin + 1, decimals, number_);
    if (length > 0) {
      s->at = begin + length + 2;
      *is_number = true;
      return true;
    }
  }
  size_t left = (size_t)(s->end - begin) - quoted;
  size_t length = assay_feed_decimal_slow((const char *)begin + quoted, left, decimals, number_);
  if (length == left) return too_short(s);
  if (length == 0 || begin[quoted + length] == '\\') return quoted ? escaped_decimal(s, decimals, number_, is_number) : true;
  const uint8_t *behind = begin + quoted + length;
  if (quoted && *behind != '"') return true;
  if (!quoted && (*behind == '.' || (*behind | 0x20) == 'e' || !is_plain_number(begin, length))) return true;
  s->at = behind + quoted;
  *is_number = true;
  return true;
}

/* ["price","quantity"] and whatever old streams put behind. */
static bool level(scan *s, assay_binance_level *found) {
  bool is_number;
  const char *const mend = "read the stream with more decimals (fewer for numbers too large), or drop the document";
  if (!expect(s, '[', "a level has to be a list") || !blanks(s)) return false;
  const uint8_t *begin = s->at;
  if (!decimal(s, s->reader->price_decimals, &found->price, &is_number)) return false;
  if (!is_number) return fail(s, begin, "price of a level", "no decimal number of that many decimals", mend);
  if (!expect(s, ',', "a level has to have two numbers") || !blanks(s)) return false;
  begin = s->at;
  if (!decimal(s, s->reader->quantity_decimals, &found->quantity, &is_number)) return false;
  if (!is_number || found->quantity < 0)
    return fail(s, begin, "quantity of a level", "no decimal number from 0 on of that many decimals", mend);
  while (true) {
    if (!blanks(s)) return false;
    uint8_t c = *s->at++;
    if (c == ']') return true;
    if (c != ',') return s->at--, not_json(s, "a comma or the end of the list has to follow a value");
    if (!blanks(s) || !value(s, 2)) return false;
  }
}

static const uint8_t short_keys[128] = {
    ['e'] = KEY_EVENT,       ['E'] = KEY_TIME,     ['T'] = KEY_TRADE_TIME,   ['s'] = KEY_SYMBOL,
    ['t'] = KEY_TRADE,       ['a'] = KEY_A,        ['f'] = KEY_FIRST,        ['l'] = KEY_LAST,
    ['p'] = KEY_PRICE,       ['q'] = KEY_QUANTITY, ['m'] = KEY_MAKER,        ['U'] = KEY_FIRST_UPDATE,
    ['u'] = KEY_LAST_UPDATE, ['b'] = KEY_B,        ['B'] = KEY_BID_QUANTITY, ['A'] = KEY_ASK_QUANTITY,
};

#if defined(__AVX2__)
#define FAST 1
#include "market/feeds/json_fast.h"
#include "market/feeds/json_shape.h"
#else
#define FAST 0
#endif

static bool levels(scan *s, field *f) {
  assay_binance_reader *reader = s->reader;
  f->form = LEVELS;
  f->is.levels.first = s->levels_used;
  s->at++;
  if (!blanks(s)) return false;
  if (*s->at == ']') {
    s->at++;
    return true;
  }
  while (true) {
    if (s->levels_used == reader->capacity)
      return fail(s, s->at, "levels", "more of them than the reader has room for", "give assay_binance_open more levels");
#if FAST
    size_t taken = fast_levels(s, reader->levels + s->levels_used, reader->capacity - s->levels_used);
    s->levels_used += taken;
    f->is.levels.count += taken;
    if (taken > 0 && *s->at == ']') {
      s->at++;
      return true;
    }
    if (taken > 0) {
      s->at++; /* the comma that has to be there */
      if (!blanks(s)) return false;
      continue;
    }
#endif
    if (!level(s, &reader->levels[s->levels_used]) || !blanks(s)) return false;
    s->levels_used++;
    f->is.levels.count++;
    uint8_t c = *s->at++;
    if (c == ']') return true;
    if (c != ',') return s->at--, not_json(s, "a comma or the end of the list has to follow a level");
  }
}

/* Of a message of another kind a list under "a" or "b" may be anything. */
static bool levels_or_other(scan *s, field *f) {
  const uint8_t *begin = s->at;
  size_t used = s->levels_used;
  if (levels(s, f)) return true;
  if (s->is_short || strcmp(s->wrong_field, "levels") == 0) return false;
  const scan failed = *s;
  s->at = begin;
  s->wrong = NULL;
  s->levels_used = used;
  f->form = OTHER;
  if (!value(s, 1)) {
    if (!s->is_short) *s = failed;
    return false;
  }
  f->at = failed.wrong; /* it is a list; whether it had to be one of levels is known at the end */
  return true;
}

static bool any(scan *s, field *f) {
  f->form = OTHER;
  if (*s->at == '"') {
    f->form = TEXT;
    s->at++;
    return string(s, &f->is.text);
  }
  if (*s->at == 't' || *s->at == 'f') {
    f->form = TRUTH;
    f->is.truth = *s->at == 't';
  }
  return value(s, 1);
}

static bool whole(scan *s, field *f) {
  size_t length = 0;
  if (s->end - s->at >= ASSAY_FEED_AHEAD) length = assay_feed_whole((const char *)s->at, &f->is.whole);
  if (length == 0) length = assay_feed_whole_slow((const char *)s->at, (size_t)(s->end - s->at), &f->is.whole);
  if (length == (size_t)(s->end - s->at)) return too_short(s);
  uint8_t behind = s->at[length];
  if (length == 0 || behind == '.' || (behind | 0x20) == 'e' || (length > 1 && *s->at == '0')) return any(s, f);
  f->form = WHOLE;
  s->at += length;
  return true;
}

static bool read_decimal(scan *s, field *f, unsigned decimals) {
  bool is_number;
  if (!decimal(s, decimals, &f->is.decimal, &is_number)) return false;
  if (!is_number) return any(s, f);
  f->form = DECIMAL;
  return true;
}

static inline bool read_field(scan *s, key k) {
  if ((unsigned)k >= KEYS) return not_json(s, "no key");
  field *f = &s->fields[k];
  if ((s->seen >> k & 1) != 0) {
    if (k < KEY_REST_ID) return fail(s, s->at, key_texts[k], "the key stands twice", "drop the document");
    f->form = OTHER; /* a stream's other messages may have such words inside and outside of "result" */
    return value(s, 1);
  }
  s->seen |= 1u << k;
  f->at = s->at;
  if (k == KEY_PRICE || k == KEY_REST_PRICE) return read_decimal(s, f, s->reader->price_decimals);
  if (k == KEY_QUANTITY || k == KEY_REST_QUANTITY) return read_decimal(s, f, s->reader->quantity_decimals);
  if (*s->at == '[') {
    f->is.levels.count = 0;
    return levels_or_other(s, f);
  }
  return *s->at >= '0' && *s->at <= '9' ? whole(s, f) : any(s, f);
}

/* ---- Objects
 * ------------------------------------------------------------------------------------------------------------------------------------------
 */

/* Behind the opening quote; ends behind the closing one. */
static inline bool read_key(scan *s, key *k, char name[UNESCAPED], size_t *length) {
  if (s->end - s->at >= 2 && s->at[1] == '"' && s->at[0] < 128 && short_keys[s->at[0]] != KEY_NONE) {
    *k = (key)short_keys[s->at[0]];
    *length = 1;
    s->at += 2;
    return true;
  }
  assay_feed_text text;
  if (!string(s, &text)) return false;
  *length = unescape(&text, name, LONGEST);
  *k = *length == 1 && (uint8_t)name[0] < 128 ? (key)short_keys[(uint8_t)name[0]] : KEY_NONE;
  for (int i = KEY_EVENT; *length > 1 && i < KEYS; i++)
    if (says(name, *length, key_texts[i])) *k = (key)i;
  return true;
}

/* At its brace. Inside "data" (or "result") of a combined stream, `inner`. */
static bool object(scan *s, bool inner, assay_feed_text *stream) {
  char name[UNESCAPED];
  size_t length = 0;
  key k;
  s->at++;
  if (!blanks(s)) return false;
  if (*s->at == '}') {
    s->at++;
    return true;
  }
  while (true) {
#if FAST
    if (fast_members(s)) {
      if (*s->at++ == '}') return true;
      if (!blanks(s)) return false;
    }
#endif
    if (!expect(s, '"', "a key has to begin with a quote") || !read_key(s, &k, name, &length)) return false;
    if (!expect(s, ':', "a colon has to follow a key") || !blanks(s)) return false;
    bool nested = !inner && *s->at == '{' && length > 1 && (says(name, length, "data") || says(name, length, "result"));
    if (nested) {
      if (!object(s, true, stream)) return false;
    } else if (!inner && *s->at == '"' && length > 1 && says(name, length, "stream")) {
      s->at++;
      if (!string(s, stream)) return false;
    } else if (k != KEY_NONE ? !read_field(s, k) : !value(s, 1)) {
      return false;
    }
    if (!blanks(s)) return false;
    uint8_t c = *s->at++;
    if (c == '}') return true;
    if (c != ',') return s->at--, not_json(s, "a comma or the end of the object has to follow a value");
  }
}

/* ---- Messages
 * ---------------------------------------------------------------------------------------------------------------------------------------------
 */

/* The best prices: of spot without an event, of futures with one. */
static bool is_ticker(const scan *s) {
  const uint32_t needed =
      1u << KEY_B | 1u << KEY_BID_QUANTITY | 1u << KEY_A | 1u << KEY_ASK_QUANTITY | 1u << KEY_SYMBOL | 1u << KEY_LAST_UPDATE;
  return (s->seen & needed) == needed && s->reader->capacity >= 2;
}

static bool has_event(const scan *s) { return (s->seen >> KEY_EVENT & 1) != 0; }

/* What was asked for (/api/v3/depth, trades, aggTrades), and the ticker of spot, do not say what they are. */
static assay_binance_kind kind_without_event(const scan *s) {
  const uint32_t snapshot = 1u << KEY_SNAPSHOT | 1u << KEY_BIDS | 1u << KEY_ASKS;
  const uint32_t aggregate =
      1u << KEY_A | 1u << KEY_PRICE | 1u << KEY_QUANTITY | 1u << KEY_FIRST | 1u << KEY_LAST | 1u << KEY_TRADE_TIME | 1u << KEY_MAKER;
  const uint32_t trade = 1u << KEY_REST_ID | 1u << KEY_REST_PRICE | 1u << KEY_REST_QUANTITY | 1u << KEY_REST_TIME | 1u << KEY_REST_MAKER;
  if ((s->seen & snapshot) == snapshot) return ASSAY_BINANCE_SNAPSHOT;
  if ((s->seen & aggregate) == aggregate) return ASSAY_BINANCE_AGGREGATE;
  if ((s->seen & trade) == trade) return ASSAY_BINANCE_TRADE;
  return is_ticker(s) ? ASSAY_BINANCE_TICKER : ASSAY_BINANCE_OTHER;
}

static assay_binance_kind kind_of(const scan *s) {
  const field *event = &s->fields[KEY_EVENT];
  if (!has_event(s)) return kind_without_event(s);
  if (event->form != TEXT) return ASSAY_BINANCE_OTHER;
  if (text_says(&event->is.text, assay_binance_kinds[ASSAY_BINANCE_TICKER]))
    return is_ticker(s) ? ASSAY_BINANCE_TICKER : ASSAY_BINANCE_OTHER;
  for (int i = ASSAY_BINANCE_TRADE; i < ASSAY_BINANCE_SNAPSHOT; i++)
    if (text_says(&event->is.text, assay_binance_kinds[i])) return (assay_binance_kind)i;
  return ASSAY_BINANCE_OTHER;
}

/* Whether a field is there in the form that the message needs. */
static bool need(scan *s, key k, form wanted, const uint8_t *begin) {
  const field *f = &s->fields[k];
  bool there = (s->seen >> k & 1) != 0;
  if (there && f->form == wanted) return true;
  if (!there) return fail(s, begin, key_texts[k], "the message needs this field and has it not", "drop the document");
  if (wanted == DECIMAL)
    return fail(s, f->at, key_texts[k], "no decimal number of that many decimals",
                "read the stream with more decimals (fewer for numbers too large), or drop the document");
  if (wanted == LEVELS)
    return fail(s, f->at, key_texts[k], "no list of levels of that many decimals",
                "read the stream with more decimals (fewer for numbers too large), or drop the document");
  return fail(s, f->at, key_texts[k], wanted == WHOLE ? "no whole number of at most 64 bits" : "a value of the wrong type",
              "drop the document");
}

/* Of a time in milli-, micro- or nanoseconds; false: it is behind the year 2554, which no such time is. */
static bool in_ns(scan *s, key k, uint64_t *time_ns) {
  uint64_t time = s->fields[k].is.whole;
  uint64_t unit = time < UINT64_C(100000000000000) ? 1000000 : time < UINT64_C(100000000000000000) ? 1000 : 1;
  if (__builtin_mul_overflow(time, unit, time_ns))
    return fail(s, s->fields[k].at, key_texts[k], "a time behind the year 2554", "drop the document");
  return true;
}

static void put_levels(const scan *s, key k, const assay_binance_level **levels_, size_t *count) {
  *levels_ = s->reader->levels != NULL ? s->reader->levels + s->fields[k].is.levels.first : NULL;
  *count = s->fields[k].is.levels.count;
}

/* Trades that were asked for name no symbol. */
static bool put_trade(scan *s, bool aggregate, const uint8_t *begin, assay_binance_message *message) {
  const bool streamed = has_event(s), worded = !streamed && !aggregate;
  const key id = worded ? KEY_REST_ID : aggregate ? KEY_A : KEY_TRADE, price = worded ? KEY_REST_PRICE : KEY_PRICE;
  const key quantity = worded ? KEY_REST_QUANTITY : KEY_QUANTITY, maker = worded ? KEY_REST_MAKER : KEY_MAKER;
  if ((streamed && !need(s, KEY_SYMBOL, TEXT, begin)) || !need(s, id, WHOLE, begin) || !need(s, price, DECIMAL, begin) ||
      !need(s, quantity, DECIMAL, begin) || !need(s, worded ? KEY_REST_TIME : KEY_TRADE_TIME, WHOLE, begin) ||
      !need(s, maker, TRUTH, begin))
    return false;
  if (s->fields[quantity].is.decimal < 0)
    return fail(s, s->fields[quantity].at, key_texts[quantity], "a quantity below 0", "drop the document");
  if (worded && !in_ns(s, KEY_REST_TIME, &message->trade_ns)) return false;
  message->id = s->fields[id].is.whole;
  message->price = s->fields[price].is.decimal;
  message->quantity = s->fields[quantity].is.decimal;
  message->maker_buys = s->fields[maker].is.truth;
  if (!aggregate) return true;
  if (!need(s, KEY_FIRST, WHOLE, begin) || !need(s, KEY_LAST, WHOLE, begin)) return false;
  message->first_id = s->fields[KEY_FIRST].is.whole;
  message->last_id = s->fields[KEY_LAST].is.whole;
  return true;
}

static bool put_depth(scan *s, const uint8_t *begin, assay_binance_message *message) {
  if (!need(s, KEY_SYMBOL, TEXT, begin) || !need(s, KEY_FIRST_UPDATE, WHOLE, begin) || !need(s, KEY_LAST_UPDATE, WHOLE, begin) ||
      !need(s, KEY_B, LEVELS, begin) || !need(s, KEY_A, LEVELS, begin))
    return false;
  message->first_update = s->fields[KEY_FIRST_UPDATE].is.whole;
  message->last_update = s->fields[KEY_LAST_UPDATE].is.whole;
  if (message->first_update > message->last_update)
    return fail(s, s->fields[KEY_LAST_UPDATE].at, "u", "the last update is before the first", "drop the document and fetch a snapshot");
  message->has_previous = (s->seen >> KEY_PREVIOUS_UPDATE & 1) != 0 && s->fields[KEY_PREVIOUS_UPDATE].form == WHOLE;
  message->previous_update = message->has_previous ? s->fields[KEY_PREVIOUS_UPDATE].is.whole : 0;
  put_levels(s, KEY_B, &message->bids, &message->bid_count);
  put_levels(s, KEY_A, &message->asks, &message->ask_count);
  return true;
}

static bool put_snapshot(scan *s, const uint8_t *begin, assay_binance_message *message) {
  if (!need(s, KEY_SNAPSHOT, WHOLE, begin) || !need(s, KEY_BIDS, LEVELS, begin) || !need(s, KEY_ASKS, LEVELS, begin)) return false;
  message->last_update = s->fields[KEY_SNAPSHOT].is.whole;
  put_levels(s, KEY_BIDS, &message->bids, &message->bid_count);
  put_levels(s, KEY_ASKS, &message->asks, &message->ask_count);
  return true;
}

/* "symbol@depth5", 10 or 20, with @100ms or so behind it: the best levels, all anew each time. Futures call that depthUpdate too. */
static bool is_partial(const assay_feed_text *stream) {
  static const char part[] = "@depth";
  const char *sign = stream->at != NULL ? memchr(stream->at, '@', stream->length) : NULL;
  size_t left = sign != NULL ? stream->length - (size_t)(sign - stream->at) : 0;
  return left >= sizeof part && memcmp(sign, part, sizeof part - 1) == 0 && sign[sizeof part - 1] >= '0' && sign[sizeof part - 1] <= '9';
}

/* Two texts as one level. */
static bool put_best(scan *s, key price, key quantity, assay_binance_level *level, const uint8_t *begin) {
  const key keys[] = {price, quantity};
  int64_t *numbers[] = {&level->price, &level->quantity};
  for (int i = 0; i < 2; i++) {
    const field *f = &s->fields[keys[i]];
    unsigned decimals = i == 0 ? s->reader->price_decimals : s->reader->quantity_decimals;
    if (!need(s, keys[i], TEXT, begin)) return false;
    char plain[UNESCAPED];
    assay_feed_text text = f->is.text;
    if (has_escape(&text)) text = (assay_feed_text){.at = plain, .length = unescape(&text, plain, LONGEST)};
    if (!assay_feed_decimal(text.at, text.length, decimals, numbers[i]) || (i == 1 && level->quantity < 0))
      return fail(s, f->at, key_texts[keys[i]], "no decimal number of that many decimals",
                  "read the stream with more decimals (fewer for numbers too large), or drop the document");
  }
  return true;
}

static bool put_ticker(scan *s, const uint8_t *begin, assay_binance_message *message) {
  assay_binance_level *levels_ = s->reader->levels;
  if (!need(s, KEY_LAST_UPDATE, WHOLE, begin) || !put_best(s, KEY_B, KEY_BID_QUANTITY, &levels_[0], begin) ||
      !put_best(s, KEY_A, KEY_ASK_QUANTITY, &levels_[1], begin))
    return false;
  message->last_update = s->fields[KEY_LAST_UPDATE].is.whole;
  message->bids = &levels_[0];
  message->asks = &levels_[1];
  message->bid_count = message->ask_count = 1;
  return true;
}

/* Whose it is: as the message says, or else its stream. */
static void put_symbol(scan *s, const assay_feed_text *stream, assay_binance_message *message) {
  if ((s->seen >> KEY_SYMBOL & 1) != 0 && s->fields[KEY_SYMBOL].form == TEXT) {
    message->symbol = s->fields[KEY_SYMBOL].is.text;
  } else if (stream->at != NULL) {
    const char *sign = memchr(stream->at, '@', stream->length);
    message->symbol = (assay_feed_text){.at = stream->at, .length = sign != NULL ? (size_t)(sign - stream->at) : stream->length};
  }
}

/* Before it: what was written with escapes. */
static bool put_texts(scan *s, assay_feed_text *stream) {
  assay_binance_texts *texts = &s->reader->texts;
  field *event = &s->fields[KEY_EVENT], *symbol = &s->fields[KEY_SYMBOL];
  (void)plain_text(texts->stream, stream);
  if ((s->seen >> KEY_EVENT & 1) != 0 && event->form == TEXT) (void)plain_text(texts->event, &event->is.text);
  if ((s->seen >> KEY_SYMBOL & 1) == 0 || symbol->form != TEXT || plain_text(texts->symbol, &symbol->is.text)) return true;
  return fail(s, symbol->at, "s", "a name with escapes that is longer than any", "drop the document");
}

static bool put_message(scan *s, const uint8_t *begin, const assay_feed_text *stream, assay_binance_message *message) {
  *message = (assay_binance_message){.kind = kind_of(s), .stream = *stream};
  if (message->kind == ASSAY_BINANCE_OTHER) {
    if (s->fields[KEY_EVENT].form == TEXT && (s->seen >> KEY_EVENT & 1) != 0) message->event = s->fields[KEY_EVENT].is.text;
    return true;
  }
  const bool has_time = (s->seen >> KEY_TIME & 1) != 0, has_trade_time = (s->seen >> KEY_TRADE_TIME & 1) != 0;
  if (has_event(s)) {
    message->event = s->fields[KEY_EVENT].is.text;
    if (!need(s, KEY_TIME, WHOLE, begin)) return false;
  }
  if (has_time && !need(s, KEY_TIME, WHOLE, begin)) return false;
  if (has_trade_time && !need(s, KEY_TRADE_TIME, WHOLE, begin)) return false;
  if (has_time && !in_ns(s, KEY_TIME, &message->time_ns)) return false;
  if (has_trade_time && !in_ns(s, KEY_TRADE_TIME, &message->trade_ns)) return false;
  put_symbol(s, stream, message);
  switch (message->kind) {
    case ASSAY_BINANCE_TRADE: return put_trade(s, false, begin, message);
    case ASSAY_BINANCE_AGGREGATE: return put_trade(s, true, begin, message);
    case ASSAY_BINANCE_TICKER: return put_ticker(s, begin, message);
    case ASSAY_BINANCE_DEPTH:
      if (!put_depth(s, begin, message)) return false;
      if (is_partial(stream)) message->kind = ASSAY_BINANCE_SNAPSHOT;
      return true;
    default: return put_snapshot(s, begin, message);
  }
}

/* Documents are mostly one a line: behind a broken one, the next line is where to go on. */
static size_t next_line(const assay_feed_reader *in, const uint8_t *from) {
  const uint8_t *end = in->data + in->size, *line = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
  return line != NULL ? (size_t)(line + 1 - in->data) : in->last ? in->size : 0;
}

/* Of one that is cut off, the fault is seen only where the next one begins, which is a document of its own: the first line behind `begin`
 * that begins like one, or the one behind the fault at `wrong`. */
static size_t next_document(const assay_feed_reader *in, const uint8_t *begin, const uint8_t *wrong) {
  size_t line = next_line(in, begin);
  while (line != 0 && line < in->size && in->data + line <= wrong) {
    uint8_t c = in->data[line];
    if (c == '{' || (c >= '0' && c <= '9')) return line;
    line = next_line(in, in->data + line);
  }
  return line;
}

static inline bool is_blank(uint8_t c) { return c == '\n' || c == ' ' || c == '\r' || c == '\t'; }

static inline void pass_blanks(assay_feed_reader *in) {
  while (in->at < in->size && is_blank(in->data[in->at])) in->at++;
}

/* A mark of a list, or a document in one. */
static inline bool is_of_list(const assay_binance_reader *reader, uint8_t c) {
  return reader->list.depth > 0 || c == ',' || c == '[' || c == ']';
}

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* Who records a stream often writes the time of receipt before each document: a number or 2024-01-02T14:30:00.1234567Z (Tardis), and a
 * blank. Where the document behind it begins; the window's end where that is not known yet, and `from` where there is no such thing. */
static const uint8_t *behind_time(const uint8_t *from, const uint8_t *end) {
  const uint8_t *at = from;
  while (at < end && ((*at >= '0' && *at <= '9') || *at == '.' || (at > from && (*at == '-' || *at == ':' || *at == 'T' || *at == 'Z'))))
    at++;
  if (at == from || (at < end && *at != ' ' && *at != '\t')) return from;
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  return at == end || *at == '{' ? at : from;
}

assay_feed_step READ_NEXT(assay_binance_reader *reader, assay_binance_message *message) {
  assay_feed_reader *in = &reader->in;
  if (in->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  pass_blanks(in);
#if FAST
  if (reader->list.depth == 0 && read_by_shape(reader, message)) return ASSAY_FEED_MESSAGE;
#endif
  if (in->at == 0 && in->base == 0 && in->size > 0 && memcmp(in->data, byte_order_mark, in->size < 3 ? in->size : 3) == 0) {
    if (in->size < 3 && !in->last) return ASSAY_FEED_MORE;
    if (in->size >= 3) in->at = 3, pass_blanks(in);
  }
  if (in->at == in->size || is_of_list(reader, in->data[in->at])) {
    const assay_feed_step step = assay_binance_pass_marks(reader);
    if (step != ASSAY_FEED_MESSAGE) return step;
#if FAST
    if (read_by_shape(reader, message)) return ASSAY_FEED_MESSAGE;
#endif
  }
  const uint8_t *begin = in->data + in->at;
  if (*begin != '{') {
    const uint8_t *document = behind_time(begin, in->data + in->size);
    if (document == in->data + in->size && !in->last) return ASSAY_FEED_MORE;
    if (document == begin || document == in->data + in->size) {
      assay_binance_lose_marks(reader);
      return assay_feed_fail(
          in, in->at, next_line(in, begin), "JSON", "a document has to begin with {",
          "put one document a line (jq -c), with the time of receipt before it or without; of klines make a table (jq -r '.[] | @csv')");
    }
    in->at = (size_t)(document - in->data);
    reader->list.begun_at = in->base + in->at;
    begin = document;
  }
  assay_feed_text stream = {0};
  scan s; /* its fields are read only where `seen` says that they were written */
  s.reader = reader;
  s.at = begin;
  s.end = in->data + in->size;
  s.wrong = NULL;
  s.is_short = s.has_escapes = false;
  s.levels_used = 0;
  s.seen = 0;
  if (object(&s, false, &stream) && (!s.has_escapes || put_texts(&s, &stream)) && put_message(&s, begin, &stream, message)) {
    in->at = (size_t)(s.at - in->data);
    in->count++;
#if FAST
    learn_shape(reader, begin, s.at, message);
#endif
    return ASSAY_FEED_MESSAGE;
  }
  if (s.wrong == NULL) return assay_feed_short(in, "JSON");
  assay_binance_lose_marks(reader);
  return assay_feed_fail(in, (size_t)(s.wrong - in->data), next_document(in, begin, s.at), s.wrong_field, s.problem, s.mend);
}

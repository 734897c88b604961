/* SPDX-License-Identifier: MIT */
/*
 * Trades by the shape of the one before, with AVX2. Included by json_read.h.
 *
 * The documents of a stream differ in their values only. So the bytes between the values of the last trade are remembered, and those of the
 * next one are compared with them, 32 at a time, without a branch: what differs is gathered, and looked at once, at the end. A number is
 * one shuffle by the places that its digits had last time. Where the bytes behind it say that it has another length now, it is measured
 * anew. Whatever else differs is for the general reader, which begins with the document again: nothing is decided here but "the same".
 *
 * That keeps the answers the same: the remembered document was right, so its keys are there once each, its values have the forms that its
 * kind needs, and all that is not compared are digits (their number and point checked), true or false, and plain text.
 */

/* What follows the bytes of a part. */
enum { PART_END, PART_NUMBER, PART_TEXT, PART_TRUTH, PART_UNUSED, PART_EVENT, PART_MORE_BYTES };
enum { WHOLE_NUMBER = 255 }; /* in place of the decimals of one in quotes */
/* The longest values; what is read beyond the last; and a document with all of them, which is copied where the window ends soon. */
enum { LONGEST_NUMBER = 16, LONGEST_TEXT = 31, BEYOND = 64, LONGEST_SHAPE = 1024 };

static inline __m256i load32(const void *from) { return _mm256_loadu_si256((const __m256i *)from); }
static inline uint32_t four_bytes(const uint8_t *from) {
  uint32_t four;
  memcpy(&four, from, sizeof four);
  return four;
}

static inline unsigned digits_at(const uint8_t *text) {
  __m128i digits = _mm_sub_epi8(load16(text), _mm_set1_epi8('0')), most = _mm_set1_epi8(9);
  uint32_t others = ~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digits, most), digits)) & 0xffff;
  return (unsigned)__builtin_ctz(others | 0x10000);
}

/* Length and places of the number that stands here now; false: it is for the general reader. */
static __attribute__((noinline)) bool measure(assay_binance_part *part, const uint8_t *text) {
  __m128i places, fixed = _mm_setzero_si128(), at_fixed = fixed;
  if (part->decimals == WHOLE_NUMBER) {
    unsigned length = digits_at(text);
    if (length == 0) return false;
    places = load16(slide + length);
    part->least = length > 1 ? assay_tens[length - 1] : 0;
    /* in_ns: up to 14 digits are milliseconds (but of 14 some are too many), up to 17 microseconds. */
    if (part->scale != 1 && length == 14) return false;
    if (part->scale != 1) part->scale = length < 14 ? 1000000 : 1000;
    part->length = (uint8_t)length;
  } else {
    unsigned decimals = part->decimals;
    uint32_t quotes = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load32(text), _mm256_set1_epi8('"')));
    if (quotes == 0) return false;
    unsigned length = (unsigned)__builtin_ctz(quotes);
    if (length > 16) return false;
    uint32_t points = mask_of(load16(text), '.') & (quotes - 1) & ~quotes;
    unsigned whole = points != 0 ? (unsigned)__builtin_ctz(points) : length;
    unsigned fraction = whole == length ? 0 : length - whole - 1;
    if (whole - 1 >= 16 - decimals || (whole != length && fraction == 0)) return false;
    unsigned missing = fraction < decimals ? decimals - fraction : 0;
    places = _mm_add_epi8(load16(slide + decimals + whole), load16(ones + decimals));
    places = _mm_or_si128(places, _mm_xor_si128(load16(stays + missing), _mm_set1_epi8(-1)));
    uint8_t what[LONGEST_NUMBER] = {0}, where[LONGEST_NUMBER] = {0};
    if (whole != length) what[whole] = '.', where[whole] = 255;
    for (unsigned i = whole + 1 + decimals; i < length; i++) what[i] = '0', where[i] = 255; /* more decimals than wanted */
    fixed = load16(what);
    at_fixed = load16(where);
    part->least = 0;
    part->length = (uint8_t)length;
  }
  _mm_storeu_si128((__m128i *)part->places, places);
  _mm_storeu_si128((__m128i *)part->fixed, fixed);
  _mm_storeu_si128((__m128i *)part->at_fixed, at_fixed);
  return true;
}

/* The document at `at`, of which `reach` bytes may be read: its end, or NULL where it is not like the last. */
static inline const uint8_t *follow(assay_binance_shape *shape, const uint8_t *at, assay_binance_message *message) {
  __m256i differs = _mm256_setzero_si256();
  __m128i wrong = _mm_setzero_si128();
  uint64_t bad = 0;
  for (size_t i = 0; i + 32 <= sizeof *message; i += 32)
    _mm256_storeu_si256((__m256i *)((char *)message + i), load32((const char *)&shape->message + i));
  memcpy((char *)message + sizeof *message / 32 * 32, (const char *)&shape->message + sizeof *message / 32 * 32, sizeof *message % 32);
  message->event.at = (const char *)at + shape->event_at;
  for (assay_binance_part *part = shape->parts;; part++) {
    differs = _mm256_or_si256(differs, _mm256_and_si256(_mm256_xor_si256(load32(at), load32(part->bytes)), load32(part->kept)));
    at += part->width;
    if (__builtin_expect(part->form == PART_NUMBER, 1)) {
      if (__builtin_expect(((four_bytes(at + part->length) ^ part->next) & part->next_kept) != 0, 0) && !measure(part, at)) return NULL;
      __m128i bytes = load16(at);
      __m128i digits = _mm_shuffle_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), load16(part->places));
      wrong = _mm_or_si128(wrong, _mm_and_si128(_mm_xor_si128(bytes, load16(part->fixed)), load16(part->at_fixed)));
      uint64_t value = value_of(digits, &wrong);
      bad |= value < part->least;
      value *= part->scale;
      memcpy((char *)message + part->to, &value, sizeof value);
      at += part->length;
    } else if (part->form == PART_TRUTH) {
      uint32_t four = four_bytes(at);
      bool is_true = four == 0x65757274; /* "true", "fals" */
      bad |= (four != 0x65757274) & ((four != 0x736c6166) | (at[4] != 'e'));
      memcpy((char *)message + part->to, &is_true, 1);
      at += 5 - is_true;
    } else if (part->form == PART_END) {
      break;
    } else if (part->form == PART_TEXT) {
      __m256i bytes = load32(at), controls = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
      __m256i stops = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')), _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
      uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(controls, stops));
      if (mask == 0) return NULL;
      assay_feed_text text = {.at = (const char *)at, .length = (size_t)__builtin_ctz(mask)};
      memcpy((char *)message + part->to, &text, sizeof text);
      at = step(at, (unsigned)text.length, &part->length);
    } else if (part->form == PART_UNUSED) {
      unsigned length = digits_at(at);
      bad |= (length == 0) | ((length > 1) & (*at == '0'));
      at = step(at, length, &part->length);
    } else if (part->form == PART_EVENT) {
      message->event.at = (const char *)at;
    }
  }
  if (!_mm256_testz_si256(differs, differs) || !_mm_testz_si128(wrong, wrong) || bad != 0) return NULL;
  return at;
}

static void moved(assay_feed_text *text, const uint8_t *from, const uint8_t *to) {
  if (text->at != NULL) text->at = (const char *)to + (text->at - (const char *)from);
}

/* The window ends soon behind the document, or in it: what may be read is a copy, with zeros behind it, which fit to nothing. */
static __attribute__((noinline)) const uint8_t *follow_a_copy(assay_binance_shape *shape, const uint8_t *at, size_t size,
                                                              assay_binance_message *message) {
  uint8_t copy[LONGEST_SHAPE];
  size_t taken = size < shape->reach ? size : shape->reach;
  memcpy(copy, at, taken);
  memset(copy + taken, 0, shape->reach - taken);
  const uint8_t *behind = follow(shape, copy, message);
  if (behind == NULL) return NULL;
  moved(&message->symbol, copy, at);
  moved(&message->stream, copy, at);
  moved(&message->event, copy, at);
  return at + (behind - copy);
}

static inline bool read_by_shape(assay_binance_reader *reader, assay_binance_message *message) {
  assay_binance_shape *shape = &reader->shape;
  assay_feed_reader *in = &reader->in;
  const uint8_t *at = in->data + in->at, *behind;
  size_t left = in->size - in->at;
  if (shape->count == 0 || left < 32) return false;
  /* Most of what is of another kind begins otherwise. */
  __m256i first = _mm256_and_si256(_mm256_xor_si256(load32(at), load32(shape->parts[0].bytes)), load32(shape->parts[0].kept));
  if (!_mm256_testz_si256(first, first)) return false;
  if (shape->price_decimals != reader->price_decimals || shape->quantity_decimals != reader->quantity_decimals) return false;
  if (__builtin_expect(left >= shape->reach, 1))
    behind = follow(shape, at, message);
  else
    behind = follow_a_copy(shape, at, left, message);
  if (behind == NULL) return false;
  in->at = (size_t)(behind - in->data);
  in->count++;
  shape->age++;
  return true;
}

/* ---- Learning
 * ----------------------------------------------------------------------------------------------------------------------------
 */

typedef struct learner {
  assay_binance_shape *shape;
  const uint8_t *at, *end, *bytes; /* `bytes`: what goes before the next value begins here */
} learner;

/* Closes the part before a value at `at` (or, PART_END, the document's end). */
static assay_binance_part *new_part(learner *l, unsigned what) {
  assay_binance_shape *shape = l->shape;
  do {
    size_t width = (size_t)(l->at - l->bytes);
    if (shape->count == ASSAY_BINANCE_PARTS) return NULL;
    assay_binance_part *part = &shape->parts[shape->count++];
    *part = (assay_binance_part){.width = (uint8_t)(width > 32 ? 32 : width), .form = PART_MORE_BYTES};
    memcpy(part->bytes, l->bytes, part->width);
    memset(part->kept, 255, part->width);
    l->bytes += part->width;
  } while (l->bytes < l->at);
  assay_binance_part *last = &shape->parts[shape->count - 1];
  last->form = (uint8_t)what;
  return last;
}

/* `measure` reads more than the document may have. */
static bool measure_here(const learner *l, assay_binance_part *part) {
  uint8_t padded[64] = {0};
  size_t left = (size_t)(l->end - l->at);
  memcpy(padded, l->at, left < 32 ? left : 32);
  return measure(part, padded);
}

static void skip_blanks(learner *l) {
  while (l->at < l->end && *l->at <= ' ') l->at++;
}

/* Where a string's closing quote is; NULL where it has escapes. At its opening one. */
static const uint8_t *closing_quote(const learner *l) {
  const uint8_t *quote = l->at + 1;
  while (quote < l->end && *quote != '"' && *quote != '\\') quote++;
  return quote < l->end && *quote == '"' ? quote : NULL;
}

/* Where in a message a number goes; 0: nowhere. */
static uint16_t place_of(uint8_t name, assay_binance_kind kind) {
  switch (name) {
    case 'E': return offsetof(assay_binance_message, time_ns);
    case 'T': return offsetof(assay_binance_message, trade_ns);
    case 't': return kind == ASSAY_BINANCE_TRADE ? offsetof(assay_binance_message, id) : 0;
    case 'a': return kind == ASSAY_BINANCE_AGGREGATE ? offsetof(assay_binance_message, id) : 0;
    case 'f': return kind == ASSAY_BINANCE_AGGREGATE ? offsetof(assay_binance_message, first_id) : 0;
    case 'l': return kind == ASSAY_BINANCE_AGGREGATE ? offsetof(assay_binance_message, last_id) : 0;
    case 'p': return offsetof(assay_binance_message, price);
    case 'q': return offsetof(assay_binance_message, quantity);
    default: return 0;
  }
}

static bool learn_number(learner *l, uint8_t name, const assay_binance_message *message) {
  unsigned length = 0;
  uint16_t to = place_of(name, message->kind);
  while (l->at + length < l->end && l->at[length] >= '0' && l->at[length] <= '9') length++;
  if (length == 0 || length > LONGEST_NUMBER || l->at + length == l->end || strchr(".eE", l->at[length]) != NULL || name == 'p' ||
      name == 'q')
    return false;
  assay_binance_part *part = new_part(l, to != 0 ? PART_NUMBER : PART_UNUSED);
  if (part == NULL) return false;
  part->to = to;
  part->decimals = WHOLE_NUMBER;
  part->scale = name == 'E' || name == 'T' ? 1000 : 1;
  if (!measure_here(l, part)) return false;
  l->bytes = l->at += length;
  return true;
}

static bool learn_string(learner *l, uint8_t name, bool is_stream, const assay_binance_message *message) {
  const uint8_t *quote = closing_quote(l);
  if (quote == NULL) return false;
  const char *text = (const char *)++l->at;
  assay_binance_part *part = NULL;
  if (name == 'p' || name == 'q') {
    part = new_part(l, PART_NUMBER);
    if (part == NULL) return false;
    part->to = place_of(name, message->kind);
    part->decimals = (uint8_t)(name == 'p' ? l->shape->price_decimals : l->shape->quantity_decimals);
    part->scale = 1;
    if (!measure_here(l, part) || l->at + part->length != quote) return false;
  } else if (text == message->symbol.at || (is_stream && text == message->stream.at)) {
    part = new_part(l, PART_TEXT);
    if (part == NULL || quote - l->at > LONGEST_TEXT) return false;
    part->to = is_stream ? offsetof(assay_binance_message, stream) : offsetof(assay_binance_message, symbol);
    part->length = (uint8_t)(quote - l->at);
  } else if (text == message->event.at && l->shape->count == 0) {
    l->shape->event_at = (uint32_t)(l->at - l->bytes);
  } else if (text == message->event.at && new_part(l, PART_EVENT) == NULL) {
    return false;
  }
  if (part != NULL) l->bytes = quote;
  l->at = quote + 1;
  return true;
}

/* One member: a key, and a value that is learnt, or stays as it is. */
static bool learn_member(learner *l, unsigned *depth, const assay_binance_message *message) {
  const uint8_t *key_text = l->at + 1, *quote = closing_quote(l);
  if (quote == NULL) return false;
  size_t length = (size_t)(quote - key_text);
  uint8_t name = length == 1 ? *key_text : 0;
  bool is_stream = length == 6 && memcmp(key_text, "stream", 6) == 0;
  l->at = quote + 1;
  skip_blanks(l);
  l->at++; /* the colon */
  skip_blanks(l);
  if (*l->at == '{') {
    l->at++;
    return ++*depth == 2 && length == 4 && memcmp(key_text, "data", 4) == 0;
  }
  if (*l->at == '"') return learn_string(l, name, is_stream, message);
  if (*l->at >= '0' && *l->at <= '9') return learn_number(l, name, message);
  if (*l->at != 't' && *l->at != 'f' && *l->at != 'n') return false;
  unsigned width = *l->at == 'f' ? 5 : 4;
  if (name == 'm') {
    assay_binance_part *part = new_part(l, PART_TRUTH);
    if (part == NULL) return false;
    part->to = offsetof(assay_binance_message, maker_buys);
    l->bytes += width;
  }
  l->at += width;
  return true;
}

static bool learn_all(learner *l, const assay_binance_message *message) {
  unsigned depth = 1;
  l->at++;
  while (l->at < l->end) {
    uint8_t c = *l->at;
    if (c == '"') {
      if (!learn_member(l, &depth, message)) return false;
    } else if (c == ',' || c <= ' ') {
      l->at++;
    } else if (c == '}') {
      l->at++;
      if (--depth == 0) break;
    } else {
      return false;
    }
  }
  return depth == 0 && new_part(l, PART_END) != NULL;
}

/* Remembers how a trade that was read is laid out. Where streams have a new layout each time, it is tried seldom. */
static __attribute__((noinline)) void learn_now(assay_binance_reader *reader, const uint8_t *begin, const uint8_t *end,
                                                const assay_binance_message *message) {
  enum { LONGEST_PAUSE = 256 };
  assay_binance_shape *shape = &reader->shape;
  learner l = {.shape = shape, .at = begin, .end = end, .bytes = begin};
  shape->pause = shape->age > 2 ? 0 : shape->pause < LONGEST_PAUSE ? 2 * shape->pause + 1 : LONGEST_PAUSE;
  shape->waits = shape->pause;
  shape->count = shape->age = 0;
  shape->event_at = 0;
  shape->price_decimals = reader->price_decimals;
  shape->quantity_decimals = reader->quantity_decimals;
  shape->message = *message;
  bool learnt = learn_all(&l, message);
  uint32_t reach = BEYOND;
  for (uint32_t i = 0; i < shape->count; i++) {
    assay_binance_part *part = &shape->parts[i];
    reach += part->width + (part->form == PART_TEXT ? LONGEST_TEXT : part->form == PART_END ? 0 : LONGEST_NUMBER);
    if (i + 1 == shape->count) break;
    memcpy(&part->next, part[1].bytes, sizeof part->next);
    memcpy(&part->next_kept, part[1].kept, sizeof part->next_kept);
  }
  shape->reach = reach;
  if (!learnt || reach > LONGEST_SHAPE) shape->count = 0;
}

static inline void learn_shape(assay_binance_reader *reader, const uint8_t *begin, const uint8_t *end,
                               const assay_binance_message *message) {
  if ((message->kind != ASSAY_BINANCE_TRADE && message->kind != ASSAY_BINANCE_AGGREGATE) || message->event.at == NULL) return;
  if (reader->shape.waits > 0)
    reader->shape.waits--;
  else
    learn_now(reader, begin, end, message);
}

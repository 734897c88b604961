/* SPDX-License-Identifier: MIT */
/* What a message of each feed costs to decode, beside how fast the bytes could be copied, or a peer, in the same run. */
#include <assay/feed_book.h>
#include <assay/feed_itch.h>
#include <assay/feed_json.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>

#include "figure.h"

enum { ROUNDS = 31 };

static void die(const assay_error *err) {
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

/* ---- ITCH ---------------------------------------------------------------------------------------------------------------------------- */

static uint64_t add_events(const uint8_t *bytes, size_t size) {
  static assay_market_event events[256];
  assay_feed_reader reader;
  uint64_t sum = 0;
  size_t count;
  assay_feed_open(&reader, bytes, size);
  while ((count = assay_itch_events(&reader, events, 256)) > 0) sum += events[count - 1].order_id + events[0].quantity;
  return sum;
}

/* The same fields the ordinary way: a branch on the type, then field by field. */
static uint64_t add_messages(const uint8_t *bytes, size_t size) {
  assay_feed_reader reader;
  assay_itch_message m;
  assay_market_event event;
  uint64_t sum = 0;
  assay_feed_open(&reader, bytes, size);
  while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    assay_itch_event(&m, &event);
    sum += event.order_id;
  }
  return sum;
}

/* A visitor that wants one field of one type. */
static uint64_t add_shares(const uint8_t *bytes, size_t size) {
  assay_feed_reader reader;
  assay_itch_message m;
  uint64_t sum = 0;
  assay_feed_open(&reader, bytes, size);
  while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE)
    if (m.type == 'P') sum += assay_be32(m.as->trade.shares);
  return sum;
}

static void itch(void) {
  assay_error err = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 1, .messages = 20000, .symbols = 100};
  if (assay_feed_generate(&market, &err, &bytes, &size) != ASSAY_OK) die(&err);
  double messages = (double)(market.messages + 2 * market.symbols + 6);
  uint8_t *copy = malloc(size);
  volatile uint64_t sink = 0;
  double copied = FIGURE_BEST_NS(ROUNDS, memcpy(copy, bytes, size); sink += copy[size / 2]) / messages;
  double events = FIGURE_BEST_NS(ROUNDS, sink += add_events(bytes, size)) / messages;
  double views = FIGURE_BEST_NS(ROUNDS, sink += add_shares(bytes, size)) / messages;
  double plain = FIGURE_BEST_NS(5, sink += add_messages(bytes, size)) / messages;
  char note[120];
  snprintf(note, sizeof note, "a branch on the type, field by field: %.2f ns; memcpy of the bytes: %.2f ns", plain, copied);
  figure_beside("itch_event", events, "ns/message", copied, note);
  figure_beside("itch_view", views, "ns/message", copied, "next and one field, where it lies");
  (void)sink;
  free(copy);
  assay_feed_generated_free(bytes);
}

/* ---- ITCH -> book ---- */

static assay_feed_book *book;

/* A stream takes longer than others leave this core alone, so its parts are timed, and each counts with its best round. */
enum { PART_BATCHES = 8, MOST_PARTS = 600, BOOK_ROUNDS = 9 };

static size_t build_book(const uint8_t *bytes, size_t size, double best[MOST_PARTS]) {
  static assay_market_event events[256];
  assay_feed_reader reader;
  size_t count = 1, misfits = 0, parts = 0;
  for (uint32_t i = 0; i <= 100; i++) assay_feed_book_apply(book, &(assay_market_event){.kind = ASSAY_MARKET_CLEAR, .symbol = i}, 1);
  assay_feed_open(&reader, bytes, size);
  for (; count > 0 && parts < MOST_PARTS; parts++) {
    uint64_t begin = figure_now_ns();
    for (int i = 0; i < PART_BATCHES && (count = assay_itch_events(&reader, events, 256)) > 0; i++)
      misfits += assay_feed_book_apply(book, events, count);
    double ns = (double)(figure_now_ns() - begin);
    if (best[parts] == 0 || ns < best[parts]) best[parts] = ns;
  }
  if (misfits > 0 || count > 0) abort();
  return parts;
}

static double book_ns(uint32_t symbols) {
  static double best[MOST_PARTS];
  assay_error err = {0};
  uint8_t *bytes = NULL;
  size_t size = 0, parts = 0;
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 1, .messages = 1000000, .symbols = symbols};
  if (assay_feed_generate(&market, &err, &bytes, &size) != ASSAY_OK) die(&err);
  if (assay_feed_book_create(&(assay_feed_book_options){.symbols = 128, .expected_orders = 3000 * symbols}, &err, &book) != ASSAY_OK)
    die(&err);
  memset(best, 0, sizeof best);
  for (int round = 0; round < BOOK_ROUNDS; round++) parts = build_book(bytes, size, best);
  double ns = 0;
  for (size_t i = 0; i < parts; i++) ns += best[i];
  assay_feed_book_destroy(book);
  assay_feed_generated_free(bytes);
  return ns / 1000000.0;
}

static void itch_to_book(void) {
  char note[120];
  double many = book_ns(100);
  snprintf(note, sizeof note, "with decoding, parts of 2,048 at their best; 100 symbols, which no near cache holds: %.0f ns", many);
  figure("itch_book", book_ns(8), "ns/message", note);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------------------- */

enum { DOCUMENTS = 2000, LEVELS = 20 };

static assay_binance_level levels[2 * LEVELS];

static uint64_t add_documents(const char *text, size_t size) {
  assay_binance_reader reader;
  assay_binance_message m;
  uint64_t sum = 0;
  assay_binance_open(&reader, text, size, 8, 8, levels, 2 * LEVELS);
  while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE)
    sum += m.kind == ASSAY_BINANCE_TRADE ? (uint64_t)(m.price + m.quantity) + m.trade_ns : (uint64_t)m.bids[0].price + m.ask_count;
  if (reader.in.fault.problem != NULL) abort();
  return sum;
}

static uint64_t add_by_jansson(const char *text, size_t size) {
  uint64_t sum = 0;
  json_error_t problem;
  for (size_t at = 0; at < size;) {
    json_t *root = json_loadb(text + at, size - at, JSON_DISABLE_EOF_CHECK, &problem);
    if (root == NULL) abort();
    at += (size_t)problem.position + 1;
    int64_t price = 0;
    const char *p = json_string_value(json_object_get(root, "p"));
    if (p != NULL && assay_feed_decimal(p, strlen(p), 8, &price)) sum += (uint64_t)price;
    json_decref(root);
  }
  return sum;
}

static size_t make_trades(char *text) {
  size_t size = 0;
  for (int i = 0; i < DOCUMENTS; i++)
    size += (size_t)sprintf(
        text + size,
        "{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"%d.%02d000000\",\"q\":\"0.%05d000\",\"T\":%lld,\"m\":%s,"
        "\"M\":true}\n",
        1672515782136ll + i, 852516353 + i, 26000 + i * 7919 % 1000, i % 100, i * 104729 % 100000, 1672515782135ll + i,
        i * 31 % 7 < 3 ? "true" : "false");
  return size;
}

static size_t make_depth(char *text) {
  size_t size = 0;
  for (int i = 0; i < DOCUMENTS / 10; i++) {
    size += (size_t)sprintf(text + size, "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%d,\"u\":%d", 1672515782136ll + i,
                            i * 10 + 1, i * 10 + 10);
    for (int side = 0; side < 2; side++) {
      size += (size_t)sprintf(text + size, ",\"%s\":[", side == 0 ? "b" : "a");
      for (int l = 0; l < LEVELS; l++)
        size += (size_t)sprintf(text + size, "%s[\"%d.%02d000000\",\"%d.%05d000\"]", l > 0 ? "," : "", 26000 + l * 7919 % 1000,
                                (i + l) % 100, (i * l) % 19, (i + l) * 104729 % 100000);
      size += (size_t)sprintf(text + size, "]");
    }
    size += (size_t)sprintf(text + size, "}\n");
  }
  return size;
}

static void json(void) {
  char *text = malloc(DOCUMENTS * 400);
  volatile uint64_t sink = 0;
  char note[120];
  size_t size = make_trades(text);
  double ours = FIGURE_BEST_NS(ROUNDS, sink += add_documents(text, size)) / DOCUMENTS;
  double theirs = FIGURE_BEST_NS(5, sink += add_by_jansson(text, size)) / DOCUMENTS;
  snprintf(note, sizeof note, "jansson: %.0f ns; %zu bytes each", theirs, size / DOCUMENTS);
  figure("json_trade", ours, "ns/trade", note);
  size = make_depth(text);
  double numbers = DOCUMENTS / 10.0 * 4 * LEVELS;
  ours = FIGURE_BEST_NS(ROUNDS, sink += add_documents(text, size)) / numbers;
  theirs = FIGURE_BEST_NS(5, sink += add_by_jansson(text, size)) / numbers;
  snprintf(note, sizeof note, "jansson, which leaves them text: %.0f ns", theirs);
  figure("json_depth_number", ours, "ns/number", note);
  (void)sink;
  free(text);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  itch();
  itch_to_book();
  json();
  return figure_end();
}

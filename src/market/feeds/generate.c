/* SPDX-License-Identifier: MIT */
/*
 * A made market. Each symbol's price walks; orders are added around it, never across the other side, and leave again by execution (the
 * oldest order at the best price of the side that the walk presses on), cancel, delete or replace. So every message of the stream is about
 * an order that is there.
 */
#include "market/feeds/generate.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

typedef enum happening { ADD, ADD_ATTRIBUTED, EXECUTE, EXECUTE_PRICE, CANCEL, REMOVE, REPLACE, TRADE } happening;

/* ---- Chance
 * -------------------------------------------------------------------------------------------------------------------------------- Without
 * a logarithm or a square root, whose last bit C libraries do not agree on: the same seed is the same stream everywhere. */

/* About exponential, with mean 1: the halvings are exact, and between two of them it is taken for even. */
static double some_wait(assay_made_market *market) {
  uint64_t bits = assay_random_next(&market->random) | 1;
  return (__builtin_clzll(bits) + assay_random_unit(&market->random)) * 0.667;
}

/* About normal, with deviation 1. */
static double some_step(assay_made_market *market) {
  double sum = 0;
  for (int i = 0; i < 4; i++) sum += assay_random_unit(&market->random);
  return (sum - 2) * 1.75;
}

static uint32_t some_quantity(assay_made_market *market) {
  uint64_t pick = assay_random_below(&market->random, 100);
  if (pick < 20) return 1 + (uint32_t)assay_random_below(&market->random, 99);
  return 100 * (1 + (uint32_t)assay_random_below(&market->random, pick < 90 ? 5 : 50));
}

/* ---- Orders of one symbol ------------------------------------------------------------------------------------------------------------ */

static void find_bests(assay_made_symbol *symbol, const assay_made_order *gone) {
  const assay_made_level *levels = symbol->levels;
  if (gone->side == 0)
    while (symbol->best_bid >= 0 && levels[symbol->best_bid].head == ASSAY_MADE_NONE) symbol->best_bid--;
  else
    while (symbol->best_ask < ASSAY_MADE_LEVELS && levels[symbol->best_ask].head == ASSAY_MADE_NONE) symbol->best_ask++;
}

/* A bid below the lowest ask, an ask above the highest bid, within the grid. */
static int level_for(assay_made_market *market, const assay_made_symbol *symbol, uint8_t side) {
  double away = some_wait(market) * 6 + 0.5;
  int level = (int)(side == 0 ? symbol->middle - away : symbol->middle + away);
  int least = side == 0 ? 0 : symbol->best_bid + 1;
  int most = side == 0 ? symbol->best_ask - 1 : ASSAY_MADE_LEVELS - 1;
  return level < least ? least : level > most ? most : level;
}

static uint32_t rest(assay_made_market *market, assay_made_symbol *symbol, uint8_t side, int level, uint32_t quantity) {
  uint32_t place = market->spare[--market->spare_count];
  assay_made_level *at = &symbol->levels[level];
  market->pool[place] = (assay_made_order){.id = market->next_order++,
                                           .quantity = quantity,
                                           .next = ASSAY_MADE_NONE,
                                           .previous = at->tail,
                                           .slot = symbol->resting_count,
                                           .level = (uint16_t)level,
                                           .side = side};
  if (at->tail == ASSAY_MADE_NONE)
    at->head = place;
  else
    market->pool[at->tail].next = place;
  at->tail = place;
  at->quantity += quantity;
  symbol->resting[symbol->resting_count++] = place;
  if (side == 0 && level > symbol->best_bid) symbol->best_bid = level;
  if (side == 1 && level < symbol->best_ask) symbol->best_ask = level;
  return place;
}

/* Chance is asked in this order, whatever order a compiler gives arguments their values in. */
static uint32_t rest_somewhere(assay_made_market *market, assay_made_symbol *symbol, uint8_t side) {
  int level = level_for(market, symbol, side);
  uint32_t quantity = some_quantity(market);
  return rest(market, symbol, side, level, quantity);
}

static void leave(assay_made_market *market, assay_made_symbol *symbol, uint32_t place) {
  assay_made_order *order = &market->pool[place];
  assay_made_level *at = &symbol->levels[order->level];
  if (order->previous == ASSAY_MADE_NONE)
    at->head = order->next;
  else
    market->pool[order->previous].next = order->next;
  if (order->next == ASSAY_MADE_NONE)
    at->tail = order->previous;
  else
    market->pool[order->next].previous = order->previous;
  at->quantity -= order->quantity;
  uint32_t last = symbol->resting[--symbol->resting_count];
  symbol->resting[order->slot] = last;
  market->pool[last].slot = order->slot;
  market->spare[market->spare_count++] = place;
  find_bests(symbol, order);
}

static void take(assay_made_market *market, assay_made_symbol *symbol, uint32_t place, uint32_t quantity) {
  assay_made_order *order = &market->pool[place];
  if (quantity == order->quantity) {
    leave(market, symbol, place);
    return;
  }
  order->quantity -= quantity;
  symbol->levels[order->level].quantity -= quantity;
}

/* ---- What happens next --------------------------------------------------------------------------------------------------------------- */

static happening choose(assay_made_market *market) {
  double pick = assay_random_unit(&market->random) * market->shares[TRADE];
  int what = ADD;
  while (what < TRADE && pick >= market->shares[what]) what++;
  return (happening)what;
}

/* About as many orders as wanted rest: fewer than half, and nothing but additions happens; at most half as many again. */
static happening keep_to_size(const assay_made_market *market, const assay_made_symbol *symbol, happening what) {
  uint32_t wanted = market->settings.orders;
  bool adds = what == ADD || what == ADD_ATTRIBUTED;
  if (symbol->resting_count >= wanted + wanted / 2 && adds) return REMOVE;
  if (symbol->resting_count < (wanted + 1) / 2 && what != TRADE) return adds ? what : ADD;
  return what;
}

static void walk(assay_made_market *market, assay_made_symbol *symbol) {
  enum { EDGE = 64 };
  symbol->middle += some_step(market) * market->settings.volatility_ticks * 0.1;
  if (symbol->middle < EDGE) symbol->middle = 2 * EDGE - symbol->middle;
  if (symbol->middle > ASSAY_MADE_LEVELS - EDGE) symbol->middle = 2 * (ASSAY_MADE_LEVELS - EDGE) - symbol->middle;
  symbol->middle = fmin(fmax(symbol->middle, EDGE), ASSAY_MADE_LEVELS - EDGE);
}

/* The oldest order of the best level, on the side that the walk has come to. */
static uint32_t next_to_trade(assay_made_market *market, const assay_made_symbol *symbol) {
  bool bids = symbol->best_bid >= 0, asks = symbol->best_ask < ASSAY_MADE_LEVELS;
  bool ask = assay_random_below(&market->random, 2) == 1;
  if (asks && symbol->middle >= symbol->best_ask) ask = true;
  if (bids && symbol->middle <= symbol->best_bid) ask = false;
  if (!asks) ask = false;
  if (!bids) ask = true;
  return symbol->levels[ask ? symbol->best_ask : symbol->best_bid].head;
}

static int64_t price_of(const assay_made_symbol *symbol, int level) { return symbol->base + (int64_t)level * ASSAY_MADE_TICK; }

static void add(assay_made_market *market, assay_made_symbol *symbol, happening what, assay_market_event *event) {
  uint8_t side = (uint8_t)assay_random_below(&market->random, 2);
  if (side == 0 && symbol->best_ask == 0) side = 1;
  if (side == 1 && symbol->best_bid == ASSAY_MADE_LEVELS - 1) side = 0;
  const assay_made_order *order = &market->pool[rest_somewhere(market, symbol, side)];
  event->kind = ASSAY_MARKET_ADD;
  event->order_id = order->id;
  event->side = order->side == 0 ? 'B' : 'S';
  event->price = price_of(symbol, order->level);
  event->quantity = order->quantity;
  if (what == ADD_ATTRIBUTED) event->flags = ASSAY_MADE_ATTRIBUTED;
}

static void execute(assay_made_market *market, assay_made_symbol *symbol, uint32_t place, happening what, assay_market_event *event) {
  const assay_made_order *order = &market->pool[place];
  bool whole = assay_random_below(&market->random, 10) < 6;
  event->kind = ASSAY_MARKET_EXECUTE;
  event->order_id = order->id;
  event->quantity = whole ? order->quantity : 1 + assay_random_below(&market->random, order->quantity);
  event->other_id = market->next_match++;
  if (what == EXECUTE_PRICE) {
    event->price = price_of(symbol, order->level);
    if (assay_random_below(&market->random, 4) == 0) event->flags = ASSAY_MARKET_HIDDEN;
  }
  take(market, symbol, place, (uint32_t)event->quantity);
}

static void cancel(assay_made_market *market, assay_made_symbol *symbol, uint32_t place, assay_market_event *event) {
  const assay_made_order *order = &market->pool[place];
  event->kind = ASSAY_MARKET_CANCEL;
  event->order_id = order->id;
  event->quantity = 1 + assay_random_below(&market->random, order->quantity);
  take(market, symbol, place, (uint32_t)event->quantity);
}

static void replace(assay_made_market *market, assay_made_symbol *symbol, uint32_t place, assay_market_event *event) {
  uint8_t side = market->pool[place].side;
  event->kind = ASSAY_MARKET_REPLACE;
  event->order_id = market->pool[place].id;
  leave(market, symbol, place);
  const assay_made_order *order = &market->pool[rest_somewhere(market, symbol, side)];
  event->other_id = order->id;
  event->price = price_of(symbol, order->level);
  event->quantity = order->quantity;
}

static void trade(assay_made_market *market, const assay_made_symbol *symbol, assay_market_event *event) {
  event->kind = ASSAY_MARKET_TRADE;
  event->side = assay_random_below(&market->random, 2) == 0 ? 'B' : 'S';
  event->price = price_of(symbol, (int)symbol->middle);
  event->quantity = some_quantity(market);
  event->other_id = market->next_match++;
}

static void move_on(assay_made_market *market) {
  const assay_feed_market *s = &market->settings;
  if (assay_random_unit(&market->random) < s->burst) return;
  market->now_ns += 1 + (uint64_t)(some_wait(market) * 50000);
  market->last_symbol = (uint32_t)assay_random_below(&market->random, s->symbols);
  walk(market, &market->symbols[market->last_symbol]);
}

void assay_made_market_step(assay_made_market *market, assay_market_event *event, assay_made_order *resting) {
  move_on(market);
  assay_made_symbol *symbol = &market->symbols[market->last_symbol];
  happening what = keep_to_size(market, symbol, choose(market));
  if (symbol->resting_count == 0 && what != ADD && what != ADD_ATTRIBUTED) what = ADD;
  *event = (assay_market_event){.time_ns = market->now_ns, .symbol = market->last_symbol + 1, .decimals = ASSAY_MADE_DECIMALS};
  uint32_t place = 0;
  if (what == EXECUTE || what == EXECUTE_PRICE)
    place = next_to_trade(market, symbol);
  else if (what == CANCEL || what == REMOVE || what == REPLACE)
    place = symbol->resting[assay_random_below(&market->random, symbol->resting_count)];
  if (resting != NULL) *resting = market->pool[place];
  switch (what) {
    case ADD:
    case ADD_ATTRIBUTED: add(market, symbol, what, event); break;
    case EXECUTE:
    case EXECUTE_PRICE: execute(market, symbol, place, what, event); break;
    case CANCEL: cancel(market, symbol, place, event); break;
    case REMOVE:
      event->kind = ASSAY_MARKET_DELETE;
      event->order_id = market->pool[place].id;
      leave(market, symbol, place);
      break;
    case REPLACE: replace(market, symbol, place, event); break;
    case TRADE: trade(market, symbol, event); break;
  }
}

uint64_t assay_made_market_quantity(const assay_made_market *market, uint32_t symbol, int64_t price) {
  const assay_made_symbol *made = &market->symbols[symbol - 1];
  int64_t level = (price - made->base) / ASSAY_MADE_TICK;
  return level >= 0 && level < ASSAY_MADE_LEVELS ? made->levels[level].quantity : 0;
}

int64_t assay_made_price(const assay_made_market *market, uint32_t symbol, int level) {
  return price_of(&market->symbols[symbol - 1], level);
}

void assay_made_name(uint32_t symbol, char name[8]) {
  memcpy(name, "SYM", 3);
  for (int i = 6; i >= 3; i--, symbol /= 10) name[i] = (char)('0' + symbol % 10);
  name[7] = '\0';
}

/* ---- Making one ---------------------------------------------------------------------------------------------------------------------- */

static assay_status refuse(assay_error *err, const char *field, const char *range) {
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a made market's %s has to be %s", field, range);
}

/* All 0: the usual shares. */
static bool trades_seldom(const assay_feed_market *s) {
  const double traded = s->execute + s->execute_price + s->trade;
  return traded * 999 < s->add + s->add_attributed + s->cancel + s->remove + s->replace;
}

static assay_status check(const assay_feed_market *s, assay_error *err) {
  const double shares[] = {s->add, s->add_attributed, s->execute, s->execute_price, s->cancel, s->remove, s->replace, s->trade};
  if (s->format <= ASSAY_FEED_UNKNOWN || s->format >= ASSAY_FEED_FORMATS) return refuse(err, "format", "one of the five");
  if (s->symbols > 9999) return refuse(err, "number of symbols", "at most 9,999");
  if (s->orders > 1000000 || (uint64_t)s->orders * s->symbols > 50000000)
    return refuse(err, "number of resting orders", "at most 1,000,000 a symbol and 50,000,000 in all");
  if (!isfinite(s->start_price) || s->start_price < 0 || s->start_price > 100000) return refuse(err, "start price", "from 0 to 100,000");
  if (!isfinite(s->volatility_ticks) || s->volatility_ticks < 0 || s->volatility_ticks > 100)
    return refuse(err, "volatility", "from 0 to 100 ticks");
  if (!isfinite(s->burst) || s->burst < 0 || s->burst >= 1) return refuse(err, "burst", "from 0 to below 1");
  if (s->version > 3) return refuse(err, "version", "1 to 3 (or 0 for the newest)");
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    if (!isfinite(shares[i]) || shares[i] < 0 || shares[i] > 1e6) return refuse(err, "share of a message", "a number from 0 on");
  return s->format == ASSAY_FEED_CSV && trades_seldom(s)
             ? refuse(err, "share of executions and trades", "a thousandth, for a table of them")
             : ASSAY_OK;
}

static void fill_zeros(assay_feed_market *s) {
  if (s->messages == 0) s->messages = 1000;
  if (s->symbols == 0) s->symbols = 8;
  if (s->orders == 0) s->orders = 2000;
  if (s->start_price == 0) s->start_price = 100;
  if (s->volatility_ticks == 0) s->volatility_ticks = 1;
  if (s->burst == 0) s->burst = 0.7;
  if (s->version == 0) s->version = 3;
  if (s->add + s->add_attributed + s->execute + s->execute_price + s->cancel + s->remove + s->replace + s->trade > 0) return;
  s->add = 0.45, s->add_attributed = 0.04, s->execute = 0.06, s->execute_price = 0.01, s->cancel = 0.02;
  s->remove = 0.37, s->replace = 0.04, s->trade = 0.01;
}

static assay_status make_symbols(assay_made_market *market, assay_error *err) {
  const assay_feed_market *s = &market->settings;
  uint32_t each = s->orders + s->orders / 2 + 2, all = each * s->symbols;
  market->symbols = assay_calloc(ASSAY_TAG_MARKET, s->symbols, sizeof *market->symbols);
  market->pool = assay_calloc(ASSAY_TAG_MARKET, all, sizeof *market->pool);
  market->spare = assay_calloc(ASSAY_TAG_MARKET, all, sizeof *market->spare);
  if (market->symbols == NULL || market->pool == NULL || market->spare == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made market");
  for (uint32_t i = 0; i < all; i++) market->spare[i] = all - 1 - i;
  market->spare_count = all;
  for (uint32_t i = 0; i < s->symbols; i++) {
    assay_made_symbol *symbol = &market->symbols[i];
    int64_t price = (int64_t)(s->start_price * 100 * (1 + i % 50 * 0.1)) * ASSAY_MADE_TICK;
    symbol->base = price - ASSAY_MADE_LEVELS / 2 * ASSAY_MADE_TICK;
    if (symbol->base < ASSAY_MADE_TICK) symbol->base = ASSAY_MADE_TICK;
    symbol->middle = (double)(price - symbol->base) / ASSAY_MADE_TICK;
    symbol->best_bid = -1;
    symbol->best_ask = ASSAY_MADE_LEVELS;
    symbol->levels = assay_alloc(ASSAY_TAG_MARKET, ASSAY_MADE_LEVELS * sizeof *symbol->levels);
    symbol->resting = assay_alloc(ASSAY_TAG_MARKET, each * sizeof *symbol->resting);
    if (symbol->levels == NULL || symbol->resting == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made market");
    for (int l = 0; l < ASSAY_MADE_LEVELS; l++) symbol->levels[l] = (assay_made_level){ASSAY_MADE_NONE, ASSAY_MADE_NONE, 0};
  }
  return ASSAY_OK;
}

assay_status assay_made_market_create(const assay_feed_market *settings, assay_error *err, assay_made_market **market) {
  assay_status status = check(settings, err);
  if (status != ASSAY_OK) return status;
  assay_made_market *made = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made market");
  made->settings = *settings;
  assay_feed_market *s = &made->settings;
  fill_zeros(s);
  assay_random_init(&made->random, s->seed);
  double sum = 0;
  const double shares[] = {s->add, s->add_attributed, s->execute, s->execute_price, s->cancel, s->remove, s->replace, s->trade};
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) made->shares[i] = sum += shares[i];
  made->next_order = 1;
  made->next_match = 1;
  status = make_symbols(made, err);
  if (status != ASSAY_OK) {
    assay_made_market_destroy(made);
    return status;
  }
  *market = made;
  return ASSAY_OK;
}

void assay_made_market_destroy(assay_made_market *market) {
  if (market == NULL) return;
  for (uint32_t i = 0; market->symbols != NULL && i < market->settings.symbols; i++) {
    assay_free(market->symbols[i].levels);
    assay_free(market->symbols[i].resting);
  }
  assay_free(market->symbols);
  assay_free(market->pool);
  assay_free(market->spare);
  assay_free(market);
}

/* ---- Streams ------------------------------------------------------------------------------------------------------------------------- */

struct assay_feed_maker {
  assay_made_market *market;
  const assay_feed_writer *writer;
  assay_buf out; /* what is written and not handed out yet */
  size_t given;
  uint64_t done; /* messages: what happened and was written */
  enum { BEFORE, DURING, AFTER } stage;
};

static const assay_feed_writer *writer_of(assay_feed_format format) {
  switch (format) {
    case ASSAY_FEED_ITCH: return &assay_feed_write_itch;
    case ASSAY_FEED_DBN: return &assay_feed_write_dbn;
    case ASSAY_FEED_FIX: return &assay_feed_write_fix;
    case ASSAY_FEED_JSON: return &assay_feed_write_json;
    case ASSAY_FEED_CSV: return &assay_feed_write_csv;
    default: return NULL;
  }
}

/* 9:30 in New York on 2024-01-02 (a Tuesday; UTC-5), for formats with a date. */
static uint64_t usual_start(assay_feed_format format) {
  const uint64_t morning = UINT64_C(34200000000000), day = UINT64_C(1704171600000000000);
  return format == ASSAY_FEED_ITCH ? morning : day + morning;
}

assay_status assay_feed_maker_create(const assay_feed_market *market, assay_error *err, assay_feed_maker **maker) {
  assay_made_market *made = NULL;
  assay_status status = assay_made_market_create(market, err, &made);
  if (status != ASSAY_OK) return status;
  assay_feed_maker *created = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *created);
  if (created == NULL) {
    assay_made_market_destroy(made);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made market");
  }
  made->now_ns = made->settings.start_ns != 0 ? made->settings.start_ns : usual_start(made->settings.format);
  created->market = made;
  created->writer = writer_of(made->settings.format);
  if (created->writer == NULL) {
    assay_feed_maker_destroy(created);
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "a market cannot be made as %s yet", assay_feed_format_text(market->format));
  }
  *maker = created;
  return ASSAY_OK;
}

void assay_feed_maker_destroy(assay_feed_maker *maker) {
  if (maker == NULL) return;
  assay_made_market_destroy(maker->market);
  assay_buf_deinit(&maker->out);
  assay_free(maker);
}

static void make_more(assay_feed_maker *maker) {
  assay_market_event event;
  assay_made_order resting;
  assay_buf_clear(&maker->out);
  maker->given = 0;
  if (maker->stage == BEFORE) {
    maker->writer->begin(maker->market, &maker->out);
    maker->stage = DURING;
  } else if (maker->done < maker->market->settings.messages) {
    assay_made_market_step(maker->market, &event, &resting);
    maker->writer->write(maker->market, &event, &resting, &maker->out);
    maker->done += maker->out.length > 0;
  } else {
    maker->writer->end(maker->market, &maker->out);
    maker->stage = AFTER;
  }
}

size_t assay_feed_maker_fill(assay_feed_maker *maker, void *bytes, size_t capacity) {
  size_t used = 0;
  while (true) {
    size_t waiting = maker->out.length - maker->given;
    if (waiting == 0) {
      if (maker->stage == AFTER || maker->out.failed) return used;
      make_more(maker);
      continue;
    }
    if (waiting > capacity - used && used > 0) return used;
    if (waiting > capacity) waiting = capacity; /* what begins a stream may be longer than a buffer */
    memcpy((char *)bytes + used, maker->out.data + maker->given, waiting);
    maker->given += waiting;
    used += waiting;
  }
}

assay_status assay_feed_generate(const assay_feed_market *market, assay_error *err, uint8_t **bytes, size_t *size) {
  assay_feed_maker *maker = NULL;
  assay_status status = assay_feed_maker_create(market, err, &maker);
  size_t used = 0, capacity = 0, got = 1;
  uint8_t *all = NULL;
  while (status == ASSAY_OK && got > 0) {
    if (capacity - used < ASSAY_FEED_MAKER_LEAST) {
      capacity = capacity * 2 + 65536;
      uint8_t *grown = assay_realloc(ASSAY_TAG_MARKET, all, capacity, 1);
      if (grown == NULL) {
        status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made stream of %zu bytes", capacity);
        break;
      }
      all = grown;
    }
    got = assay_feed_maker_fill(maker, all + used, capacity - used);
    used += got;
  }
  if (status == ASSAY_OK && maker->out.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a made stream");
  assay_feed_maker_destroy(maker);
  if (status != ASSAY_OK) {
    assay_free(all);
    return status;
  }
  *bytes = all;
  *size = used;
  return ASSAY_OK;
}

void assay_feed_generated_free(uint8_t *bytes) { assay_free(bytes); }

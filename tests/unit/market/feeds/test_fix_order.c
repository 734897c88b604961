/* SPDX-License-Identifier: MIT */
/* Orders between FIX and the matching engine: by hand, what is refused, there and back, and a firm that trades with an exchange. */
#include "base/random.h"
#include "fix_text.h"

static const assay_fix_terms terms = {.book = 3, .account = 7, .price_decimals = 4, .tick = 100, .quantity_decimals = 0};

#define HEAD(type) "35=" type "|49=ME|56=THEM|34=7|52=20240102-14:30:00.123|"
#define TIME "60=20240102-14:30:00.123|"

static bool read_order(const char *body, const assay_fix_terms *with, assay_book_message *order, uint32_t *tag) {
  static char text[1000];
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_fault fault = {0};
  size_t size = frame(text, body);
  assay_feed_open(&reader, text, size);
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  bool fine = assay_fix_order(&m, with, order, tag, &fault);
  assert_true(fine || (fault.field != NULL && fault.problem != NULL && fault.mend != NULL));
  return fine;
}

static void test_orders_by_hand(void **state) {
  (void)state;
  static const struct {
    const char *body;
    assay_book_message order;
  } cases[] = {
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=187.50|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .side = ASSAY_BUY, .quantity = 100, .price = 18750, .type = ASSAY_BOOK_LIMIT}},
      {HEAD("D") "11=41|55=A|54=2|" TIME "38=100|40=1|59=3|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .side = ASSAY_SELL, .quantity = 100, .type = ASSAY_BOOK_MARKET, .tif = ASSAY_BOOK_IOC}},
      {HEAD("D") "11=41|55=A|54=5|" TIME "38=100|40=3|99=-1.25|59=1|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .side = ASSAY_SELL, .quantity = 100, .type = ASSAY_BOOK_STOP, .trigger = -125}},
      {HEAD("D") "11=41|55=A|54=6|" TIME "38=100|40=4|44=2|99=3|59=4|",
       {.kind = ASSAY_BOOK_NEW,
        .id = 41,
        .side = ASSAY_SELL,
        .quantity = 100,
        .type = ASSAY_BOOK_STOP_LIMIT,
        .price = 200,
        .trigger = 300,
        .tif = ASSAY_BOOK_FOK}},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|18=6|59=0|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .type = ASSAY_BOOK_POST_ONLY, .price = 100}},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|18=G|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .price = 100, .tif = ASSAY_BOOK_AON}},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|111=10|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .price = 100, .type = ASSAY_BOOK_ICEBERG, .display = 10}},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|111=100|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .price = 100}}, /* shows all */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|59=6|126=20240102-15:00:00|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .price = 100, .tif = ASSAY_BOOK_GTD, .expire = UINT64_C(1704207600000000000)}},
      {HEAD("D") "11=41|55=A|54=2|" TIME "38=100|40=P|18=a|211=-0.25|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .side = ASSAY_SELL, .quantity = 100, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 25}},
      {HEAD("D") "11=41|55=A|54=2|" TIME "38=100|40=P|18=a G|211=0.25|836=0|835=0|59=1|",
       {.kind = ASSAY_BOOK_NEW,
        .id = 41,
        .side = ASSAY_SELL,
        .quantity = 100,
        .type = ASSAY_BOOK_TRAILING_STOP,
        .trigger = 25,
        .tif = ASSAY_BOOK_AON}},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=7|836=2|",
       {.kind = ASSAY_BOOK_NEW, .id = 41, .quantity = 100, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 7}},
      {HEAD("F") "11=42|41=41|55=A|54=1|" TIME, {.kind = ASSAY_BOOK_CANCEL, .id = 41}},
      {HEAD("F") "11=42|41=41|37=99|55=A|54=1|" TIME "38=100|", {.kind = ASSAY_BOOK_CANCEL, .id = 99}},
      {HEAD("G") "11=42|41=41|55=A|54=1|" TIME "38=100|40=2|44=1.01|",
       {.kind = ASSAY_BOOK_REPLACE, .id = 41, .new_id = 42, .quantity = 70, .price = 101}},
      {HEAD("G") "11=42|41=41|37=99|55=A|54=1|" TIME "38=100|40=2|44=1.01|",
       {.kind = ASSAY_BOOK_MODIFY, .id = 99, .quantity = 70, .price = 101}},
      /* FNV-1a of "abc", 64 bits, from its published definition. */
      {HEAD("D") "11=abc|55=A|54=1|" TIME "38=100|40=2|44=1|",
       {.kind = ASSAY_BOOK_NEW, .id = UINT64_C(0xe71fa2190541574b), .quantity = 100, .price = 100}},
  };
  assay_fix_terms partly = terms;
  partly.filled = 30;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_book_message order, expected = cases[i].order;
    uint32_t tag = 0;
    expected.time = UINT64_C(1704205800123000000);
    expected.book = 3, expected.account = 7;
    memset(&order, 0xAA, sizeof order);
    if (!read_order(cases[i].body, &partly, &order, &tag)) fail_msg("%s: tag %u", cases[i].body, tag);
    if (memcmp(&order, &expected, sizeof order) != 0) fail_msg("%s is another order", cases[i].body);
  }
}

static void test_orders_that_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *body;
    uint32_t tag;
  } cases[] = {
      {HEAD("8") "11=41|", 35},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|", 40},                       /* FIX wants it */
      {HEAD("D") "11=41|55=A|54=1|" TIME "40=2|44=1|", 38},                    /* the engine does */
      {HEAD("D") "11=0|55=A|54=1|" TIME "38=100|40=2|44=1|", 11},              /* no id */
      {HEAD("D") "11=41|55=A|54=3|" TIME "38=100|40=2|44=1|", 54},             /* buy minus */
      {HEAD("D") "11=41|55=A|54=1|60=yesterday|38=100|40=2|44=1|", 60},        /* no time */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=0|40=2|44=1|", 38},               /* nothing */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=1.5|40=2|44=1|", 38},             /* no whole steps */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=-5|40=2|44=1|", 38},              /* */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=281474976710656|40=2|44=1|", 38}, /* 2^48 */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|", 44},                  /* a limit without a price */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1.005|", 44},         /* between ticks */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=21474836.48|", 44},   /* 2^31 ticks */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=99999999999999999999|", 44},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=3|44=1|", 99},            /* a stop without its price */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|44=1|", 18},            /* pegged, to what? */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=R|211=0.01|", 18},   /* to our side's best */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=M|211=0.01|", 18},   /* to the middle */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a R|211=1|", 18},    /* and so */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|", 211},           /* how far? */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=0|", 211},     /* */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=0.005|", 211}, /* between ticks */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=1.5|836=2|", 211},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=99999999999|836=2|", 211},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=-21474836.48|", 211},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=5|836=1|", 836}, /* basis points */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=1|835=1|", 835}, /* that does not move */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=1|44=5|", 44},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=P|18=a|211=1|99=5|", 99},
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=1|18=a|", 18},           /* at market and trailing */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=|40=1|", 38},                   /* without a value */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=22|44=1|", 40},          /* two letters */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|59=2|", 59},      /* at the opening */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|59=6|", 126},     /* till when? */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|18=5|", 18},      /* held */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|18=G|59=3|", 18}, /* all or none, at once */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=1|111=5|", 111},         /* an iceberg at market */
      {HEAD("D") "11=41|55=A|54=1|" TIME "38=100|40=2|44=1|111=0|", 111},    /* that shows nothing */
      {HEAD("G") "11=42|41=41|55=A|54=1|" TIME "38=30|40=2|44=1|", 38},      /* traded already */
      {HEAD("G") "11=42|55=A|54=1|" TIME "38=100|40=2|44=1|", 41},
      {HEAD("F") "11=42|41=41|54=1|" TIME, 55},
  };
  assay_fix_terms partly = terms;
  partly.filled = 30;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_book_message order, before;
    uint32_t tag = 0;
    memset(&order, 0xAA, sizeof order);
    before = order;
    if (read_order(cases[i].body, &partly, &order, &tag) || tag != cases[i].tag) fail_msg("%s: tag %u", cases[i].body, tag);
    assert_memory_equal(&order, &before, sizeof order);
  }
  assay_fix_terms finer = terms;
  uint32_t tag = 1;
  assay_book_message order;
  finer.price_decimals = 16;
  assert_false(read_order(cases[10].body, &finer, &order, &tag));
}

/* Random orders, written and read again, are the same. */
static void test_orders_there_and_back(void **state) {
  (void)state;
  static const uint8_t types[] = {ASSAY_BOOK_LIMIT,         ASSAY_BOOK_MARKET,  ASSAY_BOOK_STOP,     ASSAY_BOOK_STOP_LIMIT,
                                  ASSAY_BOOK_TRAILING_STOP, ASSAY_BOOK_ICEBERG, ASSAY_BOOK_POST_ONLY};
  assay_random random;
  assay_random_init(&random, 5);
  for (int i = 0; i < 3000; i++) {
    assay_book_message order = {.book = 3, .account = 7}, read;
    assay_fix_terms with = terms;
    with.quantity_decimals = (unsigned)assay_random_below(&random, 4);
    with.price_decimals = (unsigned)assay_random_below(&random, 16);
    with.tick = with.price_decimals < 10 ? (uint32_t)(1 + assay_random_below(&random, 1000)) : 1;
    order.kind = (uint8_t)assay_random_below(&random, 4);
    order.side = (uint8_t)assay_random_below(&random, 2);
    order.type = types[assay_random_below(&random, order.kind == ASSAY_BOOK_NEW ? 7 : 5)];
    order.id = 1 + assay_random_below(&random, UINT64_MAX / 2);
    order.quantity = 1 + assay_random_below(&random, ASSAY_BOOK_MOST_QUANTITY);
    order.time = assay_random_below(&random, UINT64_C(4000000000000)) * 1000000;
    if (order.time < 1000000) continue;
    if (order.type == ASSAY_BOOK_TRAILING_STOP)
      order.trigger = 1 + (int32_t)assay_random_below(&random, INT32_MAX);
    else if (order.type != ASSAY_BOOK_MARKET && order.type != ASSAY_BOOK_STOP)
      order.price = (int32_t)assay_random_below(&random, UINT64_C(1) << 32);
    if (order.type == ASSAY_BOOK_STOP || order.type == ASSAY_BOOK_STOP_LIMIT)
      order.trigger = (int32_t)assay_random_below(&random, UINT64_C(1) << 32);
    if (order.type == ASSAY_BOOK_ICEBERG && order.quantity < 2) continue;
    if (order.type == ASSAY_BOOK_ICEBERG) order.display = 1 + assay_random_below(&random, order.quantity - 1);
    if (order.kind == ASSAY_BOOK_NEW) order.tif = (uint8_t)assay_random_below(&random, ASSAY_BOOK_TIFS);
    if (order.tif == ASSAY_BOOK_GTD) order.expire = order.time + 1000000;
    if (order.kind == ASSAY_BOOK_REPLACE) order.new_id = order.id + 1;
    if (order.kind == ASSAY_BOOK_CANCEL) order.type = 0, order.price = 0, order.trigger = 0;
    char body[600], text[800];
    const char *type = NULL;
    size_t length = assay_fix_put_order(body, sizeof body, &with, "AAPL", &order, order.id + 9, &type);
    assert_true(length > 0);
    size_t size = assay_fix_write(text, sizeof text, type, "ME", "THEM", 1, order.time, 0, body, length);
    assay_feed_reader reader;
    assay_fix_message m;
    assay_feed_fault fault = {0};
    uint32_t tag = 0;
    assay_feed_open(&reader, text, size);
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
    if (!assay_fix_order(&m, &with, &read, &tag, &fault)) fail_msg("%s: %.*s", fault.field, (int)m.length, m.data);
    uint64_t quantity = order.quantity;
    if (order.kind == ASSAY_BOOK_CANCEL) order.quantity = 0; /* which the engine does not ask */
    if (memcmp(&read, &order, sizeof order) != 0) fail_msg("%.*s is another order", (int)m.length, m.data);
    char less[600];
    read.quantity = order.kind == ASSAY_BOOK_CANCEL ? quantity : read.quantity;
    assert_int_equal(assay_fix_put_order(less, length, &with, "AAPL", &read, order.id + 9, &type), length);
    assert_int_equal(assay_fix_put_order(less, length - 1, &with, "AAPL", &read, order.id + 9, &type), 0);
  }
  char body[300];
  const char *type = NULL;
  assay_book_message odd = {.kind = ASSAY_BOOK_NEW, .id = 1, .quantity = 1, .type = ASSAY_BOOK_TRAILING_STOP_LIMIT, .trigger = 1};
  assert_int_equal(assay_fix_put_order(body, sizeof body, &terms, "A", &odd, 0, &type), 0);
  odd = (assay_book_message){.kind = ASSAY_BOOK_NEW, .id = 1, .quantity = 1, .type = ASSAY_BOOK_TRAILING_STOP}; /* behind by nothing */
  assert_int_equal(assay_fix_put_order(body, sizeof body, &terms, "A", &odd, 0, &type), 0);
  odd = (assay_book_message){.kind = ASSAY_BOOK_MASS_CANCEL};
  assert_int_equal(assay_fix_put_order(body, sizeof body, &terms, "A", &odd, 0, &type), 0);
  odd = (assay_book_message){.kind = ASSAY_BOOK_NEW, .id = 1, .quantity = 1};
  assert_int_equal(assay_fix_put_order(body, sizeof body, &terms, "A\00110=000", &odd, 0, &type), 0);
  assert_int_equal(assay_fix_put_order(body, sizeof body, &terms, "", &odd, 0, &type), 0);
}

/* ---- A firm and an exchange ---------------------------------------------------------------------------------------------------------- */

typedef struct side {
  assay_fix_session session;
  char out[8192];
} side;

typedef struct exchange {
  side side;
  assay_book *book;
  assay_fix_terms terms;
  uint64_t now, executions, request;
  assay_book_message last; /* what is answered now */
} exchange;

static void report(void *context, const assay_book_event *events, size_t count) {
  exchange *x = context;
  for (size_t i = 0; i < count; i++) {
    const assay_book_event *e = &events[i];
    assay_fix_report r = {.side = e->side == ASSAY_BUY ? 'B' : 'S', .order = e->id, .execution = ++x->executions, .time_ns = e->time};
    r.request = x->request;
    char body[400];
    switch (e->kind) {
      case ASSAY_BOOK_ACCEPTED_EVENT:
        r.kind = r.status = '0', r.quantity = r.leaves = e->quantity, r.price = (int64_t)e->price * 100;
        break;
      case ASSAY_BOOK_TRADE_EVENT:
        r.kind = 'F', r.status = '1', r.last_quantity = r.filled = e->quantity, r.last_price = r.average = (int64_t)e->price * 100;
        break;
      case ASSAY_BOOK_CANCELLED_EVENT: r.kind = r.status = '4', r.quantity = e->quantity; break;
      case ASSAY_BOOK_MODIFIED_EVENT: r.kind = '5', r.status = '0', r.quantity = r.leaves = e->quantity; break;
      default: r.kind = r.status = '8', r.text = assay_book_reason_text(e->reason); break;
    }
    size_t length = assay_fix_put_report(body, sizeof body, &x->terms, "AAPL", &r);
    assert_true(length > 0);
    assert_true(assay_fix_session_send(&x->side.session, x->now, "8", body, length));
  }
}

static void open_side(side *s, bool initiator) {
  assay_error err = {0};
  assay_fix_options options = {.sender = initiator ? "FIRM" : "XCHG", .target = initiator ? "XCHG" : "FIRM", .initiator = initiator};
  assert_ok(assay_fix_session_init(&s->session, &options, s->out, sizeof s->out, &err), err);
}

/* Delivers what `from` has to say; application messages go to `take`. */
static void carry(side *from, side *to, uint64_t now, void (*take)(void *context, const assay_fix_message *m), void *context) {
  static char wire[8192];
  size_t size = from->session.out_length;
  assay_feed_reader reader;
  assay_fix_message m;
  memcpy(wire, from->out, size);
  from->session.out_length = 0;
  assay_feed_open(&reader, wire, size);
  while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    assay_fix_verdict verdict = assay_fix_session_receive(&to->session, now, &m);
    assert_true(verdict == ASSAY_FIX_DELIVER || verdict == ASSAY_FIX_ADMIN);
    if (verdict == ASSAY_FIX_DELIVER) take(context, &m);
  }
  assert_null(reader.fault.problem);
}

static void trade(void *context, const assay_fix_message *m) {
  exchange *x = context;
  uint32_t tag = 0;
  assay_feed_fault fault = {0};
  if (!assay_fix_order(m, &x->terms, &x->last, &tag, &fault)) fail_msg("%s: %s", fault.field, fault.problem);
  assert_true(assay_fix_whole(m, 11, &x->request));
  assay_book_apply(x->book, &x->last, 1);
}

typedef struct firm {
  side side;
  char heard[400]; /* "0:1 F:2@187.50 ..." */
  size_t length;
} firm;

static void hear(void *context, const assay_fix_message *m) {
  firm *f = context;
  assay_market_event e[ASSAY_FIX_MOST_EVENTS];
  assay_feed_text kind, text;
  uint32_t tag;
  assay_feed_fault fault;
  assert_true(assay_fix_check(m, &tag, &fault) && assay_fix_find(m, 150, &kind));
  f->length += (size_t)snprintf(f->heard + f->length, sizeof f->heard - f->length, "%s%c", f->length > 0 ? " " : "", kind.at[0]);
  if (assay_fix_events(m, 1, 2, 0, e) > 0)
    f->length +=
        (size_t)snprintf(f->heard + f->length, sizeof f->heard - f->length, ":%d %d@%d", (int)e->order_id, (int)e->quantity, (int)e->price);
  else if (assay_fix_find(m, 58, &text))
    f->length += (size_t)snprintf(f->heard + f->length, sizeof f->heard - f->length, ":%.*s", (int)text.length, text.at);
}

static void test_a_firm_and_an_exchange(void **state) {
  (void)state;
  static exchange x;
  static firm f;
  assay_error err = {0};
  memset(&x, 0, sizeof x), memset(&f, 0, sizeof f);
  x.terms = (assay_fix_terms){.price_decimals = 4, .tick = 100};
  x.now = UINT64_C(1704205800000000000);
  assert_ok(assay_book_create(&(assay_book_options){.sink = report, .context = &x}, &err, &x.book), err);
  open_side(&f.side, true), open_side(&x.side, false);
  assay_fix_session_start(&f.side.session, x.now);
  carry(&f.side, &x.side, x.now, trade, &x);
  carry(&x.side, &f.side, x.now, hear, &f);
  const assay_book_message orders[] = {
      {.kind = ASSAY_BOOK_NEW, .id = 1, .side = ASSAY_SELL, .quantity = 100, .price = 18750},
      {.kind = ASSAY_BOOK_MODIFY, .id = 1, .side = ASSAY_SELL, .quantity = 60, .price = 18750},
      {.kind = ASSAY_BOOK_NEW, .id = 2, .side = ASSAY_BUY, .quantity = 20, .price = 18800, .tif = ASSAY_BOOK_IOC},
      {.kind = ASSAY_BOOK_CANCEL, .id = 1, .side = ASSAY_SELL, .quantity = 40},
      {.kind = ASSAY_BOOK_CANCEL, .id = 1, .side = ASSAY_SELL, .quantity = 40},
  };
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    char body[400];
    const char *type = NULL;
    assay_book_message order = orders[i];
    order.time = x.now += 1000000;
    size_t length = assay_fix_put_order(body, sizeof body, &x.terms, "AAPL", &order, 100 + i, &type);
    assert_true(length > 0 && assay_fix_session_send(&f.side.session, x.now, type, body, length));
    carry(&f.side, &x.side, x.now, trade, &x);
    carry(&x.side, &f.side, x.now, hear, &f);
  }
  assert_string_equal(f.heard, "0:1 100@18750 5:1 60@0 0:2 20@18800 F:2 20@18750 4:1 0@0 8:no such order");
  assay_book_destroy(x.book);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders_by_hand),
      cmocka_unit_test(test_orders_that_are_refused),
      cmocka_unit_test(test_orders_there_and_back),
      cmocka_unit_test(test_a_firm_and_an_exchange),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

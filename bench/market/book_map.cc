/* SPDX-License-Identifier: MIT */
#include "book_map.h"

#include <functional>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

namespace {

struct order {
  uint64_t id, quantity;
  int32_t price;
  uint32_t account;
  uint8_t side;
};

struct level {
  std::list<order> orders;
  uint64_t quantity = 0;
};

template <class Compare>
using ladder = std::map<int32_t, level, Compare>;

}  // namespace

struct map_book {
  ladder<std::greater<int32_t>> bids;
  ladder<std::less<int32_t>> offers;
  std::unordered_map<uint64_t, std::list<order>::iterator> by_id;
  std::vector<assay_book_event> events;
  uint64_t sequence = 0, now = 0;
  assay_book_sink sink;
  void *context;

  void emit(uint8_t kind, const order &o, uint64_t other, uint64_t quantity, uint64_t remaining, int32_t price, uint8_t reason) {
    assay_book_event e{};
    e.sequence = ++sequence;
    e.time = now;
    e.id = o.id;
    e.other = other;
    e.quantity = quantity;
    e.remaining = remaining;
    e.price = price;
    e.account = o.account;
    e.kind = kind;
    e.side = o.side;
    e.reason = reason;
    events.push_back(e);
  }

  template <class Side>
  void match(Side &side, order &taker, bool market) {
    auto crosses = [&](int32_t price) { return market || (taker.side == ASSAY_BUY ? price <= taker.price : price >= taker.price); };
    while (taker.quantity > 0 && !side.empty() && crosses(side.begin()->first)) {
      level &at = side.begin()->second;
      order &maker = at.orders.front();
      uint64_t quantity = maker.quantity < taker.quantity ? maker.quantity : taker.quantity;
      taker.quantity -= quantity;
      maker.quantity -= quantity;
      at.quantity -= quantity;
      emit(ASSAY_BOOK_TRADE_EVENT, taker, maker.id, quantity, maker.quantity, maker.price, 0);
      if (maker.quantity > 0) break;
      by_id.erase(maker.id);
      at.orders.pop_front();
      if (at.orders.empty()) side.erase(side.begin());
    }
  }

  template <class Side>
  void rest(Side &side, const order &o) {
    level &at = side[o.price];
    at.orders.push_back(o);
    at.quantity += o.quantity;
    by_id[o.id] = std::prev(at.orders.end());
  }

  template <class Side>
  void erase(Side &side, std::list<order>::iterator o) {
    auto at = side.find(o->price);
    at->second.quantity -= o->quantity;
    at->second.orders.erase(o);
    if (at->second.orders.empty()) side.erase(at);
  }

  void enter(order o, bool market, bool immediate) {
    if (o.side == ASSAY_BUY)
      match(offers, o, market);
    else
      match(bids, o, market);
    if (o.quantity == 0) return;
    if (market || immediate)
      emit(ASSAY_BOOK_CANCELLED_EVENT, o, 0, o.quantity, 0, o.price, ASSAY_BOOK_IMMEDIATE);
    else if (o.side == ASSAY_BUY)
      rest(bids, o);
    else
      rest(offers, o);
  }

  void remove(std::list<order>::iterator o) {
    if (o->side == ASSAY_BUY)
      erase(bids, o);
    else
      erase(offers, o);
  }

  void apply(const assay_book_message &m) {
    now = m.time;
    auto found = by_id.find(m.id);
    if (m.kind == ASSAY_BOOK_NEW) {
      order o{m.id, m.quantity, m.price, m.account, m.side};
      if (found != by_id.end()) return emit(ASSAY_BOOK_REJECTED_EVENT, o, 0, 0, 0, m.price, ASSAY_BOOK_DUPLICATE);
      emit(ASSAY_BOOK_ACCEPTED_EVENT, o, 0, m.quantity, m.quantity, m.price, 0);
      return enter(o, m.type == ASSAY_BOOK_MARKET, m.tif == ASSAY_BOOK_IOC);
    }
    if (found == by_id.end() || found->second->account != m.account) {
      order o{m.id, m.quantity, m.price, m.account, m.side};
      return emit(ASSAY_BOOK_REJECTED_EVENT, o, 0, 0, 0, m.price, ASSAY_BOOK_UNKNOWN_ORDER);
    }
    auto o = found->second;
    if (m.kind == ASSAY_BOOK_CANCEL) {
      emit(ASSAY_BOOK_CANCELLED_EVENT, *o, 0, o->quantity, 0, o->price, ASSAY_BOOK_USER);
      remove(o);
      by_id.erase(found);
    } else if (m.kind == ASSAY_BOOK_MODIFY && m.price == o->price && m.quantity <= o->quantity) {
      emit(ASSAY_BOOK_MODIFIED_EVENT, *o, 0, m.quantity, m.quantity, m.price, 0);
      (o->side == ASSAY_BUY ? bids.find(o->price)->second : offers.find(o->price)->second).quantity -= o->quantity - m.quantity;
      o->quantity = m.quantity;
    } else {
      order changed = *o;
      emit(ASSAY_BOOK_REPLACED_EVENT, changed, m.new_id, m.quantity, m.quantity, m.price, 0);
      remove(o);
      by_id.erase(found);
      changed.price = m.price;
      changed.quantity = m.quantity;
      if (m.kind == ASSAY_BOOK_REPLACE) changed.id = m.new_id;
      enter(changed, false, false);
    }
  }
};

map_book *map_book_create(assay_book_sink sink, void *context) {
  map_book *book = new map_book;
  book->sink = sink;
  book->context = context;
  return book;
}

void map_book_apply(map_book *book, const assay_book_message *messages, size_t count) {
  for (size_t i = 0; i < count; i++) book->apply(messages[i]);
  book->sink(book->context, book->events.data(), book->events.size());
  book->events.clear();
}

void map_book_destroy(map_book *book) { delete book; }

/* SPDX-License-Identifier: MIT */
/* Messages into books, for the verbs that show those. */
#include "cli/feed.h"

/* Without a message nobody knows what rests, unless it is the end of a file that is cut off. */
static void take_fault(assay_feed_book *book, assay_cli_feed_faults *faults, const assay_cli_feed_file *feed,
                       const assay_feed_reader *reader) {
  const bool is_end = reader->last && reader->fault.offset >= reader->base + reader->size;
  assay_cli_feed_note_fault(faults, feed, reader);
  if (!is_end) assay_feed_book_lost(book);
}

assay_status assay_cli_feed_build(assay_feed_book *book, assay_cli_feed_faults *faults, const assay_cli_feed_file *feed,
                                  const assay_cli_feed_message *m, assay_error *err) {
  if (m->kind == NULL) {
    if (!m->day_is_over) take_fault(book, faults, feed, m->reader);
    return ASSAY_OK;
  }
  if (feed->format == ASSAY_FEED_CSV && ((const assay_csv_row *)m->row)->kind != ASSAY_CSV_ORDER)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s is a table of trades or bars, and a book needs orders or price levels", feed->path);
  const assay_binance_message *json = feed->format == ASSAY_FEED_JSON ? m->row : NULL;
  if (json != NULL && json->kind == ASSAY_BINANCE_DEPTH)
    assay_feed_book_update(book, m->symbol, json);
  else if (json != NULL && json->kind == ASSAY_BINANCE_SNAPSHOT)
    assay_feed_book_snapshot(book, m->symbol, json);
  else
    assay_feed_book_apply(book, m->events, m->count);
  return ASSAY_OK;
}

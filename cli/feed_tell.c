/* SPDX-License-Identifier: MIT */
/* What is to be known of a feed once the answer of a verb is out: what was passed, missing or malformed. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/feed.h"

void assay_cli_feed_note_fault(assay_cli_feed_faults *f, const assay_cli_feed_file *feed, const assay_feed_reader *reader) {
  if (f->count++ == 0) assay_feed_explain(reader, feed->path, &f->first);
}

void assay_cli_feed_note(assay_cli *cli, const assay_cli_feed_file *feed) {
  static const char *const kinds[] = {"trade", "aggTrade"};
  assay_feed_file_capture capture;
  const bool is_capture = assay_feed_file_captured(feed->file, &capture);
  if (is_capture && capture.others > 0)
    assay_cli_note(cli, "%s: of %" PRIu64 " packets %" PRIu64 " are no MoldUDP64 of its first session, and were passed", feed->path,
                   capture.packets, capture.others);
  if (is_capture && capture.cut > 0)
    assay_cli_note(cli, "%s: %" PRIu64 " of these packets were captured in part (tcpdump -s 0 takes all of them)", feed->path, capture.cut);
  if (feed->days > 1)
    assay_cli_note(cli, "%s has %" PRIu64 " days: books begin anew with each, and times count on from the first midnight", feed->path,
                   feed->days);
  if (feed->unknown > 0)
    assay_cli_note(cli, "%s: records of types that are not known (of a later version of DBN?), and were passed: %" PRIu64, feed->path,
                   feed->unknown);
  for (int i = 0; i < 2; i++)
    if (feed->said_again[i] > 0)
      assay_cli_note(cli, "%s has the same trades as %s and as %s: %" PRIu64 " of kind %s are left out", feed->path, kinds[!i], kinds[i],
                     feed->said_again[i], kinds[i]);
}

uint64_t assay_cli_feed_missing(const assay_cli_feed_file *feed) {
  assay_feed_file_capture capture = {0};
  (void)assay_feed_file_captured(feed->file, &capture);
  return capture.missing + capture.malformed;
}

bool assay_cli_feed_capture_lacks(const assay_feed_file_capture *c, char *text, size_t size) {
  if (c->missing > 0 && c->malformed > 0)
    snprintf(text, size, ": no packet has %" PRIu64 " of its messages, and %" PRIu64 " more are malformed", c->missing, c->malformed);
  else if (c->missing > 0)
    snprintf(text, size, ": no packet has %" PRIu64 " of its messages", c->missing);
  else if (c->malformed > 0)
    snprintf(text, size, ": %" PRIu64 " of its packets' blocks %s no message of ITCH", c->malformed, c->malformed == 1 ? "is" : "are");
  else if (c->torn > 0)
    snprintf(text, size, " ends inside a packet");
  return c->missing > 0 || c->malformed > 0 || c->torn > 0;
}

int assay_cli_feed_tell(assay_cli *cli, const assay_cli_feed_file *feed, const assay_cli_feed_faults *f, int code) {
  assay_error err = {0};
  if (feed->file == NULL || (code != ASSAY_EXIT_FINE && code != ASSAY_EXIT_INCONCLUSIVE)) return code;
  fflush(stdout);
  assay_cli_feed_note(cli, feed);
  const char *changed = assay_feed_file_changed(feed->file);
  assay_feed_file_capture capture = {0};
  (void)assay_feed_file_captured(feed->file, &capture);
  char lacks[ASSAY_CLI_CAPTURE_LACKS];
  if (feed->broken.status != ASSAY_OK)
    ASSAY_FAIL(&err, feed->broken.status, "%s (the answer is of what comes before)", feed->broken.message);
  else if (f->count == 1)
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it)", f->first.message);
  else if (f->count > 1)
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it, and without %" PRIu64 " more)", f->first.message, f->count - 1);
  else if (assay_cli_feed_capture_lacks(&capture, lacks, sizeof lacks))
    ASSAY_FAIL(&err, ASSAY_ERR_CORRUPT, "%s%s (the answer is of the rest)", feed->path, lacks);
  else if (assay_feed_file_where(feed->file).cut_off)
    ASSAY_FAIL(&err, ASSAY_ERR_IO, "%s became shorter while it was read (the answer is of what was there)", feed->path);
  else if (changed != NULL)
    assay_cli_note(cli, "%s %s", feed->path, changed);
  if (f->count > 0 && changed != NULL) assay_cli_note(cli, "%s %s", feed->path, changed);
  if (err.status == ASSAY_OK) return code;
  int failed = assay_cli_fail(cli, &err);
  return code == ASSAY_EXIT_FINE ? failed : code;
}

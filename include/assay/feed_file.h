/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_file.h: a recording of any size, window by window: a file, a pipe or standard input, compressed (Zstandard, gzip, a zip of one
 * file) or not. A day of TotalView has 12 GB, and a window a mebibyte.
 *
 *     assay_feed_file *file = NULL;
 *     assay_feed_reader reader;
 *     assay_itch_message message;
 *     if (assay_feed_file_open("day.itch.gz", NULL, &err, &file) != ASSAY_OK) return fail(err.message);
 *     assay_feed_file_begin(file, &reader);
 *     do {
 *       while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) use(&message);   // until the next call of assay_feed_file_more
 *     } while (reader.fault.problem == NULL && !reader.last && (status = assay_feed_file_more(file, &reader, &err)) == ASSAY_OK);
 *     if (assay_feed_file_changed(file) != NULL) warn(assay_feed_file_changed(file));     // somebody writes to it, or has cut it off
 *
 * A file is read, never mapped: one that becomes shorter meanwhile is no bus error but an end that comes early, which
 * assay_feed_file_changed tells. One that becomes longer is read to where it ends when that is reached.
 *
 * A capture of a network (pcap or pcapng, as tcpdump and Wireshark write them, compressed or not) is read as the BinaryFILE that its
 * packets of MoldUDP64 come to: each message of the first session once and in order, also where both lines of a feed are in it. Places are
 * those in that stream then.
 *
 * Memory: a window, and of a compressed file what its decoder needs. A message that is longer than the window makes it grow, up to `most`.
 *
 * Thread-safety: one file belongs to one thread at a time.
 */
#ifndef ASSAY_FEED_FILE_H
#define ASSAY_FEED_FILE_H

#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_feed_file assay_feed_file;

typedef struct assay_feed_file_options {
  size_t window; /* bytes; 0: 1 MiB; at least 4,096 */
  size_t most;   /* bytes of the longest message; 0: 256 MiB */
  /* Before each read, which waits where a pipe has nothing: may wait itself; false ends the reading (ASSAY_ERR_INTERRUPTED). NULL: none is
   * asked. */
  bool (*may_read)(void *context, int fd);
  void *context;
} assay_feed_file_options;

/* "-" is standard input. `options` may be NULL. The first window is read. ASSAY_ERR_UNSUPPORTED: it is compressed, and libarchive, which is
 * loaded for that, is not there; ASSAY_ERR_CORRUPT: nothing of it can be unpacked. */
ASSAY_API assay_status assay_feed_file_open(const char *path, const assay_feed_file_options *options, assay_error *err,
                                            assay_feed_file **file);
/* Accepts NULL. */
ASSAY_API void assay_feed_file_close(assay_feed_file *file);
/* The reader at the first byte, as long as assay_feed_file_more was not called. */
ASSAY_API void assay_feed_file_begin(const assay_feed_file *file, assay_feed_reader *reader);
/*
 * The next window, from reader->at on. What was in the one before is no longer there. ASSAY_ERR_IO: it cannot be read on;
 * ASSAY_ERR_CORRUPT: or not unpacked, from a byte on that the error names: all before it has been given; ASSAY_ERR_LIMIT: the window is as
 * long as it may become and all of it one message. The reader is as before then.
 */
ASSAY_API assay_status assay_feed_file_more(assay_feed_file *file, assay_feed_reader *reader, assay_error *err);

/*
 * What turns bytes into those that the readers know, in place, before they are in a window (logs of FIX have words between messages): it
 * gets those behind the ones that it is done with, and answers how many more it is done with; with `last` all of them. Only before the
 * first assay_feed_file_more, and assay_feed_file_begin behind it.
 */
typedef size_t assay_feed_file_prepare(void *context, uint8_t *bytes, size_t size, bool last);
ASSAY_API assay_status assay_feed_file_set_prepare(assay_feed_file *file, assay_feed_file_prepare *prepare, void *context,
                                                   assay_error *err);

typedef struct assay_feed_file_place {
  uint64_t read;   /* bytes of the file, packed ones when it is */
  uint64_t size;   /* when it was opened; 0: a pipe */
  uint64_t passed; /* bytes that were given, unpacked */
  bool packed;
  bool cut_off; /* it ended before `size`: somebody made it shorter (not known of packed ones, whose own end says so) */
} assay_feed_file_place;
ASSAY_API assay_feed_file_place assay_feed_file_where(const assay_feed_file *file);

/* Of a capture, as far as it is read. */
typedef struct assay_feed_file_capture {
  uint64_t packets;   /* all that are in it */
  uint64_t others;    /* of these, what is no MoldUDP64 of the session: other protocols, fragments, packets that were not captured whole */
  uint64_t cut;       /* of those others, what was captured in part (a snap length) */
  uint64_t messages;  /* given */
  uint64_t missing;   /* which no packet has, though later ones are there: what is built from the rest may be wrong */
  uint64_t malformed; /* blocks that are no messages of ITCH, left out */
  uint64_t torn;      /* bytes at the end, of a packet that is not all there */
} assay_feed_file_capture;
/* False, and nothing is done: it is none. */
ASSAY_API bool assay_feed_file_captured(const assay_feed_file *file, assay_feed_file_capture *capture);
/* Whether messages of a capture are missing or left out before byte `at` of those that it gives (a reader's base + at behind a message:
 * then something is missing before that one, or before one that came earlier), since it was last asked. */
ASSAY_API bool assay_feed_file_lost_before(assay_feed_file *file, uint64_t at);
/* At its end: what happened to the file while it was read ("became shorter while it was read"); NULL: nothing, or it is a pipe. Its time of
 * change is looked at, so what comes within the clock's step of the file system may be missed. */
ASSAY_API const char *assay_feed_file_changed(const assay_feed_file *file);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * What `assay feed serve` sends: a recording or a made market, message by message, without ever waiting for it. A recording is read by a
 * thread of its own: a pipe that stalls, a slow disk and a decoder hold up nobody but the next message.
 */
#ifndef ASSAY_CLI_FEED_SOURCE_H
#define ASSAY_CLI_FEED_SOURCE_H

#include <assay/feeds.h>

#include "cli/cli.h"

typedef struct assay_cli_source_settings {
  const char *path;         /* NULL: a made market. "-": standard input */
  const char *format;       /* NULL: what the recording is, or json */
  uint64_t seed, symbols;   /* of a made market */
  uint64_t messages;        /* 0: no end */
  bool repeat;              /* a recording begins again at its end */
  void (*wake)(void *user); /* there is news: from another thread */
  void *user;
} assay_cli_source_settings;

typedef struct assay_cli_source assay_cli_source;

/* What has a beginning already (a file, a made market) is looked at: its format, its metadata, whether there is a message at all. A pipe is
 * only opened; assay_cli_source_is_ready says when it has begun. */
assay_status assay_cli_source_open(const assay_cli *cli, const assay_cli_source_settings *settings, assay_error *err,
                                   assay_cli_source **source);
/* Accepts NULL. */
void assay_cli_source_close(assay_cli_source *source);

/* Whether format and head are known. *err is set where it has failed. */
bool assay_cli_source_is_ready(assay_cli_source *source, assay_error *err);
assay_feed_format assay_cli_source_format(const assay_cli_source *source);
/* What each client gets first; NULL: nothing. */
const uint8_t *assay_cli_source_head(const assay_cli_source *source, size_t *length);

typedef enum assay_cli_source_step {
  ASSAY_CLI_SOURCE_MESSAGE,
  ASSAY_CLI_SOURCE_LATER, /* the next message is not here yet; `wake` tells when there is something new */
  ASSAY_CLI_SOURCE_END    /* or it has failed: *err is set then */
} assay_cli_source_step;
/* The message is there until the next call. */
assay_cli_source_step assay_cli_source_next(assay_cli_source *source, assay_error *err, const uint8_t **message, size_t *length);

#endif

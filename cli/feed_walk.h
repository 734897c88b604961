/* SPDX-License-Identifier: MIT */
/* What the walks of the formats share, and nobody else needs: a loop over messages is a file each where the format asks for more. */
#ifndef ASSAY_CLI_FEED_WALK_H
#define ASSAY_CLI_FEED_WALK_H

#include "cli/feed.h"

/* ---- Windows (feed.c) ---------------------------------------------------------------------------------------------------------------- */

/* False at the file's end, or where it cannot be read on. */
bool assay_cli_feed_next_window(assay_cli_feed_file *feed, assay_feed_reader *reader);
/* After a step that was no message: whether there is more. A fault is told, and passed where its end is known. */
bool assay_cli_feed_go_on(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_cli_feed_visit *visit, void *context);

/* ---- Names (feed_names.c) ------------------------------------------------------------------------------------------------------------ */

/* Calls a symbol so from now on, without the blanks behind. A number or a name that is too large is passed over. */
void assay_cli_feed_give_name(assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length);
/* Of all symbols. */
void assay_cli_feed_forget_names(assay_cli_feed_file *feed);
/* Room for a name by the number `wanted`; false without memory. */
bool assay_cli_feed_grow_names(char (**names)[ASSAY_CLI_FEED_NAME], uint32_t *room, uint32_t wanted);

/* ---- One format each ----------------------------------------------------------------------------------------------------------------- */

void assay_cli_feed_walk_itch(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context);
void assay_cli_feed_walk_dbn(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context);
void assay_cli_feed_walk_json(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context);

#endif

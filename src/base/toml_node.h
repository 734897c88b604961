/* SPDX-License-Identifier: MIT */
/* What the parts of the TOML reader share: how a document is held, and the cursor that parses it. Only base/toml*.c includes this. */
#ifndef ASSAY_BASE_TOML_NODE_H
#define ASSAY_BASE_TOML_NODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/toml.h"

/* How a table or an array came to be decides what may still be added to it. */
typedef enum assay_toml_origin {
  ASSAY_TOML_IMPLICIT, /* only named on the way to another: [implicit.x] */
  ASSAY_TOML_HEADER,   /* [header], the root and the elements of [[arrays]] */
  ASSAY_TOML_DOTTED,   /* dotted.x = 1 */
  ASSAY_TOML_INLINE,   /* { } and [ ]: complete where they stand */
  ASSAY_TOML_APPENDED  /* [[array of tables]] */
} assay_toml_origin;

/* Every value whose type is a table or an array lies at the start of one of these. */
typedef struct assay_toml_node {
  assay_toml_value value;
  assay_toml_origin origin;
  int depth;
  /* The growing side of value.as.array / value.as.table. */
  size_t capacity;
  const assay_toml_value **items;
  const char **keys;
  size_t *key_lengths;
  /* Index of a table's keys: open addressing, entries are position + 1, 0 is free. NULL while the table is small. */
  uint32_t *slots;
  size_t slot_count;
} assay_toml_node;

struct assay_toml {
  assay_arena arena;
  assay_toml_node *root;
  const char *name;
};

typedef struct assay_toml_key {
  const char *text;
  size_t length;
  const char *at; /* where it stands in the file */
} assay_toml_key;

typedef struct assay_toml_cursor {
  const char *text, *at, *end; /* *end is NUL */
  const char *name;
  assay_arena *arena;
  assay_buf scratch;
  assay_error *err;
  assay_status status; /* of the failure, once there was one */
  /* The last place asked for: places are asked for in rising order, so that finding them all is linear. */
  const char *mark;
  int mark_line, mark_column;
} assay_toml_cursor;

/* The value of a key given by length, or NULL. */
const assay_toml_value *assay_toml_find(const assay_toml_node *table, const char *key, size_t length);

/* Records "name:line:column: <message>" at `at`; always false, so that a parser can return it. */
bool assay_toml_expected(assay_toml_cursor *cursor, const char *at, const char *format, ...) ASSAY_PRINTF(3, 4);
bool assay_toml_out_of_memory(assay_toml_cursor *cursor);
void assay_toml_place(assay_toml_cursor *cursor, const char *at, int *line, int *column);
/* What stands at `at`, for messages: "end of line", "'x'". `out` has room for 16. */
const char *assay_toml_found(const assay_toml_cursor *cursor, const char *at, char out[16]);

/* Each parses what stands at the cursor and moves past it. false: failed. */
bool assay_toml_parse_string(assay_toml_cursor *cursor, bool multi_line_allowed, const char **text, size_t *length);
bool assay_toml_parse_scalar(assay_toml_cursor *cursor, assay_toml_value *value);
/* A comment up to its line end, which stays. */
bool assay_toml_skip_comment(assay_toml_cursor *cursor);
/* The whole document, into `doc->root`. */
bool assay_toml_parse_document(assay_toml_cursor *cursor, assay_toml *doc);

#endif

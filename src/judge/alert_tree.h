/* SPDX-License-Identifier: MIT */
/*
 * A file of alert rules as a tree of texts with places, whichever of YAML and TOML it was written in. Small on purpose: what a person
 * writes. Anchors, aliases, several documents, keys that are no text and keys that stand twice are refused, as is what is too large.
 */
#ifndef ASSAY_JUDGE_ALERT_TREE_H
#define ASSAY_JUDGE_ALERT_TREE_H

#include <assay/status.h>

#include <stdbool.h>

#include "base/arena.h"

enum {
  ASSAY_ALERT_FILE_BYTES = 256 * 1024,
  ASSAY_ALERT_TREE_DEPTH = 16,
  ASSAY_ALERT_TREE_NODES = 20000,
  ASSAY_ALERT_TREE_KEYS = 2000 /* of one mapping */
};

typedef enum assay_alert_shape { ASSAY_ALERT_TEXT, ASSAY_ALERT_LIST, ASSAY_ALERT_MAP } assay_alert_shape;

typedef struct assay_alert_node assay_alert_node;
struct assay_alert_node {
  assay_alert_shape shape;
  int line, column;         /* from 1 */
  int key_line, key_column; /* of `key` */
  const char *key;          /* in a mapping; else NULL */
  const char *text;         /* of a text; numbers and truth values as they are written */
  bool quoted;              /* the text stands in quotes, so it is no number and no null */
  assay_alert_node *child;  /* of a list or mapping: the first, in the order of the file */
  assay_alert_node *next;   /* the next of the same parent */
  size_t count;             /* of children */
};

typedef struct assay_alert_tree {
  assay_arena arena;
  const char *name; /* of the file, for messages; in the arena */
  assay_alert_node *root;
} assay_alert_tree;

/* The tree is initialised on success only; `deinit` frees it. `toml`: else YAML. */
assay_status assay_alert_tree_parse(const char *text, size_t length, const char *name, bool toml, assay_error *err, assay_alert_tree *tree);
void assay_alert_tree_deinit(assay_alert_tree *tree);
/* "an empty value", "text", "a list", "a mapping". */
const char *assay_alert_shape_text(const assay_alert_node *node);
/* "name:line:column: <message>" as ASSAY_ERR_PARSE. */
assay_status assay_alert_tree_fail(const assay_alert_tree *tree, int line, int column, assay_error *err, const char *format, ...)
    ASSAY_PRINTF(5, 6);

#endif

/* SPDX-License-Identifier: MIT */
/* YAML through libyaml's events, TOML through our own reader: both into one small tree that remembers where everything stood. */
#include "judge/alert_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/number.h"
#include "base/toml.h"

assay_status assay_alert_tree_fail(const assay_alert_tree *tree, int line, int column, assay_error *err, const char *format, ...) {
  char message[700];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%d:%d: %s", tree->name, line, column, message);
}

const char *assay_alert_shape_text(const assay_alert_node *node) {
  switch (node->shape) {
    case ASSAY_ALERT_LIST: return "a list";
    case ASSAY_ALERT_MAP: return "a mapping";
    case ASSAY_ALERT_TEXT: break;
  }
  return node->text[0] == '\0' && !node->quoted ? "nothing" : "text";
}

void assay_alert_tree_deinit(assay_alert_tree *tree) {
  assay_arena_deinit(&tree->arena);
  tree->root = NULL;
}

/* ---- Growing -------------------------------------------------------------------------------------------------------------------- */

typedef struct builder {
  assay_alert_tree *tree;
  assay_alert_node *open[ASSAY_ALERT_TREE_DEPTH], *last[ASSAY_ALERT_TREE_DEPTH]; /* the containers being filled, and their last child */
  int depth;
  size_t nodes;
  const char *key; /* the key that waits for its value */
  int key_line, key_column;
  assay_error *err;
} builder;

static assay_status check_key(const builder *b, const char *key, int line, int column) {
  const assay_alert_node *parent = b->open[b->depth - 1];
  if (parent->count >= ASSAY_ALERT_TREE_KEYS)
    return assay_alert_tree_fail(b->tree, line, column, b->err, "more than %d keys in one place", ASSAY_ALERT_TREE_KEYS);
  for (const assay_alert_node *node = parent->child; node != NULL; node = node->next)
    if (strcmp(node->key, key) == 0)
      return assay_alert_tree_fail(b->tree, line, column, b->err, "'%.60s' stands here twice; it was first given in line %d", key,
                                   node->key_line);
  return ASSAY_OK;
}

static bool wants_key(const builder *b) { return b->depth > 0 && b->open[b->depth - 1]->shape == ASSAY_ALERT_MAP && b->key == NULL; }

static assay_status out_of_memory(const builder *b) {
  return ASSAY_FAIL(b->err, ASSAY_ERR_NO_MEMORY, "out of memory for the rules in %s", b->tree->name);
}

static assay_status take_key(builder *b, const char *text, size_t length, int line, int column) {
  b->key = assay_arena_strndup(&b->tree->arena, text, length);
  b->key_line = line;
  b->key_column = column;
  return b->key != NULL ? check_key(b, b->key, line, column) : out_of_memory(b);
}

/* Hangs a new node where the cursor is; NULL after a failure. */
static assay_alert_node *add(builder *b, assay_alert_shape shape, int line, int column) {
  if (++b->nodes > ASSAY_ALERT_TREE_NODES) {
    assay_alert_tree_fail(b->tree, line, column, b->err, "more than %d values are more than rules can need", ASSAY_ALERT_TREE_NODES);
    return NULL;
  }
  assay_alert_node *node = assay_arena_alloc(&b->tree->arena, 1, sizeof *node);
  if (node == NULL) {
    out_of_memory(b);
    return NULL;
  }
  *node = (assay_alert_node){.shape = shape, .line = line, .column = column};
  node->key = b->key;
  node->key_line = b->key != NULL ? b->key_line : line;
  node->key_column = b->key != NULL ? b->key_column : column;
  b->key = NULL;
  if (b->depth == 0) {
    b->tree->root = node;
    return node;
  }
  assay_alert_node *parent = b->open[b->depth - 1], *last = b->last[b->depth - 1];
  if (last == NULL)
    parent->child = node;
  else
    last->next = node;
  b->last[b->depth - 1] = node;
  parent->count++;
  return node;
}

static assay_status add_text(builder *b, const char *text, size_t length, bool quoted, int line, int column) {
  assay_alert_node *node = add(b, ASSAY_ALERT_TEXT, line, column);
  if (node == NULL) return b->err != NULL && b->err->status != ASSAY_OK ? b->err->status : ASSAY_ERR_PARSE;
  node->quoted = quoted;
  node->text = assay_arena_strndup(&b->tree->arena, text, length);
  return node->text != NULL ? ASSAY_OK : out_of_memory(b);
}

static assay_status enter(builder *b, assay_alert_shape shape, int line, int column) {
  if (b->depth == ASSAY_ALERT_TREE_DEPTH)
    return assay_alert_tree_fail(b->tree, line, column, b->err, "nested more than %d deep", ASSAY_ALERT_TREE_DEPTH);
  assay_alert_node *node = add(b, shape, line, column);
  if (node == NULL) return b->err != NULL && b->err->status != ASSAY_OK ? b->err->status : ASSAY_ERR_PARSE;
  b->open[b->depth] = node;
  b->last[b->depth] = NULL;
  b->depth++;
  return ASSAY_OK;
}

/* ---- YAML ----------------------------------------------------------------------------------------------------------------------- */

static assay_status fail_yaml(const builder *b, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR) return out_of_memory(b);
  const yaml_mark_t *mark = parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;
  const char *problem = parser->problem != NULL ? parser->problem : "this is no YAML";
  /* What people stumble over: a glob that begins with a star is YAML's sign for an alias. */
  if (strstr(problem, "alphabetic or numeric") != NULL) problem = "a text that begins with * or & must stand in quotes, as in '*/alloc*'";
  return assay_alert_tree_fail(b->tree, (int)mark->line + 1, (int)mark->column + 1, b->err, "%s%s%s", problem,
                               parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "");
}

static assay_status refuse_anchor(const builder *b, const yaml_char_t *anchor, const yaml_mark_t *mark) {
  if (anchor == NULL) return ASSAY_OK;
  return assay_alert_tree_fail(b->tree, (int)mark->line + 1, (int)mark->column + 1, b->err,
                               "anchors and aliases (&%.40s) are not read here; write the value out, or quote a text that begins with &",
                               (const char *)anchor);
}

static assay_status take_scalar(builder *b, const yaml_event_t *event) {
  int line = (int)event->start_mark.line + 1, column = (int)event->start_mark.column + 1;
  const char *text = (const char *)event->data.scalar.value;
  size_t length = event->data.scalar.length;
  bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  assay_status status = refuse_anchor(b, event->data.scalar.anchor, &event->start_mark);
  if (status != ASSAY_OK) return status;
  if (memchr(text, '\0', length) != NULL) return assay_alert_tree_fail(b->tree, line, column, b->err, "a text may not hold a NUL");
  if (wants_key(b)) return take_key(b, text, length, line, column);
  if (!quoted && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0)) length = 0;
  return add_text(b, text, length, quoted, line, column);
}

static assay_status begin_container(builder *b, const yaml_event_t *event) {
  bool is_map = event->type == YAML_MAPPING_START_EVENT;
  int line = (int)event->start_mark.line + 1, column = (int)event->start_mark.column + 1;
  assay_status status = refuse_anchor(b, is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor, &event->start_mark);
  if (status == ASSAY_OK && wants_key(b)) status = assay_alert_tree_fail(b->tree, line, column, b->err, "a key must be a text");
  return status == ASSAY_OK ? enter(b, is_map ? ASSAY_ALERT_MAP : ASSAY_ALERT_LIST, line, column) : status;
}

static assay_status take_event(builder *b, const yaml_event_t *event) {
  int line = (int)event->start_mark.line + 1, column = (int)event->start_mark.column + 1;
  switch (event->type) {
    case YAML_SCALAR_EVENT: return take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return begin_container(b, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: b->depth--; return ASSAY_OK;
    case YAML_ALIAS_EVENT:
      return assay_alert_tree_fail(b->tree, line, column, b->err,
                                   "anchors and aliases (*%.40s) are not read here; write the value out, or quote a glob: '*%.40s'",
                                   (const char *)event->data.alias.anchor, (const char *)event->data.alias.anchor);
    case YAML_DOCUMENT_START_EVENT:
      if (b->tree->root != NULL) return assay_alert_tree_fail(b->tree, line, column, b->err, "a second document; rules are one");
      return ASSAY_OK;
    default: return ASSAY_OK;
  }
}

static assay_status parse_yaml(builder *b, const char *text, size_t length) {
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return out_of_memory(b);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  assay_status status = ASSAY_OK;
  for (bool done = false; status == ASSAY_OK && !done;) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      status = fail_yaml(b, &parser);
      break;
    }
    done = event.type == YAML_STREAM_END_EVENT;
    status = take_event(b, &event);
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  return status;
}

/* ---- TOML ----------------------------------------------------------------------------------------------------------------------- */

static assay_status take_toml(builder *b, const assay_toml_value *value);

static assay_status take_table(builder *b, const assay_toml_value *value) {
  assay_status status = enter(b, ASSAY_ALERT_MAP, value->line, value->column);
  for (size_t i = 0; i < value->as.table.count && status == ASSAY_OK; i++) {
    const assay_toml_value *item = value->as.table.values[i];
    status = take_key(b, value->as.table.keys[i], strlen(value->as.table.keys[i]), item->line, item->column);
    if (status == ASSAY_OK) status = take_toml(b, item);
  }
  b->depth -= status == ASSAY_OK;
  return status;
}

static assay_status take_array(builder *b, const assay_toml_value *value) {
  assay_status status = enter(b, ASSAY_ALERT_LIST, value->line, value->column);
  for (size_t i = 0; i < value->as.array.count && status == ASSAY_OK; i++) status = take_toml(b, value->as.array.items[i]);
  b->depth -= status == ASSAY_OK;
  return status;
}

static assay_status take_toml(builder *b, const assay_toml_value *value) {
  char text[64];
  switch (value->type) {
    case ASSAY_TOML_TABLE: return take_table(b, value);
    case ASSAY_TOML_ARRAY: return take_array(b, value);
    case ASSAY_TOML_STRING:
      if (strlen(value->as.string.text) != value->as.string.length)
        return assay_alert_tree_fail(b->tree, value->line, value->column, b->err, "a text may not hold a NUL");
      return add_text(b, value->as.string.text, value->as.string.length, true, value->line, value->column);
    case ASSAY_TOML_INTEGER: snprintf(text, sizeof text, "%lld", (long long)value->as.integer); break;
    case ASSAY_TOML_FLOAT: assay_snprintf(text, sizeof text, "%.15g", value->as.real); break;
    case ASSAY_TOML_BOOL: snprintf(text, sizeof text, "%s", value->as.boolean ? "true" : "false"); break;
    default:
      return assay_alert_tree_fail(b->tree, value->line, value->column, b->err, "expected text or a number, found %s",
                                   assay_toml_type_text(value->type));
  }
  return add_text(b, text, strlen(text), false, value->line, value->column);
}

static assay_status parse_toml(builder *b, const char *text, size_t length) {
  assay_toml *doc = NULL;
  assay_status status = assay_toml_parse(text, length, b->tree->name, b->err, &doc);
  if (status == ASSAY_OK) status = take_toml(b, assay_toml_root(doc));
  assay_toml_destroy(doc);
  return status;
}

assay_status assay_alert_tree_parse(const char *text, size_t length, const char *name, bool toml, assay_error *err,
                                    assay_alert_tree *tree) {
  assay_alert_tree made = {0};
  assay_error local = {0}; /* `add` tells its failure through it */
  builder b = {.tree = &made, .err = &local};
  assay_arena_init(&made.arena, ASSAY_TAG_RESULT);
  made.name = assay_arena_strdup(&made.arena, name);
  assay_status status = ASSAY_OK;
  if (made.name == NULL) status = ASSAY_FAIL(&local, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  if (status == ASSAY_OK && length > ASSAY_ALERT_FILE_BYTES)
    status = ASSAY_FAIL(&local, ASSAY_ERR_LIMIT, "%s is larger than the %d KiB that rules may take", name, ASSAY_ALERT_FILE_BYTES / 1024);
  if (status == ASSAY_OK) status = toml ? parse_toml(&b, text, length) : parse_yaml(&b, text, length);
  if (status == ASSAY_OK && made.root == NULL) status = assay_alert_tree_fail(&made, 1, 1, &local, "there is nothing in this file");
  if (status != ASSAY_OK) {
    assay_arena_deinit(&made.arena);
    return ASSAY_FAIL(err, status, "%s", local.message);
  }
  *tree = made;
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/* TOML's grammar: lines, keys, tables and arrays, and the rules on what may be defined twice. */
#include <string.h>

#include "base/text.h"
#include "base/toml_node.h"
#include "base/utf8.h"

/* ---- Building the tree ------------------------------------------------------------------------------------------------------ */

static assay_toml_node *new_node(assay_toml_cursor *c, assay_toml_type type, assay_toml_origin origin, int depth, const char *at) {
  if (depth > ASSAY_TOML_DEPTH) {
    assay_toml_expected(c, at, "expected at most %d levels of tables and arrays", ASSAY_TOML_DEPTH);
    return NULL;
  }
  assay_toml_node *node = assay_arena_alloc(c->arena, 1, sizeof *node);
  if (node == NULL) {
    assay_toml_out_of_memory(c);
    return NULL;
  }
  node->value.type = type;
  node->origin = origin;
  node->depth = depth;
  assay_toml_place(c, at, &node->value.line, &node->value.column);
  return node;
}

/* Room for one more item (and its key, in a table). */
static bool reserve(assay_toml_cursor *c, assay_toml_node *node, size_t count) {
  if (count < node->capacity) return true;
  size_t capacity = node->capacity;
  node->items = assay_arena_grow(c->arena, node->items, count, &capacity, sizeof *node->items);
  if (node->value.type == ASSAY_TOML_TABLE) {
    capacity = node->capacity;
    node->keys = assay_arena_grow(c->arena, node->keys, count, &capacity, sizeof *node->keys);
    capacity = node->capacity;
    node->key_lengths = assay_arena_grow(c->arena, node->key_lengths, count, &capacity, sizeof *node->key_lengths);
  }
  if (c->arena->failed) return assay_toml_out_of_memory(c);
  node->capacity = capacity;
  return true;
}

static bool append(assay_toml_cursor *c, assay_toml_node *array, const assay_toml_value *item) {
  if (!reserve(c, array, array->value.as.array.count)) return false;
  array->items[array->value.as.array.count++] = item;
  array->value.as.array.items = array->items;
  return true;
}

static void index_key(assay_toml_node *table, size_t position) {
  size_t mask = table->slot_count - 1;
  size_t slot = assay_hash(ASSAY_HASH_START, table->keys[position], table->key_lengths[position]) & mask;
  while (table->slots[slot] != 0) slot = (slot + 1) & mask;
  table->slots[slot] = (uint32_t)position + 1;
}

/* Without an index a table of a million keys would take hours to check for duplicates. At most half of the slots are ever in use. */
static bool reindex(assay_toml_cursor *c, assay_toml_node *table) {
  size_t count = table->value.as.table.count, slot_count = 32;
  while (slot_count < count * 4) slot_count *= 2;
  table->slots = assay_arena_alloc(c->arena, slot_count, sizeof *table->slots);
  if (table->slots == NULL) return assay_toml_out_of_memory(c);
  table->slot_count = slot_count;
  for (size_t i = 0; i < count; i++) index_key(table, i);
  return true;
}

enum { SMALL_TABLE = 8 };

static bool insert(assay_toml_cursor *c, assay_toml_node *table, assay_toml_key key, const assay_toml_value *value) {
  size_t count = table->value.as.table.count;
  if (!reserve(c, table, count)) return false;
  table->items[count] = value;
  table->keys[count] = key.text;
  table->key_lengths[count] = key.length;
  table->value.as.table.values = table->items;
  table->value.as.table.keys = table->keys;
  table->value.as.table.key_lengths = table->key_lengths;
  table->value.as.table.count = ++count;
  if (count <= SMALL_TABLE) return true;
  if (count * 2 > table->slot_count) return reindex(c, table);
  index_key(table, count - 1);
  return true;
}

/* Only for a value that is a table or an array; the parser made it, so it may change it. */
static assay_toml_node *node_of(const assay_toml_value *value) { return (assay_toml_node *)(uintptr_t)value; }

/* ---- What may be defined twice ---------------------------------------------------------------------------------------------- */

/* A key for a message: short, and without anything that a terminal would act on. */
static const char *show(assay_toml_key key, char out[64]) {
  size_t count = 0;
  for (size_t i = 0; i < key.length && count < 60; i++) {
    unsigned char byte = (unsigned char)key.text[i];
    out[count++] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
  }
  while (count > 0 && count == 60 && ((unsigned char)out[count - 1] & 0x80) != 0) count--; /* no half character at the cut */
  out[count] = '\0';
  return out;
}

static assay_toml_node *refuse(assay_toml_cursor *c, assay_toml_key key, const assay_toml_value *earlier) {
  static const char *const origins[] = {"a table", "a table with a header of its own", "a table made by dotted keys",
                                        "complete where it was written", "an array of tables"};
  char shown[64];
  bool nested = earlier->type == ASSAY_TOML_TABLE || earlier->type == ASSAY_TOML_ARRAY;
  assay_toml_expected(c, key.at, "expected a new name, found '%s', which at line %d is already %s", show(key, shown), earlier->line,
                      nested ? origins[node_of(earlier)->origin] : "a value");
  return NULL;
}

/* The table behind one part of a dotted key, `x` in x.y = 1. It may be new, or made the same way before. */
static assay_toml_node *enter_dotted(assay_toml_cursor *c, assay_toml_node *table, assay_toml_key key) {
  const assay_toml_value *found = assay_toml_find(table, key.text, key.length);
  if (found == NULL) {
    assay_toml_node *made = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_DOTTED, table->depth + 1, key.at);
    return made != NULL && insert(c, table, key, &made->value) ? made : NULL;
  }
  if (found->type != ASSAY_TOML_TABLE) return refuse(c, key, found);
  assay_toml_node *node = node_of(found);
  if (node->origin == ASSAY_TOML_IMPLICIT) node->origin = ASSAY_TOML_DOTTED;
  return node->origin == ASSAY_TOML_DOTTED ? node : refuse(c, key, found);
}

/* The table behind one part of a header on the way to its last, `x` in [x.y]: a table of any kind but an inline one, or the last of [[x]].
 */
static assay_toml_node *enter_header(assay_toml_cursor *c, assay_toml_node *table, assay_toml_key key) {
  const assay_toml_value *found = assay_toml_find(table, key.text, key.length);
  if (found == NULL) {
    assay_toml_node *made = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_IMPLICIT, table->depth + 1, key.at);
    return made != NULL && insert(c, table, key, &made->value) ? made : NULL;
  }
  if (found->type != ASSAY_TOML_TABLE && found->type != ASSAY_TOML_ARRAY) return refuse(c, key, found);
  assay_toml_node *node = node_of(found);
  if (node->origin == ASSAY_TOML_INLINE) return refuse(c, key, found);
  if (node->origin == ASSAY_TOML_APPENDED) return node_of(node->items[node->value.as.array.count - 1]);
  return node;
}

/* The last part of [x.y]. */
static assay_toml_node *define_table(assay_toml_cursor *c, assay_toml_node *parent, assay_toml_key key) {
  const assay_toml_value *found = assay_toml_find(parent, key.text, key.length);
  if (found == NULL) {
    assay_toml_node *made = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_HEADER, parent->depth + 1, key.at);
    return made != NULL && insert(c, parent, key, &made->value) ? made : NULL;
  }
  if (found->type != ASSAY_TOML_TABLE || node_of(found)->origin != ASSAY_TOML_IMPLICIT) return refuse(c, key, found);
  assay_toml_node *node = node_of(found);
  node->origin = ASSAY_TOML_HEADER;
  assay_toml_place(c, key.at, &node->value.line, &node->value.column);
  return node;
}

/* The last part of [[x.y]]: a new table at the end of the array. */
static assay_toml_node *define_element(assay_toml_cursor *c, assay_toml_node *parent, assay_toml_key key) {
  const assay_toml_value *found = assay_toml_find(parent, key.text, key.length);
  assay_toml_node *array = NULL;
  if (found == NULL) {
    array = new_node(c, ASSAY_TOML_ARRAY, ASSAY_TOML_APPENDED, parent->depth + 1, key.at);
    if (array == NULL || !insert(c, parent, key, &array->value)) return NULL;
  } else {
    if (found->type != ASSAY_TOML_ARRAY || node_of(found)->origin != ASSAY_TOML_APPENDED) return refuse(c, key, found);
    array = node_of(found);
  }
  assay_toml_node *element = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_HEADER, array->depth + 1, key.at);
  return element != NULL && append(c, array, &element->value) ? element : NULL;
}

/* ---- Keys ----------------------------------------------------------------------------------------------------------------------- */

static void skip_blanks(assay_toml_cursor *c) {
  while (*c->at == ' ' || *c->at == '\t') c->at++;
}

static bool in_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* One part of a key, and whether a dot and thus another part follows; blanks around it are skipped. */
static bool parse_key_part(assay_toml_cursor *c, assay_toml_key *key, bool *more) {
  skip_blanks(c);
  key->at = c->at;
  if (*c->at == '"' || *c->at == '\'') {
    if (!assay_toml_parse_string(c, false, &key->text, &key->length)) return false;
  } else {
    while (in_bare_key(*c->at)) c->at++;
    key->length = (size_t)(c->at - key->at);
    char found[16];
    if (key->length == 0)
      return assay_toml_expected(c, c->at, "expected a key (A-Z a-z 0-9 _ - or quoted), found %s", assay_toml_found(c, c->at, found));
    key->text = assay_arena_strndup(c->arena, key->at, key->length);
    if (key->text == NULL) return assay_toml_out_of_memory(c);
  }
  skip_blanks(c);
  *more = *c->at == '.';
  if (*more) c->at++;
  return true;
}

/* ---- Values -------------------------------------------------------------------------------------------------------------------- */

static const assay_toml_value *parse_value(assay_toml_cursor *c, int depth);

/* key = value, in a section or in an inline table. */
static bool parse_pair(assay_toml_cursor *c, assay_toml_node *table) {
  assay_toml_key key = {0};
  bool more = false;
  if (!parse_key_part(c, &key, &more)) return false;
  while (more) {
    table = enter_dotted(c, table, key);
    if (table == NULL || !parse_key_part(c, &key, &more)) return false;
  }
  char found[16];
  if (*c->at != '=') return assay_toml_expected(c, c->at, "expected '=' after a key, found %s", assay_toml_found(c, c->at, found));
  c->at++;
  skip_blanks(c);
  const assay_toml_value *earlier = assay_toml_find(table, key.text, key.length);
  if (earlier != NULL) {
    refuse(c, key, earlier);
    return false;
  }
  if (c->at >= c->end || *c->at == '\n' || *c->at == '\r' || *c->at == '#')
    return assay_toml_expected(c, c->at, "expected a value after '=', found %s", assay_toml_found(c, c->at, found));
  const assay_toml_value *value = parse_value(c, table->depth + 1);
  return value != NULL && insert(c, table, key, value);
}

static bool skip_newline(assay_toml_cursor *c) {
  if (*c->at == '\r' && c->at[1] == '\n')
    c->at += 2;
  else if (*c->at == '\n')
    c->at++;
  else
    return false;
  return true;
}

/* Blanks, line ends and comments between the items of an array. */
static bool skip_between_items(assay_toml_cursor *c) {
  do {
    skip_blanks(c);
    if (*c->at == '#' && !assay_toml_skip_comment(c)) return false;
  } while (skip_newline(c));
  return true;
}

static const assay_toml_value *parse_array(assay_toml_cursor *c, int depth) {
  assay_toml_node *array = new_node(c, ASSAY_TOML_ARRAY, ASSAY_TOML_INLINE, depth, c->at);
  if (array == NULL) return NULL;
  c->at++;
  for (;;) {
    if (!skip_between_items(c)) return NULL;
    if (*c->at == ']') break; /* also behind a last comma */
    const assay_toml_value *item = parse_value(c, depth + 1);
    if (item == NULL || !append(c, array, item) || !skip_between_items(c)) return NULL;
    if (*c->at == ']') break;
    char found[16];
    if (*c->at != ',') {
      assay_toml_expected(c, c->at, "expected ',' or ']' after an item of the array that starts at line %d, found %s", array->value.line,
                          assay_toml_found(c, c->at, found));
      return NULL;
    }
    c->at++;
  }
  c->at++;
  return &array->value;
}

static const assay_toml_value *parse_inline_table(assay_toml_cursor *c, int depth) {
  assay_toml_node *table = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_INLINE, depth, c->at);
  if (table == NULL) return NULL;
  c->at++;
  skip_blanks(c);
  if (*c->at == '}') {
    c->at++;
    return &table->value;
  }
  for (;;) {
    if (!parse_pair(c, table)) return NULL;
    skip_blanks(c);
    if (*c->at == '}') break;
    char found[16];
    if (*c->at != ',') {
      assay_toml_expected(c, c->at, "expected ',' or '}' on the same line of an inline table, found %s", assay_toml_found(c, c->at, found));
      return NULL;
    }
    c->at++;
  }
  c->at++;
  return &table->value;
}

static const assay_toml_value *parse_value(assay_toml_cursor *c, int depth) {
  if (*c->at == '[') return parse_array(c, depth);
  if (*c->at == '{') return parse_inline_table(c, depth);
  assay_toml_value *value = assay_arena_alloc(c->arena, 1, sizeof *value);
  if (value == NULL) {
    assay_toml_out_of_memory(c);
    return NULL;
  }
  assay_toml_place(c, c->at, &value->line, &value->column);
  return assay_toml_parse_scalar(c, value) ? value : NULL;
}

/* ---- Lines -------------------------------------------------------------------------------------------------------------------- */

/* [x.y] or [[x.y]]: moves *table to the section that it opens. */
static bool parse_header(assay_toml_cursor *c, assay_toml_node *root, assay_toml_node **table) {
  bool is_element = c->at[1] == '[';
  c->at += is_element ? 2 : 1;
  assay_toml_node *node = root;
  assay_toml_key key = {0};
  bool more = false;
  if (!parse_key_part(c, &key, &more)) return false;
  while (more) {
    node = enter_header(c, node, key);
    if (node == NULL || !parse_key_part(c, &key, &more)) return false;
  }
  char found[16];
  if (*c->at != ']' || (is_element && c->at[1] != ']'))
    return assay_toml_expected(c, c->at, "expected '%s' to close the table header, found %s", is_element ? "]]" : "]",
                               assay_toml_found(c, c->at, found));
  c->at += is_element ? 2 : 1;
  node = is_element ? define_element(c, node, key) : define_table(c, node, key);
  *table = node;
  return node != NULL;
}

static bool parse_line(assay_toml_cursor *c, assay_toml_node *root, assay_toml_node **table) {
  skip_blanks(c);
  bool good = true;
  if (*c->at == '[')
    good = parse_header(c, root, table);
  else if (c->at < c->end && *c->at != '#' && *c->at != '\n' && !(*c->at == '\r' && c->at[1] == '\n'))
    good = parse_pair(c, *table);
  if (!good) return false;
  skip_blanks(c);
  if (*c->at == '#' && !assay_toml_skip_comment(c)) return false;
  char found[16];
  if (c->at < c->end && !skip_newline(c))
    return assay_toml_expected(c, c->at, "expected the end of the line, found %s", assay_toml_found(c, c->at, found));
  return true;
}

static bool check_utf8(assay_toml_cursor *c) {
  for (const char *p = c->text; p < c->end;) {
    size_t length = *p == '\0' ? 1 : assay_utf8_length(p); /* a NUL is a control character; the grammar refuses it where it stands */
    if (length == 0) return assay_toml_expected(c, p, "expected UTF-8, found the byte 0x%02X", (unsigned char)*p);
    p += length;
  }
  return true;
}

bool assay_toml_parse_document(assay_toml_cursor *c, assay_toml *doc) {
  if (!check_utf8(c)) return false;
  assay_toml_node *root = new_node(c, ASSAY_TOML_TABLE, ASSAY_TOML_HEADER, 0, c->at), *table = root;
  if (root == NULL) return false;
  doc->root = root;
  if (strncmp(c->at, "\xEF\xBB\xBF", 3) == 0) c->at += 3; /* the mark that some editors put in front */
  while (c->at < c->end)
    if (!parse_line(c, root, &table)) return false;
  return true;
}

/* SPDX-License-Identifier: MIT */
#include "base/toml.h"

#include <math.h>

#include "base/alloc.h"
#include "os/prim.h"
#include "test.h"

static assay_toml *parse(const char *text) {
  assay_error err = {0};
  assay_toml *doc = NULL;
  assert_ok(assay_toml_parse(text, strlen(text), "t.toml", &err, &doc), err);
  return doc;
}

static const assay_toml_value *at(const assay_toml *doc, const char *key) {
  const assay_toml_value *value = assay_toml_get(assay_toml_root(doc), key);
  assert_non_null(value);
  return value;
}

static void assert_text(const assay_toml_value *value, const char *expected, size_t length) {
  assert_int_equal(value->type, ASSAY_TOML_STRING);
  assert_int_equal(value->as.string.length, length);
  assert_memory_equal(value->as.string.text, expected, length + 1);
}

/* The text is refused, and the message begins so (a place and what was expected). */
static void assert_refused(const char *text, size_t length, const char *start) {
  assay_error err = {0};
  assay_toml *doc = NULL;
  if (assay_toml_parse(text, length, "t.toml", &err, &doc) != ASSAY_ERR_PARSE) {
    print_error("accepted: %s\n", text);
    fail();
  }
  assert_null(doc);
  if (strncmp(err.message, start, strlen(start)) != 0) {
    print_error("%s\n  gave:     %s\n  expected: %s...\n", text, err.message, start);
    fail();
  }
}

static void strings_in_all_four_forms(void **state) {
  (void)state;
  assay_toml *doc = parse(
      "a = \"tab\\t quote\\\" \\u00e9 \\U0001F600 \\b\\n\\f\\r\\\\\"\n"
      "b = 'C:\\raw\\n'\n"
      "c = \"\"\"\r\none\r\ntwo \\\n   \n\t joined \"\" \"\"\"\"\"\n"
      "d = '''\nno \\ escape ''quotes'''''\n"
      "e = \"\"\nf = ''\ng = \"\"\"\"\"\"\nh = ''''''\n"
      "i = \"nul\\u0000inside\"\n");
  assert_text(at(doc, "a"), "tab\t quote\" \xC3\xA9 \xF0\x9F\x98\x80 \b\n\f\r\\", 25);
  assert_text(at(doc, "b"), "C:\\raw\\n", 8);
  assert_text(at(doc, "c"), "one\ntwo joined \"\" \"\"", 20);
  assert_text(at(doc, "d"), "no \\ escape ''quotes''", 22);
  for (const char *key = "efgh"; *key != '\0'; key++) assert_text(at(doc, (char[]){*key, '\0'}), "", 0);
  assert_text(at(doc, "i"), "nul\0inside", 10);
  assay_error err = {0};
  const char *text = "before";
  assert_int_equal(assay_toml_get_string(doc, assay_toml_root(doc), "i", &err, &text), ASSAY_ERR_PARSE);
  assert_string_equal(text, "before");
  assay_toml_destroy(doc);
}

static void numbers_in_every_notation(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } integers[] = {
      {"0", 0},
      {"+0", 0},
      {"-0", 0},
      {"+99", 99},
      {"1_000", 1000},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"0xDEAD_beef", 0xDEADBEEF},
      {"0o755", 493},
      {"0b1101_0110", 214},
      {"0x0000f", 15},
      {"0x7fffffffffffffff", INT64_MAX},
  };
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
    char text[100];
    snprintf(text, sizeof text, "n = %s", integers[i].text);
    assay_toml *doc = parse(text);
    assert_int_equal(at(doc, "n")->type, ASSAY_TOML_INTEGER);
    assert_true(at(doc, "n")->as.integer == integers[i].value);
    assay_toml_destroy(doc);
  }
  static const struct {
    const char *text;
    double value;
  } reals[] = {
      {"1.0", 1},
      {"-0.01", -0.01},
      {"5e+22", 5e22},
      {"1e06", 1e6},
      {"-2E-2", -0.02},
      {"6.626e-34", 6.626e-34},
      {"224_617.445_991_228", 224617.445991228},
      {"inf", INFINITY},
      {"+inf", INFINITY},
      {"-inf", -INFINITY},
      {"0e0", 0},
  };
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    char text[100];
    snprintf(text, sizeof text, "n = %s", reals[i].text);
    assay_toml *doc = parse(text);
    assert_int_equal(at(doc, "n")->type, ASSAY_TOML_FLOAT);
    assert_true(at(doc, "n")->as.real == reals[i].value);
    assay_toml_destroy(doc);
  }
  assay_toml *doc = parse("a = nan\nb = +nan\nc = -nan\nd = -0.0");
  assert_true(isnan(at(doc, "a")->as.real) && isnan(at(doc, "b")->as.real) && isnan(at(doc, "c")->as.real));
  assert_true(signbit(at(doc, "d")->as.real));
  assay_toml_destroy(doc);
}

static void dates_and_times(void **state) {
  (void)state;
  assay_toml *doc = parse(
      "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 00:32:00.999999-07:30\nc = 1979-05-27t07:32:00.5\nd = 1979-05-27 # a day\n"
      "e = 23:59:60.1234567891\nf = 2024-02-29\ng = 2000-02-29 00:00:00z");
  const assay_toml_datetime *b = &at(doc, "b")->as.datetime, *e = &at(doc, "e")->as.datetime;
  assert_int_equal(at(doc, "a")->type, ASSAY_TOML_OFFSET_DATETIME);
  assert_int_equal(at(doc, "a")->as.datetime.hour, 7);
  assert_int_equal(at(doc, "b")->type, ASSAY_TOML_OFFSET_DATETIME);
  assert_true(b->year == 1979 && b->month == 5 && b->day == 27 && b->minute == 32 && b->nanosecond == 999999000 &&
              b->offset_minutes == -450);
  assert_int_equal(at(doc, "c")->type, ASSAY_TOML_LOCAL_DATETIME);
  assert_int_equal(at(doc, "c")->as.datetime.nanosecond, 500000000);
  assert_int_equal(at(doc, "d")->type, ASSAY_TOML_LOCAL_DATE);
  assert_int_equal(at(doc, "e")->type, ASSAY_TOML_LOCAL_TIME);
  assert_true(e->hour == 23 && e->second == 60 && e->nanosecond == 123456789 && e->year == 0);
  assert_int_equal(at(doc, "g")->type, ASSAY_TOML_OFFSET_DATETIME);
  assay_toml_destroy(doc);
}

static void tables_arrays_and_keys_nest(void **state) {
  (void)state;
  assay_toml *doc = parse(
      "\xEF\xBB\xBF# a comment with \xC3\xA9\n"
      "title.\"a.b\" . 'c d' = 1\r\n"
      "1234 = true\n\"\" = 'empty'\n"
      "list = [ [1, 2,], # one\n  ['x', {k.l = 2, k.m = []}]\n,\n]\n"
      "[a.b.c]\nx = 1\n[a]\ny = 2\n[ a . \"d\" ]\n"
      "[[point]]\nname = 'p0'\n[[point.tag]]\n[[point.tag]]\nv = 1\n[point.meta]\nz = 0\n[[point]]\nname = 'p1'\n");
  const assay_toml_value *title = assay_toml_get(assay_toml_get(at(doc, "title"), "a.b"), "c d");
  assert_int_equal(title->as.integer, 1);
  assert_int_equal(title->line, 2);
  assert_int_equal(title->column, 23);
  assert_true(at(doc, "1234")->as.boolean);
  assert_text(at(doc, ""), "empty", 5);
  const assay_toml_value *list = at(doc, "list");
  assert_int_equal(list->as.array.count, 2);
  assert_int_equal(list->as.array.items[0]->as.array.items[1]->as.integer, 2);
  assert_int_equal(assay_toml_get(assay_toml_get(list->as.array.items[1]->as.array.items[1], "k"), "l")->as.integer, 2);
  assert_int_equal(assay_toml_get(at(doc, "a"), "y")->as.integer, 2);
  assert_int_equal(assay_toml_get(assay_toml_get(assay_toml_get(at(doc, "a"), "b"), "c"), "x")->as.integer, 1);
  const assay_toml_value *point = at(doc, "point");
  assert_int_equal(point->type, ASSAY_TOML_ARRAY);
  assert_int_equal(point->as.array.count, 2);
  assert_int_equal(assay_toml_get(point->as.array.items[0], "tag")->as.array.count, 2);
  assert_non_null(assay_toml_get(point->as.array.items[0], "meta"));
  assert_null(assay_toml_get(point->as.array.items[1], "meta"));
  assert_null(assay_toml_get(NULL, "x"));
  assert_null(assay_toml_get(list, "x"));
  const assay_toml_value *root = assay_toml_root(doc);
  assert_string_equal(root->as.table.keys[0], "title"); /* the order of the file */
  assert_string_equal(root->as.table.keys[root->as.table.count - 1], "point");
  assay_toml_destroy(doc);
}

static void large_tables_find_every_key(void **state) {
  (void)state;
  enum { KEYS = 5000 };
  char *text = malloc(KEYS * 24);
  size_t used = 0;
  for (int i = 0; i < KEYS; i++) used += (size_t)sprintf(text + used, "key%d = %d\n", i, i);
  assay_error err = {0};
  assay_toml *doc = NULL;
  assert_ok(assay_toml_parse(text, used, "t.toml", &err, &doc), err);
  for (int i = 0; i < KEYS; i++) {
    char key[16];
    snprintf(key, sizeof key, "key%d", i);
    assert_int_equal(at(doc, key)->as.integer, i);
    assert_int_equal(at(doc, key)->line, i + 1);
  }
  assert_null(assay_toml_get(assay_toml_root(doc), "key5000"));
  assay_toml_destroy(doc);
  strcpy(text + used, "key77 = 1\n");
  assert_refused(text, used + 10, "t.toml:5001:1: expected a new name, found 'key77', which at line 78 is already a value");
  free(text);
}

static const struct {
  const char *text, *message;
} refusals[] = {
    {"a = \n", "t.toml:1:5: expected a value after '=', found end of line"},
    {"a =", "t.toml:1:4: expected a value after '=', found end of file"},
    {"a = # none", "t.toml:1:5: expected a value after '='"},
    {"\n\xC3\xA9 = 1", "t.toml:2:1: expected a key (A-Z a-z 0-9 _ - or quoted), found '\xC3\xA9'"},
    {"a", "t.toml:1:2: expected '=' after a key, found end of file"},
    {"a b = 1", "t.toml:1:3: expected '='"},
    {"= 1", "t.toml:1:1: expected a key"},
    {"a. = 1", "t.toml:1:4: expected a key"},
    {".a = 1", "t.toml:1:1: expected a key"},
    {"a..b = 1", "t.toml:1:3: expected a key"},
    {"a = 1 b = 2", "t.toml:1:7: expected the end of the line, found 'b'"},
    {"a = yes", "t.toml:1:5: expected a value (text goes in quotes"},
    {"a = True", "t.toml:1:5: expected a value (text goes in quotes"},
    {"\"\"\"k\"\"\" = 1", "t.toml:1:1: expected a key in single quotes"},
    /* strings */
    {"a = \"x\ny\"", "t.toml:1:7: expected the closing \" of the string that starts at 1:5, found end of line"},
    {"a = \"\"\"x\ny\"\"", "t.toml:2:4: expected the closing \"\"\" of the string that starts at 1:5, found end of file"},
    {"a = '", "t.toml:1:6: expected the closing '"},
    {"a = '''x''''''", "t.toml:1:14: expected the end of the line"},
    {"a = \"\\x41\"", "t.toml:1:7: expected one of b t n f r"},
    {"a = \"\\e\"", "t.toml:1:7: expected one of b t n f r"},
    {"a = \"\\\n\"", "t.toml:1:7: expected one of b t n f r"},
    {"a = \"\\u12G4\"", "t.toml:1:10: expected 4 hexadecimal digits after \\u, found 'G'"},
    {"a = \"\\uD800\"", "t.toml:1:6: expected a Unicode character, found the code point U+D800"},
    {"a = \"\\U00110000\"", "t.toml:1:6: expected a Unicode character"},
    {"a = \"\x01\"", "t.toml:1:6: expected no control character in a string, found U+0001"},
    {"a = '\x7f'", "t.toml:1:6: expected no control character in a string, found U+007F"},
    {"a = \"\"\"a\rb\"\"\"", "t.toml:1:9: expected no control character in a string, found U+000D"},
    {"# \x02", "t.toml:1:3: expected no control character in a comment"},
    {"# a\rb = 1", "t.toml:1:4: expected no control character in a comment"},
    {"a = 1\r", "t.toml:1:6: expected the end of the line, found U+000D"},
    {"a = '\xC3'", "t.toml:1:6: expected UTF-8, found the byte 0xC3"},
    {"a = '\xED\xA0\x80'", "t.toml:1:6: expected UTF-8"},
    /* numbers */
    {"a = 01", "t.toml:1:5: expected a number without leading zeros, found '01'"},
    {"a = -01", "t.toml:1:5: expected a number without leading zeros"},
    {"a = 03.14", "t.toml:1:5: expected a number without leading zeros"},
    {"a = 1__0", "t.toml:1:5: expected a number"},
    {"a = _1", "t.toml:1:5: expected a value"},
    {"a = 1_", "t.toml:1:5: expected a number"},
    {"a = 1.", "t.toml:1:5: expected a number such as"},
    {"a = .5", "t.toml:1:5: expected a number with digits"},
    {"a = 1.e5", "t.toml:1:5: expected a number such as"},
    {"a = 1e", "t.toml:1:5: expected a number such as"},
    {"a = 1e5.5", "t.toml:1:5: expected a number such as"},
    {"a = 1._5", "t.toml:1:5: expected a number such as"},
    {"a = 1e_5", "t.toml:1:5: expected a number such as"},
    {"a = 0x", "t.toml:1:5: expected hexadecimal digits"},
    {"a = 0xg", "t.toml:1:5: expected hexadecimal digits"},
    {"a = 0x_1", "t.toml:1:5: expected hexadecimal digits"},
    {"a = 0b12", "t.toml:1:5: expected binary digits"},
    {"a = 0o8", "t.toml:1:5: expected octal digits"},
    {"a = +0x1", "t.toml:1:5: expected no sign before 0x"},
    {"a = 0X1", "t.toml:1:5: expected a number such as"},
    {"a = 9223372036854775808", "t.toml:1:5: expected an integer of 64 bits"},
    {"a = -9223372036854775809", "t.toml:1:5: expected an integer of 64 bits"},
    {"a = 0x8000000000000000", "t.toml:1:5: expected an integer of 64 bits"},
    {"a = Inf", "t.toml:1:5: expected a value"},
    {"a = ++1", "t.toml:1:5: expected a number with digits"},
    {"a = -", "t.toml:1:5: expected a number with digits"},
    {"a = 12abc", "t.toml:1:5: expected a number such as"},
    /* dates */
    {"a = 2023-02-29", "t.toml:1:5: expected a date and time that exist"},
    {"a = 1900-02-29", "t.toml:1:5: expected a date and time that exist"},
    {"a = 2023-13-01", "t.toml:1:5: expected a date"},
    {"a = 2023-00-01", "t.toml:1:5: expected a date"},
    {"a = 2023-04-31", "t.toml:1:5: expected a date"},
    {"a = 2023-1-1", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T24:00:00", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:60:00", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59:61", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59:00.", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59:00+24:00", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59:00+1:00", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01T23:59:00Zx", "t.toml:1:5: expected a date"},
    {"a = 07:32:00Z", "t.toml:1:5: expected a date"},
    {"a = 2023-01-01  07:00:00", "t.toml:1:17: expected the end of the line"},
    /* arrays and inline tables */
    {"a = [1 2]", "t.toml:1:8: expected ',' or ']' after an item of the array that starts at line 1, found '2'"},
    {"a = [\n1\n", "t.toml:3:1: expected ',' or ']' after an item of the array that starts at line 1, found end of file"},
    {"a = [,]", "t.toml:1:6: expected a value, found ','"},
    {"a = [1,,2]", "t.toml:1:8: expected a value, found ','"},
    {"a = {b = 1", "t.toml:1:11: expected ',' or '}'"},
    {"a = {b = 1,}", "t.toml:1:12: expected a key"},
    {"a = {b = 1\n}", "t.toml:1:11: expected ',' or '}' on the same line of an inline table, found end of line"},
    {"a = {,}", "t.toml:1:6: expected a key"},
    {"a = {b = 1 c = 2}", "t.toml:1:12: expected ',' or '}'"},
    {"a = ]", "t.toml:1:5: expected a value, found ']'"},
    /* headers */
    {"[a", "t.toml:1:3: expected ']' to close the table header, found end of file"},
    {"[a]]", "t.toml:1:4: expected the end of the line"},
    {"[[a]", "t.toml:1:4: expected ']]' to close"},
    {"[[a] ]", "t.toml:1:4: expected ']]' to close"},
    {"[ [a]]", "t.toml:1:3: expected a key"},
    {"[]", "t.toml:1:2: expected a key"},
    {"[a.]", "t.toml:1:4: expected a key"},
    {"[a] b = 1", "t.toml:1:5: expected the end of the line"},
    {"[\na]", "t.toml:1:2: expected a key"},
    /* defined twice */
    {"a = 1\na = 2", "t.toml:2:1: expected a new name, found 'a', which at line 1 is already a value"},
    {"a = 1\n'a' = 2", "t.toml:2:1: expected a new name"},
    {"\"\\n\" = 1\n\"\\n\" = 2", "t.toml:2:1: expected a new name, found '?'"},
    {"a = {b = 1, b = 2}", "t.toml:1:13: expected a new name, found 'b'"},
    {"[a]\n[a]", "t.toml:2:2: expected a new name, found 'a', which at line 1 is already a table with a header of its own"},
    {"[a]\nb = 1\n[a.b]", "t.toml:3:4: expected a new name, found 'b'"},
    {"[a]\nb = 1\n[a.b.c]", "t.toml:3:4: expected a new name, found 'b'"},
    {"a = 1\na.b = 2", "t.toml:2:1: expected a new name, found 'a'"},
    {"a.b = 1\na = 2", "t.toml:2:1: expected a new name, found 'a', which at line 1 is already a table made by dotted keys"},
    {"a.b = 1\n[a]", "t.toml:2:2: expected a new name, found 'a', which at line 1 is already a table made by dotted keys"},
    {"[f]\na.c = 1\n[f.a]", "t.toml:3:4: expected a new name, found 'a'"},
    {"[a.b.c]\nz = 9\n[a]\nb.c.t = 1", "t.toml:4:3: expected a new name, found 'c', which at line 1 is already a table with a header"},
    {"[a.b.c]\n[a]\nb.t = 1\n[a.b]", "t.toml:4:4: expected a new name, found 'b'"},
    {"a = {b = 1}\n[a]", "t.toml:2:2: expected a new name, found 'a', which at line 1 is already complete"},
    {"a = {b = 1}\n[a.c]", "t.toml:2:2: expected a new name"},
    {"a = {b = 1}\na.c = 2", "t.toml:2:1: expected a new name"},
    {"a = {b = {c = 1}, b.d = 2}", "t.toml:1:19: expected a new name"},
    {"a = {b.c = 1, b = 2}", "t.toml:1:15: expected a new name"},
    {"a = []\n[[a]]", "t.toml:2:3: expected a new name, found 'a', which at line 1 is already complete"},
    {"a = [{b = 1}]\n[a.c]", "t.toml:2:2: expected a new name"},
    {"[[a]]\n[a]", "t.toml:2:2: expected a new name, found 'a', which at line 1 is already an array of tables"},
    {"[a]\n[[a]]", "t.toml:2:3: expected a new name"},
    {"[a.b]\n[[a]]", "t.toml:2:3: expected a new name"},
    {"[[a.b]]\n[a]\nb.y = 2", "t.toml:3:1: expected a new name"},
};

static void refusals_name_the_place_and_what_was_expected(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    assert_refused(refusals[i].text, strlen(refusals[i].text), refusals[i].message);
  assert_refused("a = '\0'", 8, "t.toml:1:6: expected no control character in a string, found U+0000");
  assert_refused("a\0b = 1", 7, "t.toml:1:2: expected '=' after a key, found U+0000");
  assert_refused("\0", 1, "t.toml:1:1: expected a key");
}

static void what_may_be_reopened_is_accepted(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "\n \t\r\n# only",
      "[a.b]\n[a]\nc = 1",
      "[f]\na.c = 1\n[f.a.t]\nx = 1",
      "a.b = 1\na.c = 2",
      "a.b.c = 1\na.d = 2",
      "[[a]]\n[a.b]\n[[a]]\n[a.b]",
      "[[a.b]]\n[[a.b]]\n[a.c]",
      "\"a.b\" = 1\na.b = 2",
      "A = 1\na = 2",
      "\"x\\u0000\" = 1\nx = 2",
      "[a.b.c]\n[a]\nb.t = 1",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assay_toml_destroy(parse(texts[i]));
}

static void nesting_is_limited_and_not_by_the_stack(void **state) {
  (void)state;
  enum { DEEP = 100000 };
  char *text = malloc(DEEP * 2 + 10);
  strcpy(text, "a = ");
  memset(text + 4, '[', DEEP);
  assert_refused(text, DEEP + 4, "t.toml:1:133: expected at most 128 levels");
  for (int i = 0; i < DEEP; i++) memcpy(text + 2 * i, "k.", 2);
  strcpy(text + 2 * DEEP, "k=1");
  assert_refused(text, 2 * DEEP + 3, "t.toml:1:257: expected at most 128 levels");
  text[0] = '[';
  assert_refused("[a", 2, "t.toml:1:3");
  free(text);
  char fits[400] = "a = ";
  memset(fits + 4, '[', 128);
  memset(fits + 4 + 128, ']', 128);
  assay_toml_destroy(parse(fits));
}

static void fetching_checks_types_and_keys(void **state) {
  (void)state;
  assay_toml *doc = parse("name = 'x'\nlimit = 3\nratio = 0.5\non = true\n[t]\nlimti = 1");
  const assay_toml_value *root = assay_toml_root(doc);
  assay_error err = {0};
  const char *text = NULL;
  int64_t integer = -1;
  double real = -1;
  bool on = false;
  assert_ok(assay_toml_get_string(doc, root, "name", &err, &text), err);
  assert_string_equal(text, "x");
  assert_ok(assay_toml_get_integer(doc, root, "limit", &err, &integer), err);
  assert_int_equal(integer, 3);
  assert_ok(assay_toml_get_real(doc, root, "limit", &err, &real), err);
  assert_true(real == 3);
  assert_ok(assay_toml_get_real(doc, root, "ratio", &err, &real), err);
  assert_true(real == 0.5);
  assert_ok(assay_toml_get_bool(doc, root, "on", &err, &on), err);
  assert_true(on);
  integer = 7;
  assert_ok(assay_toml_get_integer(doc, root, "missing", &err, &integer), err);
  assert_int_equal(integer, 7);
  assert_int_equal(assay_toml_get_integer(doc, root, "ratio", &err, &integer), ASSAY_ERR_PARSE);
  assert_string_equal(err.message, "t.toml:3:9: expected an integer for 'ratio', found a real number");
  assert_int_equal(integer, 7);
  assay_error_clear(&err);
  static const char *const known[] = {"limit", "name", NULL};
  assert_int_equal(assay_toml_check_keys(doc, at(doc, "t"), known, &err), ASSAY_ERR_PARSE);
  assert_string_equal(err.message, "t.toml:6:9: unknown key 'limti' (did you mean 'limit'?); expected one of limit, name");
  static const char *const all[] = {"name", "limit", "ratio", "on", "t", NULL};
  assert_ok(assay_toml_check_keys(doc, root, all, &(assay_error){0}), err);
  assay_toml_destroy(doc);
}

static void files_are_read_and_missing_ones_named(void **state) {
  (void)state;
  char path[4096];
  snprintf(path, sizeof path, "%s/x.toml", test_temp_dir());
  assay_error err = {0};
  assert_ok(assay_os_write_file(path, "a = 1\nb = ?\n", 12, &err), err);
  assay_toml *doc = NULL;
  assert_int_equal(assay_toml_read(path, &err, &doc), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "x.toml:2:5: expected a value, found '?'"));
  assay_error_clear(&err);
  assert_int_equal(assay_toml_read("/nonexistent/x.toml", &err, &doc), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "/nonexistent/x.toml"));
  assert_null(doc);
}

static void a_failed_parse_leaves_nothing_behind(void **state) {
  (void)state;
  uint64_t before = assay_tag_get_stats(ASSAY_TAG_BASE).live_blocks;
  assay_toml *doc = NULL;
  assert_int_equal(assay_toml_parse("a = \"\\u0041\nb", 13, "t", NULL, &doc), ASSAY_ERR_PARSE);
  assay_toml_destroy(NULL);
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_BASE).live_blocks, before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_in_all_four_forms),
      cmocka_unit_test(numbers_in_every_notation),
      cmocka_unit_test(dates_and_times),
      cmocka_unit_test(tables_arrays_and_keys_nest),
      cmocka_unit_test(large_tables_find_every_key),
      cmocka_unit_test(refusals_name_the_place_and_what_was_expected),
      cmocka_unit_test(what_may_be_reopened_is_accepted),
      cmocka_unit_test(nesting_is_limited_and_not_by_the_stack),
      cmocka_unit_test(fetching_checks_types_and_keys),
      cmocka_unit_test(files_are_read_and_missing_ones_named),
      cmocka_unit_test(a_failed_parse_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What json.c writes is read back by jansson, an independent reader. */
#include "base/json.h"

#include <jansson.h>
#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "test.h"

static json_t *load(const assay_buf *buf) {
  json_error_t error;
  json_t *root = json_loadb(buf->data, buf->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (root == NULL) print_error("%s\n%s\n", error.text, buf->data);
  assert_non_null(root);
  return root;
}

static void layout_is_stable(void **state) {
  (void)state;
  assay_buf buf = {0};
  assay_json json = {.out = &buf, .indent = 2};
  assay_json_object(&json);
  assay_json_key(&json, "b");
  assay_json_int(&json, -1);
  assay_json_key(&json, "a");
  assay_json_array_inline(&json);
  assay_json_double(&json, 0.1);
  assay_json_double(&json, 3);
  assay_json_end(&json);
  assay_json_key(&json, "empty");
  assay_json_object(&json);
  assay_json_end(&json);
  assay_json_key(&json, "list");
  assay_json_array(&json);
  assay_json_bool(&json, true);
  assay_json_null(&json);
  assay_json_end(&json);
  assay_json_end(&json);
  assert_string_equal(buf.data, "{\n  \"b\": -1,\n  \"a\": [0.1, 3],\n  \"empty\": {},\n  \"list\": [\n    true,\n    null\n  ]\n}\n");
  json_decref(load(&buf));
  assay_buf_deinit(&buf);
}

static void one_line_has_no_blanks(void **state) {
  (void)state;
  assay_buf buf = {0};
  assay_json json = {.out = &buf};
  assay_json_array(&json);
  assay_json_object(&json);
  assay_json_put_string(&json, "k", NULL);
  assay_json_put_double(&json, "half", 0.5);
  assay_json_put_uint(&json, "most", UINT64_MAX);
  assay_json_end(&json);
  assay_json_uint(&json, 1);
  assay_json_end(&json);
  assert_string_equal(buf.data, "[{\"k\":null,\"half\":0.5,\"most\":18446744073709551615},1]");
  assay_buf_deinit(&buf);
}

static void doubles_read_back_bit_for_bit(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 3);
  assay_buf buf = {0};
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = assay_random_next(&random);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    assay_buf_clear(&buf);
    assay_json json = {.out = &buf};
    assay_json_double(&json, value);
    json_t *root = load(&buf);
    assert_true(json_number_value(root) == value);
    json_decref(root);
  }
  static const double odd[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    assay_buf_clear(&buf);
    assay_json json = {.out = &buf};
    assay_json_double(&json, odd[i]);
    assert_string_equal(buf.data, "null");
  }
  assay_buf_deinit(&buf);
}

static void any_bytes_make_valid_json(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 4);
  assay_buf buf = {0};
  for (int i = 0; i < 5000; i++) {
    char text[24];
    size_t length = (size_t)assay_random_below(&random, sizeof text - 1);
    for (size_t j = 0; j < length; j++) text[j] = (char)(1 + assay_random_below(&random, 255));
    text[length] = '\0';
    assay_buf_clear(&buf);
    assay_json json = {.out = &buf, .indent = 1};
    assay_json_object(&json);
    assay_json_key(&json, text);
    assay_json_string(&json, text);
    assay_json_end(&json);
    json_decref(load(&buf));
  }
  assay_buf_deinit(&buf);
}

static void text_survives_and_broken_utf8_is_replaced(void **state) {
  (void)state;
  static const struct {
    const char *text, *back;
  } cases[] = {
      {"quote \" slash \\ / tab \t line \n bell \a del \x7f", "quote \" slash \\ / tab \t line \n bell \a del \x7f"},
      {"\xC3\xA9 \xF0\x9F\x98\x80", "\xC3\xA9 \xF0\x9F\x98\x80"},
      {"a\xFFz", "a\xEF\xBF\xBDz"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
      {"end \xE2\x82", "end \xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_buf buf = {0};
    assay_json json = {.out = &buf};
    assay_json_string(&json, cases[i].text);
    json_t *root = load(&buf);
    assert_string_equal(json_string_value(root), cases[i].back);
    json_decref(root);
    assay_buf_deinit(&buf);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_is_stable),
      cmocka_unit_test(one_line_has_no_blanks),
      cmocka_unit_test(doubles_read_back_bit_for_bit),
      cmocka_unit_test(any_bytes_make_valid_json),
      cmocka_unit_test(text_survives_and_broken_utf8_is_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

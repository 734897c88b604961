/* SPDX-License-Identifier: MIT */
#include "machine/ceilings/cache.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/utsname.h>

#include "assay_config.h"
#include "base/buf.h"
#include "base/json.h"
#include "machine/ceilings/measure.h"
#include "os/prim.h"

#define SCHEMA "assay-ceilings/1"

/* Far more than ever written; a cache is input like any other. */
enum { ROWS_MAX = 1000, FILE_MAX = 1 << 20, NAME_MAX_BYTES = 100 };

static const char *const level_names[] = {NULL, "l1", "l2", "l3"};

/* ---- Writing ------------------------------------------------------------------------------------------------------------------ */

static void write_row(assay_json *json, const assay_ceiling *row) {
  assay_json_object(json);
  assay_json_put_string(json, "name", row->name);
  assay_json_put_string(json, "unit", row->unit);
  assay_json_put_string(json, "better", row->better == ASSAY_HIGHER ? "higher" : "lower");
  assay_json_key(json, "available");
  assay_json_bool(json, row->available);
  if (row->available) {
    assay_json_put_double(json, "value", row->value);
    assay_json_put_double(json, "typical", row->typical);
    assay_json_put_double(json, "spread_ratio", row->spread_ratio);
  }
  assay_json_put_string(json, "detail", row->detail);
  assay_json_put_string(json, "cause", row->cause);
  assay_json_end(json);
}

assay_status assay_ceilings_to_json(const assay_ceilings *ceilings, assay_error *err, char **text) {
  assay_buf buf = {0};
  assay_json json = {.out = &buf, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", SCHEMA);
  assay_json_key(&json, "method");
  assay_json_int(&json, ceilings->method);
  assay_json_put_string(&json, "assay", ceilings->assay);
  assay_json_put_string(&json, "machine", ceilings->machine_id);
  assay_json_put_string(&json, "kernel", ceilings->kernel);
  assay_json_put_string(&json, "microcode", ceilings->microcode);
  assay_json_put_string(&json, "features", ceilings->features);
  assay_json_put_string(&json, "cpus", ceilings->cpus);
  assay_json_key(&json, "measured_at_s");
  assay_json_int(&json, ceilings->measured_at_s);
  assay_json_key(&json, "quick");
  assay_json_bool(&json, ceilings->quick);
  assay_json_put_double(&json, "took_s", ceilings->took_s);
  assay_json_put_uint(&json, "threads", ceilings->threads);
  assay_json_put_uint(&json, "last_level_bytes", ceilings->last_level_bytes);
  assay_json_key(&json, "levels");
  assay_json_array(&json);
  for (unsigned level = 1; level <= 3; level++) {
    if (ceilings->level_bytes[level] == 0) continue;
    assay_json_object(&json);
    assay_json_put_string(&json, "name", level_names[level]);
    assay_json_put_uint(&json, "size_bytes", ceilings->level_bytes[level]);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_key(&json, "ceilings");
  assay_json_array(&json);
  for (size_t i = 0; i < ceilings->count; i++) write_row(&json, &ceilings->items[i]);
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(&buf, '\n');
  if (buf.failed) {
    assay_buf_deinit(&buf);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the ceilings' JSON");
  }
  *text = assay_buf_take(&buf);
  return ASSAY_OK;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------------ */

static assay_status expect_string(const json_t *object, const char *key, bool nullable, assay_error *err, const char **out) {
  const json_t *value = json_object_get(object, key);
  if (nullable && (value == NULL || json_is_null(value))) {
    *out = NULL;
    return ASSAY_OK;
  }
  if (!json_is_string(value)) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"%s\" should be a string", key);
  *out = json_string_value(value);
  return ASSAY_OK;
}

static assay_status expect_number(const json_t *object, const char *key, double low, assay_error *err, double *out) {
  const json_t *value = json_object_get(object, key);
  double number = json_is_number(value) ? json_number_value(value) : NAN;
  if (!isfinite(number) || number < low)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"%s\" should be a number of at least %g", key, low);
  *out = number;
  return ASSAY_OK;
}

static assay_status expect_integer(const json_t *object, const char *key, int64_t low, int64_t high, assay_error *err, int64_t *out) {
  const json_t *value = json_object_get(object, key);
  int64_t number = json_is_integer(value) ? json_integer_value(value) : low - 1;
  if (number < low || number > high)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"%s\" should be an integer from %lld to %lld", key, (long long)low,
                      (long long)high);
  *out = number;
  return ASSAY_OK;
}

static assay_status read_row(assay_ceilings *set, const json_t *object, assay_error *err) {
  assay_ceiling row = {0};
  const char *better = NULL;
  const json_t *available = json_object_get(object, "available");
  if (!json_is_boolean(available)) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"available\" should be true or false");
  row.available = json_is_true(available);
  assay_status status = expect_string(object, "name", false, err, &row.name);
  if (status == ASSAY_OK) status = expect_string(object, "unit", false, err, &row.unit);
  if (status == ASSAY_OK) status = expect_string(object, "better", false, err, &better);
  if (status == ASSAY_OK) status = expect_string(object, "detail", true, err, &row.detail);
  if (status == ASSAY_OK) status = expect_string(object, "cause", row.available, err, &row.cause);
  if (status == ASSAY_OK && row.available) {
    status = expect_number(object, "value", 0, err, &row.value);
    if (status == ASSAY_OK) status = expect_number(object, "typical", 0, err, &row.typical);
    if (status == ASSAY_OK) status = expect_number(object, "spread_ratio", 0, err, &row.spread_ratio);
    if (status == ASSAY_OK && row.value <= 0)
      status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: the value of %s should be above 0", row.name);
  }
  if (status != ASSAY_OK) return status;
  if (strcmp(better, "higher") != 0 && strcmp(better, "lower") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"better\" should be \"higher\" or \"lower\"");
  row.better = strcmp(better, "higher") == 0 ? ASSAY_HIGHER : ASSAY_LOWER;
  size_t length = strlen(row.name);
  if (length == 0 || length > NAME_MAX_BYTES)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: a name should have 1 to %d characters", NAME_MAX_BYTES);
  if (assay_ceilings_find(set, row.name) != NULL) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: %s is there twice", row.name);
  return assay_ceilings_add(set, &row, err);
}

static assay_status read_levels(assay_ceilings *set, const json_t *levels, assay_error *err) {
  if (!json_is_array(levels)) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"levels\" should be an array");
  size_t index;
  json_t *level;
  json_array_foreach(levels, index, level) {
    const char *name = NULL;
    int64_t size = 0;
    assay_status status = expect_string(level, "name", false, err, &name);
    if (status == ASSAY_OK) status = expect_integer(level, "size_bytes", 1, INT64_MAX, err, &size);
    if (status != ASSAY_OK) return status;
    unsigned at = 1;
    while (at <= 3 && strcmp(name, level_names[at]) != 0) at++;
    if (at > 3) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: a level should be \"l1\", \"l2\" or \"l3\"");
    set->level_bytes[at] = (uint64_t)size;
  }
  return ASSAY_OK;
}

static assay_status read_header(assay_ceilings *set, const json_t *root, assay_error *err) {
  const char *schema = NULL, *id = NULL, *kernel = NULL, *version = NULL, *microcode = NULL, *features = NULL, *cpus = NULL;
  assay_status status = expect_string(root, "schema", false, err, &schema);
  if (status != ASSAY_OK) return status;
  if (strncmp(schema, "assay-ceilings/", 15) != 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"schema\" should be \"" SCHEMA "\"");
  if (strcmp(schema, SCHEMA) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_VERSION, "the ceilings are of schema %.50s, this version reads " SCHEMA, schema);
  int64_t threads = 0, last_level = 0;
  const json_t *quick = json_object_get(root, "quick");
  if (!json_is_boolean(quick)) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"quick\" should be true or false");
  set->quick = json_is_true(quick);
  status = expect_integer(root, "method", 1, INT32_MAX, err, &set->method);
  if (status == ASSAY_OK) status = expect_integer(root, "measured_at_s", 0, INT64_MAX, err, &set->measured_at_s);
  if (status == ASSAY_OK) status = expect_integer(root, "threads", 1, 1 << 20, err, &threads);
  if (status == ASSAY_OK) status = expect_integer(root, "last_level_bytes", 0, INT64_MAX, err, &last_level);
  if (status == ASSAY_OK) status = expect_number(root, "took_s", 0, err, &set->took_s);
  if (status == ASSAY_OK) status = expect_string(root, "machine", true, err, &id);
  if (status == ASSAY_OK) status = expect_string(root, "kernel", true, err, &kernel);
  if (status == ASSAY_OK) status = expect_string(root, "microcode", true, err, &microcode);
  if (status == ASSAY_OK) status = expect_string(root, "features", true, err, &features);
  if (status == ASSAY_OK) status = expect_string(root, "cpus", true, err, &cpus);
  if (status == ASSAY_OK) status = expect_string(root, "assay", true, err, &version);
  if (status == ASSAY_OK) status = read_levels(set, json_object_get(root, "levels"), err);
  if (status != ASSAY_OK) return status;
  set->threads = (unsigned)threads;
  set->last_level_bytes = (uint64_t)last_level;
  set->machine_id = assay_arena_strdup(&set->arena, id);
  set->kernel = assay_arena_strdup(&set->arena, kernel);
  set->microcode = assay_arena_strdup(&set->arena, microcode);
  set->features = assay_arena_strdup(&set->arena, features);
  set->cpus = assay_arena_strdup(&set->arena, cpus);
  set->assay = assay_arena_strdup(&set->arena, version);
  return set->arena.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the ceilings") : ASSAY_OK;
}

assay_status assay_ceilings_from_json(const char *text, size_t length, assay_error *err, assay_ceilings **ceilings) {
  assay_ceilings *set = NULL;
  json_error_t at;
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &at);
  assay_status status = ASSAY_OK;
  if (root == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings:%d:%d: %s", at.line, at.column, at.text);
  else if (!json_is_object(root))
    status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: expected an object");
  else
    status = assay_ceilings_create(err, &set);
  if (status == ASSAY_OK) status = read_header(set, root, err);
  const json_t *rows = json_object_get(root, "ceilings");
  if (status == ASSAY_OK && (!json_is_array(rows) || json_array_size(rows) > ROWS_MAX))
    status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "ceilings: \"ceilings\" should be an array of at most %d", ROWS_MAX);
  for (size_t i = 0; status == ASSAY_OK && i < json_array_size(rows); i++) status = read_row(set, json_array_get(rows, i), err);
  json_decref(root);
  if (status == ASSAY_OK)
    *ceilings = set;
  else
    assay_ceilings_destroy(set);
  return status;
}

/* ---- The file ----------------------------------------------------------------------------------------------------------------- */

void assay_ceilings_identify(assay_ceilings *ceilings, const assay_machine *machine) {
  struct utsname system;
  ceilings->machine_id = assay_arena_strdup(&ceilings->arena, assay_machine_id(machine));
  ceilings->kernel =
      uname(&system) == 0 ? assay_arena_printf(&ceilings->arena, "%s %s %s", system.sysname, system.release, system.version) : NULL;
  ceilings->microcode = assay_arena_strdup(&ceilings->arena, assay_machine_get_text(machine, "cpu.microcode"));
  ceilings->features = assay_arena_strdup(&ceilings->arena, assay_machine_get_text(machine, "isa.features"));
  ceilings->cpus = assay_arena_strdup(&ceilings->arena, assay_machine_get_text(machine, "cpu.allowed"));
  ceilings->threads = assay_ceilings_threads(machine);
  ceilings->assay = ASSAY_VERSION;
}

/* Both unknown is the same: a system that never says is not asked to. */
static bool same(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

const char *assay_ceilings_stale(const assay_ceilings *read, const assay_ceilings *now) {
  if (read->machine_id == NULL || now->machine_id == NULL || strcmp(read->machine_id, now->machine_id) != 0)
    return "they are of another machine";
  if (read->kernel == NULL || now->kernel == NULL || strcmp(read->kernel, now->kernel) != 0)
    return "they were measured under another kernel";
  if (!same(read->microcode, now->microcode)) return "they were measured with another microcode";
  if (!same(read->features, now->features)) return "they were measured with other instruction sets";
  if (!same(read->cpus, now->cpus) || read->threads != now->threads) return "they were measured on other CPUs than this process may use";
  if (read->method != now->method || read->assay == NULL || strcmp(read->assay, now->assay) != 0)
    return "they were measured by another version of assay";
  return NULL;
}

static assay_status cache_path(const char *machine_id, assay_error *err, char **path) {
  char *dir = NULL;
  assay_status status = assay_os_cache_dir(err, &dir);
  if (status != ASSAY_OK) return status;
  assay_buf buf = {0};
  assay_buf_printf(&buf, "%s/ceilings-%s.json", dir, machine_id);
  assay_free(dir);
  if (buf.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *path = assay_buf_take(&buf);
  return ASSAY_OK;
}

assay_status assay_ceilings_cache_load(const assay_machine *machine, assay_error *err, assay_ceilings **ceilings) {
  char *path = NULL, *text = NULL;
  size_t length = 0;
  assay_ceilings *now = NULL, *read = NULL;
  assay_status status = cache_path(assay_machine_id(machine), err, &path);
  if (status == ASSAY_OK) status = assay_os_read_file(path, FILE_MAX, err, &text, &length);
  if (status == ASSAY_OK) status = assay_ceilings_from_json(text, length, err, &read);
  if (status == ASSAY_OK) status = assay_ceilings_create(err, &now);
  if (status == ASSAY_OK) {
    assay_ceilings_identify(now, machine);
    const char *why = assay_ceilings_stale(read, now);
    if (why != NULL) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %s", path, why);
  }
  if (status == ASSAY_OK) {
    *ceilings = read;
    read = NULL;
  }
  assay_ceilings_destroy(now);
  assay_ceilings_destroy(read);
  assay_free(text);
  assay_free(path);
  return status;
}

assay_status assay_ceilings_cache_store(const assay_ceilings *ceilings, assay_error *err) {
  char *path = NULL, *text = NULL;
  assay_status status = cache_path(ceilings->machine_id, err, &path);
  if (status == ASSAY_OK) status = assay_ceilings_to_json(ceilings, err, &text);
  if (status == ASSAY_OK) status = assay_os_write_file(path, text, strlen(text), err);
  assay_free(text);
  assay_free(path);
  return status;
}

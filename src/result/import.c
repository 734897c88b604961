/* SPDX-License-Identifier: MIT */
/* From files to one result: which format each is, reading it within limits, and one importer that all of them tell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "os/prim.h"
#include "result/import.h"
#include "result/import_look.h"
#include "result/storage.h"

/* In the order of recognition: those that say what they are first, the plain JSON of numbers last. */
static const assay_import_format *const formats[] = {
    /* the documents that say what they are */
    &assay_import_assay,
    &assay_import_google,
    &assay_import_pytest,
    &assay_import_hyperfine,
    &assay_import_pyperf,
    &assay_import_jmh,
    &assay_import_k6,
    &assay_import_asv,
    &assay_import_catch2,
    &assay_import_go,
    &assay_import_criterion,
    &assay_import_iai,
    /* names and numbers */
    &assay_import_baselines,
};
enum { FORMATS = sizeof formats / sizeof *formats, DEFAULT_LIMIT = 256 << 20 };

const char *const *assay_import_formats(void) {
  static const char *const names[] = {"assay", "google-benchmark", "pytest-benchmark", "hyperfine", "criterion", "jmh", "go", "catch2",
                                      "asv",   "pyperf",           "iai-callgrind",    "k6",        "baselines", NULL};
  return names;
}

static const assay_import_format *find_format(const char *name, assay_error *err) {
  for (size_t i = 0; i < FORMATS; i++)
    if (strcmp(formats[i]->name, name) == 0) return formats[i];
  const char *nearest = assay_nearest_word(name, assay_import_formats());
  assay_buf known = {0};
  for (size_t i = 0; i < FORMATS; i++) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", formats[i]->name);
  ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no format \"%.60s\"%s%s%s; there are %s", name, nearest != NULL ? ", did you mean \"" : "",
             nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "", known.data);
  assay_buf_deinit(&known);
  return NULL;
}

/* ---- Which format ------------------------------------------------------------------------------------------------------------------ */

static const assay_import_format *recognise_text(const char *text, size_t length) {
  if (length > ASSAY_IMPORT_LOOK_BYTES) length = ASSAY_IMPORT_LOOK_BYTES;
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, length -= 3;
  assay_import_look look = {.text = text, .length = length};
  size_t blanks = strspn(text, " \t\r\n");
  look.is_json = blanks < length && (text[blanks] == '{' || text[blanks] == '[');
  assay_buf keys = {0};
  if (look.is_json) assay_import_look_keys(text, length, &keys);
  look.keys = keys.data != NULL ? keys.data : "";
  const assay_import_format *found = NULL;
  for (size_t i = 0; i < FORMATS && found == NULL; i++)
    if (formats[i]->looks != NULL && formats[i]->looks(&look)) found = formats[i];
  assay_buf_deinit(&keys);
  return found;
}

static const assay_import_format *recognise_directory(const char *path) {
  for (size_t i = 0; i < FORMATS; i++)
    if (formats[i]->looks_directory != NULL && formats[i]->looks_directory(path)) return formats[i];
  return NULL;
}

static assay_status fail_unknown(const char *path, assay_error *err) {
  assay_buf known = {0};
  for (size_t i = 0; i < FORMATS; i++) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", formats[i]->name);
  assay_status status =
      ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s looks like none of the formats known here (%s); name its format where it is one (--from)", path,
                 known.data);
  assay_buf_deinit(&known);
  return status;
}

static assay_status fail_text(const char *name, const char *text, size_t length, assay_error *err) {
  if (length == 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is empty", name);
  if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s is UTF-16 text, as PowerShell's > writes it: convert it to UTF-8, or let the tool write its file", name);
  return fail_unknown(name, err);
}

static bool is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *assay_import_recognise(const char *path, assay_error *err) {
  struct stat info;
  const assay_import_format *found = NULL;
  if (strcmp(path, "-") == 0) {
    ASSAY_FAIL(err, ASSAY_ERR_INVALID, "standard input cannot be looked at before it is read: name its format (--from)");
    return NULL;
  }
  if (stat(path, &info) != 0) {
    ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
    return NULL;
  }
  if (S_ISDIR(info.st_mode)) {
    found = recognise_directory(path);
  } else if (S_ISREG(info.st_mode)) {
    FILE *file = fopen(path, "re");
    char *text = file == NULL ? NULL : assay_alloc(ASSAY_TAG_RESULT, ASSAY_IMPORT_LOOK_BYTES + 1);
    if (text == NULL) {
      ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", path);
      if (file != NULL) fclose(file);
      return NULL;
    }
    size_t length = fread(text, 1, ASSAY_IMPORT_LOOK_BYTES, file);
    text[length] = '\0';
    fclose(file);
    found = recognise_text(text, length);
    assay_free(text);
  } else {
    ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is no file: it cannot be looked at before it is read, name its format (--from)", path);
    return NULL;
  }
  if (found != NULL) return found->name;
  fail_unknown(path, err);
  return NULL;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------------------------- */

static assay_status set_limit(assay_importer *in, assay_error *err) {
  const char *said = getenv("ASSAY_IMPORT_LIMIT");
  uint64_t limit = DEFAULT_LIMIT;
  if (said != NULL && said[0] != '\0' && (!assay_parse_u64(said, &limit) || limit == 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_IMPORT_LIMIT is \"%.60s\"; it is to be a number of bytes", said);
  in->limit = limit;
  return ASSAY_OK;
}

typedef struct source_names {
  assay_buf text;
  const char *last;
} source_names;

static void add_source(source_names *sources, const char *name) {
  if (sources->last != NULL && strcmp(sources->last, name) == 0) return;
  assay_buf_printf(&sources->text, "%s%s", sources->text.length > 0 ? ", " : "", name);
  sources->last = name;
}

static void read_json(assay_importer *in, const assay_import_format *format, const char *text, size_t length) {
  json_t *root = assay_import_parse(in, text, length);
  if (root != NULL) format->read_json(in, root);
  json_decref(root);
}

static void read_document(assay_importer *in, const char *text, size_t length, const assay_import_format *format, uint64_t *id,
                          source_names *sources) {
  if (format == NULL) format = recognise_text(text, length);
  *id = assay_hash(*id, text, length);
  if (format == NULL)
    in->status = fail_text(in->file, text, length, in->err);
  else if (format->read_json != NULL)
    read_json(in, format, text, length);
  else if (format->read_text != NULL)
    format->read_text(in, text, length);
  else
    in->status = ASSAY_FAIL(in->err, ASSAY_ERR_INVALID, "%s is a file, and results of %s are a directory", in->file, format->name);
  if (format != NULL) add_source(sources, format->name);
}

/* The same bytes a second time are no second process: values that agree to the last digit would make a comparison sure of itself. */
static bool is_copy(assay_importer *in, const char *text, size_t length) {
  const char *first = assay_import_content(in, text, length);
  if (first == NULL) return false;
  assay_import_note(in, "%s: it is the same as %s, byte for byte", in->file, first);
  return true;
}

static void read_file(assay_importer *in, const char *path, const assay_import_format *format, uint64_t *id, source_names *sources) {
  size_t length = 0;
  char *text = assay_import_load(in, path, &length);
  if (text != NULL && !is_copy(in, text, length)) read_document(in, text, length, format, id, sources);
  assay_free(text);
}

static void read_directory(assay_importer *in, const char *path, const assay_import_format *format, uint64_t *id, source_names *sources) {
  if (format == NULL) format = recognise_directory(path);
  in->file = assay_arena_strdup(&in->scratch, path);
  if (in->file == NULL) in->file = "a directory";
  if (format == NULL) {
    in->status = fail_unknown(path, in->err);
    return;
  }
  if (format->read_directory == NULL) {
    in->status = ASSAY_FAIL(in->err, ASSAY_ERR_INVALID, "%s is a directory, and results of %s are a file", path, format->name);
    return;
  }
  in->loaded = *id;
  in->loaded_at_s = INT64_MAX;
  format->read_directory(in, path);
  add_source(sources, format->name);
  *id = in->loaded;
}

static int64_t changed_at(const char *path) {
  struct stat info;
  return strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_mtime > 0 ? (int64_t)info.st_mtime
                                                                                                        : assay_os_wall_s();
}

static void finish(assay_importer *in, uint64_t id, source_names *sources, int64_t at_s, assay_result **result) {
  char hex[17];
  snprintf(hex, sizeof hex, "%016llx", (unsigned long long)id);
  assay_importer_finish(in, sources->text.data != NULL ? sources->text.data : "", hex, at_s, result);
  assay_buf_deinit(&sources->text);
}

static void read_all(assay_importer *in, const char *const *paths, size_t count, const assay_import_format *format, assay_result **result) {
  uint64_t id = ASSAY_HASH_START;
  int64_t at_s = INT64_MAX;
  source_names sources = {0};
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    in->path_length = 0;
    bool is_folder = is_directory(paths[i]);
    if (is_folder)
      read_directory(in, paths[i], format, &id, &sources);
    else
      read_file(in, paths[i], format, &id, &sources);
    int64_t changed_at_s = is_folder && in->loaded_at_s != INT64_MAX ? in->loaded_at_s : changed_at(paths[i]);
    if (changed_at_s < at_s) at_s = changed_at_s;
    in->path_length = 0;
    in->invocation++;
  }
  finish(in, id, &sources, at_s, result);
}

/* An importer for `from`, with its limit. */
static assay_status begin(assay_importer *in, const char *from, assay_error *err, const assay_import_format **format) {
  *format = NULL;
  if (from != NULL && (*format = find_format(from, err)) == NULL) return ASSAY_ERR_INVALID;
  assay_status status = assay_importer_init(in, err);
  if (status == ASSAY_OK) status = set_limit(in, err);
  if (status != ASSAY_OK) assay_importer_deinit(in);
  return status;
}

assay_status assay_import(const char *const *paths, size_t count, const char *from, assay_error *err, assay_result **result) {
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no file to import");
  const assay_import_format *format = NULL;
  assay_importer in = {0};
  assay_status status = begin(&in, from, err, &format);
  if (status != ASSAY_OK) return status;
  in.file_count = count;
  read_all(&in, paths, count, format, result);
  status = in.status;
  assay_importer_deinit(&in);
  return status;
}

assay_status assay_import_memory(const char *name, const char *text, size_t length, const char *from, assay_error *err,
                                 assay_result **result) {
  const assay_import_format *format = NULL;
  assay_importer in = {0};
  source_names sources = {0};
  uint64_t id = ASSAY_HASH_START;
  assay_status status = begin(&in, from, err, &format);
  if (status != ASSAY_OK) return status;
  in.file = name;
  in.file_count = 1;
  read_document(&in, text, length, format, &id, &sources);
  in.path_length = 0;
  finish(&in, id, &sources, assay_os_wall_s(), result);
  status = in.status;
  assay_importer_deinit(&in);
  return status;
}

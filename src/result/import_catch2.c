/* SPDX-License-Identifier: MIT */
/*
 * What Catch2 writes with `-r xml` (2.x: <Catch>, 3.x: <Catch2TestRun>). Of a benchmark it gives the mean of its samples and bounds of it,
 * never the samples, so each is one figure. All figures are nanoseconds. A test case is a suite; sections are a part of the name.
 *
 * The document is read as a stream of events. A document type is refused, and with it every entity of its own: what Catch2 writes has none,
 * and they can make a small file take any amount of memory.
 */
#include <expat.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "result/import_lines.h"
#include "result/import_rows.h"

enum { MAX_DEPTH = 100, CHUNK = 1 << 20 };

typedef struct catch_reader {
  assay_importer *in;
  XML_Parser parser;
  assay_arena arena; /* names of what is open */
  int depth;
  struct {
    char name[24]; /* of the element, cut: only known ones are compared */
    const char *section;
  } open[MAX_DEPTH];
  const char *test_case;
  bool test_case_failed;
  char why[300];           /* the first check of the test case that failed */
  assay_imported *current; /* the benchmark that is open */
  bool has_figures;
  double mean, samples;
  assay_summary stats;
} catch_reader;

/* ---- Small parts -------------------------------------------------------------------------------------------------------------- */

static void mistake(catch_reader *r, const char *what) {
  assay_import_mistake_line(r->in, XML_GetCurrentLineNumber(r->parser), "column %lu: %s",
                            (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1, what);
}

static const char *attribute(const XML_Char **attributes, const char *name) {
  for (size_t i = 0; attributes[i] != NULL; i += 2)
    if (strcmp(attributes[i], name) == 0) return attributes[i + 1];
  return NULL;
}

static double number(catch_reader *r, const char *element, const XML_Char **attributes, const char *name) {
  char what[200];
  double value = NAN;
  const char *text = attribute(attributes, name);
  if (text != NULL && assay_text_number(text, false, &value)) return value;
  if (text == NULL)
    snprintf(what, sizeof what, "<%s> has no attribute \"%s\"", element, name);
  else
    snprintf(what, sizeof what, "<%s %s=\"%.60s\">: expected a number", element, name, text);
  mistake(r, what);
  return NAN;
}

static bool is_inside(const catch_reader *r, const char *name) {
  for (int i = 0; i < r->depth; i++)
    if (strcmp(r->open[i].name, name) == 0) return true;
  return false;
}

/* ---- Benchmarks --------------------------------------------------------------------------------------------------------------- */

static void tell_fact(catch_reader *r, const XML_Char **attributes, const char *name) {
  double value = 0;
  const char *text = attribute(attributes, name);
  if (text == NULL || !assay_text_number(text, false, &value)) return;
  json_t *fact = assay_text_is_count(text) && value < 0x1p53 ? json_integer((json_int_t)value) : json_real(value);
  assay_import_benchmark_fact(r->in, r->current, name, fact);
  json_decref(fact);
}

static void open_benchmark(catch_reader *r, const XML_Char **attributes) {
  static const char *const facts[] = {"samples", "resamples", "iterations", "clockResolution", "estimatedDuration"};
  const char *name = attribute(attributes, "name");
  if (name == NULL || r->test_case == NULL) {
    mistake(r, name == NULL ? "<BenchmarkResults> has no attribute \"name\"" : "<BenchmarkResults> outside of a <TestCase>");
    return;
  }
  assay_buf full = {0};
  for (int i = 0; i < r->depth; i++)
    if (r->open[i].section != NULL) assay_buf_printf(&full, "%s/", r->open[i].section);
  assay_buf_puts(&full, name);
  if (!full.failed) r->current = assay_import_benchmark(r->in, r->test_case, name, NULL, 0, full.data);
  assay_buf_deinit(&full);
  r->has_figures = false;
  r->stats = assay_import_no_summary();
  r->samples = 0;
  for (size_t i = 0; r->current != NULL && i < sizeof facts / sizeof *facts; i++) tell_fact(r, attributes, facts[i]);
  if (attribute(attributes, "samples") != NULL) r->samples = number(r, "BenchmarkResults", attributes, "samples");
}

static void read_mean(catch_reader *r, const XML_Char **attributes) {
  r->mean = r->stats.mean = number(r, "mean", attributes, "value");
  double low = number(r, "mean", attributes, "lowerBound"), high = number(r, "mean", attributes, "upperBound");
  double level = number(r, "mean", attributes, "ci");
  if (!assay_import_ok(r->in)) return;
  if (r->mean < 0 || low > high) {
    mistake(r, r->mean < 0 ? "<mean value>: a time below zero" : "<mean>: lowerBound is above upperBound");
    return;
  }
  if (level == 0.95) { /* the level that Assay's own intervals have */
    r->stats.ci_low = low;
    r->stats.ci_high = high;
  }
  r->has_figures = true;
}

static void read_outliers(catch_reader *r, const XML_Char **attributes) {
  for (size_t i = 0; attributes[i] != NULL; i += 2) {
    char name[60];
    double value = 0;
    if (!assay_text_number(attributes[i + 1], false, &value)) continue;
    json_t *fact = json_real(value);
    snprintf(name, sizeof name, "outliers.%.40s", attributes[i]);
    assay_import_benchmark_fact(r->in, r->current, name, fact);
    json_decref(fact);
  }
}

static void read_inside_benchmark(catch_reader *r, const char *element, const XML_Char **attributes) {
  if (strcmp(element, "mean") == 0) read_mean(r, attributes);
  if (strcmp(element, "standardDeviation") == 0) r->stats.stddev = number(r, element, attributes, "value");
  if (strcmp(element, "outliers") == 0) read_outliers(r, attributes);
  if (strcmp(element, "failed") == 0) {
    const char *message = attribute(attributes, "message");
    assay_import_outcome(r->in, r->current, ASSAY_OUTCOME_FAILED, message != NULL ? message : "it threw an exception");
    r->has_figures = false;
  }
}

static void close_benchmark(catch_reader *r) {
  if (r->samples >= 0 && r->samples <= 0x1p53) r->stats.samples = (size_t)r->samples;
  if (r->has_figures)
    assay_import_summary(r->in, r->current, &assay_import_time, r->mean, &r->stats);
  else
    assay_import_outcome(r->in, r->current, ASSAY_OUTCOME_FAILED, "it ended without figures");
  r->current = NULL;
}

/* ---- Test cases --------------------------------------------------------------------------------------------------------------- */

static void open_test_case(catch_reader *r, const XML_Char **attributes) {
  const char *name = attribute(attributes, "name");
  r->test_case = assay_arena_strdup(&r->arena, name != NULL ? name : "");
  r->test_case_failed = false;
  r->why[0] = '\0';
}

static void note_failure(catch_reader *r, const char *element, const XML_Char **attributes) {
  const char *success = attribute(attributes, "success"), *file = attribute(attributes, "filename"), *line = attribute(attributes, "line");
  bool is_check = strcmp(element, "Expression") == 0 && success != NULL && strcmp(success, "false") == 0;
  if (!is_check && strcmp(element, "Exception") != 0 && strcmp(element, "FatalErrorCondition") != 0 && strcmp(element, "Failure") != 0)
    return;
  if (r->why[0] != '\0') return;
  snprintf(r->why, sizeof r->why, "%s at %.150s:%.20s",
           is_check                          ? "a check failed"
           : strcmp(element, "Failure") == 0 ? "it failed"
                                             : "it threw an exception",
           file != NULL ? file : "?", line != NULL ? line : "?");
}

static void close_test_case(catch_reader *r) {
  if (r->test_case != NULL && r->test_case_failed)
    assay_import_suite(r->in, r->test_case, ASSAY_OUTCOME_FAILED, r->why[0] != '\0' ? r->why : "a check failed");
  r->test_case = NULL;
}

static void open_root(catch_reader *r, const char *element, const XML_Char **attributes) {
  if (strcmp(element, "Catch") != 0 && strcmp(element, "Catch2TestRun") != 0) {
    mistake(r, "not what Catch2 writes: the first element is neither <Catch> nor <Catch2TestRun>");
    return;
  }
  assay_import_fact(r->in, "program", attribute(attributes, "name"));
  assay_import_fact(r->in, "rng_seed", attribute(attributes, "rng-seed"));
  assay_import_fact(r->in, "filters", attribute(attributes, "filters"));
  const char *version = attribute(attributes, "catch2-version");
  if (version != NULL) assay_import_tool_version(r->in, version);
}

/* ---- Events ------------------------------------------------------------------------------------------------------------------- */

static void XMLCALL on_start(void *user, const XML_Char *element, const XML_Char **attributes) {
  catch_reader *r = user;
  if (!assay_import_ok(r->in)) return;
  if (r->depth == MAX_DEPTH) {
    mistake(r, "more than 100 elements inside each other");
    XML_StopParser(r->parser, XML_FALSE);
    return;
  }
  const char *section = NULL;
  if (r->depth == 0)
    open_root(r, element, attributes);
  else if (strcmp(element, "TestCase") == 0)
    open_test_case(r, attributes);
  else if (strcmp(element, "Section") == 0)
    section = assay_arena_strdup(&r->arena, attribute(attributes, "name"));
  else if (r->current != NULL)
    read_inside_benchmark(r, element, attributes);
  else if (strcmp(element, "BenchmarkResults") == 0)
    open_benchmark(r, attributes);
  else if (strcmp(element, "OverallResult") == 0 && is_inside(r, "TestCase"))
    r->test_case_failed |= attribute(attributes, "success") != NULL && strcmp(attribute(attributes, "success"), "false") == 0;
  else if (r->test_case != NULL)
    note_failure(r, element, attributes);
  snprintf(r->open[r->depth].name, sizeof r->open[r->depth].name, "%.20s", element);
  r->open[r->depth++].section = section;
  if (!assay_import_ok(r->in)) XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_end(void *user, const XML_Char *element) {
  catch_reader *r = user;
  if (!assay_import_ok(r->in) || r->depth == 0) return;
  r->depth--;
  if (strcmp(element, "BenchmarkResults") == 0 && r->current != NULL) close_benchmark(r);
  if (strcmp(element, "TestCase") == 0) close_test_case(r);
  if (!assay_import_ok(r->in)) XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has_subset) {
  (void)name, (void)system, (void)public, (void)has_subset;
  catch_reader *r = user;
  mistake(r, "a document type (<!DOCTYPE>), which Catch2 never writes: entities are refused");
  XML_StopParser(r->parser, XML_FALSE);
}

static void parse(catch_reader *r, const char *text, size_t length) {
  for (size_t at = 0; assay_import_ok(r->in);) {
    size_t chunk = length - at < CHUNK ? length - at : CHUNK;
    bool is_last = at + chunk == length;
    if (XML_Parse(r->parser, text + at, (int)chunk, is_last) != XML_STATUS_OK) {
      char what[200];
      snprintf(what, sizeof what, "not well-formed XML: %s%s", XML_ErrorString(XML_GetErrorCode(r->parser)),
               is_last && r->depth > 0 && XML_GetCurrentByteIndex(r->parser) + 1 >= (XML_Index)length ? " (is the file cut off?)" : "");
      mistake(r, what); /* unless a mistake of our own stopped it, which is the first then */
      return;
    }
    at += chunk;
    if (is_last) return;
  }
}

static void read_catch2(assay_importer *in, const char *text, size_t length) {
  catch_reader *r = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *r);
  XML_Parser parser = r == NULL ? NULL : XML_ParserCreate(NULL);
  if (parser == NULL) {
    assay_import_mistake(in, "", "out of memory");
    assay_free(r);
    return;
  }
  *r = (catch_reader){.in = in, .parser = parser};
  assay_arena_init(&r->arena, ASSAY_TAG_RESULT);
  XML_SetUserData(parser, r);
  XML_SetElementHandler(parser, on_start, on_end);
  XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  parse(r, text, length);
  if (r->arena.failed) assay_import_mistake(in, "", "out of memory");
  XML_ParserFree(parser);
  assay_arena_deinit(&r->arena);
  assay_free(r);
}

static bool looks_catch2(const assay_import_look *look) {
  return strstr(look->text, "<Catch2TestRun") != NULL ||
         (strstr(look->text, "<Catch ") != NULL && look->text[strspn(look->text, "\xef\xbb\xbf \t\r\n")] == '<');
}

const assay_import_format assay_import_catch2 = {
    .name = "catch2", .what = "what Catch2 writes with \"-r xml\"", .looks = looks_catch2, .read_text = read_catch2};

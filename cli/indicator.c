/* SPDX-License-Identifier: MIT */
/* assay indicator: technical indicators of the series in a table. */
#include <assay/indicators.h>

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/table.h"

typedef struct indicator_settings {
  assay_cli_words parameters;
  double period, fast, slow, signal, deviations;
  const char *column, *high, *low, *volume, *by;
  bool json, list;
} indicator_settings;

#define AT(field) .at = offsetof(indicator_settings, field)

typedef struct job {
  assay_cli *cli;
  const indicator_settings *settings;
  const assay_indicator *indicator;
  double parameters[ASSAY_INDICATOR_MAX_PARAMETERS];
  size_t warmup[ASSAY_INDICATOR_MAX_OUTPUTS];
  assay_cli_table table;
  const double *inputs[ASSAY_INDICATOR_INPUTS]; /* a number a row of the table */
  size_t by;                                    /* column that names the series */
  assay_cli_times times;
  bool back; /* the rows of a series go back in time */
  size_t series, too_short;
  const char *first_short;
  double *outputs[ASSAY_INDICATOR_MAX_OUTPUTS]; /* a number a row of the table */
} job;

/* ---- Which, and with what ------------------------------------------------------------------------------------------------------------ */

static assay_status find_indicator(job *j, assay_error *err) {
  const char *word = j->cli->operands[0];
  j->indicator = assay_indicator_find(word);
  if (j->indicator != NULL) return ASSAY_OK;
  const char *nearest = assay_indicator_suggest(word);
  if (nearest != NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no indicator '%s'; did you mean '%s'?", word, nearest);
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no indicator '%s' (`indicator --list` shows them)", word);
}

static assay_status no_parameter(const job *j, const char *name, assay_error *err) {
  assay_buf known = {0};
  for (size_t i = 0; i < j->indicator->parameter_count; i++)
    assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", j->indicator->parameters[i].name);
  assay_status status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no parameter '%s' (it has %s)", j->indicator->name, name,
                                   known.data != NULL ? known.data : "none");
  assay_buf_deinit(&known);
  return status;
}

static assay_status set_parameter(job *j, const char *name, double value, assay_error *err) {
  int at = assay_indicator_parameter_at(j->indicator, name);
  if (at < 0) return no_parameter(j, name, err);
  j->parameters[at] = value;
  return ASSAY_OK;
}

/* The usual ones have options of their own, all of them --set NAME=VALUE. */
static assay_status read_parameters(job *j, assay_error *err) {
  const indicator_settings *s = j->settings;
  const struct {
    const char *name;
    double value;
  } usual[] = {{"period", s->period}, {"fast", s->fast}, {"slow", s->slow}, {"signal", s->signal}, {"deviations", s->deviations}};
  assay_status status = ASSAY_OK;
  assay_indicator_defaults(j->indicator, j->parameters);
  for (size_t i = 0; i < sizeof usual / sizeof *usual && status == ASSAY_OK; i++)
    if (usual[i].value != 0) status = set_parameter(j, usual[i].name, usual[i].value, err);
  for (size_t i = 0; i < s->parameters.count && status == ASSAY_OK; i++) {
    const char *word = s->parameters.items[i], *equals = strchr(word, '=');
    double value = 0;
    if (equals == NULL || !assay_parse_f64(equals + 1, &value))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--set needs NAME=NUMBER, such as period=14, not '%s'", word);
    const char *name = assay_arena_strndup(&j->cli->arena, word, (size_t)(equals - word));
    if (name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
    status = set_parameter(j, name, value, err);
  }
  return status == ASSAY_OK ? assay_indicator_warmup(j->indicator, j->parameters, err, j->warmup) : status;
}

/* ---- The table ----------------------------------------------------------------------------------------------------------------------- */

/* The column of an input: as the user says, else the one of its name; a close may also be the only column of numbers, or "price". */
static assay_status find_input(const job *j, assay_indicator_input input, assay_error *err, size_t *column) {
  static const uint32_t roles[] = {ASSAY_COLUMN_BIT(ASSAY_COLUMN_HIGH), ASSAY_COLUMN_BIT(ASSAY_COLUMN_LOW), ASSAY_COLUMNS_OF_CLOSE,
                                   ASSAY_COLUMN_BIT(ASSAY_COLUMN_QUANTITY)};
  const char *const given[] = {j->settings->high, j->settings->low, j->settings->column, j->settings->volume};
  size_t numeric = 0, found = 0;
  if (given[input] != NULL) return assay_cli_table_column(&j->table, given[input], err, column);
  if (assay_cli_table_finds(&j->table, roles[input], column)) return ASSAY_OK;
  size_t volume = SIZE_MAX;
  assay_cli_table_finds(&j->table, ASSAY_COLUMN_BIT(ASSAY_COLUMN_QUANTITY), &volume);
  for (size_t c = 0; c < j->table.columns && input == ASSAY_INDICATOR_CLOSE; c++) {
    if (c == volume || (j->times.known && c == j->times.column) || !assay_cli_table_is_numeric(&j->table, c)) continue;
    found = c;
    numeric++;
  }
  *column = found;
  if (numeric == 1) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s needs %s, and %s has no column of that name: --%s says which it is", j->indicator->name,
                    assay_indicator_input_text(input), j->table.source,
                    input == ASSAY_INDICATOR_CLOSE ? "column" : assay_indicator_input_text(input));
}

/* What no market has: columns that were taken for each other, or a slip. NULL: it is sound. A gap has no order. */
static const char *wrong_row(const job *j, size_t i) {
  const double *high = j->inputs[ASSAY_INDICATOR_HIGH], *low = j->inputs[ASSAY_INDICATOR_LOW], *close = j->inputs[ASSAY_INDICATOR_CLOSE],
               *volume = j->inputs[ASSAY_INDICATOR_VOLUME];
  if (high != NULL && low != NULL && high[i] < low[i]) return "the high lies below the low";
  if (high != NULL && close != NULL && close[i] > high[i]) return "the close lies above the high";
  if (low != NULL && close != NULL && close[i] < low[i]) return "the close lies below the low";
  return volume != NULL && volume[i] < 0 ? "the volume is below 0" : NULL;
}

static void tell_wrong_rows(const job *j) {
  size_t count = 0, first = 0;
  for (size_t i = 0; i < j->table.rows; i++)
    if (wrong_row(j, i) != NULL && count++ == 0) first = i;
  if (count == 1) assay_cli_note(j->cli, "%s:%zu: %s", j->table.source, j->table.lines[first], wrong_row(j, first));
  if (count > 1)
    assay_cli_note(j->cli, "%s:%zu: %s, and %zu other rows are no better: are the columns taken for each other (--high, --low, --column)?",
                   j->table.source, j->table.lines[first], wrong_row(j, first), count - 1);
}

static assay_status read_table(job *j, assay_error *err) {
  assay_status status = assay_cli_table_read(j->cli, j->cli->operand_count > 1 ? j->cli->operands[1] : "-", err, &j->table);
  if (status == ASSAY_OK && j->table.shape != NULL)
    assay_cli_note(j->cli, "%s has no line of names and was read as %s", j->table.source, j->table.shape);
  if (status == ASSAY_OK && j->settings->by == NULL) status = assay_cli_table_is_of_one(&j->table, err);
  if (status == ASSAY_OK && j->settings->by != NULL) status = assay_cli_table_column(&j->table, j->settings->by, err, &j->by);
  if (status == ASSAY_OK)
    status = assay_cli_table_times_by(j->cli, &j->table, NULL, j->settings->by != NULL ? j->by : SIZE_MAX, err, &j->times);
  for (size_t i = 0; i < j->indicator->input_count && status == ASSAY_OK; i++) {
    assay_indicator_input input = j->indicator->inputs[i];
    size_t column = 0;
    double *numbers = NULL;
    status = find_input(j, input, err, &column);
    if (status == ASSAY_OK) status = assay_cli_table_numbers(j->cli, &j->table, column, true, err, &numbers);
    j->inputs[input] = numbers;
  }
  if (status == ASSAY_OK) tell_wrong_rows(j);
  for (size_t k = 0; k < j->indicator->output_count && status == ASSAY_OK; k++) {
    j->outputs[k] = assay_arena_alloc(&j->cli->arena, j->table.rows + 1, sizeof **j->outputs);
    if (j->outputs[k] == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->table.source);
    for (size_t i = 0; i < j->table.rows && status == ASSAY_OK; i++) j->outputs[k][i] = NAN;
  }
  return status;
}

/* ---- The work ------------------------------------------------------------------------------------------------------------------------ */

static const char *series_at(const job *j, size_t row) {
  return j->settings->by == NULL ? "" : j->table.cells[row * j->table.columns + j->by];
}

/* A stream takes the rows of a series one after the other, from the last one up where they go back in time. */
static assay_status run_rows(job *j, const size_t *rows, size_t count, const char *name, assay_error *err) {
  assay_indicator_stream *stream = NULL;
  size_t least = SIZE_MAX;
  bool back = false;
  assay_status status = assay_cli_times_direction(&j->table, &j->times, j->settings->by != NULL ? rows : NULL, count, err, &back);
  if (status == ASSAY_OK) status = assay_indicator_stream_create(j->indicator, j->parameters, err, &stream);
  if (back && !j->back)
    assay_cli_note(j->cli, "the rows of %s go back in time (column '%s'): worked out from the last row up", j->table.source,
                   j->table.names[j->times.column]);
  j->back = j->back || back;
  for (size_t n = 0; n < count && status == ASSAY_OK; n++) {
    double in[ASSAY_INDICATOR_INPUTS], out[ASSAY_INDICATOR_MAX_OUTPUTS];
    size_t i = rows[back ? count - 1 - n : n];
    for (size_t k = 0; k < j->indicator->input_count; k++) in[k] = j->inputs[j->indicator->inputs[k]][i];
    assay_indicator_stream_update(stream, in, out);
    for (size_t k = 0; k < j->indicator->output_count; k++) j->outputs[k][i] = out[k];
  }
  assay_indicator_stream_destroy(stream);
  for (size_t k = 0; k < j->indicator->output_count; k++) least = j->warmup[k] < least ? j->warmup[k] : least;
  j->series++;
  if (count <= least && j->too_short++ == 0) j->first_short = name;
  if (status == ASSAY_OK && count <= least && j->settings->by == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s%s%s has %zu rows, and %s has its first value after %zu", j->table.source,
                        name[0] != '\0' ? ": " : "", name, count, j->indicator->name, least + 1);
  return status;
}

/* A series is the rows that have the same word in the column --by, wherever they stand: brought together by its place among the words. */
static assay_status run_all(job *j, assay_error *err) {
  const size_t count = j->table.rows;
  size_t *rows = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *rows);
  size_t *ends = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *ends);
  size_t *places = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *places);
  if (rows == NULL || ends == NULL || places == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", j->table.source);
  assay_cli_places words;
  assay_status status = assay_cli_places_begin(j->cli, count, err, &words);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < count; i++) places[i] = assay_cli_place_of(&words, series_at(j, i));
  memset(ends, 0, (count + 1) * sizeof *ends);
  for (size_t i = 0; i < count; i++) ends[places[i] + 1]++;
  for (size_t s = 0; s < words.count; s++) ends[s + 1] += ends[s];
  /* ends[s] is where series s begins, and moves on to where it ends. */
  for (size_t i = 0; i < count; i++) rows[ends[places[i]]++] = i;
  for (size_t s = 0, begin = 0; s < words.count && status == ASSAY_OK; begin = ends[s++])
    status = run_rows(j, rows + begin, ends[s] - begin, words.items[s], err);
  if (status != ASSAY_OK || j->too_short == 0) return status;
  if (j->too_short == j->series)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: all %zu series are too short for a value of %s", j->table.source, j->series,
                      j->indicator->name);
  assay_cli_note(j->cli, "%zu of %zu series of %s are too short for a value of %s, '%s' is the first", j->too_short, j->series,
                 j->table.source, j->indicator->name, j->first_short);
  return ASSAY_OK;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------------------------- */

/* The table as it was, with the outputs behind it; a name that is there already gets the indicator's in front. */
static void put_csv(const job *j, assay_buf *out) {
  const assay_cli_table *t = &j->table;
  for (size_t c = 0; c < t->columns; c++) {
    if (c > 0) assay_buf_putc(out, t->separator);
    assay_cli_put_cell(out, t->names[c], t->separator);
  }
  for (size_t k = 0; k < j->indicator->output_count; k++) {
    const char *const name[] = {j->indicator->outputs[k], NULL};
    size_t taken;
    assay_buf_putc(out, t->separator);
    if (assay_cli_table_has(t, name, &taken)) assay_buf_printf(out, "%s_", j->indicator->name);
    assay_buf_puts(out, j->indicator->outputs[k]);
  }
  assay_buf_putc(out, '\n');
  for (size_t i = 0; i < t->rows; i++) {
    for (size_t c = 0; c < t->columns; c++) {
      if (c > 0) assay_buf_putc(out, t->separator);
      assay_cli_put_cell(out, t->cells[i * t->columns + c], t->separator);
    }
    for (size_t k = 0; k < j->indicator->output_count; k++) {
      assay_buf_putc(out, t->separator);
      assay_cli_put_number_cell(out, j->outputs[k][i]);
    }
    assay_buf_putc(out, '\n');
  }
}

/* Where the first output crosses the levels that the indicator has for it. */
static assay_status put_crossings(const job *j, assay_json *json) {
  int high = assay_indicator_parameter_at(j->indicator, "overbought"), low = assay_indicator_parameter_at(j->indicator, "oversold");
  if (high < 0 || low < 0 || j->settings->by != NULL) return ASSAY_OK;
  size_t last = j->table.rows - 1;
  double *values = assay_arena_alloc(&j->cli->arena, j->table.rows, sizeof *values);
  if (values == NULL) return ASSAY_ERR_NO_MEMORY;
  for (size_t i = 0; i <= last; i++) values[i] = j->outputs[0][j->back ? last - i : i];
  size_t count = assay_indicator_crossings(values, j->table.rows, j->parameters[low], j->parameters[high], 0, NULL);
  assay_indicator_crossing *found = assay_arena_alloc(&j->cli->arena, count + 1, sizeof *found);
  if (found == NULL) return ASSAY_ERR_NO_MEMORY;
  assay_indicator_crossings(values, j->table.rows, j->parameters[low], j->parameters[high], count, found);
  assay_json_key(json, "crossings");
  assay_json_array(json);
  for (size_t i = 0; i < count; i++) {
    assay_json_object_inline(json);
    assay_json_put_uint(json, "row", j->back ? last - found[i].row : found[i].row);
    assay_json_put_string(json, "event", assay_indicator_event_text(found[i].event));
    assay_json_end(json);
  }
  assay_json_end(json);
  return ASSAY_OK;
}

static assay_status put_json(const job *j, assay_buf *out) {
  const assay_indicator *indicator = j->indicator;
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-indicator/1");
  assay_json_put_string(&json, "indicator", indicator->name);
  assay_json_put_string(&json, "title", indicator->title);
  assay_json_put_string(&json, "source", j->table.source);
  assay_json_key(&json, "parameters");
  assay_json_object_inline(&json);
  for (size_t i = 0; i < indicator->parameter_count; i++) assay_json_put_double(&json, indicator->parameters[i].name, j->parameters[i]);
  assay_json_end(&json);
  assay_json_put_uint(&json, "rows", j->table.rows);
  assay_json_key(&json, "warmup");
  assay_json_object_inline(&json);
  for (size_t k = 0; k < indicator->output_count; k++) assay_json_put_uint(&json, indicator->outputs[k], j->warmup[k]);
  assay_json_end(&json);
  if (j->settings->by != NULL) {
    assay_json_key(&json, "series");
    assay_json_array_inline(&json);
    for (size_t i = 0; i < j->table.rows; i++) assay_json_string(&json, series_at(j, i));
    assay_json_end(&json);
  }
  assay_json_key(&json, "values");
  assay_json_object(&json);
  for (size_t k = 0; k < indicator->output_count; k++) {
    assay_json_key(&json, indicator->outputs[k]);
    assay_json_array_inline(&json);
    for (size_t i = 0; i < j->table.rows; i++) assay_json_double(&json, j->outputs[k][i]);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_status status = put_crossings(j, &json);
  assay_json_end(&json);
  return status;
}

/* ---- The list ------------------------------------------------------------------------------------------------------------------------ */

static void put_listed(assay_buf *out, const assay_indicator *indicator) {
  assay_cli_pad(out, indicator->name, 16);
  assay_cli_pad(out, indicator->title, 54);
  for (size_t i = 0; i < indicator->parameter_count; i++)
    assay_buf_printf(out, "%s%s=%g", i > 0 ? " " : "", indicator->parameters[i].name, indicator->parameters[i].usual);
  assay_buf_puts(out, indicator->parameter_count > 0 ? "; of " : "of ");
  for (size_t i = 0; i < indicator->input_count; i++)
    assay_buf_printf(out, "%s%s", i > 0 ? ", " : "", assay_indicator_input_text(indicator->inputs[i]));
  assay_buf_putc(out, '\n');
}

static void put_listed_json(assay_json *json, const assay_indicator *indicator) {
  assay_json_object(json);
  assay_json_put_string(json, "name", indicator->name);
  assay_json_put_string(json, "title", indicator->title);
  assay_json_key(json, "parameters");
  assay_json_object_inline(json);
  for (size_t i = 0; i < indicator->parameter_count; i++)
    assay_json_put_double(json, indicator->parameters[i].name, indicator->parameters[i].usual);
  assay_json_end(json);
  assay_json_key(json, "inputs");
  assay_json_array_inline(json);
  for (size_t i = 0; i < indicator->input_count; i++) assay_json_string(json, assay_indicator_input_text(indicator->inputs[i]));
  assay_json_end(json);
  assay_json_key(json, "outputs");
  assay_json_array_inline(json);
  for (size_t i = 0; i < indicator->output_count; i++) assay_json_string(json, indicator->outputs[i]);
  assay_json_end(json);
  assay_json_end(json);
}

static int run_list(assay_cli *cli, const indicator_settings *settings) {
  assay_buf out = {0};
  assay_json json = {.out = &out, .indent = 2};
  size_t count = 0;
  const assay_indicator *table = assay_indicator_table(&count);
  if (settings->json) {
    assay_json_object(&json);
    assay_json_put_string(&json, "schema", "assay-indicators/1");
    assay_json_key(&json, "indicators");
    assay_json_array(&json);
    for (size_t i = 0; i < count; i++) put_listed_json(&json, &table[i]);
    assay_json_end(&json);
    assay_json_end(&json);
  }
  for (size_t i = 0; i < count && !settings->json; i++) put_listed(&out, &table[i]);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

/* ---- The verb
 * ----------------------------------------------------------------------------------------------------------------------------------------
 */

static int run(assay_cli *cli, const void *raw) {
  job j = {.cli = cli, .settings = raw};
  assay_error err = {0};
  assay_buf out = {0};
  if (j.settings->list) return run_list(cli, j.settings);
  if (cli->operand_count == 0) {
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "NAME is missing: `indicator --list` shows the indicators");
    return assay_cli_fail(cli, &err);
  }
  assay_status status = find_indicator(&j, &err);
  if (status == ASSAY_OK) status = read_parameters(&j, &err);
  if (status == ASSAY_OK) status = read_table(&j, &err);
  if (status == ASSAY_OK) status = run_all(&j, &err);
  if (status == ASSAY_OK && j.settings->json && put_json(&j, &out) != ASSAY_OK) out.failed = true;
  if (status == ASSAY_OK && !j.settings->json) put_csv(&j, &out);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  return code;
}

static const assay_cli_option options[] = {
    {"period", 'p', ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(period),
     .help = "The usual parameter; as `indicator --list` says when not given."},
    {"fast", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(fast), .help = "Of MACD and KAMA."},
    {"slow", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(slow), .help = "Of MACD and KAMA."},
    {"signal", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(signal), .help = "Of MACD."},
    {"deviations", 0, ASSAY_CLI_REAL, "N", .low = 1e-6, .high = 1000, AT(deviations), .help = "Of Bollinger bands."},
    {"set", 0, ASSAY_CLI_REPEAT, "NAME=NUMBER", AT(parameters), .help = "Any parameter by its name."},
    {"column", 'c', ASSAY_CLI_TEXT, "COLUMN", AT(column),
     .help = "The closes (or whatever the series is), by name or number; 'close', 'price' or the only column of numbers when not given."},
    {"high", 0, ASSAY_CLI_TEXT, "COLUMN", AT(high), .help = "'high' when not given."},
    {"low", 0, ASSAY_CLI_TEXT, "COLUMN", AT(low), .help = "'low' when not given."},
    {"volume", 0, ASSAY_CLI_TEXT, "COLUMN", AT(volume), .help = "'volume' when not given."},
    {"by", 0, ASSAY_CLI_TEXT, "COLUMN", AT(by), .help = "The rows of several series stand in one table: this column names them."},
    {"list", 0, ASSAY_CLI_FLAG, AT(list), .help = "List the indicators with their parameters and inputs."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "As JSON, with the warm-up and, of an RSI, where it crosses its levels."},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the table with a column more", "indicator rsi --period 14 sp500.csv > rsi.csv"},
    {"with other parameters, for another program", "indicator macd --fast 8 --slow 21 --set signal=5 --json sp500.csv"},
    {"several series of one table", "indicator sma --period 12 --by symbol stocks.csv"},
    {"what there is", "indicator --list"},
    {0}};

const assay_cli_verb assay_cli_indicator = {
    .name = "indicator",
    .summary = "Technical indicators of the series in a table.",
    .details =
        "FILE is CSV with a line of names (`-` or nothing: standard input), rows one way in time. It comes back with the indicator's "
        "columns "
        "behind it. A row before the first value is empty, and so is a gap: a row in which an input is missing changes nothing after it.",
    .operands = "NAME [FILE]",
    .operands_most = 2,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(indicator_settings),
    .run = run,
};

/* SPDX-License-Identifier: MIT */
/* assay price: a table of options, all in one call; its rows come back with the answers behind them. */
#include <string.h>
#include <strings.h>

#include "cli/price.h"
#include "cli/table.h"

static const char *const quantity_names[] = {"spot", "strike", "time", "rate", "dividend", "volatility", "price"};
enum { SPOT, STRIKE, TIME, RATE, DIVIDEND, VOLATILITY, PRICE, QUANTITIES };
static const char *const output_names[] = {"price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm"};
enum { OUTPUTS = sizeof output_names / sizeof *output_names };

typedef struct batch {
  assay_cli *cli;
  const assay_price_settings *settings;
  assay_cli_table table;
  assay_options options;
  assay_option_input price;
  double *outputs[OUTPUTS];
  size_t output_count;
  uint8_t *states;
  size_t bad;
} batch;

/* A column of that name, else what the options of the command line say for all. */
static assay_status take_quantity(batch *b, size_t which, bool needed, assay_error *err, assay_option_input *input) {
  const assay_price_settings *s = b->settings;
  const double given[] = {s->spot, s->strike, s->time, s->rate, s->dividend, s->volatility, s->price};
  const char *const names[] = {quantity_names[which], NULL};
  size_t column = 0;
  double *values = NULL;
  if (assay_cli_table_has(&b->table, names, &column)) {
    assay_status status = assay_cli_table_numbers(b->cli, &b->table, column, true, err, &values);
    if (status == ASSAY_OK) *input = assay_option_each(values);
    return status;
  }
  if (needed && !assay_cli_was_given(b->cli, quantity_names[which]))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s has no column '%s', and --%s does not say it for all rows", b->table.source,
                      quantity_names[which], quantity_names[which]);
  *input = assay_option_all(given[which]);
  return ASSAY_OK;
}

static assay_status take_kinds(batch *b, assay_error *err) {
  static const char *const names[] = {"type", "kind", "option_type", NULL};
  size_t column = 0;
  b->options.kind = assay_price_option(b->settings).kind;
  if (!assay_cli_table_has(&b->table, names, &column)) return ASSAY_OK;
  uint8_t *kinds = assay_arena_alloc(&b->cli->arena, b->table.rows, 1);
  if (kinds == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", b->table.source);
  for (size_t i = 0; i < b->table.rows; i++) {
    const char *cell = b->table.cells[i * b->table.columns + column];
    char first = (char)(cell[0] | 0x20);
    if ((first != 'c' && first != 'p') || (cell[1] != '\0' && strcasecmp(cell, first == 'c' ? "call" : "put") != 0))
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.20s' is neither call nor put", b->table.source, b->table.lines[i],
                        b->table.names[column], cell);
    kinds[i] = first == 'c' ? ASSAY_OPTION_CALL : ASSAY_OPTION_PUT;
  }
  b->options.kinds = kinds;
  return ASSAY_OK;
}

static assay_status read_batch(batch *b, bool implied, assay_error *err) {
  assay_status status = assay_cli_table_read(b->cli, b->cli->operands[0], err, &b->table);
  b->options.count = b->table.rows;
  if (status == ASSAY_OK) status = take_kinds(b, err);
  if (status == ASSAY_OK) status = take_quantity(b, SPOT, true, err, &b->options.spot);
  if (status == ASSAY_OK) status = take_quantity(b, STRIKE, true, err, &b->options.strike);
  if (status == ASSAY_OK) status = take_quantity(b, TIME, true, err, &b->options.time);
  if (status == ASSAY_OK) status = take_quantity(b, RATE, true, err, &b->options.rate);
  if (status == ASSAY_OK) status = take_quantity(b, DIVIDEND, false, err, &b->options.dividend);
  if (status == ASSAY_OK && !implied) status = take_quantity(b, VOLATILITY, true, err, &b->options.volatility);
  if (status == ASSAY_OK && implied) status = take_quantity(b, PRICE, true, err, &b->price);
  b->output_count = implied ? 1 : OUTPUTS;
  b->states = status == ASSAY_OK ? assay_arena_alloc(&b->cli->arena, b->table.rows + 1, 1) : NULL;
  for (size_t k = 0; k < b->output_count && status == ASSAY_OK; k++) {
    b->outputs[k] = assay_arena_alloc(&b->cli->arena, b->table.rows + 1, sizeof **b->outputs);
    if (b->outputs[k] == NULL || b->states == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", b->table.source);
  }
  return status;
}

static const char *output_name(const batch *b, size_t k) { return b->output_count == 1 ? "implied_volatility" : output_names[k]; }

/* What the table says, then what was worked out; a row that has no price says why in the last column. */
static void put_batch_csv(const batch *b, assay_buf *out) {
  const assay_cli_table *t = &b->table;
  for (size_t c = 0; c < t->columns; c++) {
    assay_cli_put_cell(out, t->names[c], t->separator);
    assay_buf_putc(out, t->separator);
  }
  for (size_t k = 0; k < b->output_count; k++) assay_buf_printf(out, "%s%c", output_name(b, k), t->separator);
  assay_buf_puts(out, "problem\n");
  for (size_t i = 0; i < t->rows; i++) {
    for (size_t c = 0; c < t->columns; c++) {
      assay_cli_put_cell(out, t->cells[i * t->columns + c], t->separator);
      assay_buf_putc(out, t->separator);
    }
    for (size_t k = 0; k < b->output_count; k++) {
      assay_cli_put_number_cell(out, b->outputs[k][i]);
      assay_buf_putc(out, t->separator);
    }
    if (b->states[i] != ASSAY_OPTION_FINE) assay_cli_put_cell(out, assay_option_state_text((assay_option_state)b->states[i]), t->separator);
    assay_buf_putc(out, '\n');
  }
}

static void put_batch_json(const batch *b, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-prices/1");
  assay_json_put_string(&json, "payoff", "european");
  assay_json_put_string(&json, "method", "closed-form");
  assay_json_put_string(&json, "device", "cpu");
  assay_json_key(&json, "options");
  assay_json_array(&json);
  for (size_t i = 0; i < b->table.rows; i++) {
    assay_json_object_inline(&json);
    assay_json_put_uint(&json, "line", b->table.lines[i]);
    for (size_t k = 0; k < b->output_count; k++) assay_json_put_double(&json, output_name(b, k), b->outputs[k][i]);
    assay_json_put_string(&json, "problem",
                          b->states[i] != ASSAY_OPTION_FINE ? assay_option_state_text((assay_option_state)b->states[i]) : NULL);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

static assay_status compute_batch(batch *b, bool implied, assay_error *err) {
  assay_options_out out = {.price = b->outputs[0],
                           .delta = b->outputs[1],
                           .gamma = b->outputs[2],
                           .vega = b->outputs[3],
                           .theta = b->outputs[4],
                           .rho = b->outputs[5],
                           .vanna = b->outputs[6],
                           .volga = b->outputs[7],
                           .charm = b->outputs[8],
                           .status = b->states};
  return implied ? assay_options_implied_volatility(&b->options, b->price, b->outputs[0], b->states, err, &b->bad)
                 : assay_options_price(&b->options, &out, err, &b->bad);
}

/* All rows are printed; when some could not be priced, standard error says which was the first, and the code is that of bad input. */
int assay_price_table(assay_cli *cli, const assay_price_settings *settings, bool implied) {
  assay_error err = {0};
  assay_buf out = {0};
  batch b = {.cli = cli, .settings = settings};
  assay_status status = read_batch(&b, implied, &err);
  if (status == ASSAY_OK) status = compute_batch(&b, implied, &err);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (settings->json)
    put_batch_json(&b, &out);
  else
    put_batch_csv(&b, &out);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  for (size_t i = 0; i < b.table.rows && b.bad > 0; i++) {
    if (b.states[i] == ASSAY_OPTION_FINE) continue;
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "%zu of %zu rows have no answer, the first is %s:%zu: %s", b.bad, b.table.rows, b.table.source,
               b.table.lines[i], assay_option_state_text((assay_option_state)b.states[i]));
    return assay_cli_fail(cli, &err);
  }
  return code;
}

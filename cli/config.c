/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: a table for each verb, with the names of its options as keys, and the thread settings of number-crunching
 * libraries.
 *
 *     [run]
 *     quick-run = true
 *     format = ["json", "html"]
 *
 *     [performance.numpy]
 *     num_threads = 8
 */
#include <assay/machine.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/toml.h"
#include "cli/cli.h"
#include "os/prim.h"

assay_status assay_cli_config_open(assay_cli *cli, assay_error *err) {
  static const char *const places[] = {"assay.toml", "performance.toml", "config/performance.toml"};
  const char *path = getenv("ASSAY_CONFIG");
  if (path != NULL && path[0] == '\0') return ASSAY_OK; /* ASSAY_CONFIG= means none */
  for (size_t i = 0; path == NULL && i < sizeof places / sizeof *places; i++) {
    if (assay_os_exists(places[i])) path = places[i];
  }
  return path != NULL ? assay_toml_read(path, err, &cli->config) : ASSAY_OK;
}

void assay_cli_config_close(assay_cli *cli) {
  assay_toml_destroy(cli->config);
  cli->config = NULL;
}

/* The table of a verb: [run], or [machine.check] for two words. */
static const assay_toml_value *table_of(const assay_cli *cli) {
  const assay_toml_value *table = cli->config != NULL ? assay_toml_root(cli->config) : NULL;
  char name[64];
  snprintf(name, sizeof name, "%s", cli->verb->name);
  for (char *rest = NULL, *word = strtok_r(name, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
    table = assay_toml_get(table, word);
  return table;
}

/* A verb's table may hold the tables of longer verbs ([machine] holds [machine.check]), so only plain values are options. */
assay_status assay_cli_config_check(const assay_cli *cli, assay_error *err) {
  const assay_toml_value *table = table_of(cli);
  if (table == NULL) return ASSAY_OK;
  if (table->type != ASSAY_TOML_TABLE)
    return assay_toml_fail(cli->config, table, err, "expected a table of options for `%s`", cli->verb->name);
  const char *known[64] = {NULL};
  size_t count = 0;
  for (const assay_cli_option *option = cli->verb->options; option->name != NULL && count < 50; option++) known[count++] = option->name;
  for (size_t i = 0; i < table->as.table.count && count < 62; i++) {
    if (table->as.table.values[i]->type == ASSAY_TOML_TABLE) known[count++] = table->as.table.keys[i];
  }
  return assay_toml_check_keys(cli->config, table, known, err);
}

const assay_toml_value *assay_cli_config_value(const assay_cli *cli, const char *option) {
  const assay_toml_value *value = assay_toml_get(table_of(cli), option);
  return value != NULL && value->type != ASSAY_TOML_TABLE ? value : NULL;
}

/* One value as the words of a command line would give it; NULL for a type that no option takes, or when memory is out. */
const char *assay_cli_config_text(assay_cli *cli, const assay_toml_value *value) {
  assay_buf text = {0};
  switch (value->type) {
    case ASSAY_TOML_STRING: return value->as.string.text;
    case ASSAY_TOML_INTEGER: assay_buf_printf(&text, "%lld", (long long)value->as.integer); break;
    case ASSAY_TOML_FLOAT: assay_buf_double(&text, value->as.real); break;
    default: return NULL;
  }
  const char *copy = text.data != NULL ? assay_arena_strdup(&cli->arena, text.data) : NULL;
  assay_buf_deinit(&text);
  return copy;
}

assay_status assay_cli_config_threads(const assay_cli *cli, assay_error *err) {
  const assay_toml_value *performance = cli->config != NULL ? assay_toml_get(assay_toml_root(cli->config), "performance") : NULL;
  const assay_toml_value *table = assay_toml_get(performance, "numpy");
  if (table == NULL) return ASSAY_OK;
  int64_t threads = 0;
  bool automatic = false;
  assay_status status = assay_toml_get_integer(cli->config, table, "num_threads", err, &threads);
  if (status == ASSAY_OK) status = assay_toml_get_bool(cli->config, table, "auto_configure", err, &automatic);
  if (status == ASSAY_OK && (threads < 0 || threads > 65536))
    status = assay_toml_fail(cli->config, assay_toml_get(table, "num_threads"), err, "expected a number of threads from 0 to 65536");
  if (status != ASSAY_OK || (threads == 0 && !automatic)) return status;
  assay_machine *machine = NULL;
  status = assay_machine_detect(NULL, err, &machine);
  if (status == ASSAY_OK) status = assay_machine_set_math_threads(machine, (unsigned)threads, err);
  assay_machine_destroy(machine);
  return status;
}

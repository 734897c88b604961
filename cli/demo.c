/* SPDX-License-Identifier: MIT */
/* assay demo: what Assay knows and makes, on the machine of whoever looks, in one command. */
#include <assay/crossover.h>
#include <assay/device.h>
#include <assay/indicators.h>
#include <assay/machine.h>
#include <assay/montecarlo.h>
#include <assay/options.h>

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "cli/cli.h"
#include "os/prim.h"
#include "report/render.h"

typedef struct demo_settings {
  double seconds;
  const char *color;
} demo_settings;

#define AT(field) .at = offsetof(demo_settings, field)

static const assay_cli_option options[] = {
    {"seconds", 's', ASSAY_CLI_REAL, "S", "20", .low = 1, .high = 100, .help = "About how long devices are compared.", AT(seconds)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the plots.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {{"all of it, in half a minute", "demo"}, {"sooner", "demo --seconds 3"}, {0}};

enum { DAYS = 252, MOST_DEVICES = 16 };

static const assay_option option = {.kind = ASSAY_OPTION_CALL, .spot = 100, .strike = 110, .time = 1, .rate = 0.05, .volatility = 0.2};

/* A part is written at once, so that there is something to look at while the next one runs. */
static int put_part(assay_cli *cli, assay_buf *out) {
  int code = assay_cli_print(cli, out->data != NULL ? out->data : "");
  assay_buf_clear(out);
  return code;
}

static assay_status show_machine(assay_buf *out, assay_error *err) {
  assay_machine *machine = NULL;
  assay_status status = assay_machine_detect(NULL, err, &machine);
  if (status != ASSAY_OK) return status;
  assay_device_row rows[MOST_DEVICES];
  size_t count = assay_device_list(rows, MOST_DEVICES);
  assay_buf_puts(out, "1. This machine\n\n   ");
  assay_buf_plain(out, assay_machine_label(machine));
  assay_buf_puts(out, "\n");
  for (size_t i = 0; i < count && i < MOST_DEVICES; i++) {
    assay_buf_printf(out, "   %-10s ", rows[i].info.id);
    assay_buf_plain(out, rows[i].available ? rows[i].info.name : rows[i].cause);
    assay_buf_putc(out, '\n');
  }
  assay_machine_destroy(machine);
  return ASSAY_OK;
}

static void put_price(assay_buf *out, const char *how, double price, double error, double seconds) {
  char took[ASSAY_REPORT_TEXT], text[80] = "";
  if (error > 0) assay_snprintf(text, sizeof text, " +- %.5f", error);
  assay_buf_printf(out, "   %-44s %9.5f%-12s %s\n", how, price, text, assay_report_value(seconds * 1e9, "ns", took));
}

static double now_s(void) { return (double)assay_os_now_ns() / 1e9; }

static assay_status show_prices(assay_buf *out, assay_error *err) {
  double price = 0, begin = now_s();
  assay_option_greeks greeks;
  assay_buf_puts(out, "\n2. One option four ways: a call, spot 100, strike 110, a year, rate 5 %, volatility 20 %\n\n");
  enum { CALLS = 2000 }; /* one is shorter than a look at the clock */
  assay_status status = assay_option_price(&option, err, &price, &greeks);
  begin = now_s();
  for (int i = 0; i < CALLS && status == ASSAY_OK; i++) status = assay_option_price(&option, err, &price, &greeks);
  put_price(out, "closed form with eight Greeks", price, 0, (now_s() - begin) / CALLS);
  begin = now_s();
  if (status == ASSAY_OK)
    status = assay_tree_price(&option, &(assay_tree){.method = ASSAY_TREE_LEISEN_REIMER, .steps = 1001}, err, &price, NULL);
  put_price(out, "binomial tree, 1,001 steps", price, 0, now_s() - begin);
  assay_mc_params mc = {.spot = option.spot,
                        .strike = option.strike,
                        .time = option.time,
                        .rate = option.rate,
                        .volatility = option.volatility,
                        .paths = 1u << 22,
                        .seed = 7};
  assay_mc_result result;
  if (status == ASSAY_OK) status = assay_mc_price(&mc, err, &result);
  if (status != ASSAY_OK) return status;
  char how[96];
  snprintf(how, sizeof how, "Monte Carlo, %llu paths, on %s", (unsigned long long)result.paths, result.device);
  put_price(out, how, result.price, result.standard_error, result.seconds);
  mc.payoff = ASSAY_MC_ASIAN_ARITHMETIC;
  mc.paths = 1u << 15;
  mc.control = mc.greeks = true;
  status = assay_mc_price(&mc, err, &result);
  if (status != ASSAY_OK) return status;
  put_price(out, "its Asian cousin: 252 days, control variate", result.price, result.standard_error, result.seconds);
  assay_buf_printf(out, "   the Asian's delta %.4f +- %.4f, vega %.3f +- %.3f, from the same paths\n", result.greeks.delta.value,
                   result.greeks.delta.standard_error, result.greeks.vega.value, result.greeks.vega.standard_error);
  return ASSAY_OK;
}

static assay_status show_chart(assay_buf *out, bool color, assay_error *err) {
  double path[DAYS + 1], rsi[DAYS + 1];
  assay_mc_params mc = {.payoff = ASSAY_MC_ASIAN_ARITHMETIC,
                        .spot = 100,
                        .strike = 100,
                        .time = 1,
                        .rate = 0.05,
                        .volatility = 0.3,
                        .steps = DAYS,
                        .seed = 2026};
  const assay_indicator *indicator = assay_indicator_find("rsi");
  assay_status status = assay_mc_paths(&mc, 0, 1, err, path);
  assay_indicator_data data = {.values[ASSAY_INDICATOR_CLOSE] = path, .rows = DAYS + 1, .series = 1};
  double *outputs[] = {rsi, NULL};
  if (status == ASSAY_OK) status = assay_indicator_run(indicator, NULL, &data, NULL, err, outputs);
  if (status != ASSAY_OK) return status;
  assay_buf_puts(out, "\n3. One of those paths, and its RSI\n\n");
  assay_cli_put_plot(out, &(assay_cli_plot){.values = path, .stride = 1, .count = DAYS + 1}, color);
  assay_cli_put_plot(out, &(assay_cli_plot){.values = rsi, .stride = 1, .count = DAYS + 1}, color);
  return ASSAY_OK;
}

static assay_status show_devices(assay_buf *out, double seconds, assay_error *err) {
  assay_crossover *found = NULL;
  assay_crossover_config config = {.operations = "copy,european,asian", .seconds = seconds, .stop = assay_cli_stop_on_signal()};
  assay_status status = assay_crossover_measure(&config, err, &found);
  if (status != ASSAY_OK) return status;
  assay_buf_puts(out, "\n4. Which device for what\n\n");
  for (size_t i = 0; i < found->advice_count; i++) {
    assay_buf_puts(out, "   ");
    assay_buf_plain(out, found->advice[i].sentence);
    assay_buf_putc(out, '\n');
  }
  assay_buf_puts(out,
                 "\nNext: `assay run --quick-run` measures this machine, `assay price --help` prices, `assay device compare` draws.\n");
  assay_crossover_destroy(found);
  return ASSAY_OK;
}

static int run(assay_cli *cli, const void *raw) {
  const demo_settings *settings = raw;
  assay_error err = {0};
  assay_buf out = {0};
  bool color = assay_cli_use_color(settings->color, stdout);
  int code = ASSAY_EXIT_FINE;
  for (int part = 0; part < 4 && code == ASSAY_EXIT_FINE; part++) {
    assay_status status = part == 0   ? show_machine(&out, &err)
                          : part == 1 ? show_prices(&out, &err)
                          : part == 2 ? show_chart(&out, color, &err)
                                      : show_devices(&out, settings->seconds, &err);
    code = status == ASSAY_OK ? put_part(cli, &out) : assay_cli_fail(cli, &err);
  }
  assay_buf_deinit(&out);
  return code;
}

const assay_cli_verb assay_cli_demo = {
    .name = "demo",
    .summary = "Show on this machine what Assay does: devices, prices, a chart, and which device for what.",
    .details = "Takes half a minute and writes no file.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(demo_settings),
    .run = run,
};

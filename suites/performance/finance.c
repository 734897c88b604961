/* SPDX-License-Identifier: MIT */
/* What finance asks a machine for: prices in closed form, by tree and by simulation, risk over scenarios, and the matrix products below. */
#include <assay/bench.h>
#include <assay/device.h>
#include <assay/gemm.h>
#include <assay/indicators.h>
#include <assay/montecarlo.h>
#include <assay/options.h>
#include <assay/portfolio.h>
#include <assay/risk.h>

#include <stdlib.h>
#include <string.h>

/* ---- Options ------------------------------------------------------------------------------------------------------------------ */

/* Of all sorts, so that no branch is always taken; they stay in L1 and L2. */
enum { OPTIONS = 1024 };

typedef struct portfolio {
  uint8_t kinds[OPTIONS];
  double strike[OPTIONS], time[OPTIONS], rate[OPTIONS], volatility[OPTIONS];
  double price[OPTIONS], delta[OPTIONS], gamma[OPTIONS], vega[OPTIONS], theta[OPTIONS], rho[OPTIONS];
} portfolio;

static assay_options fill(portfolio *p) {
  for (size_t i = 0; i < OPTIONS; i++) {
    p->kinds[i] = i % 2 == 0 ? ASSAY_OPTION_CALL : ASSAY_OPTION_PUT;
    p->strike[i] = 80 + (double)(i % 41);
    p->time[i] = 0.1 + 0.1 * (double)(i % 23);
    p->rate[i] = 0.01 * (double)(i % 6);
    p->volatility[i] = 0.1 + 0.02 * (double)(i % 17);
  }
  return (assay_options){.count = OPTIONS,
                         .kinds = p->kinds,
                         .spot = assay_option_all(100),
                         .strike = assay_option_each(p->strike),
                         .time = assay_option_each(p->time),
                         .rate = assay_option_each(p->rate),
                         .volatility = assay_option_each(p->volatility)};
}

ASSAY_BENCH(option_price, .suite = "performance", .summary = "1,024 European options in closed form, with five Greeks or without",
            .ceiling = "", .params = {{"greeks", "no,yes"}}) {
  static portfolio p;
  assay_options options = fill(&p);
  assay_options_out out = {.price = p.price};
  if (strcmp(assay_bench_text(b, "greeks"), "yes") == 0)
    out = (assay_options_out){.price = p.price, .delta = p.delta, .gamma = p.gamma, .vega = p.vega, .theta = p.theta, .rho = p.rho};
  assay_error err = {0};
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    status |= assay_options_price(&options, &out, &err, NULL);
    assay_keep_memory();
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, OPTIONS);
}

ASSAY_BENCH(option_implied_volatility, .suite = "performance", .summary = "volatilities of 1,024 options from their prices, to 1e-12",
            .ceiling = "") {
  static portfolio p;
  assay_options options = fill(&p);
  assay_error err = {0};
  assay_status status = assay_options_price(&options, &(assay_options_out){.price = p.price}, &err, NULL);
  ASSAY_LOOP(b) {
    status |= assay_options_implied_volatility(&options, assay_option_each(p.price), p.delta, NULL, &err, NULL);
    assay_keep_memory();
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, OPTIONS);
}

ASSAY_BENCH(option_tree, .suite = "performance", .summary = "an American put by a Cox-Ross-Rubinstein tree of 1,000 steps", .ceiling = "") {
  assay_option option = {.kind = ASSAY_OPTION_PUT, .spot = 100, .strike = 110, .time = 1, .rate = 0.05, .volatility = 0.2};
  assay_tree tree = {.method = ASSAY_TREE_CRR, .exercise = ASSAY_EXERCISE_AMERICAN, .steps = 1000};
  assay_error err = {0};
  assay_status status = ASSAY_OK;
  double price = 0;
  ASSAY_LOOP(b) {
    status |= assay_tree_price(&option, &tree, &err, &price, NULL);
    assay_keep(price);
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
}

/* ---- Devices ------------------------------------------------------------------------------------------------------------------- */

#define DEVICES \
  { "device", "cpu,opencl,cuda" }

/* How many of this process' allocations on its device were served without asking the driver. */
static void put_pool(assay_bench *b) {
  assay_device *device = NULL;
  assay_memory_stats stats;
  if (assay_device_open(assay_bench_text(b, "device"), NULL, &device) != ASSAY_OK) return;
  assay_device_memory(device, &stats);
  assay_device_close(device);
  if (stats.allocations == 0) return;
  assay_bench_metric(b, "pool_allocations", (double)stats.allocations, "allocations", ASSAY_KIND_COUNT, ASSAY_LOWER);
  assay_bench_metric(b, "pool_served", stats.hit_ratio, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
}

/* The first call opens the device and builds its kernels, before the clock starts; or it finds that there is none, which is no failure. */
static bool is_absent(assay_bench *b, assay_status status, const assay_error *err) {
  if (status != ASSAY_ERR_NOT_FOUND && status != ASSAY_ERR_UNSUPPORTED) return false;
  assay_bench_unsupported(b, "%s", err->message);
  return true;
}

/* ---- Simulation --------------------------------------------------------------------------------------------------------------- */

static void simulate(assay_bench *b, assay_mc_params option) {
  option.device = assay_bench_text(b, "device");
  option.precision = strcmp(assay_bench_text(b, "type"), "f32") == 0 ? ASSAY_MC_F32 : ASSAY_MC_F64;
  assay_error err = {0};
  assay_mc_result result;
  assay_status status = assay_mc_price(&option, &err, &result);
  if (is_absent(b, status, &err)) return;
  if (status != ASSAY_OK) return assay_bench_fail(b, "%s", err.message);
  double first = result.price;
  ASSAY_LOOP(b) {
    status |= assay_mc_price(&option, &err, &result);
    assay_keep(result.price);
  }
  if (status != ASSAY_OK) return assay_bench_fail(b, "%s", err.message);
  if (result.price != first) return assay_bench_fail(b, "the same paths gave %.17g and %.17g", first, result.price);
  assay_bench_items(b, (double)result.paths);
  assay_bench_metric(b, "standard_error", result.standard_error / result.price, "ratio", ASSAY_KIND_ERROR_RATE, ASSAY_LOWER);
  put_pool(b);
}

ASSAY_BENCH(option_monte_carlo, .suite = "performance", .summary = "a European call by 1 Mi simulated paths of one step", .ceiling = "",
            .params = {DEVICES, {"type", "f32,f64"}}) {
  simulate(b, (assay_mc_params){.spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2, .paths = 1 << 20, .seed = 1});
}

ASSAY_BENCH(option_asian, .suite = "performance", .summary = "an arithmetic Asian call by 16 Ki simulated paths of 252 steps",
            .ceiling = "", .params = {DEVICES, {"type", "f32,f64"}}) {
  simulate(b, (assay_mc_params){.payoff = ASSAY_MC_ASIAN_ARITHMETIC,
                                .spot = 100,
                                .strike = 110,
                                .time = 1,
                                .rate = 0.05,
                                .volatility = 0.2,
                                .steps = 252,
                                .paths = 1 << 14,
                                .seed = 1});
}

/* What a path is asked for, beyond its end and its mean: the extremes it saw, several assets at once, and when to exercise. */
ASSAY_BENCH(option_payoff, .suite = "performance", .summary = "a barrier, lookback, basket or American option by 16 Ki simulated paths",
            .ceiling = "", .params = {DEVICES, {"type", "f64"}, {"payoff", "barrier,lookback,basket,american"}}) {
  static const double spots[] = {100, 90, 110, 95}, volatilities[] = {0.2, 0.3, 0.25, 0.15};
  static const double correlations[] = {1, 0.5, 0.3, 0.2, 0.5, 1, 0.4, 0.1, 0.3, 0.4, 1, 0.3, 0.2, 0.1, 0.3, 1};
  const char *payoff = assay_bench_text(b, "payoff");
  assay_mc_params option = {
      .spot = 100, .strike = 100, .time = 1, .rate = 0.05, .volatility = 0.2, .steps = 252, .paths = 1 << 14, .seed = 1};
  if (strcmp(payoff, "barrier") == 0) {
    option.payoff = ASSAY_MC_BARRIER, option.barrier = 120, option.barrier_kind = ASSAY_MC_UP_OUT;
  } else if (strcmp(payoff, "lookback") == 0) {
    option.payoff = ASSAY_MC_LOOKBACK_FIXED;
  } else if (strcmp(payoff, "basket") == 0) {
    option.payoff = ASSAY_MC_BASKET, option.steps = 1;
    option.assets = 4, option.spots = spots, option.volatilities = volatilities, option.correlations = correlations;
  } else {
    option.payoff = ASSAY_MC_AMERICAN, option.put = true, option.steps = 50;
  }
  simulate(b, option);
}

/* ---- Risk --------------------------------------------------------------------------------------------------------------------- */

/* Uniform noise that is the same in every process; its distribution is of no account to the speed. */
static double *noise(assay_bench *b, size_t count) {
  double *values = malloc(count * sizeof *values);
  uint64_t state = 1;
  for (size_t i = 0; values != NULL && i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values[i] = ((double)(state >> 11) * 0x1p-53 - 0.5) * 0.04;
  }
  if (values == NULL) assay_bench_unsupported(b, "%zu bytes do not fit in memory", count * sizeof *values);
  return values;
}

ASSAY_BENCH(risk_tail, .suite = "performance", .summary = "VaR and expected shortfall at 95 % and 99 % of 1,000,000 scenarios") {
  const size_t count = 1000000;
  const double levels[] = {0.95, 0.99};
  double *scenarios = noise(b, count);
  if (scenarios == NULL) return;
  assay_risk_tail tails[2];
  assay_error err = {0};
  assay_status status = ASSAY_OK;
  ASSAY_LOOP(b) {
    status |= assay_risk_historical(scenarios, count, levels, 2, &err, tails);
    assay_keep_memory();
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_items(b, (double)count);
  assay_bench_bytes(b, (double)(count * sizeof *scenarios), 0); /* the least: to have seen each once */
  free(scenarios);
}

ASSAY_BENCH(risk_correlation, .suite = "performance", .summary = "correlations of 500 assets over 2,520 days") {
  const size_t assets = 500, days = 2520;
  double *returns = noise(b, assets * days), *matrix = malloc(assets * assets * sizeof *matrix);
  assay_error err = {0};
  assay_status status = ASSAY_OK;
  if (returns != NULL && matrix == NULL) assay_bench_unsupported(b, "the matrix does not fit in memory");
  if (returns != NULL && matrix != NULL) {
    ASSAY_LOOP(b) {
      status |= assay_risk_correlation(returns, days, assets, NULL, &err, matrix, NULL);
      assay_keep_memory();
    }
    if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
    assay_bench_flops(b, (double)(assets * (assets + 1) * days), "f64"); /* the half of the matrix that the other half repeats */
    assay_bench_bytes(b, (double)(assets * days * sizeof *returns), (double)(assets * assets * sizeof *matrix));
  }
  free(returns);
  free(matrix);
}

ASSAY_BENCH(risk_simulation, .suite = "performance",
            .summary = "VaR and expected shortfall at 95 % and 99 % of eight assets by 256 Ki simulated scenarios", .ceiling = "",
            .params = {DEVICES}) {
  enum { ASSETS = 8 };
  static const double positions[ASSETS] = {100, -50, 30, 80, -20, 60, 10, 40}, levels[] = {0.95, 0.99};
  double covariance[ASSETS * ASSETS];
  for (int i = 0; i < ASSETS * ASSETS; i++) covariance[i] = i % (ASSETS + 1) == 0 ? 4e-4 : 1e-4;
  assay_risk_simulation simulation = {.assets = ASSETS,
                                      .positions = positions,
                                      .covariance = covariance,
                                      .scenarios = 1 << 18,
                                      .seed = 1,
                                      .device = assay_bench_text(b, "device")};
  assay_risk_simulated found[2];
  assay_error err = {0};
  assay_status status = assay_risk_monte_carlo(&simulation, levels, 2, &err, NULL, found);
  if (is_absent(b, status, &err)) return;
  double first = found[1].tail.var;
  ASSAY_LOOP(b) {
    if (status == ASSAY_OK) status = assay_risk_monte_carlo(&simulation, levels, 2, &err, NULL, found);
    assay_keep(found[1].tail.var);
  }
  if (status != ASSAY_OK) return assay_bench_fail(b, "%s", err.message);
  if (found[1].tail.var != first) return assay_bench_fail(b, "the same scenarios gave %.17g and %.17g", first, found[1].tail.var);
  assay_bench_items(b, (double)simulation.scenarios);
  put_pool(b);
}

ASSAY_BENCH(risk_correlation_batch, .suite = "performance",
            .summary = "correlations of 500 assets over 2,520 days on a device, from the caller's array to the caller's array",
            .ceiling = "", .params = {DEVICES}) {
  const size_t assets = 500, days = 2520;
  double *returns = noise(b, assets * days), *matrix = malloc(assets * assets * sizeof *matrix);
  assay_risk_covariance_options options = {.device = assay_bench_text(b, "device")};
  assay_error err = {0};
  if (returns != NULL && matrix == NULL) assay_bench_unsupported(b, "the matrix does not fit in memory");
  if (returns != NULL && matrix != NULL) {
    assay_status status = assay_risk_correlation(returns, days, assets, &options, &err, matrix, NULL);
    if (!is_absent(b, status, &err)) {
      ASSAY_LOOP(b) {
        if (status == ASSAY_OK) status = assay_risk_correlation(returns, days, assets, &options, &err, matrix, NULL);
        assay_keep_memory();
      }
      if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
      assay_bench_flops(b, (double)(assets * (assets + 1) * days), "f64");
      put_pool(b);
    }
  }
  free(returns);
  free(matrix);
}

ASSAY_BENCH(portfolio_minimum_variance, .suite = "performance", .summary = "the long-only portfolio of 500 assets with the least variance",
            .ceiling = "") {
  const size_t assets = 500, days = 2520;
  double *returns = noise(b, assets * days), *matrix = malloc(assets * assets * sizeof *matrix),
         *weights = malloc(assets * sizeof *weights);
  assay_error err = {0};
  if (returns != NULL && (matrix == NULL || weights == NULL)) assay_bench_unsupported(b, "the matrix does not fit in memory");
  if (returns != NULL && matrix != NULL && weights != NULL) {
    for (size_t day = 0; day < days; day++) { /* a market that all of them follow: without one, everything is held */
      for (size_t asset = 0; asset < assets; asset++) returns[day * assets + asset] += returns[day * assets] * (double)(asset % 50) / 25;
    }
    assay_status status = assay_risk_covariance(returns, days, assets, NULL, &err, matrix, NULL);
    assay_portfolio_problem problem = {.assets = assets, .covariance = matrix};
    ASSAY_LOOP(b) {
      if (status == ASSAY_OK) status = assay_portfolio_minimum_variance(&problem, &err, weights, NULL);
      assay_keep_memory();
    }
    if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  }
  free(returns);
  free(matrix);
  free(weights);
}

/* ---- Indicators --------------------------------------------------------------------------------------------------------------- */

ASSAY_BENCH(indicator, .suite = "performance", .summary = "an indicator over 100 series of 10,000 prices, or one of a million",
            .params = {{"name", "rsi,macd,bollinger"}, {"series", "1,100"}}) {
  const size_t prices = 1000000, series = assay_bench_u64(b, "series");
  const assay_indicator *indicator = assay_indicator_find(assay_bench_text(b, "name"));
  if (indicator == NULL) return assay_bench_fail(b, "there is no such indicator");
  double *in = noise(b, prices), *block = malloc(ASSAY_INDICATOR_MAX_OUTPUTS * prices * sizeof *block),
         *out[ASSAY_INDICATOR_MAX_OUTPUTS] = {0};
  if (in != NULL && block == NULL) assay_bench_unsupported(b, "the outputs do not fit in memory");
  if (in != NULL && block != NULL) {
    double price = 100;
    for (size_t i = 0; i < prices; i++) in[i] = price = i % (prices / series) == 0 ? 100 : price * (1 + in[i]);
    memset(block, 0, ASSAY_INDICATOR_MAX_OUTPUTS * prices * sizeof *block);               /* pages exist before the clock starts */
    unsigned outputs = strcmp(indicator->name, "rsi") == 0 ? 1 : indicator->output_count; /* not its crossings */
    for (unsigned k = 0; k < outputs; k++) out[k] = block + k * prices;
    assay_indicator_data data = {.rows = prices / series, .series = series};
    data.values[ASSAY_INDICATOR_CLOSE] = in;
    assay_error err = {0};
    assay_status status = ASSAY_OK;
    ASSAY_LOOP(b) {
      if (status == ASSAY_OK) status = assay_indicator_run(indicator, NULL, &data, NULL, &err, out);
      assay_keep_memory();
    }
    if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
    assay_bench_items(b, (double)prices);
    assay_bench_bytes(b, (double)(prices * sizeof *in), (double)(outputs * prices * sizeof *in));
  }
  free(in);
  free(block);
}

ASSAY_BENCH(indicator_batch, .suite = "performance",
            .summary = "an indicator over 1,000 series of 1,000 prices on a device, from the caller's arrays to the caller's arrays",
            .ceiling = "", .params = {DEVICES, {"name", "rsi,bollinger"}}) {
  const size_t rows = 1000, series = 1000, prices = rows * series;
  const assay_indicator *indicator = assay_indicator_find(assay_bench_text(b, "name"));
  if (indicator == NULL) return assay_bench_fail(b, "there is no such indicator");
  double *in = noise(b, prices), *block = calloc(ASSAY_INDICATOR_MAX_OUTPUTS * prices, sizeof *block),
         *out[ASSAY_INDICATOR_MAX_OUTPUTS] = {0};
  if (in != NULL && block == NULL) assay_bench_unsupported(b, "the outputs do not fit in memory");
  if (in != NULL && block != NULL) {
    for (size_t i = 0; i < prices; i++) in[i] += 100;
    unsigned outputs = strcmp(indicator->name, "rsi") == 0 ? 1 : indicator->output_count; /* not its crossings */
    for (unsigned k = 0; k < outputs; k++) out[k] = block + k * prices;
    assay_indicator_data data = {.rows = rows, .series = series, .layout = ASSAY_INDICATOR_TIME_MAJOR};
    data.values[ASSAY_INDICATOR_CLOSE] = in;
    assay_indicator_options options = {.device = assay_bench_text(b, "device")};
    assay_error err = {0};
    assay_status status = assay_indicator_run(indicator, NULL, &data, &options, &err, out);
    if (!is_absent(b, status, &err)) {
      ASSAY_LOOP(b) {
        if (status == ASSAY_OK) status = assay_indicator_run(indicator, NULL, &data, &options, &err, out);
        assay_keep_memory();
      }
      if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
      assay_bench_items(b, (double)prices);
      put_pool(b);
    }
  }
  free(in);
  free(block);
}

/* ---- Matrix products ---------------------------------------------------------------------------------------------------------- */

/* Before the library is loaded. With more, its threads wait for each other by spinning: where another program has one of the CPUs, for all
 * of that program's time slice. */
static void one_thread_for_libraries(void) {
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

ASSAY_BENCH(matrix_product, .suite = "performance", .summary = "C = A B of square matrices by the best library here, one thread",
            .params = {{"type", "f32,f64"}, {"n", "256,1024"}}) {
  one_thread_for_libraries(); /* the limit beside it is one core's */
  assay_dtype type;
  if (!assay_dtype_parse(assay_bench_text(b, "type"), &type)) return assay_bench_fail(b, "no such type");
  size_t n = assay_bench_u64(b, "n"), bytes = n * n * assay_dtype_size(type);
  char *block = aligned_alloc(64, 3 * bytes);
  if (block == NULL) return assay_bench_unsupported(b, "three matrices of %zu bytes do not fit in memory", bytes);
  for (size_t i = 0; i < 2 * n * n; i++) {
    double value = (double)(i % 97) / 97;
    if (type == ASSAY_F64) ((double *)(void *)block)[i] = value;
    if (type == ASSAY_F32) ((float *)(void *)block)[i] = (float)value;
  }
  assay_gemm_args args = {.type = type, .m = n, .n = n, .k = n, .alpha = 1, .a = block, .b = block + bytes, .c = block + 2 * bytes};
  assay_error err = {0};
  assay_status status = assay_gemm(&args, ASSAY_GEMM_AUTO, &err);
  ASSAY_LOOP(b) {
    status |= assay_gemm(&args, ASSAY_GEMM_AUTO, &err);
    assay_keep_memory();
  }
  if (status != ASSAY_OK) assay_bench_fail(b, "%s", err.message);
  assay_bench_flops(b, 2.0 * (double)n * (double)n * (double)n, assay_dtype_text(type));
  assay_bench_bytes(b, 2.0 * (double)bytes, (double)bytes);
  free(block);
}

/* C = A B between the device's own buffers, of ones: each element of C is n, whatever the library adds up first. */
static assay_status multiply(assay_stream *stream, assay_gemm_args *args, assay_buffer *const matrices[3], assay_error *err) {
  assay_status status = assay_stream_gemm(stream, args, matrices[0], matrices[1], matrices[2], err);
  return status == ASSAY_OK ? assay_stream_sync(stream, err) : status;
}

static assay_status make_ones(assay_stream *stream, size_t n, assay_buffer *matrices[3], assay_error *err) {
  static const char *const labels[] = {"a", "b", "c"};
  const float one = 1;
  uint32_t bits;
  memcpy(&bits, &one, sizeof bits);
  assay_status status = ASSAY_OK;
  for (int i = 0; i < 3 && status == ASSAY_OK; i++) {
    status = assay_buffer_alloc(stream, n * n * sizeof one, labels[i], err, &matrices[i]);
    if (status == ASSAY_OK) status = assay_buffer_fill(stream, matrices[i], 0, bits, n * n * sizeof one, err);
  }
  return status;
}

ASSAY_BENCH(matrix_product_device, .suite = "performance",
            .summary = "C = A B of square f32 matrices in a device's memory, by its library (the processor's: one thread)", .ceiling = "",
            .params = {DEVICES, {"n", "256,1024"}}) {
  one_thread_for_libraries();
  size_t n = assay_bench_u64(b, "n");
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *matrices[3] = {NULL};
  assay_gemm_args args = {.type = ASSAY_F32, .m = n, .n = n, .k = n, .alpha = 1};
  assay_error err = {0};
  assay_status status = assay_device_open(assay_bench_text(b, "device"), &err, &device);
  if (status == ASSAY_OK) status = assay_stream_create(device, &err, &stream);
  if (status == ASSAY_OK) status = make_ones(stream, n, matrices, &err);
  if (status == ASSAY_OK) status = multiply(stream, &args, matrices, &err);
  if (!is_absent(b, status, &err)) {
    ASSAY_LOOP(b) {
      if (status == ASSAY_OK) status = multiply(stream, &args, matrices, &err);
    }
    float last = 0;
    if (status == ASSAY_OK) status = assay_buffer_read(stream, matrices[2], (n * n - 1) * sizeof last, &last, sizeof last, &err);
    if (status == ASSAY_OK) status = assay_stream_sync(stream, &err);
    if (status != ASSAY_OK)
      assay_bench_fail(b, "%s", err.message);
    else if (last != (float)n)
      assay_bench_fail(b, "a row of %zu ones times a column of them is %g", n, (double)last);
    assay_bench_flops(b, 2.0 * (double)n * (double)n * (double)n, "f32");
  }
  for (int i = 0; i < 3; i++) assay_buffer_free(matrices[i]);
  assay_stream_destroy(stream);
  assay_device_close(device);
}

/* SPDX-License-Identifier: MIT */
/* assay device: what can crunch numbers here, what would be taken, and how it is. */
#include <assay/device.h>

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "report/render.h"

typedef struct device_settings {
  const char *device;
  bool json, anew;
} device_settings;

#define AT(field) .at = offsetof(device_settings, field)

enum { MOST_ROWS = 64 };

static const char *kind_text(assay_device_kind kind) {
  switch (kind) {
    case ASSAY_DEVICE_CPU: return "cpu";
    case ASSAY_DEVICE_GPU: return "gpu";
    case ASSAY_DEVICE_OTHER: break;
  }
  return "other";
}

static void put_number(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

static void put_count(assay_json *json, const char *key, uint64_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text[0] != '\0' ? text : NULL);
}

static void put_flag(assay_json *json, const char *key, bool value) {
  assay_json_key(json, key);
  assay_json_bool(json, value);
}

static void put_info(assay_json *json, const assay_device_info *info) {
  put_text(json, "name", info->name);
  put_text(json, "driver", info->driver);
  put_text(json, "kind", kind_text(info->kind));
  put_flag(json, "f64", (info->flags & ASSAY_DEVICE_F64) != 0);
  put_flag(json, "host_memory", (info->flags & ASSAY_DEVICE_HOST_MEMORY) != 0);
  put_count(json, "rank", info->rank);
  put_count(json, "compute_units", info->compute_units);
  put_count(json, "memory_bytes", info->memory_bytes);
  put_count(json, "max_buffer_bytes", info->max_buffer_bytes);
}

/* ---- list ---------------------------------------------------------------------------------------------------------------------------- */

static void put_rows_json(assay_buf *out, const assay_device_row *rows, size_t count) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_text(&json, "schema", "assay-devices/1");
  assay_json_key(&json, "devices");
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) {
    assay_json_object(&json);
    put_text(&json, "id", rows[i].info.id);
    put_flag(&json, "available", rows[i].available);
    put_text(&json, "cause", rows[i].cause);
    if (rows[i].available) put_info(&json, &rows[i].info);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

static void put_row(assay_buf *out, const assay_device_row *row) {
  char memory[ASSAY_REPORT_TEXT];
  assay_buf_printf(out, "%s ", row->available ? "\u2713" : "\u2212");
  assay_cli_pad(out, row->info.id, 12);
  if (!row->available) {
    assay_buf_puts(out, "not available: ");
    assay_buf_plain(out, row->cause);
    assay_buf_putc(out, '\n');
    return;
  }
  assay_cli_pad(out, kind_text(row->info.kind), 6);
  assay_buf_plain(out, row->info.name);
  assay_buf_printf(out, ", %u unit%s, %s, ", row->info.compute_units, row->info.compute_units == 1 ? "" : "s",
                   assay_report_value((double)row->info.memory_bytes, "B", memory));
  assay_buf_plain(out, row->info.driver);
  assay_buf_printf(out, "%s%s\n", (row->info.flags & ASSAY_DEVICE_F64) != 0 ? "" : "; single precision only",
                   row->info.rank == 0 ? "; only when named" : "");
}

static int list(assay_cli *cli, const void *raw) {
  const device_settings *settings = raw;
  assay_device_row *rows = assay_arena_alloc(&cli->arena, MOST_ROWS, sizeof *rows);
  assay_error err = {0};
  if (rows == NULL) {
    ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the devices");
    return assay_cli_fail(cli, &err);
  }
  size_t count = assay_device_list(rows, MOST_ROWS);
  if (count > MOST_ROWS) count = MOST_ROWS;
  assay_buf out = {0};
  if (settings->json) put_rows_json(&out, rows, count);
  for (size_t i = 0; i < count && !settings->json; i++) put_row(&out, &rows[i]);
  int code = assay_cli_print(cli, out.data != NULL ? out.data : "");
  assay_buf_deinit(&out);
  return code;
}

/* ---- status ------------------------------------------------------------------------------------------------------------------ */

typedef struct state {
  const assay_device_info *info;
  const char *reason;
  assay_memory_stats memory;
  assay_device_health health;
} state;

static void put_state_json(assay_buf *out, const state *s) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_text(&json, "schema", "assay-device-status/1");
  put_text(&json, "device", s->info->id);
  put_text(&json, "reason", s->reason);
  put_info(&json, s->info);
  assay_json_key(&json, "memory");
  assay_json_object(&json);
  put_count(&json, "limit_bytes", s->memory.limit_bytes);
  put_count(&json, "reserved_bytes", s->memory.reserved_bytes);
  put_count(&json, "live_bytes", s->memory.live_bytes);
  put_number(&json, "free_bytes", s->health.memory_free_bytes);
  put_number(&json, "total_bytes", s->health.memory_total_bytes);
  put_text(&json, "pressure", assay_memory_pressure_text(s->memory.pressure));
  assay_json_end(&json);
  assay_json_key(&json, "health");
  assay_json_object(&json);
  put_number(&json, "temperature_celsius", s->health.temperature_celsius);
  put_number(&json, "power_watts", s->health.power_watts);
  put_number(&json, "power_limit_watts", s->health.power_limit_watts);
  put_number(&json, "clock_hz", s->health.clock_hz);
  put_number(&json, "memory_clock_hz", s->health.memory_clock_hz);
  put_number(&json, "max_clock_hz", s->health.max_clock_hz);
  put_number(&json, "utilisation_ratio", s->health.utilisation_ratio);
  put_text(&json, "throttled", s->health.throttled);
  put_text(&json, "cause", s->health.cause);
  assay_json_end(&json);
  assay_json_end(&json);
}

static void put_figure(assay_buf *out, const char *name, double value, const char *unit) {
  char text[ASSAY_REPORT_TEXT];
  if (!isfinite(value)) return; /* why it is not there, the last line says */
  assay_cli_pad(out, name, 16);
  assay_buf_printf(out, "%s\n", assay_report_value(value, unit, text));
}

static void put_said(assay_buf *out, const char *name, const char *text) {
  if (text[0] == '\0') return;
  assay_cli_pad(out, name, 16);
  assay_buf_plain(out, text);
  assay_buf_putc(out, '\n');
}

static void put_state(assay_buf *out, const state *s) {
  put_said(out, "Device", s->info->id);
  put_said(out, "Why", s->reason);
  put_said(out, "Name", s->info->name);
  put_said(out, "Driver", s->info->driver);
  put_figure(out, "Memory", (double)s->info->memory_bytes, "B");
  put_figure(out, "Free", s->health.memory_free_bytes, "B");
  put_figure(out, "Pool may take", (double)s->memory.limit_bytes, "B");
  put_said(out, "Pressure", assay_memory_pressure_text(s->memory.pressure));
  put_figure(out, "Temperature", s->health.temperature_celsius, "\u00B0C");
  put_figure(out, "Power", s->health.power_watts, "W");
  put_figure(out, "Clock", s->health.clock_hz, "Hz");
  put_figure(out, "Busy", s->health.utilisation_ratio, "ratio");
  put_said(out, "Slowed down by", s->health.throttled);
  put_said(out, "Not available", s->health.cause);
}

static int status(assay_cli *cli, const void *raw) {
  const device_settings *settings = raw;
  assay_error err = {0};
  assay_device *device = NULL;
  if (assay_device_open(settings->device, &err, &device) != ASSAY_OK) return assay_cli_fail(cli, &err);
  state s = {.info = assay_device_get_info(device), .reason = assay_device_reason(device)};
  assay_device_memory(device, &s.memory);
  assay_device_get_health(device, &s.health);
  assay_buf out = {0};
  if (settings->json)
    put_state_json(&out, &s);
  else
    put_state(&out, &s);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  assay_device_close(device);
  return code;
}

/* ---- tune ----------------------------------------------------------------------------------------------------------------------- */

static void put_profile_json(assay_buf *out, const assay_finance_profile *p) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_text(&json, "schema", "assay-device-profile/2");
  put_text(&json, "device", p->device);
  put_count(&json, "batch_paths", p->batch_paths);
  put_count(&json, "tile_paths", p->tile_paths);
  put_number(&json, "paths_per_s_f32", p->paths_per_s_f32);
  put_number(&json, "paths_per_s_f64", p->paths_per_s_f64);
  put_number(&json, "launch_ns", p->launch_ns);
  put_number(&json, "f32_error_ratio", p->f32_error_ratio);
  put_flag(&json, "use_f32", p->use_f32);
  put_number(&json, "f16_error_ratio", p->f16_error_ratio);
  put_flag(&json, "use_fp16", p->use_fp16);
  put_count(&json, "measured_at_s", (uint64_t)p->measured_at_s);
  put_flag(&json, "cached", p->cached);
  assay_json_end(&json);
}

static void put_profile(assay_buf *out, const assay_finance_profile *p) {
  put_said(out, "Device", p->device);
  assay_cli_pad(out, "Batch", 16);
  assay_buf_printf(out, "%llu paths a launch reach nine tenths of the best rate\n", (unsigned long long)p->batch_paths);
  assay_cli_pad(out, "Tile", 16);
  assay_buf_printf(out, "%llu paths a work group are fastest\n", (unsigned long long)p->tile_paths);
  put_figure(out, "Paths in f32", p->paths_per_s_f32, "items/s");
  put_figure(out, "Paths in f64", p->paths_per_s_f64, "items/s");
  put_figure(out, "A launch", p->launch_ns, "ns");
  assay_cli_pad(out, "Error of f32", 16);
  assay_buf_printf(out, "%.2g of the mean\n", p->f32_error_ratio);
  put_said(out, "Use", p->use_f32 ? "f32: at least a quarter faster, and its error is lost in that of the paths" : "f64");
  assay_cli_pad(out, "Half precision", 16);
  assay_buf_printf(out, "%s: it moves a path's price by up to %.2g of it, and 0.0001 is allowed\n", p->use_fp16 ? "yes" : "no",
                   p->f16_error_ratio);
  put_said(out, "From", p->cached ? "the cache" : "a measurement now");
}

static int tune(assay_cli *cli, const void *raw) {
  const device_settings *settings = raw;
  assay_error err = {0};
  assay_device *device = NULL;
  assay_finance_profile profile;
  if (assay_device_open(settings->device, &err, &device) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_buf out = {0};
  int code = ASSAY_EXIT_FINE;
  if (assay_device_profile_finance(device, settings->anew, &err, &profile) != ASSAY_OK) {
    code = assay_cli_fail(cli, &err);
  } else {
    if (settings->json)
      put_profile_json(&out, &profile);
    else
      put_profile(&out, &profile);
    code = assay_cli_print(cli, out.data);
  }
  assay_buf_deinit(&out);
  assay_device_close(device);
  return code;
}

/* ---- The verbs --------------------------------------------------------------------------------------------------------------- */

static const assay_cli_option list_options[] = {{"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)}, ASSAY_CLI_END};
static const assay_cli_option status_options[] = {{"device", 'd', ASSAY_CLI_TEXT, "DEVICE", .environment = "ASSAY_DEVICE", AT(device),
                                                   .help = "auto, cpu, opencl[:n] or cuda[:n]; auto when not given."},
                                                  {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
                                                  ASSAY_CLI_END};
static const assay_cli_option tune_options[] = {{"device", 'd', ASSAY_CLI_TEXT, "DEVICE", .environment = "ASSAY_DEVICE", AT(device),
                                                 .help = "auto, cpu, opencl[:n] or cuda[:n]; auto when not given."},
                                                {"anew", 0, ASSAY_CLI_FLAG, .help = "Measure also what is in the cache.", AT(anew)},
                                                {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
                                                ASSAY_CLI_END};
static const assay_cli_example tune_examples[] = {{"what suits this machine", "device tune"}, {0}};
static const assay_cli_example list_examples[] = {{"what there is, and why the rest is not", "device list"}, {0}};
static const assay_cli_example status_examples[] = {
    {"what would be taken now", "device status"}, {"one that is named", "device status --device opencl:0 --json"}, {0}};

const assay_cli_verb assay_cli_device = {
    .name = "device",
    .summary = "The devices that numbers are crunched on.",
    .details = "Kernels run on CUDA, OpenCL or the processor's own vector lanes, and give the same bits on all of them.",
    ASSAY_CLI_FAMILY,
};
const assay_cli_verb assay_cli_device_list = {
    .name = "device list",
    .summary = "List the devices, best first, and why others are not there.",
    .options = list_options,
    .examples = list_examples,
    .settings_size = sizeof(device_settings),
    .run = list,
};
const assay_cli_verb assay_cli_device_status = {
    .name = "device status",
    .summary = "Say which device is taken and why, its memory and health.",
    .details = "Without --device (or ASSAY_DEVICE) the best is taken: CUDA, then an OpenCL GPU, then the processor.",
    .options = status_options,
    .examples = status_examples,
    .settings_size = sizeof(device_settings),
    .run = status,
};
const assay_cli_verb assay_cli_device_tune = {
    .name = "device tune",
    .summary = "Measure what suits finance work on a device: batch size, tile size and precision.",
    .details =
        "The answer is kept for this machine and driver ($ASSAY_CACHE_DIR, else ~/.cache/assay), where assay_device_profile_finance() "
        "finds it.",
    .options = tune_options,
    .examples = tune_examples,
    .settings_size = sizeof(device_settings),
    .run = tune,
};

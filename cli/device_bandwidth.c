/* SPDX-License-Identifier: MIT */
/* assay device bandwidth: what a device's memory gives, beside what was measured as its limit and what it has in theory. */
#include <assay/ceilings.h>
#include <assay/device.h>
#include <assay/machine.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "device/cpu/threads.h"
#include "os/prim.h"
#include "report/render.h"

typedef struct bandwidth_settings {
  const char *device;
  bool json;
} bandwidth_settings;

#define AT(field) .at = offsetof(bandwidth_settings, field)

/* Rates in bytes read and written a second; NaN where there is none, and then the text says why. */
typedef struct bandwidth {
  const char *device;
  uint64_t bytes; /* that a copy moves */
  double achieved, ceiling, theory;
  char ceiling_name[32];
  char cause[1280]; /* of what is missing, a clause for each limit */
} bandwidth;

/* Buffers are as large as there is memory for. A processor's are copied in parts that still go past its caches: some milliseconds find a
 * moment in which nothing else runs, as its limit was measured, and what is read was last touched a buffer ago. */
static const uint64_t gpu_bytes = 1ull << 30, host_bytes = 1ull << 28, host_part_bytes = 1ull << 25, least_bytes = 1ull << 24;
enum { MOST_ROUNDS = 50 };
static const double longest_ns = 2e9;

typedef struct copying {
  assay_stream *stream;
  assay_buffer *from, *to;
  assay_event *begin, *end;
} copying;

static void copying_deinit(copying *c) {
  assay_event_destroy(c->begin);
  assay_event_destroy(c->end);
  assay_buffer_free(c->from);
  assay_buffer_free(c->to);
  assay_stream_destroy(c->stream);
}

static assay_status copying_init(copying *c, assay_device *device, uint64_t bytes, assay_error *err) {
  *c = (copying){0};
  assay_status status = assay_stream_create(device, err, &c->stream);
  if (status == ASSAY_OK) status = assay_event_create(device, err, &c->begin);
  if (status == ASSAY_OK) status = assay_event_create(device, err, &c->end);
  if (status == ASSAY_OK) status = assay_buffer_alloc(c->stream, bytes, "copied from", err, &c->from);
  if (status == ASSAY_OK) status = assay_buffer_alloc(c->stream, bytes, "copied to", err, &c->to);
  if (status == ASSAY_OK) status = assay_buffer_fill(c->stream, c->from, 0, 7, bytes, err);
  if (status != ASSAY_OK) copying_deinit(c);
  return status;
}

/* Nanoseconds of one copy, by the device's own clock. */
static assay_status time_one(const copying *c, uint64_t at, uint64_t bytes, assay_error *err, double *ns) {
  assay_status status = assay_event_record(c->begin, c->stream, err);
  if (status == ASSAY_OK) status = assay_buffer_copy(c->stream, c->to, at, c->from, at, bytes, err);
  if (status == ASSAY_OK) status = assay_event_record(c->end, c->stream, err);
  return status == ASSAY_OK ? assay_event_elapsed(c->begin, c->end, err, ns) : status;
}

/* The best copy of a part from a buffer to another. */
static assay_status measure(assay_device *device, uint64_t bytes, uint64_t part, assay_error *err, double *bytes_per_s) {
  copying c;
  double best = INFINITY;
  assay_status status = copying_init(&c, device, bytes, err);
  if (status != ASSAY_OK) return status;
  uint64_t begin = assay_os_now_ns(), parts = bytes / part;
  for (uint64_t i = 0; status == ASSAY_OK && i < MOST_ROUNDS * parts; i++) {
    if (i >= 3 * parts && (double)(assay_os_now_ns() - begin) > longest_ns) break;
    double ns = 0;
    status = time_one(&c, i % parts * part, part, err, &ns);
    if (ns > 0) best = fmin(best, ns);
  }
  copying_deinit(&c);
  if (status == ASSAY_OK) *bytes_per_s = 2e9 * (double)part / best;
  return status;
}

/* In as much memory as there is. */
static assay_status measure_what_fits(assay_device *device, uint64_t bytes, uint64_t part, assay_error *err, bandwidth *b) {
  for (;; bytes /= 2) {
    b->bytes = bytes < part ? bytes : part;
    assay_status status = measure(device, bytes, b->bytes, err, &b->achieved);
    if (status != ASSAY_ERR_NO_MEMORY || bytes <= least_bytes) return status;
    assay_error_clear(err);
  }
}

/* One clause for each limit that is missing. */
static void add_cause(bandwidth *b, const char *limit, const char *why) {
  size_t used = strlen(b->cause);
  snprintf(b->cause + used, sizeof b->cause - used, "%s%s: %s", used > 0 ? "; " : "", limit, why);
}

/* Copies of `cpu` are shared by its threads; another driver's are a thread's own. */
static bool by_several_threads(const assay_device_info *info) {
  unsigned threads = 1;
  assay_threads_wanted(NULL, &threads);
  return (info->flags & ASSAY_DEVICE_HOST_MEMORY) != 0 && threads > 1;
}

static void find_ceiling(const assay_machine *machine, bool by_several, bandwidth *b) {
  static const char *const all[][2] = {{"memory.copy.1t", "memory.copy_nt.1t"}, {"memory.copy.Nt", "memory.copy_nt.Nt"}};
  const char *const *names = all[by_several ? 1 : 0];
  const char *why = "`assay machine ceilings` measures it once";
  assay_ceilings *ceilings = NULL;
  assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &ceilings);
  for (size_t i = 0; ceilings != NULL && i < 2; i++) {
    const assay_ceiling *c = assay_ceilings_find(ceilings, names[i]);
    if (c != NULL && !c->available) why = c->cause;
    if (c == NULL || !c->available || c->value <= b->ceiling) continue;
    b->ceiling = c->value;
    snprintf(b->ceiling_name, sizeof b->ceiling_name, "%s", names[i]);
  }
  if (isnan(b->ceiling)) add_cause(b, "measured limit", why);
  assay_ceilings_destroy(ceilings);
}

/* Of the processor's memory: copies with and without the caches by one thread or by all, and what detection says the memory could. */
static void of_the_machine(const assay_device_info *info, bandwidth *b) {
  assay_machine *machine = NULL;
  assay_error err = {0};
  if (assay_machine_detect(NULL, &err, &machine) != ASSAY_OK) {
    add_cause(b, "limits", err.message);
    assay_error_clear(&err);
    return;
  }
  find_ceiling(machine, by_several_threads(info), b);
  const assay_fact *fact = assay_machine_get(machine, "memory.bandwidth_bytes_per_s");
  if (!assay_machine_get_f64(machine, "memory.bandwidth_bytes_per_s", &b->theory))
    add_cause(b, "in theory", fact != NULL && fact->text != NULL ? fact->text : "the memory's clock and width are not published here");
  assay_machine_destroy(machine);
}

static void of_the_device(const assay_device_info *info, bandwidth *b) {
  add_cause(b, "measured limit", "`assay machine ceilings` measures the processor's memory alone");
  if (info->memory_bandwidth_bytes_per_s > 0)
    b->theory = info->memory_bandwidth_bytes_per_s;
  else
    add_cause(b, "in theory", "its driver does not publish the memory's clock and width");
}

static assay_status find(assay_device *device, assay_error *err, bandwidth *b) {
  const assay_device_info *info = assay_device_get_info(device);
  bool gpu = info->kind == ASSAY_DEVICE_GPU;
  uint64_t bytes = gpu ? gpu_bytes : host_bytes;
  while (bytes > info->max_buffer_bytes / 4) bytes /= 2;
  *b = (bandwidth){.device = info->id, .ceiling = NAN, .theory = NAN};
  if (info->kind == ASSAY_DEVICE_CPU)
    of_the_machine(info, b);
  else
    of_the_device(info, b);
  return measure_what_fits(device, bytes, gpu ? bytes : host_part_bytes, err, b);
}

static void put_json(assay_buf *out, const bandwidth *b) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-device-bandwidth/1");
  assay_json_put_string(&json, "device", b->device);
  assay_json_put_uint(&json, "bytes", b->bytes);
  assay_json_put_double(&json, "achieved_bytes_per_s", b->achieved);
  assay_json_put_double(&json, "ceiling_bytes_per_s", b->ceiling);
  assay_json_put_double(&json, "ceiling_ratio", b->achieved / b->ceiling);
  assay_json_put_double(&json, "theory_bytes_per_s", b->theory);
  assay_json_put_double(&json, "theory_ratio", b->achieved / b->theory);
  assay_json_put_string(&json, "ceiling", b->ceiling_name[0] != '\0' ? b->ceiling_name : NULL);
  assay_json_put_string(&json, "cause", b->cause[0] != '\0' ? b->cause : NULL);
  assay_json_end(&json);
}

static void put_limit(assay_buf *out, const char *name, double limit, double achieved, const char *what) {
  char text[ASSAY_REPORT_TEXT];
  if (!isfinite(limit)) return; /* why it is not there, the last line says */
  assay_cli_pad(out, name, 16);
  assay_buf_printf(out, "%s", assay_report_value(limit, "B/s", text));
  assay_buf_printf(out, ", of which that is %.0f %%%s%s\n", 100 * achieved / limit, what[0] != '\0' ? ": " : "", what);
}

static void put_text(assay_buf *out, const bandwidth *b) {
  char rate[ASSAY_REPORT_TEXT], size[ASSAY_REPORT_TEXT];
  assay_cli_pad(out, "Device", 16);
  assay_buf_printf(out, "%s\n", b->device);
  assay_cli_pad(out, "Achieved", 16);
  assay_buf_printf(out, "%s", assay_report_value(b->achieved, "B/s", rate));
  assay_buf_printf(out, ", read and written, by the best copy of %s\n", assay_report_value((double)b->bytes, "B", size));
  put_limit(out, "Measured limit", b->ceiling, b->achieved, b->ceiling_name);
  put_limit(out, "In theory", b->theory, b->achieved, "");
  if (b->cause[0] == '\0') return;
  assay_cli_pad(out, "Not available", 16);
  assay_buf_plain(out, b->cause);
  assay_buf_putc(out, '\n');
}

static int run(assay_cli *cli, const void *raw) {
  const bandwidth_settings *settings = raw;
  assay_error err = {0};
  assay_device *device = NULL;
  bandwidth found;
  assay_status status = assay_device_open(settings->device, &err, &device);
  if (status == ASSAY_OK) status = find(device, &err, &found);
  if (status != ASSAY_OK) {
    assay_device_close(device);
    return assay_cli_fail(cli, &err);
  }
  assay_buf out = {0};
  (settings->json ? put_json : put_text)(&out, &found);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  assay_device_close(device);
  return code;
}

static const assay_cli_option options[] = {{"device", 'd', ASSAY_CLI_TEXT, "DEVICE", .environment = "ASSAY_DEVICE", AT(device),
                                            .help = "auto, cpu, opencl[:n] or cuda[:n]; auto when not given."},
                                           {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
                                           ASSAY_CLI_END};
static const assay_cli_example examples[] = {
    {"of the best device", "device bandwidth"}, {"of one", "device bandwidth --device cpu --json"}, {0}};

const assay_cli_verb assay_cli_device_bandwidth = {
    .name = "device bandwidth",
    .summary = "Copy in a device's memory, and show the rate beside its measured limit and what it has in theory.",
    .details =
        "Of a processor the limit is what `machine ceilings` has measured of one thread, or of all where the copies are shared by "
        "several, and the theory what the machine says of its memory; of a GPU the theory is its memory's clock times its width.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(bandwidth_settings),
    .run = run,
};

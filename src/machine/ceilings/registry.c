/* SPDX-License-Identifier: MIT */
/* The list of all ceilings, and how they are measured, cached and handed out. To add one: a row here, a probe, a line in docs/ceilings.md.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "machine/ceilings/cache.h"
#include "machine/ceilings/confirm.h"
#include "machine/ceilings/probes.h"
#include "machine/facts.h"
#include "os/prim.h"

typedef struct ceiling_row {
  const char *name, *unit;
  assay_better better;
  assay_probe probe;
  assay_probe_args args;
} ceiling_row;

#define BANDWIDTH(name, level_, threads_, op_)                                                            \
  {                                                                                                       \
    name, "B/s", ASSAY_HIGHER, assay_probe_bandwidth, { .level = level_, .threads = threads_, .op = op_ } \
  }
#define BANDWIDTHS(name, level, threads, suffix)                                                                                          \
  BANDWIDTH(name ".read" suffix, level, threads, ASSAY_STREAM_READ), BANDWIDTH(name ".write" suffix, level, threads, ASSAY_STREAM_WRITE), \
      BANDWIDTH(name ".copy" suffix, level, threads, ASSAY_STREAM_COPY),                                                                  \
      BANDWIDTH(name ".triad" suffix, level, threads, ASSAY_STREAM_TRIAD)
#define LATENCY(name, level_)                                         \
  {                                                                   \
    name, "ns", ASSAY_LOWER, assay_probe_latency, { .level = level_ } \
  }
#define FLOPS(name, type_, shape_, threads_)                                                                 \
  {                                                                                                          \
    name, "FLOP/s", ASSAY_HIGHER, assay_probe_flops, { .type = type_, .shape = shape_, .threads = threads_ } \
  }
#define SYSTEM(name, probe)               \
  {                                       \
    name, "ns", ASSAY_LOWER, probe, { 0 } \
  }

static const ceiling_row rows[] = {
    BANDWIDTHS("l1", 1, 1, ""),
    BANDWIDTHS("l2", 2, 1, ""),
    BANDWIDTHS("l3", 3, 1, ""),
    BANDWIDTHS("memory", ASSAY_LEVEL_MEMORY, 1, ".1t"),
    BANDWIDTH("memory.write_nt.1t", ASSAY_LEVEL_MEMORY, 1, ASSAY_STREAM_WRITE_NT),
    BANDWIDTH("memory.copy_nt.1t", ASSAY_LEVEL_MEMORY, 1, ASSAY_STREAM_COPY_NT),
    BANDWIDTH("memory.triad_nt.1t", ASSAY_LEVEL_MEMORY, 1, ASSAY_STREAM_TRIAD_NT),
    BANDWIDTHS("memory", ASSAY_LEVEL_MEMORY, 0, ".Nt"),
    BANDWIDTH("memory.write_nt.Nt", ASSAY_LEVEL_MEMORY, 0, ASSAY_STREAM_WRITE_NT),
    BANDWIDTH("memory.copy_nt.Nt", ASSAY_LEVEL_MEMORY, 0, ASSAY_STREAM_COPY_NT),
    BANDWIDTH("memory.triad_nt.Nt", ASSAY_LEVEL_MEMORY, 0, ASSAY_STREAM_TRIAD_NT),
    LATENCY("latency.l1", 1),
    LATENCY("latency.l2", 2),
    LATENCY("latency.l3", 3),
    LATENCY("latency.memory", ASSAY_LEVEL_MEMORY),
    FLOPS("flops.f64.scalar", "f64", "scalar", 1),
    FLOPS("flops.f64.vector", "f64", "vector", 1),
    FLOPS("flops.f32.scalar", "f32", "scalar", 1),
    FLOPS("flops.f32.vector", "f32", "vector", 1),
    FLOPS("flops.f16.vector", "f16", "vector", 1),
    FLOPS("flops.bf16.vector", "bf16", "vector", 1),
    FLOPS("ops.int8.vector", "int8", "vector", 1),
    FLOPS("flops.f64.vector.Nt", "f64", "vector", 0),
    FLOPS("flops.f32.vector.Nt", "f32", "vector", 0),
    SYSTEM("os.syscall", assay_probe_syscall),
    SYSTEM("os.context_switch", assay_probe_context_switch),
    SYSTEM("os.wakeup.same_core", assay_probe_wakeup_same_core),
    SYSTEM("os.wakeup.cross_core", assay_probe_wakeup_cross_core),
    SYSTEM("os.thread_start", assay_probe_thread_start),
    SYSTEM("os.page_fault", assay_probe_page_fault),
    SYSTEM("os.alloc_1g.untouched", assay_probe_alloc_untouched),
    SYSTEM("os.alloc_1g.touched", assay_probe_alloc_touched),
    SYSTEM("os.fsync", assay_probe_fsync),
    SYSTEM("clock.cost", assay_probe_clock_cost),
    SYSTEM("clock.resolution", assay_probe_clock_resolution),
};

enum { ROWS = sizeof rows / sizeof *rows };

void assay_probe_detail(const assay_ceilings_run *run, assay_ceiling *row, const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  row->detail = assay_arena_strdup(&run->set->arena, text);
}

void assay_probe_unavailable(const assay_ceilings_run *run, assay_ceiling *row, const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  row->available = false;
  row->cause = assay_arena_strdup(&run->set->arena, text);
}

/* One measurement after another: where they go, and who watches. */
typedef struct measuring {
  assay_ceilings_run *run;
  assay_confirm confirm;
  assay_ceilings_progress progress;
  void *user;
  size_t done, total;
  bool stopped; /* by progress, while rows were measured again */
} measuring;

static assay_status measure_row(measuring *m, const char *name, const ceiling_row *what, assay_error *err) {
  if (m->progress != NULL && !m->progress(name, m->done, m->total, m->user))
    return ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "stopped while the ceilings were measured");
  assay_ceiling row = {.name = name, .unit = what->unit, .better = what->better};
  assay_confirm_measure(&m->confirm, what->probe, &what->args, &row);
  m->done++;
  return assay_ceilings_add(m->run->set, &row, err);
}

static void measure_again(void *user, assay_ceiling *row) {
  measuring *m = user;
  if (m->stopped) return;
  m->stopped = m->progress != NULL && !m->progress(row->name, m->done - 1, m->total, m->user);
  for (size_t i = 0; i < ROWS && !m->stopped; i++) {
    if (strcmp(rows[i].name, row->name) == 0) rows[i].probe(m->run, &rows[i].args, row);
  }
}

/* Between one thread and all: powers of two, in full form. The rows are "memory.read.2t" and so on. */
static assay_status measure_between(measuring *m, assay_error *err) {
  static const char *const names[] = {"read", "write", "copy", "triad"};
  assay_status status = ASSAY_OK;
  for (unsigned threads = 2; threads < m->run->threads && status == ASSAY_OK; threads *= 2) {
    for (unsigned op = 0; op < 4 && status == ASSAY_OK; op++) {
      char name[64];
      snprintf(name, sizeof name, "memory.%s.%ut", names[op], threads);
      ceiling_row row = BANDWIDTH(NULL, ASSAY_LEVEL_MEMORY, threads, (assay_stream_op)op);
      status = measure_row(m, name, &row, err);
    }
  }
  return status;
}

static size_t rows_between(const assay_ceilings_run *run) {
  size_t count = 0;
  for (unsigned threads = 2; threads < run->threads && !run->quick; threads *= 2) count += 4;
  return count;
}

static assay_status measure(const assay_machine *machine, bool quick, assay_ceilings_progress progress, void *user, assay_error *err,
                            assay_ceilings **ceilings) {
  assay_ceilings *set = NULL;
  assay_ceilings_run *run = assay_calloc(ASSAY_TAG_MACHINE, 1, sizeof *run);
  if (run == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for measuring ceilings");
  assay_status status = assay_ceilings_create(err, &set);
  if (status != ASSAY_OK) goto done;
  uint64_t start = assay_os_now_ns();
  assay_ceilings_run_init(run, machine, quick);
  run->set = set;
  set->quick = quick;
  memcpy(set->level_bytes, run->level_bytes, sizeof set->level_bytes);
  set->last_level_bytes = run->last_level_bytes;
  assay_ceilings_identify(set, machine);
  measuring m = {.run = run, .progress = progress, .user = user, .total = ROWS + rows_between(run)};
  assay_confirm_init(&m.confirm, run, start);
  for (size_t i = 0; i < ROWS && status == ASSAY_OK; i++) status = measure_row(&m, rows[i].name, &rows[i], err);
  if (!quick && status == ASSAY_OK) status = measure_between(&m, err);
  if (status == ASSAY_OK) assay_confirm_orders(&m.confirm, measure_again, &m);
  if (status == ASSAY_OK && m.stopped) status = ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "stopped while the ceilings were measured");
  if (status == ASSAY_OK && set->arena.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the ceilings");
  set->measured_at_s = assay_os_wall_s();
  set->took_s = (double)(assay_os_now_ns() - start) / 1e9;
done:
  assay_free(run);
  if (status == ASSAY_OK)
    *ceilings = set;
  else
    assay_ceilings_destroy(set);
  return status;
}

assay_status assay_ceilings_get(const assay_machine *machine, assay_ceilings_mode mode, assay_ceilings_progress progress, void *user,
                                assay_error *err, assay_ceilings **ceilings) {
  if (machine == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ceilings need a machine: detect it first");
  if (machine->replayed)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "a machine that was replayed from a capture has no ceilings: measure on the machine itself");
  if (mode != ASSAY_CEILINGS_MEASURE) {
    assay_ceilings *cached = NULL;
    assay_error why = {0};
    if (assay_ceilings_cache_load(machine, &why, &cached) == ASSAY_OK) {
      if (!cached->quick || mode != ASSAY_CEILINGS_CACHED) {
        *ceilings = cached;
        return ASSAY_OK;
      }
      assay_log(ASSAY_LOG_INFO, "the cached ceilings were measured in quick form; measuring them in full");
      assay_ceilings_destroy(cached);
    } else if (why.status != ASSAY_ERR_NOT_FOUND) {
      assay_log(ASSAY_LOG_WARNING, "cached ceilings are not used: %s", why.message);
    }
    if (mode == ASSAY_CEILINGS_CACHE_ONLY)
      return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "no ceilings of this machine are cached: run 'assay machine ceilings'");
  }
  assay_status status = measure(machine, mode == ASSAY_CEILINGS_QUICK, progress, user, err, ceilings);
  if (status == ASSAY_OK) {
    assay_error why = {0};
    if (assay_ceilings_cache_store(*ceilings, &why) != ASSAY_OK)
      assay_log(ASSAY_LOG_WARNING, "the ceilings are not cached: %s", why.message);
  }
  return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * assay/ceilings.h: the machine's own limits, measured. Every benchmark result is shown as a share of the limit that binds it.
 *
 *     assay_ceilings *c = NULL;
 *     assay_ceilings_get(machine, ASSAY_CEILINGS_CACHED, NULL, NULL, &err, &c);
 *     const assay_ceiling *copy = assay_ceilings_find(c, "memory.copy.1t");
 *     if (copy != NULL && copy->available) printf("%.1f GB/s\n", copy->value / 1e9);
 *     assay_ceilings_destroy(c);
 *
 * Names (docs/ceilings.md has them all):
 *   bandwidth, B/s:  l1.read l1.write l1.copy l1.triad, the same for l2 and l3 (one core), memory.read.1t ... memory.triad.Nt,
 *                    memory.write_nt.1t, memory.copy_nt.1t, memory.triad_nt.1t (non-temporal stores)
 *   latency, ns:     latency.l1 latency.l2 latency.l3 latency.memory
 *   compute, FLOP/s: flops.f64.scalar flops.f64.vector flops.f32.scalar flops.f32.vector flops.f16.vector flops.bf16.vector
 *                    ops.int8.vector (one core), flops.f32.vector.Nt (all cores)
 *   system, ns:      os.syscall os.context_switch os.wakeup.same_core os.wakeup.cross_core os.thread_start os.page_fault
 * os.alloc_1g.untouched os.alloc_1g.touched os.fsync clock, ns:       clock.cost clock.resolution Bandwidth counts the bytes that the
 * program asks to move (STREAM's convention: no write-allocate traffic).
 */
#ifndef ASSAY_CEILINGS_H
#define ASSAY_CEILINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/machine.h>
#include <assay/metric.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_ceiling {
  const char *name;
  const char *unit;    /* "B/s", "FLOP/s", "ns" */
  assay_better better; /* ASSAY_HIGHER for rates, ASSAY_LOWER for costs */
  bool available;
  double value;        /* the best seen, since this is a limit; undefined when not available */
  double typical;      /* median over repetitions */
  double spread_ratio; /* (max - min) / median over repetitions */
  const char *detail;  /* how: "avx2, 32 KiB working set, 1 thread" */
  const char *cause;   /* why it is unavailable; NULL otherwise */
} assay_ceiling;

typedef enum assay_ceilings_mode {
  ASSAY_CEILINGS_CACHED,    /* cached ones of this machine and kernel, else measured (full) and cached */
  ASSAY_CEILINGS_QUICK,     /* cached ones, else measured in quick form (at most 25 s on 2 cores) and cached as such */
  ASSAY_CEILINGS_MEASURE,   /* measured again and cached */
  ASSAY_CEILINGS_CACHE_ONLY /* ASSAY_ERR_NOT_FOUND when there is no valid cache */
} assay_ceilings_mode;

/* Called before each ceiling is measured; `done` of `total`. False stops: ASSAY_ERR_INTERRUPTED, and nothing is cached. */
typedef bool (*assay_ceilings_progress)(const char *name, size_t done, size_t total, void *user);

/* The cache is $ASSAY_CACHE_DIR, else $XDG_CACHE_HOME/assay, else ~/.cache/assay; a cache that cannot be written is not an error. */
ASSAY_API assay_status assay_ceilings_get(const assay_machine *machine, assay_ceilings_mode mode, assay_ceilings_progress progress,
                                          void *user, assay_error *err, assay_ceilings **ceilings);
ASSAY_API void assay_ceilings_destroy(assay_ceilings *ceilings); /* accepts NULL */

ASSAY_API size_t assay_ceilings_count(const assay_ceilings *ceilings);
ASSAY_API const assay_ceiling *assay_ceilings_at(const assay_ceilings *ceilings, size_t index);
/* NULL when there is none of that name. */
ASSAY_API const assay_ceiling *assay_ceilings_find(const assay_ceilings *ceilings, const char *name);
/* When and how they were measured: seconds since 1970, whether in quick form, and seconds it took. */
ASSAY_API void assay_ceilings_provenance(const assay_ceilings *ceilings, int64_t *measured_at_s, bool *quick, double *took_s);

/* Work of one operation, for finding what binds it. Zero or NULL where it does not apply. */
typedef struct assay_work {
  double bytes_read, bytes_written; /* per operation, as the program asks */
  double flops;                     /* per operation */
  const char *flop_type;            /* "f64" (default), "f32", "f16", "bf16", "int8" */
  double working_set_bytes;         /* decides the cache level; 0: bytes_read + bytes_written */
  unsigned threads;                 /* 0 means 1 */
} assay_work;

/*
 * The roofline: the ceiling that gives `work` its longest minimal time, and that time in ns. ASSAY_ERR_NOT_FOUND when no available ceiling
 * applies. `name` is borrowed from the ceilings.
 */
ASSAY_API assay_status assay_ceilings_bind(const assay_ceilings *ceilings, const assay_work *work, const char **name, double *limit_ns);

ASSAY_API assay_status assay_ceilings_to_json(const assay_ceilings *ceilings, assay_error *err, char **json);
/* {"schema": "assay-ceilings/1", ...} as written by the function above. */
ASSAY_API assay_status assay_ceilings_from_json(const char *json, size_t length, assay_error *err, assay_ceilings **ceilings);

#ifdef __cplusplus
}
#endif
#endif

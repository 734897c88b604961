/* SPDX-License-Identifier: MIT */
/*
 * assay/machine.h: what this machine is. Detection is a set of components (CPU, caches, NUMA, ISA, memory, sensors, power, GPUs,
 * virtualisation, container, kernel, compiler ...) that each write *facts*. A fact has a dotted key, and either a value or the exact
 * cause why it is unavailable: nothing is guessed.
 *
 *     assay_machine *m = NULL;
 *     if (assay_machine_detect(NULL, &err, &m) == ASSAY_OK) {
 *       uint64_t cores = 0;
 *       if (assay_machine_get_u64(m, "cpu.cores", &cores)) printf("%llu cores\n", (unsigned long long)cores);
 *       const assay_fact *power = assay_machine_get(m, "power.domains.0.energy_joules");
 *       if (power != NULL && power->type == ASSAY_FACT_UNAVAILABLE) printf("power: %s\n", power->text);
 *     }
 *     assay_machine_destroy(m);
 *
 * Numeric path parts are array indexes: "caches.0.size_bytes", "cpu.kinds.1.cores", "gpus.0.name". docs/machine.md lists every key.
 * Thread-safety: a machine is read-only once detected; detection itself may run in one thread at a time.
 */
#ifndef ASSAY_MACHINE_H
#define ASSAY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/check.h>
#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_machine assay_machine;
typedef struct assay_ceilings assay_ceilings;

typedef enum assay_fact_type {
  ASSAY_FACT_TEXT,
  ASSAY_FACT_INTEGER,
  ASSAY_FACT_REAL,
  ASSAY_FACT_BOOL,
  ASSAY_FACT_UNAVAILABLE
} assay_fact_type;

typedef struct assay_fact {
  const char *key;       /* e.g. "memory.total_bytes"; the unit is the end of the name */
  const char *component; /* which component wrote it, e.g. "linux-cpu" */
  assay_fact_type type;
  const char *text; /* TEXT: the value. UNAVAILABLE: the cause, e.g. "/sys/class/powercap is not there" */
  double real;      /* INTEGER, REAL and BOOL, for comparing */
  int64_t integer;  /* INTEGER and BOOL */
} assay_fact;

/*
 * Detects the machine of this process (`snapshot` NULL) or replays a capture: a tar of /sys and /proc (plain, gz, bz2, xz, zst; with
 * or without one leading directory), or the text of `sysctl -a` of a Mac, or "-" for standard input.
 * Archives are read within limits (entries, bytes, path length); a member that tries to leave the archive is an error.
 */
ASSAY_API assay_status assay_machine_detect(const char *snapshot, assay_error *err, assay_machine **machine);
ASSAY_API void assay_machine_destroy(assay_machine *machine); /* accepts NULL */

/* Writes FILE.tar.gz with everything that detection reads here, so that an odd machine can become a test. No host name, user name, serial
 * number or address is in it. Written beside, then renamed. */
ASSAY_API assay_status assay_machine_gather(const char *path, assay_error *err);

/* Facts in the order of detection. Borrowed, as long as the machine lives. */
ASSAY_API size_t assay_machine_count(const assay_machine *machine);
ASSAY_API const assay_fact *assay_machine_at(const assay_machine *machine, size_t index);
/* NULL when no component knows the key. */
ASSAY_API const assay_fact *assay_machine_get(const assay_machine *machine, const char *key);
/* False when unknown, unavailable or of another type; then the output is untouched. */
ASSAY_API bool assay_machine_get_u64(const assay_machine *machine, const char *key, uint64_t *value);
ASSAY_API bool assay_machine_get_f64(const assay_machine *machine, const char *key, double *value);
ASSAY_API const char *assay_machine_get_text(const assay_machine *machine, const char *key); /* NULL likewise */

/* Stable identity of the hardware, on which its history hangs (16 hex digits): the same after reboots and updates of kernel or microcode.
 */
ASSAY_API const char *assay_machine_id(const assay_machine *machine);
/* One line for people: "AMD EPYC, 2 cores, 23.4 GiB, Linux 6.18, KVM guest". */
ASSAY_API const char *assay_machine_label(const assay_machine *machine);

/* Logical CPUs usable by this process, best kind first. Kinds: 0 is the fastest. */
typedef enum assay_core_class { ASSAY_CORES_ALL, ASSAY_CORES_PERFORMANCE, ASSAY_CORES_EFFICIENCY } assay_core_class;
/* Writes up to `capacity` logical CPU numbers, one hardware thread per core first, and returns how many there are in all. */
ASSAY_API size_t assay_machine_cpus(const assay_machine *machine, assay_core_class core_class, unsigned *cpus, size_t capacity);
/* Restricts the calling thread to CPUs of that class (P1). ASSAY_ERR_UNSUPPORTED where the system cannot. */
ASSAY_API assay_status assay_machine_run_on(const assay_machine *machine, assay_core_class core_class, assay_error *err);

/* Number of threads of the libraries that crunch numbers (OpenMP, OpenBLAS, MKL, BLIS, Accelerate, NumExpr), for this process and those it
 * starts: `threads`, or with 0 the performance cores that this process may use and its CPU quota can keep busy. What the environment says
 * already stays. Sets environment variables, so call it before such a library is loaded and before threads start. */
ASSAY_API assay_status assay_machine_set_math_threads(const assay_machine *machine, unsigned threads, assay_error *err);

/* The whole machine as nested JSON: {"schema": "assay-machine/1", "id", "label", "cpu": {...}, ..., "unavailable": {"key": "cause"}}; an
 * unavailable leaf is null. Free with assay_string_free. */
ASSAY_API assay_status assay_machine_to_json(const assay_machine *machine, assay_error *err, char **json);

/*
 * Checks the machine against an expectation profile (TOML, profiles/machines; a name such as "m4-max" or a path), a row a check.
 * With `profile` NULL the machine is checked against itself: do the measured bandwidths, frequency and core count fit what it claims?
 * `ceilings` may be NULL; rows that need a measurement are then unavailable.
 */
ASSAY_API assay_status assay_machine_check(const assay_machine *machine, const assay_ceilings *ceilings, const char *profile,
                                           assay_error *err, assay_check_list **checks);

/* What makes numbers noisy on this machine, each with the command that would mend it. Reads only. */
ASSAY_API assay_status assay_machine_doctor(const assay_machine *machine, assay_error *err, assay_check_list **checks);

#ifdef __cplusplus
}
#endif
#endif

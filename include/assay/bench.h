/* SPDX-License-Identifier: MIT */
/*
 * assay/bench.h: writing and running benchmarks.
 *
 *     #include <assay/bench.h>
 *
 *     ASSAY_BENCH(sum, .params = {{"n", "1k..1M*10"}}) {
 *       size_t n = assay_bench_u64(b, "n");
 *       double *x = make_numbers(n);                      // set-up: outside the clock
 *       ASSAY_LOOP(b) assay_keep(sum_of(x, n));           // the measured loop
 *       assay_bench_bytes(b, n * sizeof *x, 0);           // what one operation did
 *       free(x);                                          // tear-down: outside the clock
 *     }
 *     ASSAY_MAIN()
 *
 * Linked with libassay this is the whole command line: `./mine --quick-run --filter sum --format html`.
 *
 * A benchmark function is called once in every *fresh process* (several per benchmark, in random interleaved order over all benchmarks).
 * The engine decides how often the loop body runs: warm-up until steady, then samples of calibrated batches, so that reading the clock
 * costs less than 0.1 % of a sample. Whatever happens in the function (crash, exit, hang, out of memory) loses only that benchmark.
 *
 * Thread-safety: functions on `assay_bench` may be called by the thread that runs the benchmark function; in a multi-threaded benchmark
 * (parameter "threads") every thread runs the function with its own `assay_bench`.
 */
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/metric.h>
#include <assay/stats.h>
#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Writing a benchmark ---------------------------------------------------------------------------------------------------- */

typedef struct assay_bench assay_bench;

enum { ASSAY_BENCH_MAX_PARAMS = 8, ASSAY_BENCH_MAX_METRICS = 32, ASSAY_BENCH_OWN_METRICS = 8, ASSAY_NAME_MAX = 160 };

/*
 * A sweep: comma-separated values, each a word or a range. "1,2,4", "f32,f64", "1..4" (step 1), "0..1+0.25" (arithmetic), "1Ki..1Mi*4"
 * (geometric; the end is included when hit, and always as the last value). Suffixes: k M G (1000^n), Ki Mi Gi (1024^n). The word "cpus" is
 * the number of CPUs that this process may run on, at most its CPU quota rounded up, also as an end of a range: "1..cpus*2". The parameter
 * "threads" runs the function in that many threads at once; "type" and "n" are ordinary names by convention.
 */
typedef struct assay_param {
  const char *name;
  const char *values;
} assay_param;

typedef enum assay_bench_mode {
  ASSAY_MODE_BATCH,  /* time of one operation from calibrated batches (default) */
  ASSAY_MODE_LATENCY /* every operation recorded into a histogram; percentiles are over operations */
} assay_bench_mode;

typedef struct assay_bench_desc {
  const char *name; /* letters, digits, _ . - ; unique in its suite */
  void (*run)(assay_bench *b);
  const char *suite;                          /* NULL: the program's name */
  const char *summary;                        /* one line for `assay list` */
  assay_param params[ASSAY_BENCH_MAX_PARAMS]; /* the cases are their cross product */
  assay_bench_mode mode;
  double rate_hz;         /* LATENCY: issue on this schedule and count from the scheduled time (no coordinated omission); 0: back to back */
  double timeout_s;       /* one process; 0: the run's default (60 s) */
  const char *ceiling;    /* ceiling that binds it (<assay/ceilings.h>), where the declared bytes and FLOPs do not say; "" for none */
  const char *complexity; /* name of the size parameter for a Big-O fit over the sweep; NULL: none */
} assay_bench_desc;

/* Parameters of this case. A name that the benchmark does not have fails the benchmark with a clear reason. */
ASSAY_API uint64_t assay_bench_u64(const assay_bench *b, const char *param);
ASSAY_API double assay_bench_f64(const assay_bench *b, const char *param);
ASSAY_API const char *assay_bench_text(const assay_bench *b, const char *param);
/* In a multi-threaded benchmark: which thread this is, 0 .. threads - 1. */
ASSAY_API unsigned assay_bench_thread(const assay_bench *b);
ASSAY_API unsigned assay_bench_threads(const assay_bench *b);
/* Random bits that differ between processes and repeat with the run's seed. */
ASSAY_API uint64_t assay_bench_seed(const assay_bench *b);

/* What ONE operation (one pass of the loop body) did; may be set before or after the loop. */
ASSAY_API void assay_bench_items(assay_bench *b, double items);
ASSAY_API void assay_bench_bytes(assay_bench *b, double bytes_read, double bytes_written);
ASSAY_API void assay_bench_flops(assay_bench *b, double flops, const char *type); /* "f64", "f32", "f16", "bf16", "int8" */
ASSAY_API void assay_bench_working_set(assay_bench *b, double bytes);
/* The ceiling that binds this case, where it depends on the parameters; goes before the description's. The name is copied. */
ASSAY_API void assay_bench_ceiling(assay_bench *b, const char *name);
/* Any other figure of this process, e.g. accuracy; at most ASSAY_BENCH_MAX_METRICS. The name is copied; a name set twice keeps the last
 * value. In a multi-threaded benchmark the figure of the lowest thread that has one of that name counts. The engine's own names (time,
 * cpu_time, peak_rss and so on, see docs/bench-engine.md) and those beyond 47 bytes (units: 23) fail the benchmark. */
ASSAY_API void assay_bench_metric(assay_bench *b, const char *name, double value, const char *unit, assay_metric_kind kind,
                                  assay_better better);

/* Ends the benchmark here with that outcome. Do not enter the loop afterwards; return from the function. */
ASSAY_API void assay_bench_skip(assay_bench *b, const char *format, ...) ASSAY_PRINTF(2, 3);
ASSAY_API void assay_bench_unsupported(assay_bench *b, const char *format, ...) ASSAY_PRINTF(2, 3);
ASSAY_API void assay_bench_fail(assay_bench *b, const char *format, ...) ASSAY_PRINTF(2, 3);

/* Takes work inside the loop body off the clock; costs two clock readings (subtracted), so prefer set-up before the loop. */
ASSAY_API void assay_bench_pause(assay_bench *b);
ASSAY_API void assay_bench_resume(assay_bench *b);

/* Ends a batch and opens the next; 0 when enough was measured. Used by ASSAY_LOOP. */
ASSAY_API uint64_t assay_bench_next(assay_bench *b);
/* Fails the benchmark because its loop body left with `break`, so its batch was not done; returns 0. Used by ASSAY_LOOP. */
ASSAY_API uint64_t assay_bench_broken(assay_bench *b);

#if defined(__clang__)
#define ASSAY_UNROLL_ _Pragma("clang loop unroll_count(4)")
#else
#define ASSAY_UNROLL_ _Pragma("GCC unroll 4")
#endif
/* The measured loop; do not break out of it. Unrolled by four, so that the loop itself costs about a quarter of a cycle an operation. (Two
 * calls of assay_bench_next, because GCC 12 forgets to unroll a loop that is the whole body of another loop whose condition has the call.)
 */
#define ASSAY_LOOP(b)                                                                  \
  for (uint64_t assay_batch_ = assay_bench_next(b); assay_batch_ != 0;                 \
       assay_batch_ = assay_batch_ == 0 ? assay_bench_next(b) : assay_bench_broken(b)) \
  ASSAY_UNROLL_ for (; assay_batch_ != 0; --assay_batch_)

/* Tells the compiler that the value is used, and that memory may have been read and written. (clang takes memory where "r,m" leaves it the
 * choice, which would cost a store an operation; so what fits into a register is asked for there.) */
#ifdef __cplusplus
#define assay_keep(value) __asm__ volatile("" : : "r,m"(value) : "memory")
#else
/* By hand, because clang-format 14 does not know _Generic. */
/* clang-format off */
#define assay_keep(value)                                               \
  do {                                                                  \
    __typeof__(value) assay_kept_ = (value);                            \
    _Generic(assay_kept_,                                               \
        float: assay_keep_float_,                                       \
        double: assay_keep_double_,                                     \
        default: assay_keep_any_)(&assay_kept_, sizeof assay_kept_);    \
  } while (0)
/* clang-format on */
#if defined(__x86_64__)
#define ASSAY_FLOAT_REGISTER_ "x"
#elif defined(__aarch64__)
#define ASSAY_FLOAT_REGISTER_ "w"
#else
#define ASSAY_FLOAT_REGISTER_ "m"
#endif
static inline __attribute__((always_inline)) void assay_keep_float_(const void *value, size_t size) {
  (void)size;
  __asm__ volatile("" : : ASSAY_FLOAT_REGISTER_(*(const float *)value) : "memory");
}
static inline __attribute__((always_inline)) void assay_keep_double_(const void *value, size_t size) {
  (void)size;
  __asm__ volatile("" : : ASSAY_FLOAT_REGISTER_(*(const double *)value) : "memory");
}
static inline __attribute__((always_inline)) void assay_keep_any_(const void *value, size_t size) {
  uint64_t bits = 0;
  if (size <= sizeof bits) {
    __builtin_memcpy(&bits, value, size);
    __asm__ volatile("" : : "r"(bits) : "memory");
  } else {
    __asm__ volatile("" : : "r"(value) : "memory"); /* it lies in memory anyhow */
  }
}
#endif
#define assay_keep_memory() __asm__ volatile("" : : : "memory")

/* Adds a benchmark to the program's list; `desc` has static storage. Call before main or at its start, from one thread. */
ASSAY_API void assay_bench_register(const assay_bench_desc *desc);

/* The function has a name of its own, so that a benchmark may be called `read` or `pause`. */
#define ASSAY_BENCH(identifier, ...)                                                                                             \
  static void assay_run_##identifier(assay_bench *b);                                                                            \
  static const assay_bench_desc assay_desc_##identifier = {.name = #identifier, .run = assay_run_##identifier, __VA_ARGS__};     \
  __attribute__((constructor)) static void assay_register_##identifier(void) { assay_bench_register(&assay_desc_##identifier); } \
  static void assay_run_##identifier(assay_bench *b)

/* The whole command line of Assay over the benchmarks of this program; a missing verb means `run`. Returns the exit code. */
ASSAY_API int assay_main(int argc, char **argv);
#define ASSAY_MAIN() \
  int main(int argc, char **argv) { return assay_main(argc, argv); }

/*
 * Programs with a main of their own that call assay_bench_run: this must be the first thing in main. In a fresh process started by the
 * engine it runs the benchmark and never returns; otherwise it returns at once. (assay_main calls it.)
 */
ASSAY_API void assay_bench_worker(int argc, char **argv);

/* ---- Running benchmarks from a program -------------------------------------------------------------------------------------- */

/* One benchmark with one choice of parameters. */
typedef struct assay_bench_case {
  const assay_bench_desc *desc; /* NULL for a command (assay time) */
  char name[ASSAY_NAME_MAX];    /* "sum/n=1000/type=f32" */
  const char *suite;
  size_t param_count;
  struct {
    const char *name, *value;
  } params[ASSAY_BENCH_MAX_PARAMS];
  const char *command; /* a shell command to time instead; NULL for a benchmark function */
} assay_bench_case;

typedef struct assay_bench_plan assay_bench_plan;

/* Expands the registered benchmarks of the suites (NULL-terminated array; NULL: all; an array without names gives an
 * empty plan, for commands) whose name or "suite/name" matches the glob `filter` (NULL: all;
 * a plain word matches anywhere). */
ASSAY_API assay_status assay_bench_plan_create(const char *const *suites, const char *filter, assay_error *err, assay_bench_plan **plan);
/* Adds a shell command as a case named by its text. `params` as in "-P n=1,2,4": every {n} in the command is replaced. */
ASSAY_API assay_status assay_bench_plan_add_command(assay_bench_plan *plan, const char *command, const assay_param *params,
                                                    size_t param_count, assay_error *err);
/* A plan of those cases that `keep` wants, in the same order. It borrows their texts: `plan` must outlive it. */
ASSAY_API assay_status assay_bench_plan_choose(const assay_bench_plan *plan, bool (*keep)(const assay_bench_case *bench, void *user),
                                               void *user, assay_error *err, assay_bench_plan **chosen);
ASSAY_API size_t assay_bench_plan_count(const assay_bench_plan *plan);
ASSAY_API const assay_bench_case *assay_bench_plan_at(const assay_bench_plan *plan, size_t index);
ASSAY_API void assay_bench_plan_destroy(assay_bench_plan *plan);

/* Why a sample was set aside, a bit each. Never because it was slow. */
enum {
  ASSAY_ASIDE_PREEMPTED = 1,  /* involuntary context switch */
  ASSAY_ASIDE_MIGRATED = 2,   /* moved to another CPU */
  ASSAY_ASIDE_STOLEN = 4,     /* the hypervisor took the CPU */
  ASSAY_ASIDE_FAULTED = 8,    /* major page fault */
  ASSAY_ASIDE_THROTTLED = 16, /* cgroup quota or thermal throttling */
  ASSAY_ASIDE_SPIN = 32       /* the calibration spin around it ran slower than this process's usual by more than 10 % */
};

/* What else happened while a sample was measured. Fields that the system does not publish are NaN. */
typedef struct assay_covariates {
  double steal_ms; /* CPU time taken by the hypervisor, machine-wide */
  double voluntary_switches, involuntary_switches;
  double migrations;
  double minor_faults, major_faults;
  double pressure_us;  /* PSI cpu "some" stall time */
  double throttled_us; /* cgroup quota; thermal events count 1 us each */
  double spin_ratio;   /* calibration spin relative to this process's median; 1 is normal */
  double others_cpus;  /* CPUs that other processes kept busy meanwhile; coarse (clock ticks), so only its mean over many samples counts */
  double own_cpus;     /* CPUs that this process kept busy over the same time */
  double stolen_cpus;  /* CPUs that the hypervisor took the time of, of the whole machine; as coarse */
} assay_covariates;

typedef struct assay_bench_sample {
  double ns; /* per operation, clock cost subtracted */
  uint64_t operations;
  uint32_t aside; /* ASSAY_ASIDE_ bits; 0: kept */
  uint32_t marks; /* the bits that its covariates earned. Equal to `aside`, unless more than half of the process's samples earned some: then
                   * the disturbance is what this machine is like, all are kept (aside 0) and the share of marked samples says so */
  assay_covariates covariates;
} assay_bench_sample;

/* One figure of one process. */
typedef struct assay_bench_figure {
  char name[48];
  char unit[24];
  assay_metric_kind kind;
  assay_better better;
  double value;
} assay_bench_figure;

/* Whether the time of one operation had settled: two windows of the warm-up agreed, and so do both halves of the samples. */
typedef enum assay_steady {
  ASSAY_STEADY_NO,
  ASSAY_STEADY_YES,
  ASSAY_STEADY_UNTESTED /* too few operations to say, as of slow ones and commands */
} assay_steady;

/* What one fresh process gave. */
typedef struct assay_bench_process {
  assay_outcome outcome;
  char reason[256];
  double started_s, wall_s; /* since the run began; of the whole process */
  unsigned order;           /* place in the random order of all processes */
  uint32_t env_padding;     /* bytes of random environment */
  assay_steady steady;
  double warmup_s;
  double clock_cost_ns, clock_resolution_ns;
  size_t sample_count;
  assay_bench_sample *samples;
  size_t figure_count;
  assay_bench_figure
      figures[ASSAY_BENCH_MAX_METRICS + ASSAY_BENCH_OWN_METRICS]; /* custom metrics, memory, CPU time, counters; "time" is in samples */
  assay_histogram *latency;                                       /* LATENCY: every operation (response time); NULL otherwise */
  assay_histogram *service;                                       /* LATENCY at a fixed rate: from the actual start; NULL otherwise */
  double rate_achieved_hz;                                        /* LATENCY at a fixed rate */
  /* declared work of one operation */
  double items, bytes_read, bytes_written, flops, working_set_bytes;
  char flop_type[8];
  bool ceiling_set; /* by assay_bench_ceiling, also to "" */
  char ceiling[48];
  unsigned threads;
  char counters_cause[256];    /* why hardware counters are absent; "" when they are there */
  char allocations_cause[256]; /* likewise for allocation counts */
} assay_bench_process;

/* Per case of the plan, its processes. Owned by the outcomes. */
typedef struct assay_bench_outcome {
  const assay_bench_case *bench;
  size_t process_count;
  assay_bench_process *processes;
} assay_bench_outcome;

typedef struct assay_bench_config {
  unsigned processes; /* fresh processes a benchmark; 0: 5, quick 3 */
  bool quick;
  double time_s;               /* measured time a process; 0: 0.5, quick 0.03 */
  double warmup_s;             /* limit of the warm-up a process; 0: 1, quick 0.02 */
  double timeout_s;            /* one process; 0: 60 */
  uint64_t seed;               /* order, environment and benchmark seeds; 0: from the clock */
  uint64_t memory_limit_bytes; /* address space of one process; 0: none */
  const char *shell;           /* for commands; NULL: /bin/sh; "" runs the words directly */
  unsigned command_warmup;     /* assay time: runs of each command before measuring */
  const char *prepare;         /* assay time: command run before every timing, untimed; NULL: none */
  bool ignore_failure;         /* assay time: a command that ends with another code than 0 counts all the same */
  bool verbose;
  const volatile int *stop; /* becomes non-zero when the run must end (Ctrl-C): the process in flight is ended, the rest is not begun */
  /* Called in the parent before a process starts; may be NULL. `done` of `total` processes have ended. */
  void (*on_start)(const assay_bench_case *bench, size_t case_index, size_t done, size_t total, void *user);
  /* Called in the parent as soon as a process has ended: `so_far` has all ended processes of that case, the newest last; valid during the
   * call. May be NULL. */
  void (*on_process)(const assay_bench_outcome *so_far, size_t case_index, size_t done, size_t total, void *user);
  void *user;
} assay_bench_config;

typedef struct assay_bench_outcomes {
  size_t count;
  assay_bench_outcome *items; /* in the order of the plan */
  uint64_t seed;
  bool interrupted;
} assay_bench_outcomes;

/*
 * Runs the plan. A failing benchmark is not an error of the run: look at each process's outcome.
 * Errors: ASSAY_ERR_INVALID (config), ASSAY_ERR_UNSUPPORTED (this program cannot be started again).
 */
ASSAY_API assay_status assay_bench_run(const assay_bench_plan *plan, const assay_bench_config *config, assay_error *err,
                                       assay_bench_outcomes **outcomes);
/* Moves the processes of `more` behind those of the same cases; what `outcomes` has no case for stays where it is. ASSAY_ERR_NO_MEMORY
 * leaves each case whole on one side. */
ASSAY_API assay_status assay_bench_outcomes_append(assay_bench_outcomes *outcomes, assay_bench_outcomes *more);
ASSAY_API void assay_bench_outcomes_destroy(assay_bench_outcomes *outcomes); /* accepts NULL */

/* ---- Suites ------------------------------------------------------------------------------------------------------------------- */

/* A suite is a name for benchmarks, and may add checks (rows that pass or fail) and be known before it exists. */
typedef struct assay_machine assay_machine;
typedef struct assay_ceilings assay_ceilings;
struct assay_check_list;

typedef struct assay_suite_context {
  const assay_machine *machine;
  const assay_ceilings *ceilings; /* may be NULL */
  const char *profile;            /* machine profile asked for; NULL: none */
  bool quick;
} assay_suite_context;

typedef struct assay_suite {
  const char *name;
  const char *summary;
  const char *unsupported; /* why it cannot run in this build, e.g. "not built yet"; NULL: it can */
  assay_status (*check)(const assay_suite_context *context, assay_error *err, struct assay_check_list **checks); /* may be NULL */
} assay_suite;

ASSAY_API void assay_suite_register(const assay_suite *suite); /* static storage; before main or at its start */
ASSAY_API size_t assay_suite_count(void);
ASSAY_API const assay_suite *assay_suite_at(size_t index);

#ifdef __cplusplus
}
#endif
#endif

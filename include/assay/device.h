/* SPDX-License-Identifier: MIT */
/*
 * assay/device.h: where numbers are crunched. A device is a GPU through CUDA, anything that OpenCL reaches, the processor's own vector
 * lanes, or a dummy for tests; all of them run the same kernels and give the same bits. A device has memory, which a pool hands out as
 * buffers, and streams, in which commands run in order.
 *
 *     assay_device *device = NULL;                             // the best one, or what ASSAY_DEVICE says
 *     assay_stream *stream = NULL;
 *     assay_buffer *x = NULL;
 *     if (assay_device_open(NULL, &err, &device) != ASSAY_OK) return err.status;
 *     printf("%s: %s\n", assay_device_get_info(device)->id, assay_device_reason(device));
 *     assay_stream_create(device, &err, &stream);
 *     assay_buffer_alloc(stream, bytes, "prices", &err, &x);
 *     assay_buffer_write(stream, x, 0, prices, bytes, &err);
 *     assay_stream_launch(stream, "scale_f32", groups, &params, sizeof params, &x, 1, &err);
 *     assay_buffer_read(stream, x, 0, prices, bytes, &err);
 *     assay_stream_sync(stream, &err);                         // now `prices` holds the answer
 *     assay_buffer_free(x), assay_stream_destroy(stream), assay_device_close(device);
 *
 * Environment: ASSAY_DEVICE (auto, cpu, opencl[:n], cuda[:n], dummy), ASSAY_MEMORY_FRACTION (of a device's memory that the pool may take;
 * 0 to 1), ASSAY_DEBUG=1 (waits after every command, so that an error names its command, and fills fresh memory with NaNs),
 * ASSAY_THREADS (of the cpu device), ASSAY_ISA (of its kernels).
 *
 * Errors: ASSAY_ERR_NO_MEMORY names what holds the memory; ASSAY_ERR_LOST means that the device does not answer any more and every later
 * command on it fails likewise. assay_device_run does a piece of work with the fallback that these two call for.
 *
 * Thread-safety: devices, buffers' memory and the pool may be used from any thread. A stream, and the buffers that its commands use at the
 * time, belong to one thread at a time. Destroy and free functions accept NULL; a device or buffer that is NULL has nothing to tell (false,
 * 0, a cause). In a child of fork, devices that the parent opened through a driver are lost (ASSAY_ERR_LOST); those of the processor go on.
 */
#ifndef ASSAY_DEVICE_H
#define ASSAY_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_device assay_device;
typedef struct assay_stream assay_stream;
typedef struct assay_buffer assay_buffer;
typedef struct assay_event assay_event;

/* ---- Which devices there are, and which one is taken --------------------------------------------------------------------------- */

typedef enum assay_device_kind { ASSAY_DEVICE_CPU, ASSAY_DEVICE_GPU, ASSAY_DEVICE_OTHER } assay_device_kind;

enum {
  ASSAY_DEVICE_F64 = 1 << 0,         /* kernels in double precision */
  ASSAY_DEVICE_HOST_MEMORY = 1 << 1, /* buffers lie in memory that the host may touch, and borrowed memory is not copied */
  ASSAY_DEVICE_IN_ORDER = 1 << 2,    /* a command is done when its call returns */
  ASSAY_DEVICE_DUMMY = 1 << 3,       /* there for tests: its answers are right, its speed says nothing */
};

/* What a device says about itself. Everything is in place: a row may be copied. */
typedef struct assay_device_info {
  char id[32];      /* what ASSAY_DEVICE takes: "cuda:0", "cpu" */
  char name[128];   /* "NVIDIA H200" */
  char driver[128]; /* what drives it, with versions: "CUDA 12.8, driver 570.86"; "avx2, 2 threads" */
  char isa[16];     /* what kernels are built for: "avx2", "sm_90"; "" where it has no name */
  assay_device_kind kind;
  unsigned flags;         /* ASSAY_DEVICE_F64 ... */
  unsigned rank;          /* auto takes the lowest; 0: never taken by auto (a dummy; PoCL, which is slower than the native lanes) */
  unsigned compute_units; /* cores of a processor, multiprocessors of a GPU */
  uint64_t memory_bytes;  /* in all */
  uint64_t max_buffer_bytes;
  size_t alignment_bytes;              /* of every buffer; a power of two */
  double memory_bandwidth_bytes_per_s; /* in theory, from its memory's clock and width; 0: not published */
} assay_device_info;

/* One row of `assay device status`: a device, or a whole backend that has none here, and then why. */
typedef struct assay_device_row {
  assay_device_info info; /* when not available: id is the backend's name, the rest is empty */
  bool available;
  char cause[256]; /* why it is not available, or not any more; "" otherwise */
} assay_device_row;

/* Writes up to `capacity` rows, best first, and returns how many there are. The first call loads the drivers. */
ASSAY_API size_t assay_device_list(assay_device_row *rows, size_t capacity);

/*
 * Opens "auto", "cpu", "opencl", "opencl:1", "cuda", "cuda:0" or "dummy"; NULL: what ASSAY_DEVICE says, else auto. auto takes CUDA, then an
 * OpenCL GPU, then the cpu. A device that was named is *exact*: work on it never moves elsewhere. ASSAY_ERR_NOT_FOUND says why it is not
 * there. Devices are shared: opening one twice costs nothing, and both use one pool. A device stays open until the program ends, since
 * opening one takes up to a second; what the environment says counts when it is opened first.
 */
ASSAY_API assay_status assay_device_open(const char *request, assay_error *err, assay_device **device);
ASSAY_API void assay_device_close(assay_device *device);
/* The device of NULL, opened once and kept until the program ends. Borrowed: not to be closed. */
ASSAY_API assay_status assay_device_default(assay_error *err, assay_device **device);

/* NULL for NULL. */
ASSAY_API const assay_device_info *assay_device_get_info(const assay_device *device);
/* Why this one was taken, in a sentence: "cuda: libcuda.so.1 is not installed; opencl: no GPU; so the cpu". Lives as long as the device. */
ASSAY_API const char *assay_device_reason(const assay_device *device);
/* Whether it was asked for by name. */
ASSAY_API bool assay_device_is_exact(const assay_device *device);
/* Whether it has the kernel or operation of that name, such as "mc_european_f64". */
ASSAY_API bool assay_device_supports(const assay_device *device, const char *operation);

/* ---- Work that may have to move ------------------------------------------------------------------------------------------------- */

/* A piece of work that can be begun anew: everything it makes on the device it frees, whether it succeeds or not, and its results are
 * written once it has succeeded. `stream` is fresh; the work waits for what it enqueued before it looks at results. */
typedef assay_status (*assay_device_work)(assay_device *device, assay_stream *stream, void *context, assay_error *err);

typedef struct assay_device_outcome {
  char device[32];  /* id of the device that gave the answer */
  bool fell_back;   /* the work was begun on another one, which failed */
  char reason[256]; /* why this device: assay_device_reason, or what failed on the first */
} assay_device_outcome;

/*
 * Runs `work` on `device` (NULL: assay_device_default). When the device runs out of memory, is lost, or lacks a kernel in the middle of
 * it, the work is done again on the cpu, and `outcome` says so; on a device that was asked for by name the failure is returned instead,
 * with a sentence that names both. Any other failure is the work's own. `outcome` may be NULL; it is written on success.
 */
ASSAY_API assay_status assay_device_run(assay_device *device, assay_device_work work, void *context, assay_error *err,
                                        assay_device_outcome *outcome);

/* ---- Streams and events --------------------------------------------------------------------------------------------------------- */

/* A stream runs its commands in order; two streams of a device may overlap. At most 64 of one device live at a time (ASSAY_ERR_LIMIT). */
ASSAY_API assay_status assay_stream_create(assay_device *device, assay_error *err, assay_stream **stream);
/* Waits for what is in it. */
ASSAY_API void assay_stream_destroy(assay_stream *stream);
/* Waits until all its commands are done. A command that failed on the device is reported here at the latest. */
ASSAY_API assay_status assay_stream_sync(assay_stream *stream, assay_error *err);

/* A mark in a stream. Recording it again moves it. */
ASSAY_API assay_status assay_event_create(assay_device *device, assay_error *err, assay_event **event);
ASSAY_API void assay_event_destroy(assay_event *event);
ASSAY_API assay_status assay_event_record(assay_event *event, assay_stream *stream, assay_error *err);
/* Later commands of `stream` wait until the mark is reached; the host does not. */
ASSAY_API assay_status assay_stream_wait(assay_stream *stream, assay_event *event, assay_error *err);
/* Waits for both marks; the device's time between them in ns. */
ASSAY_API assay_status assay_event_elapsed(assay_event *begin, assay_event *end, assay_error *err, double *ns);

/* Launches a kernel over `groups` work groups of 256 items. `params` is copied before the call returns; the buffers are the kernel's, in
 * order. ASSAY_ERR_NOT_FOUND when no kernel is called so, ASSAY_ERR_INVALID when the sizes are not what it takes. */
ASSAY_API assay_status assay_stream_launch(assay_stream *stream, const char *kernel, size_t groups, const void *params, size_t params_bytes,
                                           assay_buffer *const *buffers, size_t count, assay_error *err);

/*
 * C = alpha op(A) op(B) + beta C (<assay/gemm.h>) over buffers, by the device's library: cuBLASLt, or on the cpu what assay_gemm takes.
 * Each matrix begins where its buffer does; args' own a, b and c are not read. f32 is multiplied in f32 (no TF32). ASSAY_ERR_UNSUPPORTED
 * says what is missing, as assay_device_supports(device, "gemm_f32" or "gemm_f64") does beforehand; ASSAY_ERR_INVALID as assay_gemm, and
 * for buffers that are too small.
 */
struct assay_gemm_args;
ASSAY_API assay_status assay_stream_gemm(assay_stream *stream, const struct assay_gemm_args *args, const assay_buffer *a,
                                         const assay_buffer *b, assay_buffer *c, assay_error *err);

/* ---- Buffers -------------------------------------------------------------------------------------------------------------------- */

/*
 * Memory from the device's pool, for commands of `stream`; its contents are undefined. `label` says what it is for, in statistics and when
 * memory runs out; it must live for good (a literal). Zero bytes are ASSAY_ERR_INVALID.
 * A buffer may be used in other streams of its device too, when events order them; freeing it waits for none: the pool gives the memory to
 * others only behind the commands that used it.
 */
ASSAY_API assay_status assay_buffer_alloc(assay_stream *stream, size_t bytes, const char *label, assay_error *err, assay_buffer **buffer);
ASSAY_API void assay_buffer_free(assay_buffer *buffer);
ASSAY_API size_t assay_buffer_bytes(const assay_buffer *buffer);
/* Where the host may touch it (after assay_stream_sync); NULL on a device with memory of its own. Such a buffer is never moved. */
ASSAY_API void *assay_buffer_host(assay_buffer *buffer);

/* Enqueued: `source` and `target` on the host belong to the command until the stream is synced. Ranges outside are ASSAY_ERR_INVALID. */
ASSAY_API assay_status assay_buffer_write(assay_stream *stream, assay_buffer *buffer, size_t offset, const void *source, size_t bytes,
                                          assay_error *err);
ASSAY_API assay_status assay_buffer_read(assay_stream *stream, const assay_buffer *buffer, size_t offset, void *target, size_t bytes,
                                         assay_error *err);
/* Between buffers of one device that do not overlap. */
ASSAY_API assay_status assay_buffer_copy(assay_stream *stream, assay_buffer *to, size_t to_offset, const assay_buffer *from,
                                         size_t from_offset, size_t bytes, assay_error *err);
/* Repeats a 32-bit value; offset and bytes are multiples of 4. */
ASSAY_API assay_status assay_buffer_fill(assay_stream *stream, assay_buffer *buffer, size_t offset, uint32_t value, size_t bytes,
                                         assay_error *err);

/*
 * The caller's own array as a kernel's argument. Where the device's memory is the host's it is used in place, so nothing is copied;
 * elsewhere `borrow_in` enqueues its upload, and `give_back` of a `borrow_out` the download. The array belongs to the stream until it is
 * given back and the stream is synced. A kernel does not write what was borrowed in.
 */
ASSAY_API assay_status assay_buffer_borrow_in(assay_stream *stream, const void *array, size_t bytes, const char *label, assay_error *err,
                                              assay_buffer **buffer);
ASSAY_API assay_status assay_buffer_borrow_out(assay_stream *stream, void *array, size_t bytes, const char *label, assay_error *err,
                                               assay_buffer **buffer);
/* Enqueues the download if there is one to do, and frees the buffer either way; accepts NULL. */
ASSAY_API assay_status assay_buffer_give_back(assay_stream *stream, assay_buffer *buffer, assay_error *err);

/*
 * What should stay on the device between calls, such as tables: the buffer kept under `key`, its contents as they were (`fresh` false), or
 * a new one that the caller fills (`fresh` true; where that fails, assay_buffer_discard). Freeing it keeps it; memory that is short,
 * assay_device_trim and a lost device end that, oldest first. `key` is copied, at most 63 characters; another size under the same key is
 * another buffer. Use one from one thread at a time.
 */
ASSAY_API assay_status assay_buffer_cached(assay_stream *stream, const char *key, size_t bytes, const char *label, assay_error *err,
                                           bool *fresh, assay_buffer **buffer);
/* As assay_buffer_free, but what was kept under a key is kept no more: the next caller fills it anew. */
ASSAY_API void assay_buffer_discard(assay_buffer *buffer);

/* Frees many buffers at once: zero-initialise, allocate through it, end it on every way out. Not thread-safe. */
typedef struct assay_buffer_scope {
  assay_buffer *first;
} assay_buffer_scope;
ASSAY_API assay_status assay_scope_alloc(assay_buffer_scope *scope, assay_stream *stream, size_t bytes, const char *label, assay_error *err,
                                         assay_buffer **buffer);
ASSAY_API void assay_scope_end(assay_buffer_scope *scope);

/* ---- Memory: what the pool does ------------------------------------------------------------------------------------------------- */

typedef enum assay_memory_pressure {
  ASSAY_PRESSURE_NONE,
  ASSAY_PRESSURE_MODERATE, /* less than a quarter of the device's memory is free */
  ASSAY_PRESSURE_HIGH,     /* less than a tenth */
  ASSAY_PRESSURE_CRITICAL  /* less than a thirtieth */
} assay_memory_pressure;
ASSAY_API const char *assay_memory_pressure_text(assay_memory_pressure pressure);

typedef struct assay_memory_stats {
  uint64_t allocations, hits; /* so far, each buffer that was handed out; a hit was served without asking the device */
  double hit_ratio;           /* NaN before the first allocation */
  uint64_t live_buffers;
  uint64_t requested_bytes, live_bytes; /* of live buffers: asked for, and set aside for them */
  uint64_t cached_bytes;                /* set aside for what is kept under keys and not in use: not live */
  uint64_t reserved_bytes;              /* taken from the device */
  uint64_t peak_live_bytes, peak_reserved_bytes;
  double internal_fragmentation;                  /* 1 - requested/live; at most 1/8 for buffers of at least 8 alignments */
  double external_fragmentation;                  /* 1 - largest free block/all free bytes; 0 when nothing is free */
  uint64_t limit_bytes;                           /* of reserved_bytes */
  uint64_t device_free_bytes, device_total_bytes; /* 0: the device does not say */
  assay_memory_pressure pressure;
} assay_memory_stats;
ASSAY_API void assay_device_memory(const assay_device *device, assay_memory_stats *stats);

/* One size class, or one label. */
typedef struct assay_memory_row {
  const char *label;                                                     /* of a label; NULL for a class */
  size_t class_bytes;                                                    /* of a class: size of its blocks; 0 for a label */
  uint64_t allocations, hits, live_buffers, live_bytes, peak_live_bytes; /* bytes as set aside */
} assay_memory_row;
/* Write up to `capacity` rows and return how many there are: classes that were ever used, ascending; labels that hold memory now, most
 * first (hits and peak are 0). */
ASSAY_API size_t assay_device_memory_classes(const assay_device *device, assay_memory_row *rows, size_t capacity);
ASSAY_API size_t assay_device_memory_labels(const assay_device *device, assay_memory_row *rows, size_t capacity);

/* What would save memory or time, most important first. */
typedef struct assay_memory_advice {
  unsigned priority;   /* 1: now; 2: worth it; 3: small */
  double saving_bytes; /* at least; 0 when it saves time, not memory */
  char what[160];      /* what is the case, with its figures */
  char mend[160];      /* what to do about it */
} assay_memory_advice;
/* Writes up to `capacity` rows and returns how many there are; 0 when all is well. */
ASSAY_API size_t assay_device_memory_advise(const assay_device *device, assay_memory_advice *rows, size_t capacity);

/* Gives free memory back to the device until at most `keep_bytes` are reserved, and returns how many bytes it gave back: slabs that are
 * empty first, then those that become so without buffers kept under keys, longest unused first. What live buffers use stays, with the slab
 * that it lies in. */
ASSAY_API uint64_t assay_device_trim(assay_device *device, uint64_t keep_bytes);
/* Joins free neighbours and moves live buffers out of slabs that are nearly empty, then trims those slabs. Waits for all streams; no other
 * thread may use the device meanwhile. Not moved: buffers whose host address was taken, borrowed arrays, and what does not fit elsewhere.
 * Returns bytes given back. */
ASSAY_API uint64_t assay_device_defragment(assay_device *device);
/* Bytes that the pool may take from the device; what it has already stays. */
ASSAY_API void assay_device_set_memory_limit(assay_device *device, uint64_t bytes);

/* ---- Health --------------------------------------------------------------------------------------------------------------------- */

/* NaN: not available, and `cause` says why. */
typedef struct assay_device_health {
  double temperature_celsius, power_watts, power_limit_watts;
  double clock_hz, memory_clock_hz, max_clock_hz;
  double utilisation_ratio;
  double memory_free_bytes, memory_total_bytes;
  char throttled[128]; /* what slows the device down now, such as "thermal, power cap"; "" when nothing does or it is not known */
  char cause[256];     /* of what is not available; "" when all is */
} assay_device_health;
ASSAY_API void assay_device_get_health(const assay_device *device, assay_device_health *health);

/* ---- What suits finance (M7) ---------------------------------------------------------------------------------------------------- */

/* Measured on the device, once a machine and driver. */
typedef struct assay_finance_profile {
  char device[32];
  uint64_t batch_paths;                    /* the fewest paths a launch that reach nine tenths of the best rate */
  uint64_t tile_paths;                     /* paths a work group that are fastest, of a batch in the precision to use */
  double paths_per_s_f32, paths_per_s_f64; /* European paths, at their best; NaN where the device lacks the precision */
  double launch_ns;                        /* a launch of one group with its wait */
  double f32_error_ratio;                  /* |mean f32 - mean f64| / mean over the same normals: rounding, not chance */
  bool use_f32;                            /* f32 is at least a quarter faster, and its error is lost in that of the paths */
  double f16_error_ratio;                  /* largest relative error of a path's price that is kept in half precision, of 2^16 paths */
  bool use_fp16;                           /* that is at most a hundredth of a percent */
  int64_t measured_at_s;                   /* seconds since 1970 */
  bool cached;                             /* read, not measured now */
} assay_finance_profile;

/* From the cache ($ASSAY_CACHE_DIR, else ~/.cache/assay), else measured, which takes about a second, and cached. `anew`
 * measures in any case. A cache that cannot be written is no error. */
ASSAY_API assay_status assay_device_profile_finance(assay_device *device, bool anew, assay_error *err, assay_finance_profile *profile);

/* ---- Activity: what devices did --------------------------------------------------------------------------------------------------- */

typedef enum assay_activity_kind {
  ASSAY_ACTIVITY_ALLOC,
  ASSAY_ACTIVITY_FREE,
  ASSAY_ACTIVITY_WRITE, /* host to device */
  ASSAY_ACTIVITY_READ,  /* device to host */
  ASSAY_ACTIVITY_COPY,
  ASSAY_ACTIVITY_FILL,
  ASSAY_ACTIVITY_LAUNCH,
  ASSAY_ACTIVITY_SYNC,
  ASSAY_ACTIVITY_OPERATION, /* assay_perf_begin to assay_perf_end */
  ASSAY_ACTIVITY_KIND_COUNT
} assay_activity_kind;
ASSAY_API const char *assay_activity_kind_text(assay_activity_kind kind);

typedef struct assay_activity {
  uint64_t number; /* of all activities of this process, from 0 */
  assay_activity_kind kind;
  bool hit;            /* an allocation that the pool served */
  unsigned device;     /* for assay_activity_device */
  const char *label;   /* of the buffer, kernel or operation */
  double begin_ns;     /* of the monotonic clock */
  double duration_ns;  /* that the host spent in the call; 0 for allocations and frees */
  double bytes, flops; /* 0: unknown */
} assay_activity;

/*
 * One ring for the process keeps the newest 65,536 activities. Writers never wait. Reads those from `*cursor` on (0 at first), up to
 * `capacity`, oldest first, moves the cursor behind them, and adds to `*lost` how many were overwritten before they were read.
 */
ASSAY_API size_t assay_activity_read(uint64_t *cursor, assay_activity *rows, size_t capacity, uint64_t *lost);
/* Id of the device of a row, "" when there was none. */
ASSAY_API const char *assay_activity_device(unsigned device);

typedef struct assay_activity_stats {
  const char *label;
  assay_activity_kind kind;
  unsigned device;
  uint64_t count;
  double total_ns, min_ns, max_ns, bytes, flops;
} assay_activity_stats;
/* Sums what the ring holds by label, kind and device, most time first: writes up to `capacity` rows and returns how many there are.
 * `covered` and `dropped` (may be NULL): how many activities the sums hold, and how many are not in the ring any more. */
ASSAY_API size_t assay_activity_summarise(assay_activity_stats *rows, size_t capacity, uint64_t *covered, uint64_t *dropped);

/* ---- Any operation, timed (M8) ---------------------------------------------------------------------------------------------------- */

/*
 *     assay_perf perf;
 *     assay_perf_begin(&perf, "risk.covariance");
 *     covariance(matrix);
 *     assay_perf_end(&perf, bytes, flops);
 *     if (assay_perf_get(&perf, limit_ns, &report)) printf("%.0f ns, %.0f %% of the ceiling\n", report.ns, 100 * report.ceiling_ratio);
 *
 * Off (the default) a pair costs two predictable branches. On, a pair takes two readings of the time-stamp counter and one row of the ring.
 */
typedef struct assay_perf {
  const char *label;
  uint64_t begin_ticks, end_ticks;
  double bytes, flops;
  const assay_device *device;
  bool on;
} assay_perf;

typedef struct assay_perf_report {
  const char *label;
  char device[32]; /* "" when no device was named */
  double ns;
  double bytes_per_s, flops_per_s; /* NaN when not told */
  double ceiling_ratio;            /* limit_ns / ns; NaN without a limit */
} assay_perf_report;

/* For the inlined functions below; set by assay_perf_enable. */
extern ASSAY_API int assay_perf_enabled;
ASSAY_API void assay_perf_start(assay_perf *perf, const char *label);
ASSAY_API void assay_perf_finish(assay_perf *perf, double bytes, double flops);

/* For the whole process. Not to be called while a pair is open. */
ASSAY_API void assay_perf_enable(bool on);

/* `label` must live for good. */
static inline void assay_perf_begin(assay_perf *perf, const char *label) {
  perf->on = false;
  if (__builtin_expect(__atomic_load_n(&assay_perf_enabled, __ATOMIC_RELAXED), 0)) assay_perf_start(perf, label);
}

/* Bytes moved and floating point operations of the operation; 0: unknown. Times the host: sync the stream before it. */
static inline void assay_perf_end(assay_perf *perf, double bytes, double flops) {
  if (__builtin_expect(__atomic_load_n(&assay_perf_enabled, __ATOMIC_RELAXED), 0)) assay_perf_finish(perf, bytes, flops);
}

/* Says on which device it ran; between begin and end. */
ASSAY_API void assay_perf_set_device(assay_perf *perf, const assay_device *device);
/* False when it was off. `limit_ns`: the least time that the machine allows, as assay_ceilings_bind gives it; 0 or NaN: unknown. */
ASSAY_API bool assay_perf_get(const assay_perf *perf, double limit_ns, assay_perf_report *report);

#ifdef __cplusplus
}
#endif
#endif

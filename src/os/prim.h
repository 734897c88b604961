/* SPDX-License-Identifier: MIT */
/*
 * The whole contract between Assay and an operating system. linux/ and macos/ implement it; nothing else includes a system header that only
 * one of them has. POSIX that both have (pthread, unistd, stdio) may be used anywhere. Thread-safe unless said otherwise.
 */
#ifndef ASSAY_OS_PRIM_H
#define ASSAY_OS_PRIM_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

/* ---- Clock (posix.c, and ticks.c for the inlined counter) ---------------------------------------------------------------- */

/* Nanoseconds of a monotonic clock that no one sets. */
uint64_t assay_os_now_ns(void);
/* Seconds since 1970. */
int64_t assay_os_wall_s(void);
void assay_os_sleep_ns(uint64_t ns);

/* At most 256 bytes that nobody can foresee, from the system; false with errno when it gives none. */
bool assay_os_entropy(void *out, size_t length);

/* ---- Files ------------------------------------------------------------------------------------------------------------------ */

/* Reads a whole file ("-": standard input) of at most `limit` bytes, also one in /proc whose size is not known. The data is NUL-terminated
 * behind its end; free with assay_free. */
assay_status assay_os_read_file(const char *path, size_t limit, assay_error *err, char **data, size_t *length);
/* Writes beside (same directory, random name), syncs, then renames: the file is the old one or the new one, never half, and the new
 * one has the old one's permissions. A link stays a link, but one that leads nowhere is replaced; what is there and is no plain file (a
 * pipe, /dev/stdout) is written into. */
assay_status assay_os_write_file(const char *path, const void *data, size_t length, assay_error *err);
/*
 * A file that is written before it stands in its place, which holds the old one until then. Where the file system allows it (most of Linux)
 * it has no name before, so that nothing is left of it whatever ends the program. Links and permissions as above. A directory, or a name
 * that is too long, is refused when it is opened.
 */
typedef struct assay_os_draft {
  int fd;       /* to write into */
  char *place;  /* where it will stand */
  char *beside; /* the name that it has meanwhile (.assay.1a2b3c in the same directory), or will have for a moment */
  bool is_named;
} assay_os_draft;
assay_status assay_os_draft_open(const char *path, assay_error *err, assay_os_draft *draft);
/* Puts what was written in its place, or drops it; either ends the draft. */
assay_status assay_os_draft_put(assay_os_draft *draft, assay_error *err);
void assay_os_draft_drop(assay_os_draft *draft);
/* Creates a directory and its parents; one that exists is fine. */
assay_status assay_os_make_dirs(const char *path, assay_error *err);
bool assay_os_exists(const char *path);
/* A new private directory under $TMPDIR; free the path with assay_free. */
assay_status assay_os_temp_dir(assay_error *err, char **path);
/* Removes a directory and all below it without following links. */
void assay_os_remove_tree(const char *path);
/* Cache directory of this user ($ASSAY_CACHE_DIR, $XDG_CACHE_HOME/assay, ~/.cache/assay, on macOS ~/Library/Caches/assay); created when
 * missing. */
assay_status assay_os_cache_dir(assay_error *err, char **path);
/* A shipped data file such as "profiles/machines/m4-max.toml": looked for in $ASSAY_DATA_DIR, beside the executable's tree, then where it
 * was installed. Free with assay_free. */
assay_status assay_os_find_data(const char *relative, assay_error *err, char **path);
/* Absolute path of the running executable; free with assay_free. */
assay_status assay_os_self_path(assay_error *err, char **path);

/* ---- Processors ------------------------------------------------------------------------------------------------------------ */

/* Logical CPUs this thread may run on: writes up to `capacity` of them in ascending order and returns how many there are. */
size_t assay_os_allowed_cpus(unsigned *cpus, size_t capacity);
/* CPUs' worth of time that the control groups leave this process, the tightest on the way up; NaN when nothing limits it. */
double assay_os_cpu_quota(void);
/* Bytes of memory that the control groups leave this process, the tightest on the way up; NaN when nothing limits it. */
double assay_os_memory_limit(void);
/* Of so many CPUs, those that a quota (NaN: none) can keep busy: it is rounded up, and at least 1. */
unsigned assay_os_within_quota(size_t cpus, double quota);
/* Restricts the calling thread. ASSAY_ERR_UNSUPPORTED where the system cannot. */
assay_status assay_os_pin_thread(const unsigned *cpus, size_t count, assay_error *err);
/* CPU that the calling thread is on; -1 when unknown. */
int assay_os_current_cpu(void);
size_t assay_os_page_size(void);

/* ---- Fresh processes (process.c) -------------------------------------------------------------------------------------------- */

typedef struct assay_os_spawn {
  const char *path;                /* executable; see assay_os_self_executable */
  const char *directory;           /* where it runs; NULL: here. `path` is looked up from there */
  char *const *argv, *const *envp; /* NULL-terminated */
  int in, out, error;              /* become 0, 1, 2; -1: /dev/null */
  int channel;                     /* becomes 3; -1: closed. All other descriptors are closed. */
  uint64_t memory_limit_bytes;     /* address space; 0: as the parent's */
} assay_os_spawn;

/* Starts a process in a group of its own that is killed when this process dies (Linux). Signals are as at login. Fails when the executable
 * cannot be started. Safe in a program with threads. */
assay_status assay_os_start(const assay_os_spawn *spawn, assay_error *err, int *pid);
/* Becomes readable when the process has ended, and leaves it to be reaped; -1 where the system has no such thing (then poll
 * assay_os_has_ended). */
int assay_os_process_fd(int pid);
bool assay_os_has_ended(int pid);
/* Path that starts this very executable again, also when the file was replaced meanwhile; static. NULL when unknown. */
const char *assay_os_self_executable(void);
/* Between fork and exec only (async-signal-safe): the calling process dies when its parent does; closes all descriptors from `first` on. */
void assay_os_die_with_parent(int parent);
void assay_os_close_from(int first);
/* Ends every other process of this user that was started with the entry `mark` ("NAME=value") in its environment. Linux; some ms. */
void assay_os_end_marked(const char *mark);
/* Bytes: the most memory that was resident since the program was started. NaN when unknown. */
double assay_os_peak_resident(void);
/* How often the kernel ended a process of this control group for memory; -1 when unknown. */
int64_t assay_os_memory_kills(void);

/* ---- Who a process is (identity.c) ------------------------------------------------------------------------------------------------ */

/* Tells one process from all others, also from a later one with the same number. */
typedef struct assay_os_identity {
  char boot[40];          /* changes with every start of the system */
  uint64_t pid_namespace; /* numbers mean the same only within one */
  int pid;
  uint64_t started; /* in a unit of the system's own */
} assay_os_identity;
/* False when there is no such process, or the system does not say. */
bool assay_os_identify(int pid, assay_os_identity *identity);

/* ---- What else happened while something was measured (noise.c) ---------------------------------------------------------------- */

/* Totals of this process. NaN: the system does not say. */
typedef struct assay_os_usage {
  double cpu_ns; /* user + system */
  double voluntary_switches, involuntary_switches, minor_faults, major_faults;
} assay_os_usage;
void assay_os_get_usage(assay_os_usage *usage); /* about 0.5 us */
/* CPU time of the calling thread in ns; only differences count. */
uint64_t assay_os_thread_cpu_ns(void);

/* Totals since boot of what others did to this process; differences count. NaN: not published. */
typedef struct assay_os_noise {
  double steal_ms;     /* taken by the hypervisor from all CPUs */
  double pressure_us;  /* time in which some task waited for a CPU */
  double throttled_us; /* this control group was out of quota; a thermal event counts 1 us */
  double busy_ms;      /* CPU time that all processes together used, this one too; in clock ticks (10 ms) */
} assay_os_noise;
typedef struct assay_os_noise_source assay_os_noise_source;                     /* keeps the files open; not thread-safe */
assay_os_noise_source *assay_os_noise_open(void);                               /* NULL: out of memory */
void assay_os_noise_read(assay_os_noise_source *source, assay_os_noise *noise); /* 20 to 200 us */
void assay_os_noise_close(assay_os_noise_source *source);

/* ---- Event counters (counters.c) ---------------------------------------------------------------------------------------------- */

typedef enum assay_os_counter {
  ASSAY_OS_CYCLES,
  ASSAY_OS_INSTRUCTIONS,
  ASSAY_OS_CACHE_MISSES,
  ASSAY_OS_BRANCH_MISSES,
  ASSAY_OS_MIGRATIONS, /* software: there without hardware counters */
  ASSAY_OS_COUNTER_COUNT
} assay_os_counter;

/* Opens a counter for this thread and all that it starts later, running at once; -1 when it cannot, and then `cause` says exactly why. */
int assay_os_counter_open(assay_os_counter counter, char *cause, size_t size);
/* Count so far, scaled up where the hardware was shared; NaN when it cannot be read. */
double assay_os_counter_read(int fd);

/* macOS only: a sysctl's value as text, a whole number in decimal unless `text`. False when there is none of that name. */
bool assay_os_sysctl(const char *name, bool text, char *out, size_t size);

#endif

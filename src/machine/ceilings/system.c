/* SPDX-License-Identifier: MIT */
/* What the operating system's services cost at least. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/gcd.h"
#include "machine/ceilings/probes.h"
#include "os/prim.h"
#include "os/ticks.h"

static double ns_since(const assay_ceilings_run *run, uint64_t start) { return (double)(run->ticks() - start) / run->ticks_per_ns; }

/* ---- Calls and threads ---------------------------------------------------------------------------------------------------------- */

void assay_probe_syscall(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  enum { CALLS = 2000 };
  assay_samples samples = {0};
  for (unsigned i = 0; i < run->repetitions; i++) {
    uint64_t start = run->ticks();
    for (unsigned call = 0; call < CALLS; call++) {
#ifdef __APPLE__
      getppid();
#else
      syscall(SYS_getppid); /* by number, so that no library may keep the answer */
#endif
    }
    assay_samples_add(&samples, ns_since(run, start) / CALLS);
  }
  assay_probe_detail(run, row, "getppid, mean of %d calls", CALLS);
  assay_samples_finish(run, &samples, row);
}

static void *leave_at_once(void *argument) { return argument; }

void assay_probe_thread_start(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  enum { THREADS = 20 };
  assay_samples samples = {0};
  for (unsigned i = 0; i < run->repetitions; i++) {
    uint64_t start = run->ticks();
    for (unsigned t = 0; t < THREADS; t++) {
      pthread_t thread;
      int code = pthread_create(&thread, NULL, leave_at_once, NULL);
      if (code != 0) {
        assay_probe_unavailable(run, row, "cannot start a thread: %s", strerror(code));
        return;
      }
      pthread_join(thread, NULL);
    }
    assay_samples_add(&samples, ns_since(run, start) / THREADS);
  }
  assay_probe_detail(run, row, "pthread_create and pthread_join of an empty thread, mean of %d", THREADS);
  assay_samples_finish(run, &samples, row);
}

/* ---- Two threads and two pipes ---------------------------------------------------------------------------------------------------- */

enum { WAKEUPS = 64 };

/* A waits for B's byte and answers: with both on one CPU each way is one switch of context; across CPUs it wakes the other one up. */
typedef struct ping_job {
  const assay_ceilings_run *run;
  int to_pong[2], to_ping[2];
  bool wakeup, cross_core; /* single wake-ups with time stamps, or a rally; on one CPU or on two */
  unsigned rounds;
  _Atomic uint64_t sent;
  _Atomic double last_ns;
  assay_samples samples;
  atomic_int code; /* errno of the first failure */
} ping_job;

static bool pass_byte(ping_job *job, int fd, bool out) {
  char byte = 0;
  ssize_t done;
  do {
    done = out ? write(fd, &byte, 1) : read(fd, &byte, 1);
  } while (done < 0 && errno == EINTR);
  if (done == 1) return true;
  int none = 0;
  atomic_compare_exchange_strong(&job->code, &none, done < 0 ? errno : EPIPE);
  return false;
}

static void pin_player(const ping_job *job, bool pong) {
  unsigned cpu = pong && job->cross_core ? job->run->other_core : job->run->cpus[0];
  assay_os_pin_thread(&cpu, 1, NULL);
}

static void play_pong(ping_job *job) {
  for (unsigned i = 0; i < job->rounds; i++) {
    if (!pass_byte(job, job->to_pong[0], false)) break;
    if (job->wakeup) atomic_store(&job->last_ns, ns_since(job->run, atomic_load(&job->sent)));
    if (!pass_byte(job, job->to_ping[1], true)) break;
  }
  close(job->to_ping[1]); /* so that the other side never waits in vain */
  job->to_ping[1] = -1;
}

static void play_wakeups(ping_job *job) {
  for (unsigned i = 0; i < job->rounds; i++) {
    assay_os_sleep_ns(100000); /* the other thread is asleep by then, and its CPU idle */
    atomic_store(&job->sent, job->run->ticks());
    if (!pass_byte(job, job->to_pong[1], true) || !pass_byte(job, job->to_ping[0], false)) return;
    assay_samples_add(&job->samples, atomic_load(&job->last_ns));
  }
}

static void play_rally(ping_job *job) {
  unsigned batches = job->run->repetitions, length = job->rounds / batches;
  for (unsigned batch = 0; batch < batches; batch++) {
    uint64_t start = job->run->ticks();
    for (unsigned i = 0; i < length; i++) {
      if (!pass_byte(job, job->to_pong[1], true) || !pass_byte(job, job->to_ping[0], false)) return;
    }
    assay_samples_add(&job->samples, ns_since(job->run, start) / length / 2);
  }
}

static void ping_thread(void *user, unsigned index) {
  ping_job *job = user;
  pin_player(job, index == 1);
  if (index == 1) {
    play_pong(job);
    return;
  }
  if (job->wakeup)
    play_wakeups(job);
  else
    play_rally(job);
  close(job->to_pong[1]);
  job->to_pong[1] = -1;
}

static void play(const assay_ceilings_run *run, assay_ceiling *row, bool wakeup, bool cross_core) {
  if (!run->pins) {
    assay_probe_unavailable(run, row, "this system does not let a thread choose its CPU");
    return;
  }
  if (cross_core && run->no_other_core != NULL) {
    assay_probe_unavailable(run, row, "%s", run->no_other_core);
    return;
  }
  unsigned repetitions = run->repetitions;
  ping_job job = {.run = run, .wakeup = wakeup, .cross_core = cross_core, .to_pong = {-1, -1}, .to_ping = {-1, -1}};
  job.rounds = wakeup ? WAKEUPS : repetitions * 200;
  assay_error err = {0};
  if (pipe(job.to_pong) != 0 || pipe(job.to_ping) != 0)
    assay_probe_unavailable(run, row, "cannot make a pipe: %s", strerror(errno));
  else if (assay_ceilings_team(run, 2, ping_thread, &job, &err) != ASSAY_OK)
    assay_probe_unavailable(run, row, "%s", err.message);
  else if (atomic_load(&job.code) != 0 && job.samples.count == 0)
    assay_probe_unavailable(run, row, "a pipe failed: %s", strerror(atomic_load(&job.code)));
  else {
    assay_samples_finish(run, &job.samples, row);
    if (wakeup)
      assay_probe_detail(run, row, "from write to a pipe until the reader, asleep on %s, runs",
                         cross_core ? "another core" : "the same CPU");
    else
      assay_probe_detail(run, row, "two threads of one CPU over pipes, half a round trip");
  }
  for (int i = 0; i < 2; i++) {
    if (job.to_pong[i] >= 0) close(job.to_pong[i]);
    if (job.to_ping[i] >= 0) close(job.to_ping[i]);
  }
}

void assay_probe_context_switch(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  play(run, row, false, false);
}

void assay_probe_wakeup_same_core(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  play(run, row, true, false);
}

void assay_probe_wakeup_cross_core(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  play(run, row, true, true);
}

/* ---- Memory from the system ------------------------------------------------------------------------------------------------------- */

static void touch_pages(char *memory, size_t bytes, size_t page) {
  for (size_t i = 0; i < bytes; i += page) *(volatile char *)(memory + i) = 1;
}

void assay_probe_page_fault(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  size_t bytes = (size_t)16 << 20, page = assay_os_page_size();
  assay_samples samples = {0};
  for (unsigned i = 0; i < run->repetitions; i++) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      assay_probe_unavailable(run, row, "cannot map 16 MiB: %s", strerror(errno));
      return;
    }
#ifdef MADV_NOHUGEPAGE
    madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
    uint64_t start = run->ticks();
    touch_pages(memory, bytes, page);
    assay_samples_add(&samples, ns_since(run, start) / (double)(bytes / page));
    munmap(memory, bytes);
  }
  assay_probe_detail(run, row, "first write to each %zu-byte page of 16 MiB of anonymous memory", page);
  assay_samples_finish(run, &samples, row);
}

/* malloc itself is what is measured here, so it is called as a program would, not through the library's tagged allocation. */
static void alloc_1g(const assay_ceilings_run *run, assay_ceiling *row, bool touched) {
  size_t bytes = (size_t)1 << 30;
  if (touched && run->memory_limit_bytes < bytes) {
    char limit[32];
    assay_probe_unavailable(run, row, "needs 1 GiB; only %s may be used here",
                            assay_format_value((double)run->memory_limit_bytes, "B", limit, sizeof limit));
    return;
  }
  assay_samples samples = {0};
  unsigned repetitions = !touched ? run->repetitions : run->quick ? 2 : 5;
  for (unsigned i = 0; i < repetitions; i++) {
    uint64_t start = run->ticks();
    char *memory = malloc(bytes);
    if (memory == NULL) {
      assay_probe_unavailable(run, row, "malloc of 1 GiB failed: %s", strerror(errno));
      return;
    }
    __asm__ volatile("" : "+r"(memory)); /* else the compiler drops an allocation that nobody uses */
    if (touched) touch_pages(memory, bytes, assay_os_page_size());
    assay_samples_add(&samples, ns_since(run, start));
    free(memory);
  }
  assay_probe_detail(run, row, touched ? "malloc of 1 GiB and a write to each of its pages" : "malloc of 1 GiB, none of it touched");
  assay_samples_finish(run, &samples, row);
}

void assay_probe_alloc_untouched(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  alloc_1g(run, row, false);
}

void assay_probe_alloc_touched(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  alloc_1g(run, row, true);
}

/* ---- Disk --------------------------------------------------------------------------------------------------------------------------- */

/* Type of the file system that holds `path`: the longest mount point that is a prefix of it. */
static void file_system_of(const char *path, char *out, size_t size) {
  snprintf(out, size, "unknown");
  FILE *mounts = fopen("/proc/self/mounts", "re");
  if (mounts == NULL) return;
  char line[1024];
  size_t longest = 0;
  while (fgets(line, sizeof line, mounts) != NULL) {
    char *save = NULL;
    strtok_r(line, " ", &save);
    const char *point = strtok_r(NULL, " ", &save), *type = strtok_r(NULL, " ", &save);
    if (point == NULL || type == NULL) continue;
    size_t length = strlen(point);
    bool inside = strncmp(path, point, length) == 0 && (point[length - 1] == '/' || path[length] == '/' || path[length] == '\0');
    if (!inside || length < longest) continue;
    longest = length;
    snprintf(out, size, "%s", type);
  }
  fclose(mounts);
}

void assay_probe_fsync(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  char *dir = NULL;
  assay_error err = {0};
  bool in_cache = assay_os_cache_dir(&err, &dir) == ASSAY_OK;
  const char *temp = getenv("TMPDIR"), *base = in_cache ? dir : temp != NULL && temp[0] == '/' ? temp : "/tmp";
  char path[1024], type[64], block[4096] = {0};
  snprintf(path, sizeof path, "%s/fsync-XXXXXX", base);
  int fd = mkstemp(path);
  if (fd < 0) {
    assay_probe_unavailable(run, row, "cannot make a file in %s: %s", base, strerror(errno));
    assay_free(dir);
    return;
  }
  assay_samples samples = {0};
  unsigned repetitions = run->quick ? 10 : 30;
  int code = 0;
  for (unsigned i = 0; i < repetitions && code == 0; i++) {
    if (pwrite(fd, block, sizeof block, (off_t)i * (off_t)sizeof block) != (ssize_t)sizeof block) code = errno;
    uint64_t start = run->ticks();
    if (code == 0 && fsync(fd) != 0) code = errno;
    if (code == 0) assay_samples_add(&samples, ns_since(run, start));
  }
  close(fd);
  unlink(path);
  file_system_of(path, type, sizeof type);
  if (code != 0) {
    assay_probe_unavailable(run, row, "cannot write to %s: %s", base, strerror(code));
  } else {
    assay_probe_detail(run, row, "4 KiB appended, then fsync, on %s", type);
    assay_samples_finish(run, &samples, row);
  }
  assay_free(dir);
}

/* ---- The clock ----------------------------------------------------------------------------------------------------------------------- */

void assay_probe_clock_cost(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  enum { READS = 5000 };
  assay_samples samples = {0};
  for (unsigned i = 0; i < run->repetitions; i++) {
    uint64_t start = assay_ticks();
    for (unsigned read = 0; read < READS; read++) assay_ticks();
    assay_samples_add(&samples, (double)(assay_ticks() - start) / assay_ticks_per_ns() / READS);
  }
  assay_probe_detail(run, row, "%s, mean of %d readings", assay_ticks_source(), READS);
  assay_samples_finish(run, &samples, row);
}

/* The step of the counter: what all differences between readings have in common. The least difference would be the cost of reading instead.
 */
void assay_probe_clock_resolution(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  assay_samples samples = {0};
  uint64_t step = 0;
  uint64_t before = assay_ticks();
  for (unsigned i = 0; i < 20000; i++) {
    uint64_t now = assay_ticks();
    step = assay_gcd(step, now - before);
    before = now;
  }
  assay_samples_add(&samples, (double)step / assay_ticks_per_ns());
  assay_probe_detail(run, row, "step of a counter of %.4g ticks a ns", assay_ticks_per_ns());
  assay_samples_finish(run, &samples, row);
}

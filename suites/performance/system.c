/* SPDX-License-Identifier: MIT */
/* What the operating system charges: calls, clocks, pipes, sockets, files, processes. */
#include <assay/bench.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

ASSAY_BENCH(system_call, .suite = "performance", .summary = "the cheapest system call", .ceiling = "os.syscall") {
  ASSAY_LOOP(b) assay_keep(getppid());
  assay_bench_items(b, 1);
}

ASSAY_BENCH(clock_read, .suite = "performance", .summary = "clock_gettime of the monotonic clock", .ceiling = "clock.cost") {
  struct timespec now;
  ASSAY_LOOP(b) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    assay_keep(now);
  }
  assay_bench_items(b, 1);
}

ASSAY_BENCH(pipe_round_trip, .suite = "performance", .summary = "one byte into a pipe and out again, in one thread") {
  int ends[2];
  char byte = 1;
  if (pipe(ends) != 0) return assay_bench_fail(b, "pipe: %s", strerror(errno));
  bool broken = false;
  ASSAY_LOOP(b) broken |= write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1;
  if (broken) assay_bench_fail(b, "the pipe lost a byte");
  assay_bench_items(b, 1);
  close(ends[0]);
  close(ends[1]);
}

/* The other side of a conversation: sends every byte back until the socket is closed. */
static void *echo(void *argument) {
  int fd = *(int *)argument;
  char byte;
  while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1) {
  }
  return NULL;
}

static void converse(assay_bench *b) {
  int pair[2];
  pthread_t other;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return assay_bench_fail(b, "socketpair: %s", strerror(errno));
  if (pthread_create(&other, NULL, echo, &pair[1]) != 0) return assay_bench_fail(b, "cannot start a thread");
  char byte = 1;
  bool broken = false;
  ASSAY_LOOP(b) broken |= write(pair[0], &byte, 1) != 1 || read(pair[0], &byte, 1) != 1;
  if (broken) assay_bench_fail(b, "the socket lost a byte");
  assay_bench_items(b, 1);
  shutdown(pair[0], SHUT_RDWR);
  pthread_join(other, NULL);
  close(pair[0]);
  close(pair[1]);
}

ASSAY_BENCH(socket_round_trip, .suite = "performance",
            .summary = "one byte to another thread and back, as fast as it goes: every trip recorded", .mode = ASSAY_MODE_LATENCY) {
  converse(b);
}

ASSAY_BENCH(socket_round_trip_2k, .suite = "performance", .mode = ASSAY_MODE_LATENCY, .rate_hz = 2000,
            .summary = "the same on a schedule of 2,000 a second: time from when each trip was due") {
  converse(b);
}

/* A scratch file in `directory`, already unlinked. */
static int scratch_file(assay_bench *b, const char *directory) {
  char path[4096];
  snprintf(path, sizeof path, "%s/assay-XXXXXX", directory);
  int fd = mkstemp(path);
  if (fd < 0)
    assay_bench_unsupported(b, "no scratch file at %s: %s", path, strerror(errno));
  else
    unlink(path);
  return fd;
}

static const char *temporary_directory(void) {
  const char *directory = getenv("TMPDIR");
  return directory != NULL && directory[0] == '/' ? directory : "/tmp";
}

/* Where the user's files are, on a real disk, and where the ceiling was measured too; /tmp is often memory. */
static const char *durable_directory(char *out, size_t size) {
  const char *own = getenv("ASSAY_CACHE_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (own != NULL && own[0] != '\0')
    snprintf(out, size, "%s", own);
  else if (cache != NULL && cache[0] != '\0')
    snprintf(out, size, "%s/assay", cache);
  else if (home != NULL && home[0] != '\0')
    snprintf(out, size, "%s/.cache/assay", home);
  else
    return NULL;
  return access(out, W_OK) == 0 ? out : NULL;
}

ASSAY_BENCH(file_read, .suite = "performance", .summary = "pread of 1 MiB that the page cache holds", .params = {{"bytes", "4Ki,1Mi"}}) {
  size_t bytes = assay_bench_u64(b, "bytes");
  int fd = scratch_file(b, temporary_directory());
  char *block = malloc(bytes);
  if (fd >= 0 && block != NULL) {
    memset(block, 5, bytes);
    bool broken = write(fd, block, bytes) != (ssize_t)bytes;
    ASSAY_LOOP(b) broken |= pread(fd, block, bytes, 0) != (ssize_t)bytes;
    if (broken) assay_bench_fail(b, "short read: %s", strerror(errno));
    assay_bench_bytes(b, (double)bytes, (double)bytes);
    assay_bench_ceiling(b, ""); /* half of it is the kernel's own work */
  }
  if (fd >= 0) close(fd);
  free(block);
}

ASSAY_BENCH(file_fsync, .suite = "performance", .summary = "make 4 KiB durable that were appended") {
  static char block[4096];
  char path[4096];
  const char *directory = durable_directory(path, sizeof path);
  int fd = scratch_file(b, directory != NULL ? directory : temporary_directory());
  if (fd < 0) return;
  bool broken = false;
  off_t end = 0;
  ASSAY_LOOP(b) {
    assay_bench_pause(b);
    broken |= pwrite(fd, block, sizeof block, end) != (ssize_t)sizeof block;
    end += (off_t)sizeof block;
    assay_bench_resume(b);
    broken |= fsync(fd) != 0;
  }
  if (broken) assay_bench_fail(b, "write or fsync: %s", strerror(errno));
  assay_bench_items(b, 1);
  assay_bench_ceiling(b, directory != NULL ? "os.fsync" : "");
  close(fd);
}

ASSAY_BENCH(process_start, .suite = "performance", .summary = "start /bin/true and wait for its end") {
  extern char **environ;
  char program[] = "true";
  char *const arguments[] = {program, NULL};
  const char *failure = NULL;
  ASSAY_LOOP(b) {
    pid_t child;
    int status = 0, code = posix_spawnp(&child, "true", NULL, NULL, arguments, environ);
    if (code != 0)
      failure = strerror(code);
    else if (waitpid(child, &status, 0) != child || status != 0)
      failure = "it did not end well";
  }
  if (failure != NULL) assay_bench_fail(b, "cannot start true: %s", failure);
  assay_bench_items(b, 1);
}

/* SPDX-License-Identifier: MIT */
#include "bench/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/engine.h"
#include "bench/process.h"
#include "bench/registry.h"
#include "os/ticks.h"

enum { CHANNEL = 3 };

static void send_and_exit(assay_bench_process *process, void *user) {
  (void)user;
  assay_buf out = {0};
  assay_wire_put_report(&out, process);
  for (size_t done = 0; !out.failed && done < out.length;) {
    ssize_t put = write(CHANNEL, out.data + done, out.length - done);
    if (put < 0 && errno != EINTR) break;
    if (put > 0) done += (size_t)put;
  }
  fflush(NULL);
  _exit(0); /* what the benchmark left for exit (handlers, other threads) is of no interest, and might hang */
}

static bool receive(assay_buf *in) {
  char chunk[4096];
  for (;;) {
    ssize_t got = read(CHANNEL, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || in->length > ASSAY_WIRE_LIMIT) return false;
    if (got == 0) return !in->failed && in->data != NULL;
    assay_buf_append(in, chunk, (size_t)got);
  }
}

/* Programs that the benchmark starts are not to be counted: the preload was for this process only. */
static void take_out_preload(void) {
  const char *list = getenv("LD_PRELOAD");
  const char *rest = list != NULL ? strchr(list, ':') : NULL;
  if (rest != NULL)
    setenv("LD_PRELOAD", rest + 1, 1);
  else
    unsetenv("LD_PRELOAD");
}

static void run_benchmark(const assay_request *r, assay_bench_process *process) {
  assay_bench_case bench = {.desc = assay_registry_find(r->suite, r->name), .suite = r->suite, .param_count = r->param_count};
  if (bench.desc == NULL) {
    process->outcome = ASSAY_OUTCOME_FAILED;
    snprintf(process->reason, sizeof process->reason,
             "the fresh process does not know %s/%s; benchmarks must register before main, in every process", r->suite, r->name);
    return;
  }
  for (size_t i = 0; i < r->param_count; i++) {
    bench.params[i].name = r->params[i].name;
    bench.params[i].value = r->params[i].value;
  }
  assay_engine_options options = {.time_s = r->time_s, .warmup_s = r->warmup_s, .seed = r->seed, .give_up = send_and_exit};
  assay_engine_run(&bench, &options, process);
}

void assay_bench_worker(int argc, char **argv) {
  if (argc != 2 || strcmp(argv[1], ASSAY_WORKER_ARGUMENT) != 0 || getenv(ASSAY_WORKER_MARK) == NULL) return;
  unsetenv(ASSAY_WORKER_MARK);
  static assay_bench_process process;
  assay_buf in = {0};
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_request request;
  assay_error err = {0};
  if (!receive(&in) || assay_wire_get_request(in.data, in.length, &arena, &err, &request) != ASSAY_OK) _exit(126);
  assay_buf_deinit(&in);
  if (request.preloaded) take_out_preload();
  if (request.ticks_per_ns > 0) assay_ticks_adopt(request.ticks_per_ns);
  if (request.command != NULL)
    assay_command_run(&request, &process);
  else
    run_benchmark(&request, &process);
  send_and_exit(&process, NULL);
}

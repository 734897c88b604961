/* SPDX-License-Identifier: MIT */
/* The fresh process's side: reads its request, runs the benchmark or the command, reports and ends. */
#ifndef ASSAY_BENCH_WORKER_H
#define ASSAY_BENCH_WORKER_H

#include <assay/bench.h>

#include "bench/wire.h"

#define ASSAY_WORKER_ARGUMENT "--assay-worker=3"
/* Also in the environment: a program whose main does not begin with assay_bench_worker would otherwise start itself again and again. */
#define ASSAY_WORKER_MARK "ASSAY_WORKER"

/* Times one execution of a shell command (command.c). */
void assay_command_run(const assay_request *request, assay_bench_process *process);

#endif

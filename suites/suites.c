/* SPDX-License-Identifier: MIT */
/* The names that `--suite` knows. The last four are known before their workloads are there, so that asking for them gets a plain answer. */
#include <assay/bench.h>

static const assay_suite suites[] = {
    {.name = "performance", .summary = "CPU cores, element-wise operations, memory, allocation, threads, system, integration"},
    {.name = "containers", .summary = "startup, resources, networking of OCI containers", .unsupported = "not built yet"},
    {.name = "trading", .summary = "orders, feeds, risk, strategies, WebSocket", .unsupported = "not built yet"},
    {.name = "ai", .summary = "inference, training, conversion, accuracy", .unsupported = "not built yet"},
    {.name = "stress", .summary = "whole-system load, thermal watch, emergency response", .unsupported = "not built yet"},
};

__attribute__((constructor)) static void register_suites(void) {
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) assay_suite_register(&suites[i]);
}

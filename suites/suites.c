/* SPDX-License-Identifier: MIT */
/* The names that `--suite` knows. Some are known before their workloads are there, so that asking for them gets a plain answer. */
#include <assay/bench.h>

static const assay_suite suites[] = {
    {.name = "performance", .summary = "CPU cores, element-wise operations, memory, allocation, threads, system, integration"},
    {.name = "containers", .summary = "startup, resources, networking of OCI containers", .unsupported = "not built yet"},
    {.name = "trading", .summary = "orders, market data, risk, strategies, WebSocket, from tick to order"},
    {.name = "ai", .summary = "inference, training, conversion, accuracy", .unsupported = "not built yet"},
    {.name = "stress", .summary = "high-frequency order flow under overload"},
};

__attribute__((constructor)) static void register_suites(void) {
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) assay_suite_register(&suites[i]);
}

/* SPDX-License-Identifier: MIT */
/*
 * Log lines for `--verbose` and `--log-file`. The library never prints: lines go to the one sink that a command sets at its start, and
 * nowhere without one. Thread-safe once the sink is set.
 */
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include <assay/status.h>

typedef enum assay_log_level { ASSAY_LOG_DEBUG, ASSAY_LOG_INFO, ASSAY_LOG_WARNING } assay_log_level;

typedef void (*assay_log_sink)(assay_log_level level, const char *line, void *user);

/* Call before threads start; NULL turns logging off. */
void assay_log_set_sink(assay_log_sink sink, void *user);
void assay_log(assay_log_level level, const char *format, ...) ASSAY_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * assay/status.h: how every fallible function of Assay answers.
 *
 * A fallible function returns an `assay_status`. Results are trailing out-parameters and stay untouched on failure. Most take an
 * `assay_error *` before the out-parameters: it keeps the *first* failure's message and place, so that a caller several levels up
 * can print one sentence that names the cause. NULL is allowed where the caller does not want the message.
 *
 *     assay_error err = {0};
 *     assay_machine *machine = NULL;
 *     if (assay_machine_detect(NULL, &err, &machine) != ASSAY_OK) {
 *       fprintf(stderr, "%s\n", err.message);
 *       return assay_status_exit_code(err.status);
 *     }
 *
 * Thread-safety: every function here may be called from any thread; one `assay_error` belongs to one thread at a time.
 */
#ifndef ASSAY_STATUS_H
#define ASSAY_STATUS_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_API __attribute__((visibility("default")))
#define ASSAY_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* The single list of status codes: X(symbol, text, exit code of a command that ends with it). */
#define ASSAY_STATUS_LIST(X)                         \
  X(ASSAY_OK, "ok", 0)                               \
  X(ASSAY_ERR_INVALID, "invalid argument", 2)        \
  X(ASSAY_ERR_NOT_FOUND, "not found", 2)             \
  X(ASSAY_ERR_NO_MEMORY, "out of memory", 2)         \
  X(ASSAY_ERR_IO, "input/output error", 2)           \
  X(ASSAY_ERR_NO_SPACE, "no space left", 2)          \
  X(ASSAY_ERR_PERMISSION, "permission denied", 2)    \
  X(ASSAY_ERR_PARSE, "malformed input", 2)           \
  X(ASSAY_ERR_CORRUPT, "corrupt data", 2)            \
  X(ASSAY_ERR_VERSION, "made by a newer version", 2) \
  X(ASSAY_ERR_LIMIT, "over a limit", 2)              \
  X(ASSAY_ERR_UNSUPPORTED, "unsupported", 2)         \
  X(ASSAY_ERR_BUSY, "busy", 2)                       \
  X(ASSAY_ERR_TIMEOUT, "timed out", 1)               \
  X(ASSAY_ERR_INTERRUPTED, "interrupted", 130)       \
  X(ASSAY_ERR_INTERNAL, "internal error", 2)         \
  X(ASSAY_ERR_LOST, "device lost", 2)

typedef enum assay_status {
#define ASSAY_STATUS_ENUM(symbol, text, exit_code) symbol,
  ASSAY_STATUS_LIST(ASSAY_STATUS_ENUM)
#undef ASSAY_STATUS_ENUM
      ASSAY_STATUS_COUNT
} assay_status;

/* Exit codes of every command. */
enum {
  ASSAY_EXIT_FINE = 0,         /* all done, every limit kept */
  ASSAY_EXIT_MISSED = 1,       /* a limit was missed or a benchmark failed */
  ASSAY_EXIT_CANNOT_RUN = 2,   /* wrong use, bad input, or it cannot run here */
  ASSAY_EXIT_INCONCLUSIVE = 3, /* measured, but too noisy to say */
};

/* The first failure. Zero-initialise before use; `message` is one sentence without a newline. */
typedef struct assay_error {
  assay_status status;
  char message[1000];
  const char *file; /* source place of the failure, for debug logs; static storage */
  int line;
} assay_error;

/* Text of a status, e.g. "out of memory". Never NULL. */
ASSAY_API const char *assay_status_text(assay_status status);
/* Exit code that a command uses when it ends with this status. */
ASSAY_API int assay_status_exit_code(assay_status status);

/* Records a failure unless one is already recorded, and returns `status`. `err` may be NULL. */
ASSAY_API assay_status assay_error_set(assay_error *err, assay_status status, const char *file, int line, const char *format, ...)
    ASSAY_PRINTF(5, 6);
/* The same from errno `code`: maps ENOSPC, EACCES, ENOENT, ENOMEM... and appends ": <strerror>". */
ASSAY_API assay_status assay_error_set_errno(assay_error *err, int code, const char *file, int line, const char *format, ...)
    ASSAY_PRINTF(5, 6);
/* Forgets the failure, for reuse. */
ASSAY_API void assay_error_clear(assay_error *err);

/* For every `char **` out-parameter of this library; accepts NULL. */
ASSAY_API void assay_string_free(char *text);

#define ASSAY_FAIL(err, status, ...) assay_error_set((err), (status), __FILE__, __LINE__, __VA_ARGS__)
#define ASSAY_FAIL_ERRNO(err, code, ...) assay_error_set_errno((err), (code), __FILE__, __LINE__, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif

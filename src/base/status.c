/* SPDX-License-Identifier: MIT */
#include <assay/status.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

const char *assay_status_text(assay_status status) {
  switch (status) {
#define TEXT(symbol, text, exit_code) \
  case symbol: return text;
    ASSAY_STATUS_LIST(TEXT)
#undef TEXT
    case ASSAY_STATUS_COUNT: break;
  }
  return "unknown status";
}

int assay_status_exit_code(assay_status status) {
  switch (status) {
#define EXIT_CODE(symbol, text, exit_code) \
  case symbol: return exit_code;
    ASSAY_STATUS_LIST(EXIT_CODE)
#undef EXIT_CODE
    case ASSAY_STATUS_COUNT: break;
  }
  return ASSAY_EXIT_CANNOT_RUN;
}

/* Returns false when an earlier failure stands, which is the one worth reading. */
static int claim(assay_error *err, assay_status status, const char *file, int line) {
  if (err == NULL || err->status != ASSAY_OK) return 0;
  err->status = status;
  err->file = file;
  err->line = line;
  return 1;
}

assay_status assay_error_set(assay_error *err, assay_status status, const char *file, int line, const char *format, ...) {
  if (claim(err, status, file, line)) {
    va_list args;
    va_start(args, format);
    assay_vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
  }
  return status;
}

static assay_status status_of_errno(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT: return ASSAY_ERR_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS: return ASSAY_ERR_PERMISSION;
    case ENOENT:
    case ENOTDIR: return ASSAY_ERR_NOT_FOUND;
    case ENOMEM: return ASSAY_ERR_NO_MEMORY;
    case EINTR: return ASSAY_ERR_INTERRUPTED;
    case ENOSYS:
    case EOPNOTSUPP: return ASSAY_ERR_UNSUPPORTED;
    default: return ASSAY_ERR_IO;
  }
}

assay_status assay_error_set_errno(assay_error *err, int code, const char *file, int line, const char *format, ...) {
  assay_status status = status_of_errno(code);
  if (claim(err, status, file, line)) {
    va_list args;
    va_start(args, format);
    assay_vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(code));
  }
  return status;
}

void assay_error_clear(assay_error *err) {
  if (err != NULL) *err = (assay_error){.status = ASSAY_OK};
}

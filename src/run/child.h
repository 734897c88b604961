/* SPDX-License-Identifier: MIT */
/* Another program, run to its end in a group of its own with its output kept: git, a build, a benchmark executable's list. */
#ifndef ASSAY_RUN_CHILD_H
#define ASSAY_RUN_CHILD_H

#include <assay/status.h>

#include <stdbool.h>

#include "base/buf.h"

typedef struct assay_child {
  const char *const *words; /* NULL-terminated; the first is looked up in $PATH unless it has a slash */
  const char *directory;    /* NULL: here */
  size_t limit;             /* bytes of its output that are kept: the first ones, or the last ones with `tail` */
  bool tail;
  bool merged;              /* errors go the way of the output; else they are kept apart, as text of a failure */
  double timeout_s;         /* 0: none */
  const volatile int *stop; /* may be NULL */
  void (*on_output)(const char *text, size_t length, void *user); /* as it comes; may be NULL */
  void *user;
} assay_child;

/*
 * `output` is appended to. A program that ends with another code than 0 is no failure: *code is it, or 128 + the signal. `problem` (may be
 * NULL) gets the last line of its errors, or of its output where they are merged. ASSAY_ERR_INTERRUPTED when stopped, ASSAY_ERR_TIMEOUT,
 * ASSAY_ERR_NOT_FOUND and the like when it cannot be started, ASSAY_ERR_LIMIT when it writes more than the limit (not with `tail`).
 */
assay_status assay_child_run(const assay_child *child, assay_error *err, assay_buf *output, char problem[256], int *code);

#endif

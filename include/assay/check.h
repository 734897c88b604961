/* SPDX-License-Identifier: MIT */
/*
 * assay/check.h: one row of a yes-or-no table: what was expected, what was found, and what to do about it.
 *
 *     for (size_t i = 0; i < list->count; i++)
 *       printf("%s: %s (%s)\n", list->items[i].name, assay_check_status_text(list->items[i].status), list->items[i].measured);
 */
#ifndef ASSAY_CHECK_H
#define ASSAY_CHECK_H

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_check_status { ASSAY_CHECK_PASS, ASSAY_CHECK_FAIL, ASSAY_CHECK_UNAVAILABLE } assay_check_status;

/* Text fields are human-readable, in UTF-8, and belong to the list. */
typedef struct assay_check {
  const char *suite; /* e.g. "hardware", "doctor" */
  const char *name;  /* e.g. "Performance cores" */
  assay_check_status status;
  const char *expected;       /* e.g. "12"; NULL where there is no single expectation */
  const char *measured;       /* e.g. "8"; NULL when unavailable */
  const char *cause;          /* why it is unavailable, or what the judgement rests on; may be NULL */
  const char *recommendation; /* what to do, a command where there is one; NULL when nothing is to be done */
} assay_check;

typedef struct assay_check_list {
  assay_check *items;
  size_t count, capacity;
  void *storage; /* owns the texts */
} assay_check_list;

ASSAY_API assay_status assay_check_list_create(assay_error *err, assay_check_list **list);
/* Copies `check` and its texts. */
ASSAY_API assay_status assay_check_list_add(assay_check_list *list, const assay_check *check, assay_error *err);
/* Accepts NULL. */
ASSAY_API void assay_check_list_destroy(assay_check_list *list);
/* "pass", "fail", "unavailable". */
ASSAY_API const char *assay_check_status_text(assay_check_status status);

#ifdef __cplusplus
}
#endif
#endif

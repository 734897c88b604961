/* SPDX-License-Identifier: MIT */
/* One HTTP request out, through libcurl (loaded when first needed): webhooks and the Prometheus Pushgateway. */
#ifndef ASSAY_OS_HTTP_H
#define ASSAY_OS_HTTP_H

#include <assay/status.h>

#include <stdbool.h>

typedef struct assay_http_request {
  const char *method;         /* "POST", "PUT", ... */
  const char *url;            /* http:// or https://; others are refused */
  const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
  const char *body;           /* may be NULL */
  size_t body_length;
  double timeout_s;         /* of one attempt, also of connecting; 0: 10 */
  unsigned attempts;        /* in all; 0: 1. Tried again after no answer, 429 and 5xx, waiting 0.5 s, then twice as long each time */
  const volatile int *stop; /* may be NULL */
} assay_http_request;

/* *code is the status of the last answer. ASSAY_ERR_IO when there was none, or it was no 2xx; the message has the URL without its
 * password and query, the status and the beginning of the answer. No redirects are followed to another host. */
assay_status assay_http_send(const assay_http_request *request, assay_error *err, long *code);

#endif

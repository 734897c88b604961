/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request out, through libcurl (loaded when first needed): webhooks and the Prometheus Pushgateway.
 *
 *     const char *headers[] = {"Content-Type: application/json", NULL};
 *     assay_http_request request = {.method = "POST", .url = url, .headers = headers, .body = text, .body_length = length, .attempts = 3};
 *     status = assay_http_send(&request, err, NULL);
 *
 * Certificates are verified. Proxies are those of curl's environment variables. Thread-safe.
 */
#ifndef ASSAY_OS_HTTP_H
#define ASSAY_OS_HTTP_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_http_request {
  const char *method;         /* "POST", "PUT", "DELETE", "GET" */
  const char *url;            /* http:// or https://; others are refused. "user:password@" becomes basic authentication */
  const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
  const char *body;           /* may be NULL */
  size_t body_length;
  double timeout_s;         /* of one attempt with its redirects, also of connecting; 0: 10 */
  unsigned attempts;        /* in all; 0: 1. Tried again after no answer, 429 and 5xx, waiting 0.5 s, then twice as long each time */
  bool secret_path;         /* the path is a credential too, as in most chat webhooks: no message has it */
  uint64_t deadline_ns;     /* of assay_os_now_ns: no transfer, redirect or pause goes beyond it, whatever the server asks for; 0: none */
  const volatile int *stop; /* ends the request within 0.1 s once it is not 0; may be NULL */
} assay_http_request;

/*
 * Sends the request until it is answered with 2xx. ASSAY_ERR_IO when there was no answer, or another one; the message has the URL without
 * its user, password and query, the status and the beginning of the answer (of which at most 64 KiB are read). ASSAY_ERR_INTERRUPTED by
 * `stop`. A redirect is followed, with the same method and body, only to the same host, never from https to http.
 * *code, where not NULL, is always set: the status of the last answer, 0 when there was none.
 */
assay_status assay_http_send(const assay_http_request *request, assay_error *err, long *code);

#endif

/* SPDX-License-Identifier: MIT */
/* Whatever a password is made of, nothing of it is shown; whatever a URL is, what is shown of it has no secret left. */
#include <assay/history.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[500], url[600];
  if (size >= sizeof text) return 0;
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  snprintf(url, sizeof url, "postgresql://me:%s@host/db", text);
  char *shown = assay_history_shown(url);
  if (shown == NULL || strcmp(shown, "postgresql://me@host/db") != 0) abort();
  if (!assay_url_has_secret(url)) abort();
  assay_string_free(shown);

  snprintf(url, sizeof url, "postgres://%s", text);
  shown = assay_history_shown(url);
  if (shown == NULL || !assay_history_is_url(shown)) abort();
  char *again = assay_history_shown(shown);
  if (again == NULL || strcmp(again, shown) != 0 || assay_url_has_secret(shown)) abort();
  assay_string_free(again);
  assay_string_free(shown);
  return 0;
}

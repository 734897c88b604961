/* SPDX-License-Identifier: MIT */
#include "history/url.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* What stands behind the scheme; NULL when it is none of ours. */
static const char *behind_scheme(const char *path) {
  static const char *const schemes[] = {"postgresql://", "postgres://"};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (strncmp(path, schemes[i], strlen(schemes[i])) == 0) return path + strlen(schemes[i]);
  return NULL;
}

bool assay_history_is_url(const char *path) { return behind_scheme(path) != NULL; }

/*
 * The text between the first colon and the last @. libpq ends it at the first @ or /, but who forgot to write a character of a password as
 * %XX should not see half of it in a log.
 */
static bool find_secret(const char *url, const char **begin, const char **end) {
  const char *start = behind_scheme(url);
  if (start == NULL) return false;
  *end = strrchr(start, '@');
  if (*end == NULL) return false;
  *begin = memchr(start, ':', (size_t)(*end - start));
  if (*begin != NULL) (*begin)++;
  return *begin != NULL;
}

static bool is_secret_parameter(const char *parameter) {
  return strncasecmp(parameter, "password=", 9) == 0 || strncasecmp(parameter, "sslpassword=", 12) == 0;
}

static const char *parameters_of(const char *url) {
  const char *mark = strchr(url, '?');
  return mark == NULL ? NULL : mark + 1;
}

bool assay_url_has_secret(const char *url) {
  const char *begin, *end;
  if (!assay_history_is_url(url)) return false;
  if (find_secret(url, &begin, &end)) return true;
  for (const char *p = parameters_of(url); p != NULL; p = strchr(p, '&') != NULL ? strchr(p, '&') + 1 : NULL)
    if (is_secret_parameter(p)) return true;
  return false;
}

bool assay_url_hides_more(const char *url) {
  const char *begin, *end;
  if (!find_secret(url, &begin, &end)) return false;
  return strcspn(begin, "@/?") < (size_t)(end - begin) || strcspn(url, "?") < (size_t)(begin - url);
}

static void put_without_secret_parameters(assay_buf *out, const char *url) {
  const char *parameter = parameters_of(url);
  assay_buf_append(out, url, parameter == NULL ? strlen(url) : (size_t)(parameter - 1 - url));
  for (char sign = '?'; parameter != NULL;) {
    size_t length = strcspn(parameter, "&");
    if (!is_secret_parameter(parameter)) {
      assay_buf_putc(out, sign);
      assay_buf_append(out, parameter, length);
      sign = '&';
    }
    parameter = parameter[length] == '&' ? parameter + length + 1 : NULL;
  }
}

/* ":secret" in front of the @ and secret parameters are left out; everything else stays, so that two histories look different. */
char *assay_history_shown(const char *path) {
  assay_buf shown = {0}, address = {0};
  const char *begin, *end;
  if (!assay_history_is_url(path)) {
    assay_buf_puts(&shown, path);
    return assay_buf_take(&shown);
  }
  bool is_secret = find_secret(path, &begin, &end);
  if (is_secret) assay_buf_append(&address, path, (size_t)(begin - 1 - path));
  assay_buf_puts(&address, is_secret ? end : path);
  if (!address.failed) put_without_secret_parameters(&shown, address.data);
  assay_buf_deinit(&address);
  return assay_buf_take(&shown);
}

/* SPDX-License-Identifier: MIT */
/* Size, free memory, swap and huge pages of the whole machine; cgroup.c says how much of it this process may use. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine/component.h"
#include "machine/lines.h"

/* "527031224 kB" or a plain count. */
static bool parse_amount(const char *text, uint64_t *value) {
  char *end = NULL;
  if (text == NULL || text[0] < '0' || text[0] > '9') return false;
  *value = strtoull(text, &end, 10);
  uint64_t scale = strcmp(end, " kB") == 0 ? 1024 : *end == '\0' ? 1 : 0;
  return scale != 0 && !__builtin_mul_overflow(*value, scale, value) && *value <= INT64_MAX;
}

static void put_line(assay_context *context, const char *text, const char *cause, const char *line, const char *fact) {
  uint64_t value;
  if (parse_amount(assay_lines_value(context->arena, text, line), &value))
    assay_put_integer(context, (int64_t)value, "%s", fact);
  else
    assay_put_unavailable(
        context, text == NULL ? cause : assay_arena_printf(context->arena, "/proc/meminfo has no %s that can be read", line), "%s", fact);
}

/* "always [madvise] never" gives "madvise". */
static void put_chosen(assay_context *context, const char *path, const char *fact) {
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "%s", path);
  const char *open = text != NULL ? strchr(text, '[') : NULL, *close = open != NULL ? strchr(open, ']') : NULL;
  const char *chosen = close != NULL ? assay_arena_strndup(context->arena, open + 1, (size_t)(close - open - 1)) : text;
  assay_put_text(context, chosen, cause, "%s", fact);
}

static void put_huge_page_sizes(assay_context *context) {
  static const char dir[] = "/sys/kernel/mm/hugepages";
  const char *cause = NULL;
  const char *const *names = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "hugepages-", &names, "%s", dir);
  if (count == 0) assay_put_unavailable(context, cause, "memory.huge_pages");
  for (size_t i = 0; i < count; i++) {
    uint64_t kib = strtoull(names[i] + strlen("hugepages-"), NULL, 10), pages;
    assay_put_integer(context, (int64_t)(kib % (1u << 30)) * 1024, "memory.huge_pages.%zu.size_bytes", i);
    if (assay_source_u64(context->source, context->arena, &cause, &pages, "%s/%s/nr_hugepages", dir, names[i]) && pages <= INT64_MAX)
      assay_put_integer(context, (int64_t)pages, "memory.huge_pages.%zu.reserved", i);
    else
      assay_put_unavailable(context, cause, "memory.huge_pages.%zu.reserved", i);
  }
}

void assay_discover_memory(assay_context *context) {
  static const struct {
    const char *line, *fact;
  } rows[] = {{"MemTotal", "memory.total_bytes"},       {"MemFree", "memory.free_bytes"},       {"MemAvailable", "memory.available_bytes"},
              {"SwapTotal", "memory.swap_total_bytes"}, {"SwapFree", "memory.swap_free_bytes"}, {"Hugepagesize", "memory.huge_page_bytes"}};
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "/proc/meminfo");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) put_line(context, text, cause, rows[i].line, rows[i].fact);
  put_chosen(context, "/sys/kernel/mm/transparent_hugepage/enabled", "memory.transparent_huge_pages");
  put_huge_page_sizes(context);
}

/* SPDX-License-Identifier: MIT */
#include "run/select.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"

const assay_suite *assay_suite_find(const char *name) {
  for (size_t i = 0; i < assay_suite_count(); i++) {
    if (strcmp(assay_suite_at(i)->name, name) == 0) return assay_suite_at(i);
  }
  return NULL;
}

static bool has(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

static void add(const char **names, size_t *count, const char *name) {
  if (!has(names, *count, name)) names[(*count)++] = name;
}

static const char *why_not(const char *name) {
  const assay_suite *suite = assay_suite_find(name);
  return suite != NULL ? suite->unsupported : NULL;
}

static assay_status fail_unknown(const assay_selection *selection, const char *name, assay_error *err) {
  assay_buf known = {0};
  for (size_t i = 0; i < selection->known_count; i++) assay_buf_printf(&known, "%s%s", i > 0 ? ", " : "", selection->known[i]);
  const char *nearest = assay_nearest_word(name, selection->known);
  assay_status status =
      nearest != NULL
          ? ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no suite '%s'; did you mean '%s'? (known: all, %s)", name, nearest, known.data)
          : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no suite '%s' (known: all, %s)", name, known.data != NULL ? known.data : "none");
  assay_buf_deinit(&known);
  return status;
}

static assay_status choose(assay_selection *selection, const char *name, assay_error *err) {
  if (strcmp(name, "all") == 0) {
    for (size_t i = 0; i < selection->known_count; i++) {
      const char *suite = selection->known[i];
      if (why_not(suite) == NULL)
        add(selection->chosen, &selection->chosen_count, suite);
      else
        add(selection->left, &selection->left_count, suite);
    }
    return ASSAY_OK;
  }
  if (!has(selection->known, selection->known_count, name)) return fail_unknown(selection, name, err);
  if (why_not(name) != NULL) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "suite '%s' is unsupported (%s)", name, why_not(name));
  add(selection->chosen, &selection->chosen_count, name);
  return ASSAY_OK;
}

assay_status assay_selection_init(assay_selection *selection, const char *const *names, assay_error *err) {
  *selection = (assay_selection){0};
  assay_bench_plan *every = NULL;
  assay_status status = assay_bench_plan_create(NULL, NULL, err, &every);
  if (status != ASSAY_OK) return status;
  size_t room = assay_suite_count() + assay_bench_plan_count(every) + 1;
  selection->known = assay_calloc(ASSAY_TAG_RESULT, room, sizeof *selection->known);
  selection->chosen = assay_calloc(ASSAY_TAG_RESULT, room, sizeof *selection->chosen);
  selection->left = assay_calloc(ASSAY_TAG_RESULT, room, sizeof *selection->left);
  if (selection->known == NULL || selection->chosen == NULL || selection->left == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu suites", room);
    goto done;
  }
  for (size_t i = 0; i < assay_suite_count(); i++) add(selection->known, &selection->known_count, assay_suite_at(i)->name);
  /* Suite names of benchmarks are static or belong to their registration, so they outlive the plan. */
  for (size_t i = 0; i < assay_bench_plan_count(every); i++)
    add(selection->known, &selection->known_count, assay_bench_plan_at(every, i)->suite);

  static const char *const all[] = {"all", NULL};
  if (names == NULL || names[0] == NULL) names = all;
  for (; *names != NULL && status == ASSAY_OK; names++) status = choose(selection, *names, err);
  if (status == ASSAY_OK && selection->chosen_count == 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "there is no benchmark in this program that can run");
done:
  assay_bench_plan_destroy(every);
  if (status != ASSAY_OK) assay_selection_deinit(selection);
  return status;
}

void assay_selection_deinit(assay_selection *selection) {
  assay_free(selection->known);
  assay_free(selection->chosen);
  assay_free(selection->left);
  *selection = (assay_selection){0};
}

/* SPDX-License-Identifier: MIT */
/* Small text work that several modules need. Pure and thread-safe. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shell-style match of the whole text: `*` any run (also across /), `?` one character, `[a-z]` a set. A pattern without any of them matches
 * anywhere inside the text. Linear time in practice: no backtracking over more than the last star. */
bool assay_glob_match(const char *pattern, const char *text);
/* Whether a glob means this benchmark: it matches "suite/name" or the bare name. `metric` not NULL: "suite/name:metric" and "name:metric"
 * as well. Wherever a user names benchmarks, this decides. */
bool assay_glob_match_benchmark(const char *pattern, const char *suite, const char *name, const char *metric);
/* Which of `words` (NULL-terminated) is nearest to `word` by edit distance, or NULL when none is near: for "did you mean". */
const char *assay_nearest_word(const char *word, const char *const *words);
/* 64-bit FNV-1a, for identities (not for security). Start with ASSAY_HASH_START. */
#define ASSAY_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t assay_hash(uint64_t hash, const void *bytes, size_t count);
/* Whole text as a number; false on junk, overflow or empty text. */
bool assay_parse_u64(const char *text, uint64_t *value);
bool assay_parse_f64(const char *text, double *value);

#endif

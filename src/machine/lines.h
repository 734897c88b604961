/* SPDX-License-Identifier: MIT */
/* Reading the "key : value" lines of /proc/cpuinfo, /proc/meminfo and their like. */
#ifndef ASSAY_MACHINE_LINES_H
#define ASSAY_MACHINE_LINES_H

#include "base/arena.h"

/* Value of the first line of that key, trimmed and in the arena; NULL when there is no such line or it has no value. */
const char *assay_lines_value(assay_arena *arena, const char *text, const char *key);
/* The words that stand in the value of *every* line of that key; NULL when there is no such line. A CPU that lacks a feature takes it from
 * the machine: a thread may be moved there. */
const char *assay_lines_common_words(assay_arena *arena, const char *text, const char *key);
/* True when `word` stands in the blank-separated list. NULL lists hold nothing. */
bool assay_words_have(const char *list, const char *word);

#endif

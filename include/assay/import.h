/* SPDX-License-Identifier: MIT */
/*
 * assay/import.h: results of other tools as Assay's own (docs/import.md has a table of what each format says and what becomes of it).
 *
 *     const char *files[] = {"before-1.json", "before-2.json"};       // two invocations of one program: two processes each
 *     assay_result *result = NULL;
 *     assay_import(files, 2, NULL, &err, &result);
 *
 * What is independent stays apart: a fork of JMH, a run of pyperf or hyperfine and each file or invocation is a process; repetitions,
 * rounds and `-count` inside one process are samples of it (assay_metric_result.replicate says which).
 */
#ifndef ASSAY_IMPORT_H
#define ASSAY_IMPORT_H

#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The names for `from`: "assay", "google-benchmark", "pytest-benchmark", "hyperfine", "criterion", "jmh", "go", "catch2", "asv", "pyperf",
 * "iai-callgrind", "k6", "baselines" (the plain JSON of names and numbers). NULL-terminated. */
ASSAY_API const char *const *assay_import_formats(void);
/* Which of them a file looks like; NULL when none (then `err`, if given, says what was looked for). Reads only its beginning. "-" and
 * pipes cannot be looked at first: they need a name. */
ASSAY_API const char *assay_import_recognise(const char *path, assay_error *err);

/*
 * Reads files (or directories, as of criterion and asv) of one side into one result; several files are several invocations of the same
 * program. `from` NULL: recognised for each. All or nothing. ASSAY_ERR_PARSE names file and place (line and column, or the path inside the
 * document); ASSAY_ERR_LIMIT when a file is larger than this machine can hold (256 MiB, or $ASSAY_IMPORT_LIMIT bytes).
 */
ASSAY_API assay_status assay_import(const char *const *paths, size_t count, const char *from, assay_error *err, assay_result **result);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are loaded when they are first needed, not with the program: every benchmark is a fresh process, and libpq, libcurl or
 * librsvg would each cost it milliseconds. Types come from the library's own header, so a table cannot drift:
 *
 *     #define PQ_FUNCTIONS(X) X(PQconnectdb) X(PQexec)
 *     static struct { ASSAY_LIBRARY_TABLE(PQ_FUNCTIONS) } pq;
 *     static const char *const names[] = {"libpq.so.5", "libpq.5.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(PQ_FUNCTIONS)
 * NULL}; status = assay_library_load(names, symbols, (void **)&pq, "a PostgreSQL history", "libpq5", err);
 *
 * Thread-safe as long as one table is filled by one thread at a time.
 */
#ifndef ASSAY_OS_LIBRARY_H
#define ASSAY_OS_LIBRARY_H

#include <assay/status.h>

#define ASSAY_LIBRARY_FIELD(name) __typeof__(name) *name;
#define ASSAY_LIBRARY_NAME(name) #name,
#define ASSAY_LIBRARY_TABLE(functions) functions(ASSAY_LIBRARY_FIELD)
#define ASSAY_LIBRARY_NAMES(functions) functions(ASSAY_LIBRARY_NAME)

/*
 * Fills `table` (one function pointer a symbol, in order) from the first of `names` that loads; it stays loaded until the program ends.
 * ASSAY_ERR_UNSUPPORTED says what is not possible without it (`purpose`), the loader's own words, and the package that has it.
 */
assay_status assay_library_load(const char *const *names, const char *const *symbols, void **table, const char *purpose,
                                const char *package, assay_error *err);

#endif

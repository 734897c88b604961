/* SPDX-License-Identifier: MIT */
/* Histories for tests: files, or schemas of a PostgreSQL server where ASSAY_TEST_POSTGRES names one (tests/support/postgres.py). */
#ifndef ASSAY_TEST_STORE_H
#define ASSAY_TEST_STORE_H

#include <assay/history.h>

/* ASSAY_TEST_POSTGRES; NULL where it is not set. */
const char *test_postgres(void);
/* A place that no other test of this program uses: of an empty history; static text. */
const char *test_fresh_history(void);
assay_history *test_open_history(const char *path);

/* Behind the back of Assay, in SQL. */
void test_execute(const char *path, const char *sql);
int64_t test_number_in(const char *path, const char *sql);

char *test_json_of(const assay_result *result);
void test_store(assay_history *h, const assay_result *r);
/* A benchmark "s/NAME" with three processes of that time. */
void test_add_time(assay_result *r, const char *name, double value);
/* A stored run with one benchmark "s/a". */
void test_store_time(assay_history *h, const char *id, int64_t at_s, double value);
/* `which` is that run, on the machine of test_empty_result. */
void test_loads(assay_history *h, const char *which, const char *id);

#endif

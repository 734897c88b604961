/* SPDX-License-Identifier: MIT */
/*
 * The seam between the history and the database that holds it. What the history does is written once, over the statements of statements.h;
 * a driver (sqlite.c, postgres.c) carries them out.
 *
 *     status = ASSAY_DB_DO(history, SET_STATE, "mark a run", err, INTEGER(key), INTEGER(2));
 *     status = ASSAY_DB_ASK(history, FIND_RUN, "find the run", err, TEXT(id));
 *     while (status == ASSAY_OK && assay_db_next(history)) key = assay_db_integer(history, 0);
 *     if (status == ASSAY_OK) status = assay_db_end(history, err);
 *
 * One question is open at a time. Text is valid UTF-8 when it reaches a driver: what is not, becomes U+FFFD as in our JSON.
 */
#ifndef ASSAY_HISTORY_DB_H
#define ASSAY_HISTORY_DB_H

#include <assay/history.h>

#include "history/statements.h"

typedef enum assay_db_kind { ASSAY_DB_TEXT, ASSAY_DB_INTEGER, ASSAY_DB_REAL } assay_db_kind;

/* SQL NULL: NULL text, an integer that is `absent`, a real number that is not finite. */
typedef struct assay_db_value {
  assay_db_kind kind;
  bool absent;
  const char *text;
  int64_t integer;
  double real;
} assay_db_value;

#define TEXT(t) ((assay_db_value){.kind = ASSAY_DB_TEXT, .text = (t)})
#define INTEGER(i) ((assay_db_value){.kind = ASSAY_DB_INTEGER, .integer = (int64_t)(i)})
#define REAL(r) ((assay_db_value){.kind = ASSAY_DB_REAL, .real = (r)})

enum { ASSAY_DB_VALUES_MAX = 16 };

/* What one process at a time does, from what it reads to what it writes. */
typedef enum assay_db_lock { ASSAY_DB_LOCK_SCHEMA, ASSAY_DB_LOCK_ALERTS } assay_db_lock;

/* A failed call fills `err` with a sentence that names the database, what was tried (`doing`: "store the run") and the mend. */
typedef struct assay_db_driver {
  /* Rows are there for `next` when `rows`; otherwise the statement is only carried out, which a driver may put off until the transaction
   * ends or something is asked. */
  assay_status (*start)(assay_history *history, assay_db_statement which, const assay_db_value *values, size_t count, bool rows,
                        const char *doing, assay_error *err);
  bool (*next)(assay_history *history);
  const char *(*text)(const assay_history *history, int column, size_t *length); /* NULL: SQL NULL */
  int64_t (*integer)(const assay_history *history, int column);                  /* 0: SQL NULL */
  double (*real)(const assay_history *history, int column);                      /* NaN: SQL NULL */
  assay_status (*end)(assay_history *history, assay_error *err);
  assay_status (*begin)(assay_history *history, assay_error *err);
  /* The same, once no other transaction that was begun under this lock is open. */
  assay_status (*begin_alone)(assay_history *history, assay_db_lock lock, assay_error *err);
  /* Commits when `status` is ASSAY_OK, else rolls back and gives `status` again. */
  assay_status (*finish)(assay_history *history, assay_status status, assay_error *err);
  /* Schema: the version that is there (0: none), a script of the steps' own dialect (schema.c), and what tells the new version. */
  assay_status (*version)(assay_history *history, assay_error *err, int *version);
  assay_status (*script)(assay_history *history, const char *sql, assay_error *err);
  assay_status (*stamp)(assay_history *history, int version, assay_error *err);
  void (*close)(assay_history *history);
  const char *elsewhere; /* what a user names instead, e.g. "another directory with --output-dir" */
  bool is_shared;        /* runs of other hosts are in it as a matter of course */
} assay_db_driver;

/* The beginning of each driver's own handle. */
struct assay_history {
  const assay_db_driver *driver;
  char *name; /* of the database, for messages: without a password */
  /* The last failure is one that trying the transaction again may mend (a deadlock between writers). */
  bool may_retry;
  bool in_work; /* transactions that are begun now are part of the one that is open */
};

#define ASSAY_DB_DO(history, which, doing, err, ...)                               \
  assay_db_do((history), ASSAY_SQL_##which, (const assay_db_value[]){__VA_ARGS__}, \
              sizeof((const assay_db_value[]){__VA_ARGS__}) / sizeof(assay_db_value), false, (doing), (err))
#define ASSAY_DB_ASK(history, which, doing, err, ...) ASSAY_DB_ASK_FOR(history, ASSAY_SQL_##which, doing, err, __VA_ARGS__)
/* The same for a statement that is chosen when it runs. */
#define ASSAY_DB_ASK_FOR(history, which, doing, err, ...)                \
  assay_db_do((history), (which), (const assay_db_value[]){__VA_ARGS__}, \
              sizeof((const assay_db_value[]){__VA_ARGS__}) / sizeof(assay_db_value), true, (doing), (err))
assay_status assay_db_do(assay_history *history, assay_db_statement which, const assay_db_value *values, size_t count, bool rows,
                         const char *doing, assay_error *err);

/* False when there is no further row, or reading failed, which `end` tells. */
bool assay_db_next(assay_history *history);
/* Columns of the row; text stays until the next row. NULL: SQL NULL. */
const char *assay_db_text(const assay_history *history, int column);
const char *assay_db_bytes(const assay_history *history, int column, size_t *length);
int64_t assay_db_integer(const assay_history *history, int column);
double assay_db_real(const assay_history *history, int column);
/* Copies text into an array, cut at its end (between characters) where it is longer. */
#define ASSAY_DB_COPY(to, history, column) assay_db_copy((to), sizeof(to), (history), (column))
void assay_db_copy(char *to, size_t size, const assay_history *history, int column);
/* To be called after a question that was answered, also when not all rows were read. */
assay_status assay_db_end(assay_history *history, assay_error *err);

/*
 * All rows of a question that was asked, in order, and its end. `read` fills an item of `size` bytes; false leaves the row out. *items is a
 * heap array (NULL for none), untouched on failure.
 */
typedef bool (*assay_db_reader)(const assay_history *row, void *list, void *item, void *user);
assay_status assay_db_rows(assay_history *history, size_t size, assay_db_reader read, void *user, assay_error *err, void **items,
                           size_t *count);
/* The same for rows that own texts: `read` takes them with assay_db_list_text(list, ...). Freed with assay_db_list_free. */
assay_status assay_db_list(assay_history *history, size_t size, assay_db_reader read, void *user, assay_error *err, void **items,
                           size_t *count);
/* Room for one more in a heap array that doubles; ASSAY_ERR_NO_MEMORY leaves the array. */
assay_status assay_db_room(const assay_history *history, void **items, size_t count, size_t *capacity, size_t size, assay_error *err);

/* Rows that own texts: an array that doubles, with an arena in the same block before its first row. `*rows` NULL to begin. */
assay_status assay_db_list_room(const assay_history *history, void **rows, size_t count, size_t *capacity, size_t size, assay_error *err);
/* A copy of a text column that belongs to the list ("" for SQL NULL); NULL, and then list_room fails next, when out of memory. */
const char *assay_db_list_text(void *rows, const assay_history *history, int column);
/* Ends the list: out of memory in one of its texts is told here. */
assay_status assay_db_list_end(const assay_history *history, const void *rows, assay_error *err);
void assay_db_list_free(void *rows); /* accepts NULL */

/* Does `work` in one write transaction, all of it or nothing. It may be done again from its beginning. */
typedef assay_status (*assay_db_work)(assay_history *history, void *context, assay_error *err);
assay_status assay_db_transaction(assay_history *history, assay_db_work work, void *context, assay_error *err);

/* The same, and nobody else does work under that lock meanwhile: what `work` read is still true when it writes. */
assay_status assay_db_alone(assay_history *history, assay_db_lock lock, assay_db_work work, void *context, assay_error *err);

/* ---- Drivers ---------------------------------------------------------------------------------------------------------------------- */

/* The schema is the newest one when it is open. */
assay_status assay_sqlite_open(const char *path, assay_error *err, assay_history **history);
/* Reads a file where nothing may be written, not even a lock; an older schema is brought up to date in a copy in memory. */
assay_status assay_sqlite_open_frozen(const char *path, assay_error *err, assay_history **history);

/* `create` false: the tables must be there. */
assay_status assay_postgres_open(const char *url, bool create, assay_error *err, assay_history **history);

/* ---- Schema (schema.c) ------------------------------------------------------------------------------------------------------------ */

enum { ASSAY_HISTORY_SCHEMA = 2, ASSAY_HISTORY_APPLICATION = 0x41535359 /* "ASSY" */ };

/* Brings an open database to the newest schema; the tables are made in an empty one. One transaction. */
assay_status assay_history_migrate(assay_history *history, assay_error *err);
assay_status assay_history_refuse_newer(const char *name, const char *elsewhere, int version, assay_error *err);
/* Refuses an SQLite file that is no history, is damaged or newer, looking at it read-only. */
assay_status assay_history_look(const char *path, assay_error *err);

/* Marks the runs interrupted whose owner is no more. */
assay_status assay_history_reap(assay_history *history, assay_error *err);
/* The id of the run that `which` names, as assay_history_load finds it, or of a baseline. */
assay_status assay_history_resolve(assay_history *history, const char *which, const char *machine_id, assay_error *err, char id[17]);
assay_status assay_history_resolve_baseline(assay_history *history, const char *name, assay_error *err, char id[17]);

#endif

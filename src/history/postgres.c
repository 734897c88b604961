/* SPDX-License-Identifier: MIT */
/*
 * The history in a PostgreSQL database, through libpq, which is loaded when the first URL is opened.
 *
 * The connection is always in pipeline mode: what gives no rows is sent and its answer is read later, at the latest when the transaction
 * ends. So a run of a thousand benchmarks costs a handful of round trips instead of ten thousand.
 */
#include <libpq-fe.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/number.h"
#include "history/db.h"
#include "history/url.h"
#include "os/library.h"
#include "os/prim.h"

/* clang-format off */
#define PQ_FUNCTIONS(X)                                                                                            \
  X(PQconnectdbParams) X(PQreset) X(PQfinish) X(PQstatus) X(PQerrorMessage) X(PQparameterStatus)                   \
  X(PQserverVersion) X(PQtransactionStatus) X(PQconninfoParse) X(PQconninfoFree) X(PQfreemem)                      \
  X(PQsetNoticeProcessor) X(PQenterPipelineMode) X(PQpipelineSync) X(PQsendFlushRequest) X(PQsendPrepare)          \
  X(PQsendQueryPrepared) X(PQsendQueryParams) X(PQgetResult) X(PQresultStatus) X(PQresultErrorField) X(PQclear)    \
  X(PQntuples) X(PQgetvalue) X(PQgetisnull) X(PQgetlength)
/* clang-format on */

static struct { ASSAY_LIBRARY_TABLE(PQ_FUNCTIONS) } pq;

static assay_status load_library(assay_error *err) {
  static const char *const names[] = {"libpq.so.5", "libpq.5.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(PQ_FUNCTIONS) NULL};
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool loaded;
  pthread_mutex_lock(&lock);
  assay_status status = loaded ? ASSAY_OK : assay_library_load(names, symbols, (void **)&pq, "a PostgreSQL history", "libpq5", err);
  loaded = status == ASSAY_OK;
  pthread_mutex_unlock(&lock);
  return status;
}

enum {
  /* Answers that may stand out: well below what the buffers of both ends hold, so neither waits for the other. */
  PENDING_MAX = 256,
  LEAST_SERVER = 110000, /* PostgreSQL 11: columns included in an index */
  NUMBER_SIZE = 32,
  QUICK_NS = 2000000000
};

/* Something that was sent and whose answer was not yet read. */
typedef struct pending {
  const char *doing;
  int prepares; /* the statement that this makes known to the server; -1: none */
  bool is_sync, keeps_rows;
} pending;

typedef struct postgres_history {
  assay_history base;
  PGconn *connection;
  bool prepared[ASSAY_SQL_COUNT];
  bool in_transaction;
  pending queue[PENDING_MAX + 8];
  size_t queued;
  PGresult *rows; /* the question that is open */
  int row;        /* -1: before the first */
} postgres_history;

static postgres_history *of(assay_history *history) { return (postgres_history *)history; }

/* ---- Failures ----------------------------------------------------------------------------------------------------------------- */

/* SQLSTATEs by their beginnings, the longer ones first (PostgreSQL's documentation, appendix A). */
static const struct {
  const char *code;
  assay_status status;
  bool may_retry;
  const char *mend;
} states[] = {
    {"42501", ASSAY_ERR_PERMISSION, false,
     "; the role needs USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables, and CREATE on the schema the first time "
     "(docs/history.md)"},
    {"25006", ASSAY_ERR_PERMISSION, false, "; name the server that may be written, not its standby"},
    {"28", ASSAY_ERR_PERMISSION, false, ""},
    {"53100", ASSAY_ERR_NO_SPACE, false, "; the server needs free space, what was stored before is intact"},
    {"53200", ASSAY_ERR_NO_MEMORY, false, ""},
    {"53300", ASSAY_ERR_BUSY, false, "; all connections of the server are in use, try again later"},
    {"40", ASSAY_ERR_BUSY, true, "; other writers were in the way, try again"},
    {"55P03", ASSAY_ERR_BUSY, false, "; another writer holds it for more than 10 s, try again when that has ended"},
    {"57014", ASSAY_ERR_BUSY, false, "; the server ended the statement, try again or raise its statement_timeout"},
    {"57P", ASSAY_ERR_IO, true, "; what was stored before is intact"},
    {"08", ASSAY_ERR_IO, true, "; what was stored before is intact"},
    {"23", ASSAY_ERR_INVALID, false, ""},
    {"22", ASSAY_ERR_INVALID, false, ""},
    {"3D", ASSAY_ERR_NOT_FOUND, false, ""},
    {"3F000", ASSAY_ERR_NOT_FOUND, false, "; create the schema that the search_path names, or name another"},
    {"42P07", ASSAY_ERR_CORRUPT, false,
     "; the schema has tables of another program: give Assay one of its own, e.g. with ?options=-csearch_path%3Dassay"},
    {"42P01", ASSAY_ERR_CORRUPT, false, "; the tables are not those of a history: name another database, or restore a backup"},
    {"42703", ASSAY_ERR_CORRUPT, false, "; the tables are not those of a history: name another database, or restore a backup"},
    {"XX", ASSAY_ERR_CORRUPT, false, ""},
};

/* One line without the spaces at its ends. */
static void put_line(assay_buf *out, const char *text) {
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
  for (size_t i = 0; i < length; i++) {
    if (strchr("\t\r\n", text[i]) == NULL)
      assay_buf_putc(out, text[i]);
    else if (out->length > 0 && out->data[out->length - 1] != ' ')
      assay_buf_putc(out, ' ');
  }
}

static assay_status say(postgres_history *h, assay_status status, const char *doing, const char *message, const char *mend,
                        assay_error *err) {
  assay_buf line = {0};
  put_line(&line, message);
  ASSAY_FAIL(err, status, "%s: cannot %s: %s%s", h->base.name, doing, line.data != NULL ? line.data : "no reason given", mend);
  assay_buf_deinit(&line);
  return status;
}

static assay_status lost(postgres_history *h, const char *doing, assay_error *err) {
  h->base.may_retry = true; /* `begin` connects again */
  h->queued = 0;
  return say(h, ASSAY_ERR_IO, doing, pq.PQerrorMessage(h->connection), " (the connection was lost; what was stored before is intact)", err);
}

static assay_status refused(postgres_history *h, const PGresult *result, const char *doing, assay_error *err) {
  const char *code = pq.PQresultErrorField(result, PG_DIAG_SQLSTATE), *message = pq.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (pq.PQstatus(h->connection) == CONNECTION_BAD) return lost(h, doing, err);
  for (size_t i = 0; code != NULL && i < sizeof states / sizeof *states; i++) {
    if (strncmp(code, states[i].code, strlen(states[i].code)) != 0) continue;
    h->base.may_retry = states[i].may_retry;
    return say(h, states[i].status, doing, message != NULL ? message : code, states[i].mend, err);
  }
  return say(h, ASSAY_ERR_IO, doing, message != NULL ? message : pq.PQerrorMessage(h->connection), "", err);
}

/* ---- The pipeline ------------------------------------------------------------------------------------------------------------- */

/* Reads one answer and what ends it. */
static assay_status read_answer(postgres_history *h, const pending *item, assay_error *err) {
  PGresult *result = pq.PQgetResult(h->connection);
  if (result == NULL) return lost(h, item->doing, err);
  ExecStatusType how = pq.PQresultStatus(result);
  assay_status status = ASSAY_OK;
  if (how == PGRES_PIPELINE_ABORTED)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "%s: cannot %s: an earlier statement failed", h->base.name, item->doing);
  else if (how != PGRES_COMMAND_OK && how != PGRES_TUPLES_OK && how != PGRES_PIPELINE_SYNC)
    status = refused(h, result, item->doing, err);
  if (status != ASSAY_OK && item->prepares >= 0) h->prepared[item->prepares] = false;
  if (!item->is_sync) pq.PQclear(pq.PQgetResult(h->connection)); /* NULL: the end of this answer */
  if (status == ASSAY_OK && item->keeps_rows)
    h->rows = result;
  else
    pq.PQclear(result);
  return status;
}

/* Reads all answers that stand out, and gives the first failure. */
static assay_status drain(postgres_history *h, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < h->queued; i++) {
    assay_status one = read_answer(h, &h->queue[i], err);
    if (status == ASSAY_OK) status = one;
  }
  h->queued = 0;
  if (status != ASSAY_OK) {
    pq.PQclear(h->rows);
    h->rows = NULL;
  }
  return status;
}

static void enqueue(postgres_history *h, pending item) { h->queue[h->queued++] = item; }

/* Ends what belongs together: an implicit transaction, and the skipping after a failure. */
static assay_status synchronise(postgres_history *h, const char *doing, assay_error *err) {
  if (!pq.PQpipelineSync(h->connection)) return lost(h, doing, err);
  enqueue(h, (pending){.doing = doing, .prepares = -1, .is_sync = true});
  return drain(h, err);
}

/* Outside a transaction every statement is one. */
static assay_status after_sending(postgres_history *h, bool rows, const char *doing, assay_error *err) {
  if (!h->in_transaction) return synchronise(h, doing, err);
  if (!rows && h->queued < PENDING_MAX) return ASSAY_OK;
  return pq.PQsendFlushRequest(h->connection) ? drain(h, err) : lost(h, doing, err);
}

static assay_status send_text(postgres_history *h, const char *sql, bool rows, const char *doing, assay_error *err) {
  if (!pq.PQsendQueryParams(h->connection, sql, 0, NULL, NULL, NULL, NULL, 0)) return lost(h, doing, err);
  enqueue(h, (pending){.doing = doing, .prepares = -1, .keeps_rows = rows});
  return after_sending(h, rows, doing, err);
}

/* ---- Statements --------------------------------------------------------------------------------------------------------------- */

/* Words of one dialect for those of the other; the longer ones first. */
typedef struct word {
  const char *sqlite, *postgres;
} word;

static const word schema_words[] =
    {/* SQLite keeps the rows of a series together; here the index does, so that a trend need not visit a page a run. */
     {"PRIMARY KEY(series, at_s, run)", "PRIMARY KEY(series, at_s, run) INCLUDE (value, ci_low, ci_high)"},
     {"INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
     {"INTEGER", "BIGINT"},
     {"REAL", "DOUBLE PRECISION"},
     {"TEXT", "TEXT COLLATE \"C\""}, /* ordered by bytes, whatever the database's language is */
     {" WITHOUT ROWID", ""},
     {NULL, NULL}};
static const word statement_words[] = {{"?", "$"}, {NULL, NULL}};

static char *translate(const char *sql, size_t length, const word *words) {
  assay_buf out = {0};
  for (size_t i = 0; i < length;) {
    const word *w = words;
    while (w->sqlite != NULL && strncmp(sql + i, w->sqlite, strlen(w->sqlite)) != 0) w++;
    assay_buf_append(&out, w->sqlite != NULL ? w->postgres : sql + i, w->sqlite != NULL ? strlen(w->postgres) : 1);
    i += w->sqlite != NULL ? strlen(w->sqlite) : 1;
  }
  return assay_buf_take(&out);
}

/* The types stand in the values, so the server never guesses. */
static assay_status prepare(postgres_history *h, assay_db_statement which, const char *name, const assay_db_value *values, size_t count,
                            const char *doing, assay_error *err) {
  static const Oid types[] = {[ASSAY_DB_TEXT] = 25, [ASSAY_DB_INTEGER] = 20, [ASSAY_DB_REAL] = 701}; /* text, int8, float8 */
  Oid wanted[ASSAY_DB_VALUES_MAX];
  for (size_t i = 0; i < count; i++) wanted[i] = types[values[i].kind];
  char *sql = translate(assay_db_texts[which], strlen(assay_db_texts[which]), statement_words);
  if (sql == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s: cannot %s: out of memory", h->base.name, doing);
  bool sent = pq.PQsendPrepare(h->connection, name, sql, (int)count, wanted) != 0;
  assay_free(sql);
  if (!sent) return lost(h, doing, err);
  h->prepared[which] = true;
  enqueue(h, (pending){.doing = doing, .prepares = (int)which});
  return ASSAY_OK;
}

/* A value as text; NULL for SQL NULL. `number` has room for the digits. */
static const char *value_text(const assay_db_value *value, char number[NUMBER_SIZE]) {
  if (value->kind == ASSAY_DB_TEXT) return value->text;
  if (value->kind == ASSAY_DB_INTEGER ? value->absent : !isfinite(value->real)) return NULL;
  if (value->kind == ASSAY_DB_INTEGER)
    snprintf(number, NUMBER_SIZE, "%lld", (long long)value->integer);
  else
    assay_snprintf(number, NUMBER_SIZE, "%.17g", value->real);
  return number;
}

static assay_status start(assay_history *history, assay_db_statement which, const assay_db_value *values, size_t count, bool rows,
                          const char *doing, assay_error *err) {
  postgres_history *h = of(history);
  char name[16], numbers[ASSAY_DB_VALUES_MAX][NUMBER_SIZE];
  const char *texts[ASSAY_DB_VALUES_MAX];
  h->row = -1;
  snprintf(name, sizeof name, "assay_%d", (int)which);
  if (pq.PQstatus(h->connection) == CONNECTION_BAD) return lost(h, doing, err);
  assay_status status = h->prepared[which] ? ASSAY_OK : prepare(h, which, name, values, count, doing, err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < count; i++) texts[i] = value_text(&values[i], numbers[i]);
  if (!pq.PQsendQueryPrepared(h->connection, name, (int)count, texts, NULL, NULL, 0)) return lost(h, doing, err);
  enqueue(h, (pending){.doing = doing, .prepares = -1, .keeps_rows = rows});
  return after_sending(h, rows, doing, err);
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------- */

static bool next(assay_history *history) {
  postgres_history *h = of(history);
  return h->rows != NULL && ++h->row < pq.PQntuples(h->rows);
}

static const char *text(const assay_history *history, int column, size_t *length) {
  const postgres_history *h = (const postgres_history *)history;
  *length = (size_t)pq.PQgetlength(h->rows, h->row, column);
  return pq.PQgetisnull(h->rows, h->row, column) ? NULL : pq.PQgetvalue(h->rows, h->row, column);
}

static int64_t integer(const assay_history *history, int column) {
  size_t length;
  const char *found = text(history, column, &length);
  return found == NULL ? 0 : strtoll(found, NULL, 10);
}

static double real(const assay_history *history, int column) {
  size_t length;
  const char *found = text(history, column, &length);
  return found == NULL ? NAN : assay_strtod(found, NULL);
}

static assay_status end(assay_history *history, assay_error *err) {
  (void)err; /* all rows are here once the question was answered */
  pq.PQclear(of(history)->rows);
  of(history)->rows = NULL;
  return ASSAY_OK;
}

/* ---- Transactions ------------------------------------------------------------------------------------------------------------- */

static assay_status greet(postgres_history *h, assay_error *err);

static assay_status begin(assay_history *history, assay_error *err) {
  postgres_history *h = of(history);
  assay_status status = ASSAY_OK;
  if (pq.PQstatus(h->connection) == CONNECTION_BAD) { /* a server that was restarted meanwhile */
    uint64_t before = assay_os_now_ns();
    pq.PQreset(h->connection);
    status = greet(h, err);
    history->may_retry = assay_os_now_ns() - before < QUICK_NS; /* not after a time-out: the run waits */
  }
  if (status != ASSAY_OK) return status;
  h->in_transaction = true;
  status = send_text(h, "BEGIN", false, "begin to write", err);
  h->in_transaction = status == ASSAY_OK;
  return status;
}

/* After a failure everything up to the next sync is skipped; then the transaction is over, or wants to be. */
static void roll_back(postgres_history *h) {
  if (pq.PQstatus(h->connection) == CONNECTION_BAD) return;
  synchronise(h, "roll back", NULL);
  if (pq.PQstatus(h->connection) != CONNECTION_BAD && pq.PQtransactionStatus(h->connection) != PQTRANS_IDLE)
    send_text(h, "ROLLBACK", false, "roll back", NULL);
}

static assay_status finish(assay_history *history, assay_status status, assay_error *err) {
  postgres_history *h = of(history);
  h->in_transaction = false;
  if (status == ASSAY_OK) status = send_text(h, "COMMIT", false, "write", err);
  if (status != ASSAY_OK) roll_back(h);
  return status;
}

static assay_status ask_number(postgres_history *h, const char *sql, const char *doing, assay_error *err, int *number) {
  assay_status status = send_text(h, sql, true, doing, err);
  if (status != ASSAY_OK) return status;
  h->row = -1;
  if (next(&h->base)) *number = (int)integer(&h->base, 0);
  return end(&h->base, err);
}

/* A lock of our own: rows that are not there yet cannot be locked. Each statement sees what was committed before it began, so what is read
 * behind the lock is what the last holder wrote. */
static assay_status begin_alone(assay_history *history, assay_db_lock lock, assay_error *err) {
  char wait[80];
  int nothing;
  snprintf(wait, sizeof wait, "SELECT 1 FROM (SELECT pg_advisory_xact_lock(%lld)) AS locked",
           (long long)ASSAY_HISTORY_APPLICATION + ((long long)lock << 32));
  assay_status status = begin(history, err);
  if (status == ASSAY_OK) status = ask_number(of(history), wait, "wait for another writer", err, &nothing);
  return status == ASSAY_OK ? ASSAY_OK : finish(history, status, err);
}

/* ---- Schema ------------------------------------------------------------------------------------------------------------------- */

/* Not to_regclass: it may answer from what this connection knew before it waited for the lock. */
static assay_status version(assay_history *history, assay_error *err, int *found) {
  static const char is_there[] =
      "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'schema_changes' AND relkind = 'r' AND pg_catalog.pg_table_is_visible(oid)";
  int there = 0, number = 0;
  assay_status status = ask_number(of(history), is_there, "read the schema", err, &there);
  if (status == ASSAY_OK && there > 0)
    status = ask_number(of(history), "SELECT coalesce(max(version), 0) FROM schema_changes", "read the schema", err, &number);
  if (status == ASSAY_OK) *found = number;
  return status;
}

/* The extended protocol takes one statement at a time; no text of the steps has a semicolon in it. */
static assay_status script(assay_history *history, const char *sql, assay_error *err) {
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && *sql != '\0') {
    size_t length = strcspn(sql, ";");
    char *one = translate(sql, length, schema_words);
    if (one == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s: cannot prepare the tables: out of memory", history->name);
    status = send_text(of(history), one, false, "prepare the tables", err);
    assay_free(one);
    sql += length + (sql[length] == ';');
  }
  return status;
}

/* schema_changes tells the version. */
static assay_status stamp(assay_history *history, int to, assay_error *err) {
  (void)history;
  (void)to;
  (void)err;
  return ASSAY_OK;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

static void close_connection(assay_history *history) {
  postgres_history *h = of(history);
  if (h->connection != NULL) {
    pq.PQclear(h->rows);
    pq.PQfinish(h->connection);
  }
  assay_free(h->base.name);
  assay_free(h);
}

static const assay_db_driver driver = {.start = start,
                                       .next = next,
                                       .text = text,
                                       .integer = integer,
                                       .real = real,
                                       .end = end,
                                       .begin = begin,
                                       .finish = finish,
                                       .version = version,
                                       .begin_alone = begin_alone,
                                       .script = script,
                                       .stamp = stamp,
                                       .close = close_connection,
                                       .elsewhere = "another database or schema",
                                       .is_shared = true};

/* The library prints what the server notes on stderr otherwise. */
static void ignore_notice(void *user, const char *message) {
  (void)user;
  (void)message;
}

/* libpq tells no code for a connection that was not made, so these are told from the server's English words; else it is IO. */
static assay_status connection_failure(postgres_history *h, assay_error *err) {
  const char *message = pq.PQerrorMessage(h->connection);
  bool is_denied = strstr(message, "authentication failed") != NULL || strstr(message, "no password supplied") != NULL ||
                   strstr(message, "permission denied") != NULL || strstr(message, "pg_hba.conf") != NULL;
  bool is_missing = strstr(message, "does not exist") != NULL;
  return say(h,
             is_denied    ? ASSAY_ERR_PERMISSION
             : is_missing ? ASSAY_ERR_NOT_FOUND
                          : ASSAY_ERR_IO,
             "open the history", message,
             is_denied    ? "; put the password into ~/.pgpass or $PGPASSWORD, or ask for access (docs/history.md)"
             : is_missing ? "; \"createdb\" and \"createuser\" make them (docs/history.md)"
                          : "; is the server running, and is that its address?",
             err);
}

/* What every new connection is told. */
static assay_status greet(postgres_history *h, assay_error *err) {
  memset(h->prepared, 0, sizeof h->prepared);
  h->queued = 0;
  if (pq.PQstatus(h->connection) != CONNECTION_OK) return connection_failure(h, err);
  const char *encoding = pq.PQparameterStatus(h->connection, "server_encoding");
  if (encoding != NULL && strcmp(encoding, "UTF8") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "%s: the database keeps its text in %s, which cannot hold every name: create it with \"createdb -E UTF8 -T "
                      "template0 NAME\"",
                      h->base.name, encoding);
  if (pq.PQserverVersion(h->connection) < LEAST_SERVER)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s: the server is PostgreSQL %d, a history needs 11 or later", h->base.name,
                      pq.PQserverVersion(h->connection) / 10000);
  if (!pq.PQenterPipelineMode(h->connection)) return lost(h, "open the history", err);
  /* No statement here is worth compiling. */
  assay_status status = send_text(h, "SET jit = off", false, "open the history", err);
  return status == ASSAY_OK ? send_text(h, "SET lock_timeout = '10s'", false, "open the history", err) : status;
}

/* Settings before the URL are defaults that it may change; those behind it are ours. */
static assay_status dial(postgres_history *h, const char *url, assay_error *err) {
  static const char *const keys[] = {
      "connect_timeout", "fallback_application_name", "keepalives_idle", "tcp_user_timeout", "dbname", "client_encoding", NULL};
  const char *values[] = {"10", "assay", "30", "30000", url, "UTF8", NULL};
  h->connection = pq.PQconnectdbParams(keys, values, 1);
  if (h->connection == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  pq.PQsetNoticeProcessor(h->connection, ignore_notice, NULL);
  return greet(h, err);
}

/* libpq's own words may quote the URL, and so a password that is not where it should be. */
static assay_status check_url(const char *url, const char *name, assay_error *err) {
  char *problem = NULL;
  bool is_doubtful = assay_url_hides_more(url);
  PQconninfoOption *options = is_doubtful ? NULL : pq.PQconninfoParse(url, &problem);
  assay_status status = ASSAY_OK;
  if (options == NULL && (is_doubtful || assay_url_has_secret(url)))
    status =
        ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                   "%s cannot be read as a PostgreSQL URL: write @ / : ? # and %% in a user's name or a password as %%40 %%2F %%3A %%3F "
                   "%%23 %%25, or keep the password in ~/.pgpass",
                   name);
  else if (options == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s cannot be read as a PostgreSQL URL: %.*s", name,
                        problem != NULL ? (int)strcspn(problem, "\n") : 0, problem != NULL ? problem : "");
  pq.PQfreemem(problem);
  pq.PQconninfoFree(options);
  return status;
}

static assay_status prepare_tables(postgres_history *h, bool create, assay_error *err) {
  int found = 0;
  assay_status status = create ? ASSAY_OK : version(&h->base, err, &found);
  if (status == ASSAY_OK && !create && found == 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no history in %s yet; `run` makes one (--history names another)", h->base.name);
  return status == ASSAY_OK ? assay_history_migrate(&h->base, err) : status;
}

assay_status assay_postgres_open(const char *url, bool create, assay_error *err, assay_history **history) {
  assay_status status = load_library(err);
  if (status != ASSAY_OK) return status;
  postgres_history *h = assay_calloc(ASSAY_TAG_HISTORY, 1, sizeof *h);
  if (h == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  h->base.driver = &driver;
  h->base.name = assay_history_shown(url);
  if (h->base.name == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the history");
  if (status == ASSAY_OK) status = check_url(url, h->base.name, err);
  if (status == ASSAY_OK) status = dial(h, url, err);
  if (status == ASSAY_OK) status = prepare_tables(h, create, err);
  if (status == ASSAY_OK)
    *history = &h->base;
  else
    close_connection(&h->base);
  return status;
}

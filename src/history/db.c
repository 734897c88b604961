/* SPDX-License-Identifier: MIT */
#include "history/db.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "os/prim.h"

const char *const assay_db_texts[ASSAY_SQL_COUNT] = {
#define TEXT_OF(name, text) text,
    ASSAY_DB_STATEMENTS(TEXT_OF)
#undef TEXT_OF
};

/* ---- Text that every database takes ------------------------------------------------------------------------------------------- */

static bool is_utf8(const char *text) {
  while (*text != '\0') {
    size_t length = (unsigned char)*text < 0x80 ? 1 : assay_utf8_length(text);
    if (length == 0) return false;
    text += length;
  }
  return true;
}

static char *clean(const char *text) {
  assay_buf out = {0};
  while (*text != '\0') {
    size_t length = assay_utf8_length(text);
    if (length == 0)
      assay_buf_puts(&out, "\xEF\xBF\xBD");
    else
      assay_buf_append(&out, text, length);
    text += length == 0 ? 1 : length;
  }
  return assay_buf_take(&out);
}

assay_status assay_db_do(assay_history *history, assay_db_statement which, const assay_db_value *values, size_t count, bool rows,
                         const char *doing, assay_error *err) {
  assay_db_value cleaned[ASSAY_DB_VALUES_MAX] = {0};
  char *copies[ASSAY_DB_VALUES_MAX] = {0};
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < count; i++) {
    cleaned[i] = values[i];
    if (values[i].kind != ASSAY_DB_TEXT || values[i].text == NULL || is_utf8(values[i].text)) continue;
    cleaned[i].text = copies[i] = clean(values[i].text);
    if (copies[i] == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s: cannot %s: out of memory", history->name, doing);
  }
  if (status == ASSAY_OK) status = history->driver->start(history, which, cleaned, count, rows, doing, err);
  for (size_t i = 0; i < count; i++) assay_free(copies[i]);
  return status;
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------- */

bool assay_db_next(assay_history *history) { return history->driver->next(history); }

const char *assay_db_bytes(const assay_history *history, int column, size_t *length) {
  return history->driver->text(history, column, length);
}

const char *assay_db_text(const assay_history *history, int column) {
  size_t length;
  return assay_db_bytes(history, column, &length);
}

int64_t assay_db_integer(const assay_history *history, int column) { return history->driver->integer(history, column); }
double assay_db_real(const assay_history *history, int column) { return history->driver->real(history, column); }
assay_status assay_db_end(assay_history *history, assay_error *err) { return history->driver->end(history, err); }

void assay_db_copy(char *to, size_t size, const assay_history *history, int column) {
  size_t length = 0;
  const char *text = assay_db_bytes(history, column, &length);
  if (text == NULL) length = 0;
  if (length >= size) {
    length = size - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  }
  if (length > 0) memcpy(to, text, length);
  to[length] = '\0';
}

static assay_status no_memory(const assay_history *history, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the rows of %s", history->name);
}

assay_status assay_db_room(const assay_history *history, void **items, size_t count, size_t *capacity, size_t size, assay_error *err) {
  if (count < *capacity) return ASSAY_OK;
  size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
  void *grown = assay_realloc(ASSAY_TAG_HISTORY, *items, wanted, size);
  if (grown == NULL) return no_memory(history, err);
  *items = grown;
  *capacity = wanted;
  return ASSAY_OK;
}

typedef struct list_head {
  _Alignas(16) assay_arena arena; /* the rows behind it are aligned as malloc aligns */
} list_head;

static list_head *head_of(const void *rows) { return (list_head *)(uintptr_t)rows - 1; }

assay_status assay_db_list_room(const assay_history *history, void **rows, size_t count, size_t *capacity, size_t size, assay_error *err) {
  if (count < *capacity) return ASSAY_OK;
  size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
  list_head *head = *rows == NULL ? NULL : head_of(*rows);
  list_head *grown = assay_realloc(ASSAY_TAG_HISTORY, head, 1, sizeof *head + wanted * size);
  if (grown == NULL) return no_memory(history, err);
  if (head == NULL) assay_arena_init(&grown->arena, ASSAY_TAG_HISTORY);
  *rows = grown + 1;
  *capacity = wanted;
  return ASSAY_OK;
}

const char *assay_db_list_text(void *rows, const assay_history *history, int column) {
  const char *text = assay_db_text(history, column);
  return assay_arena_strdup(&head_of(rows)->arena, text == NULL ? "" : text);
}

assay_status assay_db_list_end(const assay_history *history, const void *rows, assay_error *err) {
  return rows != NULL && head_of(rows)->arena.failed ? no_memory(history, err) : ASSAY_OK;
}

void assay_db_list_free(void *rows) {
  if (rows == NULL) return;
  assay_arena_deinit(&head_of(rows)->arena);
  assay_free(head_of(rows));
}

/* ---- All rows ------------------------------------------------------------------------------------------------------------------ */

typedef assay_status (*room_maker)(const assay_history *history, void **rows, size_t count, size_t *capacity, size_t size,
                                   assay_error *err);

static assay_status read_all(assay_history *history, room_maker room, size_t size, assay_db_reader read, void *user, assay_error *err,
                             void **rows, size_t *count) {
  size_t capacity = 0;
  assay_status status = ASSAY_OK;
  *rows = NULL;
  *count = 0;
  while (status == ASSAY_OK && assay_db_next(history)) {
    status = room(history, rows, *count, &capacity, size, err);
    if (status == ASSAY_OK) *count += read(history, *rows, (char *)*rows + *count * size, user);
  }
  assay_status ended = assay_db_end(history, err);
  return status == ASSAY_OK ? ended : status;
}

assay_status assay_db_rows(assay_history *history, size_t size, assay_db_reader read, void *user, assay_error *err, void **items,
                           size_t *count) {
  void *rows;
  size_t length;
  assay_status status = read_all(history, assay_db_room, size, read, user, err, &rows, &length);
  if (status != ASSAY_OK) {
    assay_free(rows);
    return status;
  }
  *items = rows;
  *count = length;
  return ASSAY_OK;
}

assay_status assay_db_list(assay_history *history, size_t size, assay_db_reader read, void *user, assay_error *err, void **items,
                           size_t *count) {
  void *rows;
  size_t length;
  assay_status status = read_all(history, assay_db_list_room, size, read, user, err, &rows, &length);
  if (status == ASSAY_OK) status = assay_db_list_end(history, rows, err);
  if (status != ASSAY_OK) {
    assay_db_list_free(rows);
    return status;
  }
  *items = rows;
  *count = length;
  return ASSAY_OK;
}

/* ---- Transactions ------------------------------------------------------------------------------------------------------------- */

/* Deadlocks are over at once; a server that is restarted needs a second or two. */
static const uint64_t pauses_ns[] = {20000000, 100000000, 400000000, 1500000000};
enum { PAUSES = sizeof pauses_ns / sizeof *pauses_ns };

static assay_status do_work(assay_history *history, assay_db_work work, void *context, assay_error *err) {
  history->in_work = true;
  assay_status status = work(history, context, err);
  history->in_work = false;
  return history->driver->finish(history, status, err);
}

/* `lock` NULL: none but the database's own. */
static assay_status transaction(assay_history *history, const assay_db_lock *lock, assay_db_work work, void *context, assay_error *err) {
  const assay_db_driver *driver = history->driver;
  if (history->in_work) return work(history, context, err);
  for (size_t attempt = 0;; attempt++) {
    assay_error problem = {0};
    history->may_retry = false;
    assay_status status = lock == NULL ? driver->begin(history, &problem) : driver->begin_alone(history, *lock, &problem);
    if (status == ASSAY_OK) status = do_work(history, work, context, &problem);
    if (status == ASSAY_OK) return ASSAY_OK;
    if (!history->may_retry || attempt == PAUSES) return assay_error_set(err, status, problem.file, problem.line, "%s", problem.message);
    assay_os_sleep_ns(pauses_ns[attempt]);
  }
}

assay_status assay_db_transaction(assay_history *history, assay_db_work work, void *context, assay_error *err) {
  return transaction(history, NULL, work, context, err);
}

assay_status assay_db_alone(assay_history *history, assay_db_lock lock, assay_db_work work, void *context, assay_error *err) {
  return transaction(history, &lock, work, context, err);
}

/* SPDX-License-Identifier: MIT */
#include "cli/feed_source.h"

#include <assay/feed_dbn.h>
#include <assay/feed_file.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/feed.h"

enum { CHUNK = 1 << 22 }; /* holds the metadata of 10,000 symbols */

typedef enum job { REST, BEGIN, MORE, LEAVE } job;

/* Of JSON: where in a list of documents the stream is. */
typedef enum list_place { IN_NO_LIST, BEHIND_BEGIN, BEHIND_COMMA, BEHIND_ELEMENT } list_place;

/*
 * All but the last lines belong to the thread that reads while it does, and else to whoever asks: `asked` says which, and only who asks
 * reads or writes that.
 */
struct assay_cli_source {
  const assay_cli *cli;
  assay_cli_source_settings settings;
  assay_feed_file *file;   /* a recording */
  assay_feed_maker *maker; /* or a made market, a chunk at a time */
  uint8_t *chunk;
  assay_feed_reader in; /* what of it is here */
  list_place list;      /* a list of documents is not sent, but each that is in it */
  uint64_t list_at;     /* where it begins */
  assay_feed_format format;
  uint8_t *head; /* what the stream begins with and each client gets; NULL: nothing. Kept: a window is written over */
  size_t head_length;
  assay_error err; /* of the stream */
  bool told_lacks; /* what a capture has not, that is sent again and again */

  bool asked, begun; /* the thread is at work; it has once been through BEGIN */
  bool has_thread, has_lock;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t change;
  job job;      /* under the lock */
  bool done;    /* likewise: it is, and nobody has seen that yet */
  int leave[2]; /* a pipe: readable when the thread has to end. -1: not there */
};

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

/* The end of the JSON document at `at`: where its brackets close. 0 when they do not. */
static size_t end_of_document(const uint8_t *bytes, size_t size, size_t at) {
  size_t depth = 0;
  bool quoted = false;
  for (; at < size; at++) {
    uint8_t c = bytes[at];
    if (quoted) {
      if (c == '\\')
        at++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
      return at + 1;
    }
  }
  return 0;
}

static size_t behind_blanks(const assay_feed_reader *in, size_t at) {
  while (at < in->size && memchr(" \t\r\n", in->data[at], 4) != NULL) at++;
  return at;
}

/* Whether what stands there is a mark of a list that belongs there, and nothing to send. Who has documents in a list has asked for many at
 * once; any other list ([17082,[1,2]], as some venues send them) is a message. */
static bool take_mark(assay_cli_source *s) {
  const assay_feed_reader *in = &s->in;
  const uint8_t mark = in->data[in->at];
  const size_t first = behind_blanks(in, in->at + 1);
  if (s->list == IN_NO_LIST && mark == '[' && first < in->size && in->data[first] == '{') {
    s->list = BEHIND_BEGIN;
    s->list_at = in->base + in->at;
    return true;
  }
  if (s->list != BEHIND_ELEMENT || (mark != ',' && mark != ']')) return false;
  s->list = mark == ',' ? BEHIND_COMMA : IN_NO_LIST;
  return true;
}

/* The time of receipt that a recorder writes before a document. */
static void skip_time(assay_feed_reader *in) {
  size_t at = in->at;
  if (at < in->size && in->data[at] >= '0' && in->data[at] <= '9')
    while (at < in->size && memchr("0123456789.-:TZ", in->data[at], 15) != NULL) at++;
  if (at == in->at || at == in->size || (in->data[at] != ' ' && in->data[at] != '\t')) return;
  while (at < in->size && (in->data[at] == ' ' || in->data[at] == '\t')) at++;
  if (at < in->size && (in->data[at] == '{' || in->data[at] == '[')) in->at = at;
}

/* What stands between documents. */
static void skip_to_document(assay_cli_source *s) {
  s->in.at = behind_blanks(&s->in, s->in.at);
  while (s->in.at < s->in.size && take_mark(s)) s->in.at = behind_blanks(&s->in, s->in.at + 1);
  if (s->list == IN_NO_LIST) skip_time(&s->in);
}

/* What may begin a message here. In a list that has another document already a comma is due, which has been passed where it is there. */
static const char *beginnings(const assay_cli_source *s) {
  return s->list == IN_NO_LIST ? "{[0123456789" : s->list == BEHIND_ELEMENT ? "" : "{[";
}

/* Whether what is here may be a message once more is here. */
static bool may_begin(const assay_cli_source *s) {
  if (s->format != ASSAY_FEED_JSON || s->in.at == s->in.size) return true;
  const char *some = beginnings(s);
  return memchr(some, s->in.data[s->in.at], strlen(some)) != NULL;
}

/* The end of the message at in->at; 0: it is none, or it is not all there. */
static size_t end_of_message(const assay_cli_source *s) {
  const uint8_t *bytes = s->in.data + s->in.at;
  size_t left = s->in.size - s->in.at, end = 0;
  switch (s->format) {
    case ASSAY_FEED_ITCH: end = left >= 2 ? s->in.at + 2 + (size_t)(bytes[0] << 8 | bytes[1]) : 0; break;
    case ASSAY_FEED_DBN: end = bytes[0] >= 4 ? s->in.at + 4 * (size_t)bytes[0] : 0; break; /* a header has 16 bytes */
    default: end = (bytes[0] == '{' || bytes[0] == '[') && may_begin(s) ? end_of_document(s->in.data, s->in.size, s->in.at) : 0; break;
  }
  return end <= s->in.size ? end : 0;
}

/* ---- A made market ------------------------------------------------------------------------------------------------------------------- */

static assay_status make_market(assay_cli_source *s, assay_error *err) {
  const uint64_t endless = UINT64_C(1000000000000);
  assay_feed_market market = {.format = s->format,
                              .seed = s->settings.seed,
                              .symbols = (uint32_t)s->settings.symbols,
                              .messages = s->settings.messages > 0 ? s->settings.messages : endless};
  s->chunk = assay_alloc(ASSAY_TAG_CLI, CHUNK);
  if (s->chunk == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  assay_status status = assay_feed_maker_create(&market, err, &s->maker);
  if (status == ASSAY_OK) assay_feed_window(&s->in, s->chunk, assay_feed_maker_fill(s->maker, s->chunk, CHUNK), false);
  return status;
}

/* ---- A recording --------------------------------------------------------------------------------------------------------------------- */

/* Before each read of a file: false when the reading has to end. */
static bool may_read(void *user, int fd) {
  const assay_cli_source *s = user;
  struct pollfd wanted[] = {{.fd = fd, .events = POLLIN}, {.fd = s->leave[0], .events = POLLIN}};
  while (poll(wanted, 2, -1) < 0 && errno == EINTR) {
  }
  return wanted[1].revents == 0;
}

static assay_status open_recording(assay_cli_source *s) {
  assay_feed_file_close(s->file);
  s->file = NULL;
  const assay_feed_file_options options = {.may_read = may_read, .context = s};
  assay_status status = assay_feed_file_open(s->settings.path, &options, &s->err, &s->file);
  if (status == ASSAY_OK) assay_feed_file_begin(s->file, &s->in);
  s->list = IN_NO_LIST;
  return status;
}

static assay_status recognise(assay_cli_source *s) {
  if (s->settings.format != NULL) return ASSAY_OK;
  assay_feed_format found = assay_feed_recognise(s->in.data, s->in.size);
  if (found != ASSAY_FEED_UNKNOWN) s->format = found; /* else it is no JSON either, and where will be said */
  if (s->format == ASSAY_FEED_JSON || s->format == ASSAY_FEED_ITCH || s->format == ASSAY_FEED_DBN) return ASSAY_OK;
  return ASSAY_FAIL(&s->err, ASSAY_ERR_INVALID, "%s is %s, and json, itch and dbn can be served", s->settings.path,
                    assay_feed_format_text(found));
}

/* Nobody can read records without the metadata, whenever he comes: it is kept. That of a recording which begins again stays the first. */
static assay_status read_head(assay_cli_source *s) {
  assay_dbn_reader reader = {.in = s->in};
  assay_feed_step step = ASSAY_FEED_END;
  if (s->format != ASSAY_FEED_DBN) return ASSAY_OK;
  if (s->file == NULL) reader.in.last = true;
  while ((step = assay_dbn_read_metadata(&reader)) == ASSAY_FEED_MORE) {
    assay_status status = assay_feed_file_more(s->file, &reader.in, &s->err);
    if (status != ASSAY_OK) return status;
  }
  if (step != ASSAY_FEED_MESSAGE)
    return reader.in.size == 0 ? ASSAY_FAIL(&s->err, ASSAY_ERR_PARSE, "the stream is empty")
                               : assay_feed_explain(&reader.in, "DBN", &s->err);
  if (s->head == NULL) {
    s->head = assay_alloc(ASSAY_TAG_CLI, reader.in.at);
    if (s->head == NULL) return ASSAY_FAIL(&s->err, ASSAY_ERR_NO_MEMORY, "out of memory");
    memcpy(s->head, reader.in.data, reader.in.at);
    s->head_length = reader.in.at;
  }
  s->in = reader.in;
  if (s->file == NULL) s->in.last = false;
  return ASSAY_OK;
}

/* The end of the next message, in->at being its beginning; 0: there is none here. */
static size_t find_message(assay_cli_source *s) {
  if (s->format == ASSAY_FEED_JSON) skip_to_document(s);
  return s->in.at < s->in.size ? end_of_message(s) : 0;
}

/* What is wrong with JSON where it stands; the byte there may be none of the stream's any more. */
static const char *no_document(const assay_cli_source *s) {
  if (s->in.at == s->in.size) return "the stream ends inside a list";
  const uint8_t found = s->in.data[s->in.at];
  if (found == ',') return s->list == IN_NO_LIST ? "a comma between documents that are no list" : "a comma without a document before it";
  if (found == ']') return s->list == IN_NO_LIST ? "the end of a list that has not begun" : "a comma without a document behind it";
  if (s->list == BEHIND_ELEMENT) return "a comma or the end of the list has to follow a document";
  return (found == '{' || found == '[') && s->in.last ? "the stream ends inside a document" : "not a JSON document";
}

static assay_status tell_no_message(assay_cli_source *s) {
  const unsigned long long at = s->in.base + s->in.at;
  if (s->format != ASSAY_FEED_JSON)
    return ASSAY_FAIL(&s->err, ASSAY_ERR_PARSE, "byte %llu: the stream ends within a message, or is none", at);
  if (s->list == IN_NO_LIST) return ASSAY_FAIL(&s->err, ASSAY_ERR_PARSE, "byte %llu: %s", at, no_document(s));
  return ASSAY_FAIL(&s->err, ASSAY_ERR_PARSE, "byte %llu: %s (the list begins at byte %llu)", at, no_document(s),
                    (unsigned long long)s->list_at);
}

/* Whether there is a message at all; it is sent like the others. */
static assay_status see_first(assay_cli_source *s) {
  while (find_message(s) == 0) {
    if (!may_begin(s) || s->in.last) break;
    assay_status status = assay_feed_file_more(s->file, &s->in, &s->err);
    if (status != ASSAY_OK) return status;
  }
  if (s->in.at < s->in.size) return find_message(s) != 0 ? ASSAY_OK : tell_no_message(s);
  return ASSAY_FAIL(&s->err, ASSAY_ERR_INVALID, "there is no message to send in %s", s->settings.path);
}

static void begin(assay_cli_source *s) {
  if (open_recording(s) == ASSAY_OK && recognise(s) == ASSAY_OK && read_head(s) == ASSAY_OK) (void)see_first(s);
}

/* ---- The thread that reads ----------------------------------------------------------------------------------------------------------- */

static void *work(void *user) {
  assay_cli_source *s = user;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    while (s->job == REST) pthread_cond_wait(&s->change, &s->lock);
    job now = s->job;
    pthread_mutex_unlock(&s->lock);
    if (now == LEAVE) return NULL;
    if (now == BEGIN)
      begin(s);
    else
      (void)assay_feed_file_more(s->file, &s->in, &s->err);
    pthread_mutex_lock(&s->lock);
    if (s->job != LEAVE) s->job = REST;
    s->done = true;
    s->settings.wake(s->settings.user);
  }
}

static void ask(assay_cli_source *s, job what) {
  s->asked = true;
  pthread_mutex_lock(&s->lock);
  s->job = what;
  pthread_cond_signal(&s->change);
  pthread_mutex_unlock(&s->lock);
}

/* Whether the stream is ours. */
static bool is_here(assay_cli_source *s) {
  if (!s->asked) return true;
  pthread_mutex_lock(&s->lock);
  bool done = s->done;
  s->done = false;
  pthread_mutex_unlock(&s->lock);
  s->asked = !done;
  s->begun = s->begun || done;
  return done;
}

static assay_status make_thread(assay_cli_source *s, assay_error *err) {
  if (pipe(s->leave) != 0) {
    s->leave[0] = s->leave[1] = -1;
    return ASSAY_FAIL_ERRNO(err, errno, "cannot read %s beside serving it", s->settings.path);
  }
  s->has_lock = pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->change, NULL) == 0;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for who serves */
  s->has_thread = s->has_lock && pthread_create(&s->thread, NULL, work, s) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return s->has_thread ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "cannot read %s beside serving it: no thread", s->settings.path);
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------------------- */

/* What may keep its reader waiting for as long as it likes: no file of a disk. */
static bool is_live(const char *path) {
  struct stat info;
  int told = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &info) : stat(path, &info);
  return told == 0 && !S_ISREG(info.st_mode);
}

static assay_status open_source(assay_cli_source *s, assay_error *err) {
  const char *path = s->settings.path;
  s->format = s->settings.format != NULL ? assay_feed_format_find(s->settings.format) : ASSAY_FEED_JSON;
  if (path == NULL) {
    assay_status status = make_market(s, err);
    s->begun = true;
    if (status == ASSAY_OK) status = read_head(s);
    if (s->err.status != ASSAY_OK) *err = s->err;
    return status;
  }
  if (s->settings.repeat && (strcmp(path, "-") == 0 || is_live(path)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--repeat needs a file by its name: %s cannot be read again", path);
  assay_status status = make_thread(s, err);
  if (status != ASSAY_OK) return status;
  if (is_live(path)) {
    ask(s, BEGIN);
    return ASSAY_OK;
  }
  begin(s);
  s->begun = true;
  if (s->err.status != ASSAY_OK) *err = s->err;
  return s->err.status;
}

assay_status assay_cli_source_open(const assay_cli *cli, const assay_cli_source_settings *settings, assay_error *err,
                                   assay_cli_source **source) {
  assay_cli_source *s = assay_calloc(ASSAY_TAG_CLI, 1, sizeof *s);
  if (s == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  s->cli = cli;
  s->settings = *settings;
  s->leave[0] = s->leave[1] = -1;
  assay_status status = open_source(s, err);
  if (status == ASSAY_OK)
    *source = s;
  else
    assay_cli_source_close(s);
  return status;
}

void assay_cli_source_close(assay_cli_source *s) {
  if (s == NULL) return;
  if (s->has_thread) {
    while (write(s->leave[1], "", 1) < 0 && errno == EINTR) {
    }
    ask(s, LEAVE);
    pthread_join(s->thread, NULL);
  }
  if (s->has_lock) {
    pthread_cond_destroy(&s->change);
    pthread_mutex_destroy(&s->lock);
  }
  for (int i = 0; i < 2; i++)
    if (s->leave[i] >= 0) close(s->leave[i]);
  assay_feed_file_close(s->file);
  assay_free(s->head);
  assay_feed_maker_destroy(s->maker);
  assay_free(s->chunk);
  assay_free(s);
}

/* ---- What is asked of it ------------------------------------------------------------------------------------------------------------- */

bool assay_cli_source_is_ready(assay_cli_source *s, assay_error *err) {
  if (is_here(s) && s->err.status != ASSAY_OK) *err = s->err;
  return s->begun;
}

assay_feed_format assay_cli_source_format(const assay_cli_source *s) { return s->format; }

const uint8_t *assay_cli_source_head(const assay_cli_source *s, size_t *length) {
  *length = s->head_length;
  return s->head;
}

/* At the end of a recording: whether that was all of it. */
static bool was_whole(assay_cli_source *s) {
  const char *changed = s->file != NULL ? assay_feed_file_changed(s->file) : NULL;
  if (s->file != NULL && assay_feed_file_where(s->file).cut_off)
    return ASSAY_FAIL(&s->err, ASSAY_ERR_IO, "%s became shorter while it was read", s->settings.path), false;
  assay_feed_file_capture capture;
  char lacks[ASSAY_CLI_CAPTURE_LACKS];
  if (s->file != NULL && assay_feed_file_captured(s->file, &capture) && assay_cli_feed_capture_lacks(&capture, lacks, sizeof lacks)) {
    if (!s->settings.repeat) return ASSAY_FAIL(&s->err, ASSAY_ERR_CORRUPT, "%s%s", s->settings.path, lacks), false;
    if (!s->told_lacks) assay_cli_note(s->cli, "%s%s", s->settings.path, lacks);
    s->told_lacks = true;
  }
  if (changed != NULL) assay_cli_note(s->cli, "%s %s", s->settings.path, changed);
  return true;
}

/* Nothing whole is here, and nothing more comes. */
static assay_cli_source_step at_end(assay_cli_source *s) {
  if (s->in.at < s->in.size || s->list != IN_NO_LIST)
    (void)tell_no_message(s);
  else if (was_whole(s) && s->settings.repeat && s->file != NULL) {
    ask(s, BEGIN);
    return ASSAY_CLI_SOURCE_LATER;
  }
  return ASSAY_CLI_SOURCE_END;
}

static assay_cli_source_step find_next(assay_cli_source *s, const uint8_t **message, size_t *length) {
  for (;;) {
    if (s->err.status != ASSAY_OK) return ASSAY_CLI_SOURCE_END;
    size_t end = find_message(s);
    if (end != 0) {
      *message = s->in.data + s->in.at;
      *length = end - s->in.at;
      s->in.at = end;
      if (s->list != IN_NO_LIST) s->list = BEHIND_ELEMENT;
      return ASSAY_CLI_SOURCE_MESSAGE;
    }
    if (!may_begin(s)) return at_end(s);
    if (s->maker != NULL && s->in.at == s->in.size) { /* more of a made market is there when all of it is sent */
      assay_feed_window(&s->in, s->chunk, assay_feed_maker_fill(s->maker, s->chunk, CHUNK), false);
      if (s->in.size > 0) continue;
    }
    if (s->file == NULL || s->in.last) return at_end(s);
    ask(s, MORE); /* the window ends inside a message */
    return ASSAY_CLI_SOURCE_LATER;
  }
}

assay_cli_source_step assay_cli_source_next(assay_cli_source *s, assay_error *err, const uint8_t **message, size_t *length) {
  if (!is_here(s)) return ASSAY_CLI_SOURCE_LATER;
  assay_cli_source_step step = find_next(s, message, length);
  if (step == ASSAY_CLI_SOURCE_END && s->err.status != ASSAY_OK) *err = s->err;
  return step;
}

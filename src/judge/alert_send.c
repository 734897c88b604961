/* SPDX-License-Identifier: MIT */
/*
 * How alerts leave: a line in a file, a command, an HTTP request. One channel that fails keeps no other from being served, nothing takes
 * longer than 30 s in all, and what could not be delivered waits in the history for the next occasion.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "judge/alert.h"
#include "os/http.h"
#include "os/prim.h"

extern char **environ;

/* Members in what is sent: a request stays below what receivers take, and a variable of the environment below what the system takes. */
enum { SENT_MEMBERS = 100, MOST_WAITING = 50, MOST_TRIES = 20, KEEP_WAITING_S = 14 * 86400, LONGEST_VARIABLE = 100 * 1024 };
static const double TOTAL_S = 30, GRACE_S = 1, PAUSE_S = 0.02, RETRY_S = 0.3;
enum { CLAIM_S = 60 }; /* longer than TOTAL_S, in which a run tells all it has */

typedef struct delivery {
  const assay_alert_rules *rules;
  assay_history *history; /* NULL: what fails is lost */
  uint64_t deadline_ns;
  int64_t now_s;
  bool *broken; /* a channel each: it failed in this round, so it is not asked again */
  size_t failed, waiting;
  assay_error first;
} delivery;

typedef struct message {
  const char *id, *title, *level, *json;
} message;

static double left_s(const delivery *d) {
  uint64_t now = assay_os_now_ns();
  return now < d->deadline_ns ? (double)(d->deadline_ns - now) / 1e9 : 0;
}

/* What a channel may take of it: those that have not failed yet share it, so that one that hangs leaves the others their part. */
static double share_s(const delivery *d) {
  size_t asked = 0;
  for (size_t i = 0; d->broken != NULL && i < d->rules->channel_count; i++) asked += !d->broken[i];
  return (left_s(d) - GRACE_S) / (double)(asked > 0 ? asked : 1);
}

/* ---- What may be said of a channel ------------------------------------------------------------------------------------------------ */

/* A word that sets a variable or is quoted is no program's name, and what it is may be a secret. */
static bool is_program(const char *word, size_t length) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";
  return length > 0 && length <= 80 && strspn(word, plain) >= length;
}

/* Of a shell line's beginning: what comes later may be a token. */
static void put_program(assay_buf *out, const assay_alert_channel *channel) {
  const char *word = channel->target + strspn(channel->target, " \t\r\n");
  size_t length = strcspn(word, " \t\r\n");
  if (channel->words != NULL)
    assay_buf_puts(out, channel->words[0]);
  else if (is_program(word, length))
    assay_buf_printf(out, "%.*s%s", (int)length, word, word[length] != '\0' ? " ..." : "");
  else
    assay_buf_puts(out, "a shell line");
}

static void put_host(assay_buf *out, const char *url) {
  const char *host = strstr(url, "://");
  host = host != NULL ? host + 3 : url;
  size_t length = strcspn(host, "/?#");
  for (size_t i = length; i > 0; i--) {
    if (host[i - 1] != '@') continue;
    host += i;
    length -= i;
    break;
  }
  assay_buf_printf(out, "%.*s/...", (int)length, host);
}

void assay_alert_channel_shown(const assay_alert_channel *channel, assay_buf *out) {
  switch (channel->medium) {
    case ASSAY_ALERT_FILE: assay_buf_puts(out, channel->target); return;
    case ASSAY_ALERT_COMMAND: put_program(out, channel); return;
    case ASSAY_ALERT_WEBHOOK: put_host(out, channel->target); return;
  }
}

/* ---- A file ------------------------------------------------------------------------------------------------------------------------ */

/* One write of the whole line, so that lines of several programs do not mix. */
static assay_status send_to_file(const assay_alert_channel *channel, const message *m, assay_error *err) {
  assay_buf line = {0};
  assay_buf_printf(&line, "%s\n", m->json);
  if (line.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an alert");
  int fd = open(channel->target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666), code = fd < 0 ? errno : 0;
  if (fd >= 0) {
    ssize_t written = write(fd, line.data, line.length);
    if (written != (ssize_t)line.length) code = written < 0 ? errno : ENOSPC;
    /* Pipes and devices cannot be synced, and need not be. */
    if (code == 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) code = errno;
    if (close(fd) != 0 && code == 0) code = errno;
  }
  assay_buf_deinit(&line);
  return code == 0 ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, code, "cannot append to %s", channel->target);
}

/* ---- A command ----------------------------------------------------------------------------------------------------------------------- */

typedef struct placeholder {
  const char *braces, *variable;
} placeholder;

static const placeholder placeholders[] = {
    {"{title}", "ASSAY_ALERT_TITLE"}, {"{level}", "ASSAY_ALERT_LEVEL"}, {"{id}", "ASSAY_ALERT_ID"}, {"{json}", "ASSAY_ALERT_JSON"}};
enum { PLACEHOLDERS = sizeof placeholders / sizeof *placeholders };

static const char *value_of(const message *m, size_t which) {
  const char *const values[] = {m->title, m->level, m->id, m->json};
  return values[which];
}

static const placeholder *placeholder_at(const char *text) {
  for (size_t i = 0; i < PLACEHOLDERS; i++)
    if (strncmp(text, placeholders[i].braces, strlen(placeholders[i].braces)) == 0) return &placeholders[i];
  return NULL;
}

/*
 * For the shell a placeholder becomes a reference to a variable, in the quotes that stand around it: what a variable holds is never parsed
 * again, so a benchmark's name cannot become a command.
 */
static void put_shell(assay_buf *out, const char *command) {
  char quote = '\0';
  for (const char *p = command; *p != '\0'; p++) {
    const placeholder *found = *p == '{' ? placeholder_at(p) : NULL;
    if (found != NULL) {
      assay_buf_printf(out, quote == '\0' ? "\"${%s}\"" : quote == '"' ? "${%s}" : "'\"${%s}\"'", found->variable);
      p += strlen(found->braces) - 1;
      continue;
    }
    if (*p == '\\' && quote != '\'' && p[1] != '\0')
      assay_buf_putc(out, *p++);
    else if (*p == quote)
      quote = '\0';
    else if (quote == '\0' && (*p == '"' || *p == '\''))
      quote = *p;
    assay_buf_putc(out, *p);
  }
}

static void put_word(assay_buf *out, const char *word, const message *m) {
  assay_buf_puts(out, "");
  for (const char *p = word; *p != '\0'; p++) {
    const placeholder *found = *p == '{' ? placeholder_at(p) : NULL;
    if (found == NULL) {
      assay_buf_putc(out, *p);
      continue;
    }
    assay_buf_puts(out, value_of(m, (size_t)(found - placeholders)));
    p += strlen(found->braces) - 1;
  }
}

static const char *taken(assay_arena *arena, assay_buf *buf) {
  const char *text = buf->failed ? NULL : assay_arena_strdup(arena, buf->data != NULL ? buf->data : "");
  assay_buf_deinit(buf);
  return text;
}

static char **words_of(assay_arena *arena, const assay_alert_channel *channel, const message *m) {
  size_t count = 0;
  while (channel->words != NULL && channel->words[count] != NULL) count++;
  char **argv = assay_arena_alloc(arena, count + 4, sizeof *argv);
  if (argv == NULL) return NULL;
  if (channel->words == NULL) {
    assay_buf line = {0};
    put_shell(&line, channel->target);
    argv[0] = assay_arena_strdup(arena, "/bin/sh");
    argv[1] = assay_arena_strdup(arena, "-c");
    argv[2] = (char *)(uintptr_t)taken(arena, &line);
  }
  for (size_t i = 0; i < count; i++) {
    assay_buf word = {0};
    put_word(&word, channel->words[i], m);
    argv[i] = (char *)(uintptr_t)taken(arena, &word);
  }
  return arena->failed ? NULL : argv;
}

static char **environment_of(assay_arena *arena, const message *m) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  char **envp = assay_arena_alloc(arena, count + PLACEHOLDERS + 1, sizeof *envp);
  if (envp == NULL) return NULL;
  memcpy(envp, environ, count * sizeof *envp);
  for (size_t i = 0; i < PLACEHOLDERS; i++) {
    const char *value = value_of(m, i);
    if (strlen(value) > LONGEST_VARIABLE) value = "";
    envp[count++] = assay_arena_printf(arena, "%s=%s", placeholders[i].variable, value);
  }
  return arena->failed ? NULL : envp;
}

/* As a shell looks for a program. */
static const char *find_program(assay_arena *arena, const char *name) {
  const char *path = getenv("PATH");
  if (strchr(name, '/') != NULL) return name;
  if (path == NULL) path = "/usr/bin:/bin";
  for (const char *start = path;; start++) {
    size_t length = strcspn(start, ":");
    const char *full = assay_arena_printf(arena, "%.*s/%s", length > 0 ? (int)length : 1, length > 0 ? start : ".", name);
    if (full != NULL && access(full, X_OK) == 0) return full;
    start += length;
    if (*start == '\0') return name;
  }
}

static void pause_s(double seconds) { assay_os_sleep_ns((uint64_t)(seconds * 1e9)); }

static bool ended_within(int pid, double seconds) {
  uint64_t end = assay_os_now_ns() + (uint64_t)(seconds * 1e9);
  while (!assay_os_has_ended(pid)) {
    if (assay_os_now_ns() >= end) return false;
    pause_s(PAUSE_S);
  }
  return true;
}

/* The first line of what the command complained of. */
static void read_complaint(FILE *file, char *out, size_t size) {
  rewind(file);
  size_t got = fread(out, 1, size - 1, file);
  out[got] = '\0';
  out[strcspn(out, "\r\n")] = '\0';
}

static assay_status wait_for(int pid, const assay_alert_channel *channel, double limit_s, FILE *complaints, assay_error *err) {
  bool in_time = ended_within(pid, limit_s);
  int status = 0;
  char complaint[200];
  assay_buf program = {0};
  if (!in_time) {
    kill(-pid, SIGTERM);
    ended_within(pid, GRACE_S);
    kill(-pid, SIGKILL); /* also what it started and left behind */
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0) return ASSAY_OK;
  read_complaint(complaints, complaint, sizeof complaint);
  const char *colon = complaint[0] != '\0' ? ": " : "";
  put_program(&program, channel);
  const char *shown = program.data != NULL ? program.data : "it";
  assay_status failed = ASSAY_OK;
  if (!in_time)
    failed = ASSAY_FAIL(err, ASSAY_ERR_TIMEOUT, "'%.80s' did not end within %.1f s", shown, limit_s);
  else if (WIFSIGNALED(status))
    failed = ASSAY_FAIL(err, ASSAY_ERR_IO, "'%.80s' was ended by signal %d%s%s", shown, WTERMSIG(status), colon, complaint);
  else
    failed = ASSAY_FAIL(err, ASSAY_ERR_IO, "'%.80s' ended with code %d%s%s", shown, WEXITSTATUS(status), colon, complaint);
  assay_buf_deinit(&program);
  return failed;
}

/* The message on standard input comes from a file, so that a command that does not read it blocks nobody. */
static assay_status run_command(const assay_alert_channel *channel, const message *m, double limit_s, assay_arena *arena,
                                assay_error *err) {
  char **argv = words_of(arena, channel, m), **envp = environment_of(arena, m);
  if (argv == NULL || envp == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an alert");
  FILE *input = tmpfile(), *complaints = tmpfile();
  assay_status status = ASSAY_OK;
  int pid = 0;
  if (input == NULL || complaints == NULL || fprintf(input, "%s\n", m->json) < 0 || fflush(input) != 0)
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot make a temporary file for a command");
  if (status == ASSAY_OK) {
    lseek(fileno(input), 0, SEEK_SET);
    assay_os_spawn spawn = {.path = find_program(arena, argv[0]),
                            .argv = argv,
                            .envp = envp,
                            .in = fileno(input),
                            .out = -1,
                            .error = fileno(complaints),
                            .channel = -1};
    status = assay_os_start(&spawn, err, &pid);
  }
  if (status == ASSAY_OK) status = wait_for(pid, channel, limit_s, complaints, err);
  if (input != NULL) fclose(input);
  if (complaints != NULL) fclose(complaints);
  return status;
}

static assay_status send_to_command(const assay_alert_channel *channel, const message *m, double limit_s, assay_error *err) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  assay_status status = run_command(channel, m, limit_s, &arena, err);
  assay_arena_deinit(&arena);
  return status;
}

/* ---- A webhook ----------------------------------------------------------------------------------------------------------------------- */

/* ${NAME} becomes the variable's value: secrets need not stand in the file. */
static assay_status expand(assay_arena *arena, const char *text, assay_error *err, const char **out) {
  assay_buf buf = {0};
  assay_status status = ASSAY_OK;
  for (const char *p = text; *p != '\0' && status == ASSAY_OK; p++) {
    size_t length = p[0] == '$' && p[1] == '{' ? strcspn(p + 2, "}") : 0;
    if (length == 0 || p[2 + length] != '}') {
      assay_buf_putc(&buf, *p);
      continue;
    }
    const char *name = assay_arena_strndup(arena, p + 2, length), *value = name != NULL ? getenv(name) : NULL;
    if (value == NULL)
      status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "the environment has no variable %.*s, which the rules ask for", (int)length, p + 2);
    else if (strpbrk(value, "\r\n") != NULL)
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the variable %s has a line end in it", name);
    else
      assay_buf_puts(&buf, value);
    p += 2 + length;
  }
  const char *made = taken(arena, &buf);
  if (status == ASSAY_OK && made == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an alert");
  if (status == ASSAY_OK) *out = made;
  return status;
}

static assay_status headers_of(assay_arena *arena, const assay_alert_channel *channel, assay_error *err, const char *const **out) {
  size_t count = 0;
  while (channel->headers != NULL && channel->headers[count] != NULL) count++;
  const char **headers = assay_arena_alloc(arena, count + 2, sizeof *headers);
  assay_status status = headers != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an alert");
  if (status == ASSAY_OK) headers[0] = "Content-Type: application/json";
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) status = expand(arena, channel->headers[i], err, &headers[i + 1]);
  if (status == ASSAY_OK) *out = headers;
  return status;
}

static assay_status send_to_webhook(const assay_alert_channel *channel, const message *m, double limit_s, assay_error *err) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  assay_http_request request = {.method = "POST",
                                .body = m->json,
                                .body_length = strlen(m->json),
                                .timeout_s = channel->timeout_s,
                                .attempts = channel->attempts,
                                .secret_path = true,
                                .deadline_ns = assay_os_now_ns() + (uint64_t)(limit_s * 1e9)};
  long code = 0;
  assay_status status = expand(&arena, channel->target, err, &request.url);
  if (status == ASSAY_OK) status = headers_of(&arena, channel, err, &request.headers);
  if (status == ASSAY_OK) status = assay_http_send(&request, err, &code);
  assay_arena_deinit(&arena);
  return status;
}

/* ---- One delivery -------------------------------------------------------------------------------------------------------------------- */

static assay_status attempt(const delivery *d, const assay_alert_channel *channel, const message *m, assay_error *err) {
  double limit_s = share_s(d);
  if (limit_s <= 0) return ASSAY_FAIL(err, ASSAY_ERR_TIMEOUT, "no time was left for it");
  switch (channel->medium) {
    case ASSAY_ALERT_FILE: return send_to_file(channel, m, err);
    case ASSAY_ALERT_COMMAND: return send_to_command(channel, m, limit_s < channel->timeout_s ? limit_s : channel->timeout_s, err);
    case ASSAY_ALERT_WEBHOOK: return send_to_webhook(channel, m, limit_s, err);
  }
  return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "a channel of no kind");
}

/* A webhook tries again by itself, and knows which answers are worth it. */
static assay_status deliver(const delivery *d, const assay_alert_channel *channel, const message *m, assay_error *err) {
  unsigned attempts = channel->medium == ASSAY_ALERT_WEBHOOK ? 1 : channel->attempts;
  assay_status status = ASSAY_OK;
  for (unsigned i = 0; i < attempts; i++) {
    assay_error problem = {0};
    if (i > 0) pause_s(RETRY_S);
    status = attempt(d, channel, m, &problem);
    if (status == ASSAY_OK) return ASSAY_OK;
    if (i + 1 == attempts || status == ASSAY_ERR_TIMEOUT) return ASSAY_FAIL(err, status, "%s", problem.message);
  }
  return status;
}

/* Secrets stand in URLs and shell lines, so only a name that the user chose is said whole. */
static const char *spoken(const assay_alert_channel *channel) {
  static const char *const media[] = {"file", "command", "webhook"};
  return channel->name != channel->target ? channel->name : media[channel->medium];
}

static void note_failure(delivery *d, const assay_alert_channel *channel, const message *m, const assay_error *problem) {
  assay_log(ASSAY_LOG_WARNING, "alert %s: %s: %s", m->id, spoken(channel), problem->message);
  if (d->failed++ == 0) ASSAY_FAIL(&d->first, problem->status, "%s: %s", spoken(channel), problem->message);
}

/* ---- What waits ---------------------------------------------------------------------------------------------------------------------- */

static void waiting_key(const assay_alert_channel *channel, const char *id, char out[40]) {
  uint64_t hash = assay_hash(ASSAY_HASH_START, channel->name, strlen(channel->name));
  snprintf(out, 40, "%.16s:%016llx", id, (unsigned long long)hash);
}

static assay_status put_waiting(delivery *d, const char *key, const char *channel, const message *m, int64_t tries, int64_t since_s,
                                assay_error *err) {
  assay_buf out = {0};
  assay_json json = {.out = &out};
  const char *const texts[][2] = {{"schema", "assay-outbox/1"}, {"channel", channel}, {"id", m->id},
                                  {"title", m->title},          {"level", m->level},  {"body", m->json}};
  assay_json_object(&json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assay_json_put_string(&json, texts[i][0], texts[i][1]);
  assay_json_key(&json, "tries");
  assay_json_int(&json, tries);
  assay_json_key(&json, "since_s");
  assay_json_int(&json, since_s);
  assay_json_end(&json);
  assay_status status = out.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an alert that waits")
                                   : assay_history_put_document(d->history, ASSAY_ALERT_OUTBOX_DOCUMENT, key, out.data, err);
  assay_buf_deinit(&out);
  return status;
}

static void keep_waiting(delivery *d, const assay_alert_channel *channel, const message *m) {
  char key[40];
  assay_error problem = {0};
  if (d->history == NULL) return;
  waiting_key(channel, m->id, key);
  if (put_waiting(d, key, channel->name, m, 1, d->now_s, &problem) == ASSAY_OK)
    d->waiting++;
  else
    assay_log(ASSAY_LOG_WARNING, "alert %s cannot be kept for later: %s", m->id, problem.message);
}

static size_t channel_named(const assay_alert_rules *rules, const char *name) {
  size_t at = 0;
  while (at < rules->channel_count && strcmp(rules->channels[at].name, name) != 0) at++;
  return at;
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : "";
}

/* Another rules file may have other channels: what waits for them is left alone, but not for ever. False: nothing was tried. */
static bool retry_one(delivery *d, const char *key, const json_t *waiting) {
  message m = {.id = text_of(waiting, "id"),
               .title = text_of(waiting, "title"),
               .level = text_of(waiting, "level"),
               .json = text_of(waiting, "body")};
  int64_t tries = (int64_t)json_integer_value(json_object_get(waiting, "tries")) + 1;
  int64_t since_s = (int64_t)json_integer_value(json_object_get(waiting, "since_s"));
  size_t at = channel_named(d->rules, text_of(waiting, "channel"));
  bool known = at<d->rules->channel_count, over = tries> MOST_TRIES || d->now_s - since_s > KEEP_WAITING_S;
  assay_error problem = {0}, store = {0};
  if (!over && (!known || d->broken[at])) return false;
  if (over) {
    assay_log(ASSAY_LOG_WARNING, "alert %s was never delivered to %s and is given up", m.id,
              known ? spoken(&d->rules->channels[at]) : "a channel that is no more");
    assay_history_delete_document(d->history, ASSAY_ALERT_OUTBOX_DOCUMENT, key, &store);
  } else if (deliver(d, &d->rules->channels[at], &m, &problem) == ASSAY_OK) {
    assay_history_delete_document(d->history, ASSAY_ALERT_OUTBOX_DOCUMENT, key, &store);
  } else {
    d->broken[at] = true;
    note_failure(d, &d->rules->channels[at], &m, &problem);
    if (put_waiting(d, key, d->rules->channels[at].name, &m, tries, since_s, &store) == ASSAY_OK) d->waiting++;
  }
  if (store.status != ASSAY_OK) assay_log(ASSAY_LOG_WARNING, "alert %s: %s", m.id, store.message);
  return !over;
}

/* Unless another run is at it. */
static bool retry_alone(delivery *d, const char *key, const json_t *waiting) {
  assay_error problem = {0};
  bool mine = false, tried = false;
  if (assay_alert_claim(d->history, ASSAY_ALERT_OUTBOX_DOCUMENT, key, d->now_s, CLAIM_S, &problem, &mine) == ASSAY_OK && mine) {
    tried = retry_one(d, key, waiting);
    assay_alert_release(d->history, key, &problem);
  }
  if (problem.status != ASSAY_OK) assay_log(ASSAY_LOG_WARNING, "alert %s: %s", key, problem.message);
  return tried;
}

static assay_status retry_waiting(delivery *d, assay_error *err) {
  assay_history_document *documents = NULL;
  size_t count = 0, tried = 0;
  if (d->history == NULL || d->rules->channel_count == 0) return ASSAY_OK;
  assay_status status = assay_history_documents(d->history, ASSAY_ALERT_OUTBOX_DOCUMENT, err, &documents, &count);
  for (size_t i = 0; i < count && tried < MOST_WAITING; i++) {
    json_t *waiting = json_loads(documents[i].json, JSON_REJECT_DUPLICATES, NULL);
    if (waiting != NULL) tried += retry_alone(d, documents[i].key, waiting);
    json_decref(waiting);
  }
  assay_history_documents_free(documents);
  return status;
}

/* ---- All of them --------------------------------------------------------------------------------------------------------------------- */

static bool is_for(const assay_alert_channel *channel, const assay_alert *alert) {
  return alert->level >= channel->least && (alert->state != ASSAY_ALERT_RESOLVED || channel->resolved);
}

static assay_status send_alert(delivery *d, const assay_alert *alert, assay_error *err) {
  char *json = NULL;
  assay_status status = assay_alert_to_json(alert, SENT_MEMBERS, err, &json);
  if (status != ASSAY_OK) return status;
  message m = {.id = alert->id, .title = alert->title, .level = assay_alert_level_text(alert->level), .json = json};
  for (size_t i = 0; i < d->rules->channel_count; i++) {
    const assay_alert_channel *channel = &d->rules->channels[i];
    assay_error problem = {0};
    if (!is_for(channel, alert)) continue;
    if (d->broken[i])
      ASSAY_FAIL(&problem, ASSAY_ERR_IO, "it failed a moment ago");
    else if (deliver(d, channel, &m, &problem) == ASSAY_OK)
      continue;
    d->broken[i] = true;
    note_failure(d, channel, &m, &problem);
    keep_waiting(d, channel, &m);
  }
  assay_string_free(json);
  return ASSAY_OK;
}

/* Of runs that end together one tells it. From then on it has been told, or waits for it by itself. */
static assay_status tell_once(delivery *d, const assay_alert *alert, assay_error *err) {
  bool mine = true;
  if (d->history == NULL) return send_alert(d, alert, err);
  assay_status status = assay_alert_claim(d->history, ASSAY_ALERT_DOCUMENT, alert->id, d->now_s, CLAIM_S, err, &mine);
  if (status != ASSAY_OK || !mine) return status;
  status = send_alert(d, alert, err);
  return status == ASSAY_OK ? assay_alert_told(d->history, alert, err) : status;
}

static assay_status send_all(delivery *d, const assay_alerts *alerts, assay_error *err) {
  assay_status status = retry_waiting(d, err);
  for (size_t i = 0; i < alerts->count && status == ASSAY_OK; i++) {
    if (alerts->items[i].is_new) status = tell_once(d, &alerts->items[i], err);
  }
  if (status != ASSAY_OK || d->failed == 0) return status;
  const char *later = d->waiting > 0 ? "; what was not delivered is kept and tried again with the next run" : "";
  if (d->failed == 1) return ASSAY_FAIL(err, d->first.status, "an alert was not delivered: %.700s%s", d->first.message, later);
  return ASSAY_FAIL(err, d->first.status, "%zu deliveries failed, the first: %.700s%s", d->failed, d->first.message, later);
}

assay_status assay_alerts_send(const assay_alerts *alerts, const assay_alert_rules *rules, assay_history *history, assay_error *err) {
  delivery d = {.rules = rules,
                .history = history,
                .now_s = assay_os_wall_s(),
                .deadline_ns = assay_os_now_ns() + (uint64_t)(TOTAL_S * 1e9),
                .broken = assay_calloc(ASSAY_TAG_RESULT, rules->channel_count + 1, sizeof *d.broken)};
  if (d.broken == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for sending alerts");
  assay_status status = send_all(&d, alerts, err);
  assay_free(d.broken);
  return status;
}

assay_status assay_alert_try(const assay_alert_rules *rules, size_t channel, const assay_alert *alert, assay_error *err) {
  char *json = NULL;
  delivery d = {.rules = rules, .deadline_ns = assay_os_now_ns() + (uint64_t)(TOTAL_S * 1e9)};
  assay_status status = assay_alert_to_json(alert, SENT_MEMBERS, err, &json);
  if (status != ASSAY_OK) return status;
  message m = {.id = alert->id, .title = alert->title, .level = assay_alert_level_text(alert->level), .json = json};
  status = deliver(&d, &rules->channels[channel], &m, err);
  assay_string_free(json);
  return status;
}

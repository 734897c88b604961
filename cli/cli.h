/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of the command line share. A verb is in the file of its name, with one table of options: parsing, --help, the man page and
 * the shell completions all come from that table. These files are part of libassay (a user's own benchmark program gets the same command
 * line), but nothing else includes them.
 */
#ifndef ASSAY_CLI_H
#define ASSAY_CLI_H

#include <assay/alerts.h>
#include <assay/changepoints.h>
#include <assay/report.h>
#include <assay/run.h>

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/toml.h"

/* ---- Options (options.c) ------------------------------------------------------------------------------------------------------ */

typedef enum assay_cli_type {
  ASSAY_CLI_FLAG,     /* bool */
  ASSAY_CLI_TEXT,     /* const char * */
  ASSAY_CLI_UNSIGNED, /* uint64_t */
  ASSAY_CLI_REAL,     /* double */
  ASSAY_CLI_WORDS,    /* assay_cli_words: commas, repetition and following words all add */
  ASSAY_CLI_REPEAT    /* assay_cli_words: each use adds its whole value; with `follows` the words behind it too, as of a shell's glob */
} assay_cli_type;

/* What a value is, for completion. */
typedef enum assay_cli_hint { ASSAY_CLI_ANYTHING, ASSAY_CLI_FILE, ASSAY_CLI_DIRECTORY, ASSAY_CLI_SUITE } assay_cli_hint;

typedef struct assay_cli_words {
  const char **items; /* NULL-terminated once parsed; NULL when empty */
  size_t count, capacity;
  size_t followed; /* how many of them, the last ones, stood behind the option's value (`follows`) */
} assay_cli_words;

typedef struct assay_cli_option {
  const char *name; /* without dashes; NULL ends a table */
  char letter;      /* 0: none */
  assay_cli_type type;
  const char *value;          /* how the value is called in help, e.g. "DIR"; NULL for flags */
  const char *fallback;       /* the default, parsed like a given value; NULL: zero, false or NULL */
  const char *environment;    /* variable that stands in when the option is not given; NULL: none */
  const char *const *choices; /* NULL-terminated; NULL: any value */
  double low, high;           /* of numbers, inclusive; both 0: no limits */
  assay_cli_hint hint;
  bool follows; /* of ASSAY_CLI_REPEAT */
  bool needed;  /* has to be given, except where operands (a table) may give it instead */
  size_t at;    /* offsetof the field in the verb's settings */
  const char *help;
} assay_cli_option;

typedef struct assay_cli_example {
  const char *what, *command; /* the command without the program's name; `what` NULL ends a table */
} assay_cli_example;

typedef struct assay_cli assay_cli;

typedef struct assay_cli_verb {
  const char *name;     /* one word, or two ("machine check") */
  const char *summary;  /* one line */
  const char *details;  /* paragraphs for --help and the man page; may be NULL */
  const char *operands; /* "FILE", "COMMAND..."; NULL: none */
  size_t operands_least, operands_most;
  assay_cli_hint operand_hint;
  const assay_cli_option *options;
  const assay_cli_example *examples; /* may be NULL */
  size_t settings_size;
  bool hidden;
  bool family; /* the first word of verbs of two words, and nothing by itself */
  /* Returns the exit code. `settings` is what the options filled. */
  int (*run)(assay_cli *cli, const void *settings);
} assay_cli_verb;

/* One invocation. */
struct assay_cli {
  const char *program; /* for messages: "assay" */
  const char *command_line;
  const assay_cli_verb *verb;
  const char **operands;
  size_t operand_count;
  const bool *given;  /* an entry an option of the verb: whether the words have it */
  assay_toml *config; /* NULL: no configuration file */
  assay_arena arena;  /* everything that lives as long as the invocation */
};

/*
 * Fills `settings` (zeroed, of the verb's size) and the operands from the words behind the verb. Flags win over the environment, that over
 * the configuration file, that over defaults. ASSAY_ERR_INVALID with a sentence. *help is set when --help was asked for; then nothing is
 * checked.
 */
assay_status assay_cli_parse(assay_cli *cli, int argc, char **argv, void *settings, assay_error *err, bool *help);
/* Whether the user gave an option, in the words or in the configuration file. */
bool assay_cli_was_given(const assay_cli *cli, const char *option);
/* Whether it is among the words of this invocation: what is refused where it would do nothing. */
bool assay_cli_was_typed(const assay_cli *cli, const char *option);
/* The text of --help. */
void assay_cli_help(const assay_cli *cli, const assay_cli_verb *verb, assay_buf *out);
/* "-o, --output-dir DIR" */
void assay_cli_option_usage(const assay_cli_option *option, assay_buf *out);
/* Help of an option with its choices, default and variable. */
void assay_cli_option_help(const assay_cli_option *option, assay_buf *out);

#define ASSAY_CLI_END \
  { .name = NULL }

/* ---- The configuration file (config.c) ------------------------------------------------------------------------------------------ */

/* Reads $ASSAY_CONFIG (empty: none), else assay.toml, performance.toml or config/performance.toml of the working directory; none is fine.
 */
assay_status assay_cli_config_open(assay_cli *cli, assay_error *err);
void assay_cli_config_close(assay_cli *cli);
/* A key of the verb's table that is no option of it is an error that names the place. */
assay_status assay_cli_config_check(const assay_cli *cli, assay_error *err);
/* The value of an option in the verb's table; NULL when there is none. */
const assay_toml_value *assay_cli_config_value(const assay_cli *cli, const char *option);
const char *assay_cli_config_text(assay_cli *cli, const assay_toml_value *value);
/* [performance.numpy] num_threads and auto_configure, for this process and the benchmarks it starts. */
assay_status assay_cli_config_threads(const assay_cli *cli, assay_error *err);

/* ---- Verbs (in files of their names; verbs.c lists them) ------------------------------------------------------------------------ */

extern const assay_cli_verb assay_cli_run, assay_cli_list, assay_cli_time, assay_cli_ab, assay_cli_machine, assay_cli_machine_gather,
    assay_cli_machine_check, assay_cli_machine_ceilings, assay_cli_doctor, assay_cli_report, assay_cli_trend, assay_cli_history,
    assay_cli_history_show, assay_cli_compare, assay_cli_baseline, assay_cli_baseline_save, assay_cli_baseline_list,
    assay_cli_baseline_show, assay_cli_baseline_delete, assay_cli_baseline_update, assay_cli_baseline_export, assay_cli_baseline_import,
    assay_cli_regress, assay_cli_alerts, assay_cli_alerts_list, assay_cli_alerts_ack, assay_cli_alerts_mute, assay_cli_alerts_unmute,
    assay_cli_alerts_check, assay_cli_alerts_test, assay_cli_monitor, assay_cli_help_verb, assay_cli_version, assay_cli_completion,
    assay_cli_man;
extern const assay_cli_verb assay_cli_export, assay_cli_push;
extern const assay_cli_verb assay_cli_changepoints;
extern const assay_cli_verb assay_cli_import;
extern const assay_cli_verb assay_cli_price, assay_cli_price_european, assay_cli_price_american, assay_cli_price_asian,
    assay_cli_price_barrier, assay_cli_price_digital, assay_cli_price_lookback, assay_cli_price_basket, assay_cli_price_spread,
    assay_cli_price_implied;
extern const assay_cli_verb assay_cli_backtest;
extern const assay_cli_verb assay_cli_feed, assay_cli_feed_serve, assay_cli_feed_watch, assay_cli_feed_decode, assay_cli_feed_generate,
    assay_cli_feed_bars, assay_cli_feed_book, assay_cli_feed_flow, assay_cli_feed_match;
extern const assay_cli_verb assay_cli_indicator;
extern const assay_cli_verb assay_cli_portfolio, assay_cli_portfolio_minimum_variance, assay_cli_portfolio_maximum_sharpe,
    assay_cli_portfolio_risk_parity, assay_cli_portfolio_target_return, assay_cli_portfolio_mean_variance, assay_cli_portfolio_frontier;
extern const assay_cli_verb assay_cli_device, assay_cli_device_list, assay_cli_device_status, assay_cli_device_compare, assay_cli_demo,
    assay_cli_device_tune, assay_cli_device_bandwidth;
extern const assay_cli_verb assay_cli_risk, assay_cli_risk_var, assay_cli_risk_covariance, assay_cli_risk_correlation,
    assay_cli_risk_drawdown, assay_cli_risk_performance, assay_cli_risk_beta, assay_cli_risk_stress;
/* What a family runs: it says which verbs it has. */
int assay_cli_run_family(assay_cli *cli, const void *settings);
extern const assay_cli_option assay_cli_no_options[];
/* What a verb that only names others has beside its name and its words. */
#define ASSAY_CLI_FAMILY \
  .options = assay_cli_no_options, .operands_most = 1, .settings_size = 1, .family = true, .run = assay_cli_run_family
/* NULL-terminated, in the order of help. */
extern const assay_cli_verb *const assay_cli_verbs[];

/* ---- Printing (output.c) --------------------------------------------------------------------------------------------------------- */

/* Text from outside, line by line, with nothing in it that a terminal would obey. */
void assay_cli_put_lines(assay_buf *out, const char *text);
/* Prints "program verb: message" on stderr and returns the exit code of the error. */
int assay_cli_fail(const assay_cli *cli, const assay_error *err);
/* The gravest of two exit codes: could not run or deliver, interrupted, missed, inconclusive, fine. */
int assay_cli_gravest(int a, int b);
/* Writes to stdout, and a failure to do so (a full disk behind a redirection) is not lost: exit code. */
int assay_cli_print(const assay_cli *cli, const char *text);
/* A sentence, which may hold text from outside, as a line of its own: nothing in it that a terminal would obey. Likewise. */
int assay_cli_print_line(const assay_cli *cli, const char *format, ...) ASSAY_PRINTF(2, 3);
/* A line on stderr of what is worth knowing of an answer that is a good one. */
void assay_cli_note(const assay_cli *cli, const char *format, ...) ASSAY_PRINTF(2, 3);
/* Resolves "auto", "always", "never" for a stream. */
bool assay_cli_use_color(const char *choice, FILE *stream);
/* Columns of the terminal on `stream`; 0 when it is none. */
unsigned assay_cli_columns(FILE *stream);
/* Display columns of UTF-8 text, close enough for tables: one per character. */
size_t assay_cli_text_width(const char *text);
/* Appends `text`, then spaces until `width` columns. */
void assay_cli_pad(assay_buf *out, const char *text, size_t width);
/* Wraps text at `width` columns with every line indented; `column` is where the first line stands now. Newlines are kept. */
void assay_cli_wrap(assay_buf *out, const char *text, size_t indent, size_t column, size_t width);
/* The rows of a check list as a table with ticks and crosses. */
void assay_cli_checks(assay_buf *out, const assay_check_list *checks, bool color);
/* The same as JSON: {"schema": ..., "checks": [...]}. */
void assay_cli_checks_json(assay_buf *out, const assay_check_list *checks, const char *schema);
/* 1 when a row failed, else 0. */
int assay_cli_checks_exit_code(const assay_check_list *checks);
/* Prints the rows, as JSON of that schema or as a table where it is NULL, and returns the exit code that they deserve. */
int assay_cli_show_checks(const assay_cli *cli, const assay_check_list *checks, const char *schema, const char *color);

/* ---- Points in time (moments.c) ---------------------------------------------------------------------------------------------------- */

/* "30s", "15m", "1h", "7d", "2w" in seconds; `option` is named in the refusal. */
assay_status assay_cli_parse_duration(const char *text, const char *option, assay_error *err, double *seconds);
/* What --until (a date) or --for (a length) mean; either may be NULL, and with both NULL *at_s stays. */
assay_status assay_cli_parse_end(const char *until, const char *length, int64_t now_s, assay_error *err, int64_t *at_s);

/* ---- Alerts after a run (alerting.c) ----------------------------------------------------------------------------------------------- */

/* In place of a file: the levels of row N11 for every kind of metric, and nobody to tell. */
#define ASSAY_CLI_SHIPPED_RULES "shipped"
assay_status assay_cli_read_rules(const char *path, assay_error *err, assay_alert_rules **rules);

enum { ASSAY_CLI_PREVIOUS_PARTS = 8 };

/* The last time that each benchmark was measured on this machine: mostly the run before, put together from several after runs of single
 * suites. */
typedef struct assay_cli_previous {
  assay_result *result; /* NULL: there is none */
  size_t count;         /* of runs */
  struct {
    size_t end; /* its benchmarks lie before this one */
    int64_t started_at_s;
    const char *commit;
  } parts[ASSAY_CLI_PREVIOUS_PARTS];
} assay_cli_previous;

/* `quick`: of runs in that form. A history that is not there has none. Destroy the result. */
assay_status assay_cli_load_previous(assay_cli *cli, const char *history_path, bool quick, assay_error *err, assay_cli_previous *previous);

typedef struct assay_cli_alerting {
  const char *history_path;
  const assay_result *after;    /* in the history already */
  const assay_result *before;   /* the baseline; NULL with `previous` */
  assay_cli_previous *previous; /* NULL: with the baseline */
  assay_changes *changes;       /* from one to the other; may be changed; NULL: nothing was compared */
  FILE *stream;                 /* what is found is said there */
} assay_cli_alerting;

/* Finds alerts, says them, sends them. Returns the exit code: 1 for a new alert, 2 when it could not be done or told. */
int assay_cli_alert(assay_cli *cli, const assay_alert_rules *rules, const assay_cli_alerting *alerting);
/* One line: level, state, id, title. */
void assay_cli_put_alert(assay_buf *out, const assay_alert *alert);

/* ---- A series as a plot (plot.c) -------------------------------------------------------------------------------------------------- */

typedef struct assay_cli_plot {
  const double *values; /* NaN: nothing there */
  size_t stride, count; /* value i is values[i * stride] */
  const char *unit;     /* of the labels; NULL: plain numbers */
  const assay_changepoint *changes;
  size_t change_count;
} assay_cli_plot;

/* As wide as the terminal on standard output; nothing where no value is finite. */
void assay_cli_put_plot(assay_buf *out, const assay_cli_plot *plot, bool color);

/* ---- Report files (files.c) -------------------------------------------------------------------------------------------------------- */

extern const char *const assay_cli_formats[], *const assay_cli_color_choices[];

/* Creates the directory and proves that a report of ordinary size fits, before anything is measured. */
assay_status assay_cli_probe_directory(const char *directory, assay_error *err);
/* dir/name, in the invocation's arena; NULL when out of memory. */
const char *assay_cli_join(assay_cli *cli, const char *directory, const char *name);
/* Where the history is: as --history says, else history.db of the output directory; NULL when out of memory. */
const char *assay_cli_history_path(assay_cli *cli, const char *history, const char *output_dir);
/* The rows of a table of options that say which history; the settings have fields `output_dir` and `history`. */
#define ASSAY_CLI_WHERE(settings, what)                                                                             \
  {"output-dir",                                                                                                    \
   0,                                                                                                               \
   ASSAY_CLI_TEXT,                                                                                                  \
   "DIR",                                                                                                           \
   "benchmark_results",                                                                                             \
   "ASSAY_OUTPUT_DIR",                                                                                              \
   .hint = ASSAY_CLI_DIRECTORY,                                                                                     \
   .help = "Where history.db is looked for.",                                                                       \
   .at = offsetof(settings, output_dir)},                                                                           \
  {                                                                                                                 \
    "history", 0, ASSAY_CLI_TEXT, "FILE|URL", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, .help = what, \
                                              .at = offsetof(settings, history)                                     \
  }
/* For looking only: opening a history that is not there would create it. */
assay_status assay_cli_open_history(const char *path, assay_error *err, assay_history **history);
/* An absolute path for messages where there is one. */
const char *assay_cli_absolute(assay_cli *cli, const char *path);

typedef struct assay_cli_delivery {
  const char *output_dir;
  const assay_cli_words *formats;
  const char *history_path; /* NULL: none, so no before/after and no trends */
  const char *color;
  bool json;  /* the result on stdout instead of the table */
  bool table; /* the terminal table on stdout */
} assay_cli_delivery;

/*
 * Everything that a finished run leaves: reports in the directory, table or JSON on stdout, the job summary. When a report cannot be
 * written the result is saved elsewhere and the user is told where. Returns the exit code of the delivery (0 or 2), not of the result.
 */
int assay_cli_deliver(assay_cli *cli, const assay_cli_delivery *delivery, const assay_result *result);
/* Appends a comparison as Markdown to $GITHUB_STEP_SUMMARY, which GitHub shows on the page of the job; nothing where that is not set. */
assay_status assay_cli_summarize_changes(const assay_changes *changes, const assay_changes_context *context, assay_error *err);

/* ---- Two runs against each other (inputs.c) ------------------------------------------------------------------------------------------ */

/* Where runs are looked for: files, and a history that is opened when it is first needed. */
typedef struct assay_cli_inputs {
  assay_cli *cli;
  const char *history_path; /* a file or a URL */
  assay_history *history;   /* NULL until opened */
  bool any_machine;         /* "latest" is that of all machines, not of the other side's */
} assay_cli_inputs;

/* `history` NULL: history.db of the output directory. Opens nothing. */
void assay_cli_inputs_init(assay_cli *cli, const char *history, const char *output_dir, assay_cli_inputs *inputs);
void assay_cli_inputs_deinit(assay_cli_inputs *inputs);
/* Opens the history, which must be there. */
assay_status assay_cli_inputs_history(assay_cli_inputs *inputs, bool write, assay_error *err);

/* One side as the user named it: a run (one word), or files; `from` may be NULL (assay/import.h). */
typedef struct assay_cli_side {
  const char *const *words;
  size_t count;
  const char *from;
} assay_cli_side;

/* A file where there is one of that name, else a run of the history; *label is how reports call it. `machine_id`: of "latest" and
 * "previous"; may be NULL. ASSAY_ERR_NOT_FOUND says what was tried, and names the nearest. */
assay_status assay_cli_load_side(assay_cli_inputs *inputs, const assay_cli_side *side, const char *machine_id, assay_error *err,
                                 assay_result **result, const char **label);

/* Files of one side, Assay's own or another tool's; `from` NULL: recognised. */
assay_status assay_cli_read_files(const char *const *files, size_t count, const char *from, assay_error *err, assay_result **result);

typedef struct assay_cli_pair {
  assay_result *before, *after;
  const char *before_label, *after_label;
  const char *note;       /* what must be known of how they were chosen; NULL: nothing */
  assay_changes *changes; /* NULL until judged */
} assay_cli_pair;

assay_status assay_cli_load_pair(assay_cli_inputs *inputs, const assay_cli_side *before, const assay_cli_side *after, assay_error *err,
                                 assay_cli_pair *pair);
void assay_cli_pair_deinit(assay_cli_pair *pair);

/* What the verbs that judge let the user choose. */
typedef struct assay_cli_judging {
  const char *threshold;  /* a percentage for everything; NULL: not given */
  const char *thresholds; /* a TOML file; NULL: the configuration file's, else the shipped ones */
  const char *filter, *metric;
  double alpha;
  bool every_metric, other_machines;
} assay_cli_judging;

/* Their rows for a table of options; the settings have a field `judging`. */
#define ASSAY_CLI_JUDGING(settings)                                                                                                \
  {"threshold",                                                                                                                    \
   0,                                                                                                                              \
   ASSAY_CLI_TEXT,                                                                                                                 \
   "PERCENT",                                                                                                                      \
   .help = "From how much worse on it counts, for every metric; critical is 2.5 times that. Without it each kind has its own.",    \
   .at = offsetof(settings, judging.threshold)},                                                                                   \
      {"thresholds",                                                                                                               \
       0,                                                                                                                          \
       ASSAY_CLI_TEXT,                                                                                                             \
       "FILE",                                                                                                                     \
       .hint = ASSAY_CLI_FILE,                                                                                                     \
       .help = "TOML file with thresholds by kind, benchmark and metric, over the shipped ones.",                                  \
       .at = offsetof(settings, judging.thresholds)},                                                                              \
      {"alpha",                                                                                                                    \
       0,                                                                                                                          \
       ASSAY_CLI_REAL,                                                                                                             \
       "P",                                                                                                                        \
       "0.05",                                                                                                                     \
       .low = 1e-6,                                                                                                                \
       .high = 0.5,                                                                                                                \
       .help = "Share of the alarms that may be false.",                                                                           \
       .at = offsetof(settings, judging.alpha)},                                                                                   \
      {"filter",                                                                                                                   \
       0,                                                                                                                          \
       ASSAY_CLI_TEXT,                                                                                                             \
       "GLOB",                                                                                                                     \
       .help = "Only benchmarks whose name or \"suite/name\" matches; a plain word matches anywhere.",                             \
       .at = offsetof(settings, judging.filter)},                                                                                  \
      {"metric", 0, ASSAY_CLI_TEXT, "GLOB", .help = "Only metrics whose name matches.", .at = offsetof(settings, judging.metric)}, \
      {"every-metric", 0, ASSAY_CLI_FLAG,                                                                                          \
       .help = "Secondary metrics (memory, percentiles, ...) also where nothing is known to have changed.",                        \
       .at = offsetof(settings, judging.every_metric)},                                                                            \
  {                                                                                                                                \
    "other-machines", 0, ASSAY_CLI_FLAG, .help = "Compare although the two sides were measured on different machines.",            \
                                         .at = offsetof(settings, judging.other_machines)                                          \
  }

/* "10", "10%" or "2.5 %" as a ratio; `option` is named in the refusal. */
assay_status assay_cli_parse_percent(const char *text, const char *option, assay_error *err, double *ratio);
/* The thresholds that the user chose. */
assay_status assay_cli_load_thresholds(const assay_cli *cli, const assay_cli_judging *judging, assay_error *err,
                                       assay_thresholds **thresholds);

/* Whose noise the history is asked for. */
typedef struct assay_cli_noise {
  assay_history *history;
  const char *machine_id;
} assay_cli_noise;

typedef struct assay_cli_judge_config {
  assay_thresholds *thresholds;
  assay_compare_config config;
} assay_cli_judge_config;

/* For assay_compare and assay_run; opens the history for its noise floors when there is one. `machine_id` may be NULL and is borrowed, and
 * so are the inputs. */
assay_status assay_cli_judge_config_make(assay_cli_inputs *inputs, const assay_cli_judging *judging, const char *machine_id,
                                         assay_error *err, assay_cli_judge_config *config);
void assay_cli_judge_config_deinit(assay_cli_judge_config *config);
/* Fills pair->changes: noise floors from the history when there is one, then the filters. */
assay_status assay_cli_judge(assay_cli_inputs *inputs, const assay_cli_judging *judging, assay_error *err, assay_cli_pair *pair);

typedef struct assay_cli_showing {
  assay_format format;
  const char *output; /* NULL or "-": standard output */
  const char *color;
  bool all, pull_request;
} assay_cli_showing;

extern const char *const assay_cli_change_formats[]; /* with "text" for "terminal" */
assay_format assay_cli_change_format(const char *name);
/* Writes a judged pair; returns the exit code that it deserves, or 2. */
int assay_cli_show_changes(assay_cli *cli, const assay_cli_pair *pair, const assay_cli_showing *showing);

/* ---- Progress (progress.c) --------------------------------------------------------------------------------------------------------- */

typedef struct assay_cli_progress {
  bool bar, plain; /* a bar on a terminal; or a line now and then */
  bool color, unicode;
  bool drawn;
  uint64_t last_ns;
  double end_s, end_at_s; /* when all may be over, smoothed, and when that was last worked out; 0: not yet */
  size_t failed;
} assay_cli_progress;

/* `choice`: 1 forces a bar, -1 none, 0 when stderr is a terminal; `verbose` gives plain lines elsewhere. */
void assay_cli_progress_init(assay_cli_progress *progress, int choice, bool verbose, const char *color);
void assay_cli_progress_update(assay_cli_progress *progress, const assay_run_progress *event);
/* A line on stderr that does not tear the bar. */
void assay_cli_progress_say(assay_cli_progress *progress, const char *line);
void assay_cli_progress_end(assay_cli_progress *progress);

/* Ctrl-C and SIGTERM set the flag that this returns; a second one ends the program at once. */
const volatile int *assay_cli_stop_on_signal(void);

/* ---- Log (logfile.c) --------------------------------------------------------------------------------------------------------------- */

/* Opens the log for appending and makes it the sink of the library; "" means none. `verbose` also shows every line on stderr. */
assay_status assay_cli_log_open(const char *path, assay_cli_progress *progress, bool verbose, assay_error *err);
/* Also says when the log could not be written to its end. */
assay_status assay_cli_log_close(assay_error *err);

/* ---- Generated texts (complete.c, man.c) ------------------------------------------------------------------------------------------- */

void assay_cli_complete_bash(const assay_cli *cli, assay_buf *out);
void assay_cli_complete_zsh(const assay_cli *cli, assay_buf *out);
void assay_cli_complete_fish(const assay_cli *cli, assay_buf *out);
void assay_cli_man_page(const assay_cli *cli, assay_buf *out);

#endif

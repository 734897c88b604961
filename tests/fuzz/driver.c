/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: every seed, then a fixed number of mutations of them. The same inputs on every machine, so a
 * failure repeats.
 *
 *     fuzz_toml -mutations=100000 tests/fuzz/corpus/toml     as `meson test` does
 *     fuzz_toml crash-toml                                  one input again
 *
 * When the target dies, the input that killed it is left in the file crash-<target> of the working directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "os/prim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Sanitizers call this before they end the process; absent without them. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

enum { LARGEST_INPUT = 1 << 20, MOST_SEEDS = 4096 };

typedef struct seed {
  char *path;
  uint8_t *data;
  size_t size;
} seed;

static seed seeds[MOST_SEEDS];
static size_t seed_count;

/* What runs now, for the last words. */
static const uint8_t *current_data;
static size_t current_size;
static char crash_path[300];

static void save_current_input(void) {
  int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  ssize_t put = fd < 0 ? -1 : write(fd, current_data, current_size);
  if (put != (ssize_t)current_size) return;
  static const char said[] = "the input is in ";
  if (write(STDERR_FILENO, said, sizeof said - 1) < 0 || write(STDERR_FILENO, crash_path, strlen(crash_path)) < 0 ||
      write(STDERR_FILENO, "\n", 1) < 0)
    return;
}

static void on_signal(int number) {
  save_current_input();
  signal(number, SIG_DFL);
  raise(number);
}

static void run(const uint8_t *data, size_t size) {
  /* A copy of the exact size, so that a sanitizer sees a read of one byte too many. */
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL) abort();
  if (size > 0) memcpy(copy, data, size);
  current_data = copy;
  current_size = size;
  alarm(20);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static int compare_seeds(const void *a, const void *b) { return strcmp(((const seed *)a)->path, ((const seed *)b)->path); }

static void add_seed(const char *path) {
  assay_error err = {0};
  char *data = NULL;
  size_t size = 0;
  if (assay_os_read_file(path, LARGEST_INPUT, &err, &data, &size) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    exit(1);
  }
  if (seed_count < MOST_SEEDS)
    seeds[seed_count++] = (seed){.path = assay_strdup(ASSAY_TAG_BASE, path), .data = (uint8_t *)data, .size = size};
}

static void add_seeds(const char *path) {
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
    add_seed(path);
    return;
  }
  DIR *dir = opendir(path);
  if (dir == NULL) {
    perror(path);
    exit(1);
  }
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char inside[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    add_seeds(inside);
  }
  closedir(dir);
}

static size_t place_in(assay_random *random, size_t size) { return (size_t)assay_random_below(random, size + 1); }

/* Replaces `removed` bytes at `at` by `count` bytes of `with`. */
static size_t replace_bytes(uint8_t *data, size_t size, size_t at, size_t removed, const uint8_t *with, size_t count) {
  if (size - removed + count > LARGEST_INPUT) return size;
  memmove(data + at + count, data + at + removed, size - at - removed);
  if (count > 0) memcpy(data + at, with, count);
  return size - removed + count;
}

static size_t mutate_once(assay_random *random, uint8_t *data, size_t size) {
  static const char *const words[] = {"\"",  "'",    "\"\"\"", "[", "]",   "{",   "}",  "=", ".",  ",",     ":",
                                      "-",   "\n",   "\r\n",   "#", "\\",  "\\u", "0",  "9", "-1", "1e308", "18446744073709551616",
                                      "nan", "true", "null",   "/", "../", "%",   "%s", " ", "\t", "T",     "Z"};
  size_t at = place_in(random, size), run_length = 1 + (size_t)assay_random_below(random, 16);
  if (run_length > size - at) run_length = size - at;
  uint8_t bytes[64];
  switch (assay_random_below(random, 7)) {
    case 0: /* flip a bit */
      if (at < size) data[at] ^= (uint8_t)(1u << assay_random_below(random, 8));
      return size;
    case 1: /* any byte */
      if (at < size) data[at] = (uint8_t)assay_random_next(random);
      return size;
    case 2: return replace_bytes(data, size, at, run_length, NULL, 0);
    case 3: /* repeat a piece */ memcpy(bytes, data + at, run_length); return replace_bytes(data, size, at, 0, bytes, run_length);
    case 4: { /* a word that means something to one of the formats */
      const char *word = words[assay_random_below(random, sizeof words / sizeof *words)];
      return replace_bytes(data, size, at, 0, (const uint8_t *)word, strlen(word));
    }
    case 5: { /* a piece of another seed */
      const seed *other = &seeds[assay_random_below(random, seed_count)];
      size_t from = place_in(random, other->size), count = (size_t)assay_random_below(random, 256);
      if (count > other->size - from) count = other->size - from;
      return replace_bytes(data, size, at, run_length, other->data + from, count);
    }
    default: return assay_random_below(random, 8) == 0 ? at : size; /* cut the end off, now and then */
  }
}

static void run_mutations(long count) {
  static uint8_t data[LARGEST_INPUT];
  assay_random random;
  assay_random_init(&random, 1);
  for (long i = 0; i < count; i++) {
    const seed *from = &seeds[assay_random_below(&random, seed_count)];
    size_t size = from->size;
    if (size > 0) memcpy(data, from->data, size);
    for (uint64_t steps = 1 + assay_random_below(&random, 6); steps > 0; steps--) size = mutate_once(&random, data, size);
    run(data, size);
  }
}

int main(int argc, char **argv) {
  long mutations = 0;
  const char *name = strrchr(argv[0], '/');
  name = name == NULL ? argv[0] : name + 1;
  snprintf(crash_path, sizeof crash_path, "crash-%s", strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name);
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "-mutations=", 11) == 0)
      mutations = atol(argv[i] + 11);
    else
      add_seeds(argv[i]);
  }
  if (seed_count == 0) {
    fprintf(stderr, "no seeds: give a corpus directory or files\n");
    return 1;
  }
  qsort(seeds, seed_count, sizeof *seeds, compare_seeds); /* a directory has no order of its own */
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
  if (__sanitizer_set_death_callback != NULL) __sanitizer_set_death_callback(save_current_input);
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
    if (__sanitizer_set_death_callback == NULL || fatal[i] == SIGALRM || fatal[i] == SIGABRT) signal(fatal[i], on_signal);
  for (size_t i = 0; i < seed_count; i++) run(seeds[i].data, seeds[i].size);
  run_mutations(mutations);
  for (size_t i = 0; i < seed_count; i++) {
    assay_free(seeds[i].path);
    assay_free(seeds[i].data);
  }
  printf("%zu seeds, %ld mutations\n", seed_count, mutations);
  return 0;
}

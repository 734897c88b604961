/* SPDX-License-Identifier: MIT */
/* The `assay` command: the suites, and the command line that every benchmark program has. */
#include <assay/bench.h>

#include <stdio.h>
#include <string.h>

/* In a benchmark program a missing verb means `run`; here, running everything there is should be asked for. */
static int without_verb(const char *word) {
  static const char *const others[] = {"-h", "--help", "--version"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    if (strcmp(word, others[i]) == 0) return 0;
  }
  return word[0] == '-';
}

int main(int argc, char **argv) {
  assay_bench_worker(argc, argv);
  char help[] = "help";
  char *asks_for_help[] = {argv[0], help, NULL};
  if (argc == 1) return assay_main(2, asks_for_help);
  if (without_verb(argv[1])) {
    fprintf(stderr, "assay: which verb? For example `assay run %s`; `assay help` lists them.\n", argv[1]);
    return ASSAY_EXIT_CANNOT_RUN;
  }
  return assay_main(argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* The `assay` command: the suites, and the command line that every benchmark program has. */
#include <assay/bench.h>

int main(int argc, char **argv) {
  char help[] = "help";
  char *asks_for_help[] = {argv[0], help, NULL};
  return argc == 1 ? assay_main(2, asks_for_help) : assay_main(argc, argv); /* running everything there is should be asked for */
}

/* SPDX-License-Identifier: MIT */
/* The shortest benchmark: one loop. Build it with `cc first.c $(pkg-config --cflags --libs assay)`, run it with `./first --quick-run`. */
#include <assay/bench.h>

#include <math.h>

ASSAY_BENCH(square_root) {
  double x = 2;
  ASSAY_LOOP(b) assay_keep(x = sqrt(x) + 1);
}

ASSAY_MAIN()

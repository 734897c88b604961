/* SPDX-License-Identifier: MIT */
/*
 * What implied.c has, for one option: groups of one item, which is there. A tile of 256 asks 64 times in each phase whether there is an
 * option yet, which is more work than the one that is there.
 */
#include "kernels/dialect.h"

#undef GROUP_SIZE
#define GROUP_SIZE 1

#include "kernels/options/lanes.h"

#undef OPTION_ITEMS
#define OPTION_ITEMS(what) ITEMS(i) what;

#include "kernels/options/implied.c"

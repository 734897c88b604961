/* SPDX-License-Identifier: MIT */
/*
 * The roofline (Williams, Waterman and Patterson 2009) with its bandwidth roof split by cache level and by the mix of reads and writes.
 * Every rule here errs towards the faster ceiling, so that good code comes out at a share of at most 1.
 */
#include <stdio.h>
#include <string.h>

#include "machine/ceilings/set.h"

/* A limit that was found: time and the ceiling that causes most of it. */
typedef struct limit {
  double ns;
  const char *name;
} limit;

static const char *const level_names[] = {NULL, "l1", "l2", "l3", "memory"};

static const assay_ceiling *available(const assay_ceilings *ceilings, const char *name) {
  const assay_ceiling *row = assay_ceilings_find(ceilings, name);
  return row != NULL && row->available && row->value > 0 ? row : NULL;
}

/* What one operation moves, as the mixes that were measured. */
enum { READ, WRITE, COPY, TRIAD, MIXES };
static const char *const mix_names[MIXES] = {"read", "write", "copy", "triad"};

/*
 * Reads and writes overlap, so the times of pure reading and pure writing do not add up. Any mix is made of at most two neighbours in the
 * order write, copy (1:1), triad (2:1), read.
 */
static void split_mix(double read, double written, double bytes[MIXES]) {
  memset(bytes, 0, MIXES * sizeof *bytes);
  if (read <= written) {
    bytes[COPY] = 2 * read;
    bytes[WRITE] = written - read;
  } else if (read <= 2 * written) {
    double triads = read - written;
    bytes[TRIAD] = 3 * triads;
    bytes[COPY] = 2 * (written - triads);
  } else {
    bytes[TRIAD] = 3 * written;
    bytes[READ] = read - 2 * written;
  }
}

/* The fastest row "memory.<mix>[_nt].<threads>t"; `threads` 0 is all of any count above 1. */
static const assay_ceiling *fastest_memory_row(const assay_ceilings *ceilings, const char *mix, bool one_thread) {
  const assay_ceiling *best = NULL;
  for (size_t i = 0; i < ceilings->count; i++) {
    const assay_ceiling *row = &ceilings->items[i];
    char start[32], start_nt[32];
    size_t length = (size_t)snprintf(start, sizeof start, "memory.%s.", mix);
    size_t length_nt = (size_t)snprintf(start_nt, sizeof start_nt, "memory.%s_nt.", mix);
    const char *threads = NULL;
    if (strncmp(row->name, start, length) == 0) threads = row->name + length;
    if (strncmp(row->name, start_nt, length_nt) == 0) threads = row->name + length_nt;
    if (threads == NULL || !row->available || one_thread != (strcmp(threads, "1t") == 0)) continue;
    if (best == NULL || row->value > best->value) best = row;
  }
  return best;
}

/* Bytes per second of a mix at a level for `threads`, and the row it rests on; NULL when nothing was measured. Caches scale with their
 * cores. Memory does not, but never does better than each thread by itself. */
static const assay_ceiling *bandwidth(const assay_ceilings *ceilings, unsigned level, unsigned mix, unsigned threads, double *rate) {
  char name[64];
  if (level < 4) {
    snprintf(name, sizeof name, "%s.%s", level_names[level], mix_names[mix]);
    const assay_ceiling *row = available(ceilings, name);
    if (row != NULL) *rate = row->value * threads;
    return row;
  }
  const assay_ceiling *one = fastest_memory_row(ceilings, mix_names[mix], true),
                      *many = fastest_memory_row(ceilings, mix_names[mix], false);
  if (one == NULL && many == NULL) return NULL;
  if (many == NULL || (one != NULL && (threads == 1 || one->value * threads < many->value))) {
    *rate = one->value * (threads == 1 || many != NULL ? threads : 1);
    return one;
  }
  const assay_ceiling *best = one != NULL && one->value > many->value ? one : many;
  *rate = best->value;
  return best;
}

/* Time of the whole traffic at one level. False when a part of it has no ceiling. */
static bool level_time(const assay_ceilings *ceilings, unsigned level, const double bytes[MIXES], unsigned threads, limit *found) {
  limit sum = {0};
  double longest = 0;
  for (unsigned mix = 0; mix < MIXES; mix++) {
    if (bytes[mix] <= 0) continue;
    double rate = 0;
    const assay_ceiling *row = bandwidth(ceilings, level, mix, threads, &rate);
    if (row == NULL) return false;
    double ns = bytes[mix] / rate * 1e9;
    sum.ns += ns;
    if (ns > longest) {
      longest = ns;
      sum.name = row->name;
    }
  }
  *found = sum;
  return sum.name != NULL;
}

/* Which part of the traffic a level of `capacity` bytes serves: all while the set fits; a set twice as large finds nothing any more that
 * stayed; between them caches that do not replace strictly by age keep a part. */
static double served(double capacity, double set) {
  if (capacity <= 0) return 0;
  if (set <= capacity) return 1;
  double part = 2 * capacity / set - 1;
  return part > 0 ? part : 0;
}

static double capacity_of(const assay_ceilings *ceilings, unsigned level, unsigned threads) {
  double each = (double)ceilings->level_bytes[level] * threads, all = (double)ceilings->last_level_bytes;
  return level == 3 && all > 0 && each > all ? all : each;
}

static bool bandwidth_limit(const assay_ceilings *ceilings, const assay_work *work, unsigned threads, limit *found) {
  double moved = work->bytes_read + work->bytes_written;
  double set = work->working_set_bytes > 0 ? work->working_set_bytes : moved;
  if (!(moved > 0)) return false;
  double bytes[MIXES], left = 1, longest = 0;
  split_mix(work->bytes_read, work->bytes_written, bytes);
  limit sum = {0};
  for (unsigned level = 1; level <= 4 && left > 0; level++) {
    double part = level == 4 ? 1 : served(capacity_of(ceilings, level, threads), set);
    double here = part - (1 - left);
    limit at = {0};
    if (here <= 0 || !level_time(ceilings, level, bytes, threads, &at)) continue; /* not measured: the next level out takes its part */
    sum.ns += here * at.ns;
    left -= here;
    if (here * at.ns <= longest) continue;
    longest = here * at.ns;
    sum.name = at.name;
  }
  *found = sum;
  return sum.name != NULL && left <= 0;
}

static bool compute_limit(const assay_ceilings *ceilings, const assay_work *work, unsigned threads, limit *found) {
  if (!(work->flops > 0)) return false;
  const char *type = work->flop_type != NULL ? work->flop_type : "f64";
  const char *kind = strcmp(type, "int8") == 0 ? "ops" : "flops";
  char name[64];
  snprintf(name, sizeof name, "%s.%s.vector", kind, type);
  const assay_ceiling *row = available(ceilings, name);
  if (row == NULL) return false;
  double rate = row->value * threads;
  snprintf(name, sizeof name, "%s.%s.vector.Nt", kind, type);
  const assay_ceiling *all = available(ceilings, name);
  if (threads >= ceilings->threads && threads > 1 && all != NULL && all->value < rate && all->value > row->value) {
    row = all;
    rate = all->value;
  }
  *found = (limit){work->flops / rate * 1e9, row->name};
  return true;
}

assay_status assay_ceilings_bind(const assay_ceilings *ceilings, const assay_work *work, const char **name, double *limit_ns) {
  unsigned threads = work->threads > 0 ? work->threads : 1;
  if (threads > ceilings->threads) threads = ceilings->threads; /* more threads than CPUs take turns */
  limit memory = {0}, compute = {0};
  bool has_memory = bandwidth_limit(ceilings, work, threads, &memory), has_compute = compute_limit(ceilings, work, threads, &compute);
  if (!has_memory && !has_compute) return ASSAY_ERR_NOT_FOUND;
  const limit *longer = !has_compute || (has_memory && memory.ns >= compute.ns) ? &memory : &compute;
  *name = longer->name;
  *limit_ns = longer->ns;
  return ASSAY_OK;
}

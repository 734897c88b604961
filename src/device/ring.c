/* SPDX-License-Identifier: MIT */
#include "device/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "os/ticks.h"

typedef struct slot {
  _Alignas(64) atomic_uint_fast64_t sequence; /* 2n+1: row n is being written; 2n+2: it is there */
  atomic_uint_fast64_t meta, begin, end, bytes, flops;
  _Atomic(const char *) label;
} slot;

static slot slots[ASSAY_RING_SLOTS];
static _Alignas(64) atomic_uint_fast64_t head;
static _Alignas(64) atomic_uint_fast64_t dropped;

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static char device_ids[ASSAY_RING_DEVICES][32];
static atomic_uint device_count = 1; /* 0 is no device */
typedef struct kept_label {
  struct kept_label *next;
  char text[];
} kept_label;
static kept_label *labels;

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static double of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The stores are releases and the loads acquires, so that no field is seen outside the time between the two sequences. */
#define PUT(field, value) atomic_store_explicit(&at->field, (value), memory_order_release)
#define GET(field) atomic_load_explicit(&at->field, memory_order_acquire)

void assay_ring_push(const assay_ring_row *row) {
  uint64_t number = atomic_fetch_add_explicit(&head, 1, memory_order_relaxed);
  slot *at = &slots[number % ASSAY_RING_SLOTS];
  uint64_t sequence = GET(sequence);
  if ((sequence & 1) != 0 || sequence > 2 * number ||
      !atomic_compare_exchange_strong_explicit(&at->sequence, &sequence, 2 * number + 1, memory_order_acq_rel, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    return;
  }
  PUT(meta, (uint64_t)row->kind | (uint64_t)row->hit << 8 | (uint64_t)row->device << 16);
  PUT(begin, row->begin_ticks);
  PUT(end, row->end_ticks);
  PUT(bytes, bits_of(row->bytes));
  PUT(flops, bits_of(row->flops));
  PUT(label, row->label);
  PUT(sequence, 2 * number + 2);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------------- */

/* Where ticks stand on the monotonic clock. */
static struct {
  uint64_t ticks, ns;
  double per_ns;
} base;
static pthread_once_t base_once = PTHREAD_ONCE_INIT;
static void take_base(void) {
  base.per_ns = assay_ticks_per_ns();
  base.ticks = assay_ticks();
  base.ns = assay_os_now_ns();
}

static double ns_of(uint64_t ticks) { return (double)base.ns + (double)(int64_t)(ticks - base.ticks) / base.per_ns; }

/* 1: taken; 0: not there (overwritten, dropped, or its writer was stopped between taking the number and the slot); -1: being written. */
static int take(uint64_t number, assay_activity *row) {
  slot *at = &slots[number % ASSAY_RING_SLOTS];
  uint64_t before = GET(sequence);
  if (before <= 2 * number + 1) return before == 2 * number + 1 ? -1 : 0;
  uint64_t meta = GET(meta), begin = GET(begin), end = GET(end), bytes = GET(bytes), flops = GET(flops);
  const char *label = GET(label);
  if (before != 2 * number + 2 || GET(sequence) != before) return 0;
  *row = (assay_activity){.number = number,
                          .kind = (assay_activity_kind)(meta & 0xff),
                          .hit = (meta >> 8 & 1) != 0,
                          .device = (unsigned)(meta >> 16),
                          .label = label,
                          .begin_ns = ns_of(begin),
                          .duration_ns = end > begin ? (double)(end - begin) / base.per_ns : 0,
                          .bytes = of_bits(bytes),
                          .flops = of_bits(flops)};
  return 1;
}

/* First number that may still be there. */
static uint64_t oldest(uint64_t now) { return now > ASSAY_RING_SLOTS ? now - ASSAY_RING_SLOTS : 0; }

size_t assay_activity_read(uint64_t *cursor, assay_activity *rows, size_t capacity, uint64_t *lost) {
  pthread_once(&base_once, take_base);
  uint64_t now = atomic_load_explicit(&head, memory_order_acquire), first = oldest(now), missed = 0;
  uint64_t number = *cursor;
  if (number < first) missed = first - number, number = first;
  size_t count = 0;
  for (; number < now && count < capacity; number++) {
    int taken = take(number, &rows[count]);
    if (taken < 0) break; /* it comes with the next reading */
    count += (size_t)taken;
    missed += taken == 0;
  }
  *cursor = number;
  if (lost != NULL) *lost += missed;
  return count;
}

size_t assay_activity_summarise(assay_activity_stats *rows, size_t capacity, uint64_t *covered, uint64_t *gone) {
  enum { CHUNK = 64 };
  assay_activity chunk[CHUNK];
  uint64_t cursor = 0, lost = 0, seen = 0;
  size_t count = 0, room = 256;
  assay_activity_stats *sums = assay_calloc(ASSAY_TAG_DEVICE, room, sizeof *sums);
  for (size_t got; sums != NULL && (got = assay_activity_read(&cursor, chunk, CHUNK, &lost)) > 0;) {
    for (size_t i = 0; i < got; i++) {
      const assay_activity *row = &chunk[i];
      size_t at = 0;
      while (at < count && !(sums[at].kind == row->kind && sums[at].device == row->device && strcmp(sums[at].label, row->label) == 0)) at++;
      if (at == count && count == room) {
        assay_activity_stats *more = assay_realloc(ASSAY_TAG_DEVICE, sums, 2 * room, sizeof *sums);
        if (more == NULL) break;
        sums = more, room *= 2;
      }
      if (at == count) {
        sums[count++] = (assay_activity_stats){.label = row->label, .kind = row->kind, .device = row->device, .min_ns = row->duration_ns};
      }
      assay_activity_stats *sum = &sums[at];
      sum->count++, seen++;
      sum->total_ns += row->duration_ns, sum->bytes += row->bytes, sum->flops += row->flops;
      if (row->duration_ns < sum->min_ns) sum->min_ns = row->duration_ns;
      if (row->duration_ns > sum->max_ns) sum->max_ns = row->duration_ns;
    }
  }
  for (size_t i = 0; i < count; i++) {
    size_t most = i;
    for (size_t j = i + 1; j < count; j++) {
      if (sums[j].total_ns > sums[most].total_ns) most = j;
    }
    assay_activity_stats row = sums[most];
    memmove(&sums[i + 1], &sums[i], (most - i) * sizeof *sums);
    sums[i] = row;
    if (i < capacity) rows[i] = row;
  }
  assay_free(sums);
  if (covered != NULL) *covered = seen;
  if (gone != NULL) *gone = lost;
  return count;
}

/* ---- names ------------------------------------------------------------------------------------------------------------------------- */

unsigned assay_ring_device(const char *id) {
  pthread_mutex_lock(&names_lock);
  unsigned count = atomic_load_explicit(&device_count, memory_order_relaxed), number = 1;
  while (number < count && strcmp(device_ids[number], id) != 0) number++;
  if (number == count && count < ASSAY_RING_DEVICES) {
    strncpy(device_ids[number], id, sizeof device_ids[number] - 1);
    atomic_store_explicit(&device_count, count + 1, memory_order_release);
  }
  pthread_mutex_unlock(&names_lock);
  return number < ASSAY_RING_DEVICES ? number : 0;
}

const char *assay_activity_device(unsigned device) {
  return device < atomic_load_explicit(&device_count, memory_order_acquire) ? device_ids[device] : "";
}

const char *assay_ring_label(const char *text) {
  pthread_mutex_lock(&names_lock);
  kept_label *label = labels;
  while (label != NULL && strcmp(label->text, text) != 0) label = label->next;
  if (label == NULL && (label = assay_alloc(ASSAY_TAG_DEVICE, sizeof *label + strlen(text) + 1)) != NULL) {
    memcpy(label->text, text, strlen(text) + 1);
    label->next = labels, labels = label;
  }
  pthread_mutex_unlock(&names_lock);
  return label != NULL ? label->text : NULL;
}

const char *assay_activity_kind_text(assay_activity_kind kind) {
  static const char *const texts[ASSAY_ACTIVITY_KIND_COUNT] = {"alloc", "free",   "write", "read",     "copy",
                                                               "fill",  "launch", "sync",  "operation"};
  return (unsigned)kind < ASSAY_ACTIVITY_KIND_COUNT ? texts[kind] : "unknown";
}

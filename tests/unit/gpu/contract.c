/* SPDX-License-Identifier: MIT */
#include "contract.h"

#include <math.h>
#include <pthread.h>

#include "kernel_cases.h"
#include "kernels/montecarlo/european.h"

static const assay_backend *backend;
static assay_device_info infos[ASSAY_BACKEND_MAX_DEVICES];
static size_t count, current;
static void *device;

static void open_current(void) {
  assay_error err = {0};
  device = NULL;
  assert_ok(backend->open(current, &err, &device), err);
  assert_non_null(device);
}

void contract_open(const assay_backend *of) {
  char cause[256] = "";
  backend = of;
  count = backend->enumerate(infos, ASSAY_BACKEND_MAX_DEVICES, cause, sizeof cause);
  current = 0;
  if (count == 0) {
    assert_string_not_equal(cause, "");
    printf("skipped: %s\n", cause);
    exit(77);
  }
  open_current();
}

bool contract_next(void) {
  contract_close();
  if (++current >= count) return false;
  open_current();
  return true;
}

void contract_close(void) {
  if (device != NULL) backend->close(device);
  device = NULL;
}

/* ---- Short names ----------------------------------------------------------------------------------------------------------------- */

static assay_error err;

static void *make_queue(void) {
  void *queue = NULL;
  assert_ok(backend->queue_create(device, &err, &queue), err);
  return queue;
}

static void sync(void *queue) { assert_ok(backend->queue_sync(device, queue, &err), err); }

static assay_slice make_buffer(size_t bytes) {
  assay_slice slice = {.bytes = bytes};
  assert_ok(backend->memory_alloc(device, bytes, &err, &slice.memory), err);
  if (backend->view != NULL) assert_ok(backend->view(device, slice.memory, 0, bytes, &err, &slice.view), err);
  return slice;
}

static void free_buffer(assay_slice *slice) {
  if (slice->view != NULL) backend->unview(device, slice->view);
  backend->memory_free(device, slice->memory);
}

static assay_slice part(const assay_slice *whole, size_t offset, size_t bytes) { return (assay_slice){whole->memory, offset, bytes, NULL}; }

static unsigned char pattern(size_t i, unsigned salt) { return (unsigned char)((i * 2654435761u + salt) >> 13); }

static unsigned char *make_pattern(size_t bytes, unsigned salt) {
  unsigned char *data = malloc(bytes);
  assert_non_null(data);
  for (size_t i = 0; i < bytes; i++) data[i] = pattern(i, salt);
  return data;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------------------------- */

void contract_describes_itself(void **state) {
  (void)state;
  const assay_device_info *info = &infos[current];
  assert_true(info->name[0] != '\0' && info->driver[0] != '\0');
  assert_true(info->compute_units > 0);
  assert_true(info->memory_bytes > 0 && info->max_buffer_bytes <= info->memory_bytes);
  assert_true(info->alignment_bytes >= 16 && (info->alignment_bytes & (info->alignment_bytes - 1)) == 0);
  assay_device_health health = {.cause = ""};
  if (backend->health != NULL) backend->health(device, &health);
  printf("%s:%zu: %s (%s), %u units, %.1f GB\n", backend->name, current, info->name, info->driver, info->compute_units,
         (double)info->memory_bytes * 1e-9);
  if (backend->memory_info == NULL) return;
  uint64_t available = 0, total = 0;
  assert_ok(backend->memory_info(device, &err, &available, &total), err);
  assert_true(available <= total && total > 0);
}

/* Every length around what copies are cut at, and the host's memory may change once a write has been synced. */
void contract_round_trips(void **state) {
  (void)state;
  static const size_t lengths[] = {1, 3, 63, 64, 4097, 32768, 32769, 300001, (4u << 20) - 1, 4u << 20, (4u << 20) + 1, 21000001};
  void *queue = make_queue();
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t bytes = lengths[i];
    assay_slice buffer = make_buffer(bytes + 100);
    unsigned char *data = make_pattern(bytes, 1), *back = calloc(1, bytes + 1);
    assay_slice inside = part(&buffer, 77, bytes);
    assert_ok(backend->write(device, queue, &inside, data, &err), err);
    assert_ok(backend->read(device, queue, &inside, back, &err), err);
    sync(queue);
    assert_memory_equal(back, data, bytes);
    assert_int_equal(back[bytes], 0);
    free(data), free(back);
    free_buffer(&buffer);
  }
  backend->queue_destroy(device, queue);
}

void contract_copies_and_fills(void **state) {
  (void)state;
  enum { WORDS = 5003 };
  void *queue = make_queue();
  assay_slice a = make_buffer(WORDS * 4), b = make_buffer(WORDS * 4);
  uint32_t *back = malloc(WORDS * 4);
  assert_ok(backend->fill(device, queue, &a, 0x12345678, &err), err);
  assay_slice middle = part(&a, 400, 4000);
  assert_ok(backend->fill(device, queue, &middle, 7, &err), err);
  assert_ok(backend->fill(device, queue, &b, 1, &err), err);
  assay_slice from = part(&a, 200, 1000), to = part(&b, 4, 1000);
  assert_ok(backend->copy(device, queue, &to, &from, &err), err);
  assert_ok(backend->read(device, queue, &b, back, &err), err);
  sync(queue);
  for (size_t i = 0; i < WORDS; i++) {
    size_t byte = i * 4;
    uint32_t want = byte < 4 || byte >= 1004 ? 1 : byte - 4 + 200 < 400 ? 0x12345678 : 7;
    assert_int_equal(back[i], want);
  }
  free(back);
  free_buffer(&a), free_buffer(&b);
  backend->queue_destroy(device, queue);
}

/* Many small commands in one queue: each read sees the write before it, not the one behind it. */
void contract_keeps_order(void **state) {
  (void)state;
  enum { TURNS = 300 };
  void *queue = make_queue();
  assay_slice buffer = make_buffer(4096);
  uint32_t got[TURNS], sent[TURNS];
  for (uint32_t i = 0; i < TURNS; i++) {
    sent[i] = i * 3 + 1;
    assay_slice word = part(&buffer, (i % 7) * 4, 4);
    assert_ok(backend->write(device, queue, &word, &sent[i], &err), err);
    assert_ok(backend->read(device, queue, &word, &got[i], &err), err);
  }
  sync(queue);
  assert_memory_equal(got, sent, sizeof got);
  free_buffer(&buffer);
  backend->queue_destroy(device, queue);
}

/* Work in one queue waits for an event of another. */
void contract_orders_queues(void **state) {
  (void)state;
  enum { BYTES = 8 << 20 };
  void *first = make_queue(), *second = make_queue(), *mark = NULL;
  assay_slice a = make_buffer(BYTES), b = make_buffer(BYTES);
  unsigned char *data = make_pattern(BYTES, 5), *back = calloc(1, BYTES);
  assert_ok(backend->event_create(device, &err, &mark), err);
  for (int turn = 0; turn < 3; turn++) {
    for (size_t i = 0; i < BYTES; i++) data[i] = pattern(i, (unsigned)turn * 999983);
    assert_ok(backend->fill(device, first, &a, 0, &err), err);
    assert_ok(backend->write(device, first, &a, data, &err), err);
    assert_ok(backend->event_record(device, mark, first, &err), err);
    assert_ok(backend->event_wait(device, second, mark, &err), err);
    assert_ok(backend->copy(device, second, &b, &a, &err), err);
    assert_ok(backend->read(device, second, &b, back, &err), err);
    sync(second);
    assert_memory_equal(back, data, BYTES);
    sync(first);
  }
  backend->event_destroy(device, mark);
  free(data), free(back);
  free_buffer(&a), free_buffer(&b);
  backend->queue_destroy(device, first), backend->queue_destroy(device, second);
}

void contract_times_events(void **state) {
  (void)state;
  void *queue = make_queue(), *begin = NULL, *end = NULL;
  assay_slice a = make_buffer(16 << 20);
  double ns = -1;
  assert_ok(backend->event_create(device, &err, &begin), err);
  assert_ok(backend->event_create(device, &err, &end), err);
  assert_ok(backend->event_record(device, begin, queue, &err), err);
  for (uint32_t i = 0; i < 4; i++) assert_ok(backend->fill(device, queue, &a, i, &err), err);
  assert_ok(backend->event_record(device, end, queue, &err), err);
  assert_ok(backend->event_elapsed(device, begin, end, &err, &ns), err);
  assert_true(ns > 0 && ns < 60e9);
  sync(queue);
  backend->event_destroy(device, begin), backend->event_destroy(device, end);
  free_buffer(&a);
  backend->queue_destroy(device, queue);
}

/* What a kernel writes over the bus is read as it was when the read was asked for, whatever comes behind it. */
void contract_gives_results_directly(void **state) {
  (void)state;
  if (backend->direct_alloc == NULL) skip();
  enum { MOST = 64 };
  const assay_kernel *row = assay_kernel_find("mc_european_f32");
  void *queue = make_queue(), *other = make_queue(), *kernel = NULL, *taken[MOST];
  kernel_case made;
  assert_true(kernel_case_make(row, 2, &made));
  assert_ok(backend->kernel_find(device, row->name, &err, &kernel), err);
  void *reference = malloc(made.bytes[0]);
  double *back = malloc(made.bytes[0]), *later = malloc(made.bytes[0]);
  kernel_case_run(&made, ASSAY_KERNEL_VARIANT_c, &reference);
  for (int turn = 0; turn < 3; turn++) {
    assay_slice slice = {.memory = backend->direct_alloc(device, queue, made.bytes[0]), .bytes = made.bytes[0]};
    assert_non_null(slice.memory);
    assert_ok(backend->launch(device, queue, kernel, made.groups, made.params, row->params_bytes, &slice, 1, &err), err);
    assert_ok(backend->read(device, queue, &slice, back, &err), err);
    assert_ok(backend->fill(device, queue, &slice, 0x40404040, &err), err);
    assert_ok(backend->read(device, queue, &slice, later, &err), err);
    backend->direct_free(device, slice.memory, true);
    sync(queue);
    assert_memory_equal(back, reference, made.bytes[0]);
    for (size_t i = 0; i < made.bytes[0] / sizeof *later; i++) assert_true(later[i] == later[0] && later[i] > 32);
  }
  /* They run out, and none is given out twice. */
  assert_null(backend->direct_alloc(device, queue, 1 << 30));
  size_t got = 0;
  for (; got < MOST && (taken[got] = backend->direct_alloc(device, got % 2 ? queue : other, 8)) != NULL; got++) {
    for (size_t i = 0; i < got; i++) assert_ptr_not_equal(taken[i], taken[got]);
  }
  assert_in_range(got, 1, MOST - 1);
  for (size_t i = 0; i < got; i++) backend->direct_free(device, taken[i], i > 0); /* the first never again */
  for (size_t i = 1; i < got; i++) assert_non_null(taken[i] = backend->direct_alloc(device, queue, 8));
  assert_null(backend->direct_alloc(device, queue, 8));
  for (size_t i = 1; i < got; i++) backend->direct_free(device, taken[i], true);
  free(reference), free(back), free(later);
  kernel_case_free(&made);
  backend->queue_destroy(device, queue), backend->queue_destroy(device, other);
}

/* "No number" is one value: processors and GPUs differ in its sign and payload, which no standard fixes. */
static bool both_nan(const void *a, const void *b, size_t byte, unsigned bits) {
  double x[2];
  float y[2];
  memcpy(&x[0], (const char *)a + byte / 8 * 8, sizeof *x), memcpy(&x[1], (const char *)b + byte / 8 * 8, sizeof *x);
  memcpy(&y[0], (const char *)a + byte / 4 * 4, sizeof *y), memcpy(&y[1], (const char *)b + byte / 4 * 4, sizeof *y);
  return bits == 64 ? isnan(x[0]) && isnan(x[1]) : isnan(y[0]) && isnan(y[1]);
}

/* Runs a case of a kernel on the device and compares all buffers with what the scalar reference made of them. */
static void compare_case(void *queue, void *kernel, kernel_case *made) {
  assay_slice slices[ASSAY_KERNEL_MAX_BUFFERS];
  void *reference[ASSAY_KERNEL_MAX_BUFFERS], *back[ASSAY_KERNEL_MAX_BUFFERS];
  unsigned buffers = made->kernel->buffers;
  for (unsigned i = 0; i < buffers; i++) {
    slices[i] = make_buffer(made->bytes[i]);
    reference[i] = malloc(made->bytes[i]), back[i] = malloc(made->bytes[i]);
    memcpy(reference[i], made->buffers[i], made->bytes[i]);
    assert_ok(backend->write(device, queue, &slices[i], made->buffers[i], &err), err);
  }
  assert_ok(backend->launch(device, queue, kernel, made->groups, made->params, made->kernel->params_bytes, slices, buffers, &err), err);
  for (unsigned i = 0; i < buffers; i++) assert_ok(backend->read(device, queue, &slices[i], back[i], &err), err);
  sync(queue);
  kernel_case_run(made, ASSAY_KERNEL_VARIANT_c, reference);
  kernel_case_settle(made, reference), kernel_case_settle(made, back);
  for (unsigned i = 0; i < buffers; i++) {
    for (size_t byte = 0; byte < made->bytes[i] && (made->own >> i & 1) == 0; byte++) {
      if (((unsigned char *)back[i])[byte] == ((unsigned char *)reference[i])[byte]) continue;
      if (both_nan(back[i], reference[i], byte, made->kernel->bits)) continue;
      fail_msg("%s over %zu groups: byte %zu of buffer %u differs from the scalar reference", made->kernel->name, made->groups, byte, i);
    }
    free(reference[i]), free(back[i]);
    free_buffer(&slices[i]);
  }
}

void contract_gives_same_bits(void **state) {
  (void)state;
  size_t kernels = 0, cases = 0;
  const assay_kernel *table = assay_kernel_table(&kernels);
  void *queue = make_queue();
  for (size_t i = 0; i < kernels; i++) {
    void *kernel = NULL;
    assay_status status = backend->kernel_find(device, table[i].name, &err, &kernel);
    if (status == ASSAY_ERR_UNSUPPORTED && (infos[current].flags & ASSAY_DEVICE_F64) == 0) {
      printf("%s\n", err.message);
      assay_error_clear(&err);
      continue;
    }
    assert_ok(status, err);
    kernel_case made;
    size_t index = 0;
    for (; kernel_case_make(&table[i], index, &made); index++, cases++) {
      compare_case(queue, kernel, &made);
      kernel_case_free(&made);
    }
    if (index == 0) fail_msg("%s has no case in tests/support/kernel_cases.c", table[i].name);
  }
  printf("%zu cases of %zu kernels with the bits of the scalar reference\n", cases, kernels);
  backend->queue_destroy(device, queue);
}

/* One kernel from two threads, each with its own queue and arguments. */
typedef struct job {
  void *kernel;
  kernel_case made;
  bool same;
} job;

static void *run_job(void *argument) {
  job *j = argument;
  assay_error problem = {0};
  void *queue = NULL;
  double *reference = malloc(j->made.bytes[0]), *back = malloc(j->made.bytes[0]);
  void *memory = reference;
  assay_slice slice = {.bytes = j->made.bytes[0]};
  kernel_case_run(&j->made, ASSAY_KERNEL_VARIANT_c, &memory);
  j->same = backend->queue_create(device, &problem, &queue) == ASSAY_OK &&
            backend->memory_alloc(device, slice.bytes, &problem, &slice.memory) == ASSAY_OK;
  for (int turn = 0; turn < 20 && j->same; turn++) {
    j->same = backend->launch(device, queue, j->kernel, j->made.groups, j->made.params, j->made.kernel->params_bytes, &slice, 1,
                              &problem) == ASSAY_OK &&
              backend->read(device, queue, &slice, back, &problem) == ASSAY_OK &&
              backend->queue_sync(device, queue, &problem) == ASSAY_OK && memcmp(back, reference, slice.bytes) == 0;
  }
  if (slice.memory != NULL) backend->memory_free(device, slice.memory);
  if (queue != NULL) backend->queue_destroy(device, queue);
  free(reference), free(back);
  return NULL;
}

void contract_runs_queues_at_once(void **state) {
  (void)state;
  const assay_kernel *row = assay_kernel_find("mc_european_f32");
  if ((infos[current].flags & ASSAY_DEVICE_F64) == 0) return;
  job jobs[2] = {0};
  pthread_t threads[2];
  for (size_t i = 0; i < 2; i++) {
    assert_ok(backend->kernel_find(device, row->name, &err, &jobs[i].kernel), err);
    assert_true(kernel_case_make(row, i, &jobs[i].made));
  }
  for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
  for (size_t i = 0; i < 2; i++) {
    pthread_join(threads[i], NULL);
    assert_true(jobs[i].same);
    kernel_case_free(&jobs[i].made);
  }
}

void contract_refuses_unknown_kernels(void **state) {
  (void)state;
  void *kernel = &kernel;
  assert_int_equal(backend->kernel_find(device, "no_such_kernel", &err, &kernel), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "no_such_kernel"));
  assert_ptr_equal(kernel, &kernel);
  assay_error_clear(&err);
}

void contract_says_when_memory_is_out(void **state) {
  (void)state;
  void *memory = &memory;
  size_t far_too_much = (size_t)1 << 50;
  assert_int_equal(backend->memory_alloc(device, far_too_much, &err, &memory), ASSAY_ERR_NO_MEMORY);
  assert_non_null(strstr(err.message, "1125899906842624"));
  assert_ptr_equal(memory, &memory);
  assay_error_clear(&err);
  assay_slice small = make_buffer(100); /* and the device goes on */
  free_buffer(&small);
}

void contract_reopens(void **state) {
  (void)state;
  backend->close(device);
  open_current();
  contract_copies_and_fills(NULL);
}

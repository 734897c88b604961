/* SPDX-License-Identifier: MIT */
/* What is declared and not written yet. */
#include <assay/device.h>

int assay_perf_enabled;

size_t assay_device_list(assay_device_row *rows, size_t capacity) {
  (void)rows;
  (void)capacity;
  return 0;
}

assay_status assay_device_open(const char *request, assay_error *err, assay_device **device) {
  (void)request;
  (void)device;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

void assay_device_close(assay_device *device) { (void)device; }

assay_status assay_device_default(assay_error *err, assay_device **device) {
  (void)device;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

const assay_device_info *assay_device_get_info(const assay_device *device) {
  (void)device;
  return NULL;
}

const char *assay_device_reason(const assay_device *device) {
  (void)device;
  return "";
}

bool assay_device_is_exact(const assay_device *device) {
  (void)device;
  return 0;
}

bool assay_device_supports(const assay_device *device, const char *operation) {
  (void)device;
  (void)operation;
  return 0;
}

assay_status assay_device_run(assay_device *device, assay_device_work work, void *context, assay_error *err,
                              assay_device_outcome *outcome) {
  (void)device;
  (void)work;
  (void)context;
  (void)outcome;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_stream_create(assay_device *device, assay_error *err, assay_stream **stream) {
  (void)device;
  (void)stream;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

void assay_stream_destroy(assay_stream *stream) { (void)stream; }

assay_status assay_stream_sync(assay_stream *stream, assay_error *err) {
  (void)stream;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_event_create(assay_device *device, assay_error *err, assay_event **event) {
  (void)device;
  (void)event;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

void assay_event_destroy(assay_event *event) { (void)event; }

assay_status assay_event_record(assay_event *event, assay_stream *stream, assay_error *err) {
  (void)event;
  (void)stream;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_stream_wait(assay_stream *stream, assay_event *event, assay_error *err) {
  (void)stream;
  (void)event;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_event_elapsed(assay_event *begin, assay_event *end, assay_error *err, double *ns) {
  (void)begin;
  (void)end;
  (void)ns;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_stream_launch(assay_stream *stream, const char *kernel, size_t groups, const void *params, size_t params_bytes,
                                 assay_buffer *const *buffers, size_t count, assay_error *err) {
  (void)stream;
  (void)kernel;
  (void)groups;
  (void)params;
  (void)params_bytes;
  (void)buffers;
  (void)count;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_alloc(assay_stream *stream, size_t bytes, const char *label, assay_error *err, assay_buffer **buffer) {
  (void)stream;
  (void)bytes;
  (void)label;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

void assay_buffer_free(assay_buffer *buffer) { (void)buffer; }

size_t assay_buffer_bytes(const assay_buffer *buffer) {
  (void)buffer;
  return 0;
}

void *assay_buffer_host(assay_buffer *buffer) {
  (void)buffer;
  return NULL;
}

assay_status assay_buffer_write(assay_stream *stream, assay_buffer *buffer, size_t offset, const void *source, size_t bytes,
                                assay_error *err) {
  (void)stream;
  (void)buffer;
  (void)offset;
  (void)source;
  (void)bytes;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_read(assay_stream *stream, const assay_buffer *buffer, size_t offset, void *target, size_t bytes,
                               assay_error *err) {
  (void)stream;
  (void)buffer;
  (void)offset;
  (void)target;
  (void)bytes;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_copy(assay_stream *stream, assay_buffer *to, size_t to_offset, const assay_buffer *from, size_t from_offset,
                               size_t bytes, assay_error *err) {
  (void)stream;
  (void)to;
  (void)to_offset;
  (void)from;
  (void)from_offset;
  (void)bytes;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_fill(assay_stream *stream, assay_buffer *buffer, size_t offset, uint32_t value, size_t bytes, assay_error *err) {
  (void)stream;
  (void)buffer;
  (void)offset;
  (void)value;
  (void)bytes;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_borrow_in(assay_stream *stream, const void *array, size_t bytes, const char *label, assay_error *err,
                                    assay_buffer **buffer) {
  (void)stream;
  (void)array;
  (void)bytes;
  (void)label;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_borrow_out(assay_stream *stream, void *array, size_t bytes, const char *label, assay_error *err,
                                     assay_buffer **buffer) {
  (void)stream;
  (void)array;
  (void)bytes;
  (void)label;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_give_back(assay_stream *stream, assay_buffer *buffer, assay_error *err) {
  (void)stream;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_buffer_cached(assay_stream *stream, const char *key, size_t bytes, const char *label, assay_error *err, bool *fresh,
                                 assay_buffer **buffer) {
  (void)stream;
  (void)key;
  (void)bytes;
  (void)label;
  (void)fresh;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

assay_status assay_scope_alloc(assay_buffer_scope *scope, assay_stream *stream, size_t bytes, const char *label, assay_error *err,
                               assay_buffer **buffer) {
  (void)scope;
  (void)stream;
  (void)bytes;
  (void)label;
  (void)buffer;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "devices are not there yet");
}

void assay_scope_end(assay_buffer_scope *scope) { (void)scope; }

const char *assay_memory_pressure_text(assay_memory_pressure pressure) {
  (void)pressure;
  return "";
}

void assay_device_memory(const assay_device *device, assay_memory_stats *stats) {
  (void)device;
  (void)stats;
}

size_t assay_device_memory_classes(const assay_device *device, assay_memory_row *rows, size_t capacity) {
  (void)device;
  (void)rows;
  (void)capacity;
  return 0;
}

size_t assay_device_memory_labels(const assay_device *device, assay_memory_row *rows, size_t capacity) {
  (void)device;
  (void)rows;
  (void)capacity;
  return 0;
}

uint64_t assay_device_trim(assay_device *device, uint64_t keep_bytes) {
  (void)device;
  (void)keep_bytes;
  return 0;
}

uint64_t assay_device_defragment(assay_device *device) {
  (void)device;
  return 0;
}

void assay_device_set_memory_limit(assay_device *device, uint64_t bytes) {
  (void)device;
  (void)bytes;
}

void assay_device_get_health(const assay_device *device, assay_device_health *health) {
  (void)device;
  (void)health;
}

const char *assay_activity_kind_text(assay_activity_kind kind) {
  (void)kind;
  return "";
}

size_t assay_activity_read(uint64_t *cursor, assay_activity *rows, size_t capacity, uint64_t *lost) {
  (void)cursor;
  (void)rows;
  (void)capacity;
  (void)lost;
  return 0;
}

const char *assay_activity_device(unsigned device) {
  (void)device;
  return "";
}

size_t assay_activity_summarise(assay_activity_stats *rows, size_t capacity, uint64_t *covered, uint64_t *dropped) {
  (void)rows;
  (void)capacity;
  (void)covered;
  (void)dropped;
  return 0;
}

void assay_perf_start(assay_perf *perf, const char *label) {
  (void)perf;
  (void)label;
}

void assay_perf_finish(assay_perf *perf, double bytes, double flops) {
  (void)perf;
  (void)bytes;
  (void)flops;
}

void assay_perf_enable(bool on) { (void)on; }

void assay_perf_set_device(assay_perf *perf, const assay_device *device) {
  (void)perf;
  (void)device;
}

bool assay_perf_get(const assay_perf *perf, double limit_ns, assay_perf_report *report) {
  (void)perf;
  (void)limit_ns;
  (void)report;
  return 0;
}

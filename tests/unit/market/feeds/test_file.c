/* SPDX-License-Identifier: MIT */
/* Recordings window by window: the same messages as all at once, in little memory, whatever happens to the file meanwhile. */
#include <assay/feed_csv.h>
#include <assay/feed_dbn.h>
#include <assay/feed_file.h>
#include <assay/feed_fix.h>
#include <assay/feed_itch.h>
#include <assay/feed_json.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "test.h"

enum { WINDOW = 4096, LEVELS = 20000 };

static char path[] = "/tmp/assay-feed-file-XXXXXX";
static int fd = -1;

static void put_file(const void *bytes, size_t size) {
  assert_int_equal(ftruncate(fd, 0), 0);
  assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
}

static int make_file(void **state) {
  (void)state;
  fd = mkstemp(path);
  return fd < 0;
}

static int remove_file(void **state) {
  (void)state;
  return close(fd) + unlink(path);
}

static assay_feed_file *open_file(size_t most) {
  assay_feed_file *file = NULL;
  assay_error err = {0};
  assert_ok(assay_feed_file_open(path, &(assay_feed_file_options){.window = WINDOW, .most = most}, &err, &file), err);
  return file;
}

/* ---- All formats --------------------------------------------------------------------------------------------------------------------- */

/* Readers of all formats, and a sum of what each message is. */
typedef union any_reader {
  assay_feed_reader in; /* is what each of them begins with */
  assay_binance_reader json;
  assay_csv_reader csv;
  assay_dbn_reader dbn;
} any_reader;

static assay_binance_level levels[LEVELS];

static void open_reader(any_reader *r, assay_feed_format format) {
  if (format == ASSAY_FEED_JSON) assay_binance_open(&r->json, NULL, 0, 8, 8, levels, LEVELS);
  if (format == ASSAY_FEED_CSV) assay_csv_open(&r->csv, NULL, 0, 8, 8);
  if (format == ASSAY_FEED_DBN) assay_dbn_open(&r->dbn, NULL, 0);
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < size; i++) sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
  return sum;
}

static assay_feed_step next(any_reader *r, assay_feed_format format, uint64_t *sum) {
  assay_itch_message itch;
  assay_fix_message fix;
  assay_dbn_record record;
  assay_binance_message json;
  assay_csv_row row;
  assay_feed_step step;
  switch (format) {
    case ASSAY_FEED_ITCH:
      step = assay_itch_next(&r->in, &itch);
      if (step == ASSAY_FEED_MESSAGE) *sum = mix(*sum, itch.as, itch.length);
      return step;
    case ASSAY_FEED_FIX:
      step = assay_fix_next(&r->in, &fix);
      if (step == ASSAY_FEED_MESSAGE) *sum = mix(*sum, fix.data, fix.length);
      return step;
    case ASSAY_FEED_DBN:
      step = assay_dbn_next(&r->dbn, &record);
      if (step == ASSAY_FEED_MESSAGE) *sum = mix(*sum, record.data, record.length);
      return step;
    case ASSAY_FEED_JSON:
      step = assay_binance_next(&r->json, &json);
      if (step != ASSAY_FEED_MESSAGE) return step;
      *sum = mix(mix(*sum, &json.price, sizeof json.price), &json.last_update, sizeof json.last_update);
      if (json.bid_count > 0) *sum = mix(*sum, json.bids, json.bid_count * sizeof *json.bids);
      return step;
    default:
      step = assay_csv_next(&r->csv, &row);
      if (step == ASSAY_FEED_MESSAGE) *sum = mix(mix(*sum, &row.price, sizeof row.price), &row.time_ns, sizeof row.time_ns);
      return step;
  }
}

static uint64_t read_whole(const uint8_t *bytes, size_t size, assay_feed_format format, uint64_t *count) {
  any_reader r = {0};
  uint64_t sum = 0;
  open_reader(&r, format);
  assay_feed_open(&r.in, bytes, size);
  while (next(&r, format, &sum) == ASSAY_FEED_MESSAGE) continue;
  assert_null(r.in.fault.problem);
  *count = r.in.count;
  return sum;
}

static uint64_t read_windows(assay_feed_file *file, assay_feed_format format, uint64_t *count) {
  any_reader r = {0};
  assay_error err = {0};
  uint64_t sum = 0;
  open_reader(&r, format);
  assay_feed_file_begin(file, &r.in);
  for (;;) {
    while (next(&r, format, &sum) == ASSAY_FEED_MESSAGE) continue;
    if (r.in.fault.problem != NULL || r.in.last) break;
    assert_ok(assay_feed_file_more(file, &r.in, &err), err);
  }
  assert_null(r.in.fault.problem);
  *count = r.in.count;
  return sum;
}

static void test_windows_are_the_whole(void **state) {
  (void)state;
  for (int format = ASSAY_FEED_ITCH; format < ASSAY_FEED_FORMATS; format++) {
    const assay_feed_market market = {.format = (assay_feed_format)format, .seed = 3, .messages = 20000, .symbols = 3, .orders = 200};
    assay_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t whole = 0, parts = 0;
    assert_ok(assay_feed_generate(&market, &err, &bytes, &size), err);
    put_file(bytes, size);
    assay_feed_file *file = open_file(0);
    assert_int_equal(read_windows(file, market.format, &parts), read_whole(bytes, size, market.format, &whole));
    assert_int_equal(parts, whole);
    assert_true(parts > 1000);
    const assay_feed_file_place place = assay_feed_file_where(file);
    assert_int_equal(place.passed, size);
    assert_int_equal(place.size, size);
    assert_null(assay_feed_file_changed(file));
    assay_feed_file_close(file);
    assay_feed_generated_free(bytes);
  }
}

/* ---- What a window is ------------------------------------------------------------------------------------------------------------------
 */

/* `size` bytes of a quoted cell, in a table of two rows. */
static void put_long_row(size_t size) {
  static const char head[] = "time,price,symbol\n1704205800,1,A\n1704205801,2,\"", tail[] = "\"\n";
  char *text = malloc(size + sizeof head + sizeof tail);
  memcpy(text, head, sizeof head - 1);
  memset(text + sizeof head - 1, 'x', size);
  memcpy(text + sizeof head - 1 + size, tail, sizeof tail - 1);
  put_file(text, sizeof head - 1 + size + sizeof tail - 1);
  free(text);
}

static void test_a_message_longer_than_the_window(void **state) {
  (void)state;
  uint64_t count = 0;
  put_long_row(100000);
  assay_feed_file *file = open_file(0);
  read_windows(file, ASSAY_FEED_CSV, &count);
  assert_int_equal(count, 2);
  assay_feed_file_close(file);
  file = open_file(65536);
  any_reader r = {0};
  assay_error err = {0};
  uint64_t sum = 0;
  open_reader(&r, ASSAY_FEED_CSV);
  assay_feed_file_begin(file, &r.in);
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && !r.in.last) {
    while (next(&r, ASSAY_FEED_CSV, &sum) == ASSAY_FEED_MESSAGE) continue;
    status = assay_feed_file_more(file, &r.in, &err);
  }
  assert_int_equal(status, ASSAY_ERR_LIMIT);
  assert_int_equal(r.in.count, 1);
  assert_non_null(strstr(err.message, "longer than 65536 bytes"));
  assay_feed_file_close(file);
}

/* A window that is as long as it may become is as full as it can be, and one message behind the other fits. */
static void test_messages_as_long_as_the_window(void **state) {
  (void)state;
  enum { FIRST = 1000, SECOND = 4000 };
  static const char bytes[20000];
  put_file(bytes, sizeof bytes);
  assay_feed_file *file = open_file(WINDOW);
  assay_error err = {0};
  assay_feed_reader reader;
  assay_feed_file_begin(file, &reader);
  reader.at = FIRST;
  assert_ok(assay_feed_file_more(file, &reader, &err), err);
  assert_true(reader.size >= SECOND);
  for (reader.at = SECOND; !reader.last; reader.at = reader.size) assert_ok(assay_feed_file_more(file, &reader, &err), err);
  assert_int_equal(assay_feed_file_where(file).passed, sizeof bytes);
  assay_feed_file_close(file);
}

/* The reader that looks for semicolons between words. */
static size_t words_off(void *context, uint8_t *bytes, size_t size, bool last) {
  ++*(size_t *)context;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] == '|') bytes[i] = ',';
  return last || size < 7 ? last ? size : 0 : size - 7;
}

static void test_what_is_prepared(void **state) {
  (void)state;
  enum { ROWS = 3000 };
  static char text[ROWS * 16 + 32];
  size_t length = (size_t)snprintf(text, sizeof text, "time|price\n"), calls = 0;
  for (int i = 0; i < ROWS; i++) length += (size_t)snprintf(text + length, sizeof text - length, "17042%05d|%d\n", i, i);
  put_file(text, length);
  assay_error err = {0};
  uint64_t count = 0;
  assay_feed_file *file = open_file(0);
  assert_ok(assay_feed_file_set_prepare(file, words_off, &calls, &err), err);
  read_windows(file, ASSAY_FEED_CSV, &count);
  assert_int_equal(count, ROWS);
  assert_true(calls > 5);
  assay_feed_file_close(file);
}

/* Nothing before the end. */
static size_t only_at_the_end(void *context, uint8_t *bytes, size_t size, bool last) {
  (void)bytes;
  ++*(size_t *)context;
  return last ? size : 0;
}

/* A sender of little at a time, which makes sense only together, does not make it be looked at each time. */
static void test_a_pipe_in_little_pieces(void **state) {
  (void)state;
  enum { PIECE = 1000, PIECES = 2000 };
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    static char piece[PIECE];
    memset(piece, '\n', sizeof piece);
    for (int i = 0; i < PIECES; i++)
      if (write(ends[1], piece, sizeof piece) != (ssize_t)sizeof piece) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  char name[32];
  snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
  assay_feed_file *file = NULL;
  assay_error err = {0};
  size_t calls = 0;
  assert_ok(assay_feed_file_open(name, &(assay_feed_file_options){.window = WINDOW}, &err, &file), err);
  assert_ok(assay_feed_file_set_prepare(file, only_at_the_end, &calls, &err), err);
  assay_feed_reader reader;
  assay_feed_file_begin(file, &reader);
  assert_int_equal(reader.size, PIECE * PIECES);
  assert_true(reader.last);
  assert_true(calls <= 16);
  assert_null(assay_feed_file_changed(file));
  assay_feed_file_close(file);
  close(ends[0]);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- What happens meanwhile ------------------------------------------------------------------------------------------------------------
 */

static void test_a_file_that_changes(void **state) {
  (void)state;
  enum { SIZE = 1000000 };
  static char bytes[2 * SIZE];
  assay_error err = {0};
  memset(bytes, '\n', sizeof bytes);
  for (int longer = 0; longer < 2; longer++) {
    put_file(bytes, SIZE);
    assay_feed_file *file = open_file(0);
    assay_feed_reader reader;
    assay_feed_file_begin(file, &reader);
    assert_false(reader.last);
    if (longer)
      put_file(bytes, sizeof bytes);
    else
      assert_int_equal(ftruncate(fd, SIZE / 2), 0);
    for (reader.at = reader.size; !reader.last; reader.at = reader.size) assert_ok(assay_feed_file_more(file, &reader, &err), err);
    assert_int_equal(assay_feed_file_where(file).passed, longer ? 2 * SIZE : SIZE / 2);
    assert_int_equal(assay_feed_file_where(file).cut_off, !longer);
    const char *told = assay_feed_file_changed(file);
    assert_non_null(told);
    assert_non_null(strstr(told, longer ? "longer" : "shorter"));
    assay_feed_file_close(file);
  }
}

static void test_a_file_that_is_written_to(void **state) {
  (void)state;
  put_file("1\n", 2);
  for (int later = 0; later < 2; later++) { /* within a second too */
    const struct timespec begun[] = {{1700000000, 5}, {1700000000, 5}}, then[] = {{1700000000, 5 + later}, {1700000000, 5 + later}};
    assert_int_equal(futimens(fd, begun), 0);
    assay_feed_file *file = open_file(0);
    assert_int_equal(futimens(fd, then), 0);
    const char *told = assay_feed_file_changed(file);
    assert_int_equal(told != NULL, later);
    if (later) assert_non_null(strstr(told, "written to"));
    assay_feed_file_close(file);
  }
}

static void test_what_cannot_be_read(void **state) {
  (void)state;
  assay_feed_file *file = NULL;
  assay_error err = {0};
  assert_int_equal(assay_feed_file_open("/no/such/file", NULL, &err, &file), ASSAY_ERR_NOT_FOUND);
  err = (assay_error){0};
  assert_int_not_equal(assay_feed_file_open("/tmp", NULL, &err, &file), ASSAY_OK);
  assert_non_null(strstr(err.message, "/tmp"));
  assert_null(file);
  assay_feed_file_close(NULL);
  put_file("", 0);
  file = open_file(0);
  assay_feed_reader reader;
  assay_feed_file_begin(file, &reader);
  assert_true(reader.last);
  assert_int_equal(reader.size, 0);
  assay_feed_file_close(file);
}

/* ---- Compressed ------------------------------------------------------------------------------------------------------------------------
 */

/* A frame of Zstandard (RFC 8878) whose blocks are stored; returns its bytes. */
static size_t put_frame(uint8_t *out, const uint8_t *bytes, size_t size) {
  const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
  const size_t most = 100000;
  size_t used = sizeof head;
  memcpy(out, head, sizeof head);
  for (size_t at = 0; at < size;) {
    size_t block = size - at < most ? size - at : most;
    uint32_t mark = (uint32_t)block << 3 | (at + block == size);
    for (int i = 0; i < 3; i++) out[used++] = (uint8_t)(mark >> 8 * i);
    memcpy(out + used, bytes + at, block);
    used += block;
    at += block;
  }
  return used;
}

static void test_compressed(void **state) {
  (void)state;
  static const uint8_t skipped[] = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
  const assay_feed_market market = {.format = ASSAY_FEED_ITCH, .messages = 30000};
  assay_error err = {0};
  uint8_t *bytes = NULL;
  size_t size = 0, used = sizeof skipped;
  uint64_t whole = 0, parts = 0;
  assert_ok(assay_feed_generate(&market, &err, &bytes, &size), err);
  uint8_t *packed = malloc(size + 65536);
  memcpy(packed, skipped, sizeof skipped);
  used += put_frame(packed + used, bytes, 1000);
  used += put_frame(packed + used, bytes + 1000, size - 1000);
  put_file(packed, used);
  assay_feed_file *file = NULL;
  if (assay_feed_file_open(path, NULL, &err, &file) == ASSAY_ERR_UNSUPPORTED) {
    free(packed);
    assay_feed_generated_free(bytes);
    skip();
  }
  assay_feed_file_close(file);
  file = open_file(0);
  assert_int_equal(read_windows(file, ASSAY_FEED_ITCH, &parts), read_whole(bytes, size, ASSAY_FEED_ITCH, &whole));
  assert_int_equal(parts, whole);
  assert_true(assay_feed_file_where(file).packed);
  assert_int_equal(assay_feed_file_where(file).passed, size);
  assay_feed_file_close(file);

  put_file(packed, used / 2); /* what is there comes, then it is told */
  file = open_file(0);
  assay_feed_reader reader;
  assay_feed_file_begin(file, &reader);
  assay_status status = ASSAY_OK;
  for (reader.at = reader.size; status == ASSAY_OK && !reader.last; reader.at = reader.size)
    status = assay_feed_file_more(file, &reader, &err);
  assert_int_equal(status, ASSAY_ERR_CORRUPT);
  assert_true(assay_feed_file_where(file).passed > size / 4);
  assert_non_null(strstr(err.message, path));
  assay_feed_file_close(file);
  free(packed);
  assay_feed_generated_free(bytes);
}

static uint32_t crc_of(const uint8_t *bytes, size_t length) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1) * 0xedb88320u;
  }
  return ~crc;
}

/* A stream in parts, each of which is a frame or a member of two blocks; and of each byte of it, how many are unpacked once it is there: at
 * least those of whole blocks, and not more than are stored. */
typedef struct parted {
  uint8_t bytes[4096];
  size_t size, begins[8], parts;
  size_t whole[4096], stored[4096];
} parted;

static void put_byte(parted *p, uint8_t byte, size_t unpacked) {
  p->bytes[p->size] = byte;
  p->whole[p->size] = p->stored[p->size] = unpacked;
  p->size++;
}

static void put_stored(parted *p, const uint8_t *data, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    put_byte(p, data[i], i + 1);
    if (i + 1 < to) p->whole[p->size - 1] = from;
  }
}

static void put_little(parted *p, uint32_t number, int bytes, size_t unpacked) {
  for (int i = 0; i < bytes; i++) put_byte(p, (uint8_t)(number >> 8 * i), unpacked);
}

static void put_zstd_part(parted *p, const uint8_t *data, size_t at, size_t size) {
  p->begins[p->parts++] = p->size;
  put_little(p, 0xfd2fb528, 4, at);
  put_byte(p, 0xa0, at);
  put_little(p, (uint32_t)size, 4, at);
  for (int block = 0; block < 2; block++) {
    const size_t from = block == 0 ? 0 : size / 3, to = block == 0 ? size / 3 : size;
    put_little(p, (uint32_t)(to - from) << 3 | (block == 1), 3, at + from);
    put_stored(p, data, at + from, at + to);
  }
}

static void put_gzip_part(parted *p, const uint8_t *data, size_t at, size_t size) {
  static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  p->begins[p->parts++] = p->size;
  for (size_t i = 0; i < sizeof head; i++) put_byte(p, head[i], at);
  for (int block = 0; block < 2; block++) {
    const size_t from = block == 0 ? 0 : size / 3, to = block == 0 ? size / 3 : size;
    put_byte(p, block == 1, at + from);
    put_little(p, (uint32_t)(to - from) | ~(uint32_t)(to - from) << 16, 4, at + from);
    put_stored(p, data, at + from, at + to);
  }
  put_little(p, crc_of(data + at, size), 4, at + size);
  put_little(p, (uint32_t)size, 4, at + size);
}

enum { PARTED = 1000 };
static uint8_t parted_data[PARTED];

/* A feed of 1,000 bytes in three parts. */
static void make_parted(parted *p, bool is_gzip) {
  const size_t ends[] = {5, 300, PARTED};
  *p = (parted){0};
  for (size_t i = 0; i < PARTED; i++) parted_data[i] = (uint8_t)('a' + i % 23);
  for (size_t i = 0, at = 0; i < 3; at = ends[i++])
    if (is_gzip)
      put_gzip_part(p, parted_data, at, ends[i] - at);
    else
      put_zstd_part(p, parted_data, at, ends[i] - at);
}

/* Reads all that there is; what came has to be how the data begins. */
static assay_status read_parted(const uint8_t *bytes, size_t size, size_t *read, assay_error *err) {
  assay_feed_file *file = NULL;
  assay_feed_reader reader;
  *err = (assay_error){0};
  *read = 0;
  put_file(bytes, size);
  assay_status status = assay_feed_file_open(path, NULL, err, &file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(file, &reader);
  while (status == ASSAY_OK && !reader.last) status = assay_feed_file_more(file, &reader, err);
  *read = reader.size;
  assert_true(reader.size <= PARTED);
  assert_memory_equal(reader.data, parted_data, reader.size);
  assay_feed_file_close(file);
  return status;
}

/* Cut off at any byte: what is whole of it comes, and where it is cut is told. Between two parts nobody can see that there were more. */
static void test_cut_off_at_every_byte(void **state) {
  (void)state;
  static parted p;
  for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
    make_parted(&p, is_gzip);
    size_t part = 0, read = 0;
    assay_error err;
    for (size_t cut = 4; cut < p.size; cut++) {
      if (part + 1 < p.parts && cut > p.begins[part + 1]) part++;
      const bool is_whole = part + 1 < p.parts && cut == p.begins[part + 1];
      const size_t enough = 4, whole = p.whole[cut - 1], stored = p.stored[cut - 1]; /* fewer say nothing of what they are */
      assay_status status = read_parted(p.bytes, cut, &read, &err);
      if (status == ASSAY_ERR_UNSUPPORTED) skip();
      if (status != (is_whole ? ASSAY_OK : ASSAY_ERR_CORRUPT) || read > stored || (whole >= enough && read < whole))
        fail_msg("%s, cut at %zu: %zu of %zu bytes; %s", is_gzip ? "gzip" : "zstd", cut, read, whole, err.message);
      char where[128];
      snprintf(where, sizeof where, "cut off at byte %zu, in the %s that begins at byte %zu;", cut, is_gzip ? "member" : "frame",
               p.begins[part]);
      if (!is_whole && strstr(err.message, where) == NULL) fail_msg("%s, cut at %zu: %s", where, cut, err.message);
    }
    assert_ok(read_parted(p.bytes, p.size, &read, &err), err);
    assert_int_equal(read, PARTED);
  }
}

static void assert_broken(const parted *p, size_t wanted, const char *says, unsigned long long at) {
  assay_error err;
  size_t read;
  char text[128];
  assay_status status = read_parted(p->bytes, p->size, &read, &err);
  if (status == ASSAY_ERR_UNSUPPORTED) skip();
  snprintf(text, sizeof text, says, at);
  if (status != ASSAY_ERR_CORRUPT || read != wanted || strstr(err.message, text) == NULL)
    fail_msg("%s: %zu bytes, %s", text, read, err.message);
}

/* Behind what readers of Zstandard pass over (a table of contents, a comment), bytes are counted from the file's beginning. */
static void test_cut_off_behind_what_is_passed_over(void **state) {
  (void)state;
  static parted p;
  static uint8_t bytes[16 + sizeof p.bytes] = {0x50, 0x2a, 0x4d, 0x18, 8};
  assay_error err;
  size_t read, cut;
  make_parted(&p, false);
  cut = p.begins[2] + 20;
  memcpy(bytes + 16, p.bytes, p.size);
  assay_status status = read_parted(bytes, 16 + cut, &read, &err);
  if (status == ASSAY_ERR_UNSUPPORTED) skip();
  char where[128];
  snprintf(where, sizeof where, "cut off at byte %zu, in the frame that begins at byte %zu;", 16 + cut, 16 + p.begins[2]);
  assert_int_equal(status, ASSAY_ERR_CORRUPT);
  assert_non_null(strstr(err.message, where));
  uint8_t *unpacked = NULL;
  assert_int_equal(assay_feed_unpack(bytes, 16 + cut, 1 << 20, &err, &unpacked, &read), ASSAY_ERR_CORRUPT);
  assert_non_null(strstr(err.message, where));
}

/* What is damaged, or no part of the stream, comes behind all that is right. */
static void test_damage_in_a_compressed_file(void **state) {
  (void)state;
  static parted p;
  make_parted(&p, false);
  const size_t block = p.begins[2] + 9 + 3 + (PARTED - 300) / 3; /* the third frame's second block */
  p.bytes[block] |= 3 << 1;                                      /* of a type that there is not */
  assert_broken(&p, p.stored[block - 1], "cannot be unpacked at byte %llu: ", block);
  for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
    make_parted(&p, is_gzip);
    const size_t end = p.size;
    for (int i = 0; i < 100; i++) put_byte(&p, 'x', PARTED);
    assert_broken(&p, PARTED, is_gzip ? "no member begins at byte %llu" : "no frame begins at byte %llu", end);
  }
  make_parted(&p, true);
  p.bytes[p.size - 8] ^= 1; /* its check sum */
  assert_broken(&p, PARTED, "cannot be unpacked at byte ", 0);
}

/* Zeros, as a tape has them, end nothing: a member may come behind them, and what is none is told. */
static void test_gzip_between_zeros(void **state) {
  (void)state;
  static parted p;
  assay_error err;
  size_t read;
  make_parted(&p, true);
  p.size = 0;
  put_gzip_part(&p, parted_data, 0, 300);
  for (int i = 0; i < 700; i++) put_byte(&p, 0, 300);
  put_gzip_part(&p, parted_data, 300, PARTED - 300);
  for (int i = 0; i < 100; i++) put_byte(&p, 0, PARTED);
  assay_status status = read_parted(p.bytes, p.size, &read, &err);
  if (status == ASSAY_ERR_UNSUPPORTED) skip();
  assert_ok(status, err);
  assert_int_equal(read, PARTED);
  const size_t end = p.size;
  put_byte(&p, 'x', PARTED);
  assert_broken(&p, PARTED, "cut off at byte %llu, in the member that begins at byte", end + 1);
  for (int i = 0; i < 20; i++) put_byte(&p, 'x', PARTED);
  assert_broken(&p, PARTED, "no member begins at byte %llu", end);
}

/* ---- Zips ------------------------------------------------------------------------------------------------------------------------------
 */

typedef struct zip {
  uint8_t bytes[4096];
  size_t size;
} zip;

static void put_zip(zip *z, const void *bytes, size_t size) {
  memcpy(z->bytes + z->size, bytes, size);
  z->size += size;
}

static void put_number(zip *z, uint32_t number, int bytes) {
  for (int i = 0; i < bytes; i++) put_zip(z, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
}

/* Stored, its name in UTF-8; a name with a slash at its end is a folder. */
static void put_member(zip *z, const char *name, const char *text) {
  const size_t length = strlen(text), name_length = strlen(name);
  put_zip(z, "PK\3\4", 4);
  put_number(z, 20, 2);
  put_number(z, 1 << 11, 2);
  put_number(z, 0, 2);
  put_number(z, 0x58220000, 4); /* 2024-01-02 */
  put_number(z, crc_of((const uint8_t *)text, length), 4);
  put_number(z, (uint32_t)length, 4);
  put_number(z, (uint32_t)length, 4);
  put_number(z, (uint32_t)name_length, 2);
  put_number(z, 0, 2);
  put_zip(z, name, name_length);
  put_zip(z, text, length);
}

/* What stands at the end is not read: it only has to begin as a list of files. */
static void put_list(zip *z) {
  put_zip(z, "PK\1\2", 4);
  for (int i = 0; i < 42; i++) put_number(z, 0, 1);
}

static assay_status read_zip(const zip *z, size_t *read, assay_error *err) {
  assay_feed_file *file = NULL;
  assay_feed_reader reader;
  *err = (assay_error){0};
  *read = 0;
  put_file(z->bytes, z->size);
  assay_status status = assay_feed_file_open(path, NULL, err, &file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(file, &reader);
  for (reader.at = reader.size; status == ASSAY_OK && !reader.last; reader.at = reader.size)
    status = assay_feed_file_more(file, &reader, err);
  *read = (size_t)assay_feed_file_where(file).passed;
  assay_feed_file_close(file);
  return status;
}

static void test_zips(void **state) {
  (void)state;
  static const char rows[] = "time,price\n1704205800,1\n", other[] = "w\xc3\xa4hrung.csv";
  static const struct {
    const char *members[3]; /* those with a dot have rows, but "none.csv" */
    enum { WHOLE, WITHOUT_LIST, IN_A_HEADER } end;
    assay_status status;
    size_t size;
    const char *says;
  } cases[] = {
      {{"a.csv"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"a.csv"}, WITHOUT_LIST, ASSAY_OK, sizeof rows - 1, NULL},
      {{"a.csv"}, IN_A_HEADER, ASSAY_ERR_CORRUPT, sizeof rows - 1, "cannot be unpacked"},
      {{"d/", "d/a.csv"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"d/", "d/e/", "d/e/a.csv"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"a.csv", "d/"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"d/"}, WHOLE, ASSAY_OK, 0, NULL},
      {{"none.csv"}, WHOLE, ASSAY_OK, 0, NULL},
      {{"none.csv", "a.csv"}, WHOLE, ASSAY_ERR_UNSUPPORTED, 0, "several files"},
      {{"a.csv", "b.csv"}, WHOLE, ASSAY_ERR_UNSUPPORTED, sizeof rows - 1, "several files"},
      {{"a.csv", "d/", "b.csv"}, WHOLE, ASSAY_ERR_UNSUPPORTED, sizeof rows - 1, "several files"},
      {{"a.csv", "__MACOSX/._a.csv"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"__MACOSX/._a.csv", "a.csv", "a.txt"}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"a.txt", "b.txt"}, WHOLE, ASSAY_ERR_UNSUPPORTED, sizeof rows - 1, "several files"},
      {{other}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"\xc3\xa4/", other}, WHOLE, ASSAY_OK, sizeof rows - 1, NULL},
      {{"a.csv", other}, WHOLE, ASSAY_ERR_UNSUPPORTED, sizeof rows - 1, "several files"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    zip z = {0};
    assay_error err;
    size_t read = 0;
    for (int m = 0; m < 3 && cases[i].members[m] != NULL; m++) {
      const char *name = cases[i].members[m];
      put_member(&z, name, strchr(name, '.') != NULL && strcmp(name, "none.csv") != 0 ? rows : "");
    }
    if (cases[i].end == WHOLE) put_list(&z);
    if (cases[i].end == IN_A_HEADER) put_zip(&z, "PK\3\4\24\0\0\0", 8);
    assay_status status = read_zip(&z, &read, &err);
    if (i == 0 && status == ASSAY_ERR_UNSUPPORTED) skip();
    if (status != cases[i].status || read != cases[i].size) print_message("case %zu: %s\n", i, err.message);
    assert_int_equal(status, cases[i].status);
    assert_int_equal(read, cases[i].size);
    if (cases[i].says != NULL) assert_non_null(strstr(err.message, cases[i].says));
  }
}

/* What bzip2 and xz make of a table of two lines, and a frame of LZ4 that stores them. */
static void test_other_compressions(void **state) {
  (void)state;
  static const char rows[] = "time,price\n1704205800,1\n";
  static const uint8_t bzip2[] = {0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xda, 0x26, 0x02, 0xf8, 0x00, 0x00,
                                  0x0b, 0xd9, 0x80, 0x00, 0x10, 0x00, 0x04, 0x76, 0xc0, 0x0a, 0x22, 0x54, 0x00, 0x20, 0x00, 0x22,
                                  0x83, 0xd4, 0x7a, 0x68, 0x46, 0x85, 0x30, 0x00, 0x4d, 0x1c, 0x0c, 0xe1, 0x22, 0x4b, 0x72, 0xcc,
                                  0xa2, 0x27, 0xd4, 0x1e, 0xa3, 0xe2, 0xee, 0x48, 0xa7, 0x0a, 0x12, 0x1b, 0x44, 0xc0, 0x5f, 0x00};
  static const uint8_t xz[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
                               0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x17, 0x74, 0x69, 0x6d, 0x65, 0x2c,
                               0x70, 0x72, 0x69, 0x63, 0x65, 0x0a, 0x31, 0x37, 0x30, 0x34, 0x32, 0x30, 0x35, 0x38, 0x30, 0x30,
                               0x2c, 0x31, 0x0a, 0x00, 0x94, 0xbd, 0x5b, 0x65, 0x06, 0xd0, 0x90, 0xf4, 0x00, 0x01, 0x30, 0x18,
                               0x8e, 0x1b, 0xac, 0xec, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};
  uint8_t lz4[] = "\x04\x22\x4d\x18\x60\x40\x82\x18\0\0\x80time,price\n1704205800,1\n\0\0\0";
  const struct {
    const uint8_t *bytes;
    size_t size;
  } cases[] = {{bzip2, sizeof bzip2}, {xz, sizeof xz}, {lz4, sizeof lz4}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_feed_file *file = NULL;
    assay_feed_reader reader;
    assay_error err = {0};
    assert_true(assay_feed_is_packed(cases[i].bytes, cases[i].size));
    put_file(cases[i].bytes, cases[i].size);
    assay_status status = assay_feed_file_open(path, NULL, &err, &file);
    if (status == ASSAY_ERR_UNSUPPORTED) skip();
    assert_ok(status, err);
    assay_feed_file_begin(file, &reader);
    while (!reader.last) assert_ok(assay_feed_file_more(file, &reader, &err), err);
    assert_int_equal(reader.size, sizeof rows - 1);
    assert_memory_equal(reader.data, rows, sizeof rows - 1);
    assay_feed_file_close(file);
  }
}

/* Text of UTF-16 in either order is read as the UTF-8 that it comes to, in windows too; what is no character is U+FFFD. */
static void test_utf16(void **state) {
  (void)state;
  enum { ROUNDS = 3000 };
  static const uint16_t units[] = {'t', ',', 0xe9, 0x20ac, 0xd83d, 0xde00, 0xd83d, 'x', 0xde00, '\n'};
  static const char wanted[] = "t,\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbdx\xef\xbf\xbd\n";
  static uint8_t bytes[2 + 2 * ROUNDS * (sizeof units / sizeof *units) + 1];
  for (int is_big = 0; is_big < 2; is_big++) {
    size_t size = 0, at = 0;
    bytes[size++] = is_big ? 0xfe : 0xff;
    bytes[size++] = is_big ? 0xff : 0xfe;
    for (size_t i = 0; i < ROUNDS * (sizeof units / sizeof *units); i++) {
      const uint16_t unit = units[i % (sizeof units / sizeof *units)];
      bytes[size++] = (uint8_t)(is_big ? unit >> 8 : unit);
      bytes[size++] = (uint8_t)(is_big ? unit : unit >> 8);
    }
    bytes[size++] = 'h'; /* half of a unit */
    put_file(bytes, size);
    assay_feed_file *file = open_file(0);
    assay_feed_reader reader;
    assay_error err = {0};
    assay_feed_file_begin(file, &reader);
    assert_true(reader.size >= 3 && memcmp(reader.data, "\xef\xbb\xbf", 3) == 0); /* the mark is one in UTF-8 too */
    reader.at = 3;
    while (true) {
      for (; reader.at < reader.size && at < ROUNDS * (sizeof wanted - 1); reader.at++, at++)
        if (reader.data[reader.at] != (uint8_t)wanted[at % (sizeof wanted - 1)]) fail_msg("byte %zu", at);
      if (reader.last) break;
      assert_ok(assay_feed_file_more(file, &reader, &err), err);
    }
    assert_int_equal(at, ROUNDS * (sizeof wanted - 1));
    assert_int_equal(reader.size - reader.at, 3);
    assert_memory_equal(reader.data + reader.at, "\xef\xbf\xbd", 3);
    assay_feed_file_close(file);
  }
}

/* The rest of a short message is there at once: it does not wait for what comes behind it. Who is asked before each read may end it. */
static bool count_down(void *context, int pipe_end) {
  (void)pipe_end;
  int *left = context;
  return --*left >= 0;
}

static void test_a_pipe_that_stalls(void **state) {
  (void)state;
  static char bytes[1000];
  int ends[2], reads = 3;
  assert_int_equal(pipe(ends), 0);
  memset(bytes, '\n', sizeof bytes);
  assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
  char name[32];
  snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
  assay_feed_file *file = NULL;
  assay_feed_reader reader;
  assay_error err = {0};
  const assay_feed_file_options options = {.window = WINDOW, .may_read = count_down, .context = &reads};
  alarm(30);
  assert_ok(assay_feed_file_open(name, &options, &err, &file), err);
  assay_feed_file_begin(file, &reader);
  assert_int_equal(reader.size, 1000);
  for (size_t size = 1001; size < 1003; size++) {
    assert_int_equal(write(ends[1], bytes, 1), 1);
    assert_ok(assay_feed_file_more(file, &reader, &err), err);
    assert_int_equal(reader.size, size);
  }
  assert_int_equal(assay_feed_file_more(file, &reader, &err), ASSAY_ERR_INTERRUPTED);
  assert_int_equal(reader.size, 1002); /* as before */
  alarm(0);
  assay_feed_file_close(file);
  close(ends[0]);
  close(ends[1]);
}

static bool refuse(void *context, int pipe_end) {
  (void)context;
  (void)pipe_end;
  return false;
}

/* Who is asked before each read is asked before there is anybody who writes, too. */
static void test_a_pipe_that_nobody_writes_to(void **state) {
  (void)state;
  char name[] = "/tmp/assay-feed-pipe-XXXXXX";
  assay_feed_file *file = NULL;
  assay_error err = {0};
  const int made = mkstemp(name);
  assert_true(made >= 0);
  close(made);
  assert_int_equal(unlink(name), 0);
  assert_int_equal(mkfifo(name, 0600), 0);
  alarm(20);
  const assay_feed_file_options options = {.may_read = refuse};
  assert_int_equal(assay_feed_file_open(name, &options, &err, &file), ASSAY_ERR_INTERRUPTED);
  alarm(0);
  unlink(name);
}

/* What is there of a long message is given on, whether the rest of it ever comes or not. */
static void test_a_long_message_that_stalls(void **state) {
  (void)state;
  enum { LENGTH = 200000, PIECE = 50000 };
  static uint8_t bytes[PIECE];
  char name[32];
  int ends[2];
  assay_feed_file *file = NULL;
  assay_feed_reader reader;
  assay_error err = {0};
  memset(bytes, ' ', sizeof bytes);
  assert_int_equal(pipe(ends), 0);
  assay_snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
  assert_int_equal(write(ends[1], bytes, PIECE), PIECE);
  alarm(20);
  assert_ok(assay_feed_file_open(name, NULL, &err, &file), err);
  assay_feed_file_begin(file, &reader);
  for (size_t there = 2 * PIECE; there <= LENGTH; there += PIECE) {
    assert_int_equal(write(ends[1], bytes, PIECE), PIECE);
    while (reader.size < there) assert_ok(assay_feed_file_more(file, &reader, &err), err);
    assert_int_equal(reader.size, there);
  }
  alarm(0);
  assay_feed_file_close(file);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows_are_the_whole),
      cmocka_unit_test(test_a_message_longer_than_the_window),
      cmocka_unit_test(test_messages_as_long_as_the_window),
      cmocka_unit_test(test_what_is_prepared),
      cmocka_unit_test(test_a_pipe_in_little_pieces),
      cmocka_unit_test(test_a_pipe_that_stalls),
      cmocka_unit_test(test_a_pipe_that_nobody_writes_to),
      cmocka_unit_test(test_a_long_message_that_stalls),
      cmocka_unit_test(test_a_file_that_changes),
      cmocka_unit_test(test_a_file_that_is_written_to),
      cmocka_unit_test(test_what_cannot_be_read),
      cmocka_unit_test(test_compressed),
      cmocka_unit_test(test_cut_off_at_every_byte),
      cmocka_unit_test(test_cut_off_behind_what_is_passed_over),
      cmocka_unit_test(test_damage_in_a_compressed_file),
      cmocka_unit_test(test_gzip_between_zeros),
      cmocka_unit_test(test_zips),
      cmocka_unit_test(test_other_compressions),
      cmocka_unit_test(test_utf16),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}

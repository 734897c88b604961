/* SPDX-License-Identifier: MIT */
#include "device/binary_cache.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "os/prim.h"

enum { LIMIT = 256 << 20 };

typedef struct header {
  char magic[8];
  uint64_t key, length, checksum;
} header;

static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'B', 'I', '1'};

/* "<cache>/<kind>/<key>.bin", with its folder there; NULL when there is no cache. Free with assay_free. */
static char *path_of(const char *kind, uint64_t key) {
  char *cache = NULL;
  if (assay_os_cache_dir(NULL, &cache) != ASSAY_OK) return NULL;
  assay_buf folder = {0}, path = {0};
  assay_buf_printf(&folder, "%s/%s", cache, kind);
  assay_buf_printf(&path, "%s/%s/%016" PRIx64 ".bin", cache, kind, key);
  assay_free(cache);
  bool there = !folder.failed && !path.failed && assay_os_make_dirs(folder.data, NULL) == ASSAY_OK;
  assay_buf_deinit(&folder);
  if (there) return assay_buf_take(&path);
  assay_buf_deinit(&path);
  return NULL;
}

bool assay_binary_cache_load(const char *kind, uint64_t key, char **data, size_t *length) {
  char *path = path_of(kind, key), *file = NULL;
  size_t size = 0;
  bool read = path != NULL && assay_os_read_file(path, LIMIT, NULL, &file, &size) == ASSAY_OK;
  assay_free(path);
  header head;
  if (!read || size < sizeof head) {
    assay_free(file);
    return false;
  }
  memcpy(&head, file, sizeof head);
  size_t rest = size - sizeof head;
  if (memcmp(head.magic, magic, sizeof magic) != 0 || head.key != key || head.length != rest ||
      head.checksum != assay_hash(ASSAY_HASH_START, file + sizeof head, rest)) {
    assay_free(file);
    return false;
  }
  memmove(file, file + sizeof head, rest);
  *data = file;
  *length = rest;
  return true;
}

void assay_binary_cache_store(const char *kind, uint64_t key, const void *data, size_t length) {
  if (length > LIMIT - sizeof(header)) return;
  char *path = path_of(kind, key), *file = assay_alloc(ASSAY_TAG_DEVICE, sizeof(header) + length);
  if (path != NULL && file != NULL) {
    header head = {.key = key, .length = length, .checksum = assay_hash(ASSAY_HASH_START, data, length)};
    memcpy(head.magic, magic, sizeof magic);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, data, length);
    assay_os_write_file(path, file, sizeof head + length, NULL);
  }
  assay_free(path);
  assay_free(file);
}

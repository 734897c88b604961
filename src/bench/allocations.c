/* SPDX-License-Identifier: MIT */
#include "bench/allocations.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay_config.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "os/prim.h"

typedef void (*read_function)(uint64_t *count, uint64_t *bytes);
static read_function read_counts;

/* The library is not linked but preloaded: its one symbol is looked up. */
static read_function find_function(const char *name) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  read_function function = NULL;
  memcpy(&function, &symbol, sizeof function);
  return function;
}

static const char *sanitizer(void) {
  static const char *const marks[][2] = {{"__asan_init", "AddressSanitizer"},
                                         {"__tsan_init", "ThreadSanitizer"},
                                         {"__msan_init", "MemorySanitizer"},
                                         {"__hwasan_init", "HWAddressSanitizer"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    if (find_function(marks[i][0]) != NULL) return marks[i][1];
  }
  return NULL;
}

static bool is_absent(char *cause, size_t size) {
#ifdef __APPLE__
  snprintf(cause, size, "allocations are not counted on macOS yet");
  return true;
#else
  const char *tool = sanitizer();
  if (tool != NULL) snprintf(cause, size, "this program runs under %s, which has its own allocator", tool);
  const char *preload = getenv("LD_PRELOAD");
  if (tool == NULL && preload != NULL && strstr(preload, "vgpreload") != NULL) {
    tool = "valgrind";
    snprintf(cause, size, "this program runs under valgrind, which has its own allocator");
  }
  return tool != NULL;
#endif
}

bool assay_allocations_counted(char *cause, size_t size) {
  read_counts = find_function("assay_count_read");
  if (read_counts == NULL) {
    if (!is_absent(cause, size)) snprintf(cause, size, "libassay-count.so was not loaded into this process");
    return false;
  }
  /* A program that brings its own malloc is found before the preloaded library, and nothing would ever be counted. */
  assay_allocations before = assay_allocations_read();
  void *volatile block = malloc(1);
  free(block);
  if (assay_allocations_read().count > before.count) return true;
  snprintf(cause, size, "this program brings its own malloc, which cannot be counted from outside");
  return false;
}

assay_allocations assay_allocations_read(void) {
  assay_allocations now = {0};
  read_counts(&now.count, &now.bytes);
  return now;
}

static char *try_place(const char *dir, const char *up) {
  assay_buf path = {0};
  assay_buf_printf(&path, "%s%s/libassay-count.so", dir, up);
  char *found = assay_buf_take(&path);
  if (found != NULL && assay_os_exists(found)) return found;
  assay_free(found);
  return NULL;
}

char *assay_allocations_library(char *cause, size_t size) {
  if (is_absent(cause, size)) return NULL;
  char *found = NULL, *self = NULL;
  if (assay_os_self_path(NULL, &self) == ASSAY_OK && strrchr(self, '/') != NULL) {
    *strrchr(self, '/') = '\0';
    static const char *const ups[] = {"", "/../lib/assay", "/../lib", "/src/observe/preload", "/../src/observe/preload"};
    for (size_t i = 0; i < sizeof ups / sizeof *ups && found == NULL; i++) found = try_place(self, ups[i]);
  }
  assay_free(self);
  if (found == NULL) found = try_place(ASSAY_LIB_DIR_INSTALLED, "");
  if (found == NULL) found = try_place(ASSAY_LIB_DIR_BUILD, "");
  if (found == NULL) snprintf(cause, size, "libassay-count.so is neither beside this program nor in %s", ASSAY_LIB_DIR_INSTALLED);
  /* The loader splits the list at spaces and colons. */
  if (found != NULL && strpbrk(found, " :") != NULL) {
    snprintf(cause, size, "the path of libassay-count.so has a space or a colon, which LD_PRELOAD cannot hold: %s", found);
    assay_free(found);
    found = NULL;
  }
  return found;
}

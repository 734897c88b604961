/* SPDX-License-Identifier: MIT */
/*
 * Facts of this system that are in no file, as text files below /assay. Gathering stores the same text, so a replay takes the same path
 * through the code as live detection.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/buf.h"
#include "machine/source.h"
#include "os/prim.h"

static void write_uname(assay_buf *buf) {
  struct utsname info;
  if (uname(&info) != 0) return;
  assay_buf_printf(buf, "sysname: %s\nrelease: %s\nversion: %s\nmachine: %s\n", info.sysname, info.release, info.version, info.machine);
}

static void write_page_size(assay_buf *buf) { assay_buf_printf(buf, "%zu\n", assay_os_page_size()); }

#if defined(__x86_64__) || defined(__i386__)
static void write_leaf(assay_buf *buf, unsigned leaf, unsigned subleaf) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __cpuid_count(leaf, subleaf, a, b, c, d);
  assay_buf_printf(buf, "leaf %x.%x: %08x %08x %08x %08x\n", leaf, subleaf, a, b, c, d);
}

/* The leaves that isa.c and virtualisation.c look at, and XCR0 where the system has switched XGETBV on (OSXSAVE). */
static void write_cpuid(assay_buf *buf) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __cpuid(0, a, b, c, d);
  unsigned highest = a;
  write_leaf(buf, 0, 0);
  __cpuid(1, a, b, c, d);
  write_leaf(buf, 1, 0);
  if (c >> 27 & 1) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    assay_buf_printf(buf, "xcr0: %08x%08x\n", high, low);
  }
  if (c >> 31 & 1) write_leaf(buf, 0x40000000, 0);
  if (highest >= 7) {
    __cpuid_count(7, 0, a, b, c, d);
    write_leaf(buf, 7, 0);
    if (a >= 1) write_leaf(buf, 7, 1);
  }
  if (highest >= 0x16) write_leaf(buf, 0x16, 0);
  __cpuid(0x80000000, a, b, c, d);
  if (a >= 0x80000001) write_leaf(buf, 0x80000001, 0);
}
#else
static void write_cpuid(assay_buf *buf) { (void)buf; }
#endif

char *assay_live_file(const char *path) {
  static const struct {
    const char *path;
    void (*write)(assay_buf *buf);
  } files[] = {{"/assay/uname", write_uname}, {"/assay/page_size", write_page_size}, {"/assay/cpuid", write_cpuid}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (strcmp(files[i].path, path) != 0) continue;
    assay_buf buf = {0};
    files[i].write(&buf);
    return assay_buf_take(&buf);
  }
  return NULL;
}

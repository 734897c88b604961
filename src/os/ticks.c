/* SPDX-License-Identifier: MIT */
#include "os/ticks.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool assay_ticks_trusted(bool has_rdtscp, bool invariant, const char *clock_source) {
  return has_rdtscp && (invariant || (clock_source != NULL && strcmp(clock_source, "tsc") == 0));
}

#if defined(__x86_64__)
bool assay_ticks_are_ns;

/* The clock that the kernel uses now; "" where it does not say. */
static void read_clock_source(char *text, size_t size) {
  ssize_t length = -1;
  int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    length = read(fd, text, size - 1);
    close(fd);
  }
  text[length > 0 ? length : 0] = '\0';
  text[strcspn(text, "\n")] = '\0';
}

/* CPUID 8000_0001 EDX bit 27 and 8000_0007 EDX bit 8 (Intel SDM vol. 2, AMD APM vol. 3). Before main: a clock must not change between two
 * readings. */
__attribute__((constructor)) static void choose_clock(void) {
  unsigned a, b, c, d;
  bool has_rdtscp = __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (d >> 27 & 1);
  bool invariant = __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1);
  char source[32] = "";
  if (has_rdtscp && !invariant) read_clock_source(source, sizeof source);
  assay_ticks_are_ns = !assay_ticks_trusted(has_rdtscp, invariant, source);
}
#endif

static bool counts_ns(void) {
#if defined(__x86_64__)
  return assay_ticks_are_ns;
#elif defined(__aarch64__)
  return false;
#else
  return true;
#endif
}

const char *assay_ticks_source(void) {
#if defined(__x86_64__)
  return assay_ticks_are_ns ? "clock_gettime, since the rate of the CPU's counter is not known to be constant" : "rdtscp and lfence";
#elif defined(__aarch64__)
  return "isb and cntvct_el0";
#else
  return "clock_gettime";
#endif
}

static double ticks_per_ns;
static pthread_once_t ticks_once = PTHREAD_ONCE_INIT;

static double adopted_ticks_per_ns;

void assay_ticks_adopt(double value) { adopted_ticks_per_ns = value; }

/* The ratio of the counter to the monotonic clock over 5 ms; each end is the tightest of several paired readings, so the error is a few ns.
 */
static void calibrate_ticks(void) {
  if (counts_ns()) {
    ticks_per_ns = 1;
    return;
  }
  if (adopted_ticks_per_ns > 0) {
    ticks_per_ns = adopted_ticks_per_ns;
    return;
  }
#if defined(__aarch64__)
  uint64_t hz;
  __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
  ticks_per_ns = (double)hz / 1e9;
#elif defined(__x86_64__)
  uint64_t tick[2] = {0}, ns[2] = {0};
  for (int end = 0; end < 2; end++) {
    uint64_t tightest = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
      uint64_t before = assay_ticks(), now = assay_os_now_ns(), after = assay_ticks();
      if (after - before >= tightest) continue;
      tightest = after - before;
      tick[end] = before + (after - before) / 2;
      ns[end] = now;
    }
    if (end == 0) {
      while (assay_os_now_ns() - ns[0] < 5000000u) {
      }
    }
  }
  ticks_per_ns = (double)(tick[1] - tick[0]) / (double)(ns[1] - ns[0]);
#endif
}

double assay_ticks_per_ns(void) {
  pthread_once(&ticks_once, calibrate_ticks);
  return ticks_per_ns;
}

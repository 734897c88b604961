/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "machine/topology_load.h"
#include "os/prim.h"

enum {
  CHILD_NO_TOPOLOGY = 3,
  CHILD_SECONDS = 20,
  CHILD_MEMORY_BYTES = 1 << 30,
  XML_BYTES_MAX = 64 << 20, /* 128 cores give 0.2 MB */
};

/* Instruction caches are left out unless asked for. */
static bool configure(hwloc_topology_t topology) {
  return hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) == 0 &&
         hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) == 0;
}

static assay_status load_live(const assay_source *source, assay_error *err, hwloc_topology_t *topology) {
  hwloc_topology_t made = NULL;
  if (hwloc_topology_init(&made) != 0) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the CPU topology");
  /* Devices are found by our own components in a fraction of the time. The x86 back-end asks every CPU in turn by moving there, which takes
   * long and disturbs other work; it is needed only where the system publishes nothing. */
  static const char *const unwanted[] = {"pci", "opencl", "cuda", "nvml", "rsmi", "levelzero", "gl"};
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
    hwloc_topology_set_components(made, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, unwanted[i]);
  if (assay_source_exists(source, "/sys/devices/system/cpu/cpu0/topology"))
    hwloc_topology_set_components(made, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  if (!configure(made) || hwloc_topology_load(made) != 0) {
    hwloc_topology_destroy(made);
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "hwloc could not read the CPU topology of this system");
  }
  *topology = made;
  return ASSAY_OK;
}

/* AddressSanitizer reserves terabytes of address space, so the limit cannot hold there. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

static void limit_child(void) {
  struct rlimit limit = {.rlim_cur = CHILD_SECONDS, .rlim_max = CHILD_SECONDS};
  setrlimit(RLIMIT_CPU, &limit);
  limit = (struct rlimit){0, 0};
  setrlimit(RLIMIT_CORE, &limit);
  setrlimit(RLIMIT_FSIZE, &limit);
  if (LIMIT_MEMORY) {
    limit = (struct rlimit){CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES};
    setrlimit(RLIMIT_AS, &limit);
  }
}

/* hwloc takes the root of a replay from the environment only; here it is the child's own. */
static void point_hwloc_at(const char *root) {
  static const char *const others[] = {"HWLOC_XMLFILE", "HWLOC_SYNTHETIC", "HWLOC_PLUGINS_PATH", "HWLOC_CPUID_PATH", "HWLOC_DEBUG_VERBOSE"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) unsetenv(others[i]);
  setenv("HWLOC_FSROOT", root, 1);
  setenv("HWLOC_DUMPED_HWDATA_DIR", "/nonexistent", 1);
  setenv("HWLOC_THISSYSTEM", "0", 1);
  setenv("HWLOC_COMPONENTS", "linux,stop", 1); /* nothing of this machine may leak into the replay */
  setenv("HWLOC_HIDE_ERRORS", "2", 1);
}

static bool send_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t put = write(fd, data, length);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    data += put;
    length -= (size_t)put;
  }
  return true;
}

static int child_main(const char *root, int out) {
  int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
  }
  limit_child();
  point_hwloc_at(root);
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) != 0) return 2;
  if (!configure(topology) || hwloc_topology_load(topology) != 0) return CHILD_NO_TOPOLOGY;
  char *xml = NULL;
  int length = 0;
  if (hwloc_topology_export_xmlbuffer(topology, &xml, &length, 0) != 0 || length <= 0) return 4;
  return send_all(out, xml, (size_t)length) ? 0 : 5;
}

/* Reads until the child closes its end; false when it does not in time or sends too much. */
static bool receive(int fd, assay_buf *buf) {
  uint64_t deadline = assay_os_now_ns() + (uint64_t)CHILD_SECONDS * 1000000000u;
  for (;;) {
    uint64_t now = assay_os_now_ns();
    if (now >= deadline) return false;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count = poll(&ready, 1, (int)((deadline - now) / 1000000u) + 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    char chunk[65536];
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    assay_buf_append(buf, chunk, (size_t)got);
    if (buf->length > XML_BYTES_MAX) return false;
  }
}

/* The topology as hwloc's XML, made by a child process. */
static assay_status xml_from_child(const char *root, assay_error *err, assay_buf *xml) {
  int ends[2];
  if (pipe(ends) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot make a pipe to read the capture's topology");
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(child_main(root, ends[1]));
  }
  int code = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return ASSAY_FAIL_ERRNO(err, code, "cannot start a process to read the capture's topology");
  }
  bool whole = receive(ends[0], xml);
  close(ends[0]);
  if (!whole) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the capture's topology took more than %d s or %d MiB to read", CHILD_SECONDS,
                      XML_BYTES_MAX >> 20);
  if (WIFSIGNALED(status))
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "hwloc crashed on the capture (signal %d): its /sys is malformed", WTERMSIG(status));
  if (WEXITSTATUS(status) == CHILD_NO_TOPOLOGY)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "the capture's /sys/devices/system/cpu holds no CPU topology");
  if (WEXITSTATUS(status) != 0 || xml->length == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "hwloc cannot tell the topology that it read from the capture (step %d)",
                      WEXITSTATUS(status));
  if (xml->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the capture's topology");
  return ASSAY_OK;
}

static assay_status load_tree(const assay_source *source, assay_error *err, hwloc_topology_t *topology) {
  assay_buf xml = {0};
  hwloc_topology_t made = NULL;
  assay_status status = xml_from_child(source->root, err, &xml);
  if (status != ASSAY_OK) goto done;
  if (hwloc_topology_init(&made) != 0) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the CPU topology");
    goto done;
  }
  if (!configure(made) || hwloc_topology_set_xmlbuffer(made, xml.data, (int)xml.length) != 0 || hwloc_topology_load(made) != 0) {
    hwloc_topology_destroy(made);
    status = ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "hwloc cannot read back the capture's topology");
    goto done;
  }
  *topology = made;
done:
  assay_buf_deinit(&xml);
  return status;
}

assay_status assay_topology_load(const assay_source *source, assay_error *err, hwloc_topology_t *topology) {
  return source->kind == ASSAY_SOURCE_LIVE ? load_live(source, err, topology) : load_tree(source, err, topology);
}

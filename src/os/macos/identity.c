/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/sysctl.h>
#include <sys/time.h>

#include "os/prim.h"

bool assay_os_identify(int pid, assay_os_identity *identity) {
  struct kinfo_proc process;
  struct timeval boot = {0};
  size_t process_size = sizeof process, boot_size = sizeof boot;
  int process_name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid}, boot_name[] = {CTL_KERN, KERN_BOOTTIME};
  if (sysctl(process_name, 4, &process, &process_size, NULL, 0) != 0 || process_size == 0) return false;
  if (sysctl(boot_name, 2, &boot, &boot_size, NULL, 0) != 0) return false;
  *identity = (assay_os_identity){.pid = pid};
  snprintf(identity->boot, sizeof identity->boot, "%lld", (long long)boot.tv_sec);
  struct timeval started = process.kp_proc.p_starttime;
  identity->started = (uint64_t)started.tv_sec * 1000000 + (uint64_t)started.tv_usec;
  return true;
}

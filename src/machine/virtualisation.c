/* SPDX-License-Identifier: MIT */
/* Whether a hypervisor runs this machine and which, how much time it took, and whether this process lives in a container. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "machine/component.h"
#include "machine/lines.h"

typedef struct clue {
  const char *text, *name;
} clue;

/* The twelve letters of CPUID 0x40000000, as each maker documents them. */
static const clue signatures[] = {{"KVMKVMKVM", "KVM"},          {"Microsoft Hv", "Hyper-V"},   {"VMwareVMware", "VMware"},
                                  {"XenVMMXenVMM", "Xen"},       {"TCGTCGTCGTCG", "QEMU"},      {"bhyve bhyve ", "bhyve"},
                                  {" lrpepyh  vr", "Parallels"}, {"prl hyperv  ", "Parallels"}, {"VBoxVBoxVBox", "VirtualBox"},
                                  {"ACRNACRNACRN", "ACRN"},      {"Jailhouse", "Jailhouse"},    {"Linux KVM Hv", "KVM"}};
/* What firmware made for guests calls itself. */
static const clue firmware[] = {{"QEMU", "QEMU"},
                                {"KVM", "KVM"},
                                {"VMware", "VMware"},
                                {"VirtualBox", "VirtualBox"},
                                {"Xen", "Xen"},
                                {"Amazon EC2", "KVM"},
                                {"Google Compute", "KVM"},
                                {"OpenStack", "KVM"},
                                {"Virtual Machine", "Hyper-V"},
                                {"Parallels", "Parallels"},
                                {"BHYVE", "bhyve"},
                                {"Apple Virtualization", "Apple Virtualization"},
                                {"Firecracker", "KVM"}};

static const char *find_clue(const clue *clues, size_t count, const char *text) {
  for (size_t i = 0; text != NULL && i < count; i++) {
    if (strstr(text, clues[i].text) != NULL) return clues[i].name;
  }
  return NULL;
}

/* "leaf 40000000.0: eax ebx ecx edx": the signature is ebx, ecx, edx. */
static const char *from_cpuid(assay_context *context) {
  const char *cpuid = assay_source_read(context->source, context->arena, NULL, "/assay/cpuid");
  const char *line = assay_lines_value(context->arena, cpuid, "leaf 40000000.0");
  char signature[13] = {0};
  for (size_t word = 0; line != NULL && word < 4; word++) {
    char *end = NULL;
    unsigned long value = strtoul(line, &end, 16);
    if (end == line) return NULL;
    for (size_t byte = 0; word > 0 && byte < 4; byte++) signature[(word - 1) * 4 + byte] = (char)(value >> (8 * byte) & 0xff);
    line = end;
  }
  if (signature[0] == '\0') return NULL;
  const char *name = find_clue(signatures, sizeof signatures / sizeof *signatures, signature);
  return name != NULL ? name : assay_arena_printf(context->arena, "unknown (%s)", signature);
}

static const char *from_files(assay_context *context) {
  static const char *const dmi[] = {"product_name", "sys_vendor", "board_vendor", "bios_vendor"};
  const char *type = assay_source_read(context->source, context->arena, NULL, "/sys/hypervisor/type");
  if (type != NULL) return strcmp(type, "xen") == 0 ? "Xen" : type;
  for (size_t i = 0; i < sizeof dmi / sizeof *dmi; i++) {
    const char *text = assay_source_read(context->source, context->arena, NULL, "/sys/class/dmi/id/%s", dmi[i]);
    const char *name = find_clue(firmware, sizeof firmware / sizeof *firmware, text);
    if (name != NULL) return name;
  }
  const char *tree = assay_source_read(context->source, context->arena, NULL, "/proc/device-tree/hypervisor/compatible");
  if (tree != NULL) return strstr(tree, "xen") != NULL ? "Xen" : strstr(tree, "kvm") != NULL ? "KVM" : tree;
  return NULL;
}

static void put_hypervisor(assay_context *context) {
  const char *cause = NULL;
  const char *cpuinfo = assay_source_read(context->source, context->arena, &cause, "/proc/cpuinfo");
  const char *flags = assay_lines_value(context->arena, cpuinfo, "flags"), *name = from_cpuid(context);
  bool x86 = assay_words_have(flags, "fpu"), flagged = assay_words_have(flags, "hypervisor");
  if (name == NULL && (flagged || !x86)) name = from_files(context);
  if (name != NULL || flagged) {
    assay_put_bool(context, true, "virtualisation.guest");
    assay_put_text(context, name, "the hypervisor does not say its name", "virtualisation.hypervisor");
  } else if (x86) {
    /* Hypervisors set the CPUID bit behind this flag; without it this is the bare machine, or one that hides. */
    assay_put_bool(context, false, "virtualisation.guest");
    assay_put_text(context, "none", NULL, "virtualisation.hypervisor");
  } else {
    if (cpuinfo != NULL) cause = "this architecture has no flag for it, and neither /sys/hypervisor, DMI nor the device tree names one";
    assay_put_unavailable(context, cause, "virtualisation.guest");
    assay_put_unavailable(context, cause, "virtualisation.hypervisor");
  }
}

/* Share of all CPU time since boot that the hypervisor gave to others: the eighth figure of the "cpu" line. */
static void put_steal(assay_context *context) {
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "/proc/stat");
  double sum = 0, steal = -1;
  if (text != NULL && strncmp(text, "cpu ", 4) == 0) {
    const char *at = text + 4;
    for (int i = 0; i < 8; i++) {
      char *end = NULL;
      double value = assay_strtod(at, &end);
      if (end == at) break;
      sum += value;
      if (i == 7) steal = value;
      at = end;
    }
  }
  if (steal >= 0 && sum > 0)
    assay_put_real(context, steal / sum, "virtualisation.steal_ratio");
  else
    assay_put_unavailable(context, text == NULL ? cause : "/proc/stat has no steal time", "virtualisation.steal_ratio");
}

void assay_discover_virtualisation(assay_context *context) {
  put_hypervisor(context);
  put_steal(context);
}

static const char *container_from_cgroup(assay_context *context) {
  static const clue clues[] = {{"/kubepods", "kubernetes"},
                               {"/docker/", "docker"},
                               {"docker-", "docker"},
                               {"/libpod", "podman"},
                               {"crio-", "cri-o"},
                               {"containerd", "containerd"},
                               {"/lxc", "lxc"},
                               {"/garden/", "garden"},
                               {"/machine.slice/machine-", "systemd-nspawn"},
                               {"/ecs/", "ecs"}};
  return find_clue(clues, sizeof clues / sizeof *clues, assay_source_read(context->source, context->arena, NULL, "/proc/self/cgroup"));
}

void assay_discover_container(assay_context *context) {
  const char *name = assay_source_read(context->source, context->arena, NULL, "/run/systemd/container");
  if (name == NULL && assay_source_exists(context->source, "/.dockerenv")) name = "docker";
  if (name == NULL && assay_source_exists(context->source, "/run/.containerenv")) name = "podman";
  if (name == NULL) name = container_from_cgroup(context);
  if (name == NULL && context->source->complete) name = "none";
  assay_put_text(context, name, "the capture does not hold the files that tell a container", "virtualisation.container");
}

/* SPDX-License-Identifier: MIT */
/* GPUs and accelerators by their PCI class (PCI Code and ID Assignment: 03 display, 12 processing accelerator) and by what their drivers
 * publish. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/component.h"
#include "machine/lines.h"

enum { DEVICES_MAX = 64, CLASS_DISPLAY = 0x03, CLASS_ACCELERATOR = 0x12, VENDOR_NVIDIA = 0x10de, VENDOR_INTEL = 0x8086 };

static const struct {
  unsigned id;
  const char *name;
} vendors[] = {
    {0x1002, "AMD"},       {0x1022, "AMD"},      {0x10de, "NVIDIA"},    {0x8086, "Intel"},    {0x106b, "Apple"},       {0x13b5, "ARM"},
    {0x14e4, "Broadcom"},  {0x15ad, "VMware"},   {0x1234, "QEMU"},      {0x1af4, "virtio"},   {0x1a03, "ASPEED"},      {0x102b, "Matrox"},
    {0x1414, "Microsoft"}, {0x1ae0, "Google"},   {0x1d0f, "Amazon"},    {0x1da3, "Habana"},   {0x1e52, "Tenstorrent"}, {0x1b36, "Red Hat"},
    {0x5143, "Qualcomm"},  {0x17cb, "Qualcomm"}, {0x1bd0, "Graphcore"}, {0x1ec8, "Cerebras"}, {0x19e5, "Huawei"},
};

static const char *vendor_name(unsigned id) {
  for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++) {
    if (vendors[i].id == id) return vendors[i].name;
  }
  return NULL;
}

static const char *last_part(const char *path) {
  const char *slash = path != NULL ? strrchr(path, '/') : NULL;
  return slash != NULL ? slash + 1 : path;
}

static void put_hex(assay_context *context, const char *path, const char *list, size_t index, const char *fact, uint64_t *value) {
  const char *cause = NULL;
  *value = 0;
  if (assay_source_u64(context->source, context->arena, &cause, value, "%s", path))
    assay_put_text(context, assay_arena_printf(context->arena, "0x%04x", (unsigned)*value), NULL, "%s.%zu.%s", list, index, fact);
  else
    assay_put_unavailable(context, cause, "%s.%zu.%s", list, index, fact);
}

/* What every driver's sysfs has. */
static uint64_t put_device(assay_context *context, const char *device, const char *list, size_t index) {
  uint64_t vendor, id;
  put_hex(context, assay_arena_printf(context->arena, "%s/vendor", device), list, index, "vendor_id", &vendor);
  put_hex(context, assay_arena_printf(context->arena, "%s/device", device), list, index, "device_id", &id);
  const char *name = vendor_name((unsigned)vendor);
  assay_put_text(context, name, "this vendor number is not among those that Assay knows", "%s.%zu.vendor", list, index);
  const char *driver = last_part(assay_source_link(context->source, context->arena, "%s/driver", device));
  assay_put_text(context, driver, assay_arena_printf(context->arena, "%s has no driver", device), "%s.%zu.driver", list, index);
  return vendor;
}

/* NVIDIA's driver names the model in /proc. */
static const char *nvidia_model(assay_context *context, const char *address, const char **cause) {
  const char *text = assay_source_read(context->source, context->arena, cause, "/proc/driver/nvidia/gpus/%s/information", address);
  return assay_lines_value(context->arena, text, "Model");
}

static void put_gpu(assay_context *context, const char *address, size_t index) {
  const char *device = assay_arena_printf(context->arena, "/sys/bus/pci/devices/%s", address), *cause = NULL;
  uint64_t vendor = put_device(context, device, "gpus", index), bytes;
  assay_put_text(context, address, NULL, "gpus.%zu.pci_address", index);
  const char *name = vendor == VENDOR_NVIDIA ? nvidia_model(context, address, &cause) : NULL;
  if (name == NULL && vendor != VENDOR_NVIDIA) name = assay_source_read(context->source, context->arena, &cause, "%s/product_name", device);
  assay_put_text(context, name, cause, "gpus.%zu.name", index);
  /* amdgpu alone publishes its memory here; the others tell it through their own APIs only. */
  if (assay_source_u64(context->source, context->arena, &cause, &bytes, "%s/mem_info_vram_total", device) && bytes <= INT64_MAX)
    assay_put_integer(context, (int64_t)bytes, "gpus.%zu.memory_bytes", index);
  else
    assay_put_unavailable(context, cause, "gpus.%zu.memory_bytes", index);
  assay_put_unavailable(context, "sysfs does not publish the number of GPU cores", "gpus.%zu.cores", index);
  /* Intel's integrated GPU is always device 2 of bus 0; a card sits behind a bridge and so on another bus. */
  assay_put_bool(context, vendor == VENDOR_INTEL && strstr(address, ":00:02.") != NULL, "gpus.%zu.integrated", index);
  const char *const *cards = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "card", &cards, "%s/drm", device);
  assay_put_text(context, count > 0 ? cards[0] : NULL, cause, "gpus.%zu.drm", index);
}

/* Addresses of the PCI devices of one class. */
static size_t find_class(assay_context *context, unsigned class_code, const char *addresses[DEVICES_MAX], const char **cause) {
  const char *const *names = NULL;
  size_t count = assay_source_list(context->source, context->arena, cause, "", &names, "/sys/bus/pci/devices"), found = 0;
  for (size_t i = 0; i < count && found < DEVICES_MAX; i++) {
    uint64_t value;
    if (assay_source_u64(context->source, context->arena, NULL, &value, "/sys/bus/pci/devices/%s/class", names[i]) &&
        value >> 16 == class_code)
      addresses[found++] = names[i];
  }
  if (found == 0 && count > 0)
    *cause = assay_arena_printf(context->arena, "/sys/bus/pci/devices has no device of class 0x%02x", class_code);
  return found;
}

/* Containers often have NVIDIA's /proc but not the PCI tree. */
static size_t put_nvidia_without_pci(assay_context *context) {
  const char *const *addresses = NULL;
  size_t count = assay_source_list(context->source, context->arena, NULL, "", &addresses, "/proc/driver/nvidia/gpus");
  for (size_t i = 0; i < count && i < DEVICES_MAX; i++) {
    const char *cause = NULL;
    const char *model = nvidia_model(context, addresses[i], &cause);
    assay_put_text(context, "NVIDIA", NULL, "gpus.%zu.vendor", i);
    assay_put_text(context, "nvidia", NULL, "gpus.%zu.driver", i);
    assay_put_text(context, addresses[i], NULL, "gpus.%zu.pci_address", i);
    assay_put_text(context, model, cause, "gpus.%zu.name", i);
  }
  return count;
}

/* GPUs of systems on a chip are no PCI devices; they show in DRM only. */
static size_t put_platform_gpus(assay_context *context) {
  const char *const *cards = NULL;
  size_t count = assay_source_list(context->source, context->arena, NULL, "renderD", &cards, "/sys/class/drm");
  for (size_t i = 0; i < count && i < DEVICES_MAX; i++) {
    const char *driver = last_part(assay_source_link(context->source, context->arena, "/sys/class/drm/%s/device/driver", cards[i]));
    assay_put_text(context, driver, "the device has no driver", "gpus.%zu.driver", i);
    assay_put_text(context, cards[i], NULL, "gpus.%zu.drm", i);
    assay_put_bool(context, true, "gpus.%zu.integrated", i);
    assay_put_unavailable(context, "the driver publishes no name in sysfs", "gpus.%zu.name", i);
  }
  return count;
}

void assay_discover_gpus(assay_context *context) {
  const char *addresses[DEVICES_MAX], *cause = NULL;
  size_t count = find_class(context, CLASS_DISPLAY, addresses, &cause);
  for (size_t i = 0; i < count; i++) put_gpu(context, addresses[i], i);
  if (count == 0) count = put_nvidia_without_pci(context);
  if (count == 0) count = put_platform_gpus(context);
  if (count == 0) assay_put_unavailable(context, cause, "gpus");
}

void assay_discover_accelerators(assay_context *context) {
  const char *addresses[DEVICES_MAX], *cause = NULL;
  const char *const *names = NULL;
  size_t index = 0;
  /* The accel subsystem (kernel 6.2): NPUs of Intel, AMD and others. */
  size_t count = assay_source_list(context->source, context->arena, NULL, "accel", &names, "/sys/class/accel");
  for (size_t i = 0; i < count && index < DEVICES_MAX; i++, index++) {
    put_device(context, assay_arena_printf(context->arena, "/sys/class/accel/%s/device", names[i]), "accelerators", index);
    assay_put_text(context, names[i], NULL, "accelerators.%zu.node", index);
  }
  size_t with_node = index;
  count = find_class(context, CLASS_ACCELERATOR, addresses, &cause);
  for (size_t i = 0; i < count && with_node == 0 && index < DEVICES_MAX; i++, index++) {
    put_device(context, assay_arena_printf(context->arena, "/sys/bus/pci/devices/%s", addresses[i]), "accelerators", index);
    assay_put_text(context, addresses[i], NULL, "accelerators.%zu.pci_address", index);
  }
  if (index == 0) assay_put_unavailable(context, cause != NULL ? cause : "/sys/class/accel is not there", "accelerators");
}

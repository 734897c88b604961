/* SPDX-License-Identifier: MIT */
/* Temperatures, fans, voltages and currents that the kernel shows: /sys/class/hwmon and, where there is none of it, /sys/class/thermal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/component.h"

/* What "temp1_input" begins with, and how its integer reads (Documentation/hwmon/sysfs-interface). */
static const struct {
  const char *prefix, *fact;
  double scale;
} kinds[] = {
    {"temp", "celsius", 1e-3}, {"fan", "rpm", 1},        {"in", "volts", 1e-3},
    {"curr", "amperes", 1e-3}, {"power", "watts", 1e-6}, {"energy", "joules", 1e-6},
};

enum { SENSORS_MAX = 512 };

static bool is_number(const char *text, double *value) {
  char *end = NULL;
  errno = 0;
  *value = (double)strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == '\0';
}

static void put_reading(assay_context *context, size_t index, const char *path, const char *fact, double scale) {
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "%s", path);
  double value;
  if (text != NULL && is_number(text, &value))
    assay_put_real(context, value * scale, "sensors.%zu.%s", index, fact);
  else
    assay_put_unavailable(context, text != NULL ? assay_arena_printf(context->arena, "%s holds no number", path) : cause, "sensors.%zu.%s",
                          index, fact);
}

/* The end of "temp1_input" when it begins with `prefix` and a number, else NULL. */
static const char *after_number(const char *name, const char *prefix) {
  size_t length = strlen(prefix);
  if (strncmp(name, prefix, length) != 0) return NULL;
  size_t digits = strspn(name + length, "0123456789");
  return digits > 0 ? name + length + digits : NULL;
}

static void put_chip(assay_context *context, const char *directory, size_t *index) {
  const char *chip = assay_source_read(context->source, context->arena, NULL, "%s/name", directory);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const char *const *names = NULL;
    size_t count = assay_source_list(context->source, context->arena, NULL, kinds[k].prefix, &names, "%s", directory);
    for (size_t i = 0; i < count && *index < SENSORS_MAX; i++) {
      const char *rest = after_number(names[i], kinds[k].prefix);
      if (rest == NULL || (strcmp(rest, "_input") != 0 && strcmp(rest, "_average") != 0)) continue;
      int stem = (int)(rest - names[i]);
      const char *label = assay_source_read(context->source, context->arena, NULL, "%s/%.*s_label", directory, stem, names[i]);
      assay_put_text(context, chip, "the chip has no name", "sensors.%zu.chip", *index);
      assay_put_text(context, label != NULL ? label : assay_arena_strndup(context->arena, names[i], (size_t)stem), NULL, "sensors.%zu.name",
                     *index);
      put_reading(context, *index, assay_arena_printf(context->arena, "%s/%s", directory, names[i]), kinds[k].fact, kinds[k].scale);
      ++*index;
    }
  }
}

static const char *put_chips(assay_context *context, size_t *index) {
  const char *cause = NULL;
  const char *const *chips = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "hwmon", &chips, "/sys/class/hwmon");
  for (size_t i = 0; i < count; i++) {
    size_t before = *index;
    put_chip(context, assay_arena_printf(context->arena, "/sys/class/hwmon/%s", chips[i]), index);
    /* Drivers of kernels before 3.13 keep their files one directory further down. */
    if (*index == before) put_chip(context, assay_arena_printf(context->arena, "/sys/class/hwmon/%s/device", chips[i]), index);
  }
  return cause;
}

static void put_zones(assay_context *context, size_t *index) {
  const char *const *zones = NULL;
  size_t count = assay_source_list(context->source, context->arena, NULL, "thermal_zone", &zones, "/sys/class/thermal");
  for (size_t i = 0; i < count && *index < SENSORS_MAX; i++, ++*index) {
    const char *cause = NULL;
    const char *type = assay_source_read(context->source, context->arena, &cause, "/sys/class/thermal/%s/type", zones[i]);
    assay_put_text(context, "thermal zone", NULL, "sensors.%zu.chip", *index);
    assay_put_text(context, type, cause, "sensors.%zu.name", *index);
    put_reading(context, *index, assay_arena_printf(context->arena, "/sys/class/thermal/%s/temp", zones[i]), "celsius", 1e-3);
  }
}

void assay_discover_sensors(assay_context *context) {
  size_t index = 0;
  const char *cause = put_chips(context, &index);
  put_zones(context, &index);
  if (index == 0) assay_put_unavailable(context, cause != NULL ? cause : "no sensor in /sys/class/hwmon or /sys/class/thermal", "sensors");
}

/* SPDX-License-Identifier: MIT */
/* Energy counters and limits (powercap: RAPL on Intel and AMD), and whether a battery feeds the machine. */
#include <string.h>

#include "machine/component.h"

static void put_scaled(assay_context *context, const char *path, double scale, size_t index, const char *fact) {
  const char *cause = NULL;
  uint64_t value;
  if (assay_source_u64(context->source, context->arena, &cause, &value, "%s", path))
    assay_put_real(context, (double)value * scale, "power.domains.%zu.%s", index, fact);
  else
    assay_put_unavailable(context, cause, "power.domains.%zu.%s", index, fact);
}

static void put_domain(assay_context *context, const char *directory, size_t index) {
  const char *cause = NULL;
  assay_put_text(context, assay_source_read(context->source, context->arena, &cause, "%s/name", directory), cause, "power.domains.%zu.name",
                 index);
  put_scaled(context, assay_arena_printf(context->arena, "%s/energy_uj", directory), 1e-6, index, "energy_joules");
  put_scaled(context, assay_arena_printf(context->arena, "%s/max_energy_range_uj", directory), 1e-6, index, "energy_range_joules");
  put_scaled(context, assay_arena_printf(context->arena, "%s/constraint_0_power_limit_uw", directory), 1e-6, index, "limit_watts");
}

static void put_domains(assay_context *context) {
  const char *cause = NULL;
  const char *const *names = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "", &names, "/sys/class/powercap"), index = 0;
  for (size_t i = 0; i < count; i++) {
    /* "intel-rapl:0" and "intel-rapl:0:1" are domains, "intel-rapl" is their controller; the mmio twin counts the same energy again. */
    if (strchr(names[i], ':') == NULL || strncmp(names[i], "intel-rapl-mmio", 15) == 0) continue;
    put_domain(context, assay_arena_printf(context->arena, "/sys/class/powercap/%s", names[i]), index++);
  }
  if (index == 0) assay_put_unavailable(context, cause != NULL ? cause : "/sys/class/powercap has no energy counter", "power.domains");
}

static void put_supplies(assay_context *context) {
  const char *cause = NULL;
  const char *const *names = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "", &names, "/sys/class/power_supply");
  bool mains = false, online = false, discharging = false, any = false;
  for (size_t i = 0; i < count; i++) {
    const char *type = assay_source_read(context->source, context->arena, NULL, "/sys/class/power_supply/%s/type", names[i]);
    if (type == NULL) continue;
    /* A battery of scope "Device" is a mouse's. */
    const char *scope = assay_source_read(context->source, context->arena, NULL, "/sys/class/power_supply/%s/scope", names[i]);
    if (scope != NULL && strcmp(scope, "Device") == 0) continue;
    any = true;
    if (strcmp(type, "Mains") == 0 || strncmp(type, "USB", 3) == 0) {
      uint64_t value;
      mains = true;
      online |=
          assay_source_u64(context->source, context->arena, NULL, &value, "/sys/class/power_supply/%s/online", names[i]) && value == 1;
    } else if (strcmp(type, "Battery") == 0) {
      const char *status = assay_source_read(context->source, context->arena, NULL, "/sys/class/power_supply/%s/status", names[i]);
      discharging |= status != NULL && strcmp(status, "Discharging") == 0;
    }
  }
  if (any)
    assay_put_bool(context, discharging || (mains && !online), "power.on_battery");
  else
    assay_put_unavailable(context, cause != NULL ? cause : "/sys/class/power_supply names no supply", "power.on_battery");
}

void assay_discover_power(assay_context *context) {
  put_domains(context);
  put_supplies(context);
}

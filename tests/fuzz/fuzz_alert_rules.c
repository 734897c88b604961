/* SPDX-License-Identifier: MIT */
/* Any bytes as YAML rules: rules that can be asked, or a refusal that names the place. */
#include <stdlib.h>
#include <string.h>

#include "judge/alert_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_error err = {0};
  assay_alert_rules *rules = NULL;
  if (assay_alert_rules_parse((const char *)data, size, "fuzz", false, &err, &rules) != ASSAY_OK) {
    if (rules != NULL || strncmp(err.message, "fuzz", 4) != 0) abort();
    return 0;
  }
  for (size_t i = 0; i < rules->count; i++) {
    const assay_alert_rule *rule = &rules->items[i];
    if (!rule->off && rule->warning.text == NULL && rule->critical.text == NULL) abort();
  }
  for (size_t i = 0; i < rules->channel_count; i++)
    if (rules->channels[i].target == NULL || rules->channels[i].name == NULL) abort();
  const assay_alert_rule *rule = assay_alert_rule_for(rules, "suite", "compile/n=1", "time", ASSAY_KIND_TIME);
  assay_alert_level level;
  if (rule != NULL && assay_alert_rule_level(rule, 1, 1, "ns", ASSAY_KIND_TIME, ASSAY_LOWER, &level)) abort(); /* nothing moved */
  assay_alert_rules_destroy(rules);
  return 0;
}

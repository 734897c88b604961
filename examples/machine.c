/* SPDX-License-Identifier: MIT */
/* What this machine is, and what it does not say of itself. */
#include <assay/machine.h>

#include <stdio.h>

int main(void) {
  assay_error err = {0};
  assay_machine *machine = NULL;
  if (assay_machine_detect(NULL, &err, &machine) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    return assay_status_exit_code(err.status);
  }
  puts(assay_machine_label(machine));
  for (size_t i = 0; i < assay_machine_count(machine); i++) {
    const assay_fact *fact = assay_machine_at(machine, i);
    if (fact->type == ASSAY_FACT_UNAVAILABLE) printf("%s is unavailable: %s\n", fact->key, fact->text);
  }
  unsigned cpus[1024];
  size_t count = assay_machine_cpus(machine, ASSAY_CORES_PERFORMANCE, cpus, 1024);
  printf("CPU-bound work belongs on %zu CPUs, CPU %u first\n", count, count > 0 ? cpus[0] : 0);
  assay_machine_destroy(machine);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* Stands in until the machine module has its doctor; a strong definition wins over it. */
#include <assay/machine.h>

__attribute__((weak)) assay_status assay_machine_doctor(const assay_machine *machine, assay_error *err, assay_check_list **checks) {
  (void)machine;
  (void)checks;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "doctor is not built yet");
}

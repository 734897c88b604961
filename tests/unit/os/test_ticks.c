/* SPDX-License-Identifier: MIT */
#include "os/ticks.h"

#include "test.h"

static void the_counter_is_trusted_by_the_word_of_cpu_or_kernel(void **state) {
  (void)state;
  assert_true(assay_ticks_trusted(true, true, NULL));
  assert_true(assay_ticks_trusted(true, true, "hpet")); /* the kernel may dislike it for other reasons: sockets out of step */
  assert_true(assay_ticks_trusted(true, false, "tsc")); /* a guest whose hypervisor hides the bit */
  assert_false(assay_ticks_trusted(true, false, "kvm-clock"));
  assert_false(assay_ticks_trusted(true, false, ""));
  assert_false(assay_ticks_trusted(true, false, NULL));
  assert_false(assay_ticks_trusted(false, true, "tsc"));
}

/* Before anything calibrates: from here on this process has no counter. */
static void without_a_counter_ticks_are_ns_of_the_monotonic_clock(void **state) {
  (void)state;
#if defined(__x86_64__)
  assay_ticks_are_ns = true;
  assert_non_null(strstr(assay_ticks_source(), "clock_gettime"));
  assert_true(assay_ticks_per_ns() == 1);
  for (int i = 0; i < 1000; i++) {
    uint64_t before = assay_os_now_ns(), ticks = assay_ticks(), after = assay_os_now_ns();
    assert_true(before <= ticks && ticks <= after);
  }
#else
  skip();
#endif
}

static void the_source_has_a_name(void **state) {
  (void)state;
  assert_true(strlen(assay_ticks_source()) > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_source_has_a_name),
      cmocka_unit_test(the_counter_is_trusted_by_the_word_of_cpu_or_kernel),
      cmocka_unit_test(without_a_counter_ticks_are_ns_of_the_monotonic_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

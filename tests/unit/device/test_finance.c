/* SPDX-License-Identifier: MIT */
/* Finance on devices: the same bits, work that moves, what is recommended. The dummy stands in for the GPU that auto takes; its fourth
 * launch loses it. */
#include <assay/montecarlo.h>

#include <math.h>

#include "fake.h"
#include "os/prim.h"

static assay_mc_result price(const char *device) {
  const assay_mc_params option = {.payoff = ASSAY_MC_EUROPEAN,
                                  .spot = 100,
                                  .strike = 110,
                                  .time = 0.25,
                                  .rate = 0.05,
                                  .volatility = 0.2,
                                  .paths = 20000,
                                  .seed = 3,
                                  .device = device};
  assay_error err = {0};
  assay_mc_result result = {0};
  assert_ok(assay_mc_price(&option, &err, &result), err);
  return result;
}

static void a_price_has_the_same_bits_and_survives_its_device(void **state) {
  (void)state;
  assay_mc_result cpu = price("cpu");
  assert_string_equal(cpu.device, "cpu");
  assert_true(cpu.isa[0] != '\0');
  bool moved = false;
  for (int i = 0; i < 8; i++) {
    assay_mc_result automatic = price("auto");
    assert_true(automatic.price == cpu.price && automatic.standard_error == cpu.standard_error);
    if (strcmp(automatic.device, "cpu") == 0) {
      moved = true;
      assert_non_null(strstr(automatic.reason, "lost"));
    } else {
      assert_string_equal(automatic.device, "dummy");
      assert_false(moved); /* what is lost stays lost */
    }
  }
  assert_true(moved);
  const assay_mc_params option = {
      .payoff = ASSAY_MC_EUROPEAN, .spot = 100, .strike = 110, .time = 0.25, .volatility = 0.2, .paths = 2000, .device = "dummy"};
  assay_mc_result result = {.price = -7};
  assay_error err = {0};
  assert_int_equal(assay_mc_price(&option, &err, &result), ASSAY_ERR_LOST);
  assert_true(result.price == -7);
}

static void what_suits_finance_is_measured_once(void **state) {
  (void)state;
  assay_error err = {0};
  assay_device *device = NULL;
  assay_finance_profile first, again;
  setenv("ASSAY_CACHE_DIR", test_temp_dir(), 1);
  assert_ok(assay_device_open("cpu", &err, &device), err);
  assert_ok(assay_device_profile_finance(device, false, &err, &first), err);
  assert_false(first.cached || first.use_fp16);
  assert_string_equal(first.device, "cpu");
  assert_true(first.batch_paths >= 1024 && first.paths_per_s_f32 > 1e5 && first.paths_per_s_f64 > 1e5 && first.launch_ns > 0);
  assert_true(first.tile_paths >= 1024 && first.tile_paths % 1024 == 0);
  assert_true(first.f16_error_ratio > 0x1p-12 && first.f16_error_ratio < 0x1.01p-11); /* half of a last place, of numbers of every sort */
  assert_true(first.f32_error_ratio > 0 && first.f32_error_ratio < 1e-5);             /* roundings; chance would be 1e-3 */
  assert_ok(assay_device_profile_finance(device, false, &err, &again), err);
  assert_true(again.cached);
  assert_int_equal(again.batch_paths, first.batch_paths);
  assert_int_equal(again.tile_paths, first.tile_paths);
  assert_true(again.f16_error_ratio == first.f16_error_ratio && !again.use_fp16);
  assert_true(again.paths_per_s_f64 == first.paths_per_s_f64 && again.use_f32 == first.use_f32 &&
              again.measured_at_s == first.measured_at_s && again.f32_error_ratio == first.f32_error_ratio);
  assay_device_close(device);
}

static void what_would_help_is_said(void **state) {
  (void)state;
  fake_options("memory=67108864");
  const assay_backend *list[] = {assay_backend_dummy()};
  assay_error err = {0};
  assay_registry *registry = NULL;
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *buffer = NULL;
  assay_memory_advice rows[4];
  assert_ok(assay_registry_create(list, 1, &err, &registry), err);
  assert_ok(assay_registry_open(registry, "dummy", &err, &device), err);
  assert_ok(assay_stream_create(device, &err, &stream), err);
  assert_int_equal(assay_device_memory_advise(device, rows, 4), 0);
  assert_ok(assay_buffer_alloc(stream, 56 << 20, "nearly all", &err, &buffer), err);
  assert_true(assay_device_memory_advise(device, rows, 4) >= 1);
  assert_int_equal(rows[0].priority, 1);
  assert_non_null(strstr(rows[0].what, "memory pressure"));
  assert_true(assay_device_memory_advise(device, NULL, 0) >= 1);
  assay_buffer_free(buffer);
  assert_int_equal(assay_device_memory_advise(device, rows, 4), 1);
  assert_non_null(strstr(rows[0].mend, "assay_device_trim"));
  assert_true(rows[0].saving_bytes > 20 << 20);
  assay_device_trim(device, 0);
  assert_int_equal(assay_device_memory_advise(device, rows, 4), 0);
  for (int i = 0; i < 120; i++) { /* trimmed each time, so that every one asks the device */
    assert_ok(assay_buffer_alloc(stream, 1 << 20, "x", &err, &buffer), err);
    assay_buffer_free(buffer);
    assay_device_trim(device, 0);
  }
  assert_int_equal(assay_device_memory_advise(device, rows, 4), 1);
  assert_non_null(strstr(rows[0].what, "had to ask the device"));
  assay_stream_destroy(stream);
  assay_device_close(device);
  assay_registry_destroy(registry);
}

int main(void) {
  fake_options("rank=1,launch=4");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_price_has_the_same_bits_and_survives_its_device),
      cmocka_unit_test(what_suits_finance_is_measured_once),
      cmocka_unit_test(what_would_help_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

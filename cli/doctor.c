/* SPDX-License-Identifier: MIT */
/* assay doctor: what makes numbers noisy here, and the command that would mend it. It only reads. */
#include "cli/cli.h"

typedef struct doctor_settings {
  const char *color;
  bool json;
} doctor_settings;

static const assay_cli_option options[] = {{"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", .at = offsetof(doctor_settings, json)},
                                           {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices,
                                            .help = "Colour of the table.", .at = offsetof(doctor_settings, color)},
                                           ASSAY_CLI_END};

static int run(assay_cli *cli, const void *raw) {
  const doctor_settings *settings = raw;
  assay_error err = {0};
  assay_machine *machine = NULL;
  assay_check_list *checks = NULL;
  assay_status status = assay_machine_detect(NULL, &err, &machine);
  if (status == ASSAY_OK) status = assay_machine_doctor(machine, &err, &checks);
  int code = status == ASSAY_OK ? assay_cli_show_checks(cli, checks, settings->json ? "assay-doctor/1" : NULL, settings->color)
                                : assay_cli_fail(cli, &err);
  assay_check_list_destroy(checks);
  assay_machine_destroy(machine);
  return code;
}

const assay_cli_verb assay_cli_doctor = {
    .name = "doctor",
    .summary = "Say what makes numbers noisy on this machine, and the command that would mend it.",
    .details = "Reads only; nothing is changed. Exit code 1 when something was found.",
    .options = options,
    .settings_size = sizeof(doctor_settings),
    .run = run,
};

#!/bin/sh
# SPDX-License-Identifier: MIT
# Any CI, or cron: plain.sh ASSAY baseline|check [OPTION of assay run]...
# The exit code is the verdict: 0 fine, 1 worse or failed, 2 cannot run, 3 too noisy to say. The reports are in benchmark_results/.
set -eu
assay=$1
mode=$2
shift 2
case $mode in
  baseline) exec "$assay" run --export-baselines --format json html junit markdown "$@" ;;
  check) exec "$assay" run --regression-check --format json html junit markdown "$@" ;;
  *)
    echo "$0: the second word is baseline or check, not '$mode'" >&2
    exit 2
    ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT
# Any CI, or cron: plain.sh ASSAY baseline|check [OPTION of assay run]...
# The exit code is the verdict: 0 fine, 1 worse or failed, 2 cannot run, 3 too noisy to say. The reports are in benchmark_results/ ($ASSAY_OUTPUT_DIR), after
# `check` with comment.md, the comparison as a comment on a change. The history with the baseline is history.db there, or $ASSAY_HISTORY.
set -eu
if [ $# -lt 2 ]; then
  echo "usage: $0 ASSAY baseline|check [OPTION of assay run]..." >&2
  exit 2
fi
assay=$1
mode=$2
shift 2
export ASSAY_OUTPUT_DIR="${ASSAY_OUTPUT_DIR:-benchmark_results}"
case $mode in
  baseline) exec "$assay" run --export-baselines --format json html junit markdown "$@" ;;
  check)
    code=0
    "$assay" run --regression-check --format json html junit markdown "$@" || code=$?
    if [ "$code" -eq 0 ] || [ "$code" -eq 1 ] || [ "$code" -eq 3 ]; then
      "$assay" report --format markdown --pr --baseline default --output "$ASSAY_OUTPUT_DIR/comment.md"
    fi
    exit "$code"
    ;;
  *)
    echo "$0: the second word is baseline or check, not '$mode'" >&2
    exit 2
    ;;
esac

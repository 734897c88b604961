#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzz target of a build directory made with -Dfuzz=true for some seconds each. New inputs are kept in BUILD/corpus/, crashes in BUILD/.
#
#     tools/fuzz.sh build-fuzz 60
set -eu
build=$1 seconds=$2
source=$(cd "$(dirname "$0")/.." && pwd)
ninja -C "$build"
cd "$build"
failed=
for target in tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=${target##*/fuzz_}
  mkdir -p "corpus/$name"
  echo "== $name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -artifact_prefix="crash-$name-" -print_final_stats=1 "corpus/$name" \
    "$source/tests/fuzz/corpus/$name" >"fuzz-$name.log" 2>&1 || failed="$failed $name"
  grep -E 'stat::number_of_executed_units|SUMMARY' "fuzz-$name.log" || true
done
if [ -n "$failed" ]; then
  echo "failed:$failed (the logs and inputs are in $build)"
  exit 1
fi

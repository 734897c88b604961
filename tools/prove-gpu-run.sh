#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs what tools/prove-gpu.sh carried here: bash run.sh [tests|bars|suite|cpu [ARGUMENTS OF bars.py]]
here=$(cd "$(dirname "$0")" && pwd)
find "$here" -name '*.gz' -exec gunzip -f {} +
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do # where containers have the driver
  if [ -d "$folder" ]; then LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$folder"; fi
done
export ASSAY_DATA_DIR="$here" OCL_ICD_VENDORS="$here/vendors"
ASSAY_CACHE_DIR=$(mktemp -d)
export ASSAY_CACHE_DIR
trap 'rm -rf "$ASSAY_CACHE_DIR"' EXIT
failed=0

part() { # NAME COMMAND...: 77 is "skipped"
  local name=$1 rc
  shift
  echo "==== $name"
  if [ ! -x "$1" ]; then
    echo "==== $name: skipped, it was not built"
    return
  fi
  timeout 300 "$@"
  rc=$?
  case $rc in
    0) echo "==== $name: ok" ;;
    77) echo "==== $name: skipped" ;;
    *)
      echo "==== $name: FAILED ($rc)"
      failed=1
      ;;
  esac
}

if [ "${1:-tests}" = tests ]; then
  for program in "$here"/tests/*; do part "test $(basename "$program")" "$program"; done
fi
if [ "${1:-bars}" = bars ]; then
  if "$here/bin/assay" device status >/dev/null 2>&1; then part "devices" "$here/bin/assay" device status; fi
  part "backend, CUDA" "$here/bench/device_backend" cuda
  part "backend, OpenCL" "$here/bench/device_backend" opencl
  part "matrix products" "$here/bench/device_gemm" cuda
  part "bars, CUDA" "$here/bench/device_gpu" cuda
  part "indicators, CUDA" "$here/bench/device_indicators" cuda
  part "bars, OpenCL (shown only)" "$here/bench/device_gpu" opencl
fi
# What the performance suite asks of the GPU, and how much of it the pool served.
if [ "${1:-suite}" = suite ]; then
  part "suite" "$here/bin/assay" run --suite performance --filter device=cuda --quick-run --no-ceilings --no-history --output-dir "$ASSAY_CACHE_DIR/suite"
  part "pool" "$(command -v python3 || echo python3)" "$here/bench/share.py" "$ASSAY_CACHE_DIR"/suite/*.json
fi
if [ "${1:-}" = cpu ]; then
  part "finance on the processor" "$(command -v python3 || echo python3)" "$here/bench/quant/bars.py" "$here" "${@:2}"
fi
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# Sources of TA-Lib and Tulip from npm, built with bench/peers/indicators.c: fetch-peers.sh [CACHE]
# Prints the program's path; exit code 77 and a reason where it cannot be had. Nothing of theirs is installed or run but their C functions.
set -eu
cache=${1:-${ASSAY_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}/peers}
here=$(cd "$(dirname "$0")/.." && pwd)
program=$cache/peer_indicators
source=$here/bench/peers/indicators.c
absent() {
  echo "fetch-peers.sh: $1" >&2
  exit 77
}

[ -x "$program" ] && [ ! "$source" -nt "$program" ] && echo "$program" && exit 0
command -v npm >/dev/null || absent "there is no npm: TA-Lib and Tulip come from there"
mkdir -p "$cache"
talib=$cache/node_modules/talib/src/lib
tulip=$cache/node_modules/tulind/external
if [ ! -d "$talib" ] || [ ! -d "$tulip" ]; then
  [ -f "$cache/package.json" ] || echo '{"private": true}' >"$cache/package.json"
  # Without their install scripts: only the sources are wanted, not the modules for Node.
  npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund --loglevel=error talib@1.1.6 tulind@0.8.20 >&2 ||
    absent "npm cannot fetch talib and tulind"
fi
set --
for name in RSI MACD BBANDS MA SMA EMA WMA DEMA TEMA TRIMA KAMA MAMA T3 STDDEV VAR utility; do
  set -- "$@" "$talib/src/ta_func/ta_$name.c"
done
${CC:-cc} -O3 -march=native -w -I"$talib/include" -I"$talib/src/ta_common" -I"$talib/src/ta_func" -I"$tulip" \
  "$source" "$@" "$talib/src/ta_common/ta_global.c" "$talib/src/ta_common/ta_version.c" "$tulip/tiamalgamation.c" -lm -o "$program" ||
  absent "TA-Lib and Tulip do not build here"
echo "$program"

#!/bin/sh
# SPDX-License-Identifier: MIT
# The sources are as clang-format 14 leaves them: format.sh SOURCE_ROOT. Other versions disagree with it, so they are not asked.
cd "$1" || exit 1
if ! command -v clang-format-14 >/dev/null; then
  echo "skipped: clang-format-14 is not here"
  exit 77
fi
find include src cli suites examples bench tests -name '*.[ch]' -print0 | xargs -0 clang-format-14 --dry-run --Werror

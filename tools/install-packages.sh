#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing of the given groups of packages.list. Quiet and without network when nothing is.
#
#     tools/install-packages.sh build test extra
#
# Exit code 2 when something is missing and cannot be installed; the message says what and why.
set -eu

list=${ASSAY_PACKAGES_LIST:-$(dirname "$0")/../packages.list}
groups=" $* "

say() { printf '%s\n' "$*" >&2; }

# Lines "group package": comments and blank lines dropped, only the wanted groups.
wanted() {
  while read -r group package _; do
    case $group in '' | '#'*) continue ;; esac
    case $groups in *" $group "*) echo "$group $package" ;; esac
  done <"$list"
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Any of the names a|b is installed.
any_installed() {
  for name in $(echo "$1" | tr '|' ' '); do
    if is_installed "$name"; then return 0; fi
  done
  return 1
}

# The first of the names a|b that the package source knows.
first_available() {
  for name in $(echo "$1" | tr '|' ' '); do
    candidate=$(apt-cache policy "$name" 2>/dev/null | sed -n 's/^  Candidate: //p')
    if [ -n "$candidate" ] && [ "$candidate" != "(none)" ]; then
      echo "$name"
      return 0
    fi
  done
  return 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  # Another system: its own packages may well be there. The configuration step says which library is missing.
  if command -v meson >/dev/null && command -v pkg-config >/dev/null; then exit 0; fi
  say "There is no apt here, so these have to be installed by hand (their names are Debian's):"
  wanted | while read -r _ package; do say "  $package"; done
  exit 2
fi

missing=$(wanted | while read -r group package; do any_installed "$package" || echo "$group $package"; done)
if [ -z "$missing" ]; then exit 0; fi
names=$(echo "$missing" | while read -r _ package; do echo "$package"; done | tr '\n' ' ')

as_root=
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  if ! command -v sudo >/dev/null; then
    say "Missing packages: $names"
    say "Installing them needs root and there is no sudo. As root: tools/install-packages.sh $*"
    # What is only extra may stay away.
    if echo "$missing" | grep -qv '^extra '; then exit 2; fi
    exit 0
  fi
fi

say "Installing: $names"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! $as_root apt-get update -qq >"$log" 2>&1; then
  # One broken source of several need not matter; the next step decides.
  say "apt-get update failed:"
  tail -n 5 "$log" >&2
fi

packages=
for line in $(echo "$missing" | tr ' ' ':'); do
  group=${line%%:*} package=${line#*:}
  if name=$(first_available "$package"); then
    packages="$packages $name"
  elif [ "$group" != extra ]; then
    say "This distribution has no package $package (group $group). Is the network there, and does /etc/apt name a source?"
    exit 2
  fi
done
if [ -z "$packages" ]; then exit 0; fi

# shellcheck disable=SC2086 # a list of names
if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >"$log" 2>&1; then
  tail -n 15 "$log" >&2
  say "Could not install:$packages"
  say "See above; with a network, as root: apt-get install$packages"
  exit 2
fi

#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that `make run` and `make test` work from a clean clone on a machine that has only git, make and a network: a minimal root file system of a
# Debian (or Ubuntu) release is made, HEAD is cloned into it and both are run there.
#
#     sudo tools/prove-fresh.sh bookworm [MIRROR]
#     sudo tools/prove-fresh.sh trixie http://mirror.example/debian
#
# Needs root and debootstrap. Without MIRROR the first one of this machine's apt is taken, else debootstrap's own; apt's proxy and the proxy variables of the environment go along.
# PROVE_TARGETS="run test" says what is made; PROVE_CACHE=DIR keeps downloaded packages; PROVE_KEEP=1 leaves the root file system for a look.
set -eu

if [ $# -lt 1 ]; then
  sed -n '3,11s/^# \{0,1\}//p' "$0"
  exit 2
fi
release=$1
fail() { printf '%s\n' "$*" >&2 && exit 2; }
[ "$(id -u)" -eq 0 ] || fail "prove-fresh.sh needs root, for debootstrap and chroot"
command -v debootstrap >/dev/null || fail "prove-fresh.sh needs debootstrap: apt-get install debootstrap"

# The first plain Debian (or Ubuntu) source of apt, in either of its two notations.
apt_mirror() {
  {
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources
    sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
  } 2>/dev/null | grep -E '/(debian|ubuntu)/?$' | head -n 1
}
mirror=${2:-$(apt_mirror)}

source=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d "${TMPDIR:-/var/tmp}/assay-fresh-XXXXXX")
chmod 755 "$root" # it becomes /, where the users of services have to pass
# The mounts live in a namespace of their own and are gone when it ends, so this can remove nothing but what was made here.
if [ -z "${PROVE_KEEP:-}" ]; then trap 'rm -rf --one-file-system "$root"' EXIT; fi

if [ -n "${PROVE_CACHE:-}" ]; then mkdir -p "$PROVE_CACHE"; fi
echo "== a minimal $release from ${mirror:-the usual place}"
debootstrap --variant=minbase --include=git,make,ca-certificates ${PROVE_CACHE:+--cache-dir="$PROVE_CACHE"} "$release" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
  tail -n 20 "$root.log" >&2
  fail "debootstrap failed; its log is $root.log"
}
rm -f "$root.log"
apt-config dump 2>/dev/null | grep -i '^Acquire::.*proxy' >"$root/etc/apt/apt.conf.d/90proxy" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
git -c safe.directory='*' clone --quiet --bare "$source" "$root/assay.git"
commit=$(git -C "$root/assay.git" log -1 --format='%h %s')

cat >"$root/prove.sh" <<'INSIDE'
set -eu
cd /root
git -c safe.directory='*' clone --quiet /assay.git assay
cd assay
for target in $PROVE_TARGETS; do
  echo "== make $target"
  began=$(date +%s)
  code=0
  make "$target" || code=$?
  echo "== make $target: exit code $code after $(($(date +%s) - began)) s"
  if [ "$code" -ne 0 ]; then exit "$code"; fi
done
git status --short
INSIDE

echo "== $commit"
# shellcheck disable=SC2016 # expanded inside
code=0
ROOT=$root unshare --mount --propagation private sh -c '
  set -e
  mount -t proc proc "$ROOT/proc"
  mount --rbind /sys "$ROOT/sys"
  mount --rbind /dev "$ROOT/dev"
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PROVE_TARGETS="${PROVE_TARGETS:-run test}" \
    ${CI:+CI="$CI"} ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
    chroot "$ROOT" sh /prove.sh' || code=$?
if [ "$code" -eq 0 ]; then
  echo "== $release: proven"
else
  echo "== $release: failed with exit code $code"
fi
exit "$code"

#!/bin/sh
# As root on Debian, install the packages that lab machines and the demo need and that are missing.
#
# Elsewhere, or with HERDER_INSTALL_PACKAGES=no, it does nothing: the demo then runs on lab processes.
set -eu
cd "$(dirname "$0")"

[ "${HERDER_INSTALL_PACKAGES:-yes}" = yes ] || exit 0
[ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null || exit 0

missing=
for package in $(sed 's/#.*//' debian_packages.txt); do
    case $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

# The packages are for lab machines: no server of theirs is to start on this one.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q -q </dev/null
# shellcheck disable=SC2086  # a list of words
apt-get install -q -q -y --no-install-recommends $missing </dev/null >/dev/null

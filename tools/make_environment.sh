#!/bin/sh
# Make or renew a virtual environment with Herder installed in place, unless it is up to date.
#
#   make_environment.sh FOLDER EXTRAS [LOWEST [HIGHEST]]
#
# It is renewed when pyproject.toml, the extras or the Python have changed. PIP_OPTIONS are further
# words for `pip install`.
set -eu
cd "$(dirname "$0")/.."
folder=$1
extras=$2
python=$(tools/find_python.sh "${3:-3.11}" "${4:-3.13}")

version=$("$python" -c 'import sys; print(sys.executable, sys.version)')
stamp="$(cksum <pyproject.toml) $extras $version $PWD"
if [ "$(cat "$folder/.herder-stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

echo "making $folder (a minute or two), with $python"
if [ "$(cat "$folder/.herder-python" 2>/dev/null)" != "$version $PWD" ]; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
    echo "$version $PWD" >"$folder/.herder-python"
fi
# shellcheck disable=SC2086  # a list of words
"$folder/bin/python" -m pip install --quiet --quiet --disable-pip-version-check ${PIP_OPTIONS:-} \
    --editable ".[$extras]"
echo "$stamp" >"$folder/.herder-stamp"

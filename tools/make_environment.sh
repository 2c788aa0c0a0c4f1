#!/bin/sh
# Make or renew a virtual environment with Herder installed in place, unless it is up to date.
#
#   make_environment.sh FOLDER EXTRAS [LOWEST [HIGHEST]]
#
# It is renewed when pyproject.toml, the extras or the Python have changed. Where there is uv, it
# takes ten seconds in place of a minute; COMPILE=no leaves compiling to the first import.
set -eu
cd "$(dirname "$0")/.."
folder=$1
extras=$2
python=$(tools/find_python.sh "${3:-3.11}" "${4:-3.14}")

version=$("$python" -c 'import sys; print(sys.executable, sys.version)')
stamp="$(cksum <pyproject.toml) $extras $version $PWD"
if [ "$(cat "$folder/.herder-stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

uv=${UV:-uv}
compile=${COMPILE:-yes}

make_with_uv() {
    [ "$compile" = no ] || set -- --compile-bytecode
    [ -e "$folder" ] || "$uv" venv --quiet --seed --python "$python" "$folder" || return 1
    "$uv" pip install --quiet --python "$folder/bin/python" "$@" --editable ".[$extras]"
}

make_with_pip() {
    [ "$compile" = yes ] || set -- --no-compile
    [ -e "$folder/bin/pip" ] || "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --quiet --disable-pip-version-check "$@" \
        --editable ".[$extras]"
}

echo "making $folder (a minute or two), with $python"
if [ "$(cat "$folder/.herder-python" 2>/dev/null)" != "$version $PWD" ]; then
    rm -rf "$folder"
fi
if ! command -v "$uv" >/dev/null; then
    make_with_pip
elif ! make_with_uv; then
    echo "uv could not do it: trying pip, which has settings of its own" >&2
    make_with_pip
fi
echo "$version $PWD" >"$folder/.herder-python"
echo "$stamp" >"$folder/.herder-stamp"

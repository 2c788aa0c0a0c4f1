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
python=$(tools/find_python.sh "${3:-3.11}" "${4:-3.13}")

version=$("$python" -c 'import sys; print(sys.executable, sys.version)')
stamp="$(cksum <pyproject.toml) $extras $version $PWD"
if [ "$(cat "$folder/.herder-stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

make_with_uv() {
    uv=${UV:-uv}
    command -v "$uv" >/dev/null || return 1
    [ "${COMPILE:-yes}" = no ] || set -- --compile-bytecode
    if {
        [ -e "$folder" ] || "$uv" venv --quiet --seed --python "$python" "$folder"
    } && "$uv" pip install --quiet --python "$folder/bin/python" "$@" --editable ".[$extras]"; then
        return 0
    fi
    echo "uv could not do it: trying pip, which has settings of its own" >&2
    return 1
}

make_with_pip() {
    [ "${COMPILE:-yes}" = yes ] || set -- --no-compile
    [ -e "$folder" ] || "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --quiet --disable-pip-version-check "$@" \
        --editable ".[$extras]"
}

echo "making $folder (a minute or two), with $python"
if [ "$(cat "$folder/.herder-python" 2>/dev/null)" != "$version $PWD" ]; then
    rm -rf "$folder"
fi
make_with_uv || make_with_pip
echo "$version $PWD" >"$folder/.herder-python"
echo "$stamp" >"$folder/.herder-stamp"

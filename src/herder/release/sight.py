"""Asks hosts what `herder check` compares: on each one script, and two questions to the site."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence

from herder.model.fleet import Fleet
from herder.model.readiness import HostSight, Probe
from herder.release.answers import failure_of
from herder.release.clocks import Asked, seconds_ahead

WRONG_NAME = "wrong-name.invalid"
_SHELL = "ansible.builtin.shell"
_URI = "ansible.builtin.uri"
_MARK = "== "

# What may be secret never leaves the host: passwords in addresses are masked, and of the settings
# only those are read that say where data is.
_SCRIPT = r"""
cd {root} 2>/dev/null || exit 0
section() {{ printf '== %s\n' "$1"; }}
section clock; date +%s.%N
section release; [ -e {current} ] &&
    {{ cat {current}/RELEASE 2>/dev/null || basename "$(readlink -f {current})"; }}
section python; {python} -V 2>&1
section system; ( . /etc/os-release && echo "$PRETTY_NAME" )
section packages
if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${{Package}} ${{Version}}\n'
elif command -v rpm >/dev/null; then rpm -qa --qf '%{{NAME}} %{{VERSION}}-%{{RELEASE}}\n'; fi
section files
for file in {shared}/.env {shared}/* /etc/nginx/nginx.conf /etc/nginx/sites-enabled/* \
        /etc/nginx/conf.d/* {files}; do
    [ -f "$file" ] && [ "$(stat -L -c %s "$file")" -lt 200000 ] || continue
    case $file in *.pid|*.log|*.sqlite3|*.sock) continue ;; esac
    printf '%s %s\n' "$(sed {names} "$file" | sha256sum | cut -c 1-12)" "$file"
done
section settings
mask='s#://\([^:/@]*\):[^@]*@#://\1:***@#'
for file in {shared}/.env; do
    [ -f "$file" ] || continue
    grep -E '^[A-Za-z_]*(DATABASE|DB_|CACHE|SESSION|MEDIA|UPLOAD|STORAGE|REDIS)[A-Za-z_]*=' \
        "$file" | grep -viE '^[^=]*(PASS|SECRET|TOKEN)' | sed "$mask"
done
if [ -f {current}/manage.py ]; then
    cd {current}
    told=$({python} -B manage.py shell -c '
import os
from django.conf import settings as s
for name, base in s.DATABASES.items():
    engine = base["ENGINE"].rsplit(".", 1)[-1]
    where = base["NAME"] if engine == "sqlite3" else base.get("HOST") or "localhost"
    print(f"DATABASES.{{name}}={{engine}}://{{where}}")
    if engine == "sqlite3" and not os.path.exists(where):
        print("no file")  # asking it would make one
print(f"SESSION_ENGINE={{s.SESSION_ENGINE}}")
print(f"MEDIA_ROOT={{s.MEDIA_ROOT}}")
for name, cache in s.CACHES.items():
    print("CACHES.{{}}={{}} {{}}".format(name, cache["BACKEND"], cache.get("LOCATION", "")))
    print("CACHES.{{}}.KEY_PREFIX={{}}".format(name, cache.get("KEY_PREFIX", "")))
' 2>/dev/null)
    printf '%s\n' "$told" | sed "$mask" | grep -E '^[A-Z_.a-z]+='
    section pending
    case $told in
    *'no file'*) ;;
    *) {python} -B manage.py showmigrations --plan 2>/dev/null | grep '^\[ \]' ;;
    esac
fi
cd {root}
section folders
for folder in $(find {shared} {current}/ -maxdepth 2 -type d 2>/dev/null |
        grep -E '/(media|uploads?|sessions?|storage)$'); do
    printf '%s %s %s\n' "$(stat -f -c %T "$folder")" \
        "$(find "$folder" -type f | head -n 1000 | wc -l)" "$folder"
done
section proxy
cat /etc/nginx/nginx.conf /etc/nginx/sites-enabled/* /etc/nginx/conf.d/* 2>/dev/null |
    grep -E '^[^#]*(proxy_pass|set_real_ip_from|real_ip_header|X-Forwarded)' || true
"""


def look(fleet: Fleet, hosts: Sequence[str]) -> list[HostSight]:
    """Give what is seen of these hosts, in their order."""
    started = time.time()
    answers = fleet.ask(_SHELL, {host: {"_raw_params": script(fleet, host)} for host in hosts})
    ended = time.time()
    health = _ask_site(fleet, hosts, "")
    wrong = _ask_site(fleet, hosts, WRONG_NAME)
    return [
        read_sight(
            host,
            answers.get(host, {}),
            asked=Asked(started, ended),
            probes=(health.get(host), wrong.get(host)),
        )
        for host in hosts
    ]


def script(fleet: Fleet, host: str) -> str:
    """Give the script that a host runs."""
    values = fleet.values(host)
    address = fleet.variable(host, "ansible_host", host)
    names = " ".join(
        f"-e {shlex.quote(f's#{name}#HOST#g')}" for name in dict.fromkeys((host, str(address)))
    )
    more = fleet.variable(host, "deploy_check_files", ())
    return _SCRIPT.format(
        root=shlex.quote(values.deploy_to),
        current=shlex.quote(values.current_dir),
        shared=shlex.quote(values.shared_dir),
        python=shlex.quote(str(fleet.variable(host, "deploy_check_python", "python3"))),
        files=" ".join(str(path) for path in more) if isinstance(more, Sequence) else "",
        names=names,
    )


def _ask_site(fleet: Fleet, hosts: Sequence[str], name: str) -> dict[str, Probe]:
    """Ask each host's health address, under another name where one is given."""
    arguments: dict[str, Mapping[str, object]] = {}
    for host in hosts:
        url = fleet.variable(host, "deploy_health_url")
        header = name or fleet.variable(host, "deploy_health_host", "")
        if url:
            headers = {"Host": str(header)} if header else {}
            arguments[host] = {
                "url": str(url),
                "headers": headers,
                "return_content": True,
                "timeout": 10,
            }
    answers = fleet.ask(_URI, arguments) if arguments else {}
    return {
        host: Probe(_whole(answer.get("status")), str(answer.get("content") or ""))
        for host, answer in answers.items()
    }


def read_sight(
    host: str,
    answer: Mapping[str, object],
    *,
    asked: Asked,
    probes: tuple[Probe | None, Probe | None] = (None, None),
) -> HostSight:
    """Read what the script printed."""
    if failure := failure_of(answer):
        return HostSight(host, failure=failure)
    parts = _sections(str(answer.get("stdout") or ""))
    clock = _first(parts, "clock")
    return HostSight(
        host,
        release=_first(parts, "release"),
        python=_first(parts, "python"),
        system=_first(parts, "system"),
        clock_seconds=seconds_ahead(float(clock), asked) if clock else 0.0,
        packages=dict(_cut(parts.get("packages", []), " ")),
        files={path: digest for digest, path in _cut(parts.get("files", []), " ")},
        settings=dict(_cut(parts.get("settings", []), "=")),
        folders=_folders(parts.get("folders", [])),
        proxy=tuple(line.strip() for line in parts.get("proxy", [])),
        pending=tuple(line.removeprefix("[ ]").strip() for line in parts.get("pending", [])),
        health=probes[0],
        wrong_name=probes[1],
    )


def _sections(text: str) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_MARK):
            lines = parts.setdefault(line.removeprefix(_MARK).strip(), [])
        elif line.strip():
            lines.append(line)
    return parts


def _first(parts: Mapping[str, Sequence[str]], name: str) -> str:
    return next((line.strip() for line in parts.get(name, ())), "")


def _cut(lines: Sequence[str], mark: str) -> list[tuple[str, str]]:
    """Give both sides of the first mark in each line that has one."""
    cut = (line.partition(mark) for line in lines if mark in line)
    return [(before.strip(), after.strip()) for before, _, after in cut]


def _folders(lines: Sequence[str]) -> dict[str, str]:
    words = (line.split(maxsplit=2) for line in lines)
    return {found[2]: f"{found[0]} {found[1]}" for found in words if len(found) == 3}


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0

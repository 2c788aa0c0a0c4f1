"""What a server tells the site: the environment, and a `.env` file beside manage.py."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit


def read_environment(env_file):
    """Give the settings of `env_file` (KEY=value lines), overruled by the real environment."""
    return {**parse_lines(env_file), **os.environ}


def parse_lines(env_file):
    """Give {key: value} of a file; empty when there is no such file."""
    if not Path(env_file).exists():
        return {}
    lines = (line.strip() for line in Path(env_file).read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_database_url(url):
    """Give Django's database settings for `postgresql://user:password@host:port/name` or
    `sqlite:////absolute/path`.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        name = unquote(parts.path[1:])
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "OPTIONS": {"timeout": 20},
        }
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL starts with {parts.scheme!r}, not postgresql or sqlite")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": 3},
    }

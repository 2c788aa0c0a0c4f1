"""Settings: everything that differs between servers comes from the environment or `.env`.

| name            | meaning                                              | default                 |
|-----------------|------------------------------------------------------|-------------------------|
| SECRET_KEY      | signs sessions; the same on every server             | required unless DEBUG=1 |
| DATABASE_URL    | postgresql://user:password@host/name, sqlite:////a/b | sqlite beside manage.py |
| ALLOWED_HOSTS   | names the site answers to, with commas               | *                       |
| MOOTUBE_HOST    | how this server calls itself                         | its host name           |
| MOOTUBE_RELEASE | the release, when there is no RELEASE file           | development             |
| BEHIND_HTTPS    | 1: the balancer speaks https with the visitor        | 0                       |
| DEBUG           | 1: on a developer's machine                          | 0                       |
"""

import socket
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from mootube.environment import parse_database_url, read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = read_environment(BASE_DIR / ".env")

DEBUG = ENVIRONMENT.get("DEBUG", "0") == "1"
SECRET_KEY = ENVIRONMENT.get("SECRET_KEY") or ("only-for-development" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is neither in the environment nor in .env")
ALLOWED_HOSTS = ENVIRONMENT.get("ALLOWED_HOSTS", "*").split(",")

RELEASE_FILE = BASE_DIR / "RELEASE"
MOOTUBE_RELEASE = (
    RELEASE_FILE.read_text(encoding="utf-8").strip()
    if RELEASE_FILE.exists()
    else ENVIRONMENT.get("MOOTUBE_RELEASE", "development")
)
MOOTUBE_HOST = ENVIRONMENT.get("MOOTUBE_HOST") or socket.gethostname()

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "videos",
]

MIDDLEWARE = [
    "videos.middleware.name_the_server",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mootube.urls"
WSGI_APPLICATION = "mootube.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "videos.context.server",
            ],
        },
    },
]

DATABASES = {
    "default": parse_database_url(
        ENVIRONMENT.get("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'mootube.sqlite3'}"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sessions live in the database, so it does not matter which server answers a visitor.
SESSION_ENGINE = ENVIRONMENT.get("SESSION_ENGINE", "django.contrib.sessions.backends.db")

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_root"

# The balancer in front of the servers says which name and scheme the visitor used.
USE_X_FORWARDED_HOST = False
if ENVIRONMENT.get("BEHIND_HTTPS", "0") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

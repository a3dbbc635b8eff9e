"""Settings. One file; a laptop, CI and production differ by environment variables only.

DATABASE_URL              postgresql://… ; without it SQLite at var/waylog.sqlite3
WAYLOG_SECRET_KEY         signs sessions; without it a key is made once and kept in var/secret-key
WAYLOG_ALLOWED_HOSTS      comma-separated host names, beside loopback
WAYLOG_HTTPS              true behind TLS: secure cookies, HSTS, redirect to https
WAYLOG_DEBUG              Django's DEBUG; false unless set
WAYLOG_MAX_BODY_MB        largest request body accepted by a recording endpoint, after decompression
WAYLOG_STALLED_MINUTES    a running run without news for so long is shown as stalled
WAYLOG_SAMPLES            false: the first start brings no sample runs
WAYLOG_INDEXING           false: this process leaves the search index to others, or to index_runs
WAYLOG_INBOX_REQUESTS     so many of the newest requests from machines are kept
WAYLOG_INBOX_REFUSED      so many of the newest refused records are kept
WAYLOG_THREADS            requests that one process answers at the same time

`manage.py serve` reads PORT, WAYLOG_HOST, WAYLOG_WORKERS and, at the first start,
WAYLOG_ADMIN_PASSWORD and WAYLOG_INGEST_KEY.
"""

import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF

from config.env import env_bool, env_int, env_list, env_str

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env_str("WAYLOG_VAR", str(BASE_DIR / "var")))


def _secret_key() -> str:
    """Return the key from the environment, else one made at first start and kept beside the
    database."""
    if key := env_str("WAYLOG_SECRET_KEY"):
        return key
    path = VAR_DIR / "secret-key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
        return path.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = env_bool("WAYLOG_DEBUG", False)
HTTPS = env_bool("WAYLOG_HTTPS", False)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env_list("WAYLOG_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in env_list("WAYLOG_ALLOWED_HOSTS")]

INSTALLED_APPS = [
    "runs",
    "nodes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_tables2",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "runs.recording.receiving.misdirected.MisdirectedMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "runs.access.SignInMiddleware",
    "runs.pages.time_zone.middleware.time_zone_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.console",
            ],
        },
    },
]

# -- database ------------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    # Take the write lock at BEGIN: a transaction that reads first and writes later cannot be
    # refused half-way (SQLITE_BUSY_SNAPSHOT), it waits its turn instead.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        # Of a new database: a step with all that was received of it fits several times.
        "PRAGMA page_size=8192;"
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;"
        "PRAGMA cache_size=-64000; PRAGMA mmap_size=268435456;"
        # Copy the log into the database every 32 MB: at SQLite's 4 MB, every other request paid.
        "PRAGMA wal_autocheckpoint=4000;"
    ),
}
# A thread holds a request while it works; Python runs one at a time, the others wait for the
# database, for a slow client, or for a stream that they hand on. So many slow clients at once stop
# the console: before a public one belongs a proxy that takes in whole requests.
WAYLOG_THREADS = max(1, env_int("WAYLOG_THREADS", 8))
DATABASE_URL = env_str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'waylog.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A thread keeps its connection: opening one and reading the schema takes longer than most
    # pages' questions. PostgreSQL's are kept by the pool.
    DATABASES["default"] |= {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
else:
    # A request that records a stream has a second thread, and so a second connection.
    pool = {"min_size": 1, "max_size": 2 * WAYLOG_THREADS}
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = pool

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- sign-in -------------------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# -- security ------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = True
# Exporters do not follow a redirect: the endpoints refuse them with a sentence.
SECURE_REDIRECT_EXEMPT = [r"^(v1|api)/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        # Waterfall bars carry their computed place as custom properties in style="…".
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# -- recording -----------------------------------------------------------------------------------

WAYLOG_MAX_BODY = env_int("WAYLOG_MAX_BODY_MB", 64) * 1024 * 1024
WAYLOG_STALLED_MINUTES = env_int("WAYLOG_STALLED_MINUTES", 15)
WAYLOG_SAMPLES = env_bool("WAYLOG_SAMPLES", True)
WAYLOG_INDEXING = env_bool("WAYLOG_INDEXING", True)
WAYLOG_INBOX_REQUESTS = env_int("WAYLOG_INBOX_REQUESTS", 2_000)
WAYLOG_INBOX_REFUSED = env_int("WAYLOG_INBOX_REFUSED", 5_000)
# The endpoints check their own limit and say so; Django's must not cut in before with a bare 400.
DATA_UPLOAD_MAX_MEMORY_SIZE = WAYLOG_MAX_BODY

# -- the rest ------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env_str("WAYLOG_TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

DJANGO_TABLES2_TEMPLATE = "components/table.html"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"links": {"()": "config.logs.RedactShareLinks"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # Anybody may send any Host: it is answered with 400, and is no error of ours.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}

"""Django's settings, from the environment. Names of AWS resources are in ``databridge.config``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django_stubs_ext

from databridge.config import ConfigInvalid, env_bool, env_list, stage

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL = stage() == "local"
DEBUG = env_bool("DATABRIDGE_DEBUG", default=False)

SECRET_KEY = os.environ.get("DATABRIDGE_SECRET_KEY", "")
if not SECRET_KEY:
    if not LOCAL:
        raise ConfigInvalid("DATABRIDGE_SECRET_KEY is not set.")
    SECRET_KEY = "local-only-" + "0" * 50  # signs nothing that leaves this machine

ALLOWED_HOSTS = list(env_list("DATABRIDGE_HOSTS")) or (["127.0.0.1", "localhost", "testserver"] if LOCAL else [])
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if not LOCAL and not host.startswith(".")]

INSTALLED_APPS = [
    "accounts.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "databridge",
    "accounts.apps.AccountsConfig",
    "ingestion",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "accounts.headers.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.SessionUser",
    "accounts.trail.AuditTrail",
    "django.contrib.messages.middleware.MessageMiddleware",
]

# What stands before every path: the stage's name on API Gateway's own host, nothing on a domain of one's own.
PREFIX = os.environ.get("DATABRIDGE_PREFIX", "").rstrip("/")
FORCE_SCRIPT_NAME = PREFIX or None

ROOT_URLCONF = "databridge.urls"
APPEND_SLASH = False

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
                "ingestion.web.context.navigation",
            ],
        },
    },
]

# Content types and permissions only, built once by `migrate`; nothing is written while serving.
SQLITE_PATH = Path(os.environ.get("DATABRIDGE_SQLITE", BASE_DIR / ".local" / "django.sqlite3")).absolute()
MIGRATES = sys.argv[1:2] == ["migrate"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": SQLITE_PATH if MIGRATES else f"{SQLITE_PATH.as_uri()}?mode=ro",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backend.CognitoBackend"]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "dashboard"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 3600
# "__Host-" makes browsers insist on HTTPS, this host alone and the whole site; over plain HTTP they would refuse it
SESSION_COOKIE_NAME = "databridge_session" if LOCAL else "__Host-databridge_session"
CSRF_COOKIE_NAME = "databridge_csrf" if LOCAL else "__Host-databridge_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # the pages carry the token themselves
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
SECURE_SSL_REDIRECT = not LOCAL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if LOCAL else 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = f"{PREFIX}/static/"
STATIC_ROOT = None if LOCAL else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = LOCAL
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "ingestion.lake.LakeStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# A multipart upload is spooled to disk beyond this size, so a large file never lies in memory.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024**2

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.jwt.CognitoJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.roles.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "databridge.api_errors.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "DataBridge ERP",
    "DESCRIPTION": "Brings ERP files into a lake as typed Parquet, nothing lost or altered in silence.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX_TRIM": False,
}

# The network guard: which private addresses this stage may fetch from, beyond the public internet.
SOURCE_ALLOW_CIDRS = env_list("DATABRIDGE_ALLOW_CIDRS")
SOURCE_ALLOW_HOSTS = env_list("DATABRIDGE_ALLOW_HOSTS")
SOURCE_MAX_BYTES = int(os.environ.get("DATABRIDGE_SOURCE_MAX_BYTES", str(10 * 1024**3)))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "aws_lambda_powertools.logging.formatter.LambdaPowertoolsFormatter",
            "service": "databridge",
        },
        "bare": {"format": "%(message)s"},
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain" if LOCAL else "json"},
        "metrics": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("DATABRIDGE_LOG_LEVEL", "INFO")},
    "loggers": {
        # one line of JSON each, which CloudWatch reads from Lambda's standard output; nobody reads it locally
        "databridge.metrics": {
            "handlers": ["metrics"],
            "level": "WARNING" if LOCAL else "INFO",
            "propagate": False,
        },
        "botocore": {"level": "WARNING"},
        "pynamodb": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}

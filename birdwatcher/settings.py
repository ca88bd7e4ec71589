"""Django's settings. What differs between installations comes from `configuration`."""

import copy
import datetime
import os
import re
from importlib.resources import files

from csp.constants import NONE, SELF

from birdwatcher.configuration.config import BASE_DIR, load

BIRDWATCHER = load(os.environ)
ROOT = f"{BIRDWATCHER.path_prefix}/"  # the path of the first page

SECRET_KEY = BIRDWATCHER.secret_key
DEBUG = BIRDWATCHER.debug
ALLOWED_HOSTS = BIRDWATCHER.allowed_hosts
CSRF_TRUSTED_ORIGINS = BIRDWATCHER.csrf_trusted_origins

INSTALLED_APPS = [
    "birdwatcher.staff",  # before the next, because its templates replace some of the admin's
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "birdwatcher.server",  # before staticfiles: both have a command `runserver`
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "birdwatcher.audit",
    "birdwatcher.accounts",
    "birdwatcher.nodes",
    "birdwatcher.birds",
    "birdwatcher.daemon",
    "birdwatcher.rollups",
    "birdwatcher.health",
    "birdwatcher.feed",
    "birdwatcher.writer",
    "birdwatcher.exports",
    "birdwatcher.api",
    "birdwatcher.pages",
    "birdwatcher.live",
    "birdwatcher.simulator",
    "birdwatcher.demo",
]

MIDDLEWARE = [
    "birdwatcher.api.errors.ApiErrorsMiddleware",  # outside everything that may answer with a page
    "django.middleware.security.SecurityMiddleware",
    "birdwatcher.server.headers.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "birdwatcher.accounts.sessions.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "birdwatcher.accounts.authors.AuthorMiddleware",
    "birdwatcher.accounts.guessing.KnownBrowserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "birdwatcher.accounts.timezones.TimeZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "birdwatcher.staff.characters.NullMiddleware",
]

FORCE_SCRIPT_NAME = BIRDWATCHER.path_prefix or None
ROOT_URLCONF = "birdwatcher.urls"
ASGI_APPLICATION = "birdwatcher.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "birdwatcher.pages.navigation.navigation",
            ],
        },
    },
]

# A copy: Django adds its defaults to it, and a reload would take them for a change.
DATABASES = {"default": copy.deepcopy(BIRDWATCHER.database)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = datetime.timedelta(minutes=10)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
# Otherwise someone with an account could guess other passwords without end by logging in between.
AXES_RESET_ON_SUCCESS = False
# Otherwise each attempt during a lockout would prolong it.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "birdwatcher.accounts.askers.client_address"
AXES_USERNAME_CALLABLE = "birdwatcher.accounts.lockout.no_name"
AXES_LOCKOUT_CALLABLE = "birdwatcher.accounts.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "pages:overview"
LOGOUT_REDIRECT_URL = "pages:overview"

# A body of `BODY_BYTES` holds more; the admin confirms up to `MOST` objects, each a field.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

USE_TZ = True
TIME_ZONE = BIRDWATCHER.time_zone
LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = ["birdwatcher.common.formats"]

STATIC_URL = f"{ROOT}static/"
# Part of the installed program, like its code. Where `collectstatic` has not run, WhiteNoise finds
# the files in the apps.
STATIC_ROOT = BASE_DIR / "static"
# Chart.js and Swagger UI, from packages that contain them. Installing the packages as apps would
# change the admin and add files that nothing uses.
_swagger = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar"
STATICFILES_DIRS = [
    ("chart", str(files("unfold") / "static" / "unfold" / "js" / "chart")),
    ("swagger-ui", str(_swagger / "swagger-ui-dist")),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "birdwatcher.server.static.StaticFiles"},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or not STATIC_ROOT.is_dir()

# Another program under another path of the same host does not get them.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = ROOT
SESSION_COOKIE_SECURE = BIRDWATCHER.https
CSRF_COOKIE_SECURE = BIRDWATCHER.https
SECURE_SSL_REDIRECT = BIRDWATCHER.https
# Monitoring asks for it directly, without the proxy that speaks HTTPS.
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(ROOT[1:])}healthz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BIRDWATCHER.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BIRDWATCHER.https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Nothing from other sites, and no script or style inside a page; this holds for the admin, too.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BIRDWATCHER.trust_proxy else None
# W021 asks for the browsers' preload list. It is hard to leave again, so the domain's owner decides
# that, not one application on it.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "birdwatcher.api.permissions.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["birdwatcher.api.permissions.MayRead"],
    "DEFAULT_THROTTLE_CLASSES": ["birdwatcher.api.throttle.Throttle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["birdwatcher.api.negotiation.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "birdwatcher.api.negotiation.Negotiation",
    "DEFAULT_PAGINATION_CLASS": "birdwatcher.api.paging.Pages",
    "DEFAULT_FILTER_BACKENDS": ["birdwatcher.api.filters.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "birdwatcher.api.errors.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Birdwatcher",
    "VERSION": "1",
    "DESCRIPTION": "Nodes that detect birds, the birds that they heard, and counts over time.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # The paths of the schema are relative to it.
    "SERVERS": [{"url": BIRDWATCHER.path_prefix}] if BIRDWATCHER.path_prefix else [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "birdwatcher.api.schema.add_errors",
        "birdwatcher.api.schema.turn_patterns",
    ],
}

_log_handlers = {
    "text": {"class": "nodeproc.logs.lines.StderrHandler", "formatter": "text"},
    "json": {"class": "nodeproc.logs.lines.StderrHandler", "formatter": "json"},
    "journal": {"class": "nodeproc.logs.journal.JournalHandler"},
}

_others_level = "INFO" if BIRDWATCHER.log_level == "DEBUG" else BIRDWATCHER.log_level

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "nodeproc.logs.lines.TextFormatter"},
        "json": {"()": "nodeproc.logs.lines.JsonFormatter"},
    },
    "filters": {"requests": {"()": "birdwatcher.server.repeats.FoldRequests"}},
    "handlers": {"log": {**_log_handlers[BIRDWATCHER.log_format], "filters": ["requests"]}},
    "root": {"handlers": ["log"], "level": BIRDWATCHER.log_level},
    "loggers": {
        # Without Django's own handlers its messages reach root's. Its DEBUG level would log every
        # query and every variable that a template misses.
        "django": {
            "handlers": [],
            "level": _others_level,
        },
        "django.server": {"handlers": [], "propagate": True},
        # `birdwatcher.accounts` logs failed logins, without names.
        "axes": {"level": "ERROR"},
        # At DEBUG it logs its selector in each process.
        "asyncio": {"level": _others_level},
    },
}

# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables are set in install.sh
# Part of install.sh: which database, and its migrations. A URL is kept only when the database behind it
# has been migrated: the service that runs meanwhile may restart at any moment, and would take it.

# With what to migrate: what is kept, or a copy with the new URL.
credentials=$etc/credentials

ensure_database() {
    local path=$etc/credentials/DATABASE_URL
    if [[ -z $database_url ]]; then
        ensure_migrated
    elif [[ $(cat "$path" 2>/dev/null) == "$database_url" ]]; then
        say "unchanged: $path"
        ensure_migrated
    else
        # Its sentence says what is wrong, without the password.
        [[ -n $dry_run ]] || in_release -c "$check_url" <<<"$database_url" || exit 1
        [[ -n $dry_run ]] || try_database_url
        ensure_migrated
        need_restart
        act "write $(mask <<<"$database_url") to $path" keep_secret DATABASE_URL "$database_url"
        credentials=$etc/credentials
    fi
}

readonly check_url='
import sys
from django.core.exceptions import ImproperlyConfigured
from birdwatcher.configuration.databases import parse_database_url
try:
    parse_database_url(sys.stdin.read().strip())
except ImproperlyConfigured as error:
    sys.exit(f"install.sh: {error}")
'

mask() { sed -E 's#(://[^:/@]*):.*@#\1:***@#; s#([?&]password=)[^&]*#\1***#'; }

try_database_url() {
    credentials=$(mktemp --directory /run/birdwatcher-credentials.XXXXXX)
    unfinished+=("$credentials")
    cp "$etc"/credentials/* "$credentials"
    (umask 077 && printf '%s\n' "$database_url" >"$credentials/DATABASE_URL")
}

ensure_migrated() {
    if [[ -n $dry_run ]]; then
        say "would migrate the database, if it lacks migrations"
    elif manage migrate --check >/dev/null 2>&1; then
        say "unchanged: the database"
    else
        # Until it is restarted, a release that does not count birds goes on bringing them.
        manage showmigrations rollups 2>/dev/null | grep -qF "[ ]" && touch "$opt/.recount"
        act "migrate the database" migrate
    fi
}

migrate() {
    local output
    output=$(manage shell --verbosity=0 --command "$migration" 2>&1) ||
        fail "the database could not be migrated: $(last_words <<<"$output")"
}

# A migration that waits for a lock, say of a nightly backup, makes everybody wait who comes after it.
# (Not by PGOPTIONS, which not every pooler takes.)
readonly migration='
from django.core.management import call_command
from django.db import connection
if connection.vendor == "postgresql":
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 20000")
call_command("migrate", interactive=False, verbosity=0)
'

# Of a traceback, the line that names the error. PostgreSQL shows the statement behind it.
last_words() {
    grep --extended-regexp '^[A-Za-z_.]*(Error|Exception|Exit)\b|^[^ 	].*\.$' |
        grep --invert-match '^LINE ' | tail --lines=1 || echo "it did not say why"
}

# By sh, because the tree may lie where nothing is executed.
manage() {
    BIRDWATCHER_RELEASE=$release BIRDWATCHER_CREDENTIALS=$credentials \
        sh "$tree/systemd/birdwatcher" "$@" </dev/null
}

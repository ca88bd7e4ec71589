#!/usr/bin/env bash
# Installs, upgrades and removes Birdwatcher under systemd; --help says how. A run that fails says why
# in one sentence, and what ran before runs on; the next run takes up where it ended.
set -euo pipefail
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

tree=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly tree
readonly parts=(
    manage.py birdwatcher nodeproc supervisor requirements.txt requirements.lock
    README.md docs CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE
)
readonly opt=/opt/birdwatcher etc=/etc/birdwatcher state=/var/lib/birdwatcher
readonly units=/etc/systemd/system sysusers=/etc/sysusers.d/birdwatcher.conf
readonly command=/usr/local/bin/birdwatcher
readonly services=(birdwatcher.service birdwatcher-web.service)
readonly all_units=(birdwatcher.slice birdwatcher.target birdwatcher-web.socket "${services[@]}")
readonly enabled=(birdwatcher.target birdwatcher-web.socket "${services[@]}")
readonly drop_in=10-restart-steps.conf
readonly python=${PYTHON:-/usr/bin/python3}
readonly patience=${PATIENCE:-90} # seconds

dry_run='' database_url='' start=1 remove='' purge=''
changed='' # whether what runs has to be restarted
release='' # its directory

# What is deleted when this run ends, however it does.
unfinished=()
# Once more if it must: the child of a command that was ended may write for a moment longer.
remove_unfinished() {
    local attempt
    for attempt in 1 2 3 4 5; do
        rm -rf "${unfinished[@]}" 2>/dev/null && return
        sleep "0.$attempt"
    done
    rm -rf "${unfinished[@]}"
}
trap remove_unfinished EXIT
trap 'exit 130' HUP INT TERM

# shellcheck source=systemd/release.sh
. "$tree/systemd/release.sh"
# shellcheck source=systemd/database.sh
. "$tree/systemd/database.sh"
# shellcheck source=systemd/remove.sh
. "$tree/systemd/remove.sh"

usage() {
    cat <<END
Usage: install.sh [--database-url URL] [--no-start] [--dry-run]
       install.sh --remove [--purge] [--dry-run]

Installs Birdwatcher from the tree that this script is part of, or upgrades it, and starts it. What is
right already is left alone.

  --database-url URL  keep URL as the database to use; "-" reads it from standard input, where other
                      users do not see its password (without: what was given before, or else SQLite)
  --no-start          neither start nor restart anything
  --dry-run           only say what would be done
  --remove            stop and remove it; configuration and data stay
  --purge             with --remove: delete configuration, data and the user, too
  --help              show this

PYTHON names another interpreter than $python; pip heeds its own variables and files. For PATIENCE
seconds ($patience) the services are waited for.
END
}

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

say() { printf '%s\n' "$*"; }

# act "what is done" COMMAND...: says it and does it; a dry run says that it would.
act() {
    say "${dry_run:+would }$1"
    [[ -n $dry_run ]] || "${@:2}"
}

# put FILE PATH MODE [COMMAND]: FILE is at PATH, with this mode and owned by root; if it was not before,
# COMMAND is run first.
put() {
    if cmp --silent "$1" "$2"; then
        say "unchanged: $2"
    else
        "${@:4}"
        act "install $2" install -D --mode="$3" "$1" "$2"
    fi
}

# each VERB UNIT...: whether it is true of each; systemctl itself succeeds if it is of any.
each() {
    local unit
    for unit in "${@:2}"; do
        systemctl --quiet "$1" "$unit" 2>/dev/null || return
    done
}

# Said before what makes it needed, and remembered until it is done: this run may be interrupted, or told
# not to start anything.
need_restart() {
    changed=1
    [[ -n $dry_run ]] || touch "$opt/.restart"
}

parse_arguments() {
    while (($#)); do
        case $1 in
        --database-url)
            (($# > 1)) || fail "--database-url needs a URL, or - to read it from standard input"
            database_url=$2
            [[ $database_url != - ]] || IFS= read -r database_url || true
            [[ -n $database_url ]] || fail "the database's URL is empty"
            shift
            ;;
        --database-url=*) set -- "" --database-url "${1#*=}" "${@:2}" ;;
        --dry-run) dry_run=1 ;;
        --no-start) start='' ;;
        --remove) remove=1 ;;
        --purge) purge=1 ;;
        --help | -h)
            usage
            exit
            ;;
        *) fail "unknown argument $1; --help lists them" ;;
        esac
        shift
    done
    [[ -z $purge || -n $remove ]] || fail "--purge goes with --remove"
}

check_machine() {
    ((EUID == 0)) || fail "only root can do this: sudo $0"
    [[ -d /run/systemd/system ]] || fail "systemd does not run on this machine"
    # Waiting for a command that runs as a unit takes the bus; a minimal Debian is without.
    [[ -S /run/dbus/system_bus_socket ]] || fail "the system's message bus does not run: apt install dbus"
    local place
    for place in "$opt" "$etc" "$state"; do
        [[ $tree/ != "$(readlink -m "$place")"/* ]] ||
            fail "$tree lies in $place, which belongs to what is installed: unpack it elsewhere"
    done
    [[ -n $remove ]] && return
    [[ -x $python ]] || fail "$python is not there: apt install python3 python3-venv"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is $("$python" -V), but Birdwatcher needs 3.11 or later"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make an environment with pip: apt install python3-venv"
    local part
    for part in "${parts[@]}" systemd/birdwatcher.service; do
        [[ -e $tree/$part ]] || fail "$tree is not a whole tree of Birdwatcher: $part is missing"
    done
}

ensure_user() {
    put "$tree/systemd/birdwatcher.sysusers.conf" "$sysusers" 0644
    getent passwd birdwatcher >/dev/null || act "create the user birdwatcher" systemd-sysusers "$sysusers"
}

ensure_configuration() {
    [[ -d $etc/credentials ]] || act "make $etc/credentials" make_directories
    if [[ -e $etc/birdwatcher.env ]]; then
        say "unchanged: $etc/birdwatcher.env"
    else
        put "$tree/systemd/birdwatcher.env" "$etc/birdwatcher.env" 0644
    fi
    put "$tree/systemd/birdwatcher.env" "$etc/birdwatcher.env.example" 0644
    if [[ -s $etc/credentials/BIRDWATCHER_SECRET_KEY ]]; then
        say "unchanged: $etc/credentials/BIRDWATCHER_SECRET_KEY"
    else
        act "generate $etc/credentials/BIRDWATCHER_SECRET_KEY" \
            keep_secret BIRDWATCHER_SECRET_KEY "$("$python" -c 'import secrets; print(secrets.token_urlsafe(50))')"
    fi
}

make_directories() {
    install -d --mode=0755 "$etc"
    install -d --mode=0700 "$etc/credentials"
}

# keep_secret NAME VALUE: readable by root alone from the first moment, and never half written.
keep_secret() {
    (umask 077 && printf '%s\n' "$2" >"$etc/credentials/.$1.new")
    mv "$etc/credentials/.$1.new" "$etc/credentials/$1"
}

ensure_units() {
    local unit
    put "$tree/systemd/birdwatcher" "$command" 0755
    [[ ! -e $opt/.restart ]] || changed=1
    for unit in "${all_units[@]}"; do
        put "$tree/systemd/$unit" "$units/$unit" 0644 need_restart
    done
    # Before version 254 systemd complains of what it does not know.
    if (($(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p') >= 254)); then
        for unit in "${services[@]}"; do
            put "$tree/systemd/restart-steps.conf" "$units/$unit.d/$drop_in" 0644 need_restart
        done
    fi
    [[ -z $changed ]] || act "have systemd read its units" systemctl daemon-reload
    if each is-enabled "${enabled[@]}"; then
        say "unchanged: enabled"
    else
        act "enable ${enabled[*]}" systemctl --quiet enable "${enabled[@]}"
    fi
}

ensure_started() {
    local verb=start
    [[ -n $start ]] || return 0
    if [[ -n $changed ]]; then
        verb=restart
    elif each is-active "${enabled[@]}"; then
        say "unchanged: running"
        return
    fi
    act "$verb ${services[*]}" bring_up "$verb"
    changed=''
}

# bring_up VERB: of systemctl. The socket is not restarted, so that the web UI refuses nobody meanwhile.
bring_up() {
    local unit
    systemctl start birdwatcher-web.socket
    # A daemon waits for its database without a bound, and systemctl for the daemon.
    if timeout --foreground "$patience" systemctl "$1" "${services[@]}"; then
        systemctl start birdwatcher.target
        rm -f "$opt/.restart"
        recount
        return
    fi
    for unit in "${services[@]}"; do
        systemctl --quiet is-active "$unit" || last_said "$unit" >&2
    done
    fail "installed, but not running: the lines above say why, journalctl -u 'birdwatcher*' says more"
}

recount() {
    [[ -e $opt/.recount ]] || return 0
    if manage rebuildrollups >/dev/null; then
        rm -f "$opt/.recount"
    else
        say "the birds could not be counted: run birdwatcher rebuildrollups"
    fi
}

last_said() {
    journalctl --quiet --unit="$1" --output=cat --lines=5
    printf '%s is %s. %s\n' "$1" "$(systemctl show --property=ActiveState --value "$1")" \
        "$(systemctl show --property=StatusText --value "$1")"
}

install_all() {
    ensure_release
    ensure_user
    ensure_configuration
    ensure_database
    ensure_current
    ensure_units
    ensure_started
    remove_old_releases
}

parse_arguments "$@"
check_machine
if [[ -n $remove ]]; then remove_all; else install_all; fi

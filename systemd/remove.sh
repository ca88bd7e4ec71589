# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables are set in install.sh
# Part of install.sh: removal, and with --purge also of what the operator and the program have written.

remove_all() {
    local unit place
    for place in "$opt" ${purge:+"$etc" "$state"}; do
        # Who knows what else is kept there.
        [[ ! -L $place ]] ||
            fail "$place is a symbolic link: remove it, and what it leads to, yourself; nothing has been changed"
    done
    if [[ -e $units/birdwatcher.target || -e $opt ]]; then
        act "stop and disable ${enabled[*]}" stop_all
        for unit in "${all_units[@]}"; do
            remove "$units/$unit"
            remove "$units/$unit.d/$drop_in"
        done
        remove "$sysusers"
        remove "$command"
        remove "$opt"
        act "have systemd read its units" systemctl daemon-reload
    else
        say "unchanged: not installed"
    fi
    if [[ -n $purge ]]; then
        purge_all
    else
        say "kept: $etc, $state and the user birdwatcher; --purge deletes them"
    fi
}

# A run that was interrupted may have left only some of them.
stop_all() {
    systemctl --quiet disable --now "${enabled[@]}" 2>/dev/null || systemctl stop "birdwatcher*"
    systemctl stop birdwatcher.slice
    systemctl reset-failed "${services[@]}" 2>/dev/null || true
}

purge_all() {
    local unit
    for unit in "${all_units[@]}"; do
        remove "$units/$unit.d"
    done
    remove "$etc"
    remove "$state"
    ! getent passwd birdwatcher >/dev/null || act "delete the user birdwatcher" userdel birdwatcher
}

# Of a directory that is mounted, only what it holds can go.
remove() {
    if mountpoint --quiet "$1"; then
        act "empty $1, where something is mounted" find "$1" -xdev -mindepth 1 -delete
    elif [[ -e $1 || -L $1 ]]; then
        act "remove $1" rm -rf --one-file-system "$1"
    fi
}

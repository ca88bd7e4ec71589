# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables are set in install.sh
# Part of install.sh: a release is a directory with the program, its environment and its static files,
# complete before it is used, and not changed afterwards. `current` is a symbolic link to one.

# The files of a release, without what a run or a test leaves behind. Prints a tar archive that is the
# same for the same files.
archive() {
    tar --create --directory="$tree" --exclude=__pycache__ --exclude='*.pyc' --sort=name \
        --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "${parts[@]}"
}

# The name of the release says what is in it: the same tree, on the same Python, is not built twice.
release_name() {
    { archive && "$python" -VV; } | sha256sum | cut -c1-12
}

ensure_release() {
    release=$opt/releases/$(release_name)
    if [[ -e $release/.complete ]]; then
        say "unchanged: $release"
        return
    fi
    act "build $release" build_release
}

# Nothing that is in use is touched: if this fails, what ran before runs on.
build_release() {
    rm -rf "$release"
    unfinished+=("$release")
    mkdir -p "$release"
    archive | tar --extract --directory="$release"
    "$python" -m venv "$release/venv"
    "$release/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --requirement "$release/requirements.lock" ||
        fail "pip could not install what requirements.lock asks for; nothing has been changed"
    "$release/venv/bin/python" -m compileall -q "$release/birdwatcher" "$release/nodeproc" \
        "$release/supervisor"
    in_release manage.py collectstatic --no-input --verbosity=0 ||
        fail "the static files could not be collected; nothing has been changed"
    touch "$release/.complete"
    unfinished=()
}

# in_release ARGUMENTS: its Python, as root, with a configuration and a state directory for the moment.
in_release() {
    local scratch code=0
    scratch=$(mktemp -d)
    unfinished+=("$scratch")
    env -i --chdir="$release" PATH="$PATH" BIRDWATCHER_STATE_DIR="$scratch" \
        BIRDWATCHER_SECRET_KEY=unused venv/bin/python "$@" || code=$?
    rm -rf "$scratch"
    return "$code"
}

ensure_current() {
    if [[ $(readlink "$opt/current") == "$release" ]]; then
        say "unchanged: $opt/current"
    else
        need_restart
        act "switch $opt/current to $release" switch_release
    fi
}

# Of the others, the one that was used before is kept; and any, as long as something may run from it that
# waits for its restart.
remove_old_releases() {
    local old
    [[ -z $changed ]] || return 0
    for old in "$opt"/releases/*; do
        case $old in
        "$release" | "$(readlink "$opt/current")" | "$(readlink "$opt/previous")" | *'*') ;;
        *) act "remove $old" rm -rf "$old" ;;
        esac
    done
}

# One rename(2): at every moment there is a current release.
switch_release() {
    [[ ! -L $opt/current ]] || ln -sfn "$(readlink "$opt/current")" "$opt/previous"
    ln -sfn "$release" "$opt/current.new"
    mv -T "$opt/current.new" "$opt/current"
}

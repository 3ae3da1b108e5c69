#!/bin/sh
# Puts Fieldlog on a phone (in Termux), keeps it running and brings it up to date.
#
# A hub made this file: it names where that hub is and the certificate under which it answers, so
# whoever has checked this file's hash has checked the hub. No network but the hub's is needed, and
# nothing is compiled. It may be run again at any time; what is there already is left alone.
#
#     sh install.sh              install, or bring up to date
#     fieldlog-phone upgrade     bring up to date
#     fieldlog-phone start       start, if it does not run
#     fieldlog-phone stop        stop until it is started again
#     fieldlog-phone open        open the screens in the browser
#     fieldlog-phone link        the links of the screens and for the location app
#     fieldlog-phone status      what runs, since when, and the last words of its log
#     fieldlog-phone remove      take the program away; what was saved stays
#
# Invariant: the store is never touched, and a program is removed only once a newer one answers.

set -eu
umask 077

HUBS=@HUBS@
PREFIX=${PREFIX:-/data/data/com.termux/files/usr}
BASE=$HOME/.fieldlog
DATA=$HOME/fieldlog-device
SERVICE=$PREFIX/var/service/fieldlog
BOOT=$HOME/.termux/boot/fieldlog
SELF=$PREFIX/bin/fieldlog-phone
SPACE_KB=120000
START_S=600

say() { printf '%s\n' "$*"; }

fail() {
    printf 'fieldlog-phone: %s\n' "$*" >&2
    exit 1
}

have() { [ -x "$PREFIX/bin/$1" ]; }

number() { cat "$BASE/current" 2>/dev/null || :; }

port() { cat "$BASE/port" 2>/dev/null || say 8765; }

# ---------------------------------------------------------------- what Termux gives

has_python() { have python && "$PREFIX/bin/python" -c 'import pip, venv, cryptography' 2>/dev/null; }

need_python() {
    if ! has_python; then
        have python || say 'Python is not here yet.'
        say 'Fetching Python and its cryptography from Termux.'
        if have pkg; then
            "$PREFIX/bin/pkg" install -y python python-pip python-cryptography || :
        fi
        has_python || debs_of_hub
        has_python || fail "Python or its cryptography could not be installed. Once, with the
internet (mobile data will do):  pkg upgrade -y && pkg install -y python python-pip python-cryptography
Then run this again. Where there is no internet the office can put Termux's packages on the hub:
fieldlog phone-wheels --data FOLDER --beside FILES"
    fi
    "$PREFIX/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' ||
        fail "Fieldlog runs on Python 3.11 to 3.14, and this is $("$PREFIX/bin/python" -V)."
}

# Packages of Termux that the office put on the hub, for a phone that never sees the internet.
debs_of_hub() {
    have dpkg || return 0
    find_hub
    ask_hub /phone/packages.txt "$BASE/packages.txt" && [ -s "$BASE/packages.txt" ] || return 0
    kind=$("$PREFIX/bin/dpkg" --print-architecture)
    grep -e "_$kind\.deb\$" -e '_all\.deb$' "$BASE/packages.txt" >"$BASE/fitting.txt" || return 0
    rm -rf "$BASE/packages"
    get_files "$BASE/fitting.txt" "$BASE/packages"
    set -- "$BASE/packages"/*.deb
    say "Installing $# packages of Termux that the hub has."
    "$PREFIX/bin/dpkg" -i "$@" || :
    rm -rf "$BASE/packages" "$BASE/packages.txt" "$BASE/fitting.txt"
}

# runit, which starts again what ended. Without it a plain loop does the same.
want_runit() {
    if ! have sv && have pkg && [ ! -e "$BASE/no-runit" ]; then
        "$PREFIX/bin/pkg" install -y termux-services >/dev/null 2>&1 || : >"$BASE/no-runit"
    fi
}

has_runit() { have sv && have runsv && [ -d "$PREFIX/var/service" ]; }

begin_runit() {
    export SVDIR="$PREFIX/var/service" LOGDIR="$PREFIX/var/log"
    if have service-daemon; then
        "$PREFIX/bin/service-daemon" start >/dev/null 2>&1 || :
    fi
}

# ---------------------------------------------------------------- the hub

write_root() {
    cat >"$BASE/hub.pem" <<'ROOT'
@ROOT@
ROOT
}

# ask_hub PATH FILE: whether the hub gave FILE. Its own words, where it refuses, are told.
ask_hub() {
    if [ -s "$BASE/hub.pem" ]; then
        set -- "$1" "$2" --cacert "$BASE/hub.pem"
    fi
    path=$1 file=$2
    shift 2
    code=$(curl -sS --connect-timeout 5 --max-time 600 "$@" -o "$file.part" -w '%{http_code}' \
        "https://$hub$path" 2>"$BASE/curl.txt") || return 1
    if [ "$code" != 200 ]; then
        if [ "$code" = 503 ]; then
            say "The hub says: $(cat "$file.part")"
            refused=$hub
        fi
        rm -f "$file.part"
        return 1
    fi
    mv "$file.part" "$file"
}

find_hub() {
    refused=
    for hub in $HUBS; do
        if ask_hub /phone/wheels.txt "$BASE/wheels.txt"; then
            return 0
        fi
        case $(cat "$BASE/curl.txt") in
        *certificate*) fail "What answers at $hub is another machine, or this phone's clock is wrong
(it says $(date '+%Y-%m-%d %H:%M')). Set date and time, or take a new code from the office." ;;
        esac
    done
    [ -z "$refused" ] || fail "Nothing was installed. Run this again when the office has done that."
    fail "No hub gives Fieldlog at: $HUBS. Join the phone to the hub's Wi-Fi, turn off any VPN, and
run this again. ($(cat "$BASE/curl.txt"))"
}

# get_files LIST FOLDER: every file of a list (`sha256sum`'s form) from the hub, each checked. What
# came whole before is not asked for again.
get_files() {
    mkdir -p "$2"
    while read -r sum name; do
        if ! printf '%s  %s\n' "$sum" "$2/$name" | sha256sum -c >/dev/null 2>&1; then
            ask_hub "/phone/files/$sum/$name" "$2/$name" ||
                fail "The hub did not give $name. Run this again nearer to its network."
            printf '%s  %s\n' "$sum" "$2/$name" | sha256sum -c >/dev/null 2>&1 ||
                fail "$name came damaged. Run this again."
        fi
    done <"$1"
}

# ---------------------------------------------------------------- the program

space_left() {
    left=$(df -Pk "$HOME" | tail -n 1 | { read -r _ _ _ free _ && say "$free"; })
    [ "$left" -ge "$SPACE_KB" ] ||
        fail "Only $((left / 1024)) MB are left on this phone, and $((SPACE_KB / 1024)) are needed. \
Delete something and run this again."
}

# Into a folder of its own.
put_program() {
    # What broken-off runs left goes; what runs stays.
    for each in "$BASE/versions"/*; do
        [ "${each##*/}" = "$(number)" ] || rm -rf "$each"
    done
    new=$(number)
    new=$((${new:-0} + 1))
    program=$BASE/versions/$new
    "$PREFIX/bin/python" -m venv --system-site-packages --without-pip "$program"
    get_files "$BASE/wheels.txt" "$BASE/wheels"
    for each in "$BASE/wheels"/*; do
        # What a broken-off run left of another version.
        grep -qF "  ${each##*/}" "$BASE/wheels.txt" || rm -f "$each"
    done
    # No settings of this phone's: they may name other places to install from.
    PIP_CONFIG_FILE=/dev/null "$PREFIX/bin/python" -m pip --isolated \
        --python "$program/bin/python" install --quiet --no-cache-dir --no-compile --no-input \
        --disable-pip-version-check --no-index --find-links "$BASE/wheels" \
        --only-binary :all: fieldlog ||
        fail 'The program could not be installed; what was there runs on. Run this again.'
    "$program/bin/fieldlog" device --help >/dev/null ||
        fail 'The program does not run on this phone; what was there runs on. Tell the office.'
    mv "$BASE/wheels.txt" "$program/wheels.txt"
    rm -rf "$BASE/wheels"
}

# text FILE MODE: what comes in becomes FILE, wholly or not at all.
text() {
    mkdir -p "${1%/*}"
    cat >"$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
}

put_scripts() {
    if [ "$0" != "$SELF" ]; then
        { say "#!$PREFIX/bin/sh"; sed 1d "$0"; } | text "$SELF" 755
    fi
    text "$PREFIX/bin/fieldlog" 755 <<END
#!$PREFIX/bin/sh
exec "$BASE/versions/\$(cat "$BASE/current")/bin/fieldlog" "\$@"
END
    text "$BASE/run" 755 <<END
#!$PREFIX/bin/sh
cd "$HOME" || exit 1
date '+%Y-%m-%d %H:%M' >"$BASE/began"
exec "$PREFIX/bin/fieldlog" device --data "$DATA" --port $(port) 2>&1
END
    text "$BOOT" 755 <<END
#!$PREFIX/bin/sh
export PREFIX="$PREFIX" HOME="$HOME" PATH="$PREFIX/bin:\$PATH"
exec "$SELF" start
END
    if has_runit && [ ! -d "$SERVICE" ]; then
        put_service
    fi
}

# Complete before runsvdir sees it.
put_service() {
    rm -rf "$BASE/service"
    text "$BASE/service/run" 755 <<END
#!$PREFIX/bin/sh
exec "$BASE/run"
END
    text "$BASE/service/finish" 755 <<END
#!$PREFIX/bin/sh
echo "\$1" >"$BASE/ended"
[ "\$1" = 0 ] || sleep 4
END
    text "$BASE/service/log/run" 755 <<END
#!$PREFIX/bin/sh
umask 077
mkdir -p "$PREFIX/var/log/sv/fieldlog"
exec svlogd -tt "$PREFIX/var/log/sv/fieldlog"
END
    : >"$BASE/service/down"
    mv "$BASE/service" "$SERVICE"
}

# ---------------------------------------------------------------- running it

answers() { curl -s -o /dev/null --max-time 5 "http://127.0.0.1:$(port)/enrol"; }

looping() {
    pid=$(cat "$BASE/loop.pid" 2>/dev/null) && [ -n "$pid" ] &&
        tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'fieldlog-phone loop'
}

# What runs where there is no runit: the program, and again when it has ended.
loop() {
    looping && exit 0
    echo $$ >"$BASE/loop.pid"
    # The number goes last: whoever stops it waits for that.
    trap 'kill "$child" 2>/dev/null || :; wait "$child" || :; rm -f "$BASE/loop.pid"; exit 0' TERM INT
    while :; do
        "$BASE/run" &
        child=$!
        code=0
        wait "$child" || code=$?
        echo "$code" >"$BASE/ended"
        sleep 4 &
        child=$!
        wait "$child" || :
    done
}

log_file() {
    if has_runit; then say "$PREFIX/var/log/sv/fieldlog/current"; else say "$BASE/log"; fi
}

start() {
    [ -n "$(number)" ] || fail 'Fieldlog is not installed on this phone yet.'
    if have termux-wake-lock; then
        "$PREFIX/bin/termux-wake-lock" || :
    else
        say 'There is no termux-wake-lock here: Android may put Fieldlog to sleep.'
    fi
    if has_runit; then
        begin_runit
        rm -f "$SERVICE/down"
        tries=0
        until "$PREFIX/bin/sv" up "$SERVICE" >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ "$tries" -lt 15 ] || fail 'runit does not answer; close all sessions of Termux
(the word exit), open it again, and say: fieldlog-phone start'
            sleep 1
        done
    elif ! looping; then
        [ ! -s "$BASE/log" ] || mv "$BASE/log" "$BASE/log.before"
        nohup "$PREFIX/bin/sh" "$SELF" loop </dev/null >"$BASE/log" 2>&1 &
    fi
}

# Whether the program that was started answers; one that ends at once does not.
wait_until_up() {
    waited=0
    until answers; do
        [ ! -e "$BASE/ended" ] || return 1
        waited=$((waited + 1))
        [ "$waited" -lt "$START_S" ] || return 1
        [ "$waited" -ne 30 ] || say 'It is reading its log anew; that may take minutes. Please wait.'
        sleep 1
    done
}

stop() {
    if has_runit && [ -d "$SERVICE" ]; then
        begin_runit
        : >"$SERVICE/down"
        "$PREFIX/bin/sv" -w 30 down "$SERVICE" >/dev/null 2>&1 || :
    fi
    if looping; then
        kill "$pid" 2>/dev/null || :
        waited=0
        while looping && [ "$waited" -lt 30 ]; do
            waited=$((waited + 1))
            sleep 1
        done
        [ "$waited" -lt 30 ] || return 1
    fi
    waited=0
    while answers && [ "$waited" -lt 30 ]; do
        waited=$((waited + 1))
        sleep 1
    done
    [ "$waited" -lt 30 ]
}

begin() {
    rm -f "$BASE/ended"
    start
    wait_until_up
}

# From the old program to the new one, and back where the new one does not answer.
change_over() {
    old=$(number)
    stop || fail "Fieldlog runs in another session of Termux too. End it there (Ctrl-C), and run
this again; nothing was changed."
    echo "$new" | text "$BASE/current" 600
    if begin; then
        for each in "$BASE/versions"/*; do
            [ "$each" = "$program" ] || rm -rf "$each"
        done
        return 0
    fi
    tail -n 20 "$(log_file)" >&2 || :
    stop || :
    if [ -z "$old" ]; then
        rm -f "$BASE/current"
        fail 'Fieldlog did not start; above is what it said. Tell the office.'
    fi
    echo "$old" | text "$BASE/current" 600
    rm -rf "$program"
    begin || fail 'The new version did not start, and the one before does not either. Tell the
office what stands above; nothing that you saved was removed.'
    fail 'The new version did not start; the one before runs on. Tell the office what stands above.'
}

links() {
    [ -n "$(number)" ] || fail 'Fieldlog is not installed on this phone yet.'
    "$PREFIX/bin/fieldlog" device --data "$DATA" --port "$(port)" --links
}

# Termux gives the link to the browser; where it can't, a person does.
open_screens() {
    [ -n "$(number)" ] || fail 'Fieldlog is not installed on this phone yet.'
    have termux-open-url || return 0
    "$PREFIX/bin/termux-open-url" "$(links | sed -n 's/^Screens: *//p')" || :
}

# One installation at a time; one that was killed is none.
alone() {
    if [ -s "$BASE/installing.pid" ]; then
        other=$(cat "$BASE/installing.pid")
        if tr '\0' ' ' 2>/dev/null <"/proc/$other/cmdline" | grep -q fieldlog; then
            fail 'Fieldlog is being installed in another session of Termux; wait for that one.'
        fi
    fi
    echo $$ >"$BASE/installing.pid"
    trap 'rm -f "$BASE/installing.pid"' EXIT
}

install() {
    mkdir -p "$BASE/versions"
    alone
    [ -s "$BASE/port" ] || echo "${FIELDLOG_PORT:-8765}" >"$BASE/port"
    write_root
    have curl || fail 'curl is missing:  pkg install curl'
    find_hub
    need_python
    want_runit
    program=$BASE/versions/$(number)
    if [ -n "$(number)" ] && [ "$(cat "$BASE/wheels.txt")" = "$(cat "$program/wheels.txt")" ] &&
        "$program/bin/fieldlog" --version >/dev/null 2>&1; then
        say "This phone has what the hub gives: $("$program/bin/fieldlog" --version)."
        put_scripts
        begin || fail "It does not start; $(log_file) says why."
    else
        space_left
        say "Installing Fieldlog from the hub at $hub."
        put_program
        put_scripts
        change_over
        say "Running: $("$program/bin/fieldlog" --version)."
    fi
    say 'It starts with the phone, where Termux:Boot is installed and was opened once.'
    links
    open_screens
}

remove() {
    [ -n "$(number)" ] || fail 'Fieldlog is not installed on this phone.'
    stop || fail 'Fieldlog runs in another session of Termux too. End it there (Ctrl-C).'
    if have termux-wake-unlock; then "$PREFIX/bin/termux-wake-unlock" || :; fi
    rm -rf "$SERVICE" "$BOOT" "$BASE" "$PREFIX/bin/fieldlog"
    say "Fieldlog is gone. What was saved is still in $DATA, and only there if it was not sent;"
    say "delete it by:  rm -r $DATA"
    rm -f "$SELF"
}

status() {
    [ -n "$(number)" ] || fail 'Fieldlog is not installed on this phone.'
    "$PREFIX/bin/fieldlog" --version
    began=$(cat "$BASE/began" 2>/dev/null || :)
    if answers; then
        say "It runs on port $(port)${began:+, since $began}."
    else
        say 'It does not run.'
    fi
    # Not the links: they let in whoever has them, and what status says is shown to others.
    grep -v -e 'Screens: ' -e 'OwnTracks: ' -e 'Ctrl-C' "$(log_file)" 2>/dev/null | tail -n 5 || :
}

case ${1:-install} in
install | upgrade) install ;;
start)
    begin || fail "It does not start; $(log_file) says why."
    say 'Running.'
    ;;
stop)
    stop || fail 'Fieldlog runs in another session of Termux too. End it there (Ctrl-C).'
    say 'Stopped. It starts again with the phone, or by:  fieldlog-phone start'
    ;;
link | links) links ;;
open) open_screens ;;
loop) loop ;;
status) status ;;
remove) remove ;;
help | -h | --help) sed -n 's/^#     //p' "$0" ;;
*) fail "there is no '$1'; say install, upgrade, start, stop, open, link, status, remove or help" ;;
esac

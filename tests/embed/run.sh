#!/bin/bash
# libsluice as another program finds it: installed, compiled against by pkg-config, started, and
# used: by calls over its functions, and by media from the load generator.
set -u
build=$(realpath "$1") && cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) passed=0 failed=0 host=
trap '[[ -z $host ]] || kill -KILL $host 2>/dev/null; rm -rf "$work"' EXIT

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok   embed $name"
        ((++passed))
    else
        sed 's/^/     /' "$work/said"
        echo "FAIL embed $name"
        ((++failed))
    fi
}

# A port that nobody has, and that the kernel gives to nobody.
free_port() {
    local port
    while port=$((12000 + RANDOM % 20000)); do
        ss -Hlnut "sport = :$port" | grep -q . || break
    done
    echo $port
}

install_it() {
    meson install -C "$build" --no-rebuild --quiet --destdir "$work/root" --tags runtime,devel
}

# Nothing of the inside can be seen, or be in the way of what the host is linked to.
only_api() {
    local lib=$1
    nm -D --defined-only "$lib" | awk '$3 !~ /^sluice_/ { print; bad = 1 } END { exit bad || NR == 0 }' &&
        readelf -d "$lib" | grep -q 'SONAME.*libsluice[.]so[.]0'
}

header_alone() {
    printf '#include <sluice/sluice.h>\n' |
        cc -std=c99 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c -
}

compile() { # EXAMPLE
    local libdir
    libdir=$(dirname "$(find "$work/root" -name libsluice.so)")
    # shellcheck disable=SC2046
    PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_PATH=$libdir/pkgconfig \
        sh -c 'cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsanitize=address,undefined \
            "examples/$2.c" -o "$0/$2" $(pkg-config --cflags --libs sluice) -Wl,-rpath,"$1"' "$work" "$libdir" "$1"
}

begin() {
    [[ -x $work/embed ]] && mkfifo "$work/in" || return 1
    "$work/embed" --rtc.listen=127.0.0.1 --rtc.port="$(free_port)" "$@" \
        <"$work/in" >"$work/out" 2>"$work/err" &
    host=$!
    exec 3>"$work/in"
    until_said '"ready"' "$work/err"
}
until_said() { # TEXT FILE
    for _ in $(seq 200); do
        grep -q "$1" "$2" && return
        sleep 0.05
    done
    cat "$2"
    return 1
}

calls() {
    printf 'join c u s1\njoin c u s2\nnonsense\nleave s1\n' >&3
    until_said '^closed s1' "$work/out" && until_said 'this is no message' "$work/err" &&
        printf 'sdp s2 {"type":"offer","sdp":"none"}\n' >&3 && until_said '^closed s2' "$work/out"
}

# The other example, of the same server; the sessions that the host has are none of its own.
client() {
    printf 'join c u mine\nleave last\nleave mine\n' |
        (cat; sleep 1) | "$work/client" "http://127.0.0.1:$api" someone 0123456789abcdef0123456789abcdef >"$work/heard" &&
        cat "$work/heard" && grep -q '^hello' "$work/heard" && grep -q '^closed mine' "$work/heard" &&
        ! grep -q 'closed last' "$work/heard"
}

media() {
    "$build/src/service/sluice" bench --url="http://127.0.0.1:$http" --publishers=2 --subscribers=3 \
        --duration=1 --settle=0 --json | tee "$work/json" &&
        grep -q '"clients": 5' "$work/json" && ! grep -q '"received": 0,' "$work/json"
}

# The end of input drains, and the last session ends it.
ends() {
    printf 'join c u last\n' >&3
    exec 3>&-
    sleep 0.5
    kill -0 $host || return 1
    for _ in $(seq 300); do
        kill -0 $host 2>/dev/null || break
        sleep 0.05
    done
    wait $host
    local status=$?
    host=
    cat "$work/err"
    [[ $status == 0 ]] && grep -q '^closed last' "$work/out"
}

http=$(free_port) api=$(free_port)
check 'installs library, header and pkg-config file' install_it
check 'shows its functions and nothing else' only_api "$build/src/service/libsluice.so"
check 'has a header that is plain C99' header_alone
check 'lets an example compile as pkg-config says' compile embed
check 'lets the client compile, too' compile client
check 'lets one with media compile, too' compile echo
check 'starts inside the example' begin --http.listen="127.0.0.1:$http" \
    --admin.listen="127.0.0.1:$api" --rtcd.self_registration=true --auth.required=false
check 'carries calls without a socket' calls
check 'serves a client in another process' client
check 'forwards real media' media
check 'drains until the last session is over, which had no offer in ten seconds' ends

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]

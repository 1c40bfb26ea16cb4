#!/bin/bash
# Builds the container image from a base made by debootstrap, where containers may be built, and
# runs its program in it: image.sh BASE-DIRECTORY. What it prints last is what the program said.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=$(realpath -m "$1")
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
# Images of its own: what is called Debian here is nobody else's.
buildah() { command buildah --root "$base/images" --runroot "$base/run" "$@"; }
if [[ ! -e $base/debian/etc/os-release ]]; then
    rm -rf "$base/debian"
    mkdir -p "$base"
    debootstrap --variant=minbase bookworm "$base/debian" >&2
fi
trap 'buildah rm "${made[@]}" >/dev/null 2>&1 || true' EXIT
made=()
if ! buildah inspect --type image debian:12-slim >/dev/null 2>&1; then
    from=$(buildah from scratch)
    made+=("$from")
    buildah add -q "$from" "$base/debian" / >&2
    buildah commit -q "$from" debian:12-slim >&2
fi
buildah bud --layers --pull-never -t sluice-test -f deploy/container/Dockerfile . >&2
run=$(buildah from --pull-never sluice-test)
made+=("$run")
buildah inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.ExposedPorts}} {{.OCIv1.Config.Entrypoint}}' sluice-test
echo
buildah run "$run" -- /usr/bin/sluice --version
buildah run "$run" -- sh -c 'id -u; sluice config
    sluice serve --http.listen=127.0.0.1:0 --admin.listen=127.0.0.1:0 --rtc.port=29443 2>&1 & sleep 2; kill $!; wait $! && echo ended with 0'

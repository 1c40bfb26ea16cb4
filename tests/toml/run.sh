#!/bin/bash
# Holds base/toml against the toml-test suite: run.sh [DECODER]. The suite's runner is built
# once, by the Go of Debian or a later one, into build/toml.
set -euo pipefail
cd "$(dirname "$0")/../.."
decoder=$(realpath "${1:-build/debug/tests/toml/toml_decoder}")
runner=$PWD/build/toml/toml-test
[[ -d /usr/lib/go-1.19/bin ]] && PATH=$PATH:/usr/lib/go-1.19/bin
PATH=$PATH:/usr/local/go/bin
if [[ ! -x $runner ]]; then
    (cd tests/toml && go build -o "$runner" github.com/toml-lang/toml-test/cmd/toml-test)
fi
status=0
out=$("$runner" -toml 1.0.0 "$decoder" 2>&1) || status=$?
[[ $status == 0 ]] || printf '%s\n' "$out"
awk -v status=$status '
    / tests: / { passed += $3; failed += $5; seen++; print ($5 == 0 ? "ok   " : "FAIL ") $0 }
    END {
        # Both kinds of test must have been run, or something is wrong with the suite itself.
        if (seen != 2 || passed < 500 || (status != 0 && failed == 0)) {
            print "FAIL the suite did not run"; failed++
        }
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }' <<<"$out"

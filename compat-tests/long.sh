#!/usr/bin/env bash
# Long and statistical cases, on demand; results are kept with their date in the table that is printed at the end.
#
#   compat-tests/long.sh             everything: about 3 hours
#   compat-tests/long.sh NAME…       some of: enum times flood members kill soak worlds fuzz acs openapi bench
#
#   enum   WEB-ENUM-1   times of failed log-ins, five kinds of user × three passwords, 500 each, interleaved
#   times  WEB-ENUM-1, WEB-TIME-1   the same at a tenant's login page and token endpoint
#   flood  OP-DOS-1     100,000 authorization requests without a sign-in: memory and storage
#   members SCIM-4    a group of 50,000 members is pushed to a SCIM server: in pieces, memory flat, nothing the second time
#   kill   REL-KILL-1   kill -9 at 1,000 random points on each database
#   soak   REL-MEM-1    30 minutes of mixed load: memory and open files
#   worlds              40 random worlds of grants, beside a real Keystone: assignments, tokens, reachable projects
#   fuzz   HTTP-FUZZ-1  ten minutes of mutated requests: no crash, no 500, nothing slower than a second
#   acs                 an hour of coverage-guided fuzzing of what SAML messages are read by (cargo-fuzz, see `fuzz/`)
#   openapi             schemathesis with 100 made-up requests for each operation
#   bench               the benchmarks' long form
#
# Everything listens and connects on 127.0.0.1 only.
set -uo pipefail
cd "$(dirname "$0")/.."
python=compat-tests/.venv/bin/python
if [ ! -x "$python" ]; then
  python3 -m venv compat-tests/.venv
  "$python" -m pip install -q --disable-pip-version-check -r compat-tests/requirements.txt
fi
[ -n "${ARCHSTONE_BIN:-}" ] || cargo build --release --locked --bins || exit 1
mkdir -p compat-tests/.run
table=compat-tests/.run/long.txt
: >"$table"
[ $# -gt 0 ] || set -- enum times flood members kill soak worlds fuzz acs openapi bench

for name in "$@"; do
  began=$SECONDS log=compat-tests/.run/long-$name.log
  echo "=== $name"
  case $name in
    enum | soak | fuzz) "$python" compat-tests/edge/long_"$name".py ;;
    times | flood) "$python" compat-tests/tenant/long_"$name".py ;;
    members) "$python" compat-tests/federate/long_members.py ;;
    kill) ARCHSTONE_KILL_POINTS=${ARCHSTONE_KILL_POINTS:-1000} "$python" -m pytest -c compat-tests/pytest.ini -q -s compat-tests/edge/test_kill.py ;;
    worlds)
      ARCHSTONE_WORLD_SEEDS=${ARCHSTONE_WORLD_SEEDS:-1-40} ARCHSTONE_WORLD_QUERIES=200 \
        "$python" -m pytest -c compat-tests/pytest.ini -q compat-tests/keystone/test_random_worlds.py ;;
    acs) compat-tests/fuzz/run.sh ;;
    openapi)
      ARCHSTONE_OPENAPI_EXAMPLES=${ARCHSTONE_OPENAPI_EXAMPLES:-100} \
        "$python" -m pytest -c compat-tests/pytest.ini -q compat-tests/openapi/test_schemathesis.py ;;
    bench) compat-tests/bench/run.sh --long ;;
    *) echo "unknown case $name" && false ;;
  esac > >(tee "$log") 2>&1
  status=$?
  [ $status = 0 ] && word=ok || word=FAILED
  printf '%s  %-6s %-7s %6s s  %s\n' "$(date -u +%Y-%m-%d)" "$name" "$word" $((SECONDS - began)) "$(grep -E '^(result|sqlite:|postgres:|all targets|missed)' "$log" | paste -sd' ')" >>"$table"
done

echo
cat "$table"
! grep -q FAILED "$table"

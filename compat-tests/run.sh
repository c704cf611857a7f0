#!/usr/bin/env bash
# Every check and test of this repository, from a fresh clone on Debian 12 with a Rust toolchain. Installs what is missing.
#
#   compat-tests/run.sh          everything
#   compat-tests/run.sh --fast   format, lints and the Rust tests only
#
# Output of each suite is kept in compat-tests/.run/<suite>.log. Exits non-zero when any suite failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
here=compat-tests
logs=$here/.run
fast=no
[ "${1:-}" = --fast ] && fast=yes
rm -rf "$logs" && mkdir -p "$logs"
[ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"

# suite NAME COMMAND…: runs it, shows and keeps its output, notes result and time.
suite() {
  local name=$1 began=$SECONDS status
  shift
  echo "=== $name"
  "$@" 2>&1 | tee "$logs/$name.log"
  status=${PIPESTATUS[0]}
  echo "$status $((SECONDS - began))" >"$logs/$name.result"
  return $status
}

# quiet NAME COMMAND…: as suite, its output shown only when it failed (for what runs beside something else).
quiet() {
  local name=$1 began=$SECONDS status
  shift
  "$@" >"$logs/$name.log" 2>&1
  status=$?
  echo "$status $((SECONDS - began))" >"$logs/$name.result"
  echo "=== $name: exit $status after $((SECONDS - began)) s"
  [ $status = 0 ] || tail -n 60 "$logs/$name.log"
  return $status
}

install_packages() {
  local missing=() package sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  for package in build-essential pkg-config python3 python3-venv postgresql faketime curl wrk chromium chromium-driver \
    slapd ldap-utils simplesamlphp php-cli php-xml xmlsec1 openssl libnss-wrapper apache2 \
    libapache2-mod-auth-openidc; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  command -v npm >/dev/null || missing+=(npm)
  if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    $sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" || return 1
  fi
  command -v cargo >/dev/null || { echo "cargo is missing: install a Rust toolchain first"; return 1; }
  command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest
}

# venv FOLDER REQUIREMENTS: makes it anew when the requirements (or the interpreter) are not those it was made from.
venv() {
  local folder=$1 stamp
  stamp=$({ cat "$2"; python3 --version; } | sha256sum)
  [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  rm -rf "$folder"
  python3 -m venv "$folder" && "$folder/bin/pip" install -q --disable-pip-version-check -r "$2" && echo "$stamp" >"$folder/.stamp"
}

# npm_packages FOLDER: what its lock file says, anew when that has changed.
npm_packages() {
  local stamp
  stamp=$(sha256sum <"$1/package-lock.json")
  [ "$(cat "$1/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  npm ci --prefix "$1" --no-audit --no-fund && echo "$stamp" >"$1/node_modules/.stamp"
}

environments() {
  venv $here/.venv $here/requirements.txt && venv $here/.venv-keystone $here/requirements-keystone.txt &&
    venv $here/.venv-tempest $here/requirements-tempest.txt && npm_packages $here/peers/openid_provider &&
    npm_packages $here/peers/openid_app && npm_packages $here/peers/scim_scimmy
}

rust_tests() {
  timeout 30m python3 $here/postgres.py cargo nextest run --locked --no-fail-fast --color never
}

# black_box but|only FOLDER…: the black-box tests of all folders but these, or of these only; of federate/, which waits for others
# most of the time, those that PLATFORMS names.
black_box() {
  local how=$1 folder ignored=()
  shift
  for folder in $here/*/; do
    folder=$(basename "$folder")
    case " $* " in *" $folder "*) [ "$how" = only ] ;; *) [ "$how" = but ] ;; esac || ignored+=("--ignore=$here/$folder")
  done
  KEYSTONE_VENV=$PWD/$here/.venv-keystone TEMPEST_VENV=$PWD/$here/.venv-tempest timeout 45m $here/.venv/bin/python -m pytest \
    -c $here/pytest.ini --color=no --durations=15 "${ignored[@]}" ${PLATFORMS:-} $here
}

suite packages install_packages || { echo "cannot go on without them"; exit 1; }

# Two cores: the environments and the release build run beside the lints and the build of the Rust tests. Whatever
# measures time or waits for it runs alone.
if [ $fast = no ]; then
  (quiet environments environments; quiet release-build cargo build --release --locked --bins --examples) &
fi
suite format cargo fmt --check
suite lints cargo clippy --locked --all-targets -- -D warnings
quiet rust-tests-build cargo nextest run --locked --no-run
wait
suite rust-tests rust_tests
if [ $fast = no ]; then
  # What floods, breaks and measures (`edge`) runs alone.
  quiet black-box-logins black_box only tenant federation &
  PLATFORMS="--ignore-glob=*/test_federate*.py" quiet black-box-platforms black_box only federate scim &
  PLATFORMS="--ignore-glob=*/test_p*.py --ignore-glob=*/test_c*.py" quiet black-box-federations black_box only federate &
  quiet black-box-resources black_box but tenant federation federate scim edge
  wait
  suite black-box-edge black_box only edge
  [ -x $here/bench/run.sh ] && suite bench $here/bench/run.sh
fi

echo
failed=0
printf '%-20s %-8s %8s\n' suite result seconds
for name in packages environments release-build format lints rust-tests-build rust-tests black-box-logins black-box-platforms \
  black-box-federations black-box-resources black-box-edge bench; do
  [ -f "$logs/$name.result" ] || continue
  read -r status seconds <"$logs/$name.result"
  [ "$status" = 0 ] && word=ok || { word=FAILED; failed=1; }
  printf '%-20s %-8s %8s\n' "$name" "$word" "$seconds"
done
printf '%-20s %-8s %8s\n' total "$([ $failed = 0 ] && echo ok || echo FAILED)" $SECONDS
echo
grep -hE '^ +Summary \[' "$logs/rust-tests.log" | tail -n 1
for log in "$logs"/black-box-*.log; do
  [ ! -f "$log" ] || grep -hE '^=* ?[0-9]+ (passed|failed|errors?).* in [0-9.]+s' "$log" | tail -n 1
done
exit $failed

#!/usr/bin/env bash
# From a clone to a running Archstone: installs what the build needs (Debian 12), builds, makes database and keys, creates
# the administrator, prints how to log in, and serves until Ctrl-C. Running it again reuses what is there.
#
#   ARCHSTONE_DATA            where database, keys and the password are kept (default: ./var in the clone)
#   OS_BOOTSTRAP_PASSWORD     the administrator's password (default: made on the first run, kept in the data folder)
#   ARCHSTONE_SERVER__BIND    address and port (default: 127.0.0.1:5000)
#   ARCHSTONE_DATABASE__URL   a PostgreSQL database instead of the embedded SQLite one
#   ARCHSTONE_BIN             a built binary to use; nothing is installed or built then
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"

if [ -z "${ARCHSTONE_BIN:-}" ]; then
  missing=()
  for package in build-essential pkg-config; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
  fi
  command -v cargo >/dev/null || { echo "cargo is missing: install a Rust toolchain first" >&2; exit 1; }
  cargo build --release --locked --bins
  ARCHSTONE_BIN=target/release/archstone
fi

umask 077
export ARCHSTONE_DATA=${ARCHSTONE_DATA:-$PWD/var}
export ARCHSTONE_SERVER__BIND=${ARCHSTONE_SERVER__BIND:-127.0.0.1:5000}
mkdir -p "$ARCHSTONE_DATA"
url=${ARCHSTONE_SERVER__PUBLIC_URL:-http://$ARCHSTONE_SERVER__BIND}
password_file=$ARCHSTONE_DATA/admin-password

# The first run keeps the password; a later run with another OS_BOOTSTRAP_PASSWORD changes it.
if [ -n "${OS_BOOTSTRAP_PASSWORD:-}" ]; then
  printf '%s\n' "$OS_BOOTSTRAP_PASSWORD" >"$password_file"
elif [ ! -s "$password_file" ]; then
  head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$password_file"
fi
chmod 600 "$password_file"
OS_BOOTSTRAP_PASSWORD=$(cat "$password_file")
export OS_BOOTSTRAP_PASSWORD

"$ARCHSTONE_BIN" keys setup
"$ARCHSTONE_BIN" db migrate
"$ARCHSTONE_BIN" bootstrap --bootstrap-public-url "$url/v3" --bootstrap-internal-url "$url/v3" --bootstrap-admin-url "$url/v3" \
  --bootstrap-region-id "${OS_BOOTSTRAP_REGION_ID:-RegionOne}"

# As a shell would read it back, whatever the password holds.
quoted=$(printf '%q' "$OS_BOOTSTRAP_PASSWORD")
unset OS_BOOTSTRAP_PASSWORD
cat <<TEXT

Archstone serves at   $url/v3
health                $url/healthcheck
administrator         admin, password in $password_file

Paste this into another terminal, then try: openstack token issue

export OS_AUTH_URL=$url/v3
export OS_USERNAME=admin
export OS_PASSWORD=$quoted
export OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_DOMAIN_NAME=Default
export OS_REGION_NAME=${OS_BOOTSTRAP_REGION_ID:-RegionOne}
export OS_IDENTITY_API_VERSION=3

TEXT
exec "$ARCHSTONE_BIN" serve

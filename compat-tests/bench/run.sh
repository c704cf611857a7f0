#!/usr/bin/env bash
# Speed of token validation beside a bare warp server, of long lists, of many SSO configurations, of users and groups
# pushed to a platform, of logins through an OpenID provider, of SAML Responses beside other readers, and of mappings
# beside Keystone's engine, in one run on this machine; with --long also of logins at a tenant's application, by OpenID
# and by SAML, beside Ory Polis's library. See README.md.
#
#   compat-tests/bench/run.sh            the short form, about five minutes (what CI runs; also as --short)
#   compat-tests/bench/run.sh --long     more and longer rounds of what takes turns, about twenty minutes
#
# Prints tables, writes bench.json, lists.json, configurations.json, provisioning.json, federated_login.json,
# saml_responses.json, tenant_login.json, saml_login.json and mappings.json to compat-tests/.run, and exits non-zero when
# a target is missed in three attempts (that of saml_login.json may be missed).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
command -v wrk >/dev/null || { echo "wrk is missing (Debian package: wrk)" >&2; exit 1; }

if [ -z "${ARCHSTONE_BIN:-}" ] || [ -z "${ARCHSTONE_BASELINE:-}" ] || [ -z "${ARCHSTONE_SAML_READER:-}" ]; then
  cargo build --release --locked --bin archstone --example bench-baseline --example saml_reader
fi
python=compat-tests/.venv/bin/python
if [ ! -x "$python" ]; then
  python3 -m venv compat-tests/.venv
  "$python" -m pip install -q --disable-pip-version-check -r compat-tests/requirements.txt
fi
packages=(compat-tests/peers/openid_provider compat-tests/bench/node_saml)
case " $* " in *" --long "*) packages+=(compat-tests/bench/polis) ;; esac
for folder in "${packages[@]}"; do
  [ -d "$folder/node_modules" ] || npm ci --prefix "$folder" --no-audit --no-fund
done
keystone=${KEYSTONE_VENV:-compat-tests/.venv-keystone}
if [ ! -x "$keystone/bin/python" ]; then
  python3 -m venv "$keystone"
  "$keystone/bin/pip" install -q --disable-pip-version-check -r compat-tests/requirements-keystone.txt
fi
mkdir -p compat-tests/.run
status=0
"$python" compat-tests/bench/bench.py "$@" || status=1
"$python" compat-tests/bench/lists.py || status=1
"$python" compat-tests/bench/configurations.py || status=1
"$python" compat-tests/bench/provisioning.py "$@" || status=1
"$python" compat-tests/bench/federated_login.py "$@" || status=1
"$python" compat-tests/bench/saml_responses.py "$@" || status=1
# Beside another product: its packages are large, so on demand only.
case " $* " in *" --long "*)
  "$python" compat-tests/bench/tenant_login.py "$@" || status=1
  "$python" compat-tests/bench/saml_login.py "$@" || status=1
  ;;
esac
"$python" compat-tests/bench/mappings.py || status=1
exit $status

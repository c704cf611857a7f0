#!/usr/bin/env bash
# Fuzzes what SAML messages are read by: `run.sh [SECONDS]`, an hour unless told. What it finds lies in compat-tests/.run/acs.
#
# libFuzzer's instrumentation is not offered by stable compilers; RUSTC_BOOTSTRAP lets this one do it. No sanitizer of memory: there
# is no unsafe code to look for. An input may take a second and a gigabyte at most.
set -euo pipefail
cd "$(dirname "$0")"
work=$PWD/../.run/acs
mkdir -p "$work/corpus" "$work/found"
python=../.venv/bin/python
[ -x "$python" ] || { python3 -m venv ../.venv && "$python" -m pip install -q --disable-pip-version-check -r ../requirements.txt; }
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
"$python" seeds.py "$work"
export RUSTC_BOOTSTRAP=1 ARCHSTONE_FUZZ_CASE=$work/case.json
cargo fuzz run --fuzz-dir . --sanitizer none --target-dir "${CARGO_TARGET_DIR:-../../target}/fuzz" saml_acs "$work/corpus" "$work/seeds" -- \
  -max_total_time="${1:-3600}" -timeout=1 -rss_limit_mb=1024 -max_len=32768 -dict="$PWD/saml.dict" -artifact_prefix="$work/found/" \
  -print_final_stats=1 2>&1 | tee "$work/log" | grep -v '^#'
echo "result: $(grep -E 'number_of_executed_units' "$work/log" | tr -dc 0-9) inputs, $(ls "$work/found" | wc -l) findings"
[ -z "$(ls "$work/found")" ]

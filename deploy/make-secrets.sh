#!/bin/sh
# Makes the secrets of docker-compose.yml in deploy/secrets/, each once: what is there stays. The model's key is taken from
# ANTHROPIC_API_KEY, or must be written to anthropic_api_key by hand.
set -eu
directory="${1:-$(dirname "$0")/secrets}"
mkdir -p "$directory"
# The directory is closed to others; the files are not, since each container reads them as a user of its own.
chmod 700 "$directory"
cd "$directory"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# keep NAME VALUE
keep() { [ -s "$1" ] || printf '%s\n' "$2" > "$1"; }

keep postgres_password "$(random)"
keep database_url "postgres://caisson:$(cat postgres_password)@postgres:5432/caisson"
keep redis_conf "requirepass $(random)"
keep redis_url "redis://:$(sed -n 's/^requirepass //p' redis_conf)@redis:6379"
keep bootstrap_api_key "csk_$(random)"
keep grafana_password "$(random)"
if [ -n "${ANTHROPIC_API_KEY:-}" ]; then keep anthropic_api_key "$ANTHROPIC_API_KEY"; fi
chmod 444 -- *
if [ ! -s anthropic_api_key ]; then
  echo "the model's key is missing: write it to $directory/anthropic_api_key" >&2
  exit 1
fi

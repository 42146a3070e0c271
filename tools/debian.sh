#!/usr/bin/env bash
# Installs Debian packages where that is possible without asking; fails quietly where it is not.
set -euo pipefail
command -v apt-get >/dev/null || exit 1
as_root=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || exit 1
  as_root=(sudo -n)
fi
echo "Installing $* with apt-get ..." >&2
"${as_root[@]}" apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null

#!/bin/sh
# Installs the package from source as README says, by pip and by uv, each from scratch in a fresh
# clone of the last commit, and runs both notebooks there.
#   scripts/installs.sh [PYTHON]      an interpreter, /usr/bin/python3 unless named
set -eu
cd "$(dirname "$0")/.."
python=${1:-/usr/bin/python3}
place=$PWD/build/installs
rm -rf "$place"
mkdir -p "$place"
git clone -q "$PWD" "$place/latlas"
cd "$place/latlas"

# check NAME: what was installed into the environment of that name.
check() {
  env=$place/$1/bin
  "$env/python" -c 'import latlas, sys; print(latlas.__version__, latlas.__file__, *sys.version_info[:3])'
  for notebook in notebooks/*.ipynb; do
    "$env/jupyter" execute "$notebook" >&2
    echo "$1: $notebook runs"
  done
}

"$python" -m venv "$place/pip"
"$place/pip/bin/pip" install -q '.[plot]' -r requirements.txt >&2
check pip

"$python" -m venv "$place/tools"
"$place/tools/bin/pip" install -q uv >&2
"$place/tools/bin/uv" venv -q -p "$python" "$place/uv"
VIRTUAL_ENV=$place/uv "$place/tools/bin/uv" pip install -q '.[plot]' -r requirements.txt >&2
check uv

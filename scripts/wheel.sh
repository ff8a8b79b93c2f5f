#!/bin/sh
# Builds the wheel, makes it manylinux, installs it into a clean environment, and tests it there.
#   scripts/wheel.sh PYTHON      an interpreter of an environment that holds python_requirements.txt
set -eu
cd "$(dirname "$0")/.."
python=$1
most=8000000  # bytes

rm -rf dist build/wheel/dist build/wheel/clean
"$python" -m pip wheel -q --no-deps --no-build-isolation -w build/wheel/dist . >&2
PATH="$(dirname "$python"):$PATH" "$python" -m auditwheel repair --plat auto -w dist build/wheel/dist/*.whl >&2
wheel=$(echo dist/*.whl)
case $wheel in
  *manylinux_2_*) ;;
  *) echo "wheel.sh: $wheel is not manylinux" >&2; exit 1 ;;
esac
size=$(stat -c %s "$wheel")
echo "$wheel: $size bytes" >&2
[ "$size" -le $most ] || { echo "wheel.sh: more than $most bytes" >&2; exit 1; }

# What the wheel needs and its tests use, from the index; of latlas nothing but the wheel.
/usr/bin/python3 -m venv build/wheel/clean
build/wheel/clean/bin/python -m pip install -q "$wheel" -r scripts/python_requirements.txt >&2
# (Of the real data the notebooks run in full where the whole is tested: ./dev test.)
exec env -u PYTHONPATH build/wheel/clean/bin/python -m pytest -q -rs -p no:cacheprovider tests/python \
  -k 'not kept_outputs'

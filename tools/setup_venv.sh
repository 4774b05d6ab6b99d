#!/usr/bin/env bash
# Make the virtual environment of the project; `make setup` calls this.
#
# Environment variables:
#   PYTHON  interpreter to use; else the first of python3, python3.12,
#           python3.11 and python3.10 that is 3.10 to 3.12
#   VENV    folder of the environment; else .venv in the project
#   WHEELS  folder that may hold a built onedl-mmcv; else ../shared/wheels
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${VENV:-.venv}
wheels=${WHEELS:-../shared/wheels}
stamp=$venv/.cupre_mm_setup
log=$venv/onedl-mmcv-build.log

say() { printf '[setup %4ds] %s\n' "$SECONDS" "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
pinned() { grep -E "^$1==" constraints.txt | head -n 1 | sed 's/ *;.*//'; }

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' \
        2>/dev/null
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        supported "$PYTHON" || fail \
            "PYTHON=$PYTHON is not a CPython 3.10, 3.11 or 3.12." \
            'Name one: make setup PYTHON=python3.11'
        return
    fi
    for PYTHON in python3 python3.12 python3.11 python3.10; do
        supported "$PYTHON" && return
    done
    fail 'no CPython 3.10, 3.11 or 3.12 was found on the PATH.' \
        'Install one and name it: make setup PYTHON=/path/to/python3.11'
}

# What was installed, for which interpreter: a change of it installs again.
fingerprint() {
    {
        cat pyproject.toml requirements.txt constraints.txt
        cat tools/setup_venv.sh
        "$venv/bin/python" -c 'import sys; print(sys.version, sys.prefix)'
        pwd
    } | cksum
}

make_venv() {
    if [ -x "$venv/bin/python" ]; then
        supported "$venv/bin/python" || fail \
            "$venv holds $("$venv/bin/python" --version); 3.10 to 3.12 it" \
            "must be. Remove the folder and run this again: rm -r $venv"
        return
    fi
    choose_python
    say "making $venv with $("$PYTHON" --version) ($PYTHON)"
    "$PYTHON" -m venv "$venv" || fail \
        "$PYTHON cannot make a virtual environment." \
        'On Debian or Ubuntu its venv package is missing: apt install python3-venv'
}

# A wheel's name does not tell for which torch it was built: load it and see.
ops_load() {
    "$venv/bin/python" -W ignore - <<'PY' 2>/dev/null
import ctypes
import glob
import sysconfig

import torch  # noqa: F401  (its libraries must be there first)

folder = sysconfig.get_path('platlib')
ctypes.CDLL(glob.glob(f'{folder}/mmcv/_ext*.so')[0])
PY
}

check_compiler() {
    command -v "${CXX:-c++}" >/dev/null || fail \
        "onedl-mmcv must be compiled and ${CXX:-c++} was not found." \
        'Install a C++ compiler (Debian or Ubuntu: apt install g++).'
    "$venv/bin/python" -c 'import os, sys, sysconfig
path = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not os.path.exists(path))' || fail \
        'onedl-mmcv must be compiled and Python.h was not found.' \
        'Install the headers of this Python (Debian: apt install python3-dev).'
    "$venv/bin/python" -W ignore -c 'import sys, torch
from torch.utils.cpp_extension import CUDA_HOME
sys.exit(torch.cuda.is_available() and CUDA_HOME is None)' || fail \
        'there is a GPU, but no CUDA toolkit (nvcc) to compile onedl-mmcv for it.' \
        'Install the toolkit of the CUDA version that torch has, or compile for' \
        'the CPU alone: make setup CUDA_VISIBLE_DEVICES='
}

show_progress() {
    while sleep 60 >/dev/null 2>&1; do
        say "compiling $(grep -oE '^ *\[[0-9]+/[0-9]+\]' "$log" | tail -n 1)"
    done
}

compile_mmcv() {
    check_compiler
    local jobs began=$SECONDS watcher status=0
    jobs=$(getconf _NPROCESSORS_ONLN)
    say "compiling $1 from its source, $jobs jobs; log: $log"
    say 'this takes about 15 minutes on 2 cores'
    show_progress &
    watcher=$!
    trap 'kill "$watcher" 2>/dev/null || true' EXIT
    MMCV_WITH_OPS=1 MAX_JOBS=$jobs pip install -v --no-deps \
        --no-build-isolation --no-binary onedl-mmcv --force-reinstall \
        "$1" >"$log" 2>&1 || status=$?
    kill "$watcher" 2>/dev/null || true
    trap - EXIT
    if [ "$status" -ne 0 ]; then
        tail -n 30 "$log" >&2
        fail "compiling $1 failed; the whole log is in $log"
    fi
    ops_load || fail "$1 was compiled, but its operators do not load." \
        'A build for another torch may lie in the cache of pip. Remove it and' \
        "run this again: $venv/bin/python -m pip cache remove onedl_mmcv"
    say "compiled in $((SECONDS - began)) s"
}

install_mmcv() {
    local want
    want=$(pinned onedl-mmcv)
    if pip freeze | grep -qE "^onedl-mmcv(==${want#*==}$| @ .*${want#*==})" \
        && ops_load; then
        say "$want is installed and loads"
        return
    fi
    # pip decides whether a wheel of the folder fits this interpreter.
    if [ -d "$wheels" ] && pip install -q --no-index --no-deps \
        --find-links "$wheels" --only-binary :all: --force-reinstall \
        "$want" 2>/dev/null; then
        if ops_load; then
            say "$want comes from a wheel in $wheels"
            return
        fi
        say "the wheel in $wheels was built for another torch"
    fi
    say "no wheel of $want in $wheels fits this Python and torch"
    compile_mmcv "$want"
}

make_venv
if [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint)" ]; then
    say "$venv is up to date"
    exit 0
fi
rm -f "$stamp"

say 'installing torch and torchvision (large: several GB with CUDA libraries)'
pip install -q -c constraints.txt setuptools wheel ninja torch torchvision
install_mmcv
say 'installing the rest of the stack'
pip install -q -c constraints.txt -r requirements.txt
say 'installing cupre_mm itself, editable, with the developer tools'
pip install -q -c constraints.txt --no-build-isolation -e '.[dev,docs]'
fingerprint >"$stamp"
say "done: $venv/bin/python"

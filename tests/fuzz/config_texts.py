"""Config files, and values that --cfg-options changes in them."""

import argparse
from pathlib import Path

from hypothesis import strategies as st

from tests.fuzz.odd_values import ODD_TEXTS
from tests.fuzz.targets import Target, from_json, run_tool, to_json

_BASE_CONFIG = """
model = dict(type='A', head=dict(num_classes=2, sizes=[1, 2]))
train_dataloader = dict(batch_size=2, sampler=None)
pipeline = [dict(type='B'), dict(type='C', scale=(1, 2))]
work_dir = None
"""
_KEYS = (
    'model.head.num_classes',
    'model.head.sizes.0',
    'model.head.sizes.9',
    'model.type.x',
    'model',
    'pipeline.0.type',
    'pipeline.1.scale',
    'pipeline.a',
    'pipeline.-1.type',
    'train_dataloader.sampler.type',
    'work_dir',
    'launcher',
    'filename',
    '_base_',
    'new.key',
    '',
    '.',
    '..a',
    'model..head',
)


@st.composite
def _options(draw: st.DrawFn) -> list[str]:
    marks = st.text('[](){},=\'" .a0-1:', max_size=9)
    values = st.one_of(
        marks,
        st.sampled_from(ODD_TEXTS),
        st.sampled_from(('[1,2]', '(1,[a,b])', 'None', 'true', '1e3', '{}')),
        st.integers(1, 3000).map(lambda depth: '[' * depth + ']' * depth),
    )
    keys = st.one_of(st.sampled_from(_KEYS), marks)
    pair = st.tuples(keys, values).map('='.join)
    # A command line holds no null byte, and no option where a value is.
    return [
        text.replace('\0', '')
        for text in draw(st.lists(st.one_of(pair, pair, marks), max_size=3))
        if not text.startswith('-')
    ]


def _override(data: bytes, folder: Path) -> None:
    from cupre_mm.utils.cli import (
        add_run_arguments,
        exits_on_user_error,
        load_config,
    )

    path = folder / 'config.py'
    path.write_text(_BASE_CONFIG)

    @exits_on_user_error
    def main(arguments: list[str]) -> int:
        parser = argparse.ArgumentParser()
        add_run_arguments(parser)
        # What a run does with its config first of all.
        load_config(parser.parse_args(arguments)).dump(folder / 'dumped.py')
        return 0

    options = from_json(data)
    given = ['--cfg-options', *options] if options else []
    run_tool(main, [str(path), *given])


@st.composite
def _config_texts(draw: st.DrawFn) -> bytes:
    data = bytearray(_BASE_CONFIG.encode())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        piece = draw(
            st.one_of(
                st.binary(max_size=3),
                st.sampled_from(
                    (
                        b'_base_ = "no.py"\n',
                        b'_base_ = 5\n',
                        b'{{ fileDirname }}',
                        b'{{ _base_.a }}',
                        b'1/0\n',
                        b'undefined\n',
                        b'import no_such\n',
                        b'\xff',
                        b'\0',
                        b'(' * 300,
                    )
                ),
            )
        )
        data[place:place] = piece
    return bytes(
        data[: draw(st.integers(0, len(data)))]
        if draw(st.integers(0, 4)) == 0
        else data
    )


def _load(data: bytes, folder: Path) -> None:
    from cupre_mm.utils.cli import load_config

    path = folder / 'fuzzed.py'
    path.write_bytes(data)
    load_config(
        argparse.Namespace(
            config=str(path),
            cfg_options=None,
            work_dir=None,
            launcher='none',
            local_rank=0,
        )
    )


TARGETS = (
    Target('config_options', '.json', _options().map(to_json), _override),
    Target('config_file', '.py', _config_texts(), _load),
)

import argparse

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.conversion import Converted
from cupre_mm.utils.labelled_sets.converter_cli import (
    add_class_option,
    add_name_options,
    add_rule_options,
    add_run_options,
    add_unlabelled_option,
    names_of,
    rules_of,
    run_and_print,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_files import PairNames


def _parse(*options):
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    add_rule_options(parser)
    add_name_options(parser)
    add_class_option(parser)
    add_unlabelled_option(parser, 'skip')
    return parser.parse_args(['SRC', 'OUT', *options])


def test_defaults_are_those_of_the_package():
    args = _parse()
    assert rules_of(args) == ObjectRules()
    assert names_of(args) == PairNames()
    assert (args.class_name, args.unlabelled) == ('cell', 'skip')
    assert args.workers >= 1
    assert not args.allow_bad


def test_options_reach_rules_and_names():
    args = _parse(
        *('--components', 'split', '--min-area', '5', '--border', 'drop'),
        *('--fill-holes', '--mask-suffix', '_a', '_b', '--image-suffix'),
        *('--masks-folder', 'gt', '--images-folder', 'raw data'),
    )
    assert rules_of(args) == ObjectRules('split', 5, 'drop', True)
    assert names_of(args) == PairNames(
        (), ('_a', '_b'), ('raw data',), ('gt',)
    )


def test_what_was_met_and_written_is_printed(capsys):
    result = Converted(
        2, 7, 1, {'odd': list('abcd'), 'even': []},
        {'odd': 'odd things', 'even': 'even things'}, ['look at it'],
    )  # fmt: skip
    assert run_and_print(lambda: result, 'OUT', 'nuclei') == 0
    printed = capsys.readouterr()
    assert '     4 odd things: a, b, c, ...\n     0 even' in printed.out
    assert 'wrote 2 images and 7 nuclei to OUT (1 images' in printed.out
    assert printed.err == 'warning: look at it\n'


@pytest.mark.parametrize(
    ('error', 'code', 'message'),
    [
        (BadDataError('broken'), 2, 'error: broken\n'),
        (OSError('no space left'), 2, 'error: no space left\n'),
        (KeyboardInterrupt(), 130, 'interrupted; the same command goes on'),
    ],
)
def test_what_stops_it_is_one_line(capsys, error, code, message):
    def convert():
        raise error

    assert run_and_print(convert, 'OUT') == code
    assert capsys.readouterr().err.startswith(message)

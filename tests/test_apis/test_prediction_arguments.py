import pytest

from cupre_mm.apis.prediction_arguments import (
    DEFAULT_OUTPUTS,
    options_from,
    parse_arguments,
    selection_from,
)
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.plane_selection import PlaneSelection

NEEDED = ['config.py', 'weights.pth', 'cells', 'out']


def test_what_is_not_given_has_the_defaults_of_the_api():
    args = parse_arguments(NEEDED)
    assert options_from(args) == SegmentationOptions()
    assert selection_from(args) == PlaneSelection()
    assert tuple(args.outputs) == DEFAULT_OUTPUTS
    assert (args.series, args.compress, args.force) == (0, False, False)


def test_the_last_of_several_places_is_the_output():
    args = parse_arguments([*NEEDED[:2], 'a', 'b/*.tif', 'c.txt', 'out'])
    assert args.inputs == ['a', 'b/*.tif', 'c.txt']
    assert args.out == 'out'


def test_all_options_arrive():
    args = parse_arguments(
        [
            *NEEDED,
            *('--score-thr', '0.3', '--diameter', '25', '--tile', '512'),
            *('--overlap', '64', '--batch-size', '4', '--min-area', '10'),
            *('--max-area', '900', '--exclude-border', '--compress'),
        ]
    )
    assert options_from(args) == SegmentationOptions(
        score_thr=0.3,
        diameter=25,
        tile=512,
        overlap=64,
        batch_size=4,
        min_area=10,
        max_area=900,
        exclude_border=True,
    )
    assert args.compress


@pytest.mark.parametrize(
    ('flags', 'expected'),
    [
        (['--z', 'max', '--channel', '1'], dict(z='max', channel=1)),
        (['--t', '3', '--page', 'split'], dict(t=3, page='split')),
        (['--merge-channels', '2,0,1'], dict(channel=(2, 0, 1))),
    ],
)
def test_planes_are_numbers_or_words(flags, expected):
    args = parse_arguments([*NEEDED, *flags])
    assert selection_from(args) == PlaneSelection(**expected)


@pytest.mark.parametrize(('given', 'read'), [('2', 2), ('split', 'split')])
def test_a_series_is_a_number_or_all(given, read):
    assert parse_arguments([*NEEDED, '--series', given]).series == read


@pytest.mark.parametrize(
    ('flags', 'reason'),
    [
        (['--series', '-1'], '-1'),
        (['--series', 'last'], "'last' is neither a number"),
        (['--workers', '-2'], '-2'),
        (['--workers', 'many'], "'many' is no number"),
        (['--merge-channels', 'red'], 'red'),
        (['--channel', '1', '--merge-channels', '0,1'], 'not allowed with'),
        (['--scale', '2', '--diameter', '9'], 'not allowed with'),
    ],
)
def test_flags_that_cannot_be_read(flags, reason, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_arguments([*NEEDED, *flags])
    assert stop.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    'flags', [['--score-thr', '2'], ['--tile', '64'], ['--scale', '-1']]
)
def test_options_that_make_no_sense(flags):
    with pytest.raises(BadConfigError):
        options_from(parse_arguments([*NEEDED, *flags]))

"""tools/analysis/benchmark_loading.py at a very small size."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from cupre_mm.utils.loading_benchmark import measured_load
from cupre_mm.utils.loading_benchmark.livecell_sized import (
    write_livecell_sized,
)


@pytest.fixture
def benchmark(
    load_tool: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """The tool, loading in this process: mmdet is imported once."""
    tool = load_tool('analysis/benchmark_loading')
    monkeypatch.setattr(tool, 'measure', measured_load._measure_here)
    return tool


def test_all_sides_are_measured_on_the_same_data(benchmark, tmp_path, capsys):
    out = tmp_path / 'figures.json'
    folder = tmp_path / 'files'
    arguments = ['--fraction', '0.0005', '--repeats', '2', '--out', str(out)]
    figures = benchmark.main([*arguments, '--folder', str(folder)])
    assert json.loads(out.read_text()) == figures
    assert set(figures['sides']) == {'mmdet', 'first', 'cached'}
    for side in figures['sides'].values():
        assert side['num_images'] == 3
        assert side['seconds'] > 0
        assert side['access'] > 0
        assert side['peak'] >= side['kept'] > 0
    assert 0 < figures['cache_mib'] < figures['json_mib']
    shown = capsys.readouterr().out
    assert '| mmdet CocoDataset ' in shown
    assert '| CheckedCocoDataset, from its cache ' in shown
    assert ' x)' in shown
    # Generated files and the cache are gone.
    assert list(folder.iterdir()) == []


def test_a_file_of_the_users_own(benchmark, tmp_path):
    ann, images = tmp_path / 'own.json', tmp_path / 'images'
    write_livecell_sized(ann, images, num_images=2, num_instances=9)
    arguments = ['--ann', str(ann), '--images', str(images), '--skip-mmdet']
    figures = benchmark.main(arguments)
    assert list(figures['sides']) == ['first', 'cached']
    assert ann.exists()
    with pytest.raises(SystemExit) as caught:
        benchmark.main([*arguments[:1], 'none.json', *arguments[2:]])
    assert caught.value.code == 2


def test_sides_that_differ_are_refused(benchmark, tmp_path, monkeypatch):
    measure = benchmark.measure

    def differ(load):
        figures = measure(load).as_dict()
        return measured_load.Measurement(
            **{**figures, 'digest': load.cache and 'other'}
        )

    monkeypatch.setattr(benchmark, 'measure', differ)
    with pytest.raises(SystemExit) as caught:
        benchmark.main(['--fraction', '0.0005'])
    assert caught.value.code == 2


def test_a_side_that_was_killed_is_said(benchmark, monkeypatch, capsys):
    measure = benchmark.measure
    monkeypatch.setattr(
        benchmark,
        'measure',
        lambda load: measure(load) if load.cache else None,
    )
    figures = benchmark.main(['--fraction', '0.0005'])
    assert figures['sides']['mmdet'] is None
    assert '| mmdet CocoDataset | killed' in capsys.readouterr().out


@pytest.mark.parametrize(
    'arguments',
    [['--fraction', '0'], ['--repeats', '0'], ['--ann', 'cells.json']],
)
def test_arguments_that_make_no_sense_are_refused(benchmark, arguments):
    with pytest.raises(SystemExit) as caught:
        benchmark.parse_args(arguments)
    assert caught.value.code == 2


@pytest.mark.slow
def test_each_load_is_measured_in_a_process_of_its_own(tmp_path: Path):
    ann, images = tmp_path / 'own.json', tmp_path / 'images'
    write_livecell_sized(ann, images, num_images=2, num_instances=9)
    load = measured_load.Load(str(ann), str(images), ('cell',))
    first, second = measured_load.measure(load), measured_load.measure(load)
    assert first.digest == second.digest
    assert first.peak >= first.imports > 50

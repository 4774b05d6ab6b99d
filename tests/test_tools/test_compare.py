"""tools/analysis/compare.py from the command line."""

import json

import pytest

from tests.report_files import write_report
from tools.analysis import compare as tool


@pytest.fixture
def reports(tmp_path):
    write_report(tmp_path / 'scratch')
    write_report(tmp_path / 'amt2', [0.2, 0.4, 0.3, 0.5])
    return [str(tmp_path / name) for name in ('scratch', 'amt2')]


def test_tables_and_plot_are_printed_and_written(reports, tmp_path, capsys):
    out = tmp_path / 'out'
    tool.main([*reports, '--out', str(out), '--resamples', '200'])
    printed = capsys.readouterr().out
    assert '| AP_bbox' in printed
    assert 'not that of the training seed' in printed
    for ending in ('md', 'csv', 'json', 'png'):
        assert f'Comparison: {out}/comparison.{ending}' in printed
        assert (out / f'comparison.{ending}').stat().st_size > 500
    assert not list(out.glob('.*'))


def test_names_baseline_and_bootstrap_are_passed_on(reports, tmp_path):
    out = tmp_path / 'out'
    tool.main(
        [
            *reports,
            *('--names', 'from scratch', 'AMT2'),
            *('--baseline', reports[1], '--measures', 'f1_50'),
            *('--resamples', '300', '--confidence', '0.9'),
            *('--method', 'percentile', '--seed', '5', '--out', str(out)),
        ]
    )
    content = json.loads((out / 'comparison.json').read_text())
    assert content['baseline'] == 'AMT2'
    assert content['bootstrap'] == {
        'num_resamples': 300,
        'confidence': 0.9,
        'method': 'percentile',
        'seed': 5,
    }
    (paired,) = content['paired']
    assert (paired['name'], paired['measure']) == ('from scratch', 'f1_50')
    assert paired['mean'] == pytest.approx(-0.1)


def test_without_figures_of_images_no_old_plot_is_left(
    reports, tmp_path, capsys
):
    out = tmp_path / 'out'
    tool.main([*reports, '--out', str(out), '--resamples', '200'])
    write_report(tmp_path / 'scratch', images=[])
    tool.main([*reports, '--out', str(out)])
    assert 'No plot' in capsys.readouterr().out
    assert not (out / 'comparison.png').exists()


def test_reports_that_cannot_be_compared_leave_with_2(
    reports, tmp_path, capsys
):
    other = str(write_report(tmp_path / 'other', truth='other_truth'))
    for paths in ([*reports, other], reports[:1], [reports[0]] * 2):
        with pytest.raises(SystemExit) as caught:
            tool.main([*paths, '--out', str(tmp_path / 'out')])
        assert caught.value.code == 2
        assert capsys.readouterr().err.startswith('error: ')
    assert not (tmp_path / 'out').exists()

"""Files that a benchmark's results are written to."""

import csv
import json
import pickle

import pytest

from cupre_mm.evaluation.benchmark_results import collect, write_results
from cupre_mm.evaluation.benchmark_results.results_files import write_tables
from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from cupre_mm.utils.errors import MissingDataError
from tests.result_pages import rows_of

QUICKLY = Bootstrap(100, method='percentile')


def fill(benchmark) -> None:
    for seed in (0, 1):
        benchmark.add('coco', seed=seed, quality=0.5)
        folder = benchmark.add('amt2', seed=seed, quality=1.0)
        records = [{'loss': 3.0 - i, 'step': i} for i in (1, 2)]
        benchmark.add_log(folder, '20260101_000000', records)
    benchmark.add_failed('scratch', '5pct', 1, 'Traceback\nRuntimeError: bad')
    benchmark.write_grid(
        paper={'amt2': {'5': {'bbox': 53.8}}, 'moco': {'5': {'bbox': 8.3}}}
    )


def write_without_plots(benchmark, truth=None) -> list:
    results = collect(benchmark.folder, truth, QUICKLY)
    return write_tables(benchmark.folder, results)


def load(benchmark) -> tuple[dict, str, list[dict]]:
    folder = benchmark.folder
    with (folder / 'results.csv').open(newline='') as stream:
        rows = list(csv.DictReader(stream))
    results = json.loads((folder / 'results.json').read_text())
    return results, (folder / 'results.md').read_text(), rows


def test_a_grid_in_part_gives_what_there_is(benchmark):
    fill(benchmark)
    written = write_results(benchmark.folder, bootstrap=QUICKLY)
    assert [path.name for path in written] == [
        'results.json',
        'results.csv',
        'results.md',
        'ap_by_labels.png',
        'learning_curves.png',
        'gain_over_coco.png',
        'predictions.png',
    ]
    assert all(path.stat().st_size > 0 for path in written)
    results, page, rows = load(benchmark)
    counts = results['counts']
    assert (counts['done'], counts['failed'], counts['missing']) == (4, 1, 4)
    assert '4 of 9 cells are finished; 1 failed, 4 missing.' in page
    assert [row['status'] for row in rows].count('done') == 4
    assert rows_of(page, 'scratch')[0] == ['scratch', '-', '-']
    assert 'cells/scratch/5pct/seed1: Traceback RuntimeError: bad' in page


def test_pretraining_that_failed_explains_the_missing_cells(benchmark):
    fill(benchmark)
    for seed, content in (
        ('seed0', '{"status": "failed", "error": "Traceback\\nlast words"}'),
        ('seed1', '{"status": "done"}'),
        ('seed2', 'cut'),
    ):
        stage = benchmark.folder / 'pretraining/amt2' / seed / 'stage.json'
        stage.parent.mkdir(parents=True)
        stage.write_text(content)
    write_without_plots(benchmark)
    results, page, _ = load(benchmark)
    assert (
        '- pretraining/amt2/seed0 (what starts from it is not run): '
        'Traceback last words\n'
    ) in page
    assert 'pretraining/amt2/seed1' not in page
    assert list(results['failed_stages']) == [
        'pretraining/amt2/seed0',
        'pretraining/amt2/seed2',
    ]


def test_tables_hold_means_gains_and_published_figures(benchmark):
    fill(benchmark)
    write_without_plots(benchmark)
    results, page, _ = load(benchmark)
    means = {(one['arm'], one['score']): one for one in results['aggregates']}
    coco, amt2 = means['coco', 'bbox_mAP'], means['amt2', 'bbox_mAP']
    by_seed = {
        seed: amt2['by_seed'][seed] - value
        for seed, value in coco['by_seed'].items()
    }
    gain = next(g for g in results['gains'] if g['metric'] == 'bbox')
    assert gain['by_seed'] == pytest.approx(by_seed)
    assert gain['mean'] == pytest.approx(amt2['mean'] - coco['mean'])
    assert gain['interval']['low'] <= gain['interval']['high']
    assert gain['interval']['with_seeds'] is True
    assert list(gain['intervals_by_seed']) == ['0', '1']
    best = f'**{100 * amt2["mean"]:.1f} ± {100 * amt2["sd"]:.1f} (2)**'
    assert rows_of(page, 'AMT2')[0] == ['AMT2', best, '-']
    masks = means['amt2', 'segm_mAP']
    assert masks['mean'] < amt2['mean']
    best = f'**{100 * masks["mean"]:.1f} ± {100 * masks["sd"]:.1f} (2)**'
    assert rows_of(page, 'AMT2')[1] == ['AMT2', best, '-']
    assert f'{100 * gain["mean"]:+.1f}' in page
    published = rows_of(page, 'AMT2')[-1]
    assert published[1] == '5 %'
    assert published[3] == '53.8'
    assert published[5] == 'unknown'
    # The paper has an arm that the grid lacks.
    assert rows_of(page, 'moco') == [
        ['moco', '5 %', '-', '8.3', '-', 'unknown']
    ]


def test_twice_the_same_files(benchmark):
    fill(benchmark)
    written = write_without_plots(benchmark)
    before = [path.read_bytes() for path in written]
    write_without_plots(benchmark)
    assert [path.read_bytes() for path in written] == before


def test_quick_leaves_out_intervals_and_plots(benchmark):
    fill(benchmark)
    written = write_results(benchmark.folder, quick=True)
    assert len(written) == 3
    assert not (benchmark.folder / 'plots').exists()
    results, page, _ = load(benchmark)
    assert results['bootstrap'] is None
    assert {gain['interval'] for gain in results['gains']} == {None}
    assert 'computed at the end of the grid' in page
    assert not list(benchmark.folder.rglob('ap_matches.npz'))


def test_nothing_finished_is_written_as_such(benchmark):
    benchmark.write_grid()
    assert len(write_results(benchmark.folder)) == 3
    _, page, rows = load(benchmark)
    assert '0 of 9 cells are finished; 9 missing.' in page
    assert len(rows) == 9


def test_without_a_grid_there_are_no_results(tmp_path):
    with pytest.raises(MissingDataError, match=r'benchmark\.json'):
        write_results(tmp_path)


def test_peers_stand_in_the_same_tables(benchmark):
    fill(benchmark)
    folder = benchmark.add(
        'cellpose',
        kind='peer',
        title='Cellpose',
        metrics={'coco/cells_pq': 0.7},
        own_metrics={
            'cellpose': {
                'aji': 0.65,
                'counts': {'images': 106, 'tp_0.5': 2493},
                # Drivers wrote counts among the shares once.
                'fp_0.5': 231,
                'versions': {},
            }
        },
        deviations=['50 epochs in place of 100'],
    )
    (folder / 'predictions.pkl').unlink()
    write_without_plots(benchmark)
    results, page, rows = load(benchmark)
    (row,) = [row for row in rows if row['arm'] == 'cellpose']
    assert (row['kind'], row['cells_pq'], row['bbox_mAP']) == (
        'peer',
        '0.7',
        '',
    )
    (scores,) = [
        cells
        for cells in rows_of(page, '5 %')
        if cells[1] == 'Cellpose (peer)'
    ]
    assert scores[-1] == '70.0 (1)'
    assert scores[2] == '-'
    assert rows_of(page, '5 %')[-1] == ['5 %', 'Cellpose', '65.0 (1)']
    assert '- 50 epochs in place of 100, at 5 %' in page
    assert rows_of(page, 'labels')[-1] == ['labels', 'arm', 'AJI']
    (own,) = results['own_scores']
    assert (own['score'], own['mean']) == ('aji', 0.65)
    # A peer without AP takes no part in the gains, and that is no fault.
    assert results['notes'] == []


def test_settings_have_tables_of_their_own(benchmark):
    fill(benchmark)
    benchmark.grid['arms']['amt2']['setting'] = 'external'
    benchmark.grid['arms']['mine'] = {'setting': 'in-domain'}
    benchmark.write_grid()
    write_results(benchmark.folder, quick=True)
    _, page, _ = load(benchmark)
    external, in_domain = page.split('## Average precision (in-domain)')
    assert '## Average precision (external)' in external
    in_domain = in_domain.split('## Gain')[0]
    assert rows_of(external, 'AMT2')
    assert not rows_of(external, 'mine')
    assert rows_of(in_domain, 'mine')
    assert not rows_of(in_domain, 'AMT2')
    assert rows_of(in_domain, 'COCO')


def test_what_the_pretraining_saw_is_shown(benchmark):
    fill(benchmark)
    content = {
        'benchmark': benchmark.grid,
        'pretraining_budgets': [
            {'arm': 'coco', 'det_images': 5, 'steps': 5, 'before': None},
            {'arm': 'amt2', 'det_images': 3400, 'steps': 1700},
        ],
    }
    (benchmark.folder / 'benchmark.json').write_text(json.dumps(content))
    write_results(benchmark.folder, quick=True)
    _, page, _ = load(benchmark)
    assert '| detection images | optimizer steps |' in page
    assert ['AMT2', '3,400', '1,700'] in rows_of(page, 'AMT2')


def test_predictions_of_another_test_have_no_interval(benchmark, samples_of):
    fill(benchmark)
    folder = benchmark.folder / 'cells/amt2/5pct/seed1'
    content = pickle.dumps(samples_of(0.1, 7))
    (folder / 'predictions.pkl').write_bytes(content)
    write_without_plots(benchmark)
    results, page, _ = load(benchmark)
    gain = next(g for g in results['gains'] if g['metric'] == 'bbox')
    assert gain['interval'] is None
    assert list(gain['intervals_by_seed']) == ['0']
    assert any('amt2/5pct/seed1' in note for note in results['notes'])
    assert 'test it again' in page


def test_another_ground_truth_than_that_of_the_test_is_not_used(
    benchmark, tmp_path
):
    fill(benchmark)
    content = json.loads(benchmark.truth.read_text())
    content['images'][0]['file_name'] = 'other.png'
    other = tmp_path / 'other.json'
    other.write_text(json.dumps(content))
    write_without_plots(benchmark, other)
    results, _, _ = load(benchmark)
    assert {gain['interval'] for gain in results['gains']} == {None}
    assert 'ground truth' in results['notes'][0]


def test_different_labelled_images_are_told(benchmark):
    fill(benchmark)
    benchmark.add('scratch', split={'sha256': 'other'})
    write_results(benchmark.folder, quick=True)
    results, _, _ = load(benchmark)
    assert results['notes'] == [
        'At 5pct, seed 0, the arms (amt2, coco, scratch) were not trained '
        'with the same labelled images.'
    ]


def test_versions_commits_and_starts_that_differ_are_told(benchmark):
    same = {'git_commit': 'a', 'versions': {'torch': '2.4'}}
    benchmark.add('coco', start_sha256='1', **same)
    other = {'git_commit': 'b', 'versions': {'torch': '2.5'}}
    benchmark.add('coco', seed=1, start_sha256='2', **other)
    benchmark.write_grid()
    write_results(benchmark.folder, quick=True)
    results, page, _ = load(benchmark)
    assert results['notes'] == [
        'The cells of coco started from several checkpoints.',
        'The cells are of 2 git commits.',
        'The cells were run with different versions of torch: 2.4, 2.5.',
    ]
    assert 'torch 2.4 / 2.5' in page


def test_a_baseline_that_is_no_arm_is_told(benchmark):
    benchmark.add('coco')
    benchmark.write_grid(baseline='cocoo')
    write_results(benchmark.folder, quick=True)
    results, _, _ = load(benchmark)
    assert "No arm is called 'cocoo'" in results['notes'][0]

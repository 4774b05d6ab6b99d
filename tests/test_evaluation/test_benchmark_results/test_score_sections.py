"""Tables of a benchmark's scores."""

from tests.result_pages import page_of, rows_of


def add(benchmark, arm, seeds, ap, **record):
    for seed in seeds:
        metrics = {'coco/bbox_mAP': ap, 'coco/segm_mAP': ap, **record}
        benchmark.add(arm, seed=seed, metrics=metrics)


def test_best_is_sought_among_the_arms_with_all_seeds(benchmark):
    add(benchmark, 'scratch', (0, 1), 0.2)
    add(benchmark, 'coco', (0, 1), 0.3)
    add(benchmark, 'amt2', (1,), 0.4)
    benchmark.write_grid()
    page = page_of(benchmark.folder)
    first = [rows_of(page, arm)[0][1] for arm in ('scratch', 'COCO', 'AMT2')]
    assert first == ['20.0 ± 0.0 (2)', '**30.0 ± 0.0 (2)**', '40.0 (1)']
    told = 'Not of all seeds, and so never bold: AMT2 at 5 % (without seed 0).'
    assert told in page


def test_arms_with_the_same_seeds_are_not_told_of(benchmark):
    add(benchmark, 'coco', (0,), 0.3)
    add(benchmark, 'amt2', (0,), 0.4)
    benchmark.write_grid()
    page = page_of(benchmark.folder)
    assert rows_of(page, 'AMT2')[0] == ['AMT2', '**40.0 (1)**', '-']
    assert 'Not of all seeds' not in page


def test_how_the_scores_of_a_peer_come_about_is_told(benchmark):
    add(benchmark, 'coco', (0,), 0.3)
    benchmark.write_grid()
    told = (
        'AP of Cellpose: a peer gives label images without scores',
        'Of our arms the detections with a score of 0.5 or more count.',
    )
    page = page_of(benchmark.folder)
    assert not any(one in page for one in told)
    peer = {'kind': 'peer', 'title': 'Cellpose'}
    benchmark.add('cellpose', metrics={'coco/cells_pq': 0.5}, **peer)
    page = page_of(benchmark.folder)
    assert [one in page for one in told] == [False, True]
    benchmark.add('cellpose', '20pct', metrics={'coco/segm_mAP': 0.5}, **peer)
    page = page_of(benchmark.folder)
    assert all(one in page for one in told)
    assert page.count('docs/peers.md') == 2

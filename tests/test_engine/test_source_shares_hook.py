import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.structures import BaseDataElement
from torch import distributed, multiprocessing

from cupre_mm.engine.hooks import source_shares_hook
from cupre_mm.engine.hooks.source_shares_hook import SourceSharesHook
from cupre_mm.utils.errors import BadConfigError
from tests.tiny_amt2 import log_of, run_config, train

COUNT = re.compile(r'(phase|stained): (\d+) images, ([\d.]+)% \(asked for ')


def options(**changed: Any) -> dict[str, Any]:
    pack = 'train_dataloader.moco.dataset.pipeline.3.meta_keys'
    return {
        'custom_hooks': [dict(type='cupre_mm.SourceSharesHook', interval=2)],
        pack: ('img_path', 'source'),
        **changed,
    }


def logged(log: str) -> list[tuple[str, str, str]]:
    """Iterations and counts of every log entry."""
    entries = log.split('Images trained on, iterations ')[1:]
    return [
        (
            entry.split(',')[0],
            *(count for _, count, _ in COUNT.findall(entry)),
        )
        for entry in entries
    ]


def runner_of() -> SimpleNamespace:
    """What the hook sees of a runner: two sources, named by the sampler."""
    sampler = SimpleNamespace(shares=dict(a=0.75, b=0.25))
    return SimpleNamespace(
        iter=0, train_dataloader=SimpleNamespace(sampler=sampler)
    )


def batch_of(*sources: str) -> dict:
    return dict(
        data_samples=[
            BaseDataElement(metainfo=dict(source=name)) for name in sources
        ]
    )


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the hook logs."""
    kept: list[str] = []
    monkeypatch.setattr(
        source_shares_hook,
        'print_log',
        lambda message, **_: kept.append(message),
    )
    return kept


def test_amt2_run_logs_what_it_trained_on_and_a_resumed_one_its_own_part(
    demo_data: Path, tmp_path: Path
):
    runner, recorder = train(
        run_config(demo_data, tmp_path, options(**{'train_cfg.max_iters': 3}))
    )
    entries = logged(log_of(runner))
    # After two iterations, and after the last of three.
    assert [span for span, *_ in entries] == ['1 to 2', '1 to 3']
    for (_, phase, stained), done in zip(entries, (2, 3)):
        looks = [
            source_of(path, demo_data)
            for drawn in recorder.iterations[:done]
            for batch in drawn['moco']
            for path in batch
        ]
        assert int(phase) == looks.count('phase')
        assert int(stained) == looks.count('stained')
        assert len(looks) == 4 * done

    resumed, _ = train(
        run_config(
            demo_data,
            # Log files are named by the second.
            tmp_path / 'resumed',
            options(
                **{
                    'train_cfg.max_iters': 4,
                    'load_from': str(tmp_path / 'iter_3.pth'),
                    'resume': True,
                }
            ),
        )
    )
    [(span, phase, stained)] = logged(log_of(resumed))
    assert span == '4 to 4'
    assert int(phase) + int(stained) == 4


def source_of(name: str, demo_data: Path) -> str:
    [found] = [
        source
        for source in ('phase', 'stained')
        if (demo_data / 'cells_unlabelled' / source / name).is_file()
    ]
    return found


def test_repeated_contrastive_steps_and_detection_are_told_apart(lines):
    hook = SourceSharesHook(interval=2)
    runner = runner_of()
    hook.before_train(runner)
    batch = dict(
        moco=[batch_of('a', 'b'), batch_of('a', 'a')], det=[batch_of('b')]
    )
    hook.after_train_iter(runner, 0, batch)
    assert not lines
    runner.iter = 1
    hook.after_train_iter(runner, 1, dict(moco=[], det=[batch_of('b')]))
    assert lines == [
        'Images trained on, iterations 1 to 2, by source:\n'
        '  a: 3 images, 75.0% (asked for 75.0%)\n'
        '  b: 1 images, 25.0% (asked for 25.0%)'
    ]


def test_plain_batches_of_other_loops_are_counted(lines):
    hook = SourceSharesHook()
    runner = runner_of()
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, batch_of('a', 'b'))
    runner.iter = 1
    hook.after_train(runner)
    assert 'a: 1 images, 50.0%' in lines[0]


def test_last_entry_is_not_written_twice(lines):
    hook = SourceSharesHook(interval=1)
    runner = runner_of()
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, batch_of('a'))
    runner.iter = 1
    hook.after_train(runner)
    assert len(lines) == 1


def test_source_that_was_never_drawn_is_listed(lines):
    hook = SourceSharesHook(interval=1)
    runner = runner_of()
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, batch_of('a'))
    assert 'b: 0 images, 0.0% (asked for 25.0%)' in lines[0]


def test_other_samplers_have_no_shares_to_compare_with(lines):
    hook = SourceSharesHook(interval=1)
    dataset = SimpleNamespace(metainfo=dict(sources=['a', 'b']))
    runner = SimpleNamespace(
        iter=0,
        train_dataloader=SimpleNamespace(dataset=dataset, sampler=object()),
    )
    hook.before_train(runner)
    hook.after_train_iter(runner, 0, batch_of('b'))
    assert lines[0].endswith('a: 0 images, 0.0%\n  b: 1 images, 100.0%')


def test_run_without_cell_images_logs_nothing(lines):
    hook = SourceSharesHook(interval=1)
    # A detection loader, and a dual one whose schedule has no contrast.
    for loader in (
        dict(dataset=SimpleNamespace(metainfo=dict(classes=('cell',)))),
        dict(loaders=dict(det=None)),
    ):
        runner = SimpleNamespace(
            iter=0, train_dataloader=SimpleNamespace(**loader)
        )
        hook.before_train(runner)
        hook.after_train_iter(runner, 0, dict(det=[batch_of('a')]))
        hook.after_train(runner)
    assert not lines


def test_samples_without_a_source_are_counted_with_what_to_do(lines):
    hook = SourceSharesHook(interval=1)
    runner = runner_of()
    hook.before_train(runner)
    batch = dict(data_samples=[BaseDataElement()])
    hook.after_train_iter(runner, 0, batch)
    assert '1 of 1 images did not tell their source' in lines[-1]
    assert "meta_keys=('img_path', 'source')" in lines[-1]


@pytest.mark.parametrize('interval', [0, -5, 1.5, 'often'])
def test_interval_has_to_be_a_number_of_iterations(interval: Any):
    with pytest.raises(BadConfigError, match=f'interval={interval!r}'):
        SourceSharesHook(interval)


def _count_in_one_rank(rank: int, folder: Path, results: Any) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder / "rendezvous"}',
        rank=rank,
        world_size=2,
    )
    kept: list[str] = []
    source_shares_hook.print_log = lambda text, **_: kept.append(text)
    hook = SourceSharesHook(interval=1)
    runner = runner_of()
    hook.before_train(runner)
    for iteration in range(2):
        runner.iter = iteration
        sources = ('a', 'a', 'a') if rank == 0 else ('b', 'a')
        hook.after_train_iter(runner, iteration, batch_of(*sources))
    results.put(kept)
    distributed.destroy_process_group()


@pytest.mark.distributed
def test_counts_are_summed_over_processes_once_each(tmp_path: Path):
    # Forked, as nothing here needs an accelerator and imports take seconds.
    context = multiprocessing.get_context('fork')
    results = context.SimpleQueue()
    processes = [
        context.Process(
            target=_count_in_one_rank, args=(rank, tmp_path, results)
        )
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    for entries in (results.get(), results.get()):
        assert 'a: 4 images, 80.0%' in entries[0]
        assert 'b: 1 images, 20.0%' in entries[0]
        # Counts of the first entry must not be added up again.
        assert 'a: 8 images, 80.0%' in entries[1]

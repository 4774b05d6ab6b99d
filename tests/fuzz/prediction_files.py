"""Predictions, run-length codes and reports, through what scores them."""

import functools
import json
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from tests.fuzz.annotation_files import HEIGHT, WIDTH
from tests.fuzz.odd_values import json_files, mutated
from tests.fuzz.targets import Target, from_json, run_tool, to_json

_CODE = '5:T3IVa0'


def _codes() -> st.SearchStrategy[Any]:
    """Run-length codes as json holds them; bytes as text of one."""
    letters = st.characters(min_codepoint=44, max_codepoint=115)
    counts = st.one_of(
        st.just(_CODE),
        st.text(letters, max_size=14),
        mutated([5, 10, 100, 3, 650]),
        st.sampled_from(('', '\u00e9', 'a\0b', None, 7)),
    )
    sizes = st.one_of(
        st.just([HEIGHT, WIDTH]), mutated([HEIGHT, WIDTH], most=2)
    )
    return st.fixed_dictionaries(
        {'size': sizes, 'counts': counts, 'text': st.booleans()}
    )


def _as_code(code: dict) -> dict:
    counts = code['counts']
    if isinstance(counts, str) and not code['text']:
        counts = counts.encode('utf-8', 'surrogatepass')
    return {'size': code['size'], 'counts': counts}


def _read_runs(data: bytes, folder: Path) -> None:
    from cupre_mm.utils.rle_runs import read_runs

    codes = [_as_code(code) for code in from_json(data)]
    runs = read_runs(codes, (HEIGHT, WIDTH))
    for mask in range(len(codes)):
        pixels = runs.pixels_of(mask)
        assert len(pixels) == runs.areas[mask]
        assert not len(pixels) or 0 <= pixels[0] <= pixels[-1] < HEIGHT * WIDTH


def _truth() -> dict[str, Any]:
    code = {'size': [HEIGHT, WIDTH], 'counts': _CODE}
    return {
        'images': [
            dict(id=n, file_name=f'{n}.png', height=HEIGHT, width=WIDTH)
            for n in (1, 2)
        ],
        'annotations': [
            dict(
                id=n,
                image_id=n,
                category_id=1,
                bbox=[0, 5, 2, 10],
                area=113,
                iscrowd=0,
                segmentation=code,
            )
            for n in (1, 2)
        ],
        'categories': [dict(id=1, name='cell'), dict(id=2, name='debris')],
    }


@st.composite
def _predictions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What a model may give: arrays of any values, codes of any kind."""
    samples = []
    for image_id in draw(st.sampled_from(([1, 2], [1], [2, 1], [1, 1], [7]))):
        count = draw(st.integers(0, 3))
        numbers = st.one_of(
            st.floats(-5, 40, width=32),
            st.floats(width=32),
            st.sampled_from((0.0, 1e38)),
        )
        odd = draw(st.integers(0, 5)) == 0

        def some(number: int, values: Any = numbers) -> list:
            return draw(st.lists(values, min_size=number, max_size=number))

        usual = st.floats(0, 1, width=32)
        samples.append(
            {
                'img_id': image_id,
                'bboxes': [some(4) for _ in range(count)],
                'scores': some(count, numbers if odd else usual),
                'labels': some(count, st.integers(-1 if odd else 0, 2)),
                'masks': [
                    draw(_codes())
                    if draw(st.integers(0, 3)) == 0
                    else {
                        'size': [HEIGHT, WIDTH],
                        'counts': _CODE,
                        'text': False,
                    }
                    for _ in range(count)
                ],
            }
        )
    return samples


@functools.cache
def _truth_file(folder: Path) -> Path:
    path = folder / 'truth.json'
    path.write_text(json.dumps(_truth()))
    return path


def _score(data: bytes, folder: Path) -> None:
    import torch

    from cupre_mm.evaluation import CellMetric

    samples = from_json(data)
    metric = CellMetric(
        ann_file=str(_truth_file(folder)),
        metric=['bbox', 'segm'],
        max_dets=2,
        cell_scores={'score_thr': 0.3},
    )
    metric.dataset_meta = {'classes': ('cell', 'debris')}
    for sample in samples:
        boxes = torch.tensor(sample['bboxes'], dtype=torch.float32)
        found = dict(
            bboxes=boxes.reshape(-1, 4),
            scores=torch.tensor(sample['scores'], dtype=torch.float32),
            labels=torch.tensor(sample['labels'], dtype=torch.int64),
            masks=[_as_code(code) for code in sample['masks']],
        )
        metric.process(
            {},
            [
                dict(
                    img_id=sample['img_id'],
                    ori_shape=(HEIGHT, WIDTH),
                    pred_instances=found,
                )
            ],
        )
    metric.evaluate(len(samples))


def _report() -> dict[str, Any]:
    return {
        'metrics': {
            'coco/bbox_mAP': 0.4,
            'coco/segm_mAP': -1.0,
            'coco/cells_mean_accuracy': 0.35,
            'coco/cells_count_error': -2.0,
            'coco/cells_score_thr': 0.5,
        },
        'config': 'config.py',
        'checkpoint': 'a.pth',
        'checkpoint_sha256': 'abc',
        'ann_files': ['a.json'],
        'ann_sha256': ['def'],
        'counts': {'num_images': 3, 'num_instances': 30},
        'details': {'max_dets': 100},
        'images': [
            dict(
                img_id=n,
                file_name=f'{n}.png',
                cells=10,
                mean_accuracy=0.1 * n,
                f1_50=0.2 * n,
                count_error=n - 2,
            )
            for n in range(3)
        ],
    }


def _compare(data: bytes, folder: Path) -> None:
    from tools.analysis import compare

    good, other = folder / 'good.json', folder / 'other.json'
    good.write_text(json.dumps({**_report(), 'checkpoint_sha256': 'ghi'}))
    other.write_bytes(data)
    arguments = [str(good), str(other), '--out', str(folder / 'comparison')]
    # The picture takes a second, of figures that are checked before.
    with mock.patch.object(
        compare, 'save_comparison_plot', lambda path, comparison: path
    ):
        run_tool(compare.main, [*arguments, '--resamples', '100'])


TARGETS = (
    Target(
        'run_lengths',
        '.json',
        st.lists(_codes(), max_size=4).map(to_json),
        _read_runs,
    ),
    Target('predictions', '.json', _predictions().map(to_json), _score),
    Target('reports', '.json', json_files(mutated(_report())), _compare),
)

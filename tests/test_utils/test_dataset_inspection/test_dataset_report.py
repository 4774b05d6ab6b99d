"""Figures, text and plots of a whole data set."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cupre_mm.utils.dataset_inspection.dataset_report import (
    ReportOptions,
    Subject,
    describe,
)

OPTIONS = ReportOptions(sample=4, stratum='cell_type', seed=0)


@pytest.fixture
def subject(demo_data) -> Subject:
    folder = demo_data / 'cells_labelled'
    return Subject(
        name='demo',
        ann_file=str(folder / 'annotations/instances.json'),
        folder=str(folder / 'images'),
        pipeline=[dict(type='Resize', scale=(64, 64), keep_ratio=True),
                  dict(type='RandomCrop')],
    )  # fmt: skip


def test_labelled_set_is_described_and_plotted(subject, tmp_path):
    found, text, plots = describe(subject, OPTIONS, tmp_path)
    coco = json.loads(Path(subject.ann_file).read_text())
    assert found['instances']['instances'] == len(coco['annotations'])
    assert list(found['anchors']['by_scale']) == ['64x64']
    assert found['intensities']['sampled'] == 4
    assert [path.name for path in plots] == [
        'demo_instances.png',
        'demo_anchors.png',
        'demo_images.png',
    ]
    for path in plots:
        picture = cv2.imread(str(path))
        assert picture.std() > 10
    said = '\n'.join(text)
    assert "anchors are mmdet's own" in said
    factors = {
        one['id']: 64 / max(one['width'], one['height'])
        for one in coco['images']
    }
    diameter = np.median(
        [
            factors[one['image_id']] * np.sqrt(one['area'] * 4 / np.pi)
            for one in coco['annotations']
        ]
    )
    assert f'median diameter at 64x64: {diameter:.1f} px' in said
    assert 'not simulated: RandomCrop' in said
    assert f'intensities of 4 of {len(coco["images"])} images' in said
    assert 'scales=[' in said


def test_unlabelled_images_have_intensities_and_sizes_alone(
    demo_data, tmp_path
):
    files = sorted(map(str, demo_data.glob('cells_unlabelled/phase/*')))
    found, _, plots = describe(
        Subject('phase', None, None, files), OPTIONS, tmp_path
    )
    assert list(found) == ['intensities']
    assert sum(found['intensities']['image_sizes'].values()) == 4
    assert [path.name for path in plots] == ['phase_images.png']


def test_set_without_any_instance_is_described(subject, tmp_path):
    coco = json.loads(Path(subject.ann_file).read_text())
    coco['annotations'] = []
    empty = tmp_path / 'empty.json'
    empty.write_text(json.dumps(coco))
    found, text, plots = describe(
        Subject('empty', str(empty), None), OPTIONS, tmp_path
    )
    assert found['instances']['images_without_instances'] == len(
        coco['images']
    )
    assert found['anchors']['all_scales'] == {}
    assert len(plots) == 2
    assert any('no values' in line for line in text)


def test_strata_and_an_unknown_folder_of_images_are_told(subject, tmp_path):
    coco = json.loads(Path(subject.ann_file).read_text())
    for number, image in enumerate(coco['images']):
        image['cell_type'] = ('BV2', 'Huh7')[number % 2]
    path = tmp_path / 'typed.json'
    path.write_text(json.dumps(coco))
    found, text, plots = describe(
        Subject('typed', str(path), None), OPTIONS, tmp_path
    )
    assert 'intensities' not in found
    assert 'intensities left out' in text[-1]
    assert len(plots) == 2
    assert set(found['anchors']['by_stratum']) == {'BV2', 'Huh7'}
    assert sum(line.startswith('Huh7') for line in text) == 2

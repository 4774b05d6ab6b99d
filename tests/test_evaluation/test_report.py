"""The report of a test run."""

import hashlib
import json

import pytest

from cupre_mm.evaluation import APReport

METRICS = {
    'coco/bbox_mAP': 0.44651,
    'coco/bbox_mAP_50': 0.8,
    'coco/bbox_mAP_75': 0.5,
    'coco/bbox_mAP_s': 0.4,
    'coco/bbox_mAP_m': 0.0,
    'coco/bbox_mAP_l': -1.0,
    'coco/bbox_AR': 0.6,
    'coco/num_images': 134,
    'coco/num_instances': 12345,
    'coco/num_detections': 20000,
    'coco/num_images_at_cap': 3,
    'coco/num_detections_dropped': 17,
    'time': 0.5,
}


@pytest.fixture
def report(tmp_path) -> APReport:
    checkpoint = tmp_path / 'weights.pth'
    checkpoint.write_bytes(b'weights')
    ann_file = tmp_path / 'test.json'
    ann_file.write_text('{}')
    return APReport.from_metrics(
        METRICS,
        config='configs/a.py',
        checkpoint='https://example.org/weights.pth',
        checkpoint_file=str(checkpoint),
        dataset='CocoDataset',
        ann_files=[str(ann_file)],
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_table_gives_ap_times_100_and_says_what_is_not_defined(report):
    lines = report.table().splitlines()
    assert cells(lines[0])[1:] == [
        'AP',
        'AP50',
        'AP75',
        'AP small',
        'AP medium',
        'AP large',
        'AR',
    ]
    assert cells(lines[2]) == [
        'bbox',
        '44.65',
        '80.00',
        '50.00',
        '40.00',
        '0.00',
        'n/a',
        '60.00',
    ]
    counted = dict(cells(line) for line in lines[4:])
    assert counted['images'] == '134'
    assert counted['instances (ground truth, not crowd)'] == '12,345'
    assert counted['images with detections at the cap'] == '3'
    assert counted['detections dropped by the cap'] == '17'


def test_json_keeps_full_precision_and_the_origin(report):
    found = json.loads(report.to_json())
    assert found['schema_version'] == 2
    assert found['metrics']['coco/bbox_mAP'] == 0.44651
    assert found['metrics']['time'] == 0.5
    assert found['counts'] == {
        'num_images': 134,
        'num_instances': 12345,
        'num_detections': 20000,
        'num_images_at_cap': 3,
        'num_detections_dropped': 17,
    }
    digest = hashlib.sha256(b'weights').hexdigest()
    assert found['checkpoint_sha256'] == digest
    assert found['ann_sha256'] == [hashlib.sha256(b'{}').hexdigest()]
    assert found['versions']['torch'] != 'not installed'
    assert report.table() in report.to_markdown()


def test_json_has_no_nan_and_a_line_an_image(report):
    report.metrics['coco/cells_pq'] = float('nan')
    report.images = [{'img_id': 1, 'cells': 2}, {'img_id': 2, 'cells': 3}]
    text = report.to_json()
    found = json.loads(text, parse_constant=pytest.fail)
    assert found['metrics']['coco/cells_pq'] is None
    assert found['images'] == report.images
    assert '    {"cells": 2, "img_id": 1},\n' in text


def test_size_bins_of_a_users_own_have_columns(report):
    for size in 'sml':
        del report.metrics[f'coco/bbox_mAP_{size}']
    report.metrics['coco/bbox_mAP_tiny'] = 0.125
    header, row = report.ap_rows()
    assert header[1:] == ['AP', 'AP50', 'AP75', 'AP tiny', 'AR']
    assert row[4] == '12.50'


def test_markdown_has_notes_tables_and_pictures(report):
    report.notes.append('No plots.')
    report.metrics['coco/cells_pq'] = 0.5
    text = report.to_markdown('## Plots\n\nhere')
    places = [
        text.index(part)
        for part in ('No plots.', '## Cell metrics', '## Plots', '## Origin')
    ]
    assert places == sorted(places)


def test_masks_have_a_row_of_their_own(report):
    report.metrics['coco/segm_mAP'] = 0.25
    rows = report.ap_rows()
    assert [row[0] for row in rows[1:]] == ['bbox', 'segm']
    assert rows[2][1:] == ['25.00', *['n/a'] * 6]


def test_two_evaluators_are_told_apart():
    report = APReport.from_metrics(
        {
            'a/bbox_mAP': 0.5,
            'a/num_images': 1,
            'b/bbox_mAP': 0.6,
            'b/num_images': 2,
        },
        config='c.py',
        checkpoint='w.pth',
        checkpoint_file='w.pth',
        ann_files=['a.json', 'b.json'],
    )
    assert [row[0] for row in report.ap_rows()[1:]] == ['a bbox', 'b bbox']
    assert report.count_rows() == [['a images', '1'], ['b images', '2']]


def test_other_metrics_alone_leave_no_table_but_a_sentence():
    report = APReport.from_metrics(
        {'pascal_voc/mAP': 0.5},
        config='c.py',
        checkpoint='w.pth',
        checkpoint_file='absent.pth',
    )
    assert 'no AP of boxes or masks' in report.table()
    assert report.checkpoint_sha256 == ''
    assert report.metrics == {'pascal_voc/mAP': 0.5}


def test_bar_in_a_path_does_not_break_the_table(report):
    report.config = 'a|b.py'
    assert r'a\|b.py' in report.to_markdown()

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


def test_json_keeps_full_precision_and_the_origin(report, tmp_path):
    written = report.write(tmp_path / 'new' / 'folder')
    assert [path.name for path in written] == ['report.json', 'report.md']
    found = json.loads(written[0].read_text())
    assert found['schema_version'] == 1
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
    assert report.table() in written[1].read_text()


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

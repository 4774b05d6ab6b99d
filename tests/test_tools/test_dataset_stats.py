"""Statistics of json files, configs and folders."""

import json
from pathlib import Path

import pytest

from tools.analysis import dataset_stats as tool

ROOT = Path(__file__).resolve().parents[2]


def test_json_is_described_without_a_config(demo_data, tmp_path, capsys):
    ann = demo_data / 'cells_labelled/annotations/instances.json'
    tool.main([str(ann), '--out', str(tmp_path), '--sample', '3'])
    written = json.loads((tmp_path / 'statistics.json').read_text())
    coco = json.loads(ann.read_text())
    found = written['instances']
    assert found['instances']['instances'] == len(coco['annotations'])
    assert found['anchors']['anchor_sides'] == [32, 64, 128, 256, 512]
    assert found['intensities']['sampled'] == 3
    said = capsys.readouterr().out
    for name in ('instances', 'anchors', 'images'):
        assert (tmp_path / f'instances_{name}.png').is_file()
        assert f'instances_{name}.png' in said
    assert 'best possible recall' in said


def test_config_brings_its_anchors_scales_and_files(tiny_config, tmp_path):
    found = tool.main(
        [
            str(tiny_config),
            '--out',
            str(tmp_path / 'o'),
            '--loader',
            'test',
            '--sample',
            '0',
            '--cfg-options',
            'pipeline.2.scale=(32,32)',
            'test_dataloader.dataset.pipeline.2.scale=(32,32)',
        ]
    )
    anchors = found['tiny_test']['anchors']
    assert anchors['anchor_sides'] == [16, 32, 64, 128, 256]
    assert list(anchors['by_scale']) == ['32x32']
    # Squares of 14 px in images of 64 px, seen at half their size.
    assert anchors['by_scale']['32x32']['box_side']['p50'] == 7
    assert anchors['all_scales']['uncovered'] == 1
    assert anchors['ranked_scales'][0]['uncovered'] == 0


def test_anchors_of_another_config_are_held_against_a_json(
    tiny_config, tmp_path
):
    ann = tiny_config.parent / 'data/instances.json'
    found = tool.main(
        [
            str(ann),
            '--anchors',
            str(tiny_config),
            '--out',
            str(tmp_path / 'o'),
            '--sample',
            '0',
        ]
    )
    anchors = found['instances']['anchors']
    assert anchors['anchor_sides'] == [16, 32, 64, 128, 256]
    assert list(anchors['by_scale']) == ['64x64']
    assert anchors['all_scales']['uncovered'] == 0


def test_shapes_are_told_without_data(tiny_config, capsys):
    found = tool.main([str(tiny_config), '--shapes'])
    rows = {(r['side'], r['aspect']): r for r in found[str(tiny_config)]}
    assert rows[6, 1]['uncovered'] == 1
    assert rows[16, 1]['uncovered'] == 0
    assert 'anchors of 16, 32, 64, 128, 256 px' in capsys.readouterr().out


def test_unlabelled_folder_has_intensities_alone(demo_data, tmp_path):
    folder = demo_data / 'cells_unlabelled/fluorescence'
    found = tool.main([str(folder), '--out', str(tmp_path), '--sample', '2'])
    assert list(found['fluorescence']) == ['intensities']
    assert [path.name for path in tmp_path.glob('*.png')] == [
        'fluorescence_images.png'
    ]


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['no.json'], 'does not exist'),
        (['no_such_thing'], 'neither a config'),
        (['x.json', '--shapes'], 'configs alone'),
        (['no.py'], 'does not exist'),
    ],
)
def test_wrong_input_is_one_line(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        tool.main([*arguments, '--out', str(tmp_path)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line

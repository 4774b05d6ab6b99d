"""The figures of tiling, of a tiny network with random weights."""

import json

import pytest
import torch
from PIL import Image

from tests.component_model import PIPELINE, disc_image
from tests.tiny_amt2 import build_model, detector_config


@pytest.fixture
def trained(tmp_path) -> tuple[str, str]:
    model = detector_config()
    checkpoint, config = tmp_path / 'weights.pth', tmp_path / 'config.json'
    torch.save(build_model(model).state_dict(), checkpoint)
    content = dict(model=model.to_dict(), test_pipeline=PIPELINE)
    config.write_text(json.dumps(content))
    return str(config), str(checkpoint)


@pytest.fixture
def images(tmp_path) -> str:
    folder = tmp_path / 'images'
    folder.mkdir()
    for seed in range(2):
        image = disc_image((90, 110), (10, 20), seed)
        Image.fromarray(image).save(folder / f'{seed}.png')
    return str(folder)


def test_figures_are_printed_and_written(
    load_tool, trained, images, tmp_path, capsys, monkeypatch
):
    tool = load_tool('analysis/check_tiling')
    out = tmp_path / 'figures.json'
    code = tool.main(
        [*trained, images, '--side', '200', '--tile', '96', '--overlap']
        + ['32', '--score-thr', '0', '--limit', '20', '--device', 'cpu']
        + ['--out', str(out)]
    )
    figures = json.loads(out.read_text())
    assert figures['images'] == 2
    assert figures['tiles'] == 9
    assert (figures['limit'], figures['least_objectness']) == (20, None)
    assert figures['num_whole'] > 5
    assert figures['num_tiled'] > 5
    matched = min(figures['whole_matched'], figures['tiled_matched'])
    assert code == int(matched < 0.995 or figures['mean_iou'] < 0.98)
    printed = capsys.readouterr().out
    assert f'{figures["num_whole"]} cells as a whole' in printed
    assert f'mean IoU {figures["mean_iou"]:.4f}' in printed


def test_a_mosaic_of_one_tile_is_refused(load_tool, trained, images, capsys):
    tool = load_tool('analysis/check_tiling')
    with pytest.raises(SystemExit) as exit_info:
        tool.main([*trained, images, '--side', '512', '--tile', '512'])
    assert exit_info.value.code == 2
    assert '--side 512 is not larger' in capsys.readouterr().err
    options = ['--side', '400', '--tile', '300', '--scale', '0.5']
    options += ['--overlap', '64']
    with pytest.raises(SystemExit) as exit_info:
        tool.main([*trained, images, *options])
    assert exit_info.value.code == 2
    assert 'shrinks the mosaic to 201 px' in capsys.readouterr().err

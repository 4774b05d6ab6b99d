import hashlib
from pathlib import Path

import pytest
import torch
from mmengine.hooks import EMAHook

from tests.tiny_amt2 import (
    build_model,
    detector_config,
    run_config,
    train,
)


def test_exports_the_averaged_weights_of_a_run(
    demo_data, tmp_path, load_tool, capsys
):
    ema = dict(type='EMAHook', momentum=0.3)
    config = run_config(
        demo_data,
        tmp_path / 'run',
        {'train_cfg.max_iters': 3, 'custom_hooks': [ema]},
    )
    runner, _ = train(config)
    checkpoint = tmp_path / 'run' / 'iter_3.pth'
    capsys.readouterr()
    load_tool('export_detector').main(
        [
            *(str(checkpoint), str(tmp_path / 'out' / 'detector.pth')),
            *('--trained-on', 'livecell'),
        ]
    )
    (written,) = (tmp_path / 'out').glob('*.pth')
    card = written.with_name(f'{written.stem}.model_card.md')
    assert capsys.readouterr().out.endswith(
        f'Wrote {written}\nModel card: {card}\n'
    )
    told = card.read_text()
    assert 'MaskRCNN for instance' in told or 'CascadeRCNN for' in told
    assert 'start of a fine-tuning' in told
    assert 'generated demo data' in told
    assert 'LIVECell' in told
    assert 'Not measured' in told
    assert hashlib.sha256(written.read_bytes()).hexdigest() in told
    assert hashlib.sha256(checkpoint.read_bytes()).hexdigest() in told

    stock = build_model(detector_config(), seed=3)
    exported = torch.load(written, weights_only=False)
    stock.load_state_dict(exported['state_dict'], strict=True)
    hook = next(one for one in runner.hooks if isinstance(one, EMAHook))
    averaged = hook.ema_model.module.state_dict()
    raw = runner.model.state_dict()
    for name, value in stock.state_dict().items():
        assert value.equal(averaged[name]), name
    name = 'roi_head.bbox_head.0.fc_cls.weight'
    assert not averaged[name].equal(raw[name])
    assert exported['meta']['iter'] == 3
    assert 'optimizer' not in exported


@pytest.mark.parametrize('content', [None, b'not a checkpoint'])
def test_unusable_checkpoint_is_one_line(
    tmp_path: Path, load_tool, capsys, content
):
    path = tmp_path / 'broken.pth'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        load_tool('export_detector').main([str(path), str(tmp_path / 'out')])
    assert stop.value.code == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith('error: ')
    assert 'broken.pth' in message

import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner

from cupre_mm.engine.hooks import InvalidLossHook
from cupre_mm.utils.errors import InvalidLossError
from tests.tiny_amt2 import run_config, train

NAN = float('nan')


class SpoilHeads(Hook):
    """Makes one weight of the mask heads NaN before the second iteration."""

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter == 1:
            head = runner.model.roi_head.mask_head[1]
            head.conv_logits.bias.data.fill_(NAN)


def test_tool_gives_the_invalid_loss_again(
    demo_data, tmp_path, load_tool, capsys
):
    with pytest.raises(InvalidLossError, match="the task 'det' had s1"):
        train(
            run_config(demo_data, tmp_path),
            InvalidLossHook(max_in_a_row=1),
            SpoilHeads(),
        )
    (path,) = tmp_path.glob('invalid_loss*.pth')
    capsys.readouterr()
    losses = load_tool('analysis/replay_invalid_loss').main([str(path)])
    assert {n for n, value in losses.items() if value.isnan()} == {
        's1.loss_mask'
    }
    printed = capsys.readouterr().out
    assert 'Iteration 2, task det, precision float32, images:' in printed
    assert str(demo_data / 'natural') in printed
    assert 'such as roi_head.mask_head.1.conv_logits.bias' in printed


def test_file_that_is_no_dump_is_one_line(tmp_path, load_tool, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_tool('analysis/replay_invalid_loss').main(
            [str(tmp_path / 'absent.pth')]
        )
    assert stopped.value.code == 2
    assert 'does not exist' in capsys.readouterr().err

from pathlib import Path

import pytest

from cupre_mm.utils.walkthrough_plans import PLANS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


@pytest.mark.parametrize('name', sorted(PLANS))
def test_steps_are_configs_and_start_from_earlier_steps(name):
    plan = PLANS[name]
    assert plan.name == name
    done = set()
    for config, initial in plan.pretraining.items():
        assert (CONFIGS / name / f'{config}.py').is_file()
        assert initial is None or initial in done
        done.add(config)
    assert 'scratch' in plan.arms
    for config, initial in plan.arms.values():
        assert (CONFIGS / name / f'{config}.py').is_file()
        assert initial is None or initial in done

import pytest

from cupre_mm.utils.own_labels.score_threshold import best_threshold


@pytest.mark.parametrize(
    ('f1', 'threshold'),
    [
        ({0.2: 0.7, 0.3: 0.9, 0.5: 0.8}, 0.3),
        ({0.2: 0.9, 0.4: 0.9, 0.5: 0.8}, 0.4),  # nearest to 0.5
        ({0.4: 0.9, 0.6: 0.9}, 0.6),
        ({0.2: 0.0, 0.5: 0.0, 0.7: 0.0}, 0.5),
    ],
)
def test_the_best_f1_decides_and_then_the_usual_threshold(f1, threshold):
    assert best_threshold(f1) == threshold

import numpy as np

from cupre_mm.apis.detection import Detection
from cupre_mm.utils.cropped_masks import CroppedMask


def test_centre_is_row_and_column_of_the_box():
    mask = CroppedMask(10, 20, np.ones((4, 6), bool))
    one = Detection(mask, np.array([20, 10, 26, 14]), 0.5, 0)
    assert one.centre == (12, 23)

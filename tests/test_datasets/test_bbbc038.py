from cupre_mm.datasets import BBBC038Dataset, CheckedCocoDataset


def test_one_class_and_the_commands_that_make_it():
    assert issubclass(BBBC038Dataset, CheckedCocoDataset)
    assert BBBC038Dataset.METAINFO['classes'] == ('nucleus',)
    assert 'make_splits.py' in BBBC038Dataset.HOW_TO_GET

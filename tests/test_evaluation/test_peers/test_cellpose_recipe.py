"""How Cellpose is trained from scratch, by its own documentation."""

from cupre_mm.evaluation.peers.cellpose_recipe import CellposeRecipe


def test_documented_recipe_deviates_in_nothing():
    assert CellposeRecipe().deviations() == []


def test_deviations_name_both_values():
    recipe = CellposeRecipe(n_epochs=20, amp='bfloat16')
    assert recipe.deviations() == [
        'n_epochs=20 (documented: 500)',
        'amp=bfloat16 (documented: None)',
    ]

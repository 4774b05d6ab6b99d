"""How Cellpose is trained from scratch, by its own documentation."""

from cupre_mm.evaluation.peers.cellpose_recipe import CellposeRecipe


def test_documented_values_are_those_of_cellpose_3_1():
    # The defaults of its command line, and the diameter of its nucleus model.
    recipe = CellposeRecipe()
    assert (recipe.learning_rate, recipe.weight_decay) == (0.2, 1e-5)
    assert (recipe.n_epochs, recipe.batch_size) == (500, 8)
    assert (recipe.min_train_masks, recipe.nimg_per_epoch) == (5, None)
    assert (recipe.flow_threshold, recipe.cellprob_threshold) == (0.4, 0.0)
    assert recipe.min_size == 15
    assert (recipe.diam_mean, recipe.channels) == (17.0, (0, 0))
    assert (recipe.size_model, recipe.amp) == (True, None)


def test_documented_recipe_deviates_in_nothing():
    assert CellposeRecipe().deviations() == []


def test_deviations_name_both_values():
    recipe = CellposeRecipe(n_epochs=20, amp='bfloat16')
    assert recipe.deviations() == [
        'n_epochs=20 (documented: 500)',
        'amp=bfloat16 (documented: None)',
    ]

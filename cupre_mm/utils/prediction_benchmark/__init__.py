"""Images, stock predictors and scores for the benchmark of prediction."""

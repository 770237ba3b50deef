"""How sure an estimate is: clusters, resampling and sandwich variances, and the two estimators built on them."""

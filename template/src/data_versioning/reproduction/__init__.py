"""Results where the data is not: are they up to date, bring them up to date, prove them."""

"""Great Expectations at the landing: what a source delivered is held against what is expected."""

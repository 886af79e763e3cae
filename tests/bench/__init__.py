"""`make bench`: the budgets of the design, measured. One file = one measure; each exports BENCH."""

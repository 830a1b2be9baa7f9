"""What a dataset promises, held against each batch on its way: rules, totals, profiles, and the rows set aside."""

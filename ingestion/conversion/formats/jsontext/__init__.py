"""JSON as typed record batches: from blocks of text to values, from values to types, from types to batches."""

"""Workbooks of every kind, cut into the same cells: one module a file format, and ``columns`` that types them."""

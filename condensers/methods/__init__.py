"""One file for each published method, its variants beside it: the defaults of its parts.

The rooms are the three kinds of objectives of Yu, Liu & Wang, "Dataset Distillation: A
Comprehensive Review" (TPAMI 2023).
"""

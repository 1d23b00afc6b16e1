"""What cell spaces and their networks both name: cells, edges, and a letter for each operation.

Imports nothing.
"""

DARTS_CELLS = ("normal", "reduce")
DARTS_LETTERS = {
    "max_pool_3x3": "m",
    "avg_pool_3x3": "a",
    "skip_connect": "s",
    "sep_conv_3x3": "3",
    "sep_conv_5x5": "5",
    "dil_conv_3x3": "d",
    "dil_conv_5x5": "e",
}
NAS_BENCH_EDGES = ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")
NAS_BENCH_LETTERS = {
    "none": "0",
    "skip_connect": "s",
    "conv_1x1": "1",
    "conv_3x3": "3",
    "avg_pool_3x3": "a",
}
